/* Several threads encode with one tokenizer, each with its own encoding; each gets the same result as alone. Run with
 * ThreadSanitizer too. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/tokenizer_help.h"

static const char words[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nfine\nfi\n##lm\n##l\n##m\ndull\n##er\n"
                            "1\n2\n##3\n!\n";

enum { USERS = 3, TEXTS = 200, ROOM = 96 };

typedef struct user {
    const bertc_tokenizer *tokenizer;
    pthread_barrier_t *start;
    int number;
    int32_t ids[TEXTS][ROOM];
    size_t counts[TEXTS];
    bertc_status status;
} user;

/* A text with accents, bad bytes, special tokens and long words, which all have their own code paths. */
static int write_text(const user *u, int i, char *text, size_t size)
{
    return snprintf(text, size, "A f\xc3\xad" "lm%d [SEP] \xff Dull%*s! fi%dlm \xe4\xb8\xad[E1] FINE%c", i % 4,
                    i % 30, "er", u->number, 'a' + i % 26);
}

static void encode_all(user *u)
{
    bertc_encoding encoding = {0};
    for (int i = 0; i < TEXTS && u->status == BERTC_OK; i++) {
        char text[ROOM];
        int n = write_text(u, i, text, sizeof text);
        const char *second = i % 2 ? "a dull one" : NULL;
        u->status = bertc_tokenizer_encode(u->tokenizer, &encoding, text, (size_t)n, second, 10, 40, NULL);
        if (u->status != BERTC_OK) break;
        u->counts[i] = encoding.count;
        memcpy(u->ids[i], encoding.ids, encoding.count * sizeof *encoding.ids);
    }
    bertc_encoding_clear(&encoding);
}

static void *work(void *argument)
{
    user *u = argument;
    pthread_barrier_wait(u->start);
    encode_all(u);
    return NULL;
}

static void check_parity(int parity)
{
    static user users[USERS], alone;
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    options.parity = (bertc_parity)parity;
    tokens t = tokens_open(words, sizeof words - 1, &options);
    pthread_t threads[USERS];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, USERS);
    for (int i = 0; i < USERS; i++) {
        users[i] = (user){.tokenizer = t.tokenizer, .start = &start, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &users[i]), 0);
    }
    for (int i = 0; i < USERS; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
    for (int i = 0; i < USERS; i++) {
        alone = (user){.tokenizer = t.tokenizer, .number = i};
        encode_all(&alone);
        assert_int_equal(users[i].status, BERTC_OK);
        assert_memory_equal(users[i].counts, alone.counts, sizeof alone.counts);
        assert_memory_equal(users[i].ids, alone.ids, sizeof alone.ids);
        assert_true(alone.counts[0] > 5);
    }
    tokens_close(&t);
}

static void test_at_once(void **state)
{
    (void)state;
    for (int parity = BERTC_HF_FAST; parity <= BERTC_GOOGLE; parity++) check_parity(parity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
