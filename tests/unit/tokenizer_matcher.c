/* The matcher of the bytes after a first piece, compared with a plain longest match: each piece is the longest
 * substring that is a word of the vocabulary. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tokenizer/tokenizer.h"
#include "unit/tokenizer_help.h"

enum { MAX = 60, WORDS = 40, LONGEST = 9 };

/* A linear congruential generator: the same words on every machine. */
static uint64_t seed;

static size_t draw(size_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(seed >> 33) % below;
}

static size_t draw_letters(char *to, size_t max, size_t alphabet)
{
    size_t length = 1 + draw(max);
    for (size_t i = 0; i < length; i++) to[i] = (char)('a' + draw(alphabet));
    return length;
}

/* A vocabulary of random words, half of them continuations. */
static size_t draw_vocabulary(char *text, const char *prefix, size_t alphabet)
{
    size_t used = (size_t)sprintf(text, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n");
    for (size_t word = 0; word < WORDS; word++) {
        if (word % 2) used += (size_t)sprintf(text + used, "%s", prefix);
        used += draw_letters(text + used, word < 8 ? 1 : LONGEST, alphabet);
        text[used++] = '\n';
    }
    return used;
}

/* The ids and ends of a word's pieces; returns their number, 0 if it cannot be split. */
static size_t cut(const tokens *t, const char *prefix, const char *word, size_t length,
                  int32_t ids[MAX], size_t ends[MAX])
{
    size_t count = 0;
    for (size_t begin = 0, end; begin < length; begin = end) {
        char piece[MAX + 8];
        int32_t id = -1;
        for (end = length; end > begin; end--) {
            size_t used = begin > 0 ? (size_t)sprintf(piece, "%s", prefix) : 0;
            memcpy(piece + used, word + begin, end - begin);
            id = bertc_vocab_id(t->vocab, piece, used + end - begin);
            if (id >= 0) break;
        }
        if (id < 0) return 0;
        ids[count] = id;
        ends[count++] = end;
    }
    return count;
}

static void expect_cut(tokens *t, const char *prefix, const char *word, size_t length)
{
    int32_t ids[MAX];
    size_t ends[MAX], count = cut(t, prefix, word, length, ids, ends);
    assert_int_equal(tokens_encode(t, word, length, NULL, 0, 0), BERTC_OK);
    if (count == 0) {
        assert_int_equal(t->encoding.count, 3);
        assert_int_equal(t->encoding.ids[1], 1);
        assert_int_equal(t->encoding.end[1], length);
        return;
    }
    assert_int_equal(t->encoding.count, count + 2);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(t->encoding.ids[i + 1], ids[i]);
        assert_int_equal(t->encoding.begin[i + 1], i ? ends[i - 1] : 0);
        assert_int_equal(t->encoding.end[i + 1], ends[i]);
    }
}

static void try_vocabulary(const char *prefix, size_t alphabet, size_t *whole)
{
    char text[2048], word[MAX];
    int32_t ids[MAX];
    size_t ends[MAX];
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    snprintf(options.prefix, sizeof options.prefix, "%s", prefix);
    tokens t = tokens_open(text, draw_vocabulary(text, prefix, alphabet), &options);
    for (int i = 0; i < 200; i++) {
        size_t length = draw_letters(word, MAX, alphabet);
        expect_cut(&t, prefix, word, length);
        *whole += cut(&t, prefix, word, length, ids, ends) > 3;
    }
    tokens_close(&t);
}

/* Prefixes that no word has, a prefix that some words have, and an empty prefix. */
static void test_random(void **state)
{
    static const char *const prefixes[] = {"##", "a", "ab", ""};
    (void)state;
    for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes; p++) {
        size_t whole = 0;
        seed = 2026 + p;
        for (int i = 0; i < 100; i++) try_vocabulary(prefixes[p], 2 + (size_t)i % 3, &whole);
        assert_true(whole > 1000);
    }
}

/* Worked out by hand: at "c" the walk through ##abcd has taken a and is at ##bc; at "x" it takes b and c. */
static void test_by_hand(void **state)
{
    static const char words[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
                                "x\n##a\n##abcd\n##b\n##bce\n##c\n##x\n##d\n";
    (void)state;
    tokens t = tokens_open(words, sizeof words - 1, NULL);
    tokens_expect(&t, "xabcd", 5, "x ##abcd");
    tokens_expect(&t, "xabce", 5, "x ##a ##bce");
    tokens_expect(&t, "xabcx", 5, "x ##a ##b ##c ##x");
    tokens_expect(&t, "xabc", 4, "x ##a ##b ##c");
    tokens_expect(&t, "xabce" "abcd", 9, "x ##a ##bce ##abcd");
    tokens_expect(&t, "xabcf", 5, "[UNK]");
    tokens_expect(&t, "abcd", 4, "[UNK]");
    tokens_close(&t);
}

/* Every node of a long word fails after different pieces; the number of stored pieces is still linear in the
 * vocabulary. */
static void test_size(void **state)
{
    enum { LENGTH = 4000, LETTERS = 26 };
    static char text[LENGTH + LETTERS * 4 + 64];
    (void)state;
    seed = 7;
    size_t used = (size_t)sprintf(text, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##");
    for (int i = 0; i < LENGTH; i++) text[used++] = (char)('a' + draw(LETTERS));
    for (int i = 0; i < LETTERS; i++) used += (size_t)sprintf(text + used, "\n##%c", 'a' + i);
    tokens t = tokens_open(text, used, NULL);
    assert_true(t.tokenizer->continuation.count >= LENGTH);
    assert_true(t.tokenizer->continuation.count <= 2 * used);
    tokens_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
