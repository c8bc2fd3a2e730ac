/* The fast path of plain text: runs compared with their plain twin, the table with the vocabulary, and whole texts with
 * the slow path through normalisation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tokenizer/short_words.h"
#include "unit/tokenizer_help.h"

enum { MAX = 40 };

/* The next number below `max` of a fixed sequence. */
static size_t draw(size_t max)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(state >> 33) % max;
}

/* Every start in a text in a block of exactly its length, so that a sanitizer sees any read beyond the end. */
static void check_runs(const unsigned char *bytes, size_t length)
{
    unsigned char *text = malloc(length);
    assert_non_null(text);
    memcpy(text, bytes, length);
    for (size_t at = 0; at < length; at++)
        for (unsigned fold = 0; fold <= 0x20; fold += 0x20) {
            bc_word_key key, twin;
            size_t n = bc_ascii_run(text, at, length, (unsigned char)fold, &key);
            assert_int_equal(n, bc_ascii_run_plain(text, at, length, (unsigned char)fold, &twin));
            assert_true(n == BC_ASCII_RUN || (key.low == twin.low && key.high == twin.high));
        }
    free(text);
}

static void test_runs(void **state)
{
    (void)state;
    unsigned char text[MAX];
    for (size_t length = 1; length <= MAX; length++)
        for (unsigned byte = 0; byte < 256; byte++) {
            for (size_t i = 0; i < length; i++) text[i] = (unsigned char)"aZ09mzA5"[draw(8)];
            text[draw(length)] = (unsigned char)byte;
            check_runs(text, length);
        }
}

static void test_key(void **state)
{
    (void)state;
    bc_word_key key;
    assert_int_equal(bc_ascii_run_plain((const unsigned char *)"Ab9-z", 0, 5, 0x20, &key), 3);
    assert_int_equal(key.low, 'a' | 'b' << 8 | '9' << 16);
    assert_int_equal(key.high, 0);
    assert_int_equal(bc_ascii_run_plain((const unsigned char *)"123456789A", 0, 10, 0, &key), 10);
    assert_int_equal(key.high, '9' | 'A' << 8);
}

static int32_t find(const bc_short_words *words, const char *word)
{
    bc_word_key key;
    bc_ascii_run_plain((const unsigned char *)word, 0, strlen(word), 0, &key);
    return bc_short_words_find(words, key);
}

static void test_table(void **state)
{
    (void)state;
    static const char lines[] = "[UNK]\nzero\nOne\nt-wo\nthree\nzero\n\nabcdefghijklmno\nabcdefghijklmnop\n7\n";
    unsigned char lower[256];
    bertc_vocab *vocab;
    bc_short_words words;
    for (unsigned i = 0; i < 256; i++) lower[i] = (unsigned char)(i >= 'A' && i <= 'Z' ? i + 32 : i);
    assert_int_equal(bertc_vocab_parse(lines, sizeof lines - 1, "lines", &vocab, NULL), BERTC_OK);
    assert_int_equal(bc_short_words_build(&words, vocab, 15, lower, NULL), BERTC_OK);
    assert_int_equal(find(&words, "zero"), 5); /* the last of two lines */
    assert_int_equal(find(&words, "three"), 4);
    assert_int_equal(find(&words, "abcdefghijklmno"), 7);
    assert_int_equal(find(&words, "7"), 9);
    assert_int_equal(find(&words, "One"), -1); /* no lowered text contains it */
    assert_int_equal(find(&words, "t"), -1);
    assert_int_equal(find(&words, "four"), -1);
    bc_short_words_free(&words);
    assert_int_equal(bc_short_words_build(&words, vocab, 4, lower, NULL), BERTC_OK);
    assert_int_equal(find(&words, "zero"), 5);
    assert_int_equal(find(&words, "three"), -1); /* too long */
    bc_short_words_free(&words);
    bertc_vocab_free(vocab);
}

/* Thousands of words are all found, and other words are not. */
static void test_many(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    char *lines = malloc((COUNT + 1) * 8);
    unsigned char lower[256];
    size_t used = 0;
    bertc_vocab *vocab;
    bc_short_words words;
    assert_non_null(lines);
    used += (size_t)sprintf(lines, "[UNK]\n");
    for (unsigned i = 0; i < 256; i++) lower[i] = (unsigned char)i;
    for (int i = 0; i < COUNT; i++) used += (size_t)sprintf(lines + used, "w%d\n", 2 * i);
    assert_int_equal(bertc_vocab_parse(lines, used, "lines", &vocab, NULL), BERTC_OK);
    assert_int_equal(bc_short_words_build(&words, vocab, 100, lower, NULL), BERTC_OK);
    for (int i = 0; i < 2 * COUNT; i++) {
        char word[16];
        snprintf(word, sizeof word, "w%d", i);
        assert_int_equal(find(&words, word), i % 2 ? -1 : 1 + i / 2);
    }
    bc_short_words_free(&words);
    bertc_vocab_free(vocab);
    free(lines);
}

static const char vocabulary[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nab\n##a\n##b\n##ab\nab9\n9\n##9\nA\nAb\n.\n-\n!\n"
    "aaaaaaaaaaaaaaa\naaaaaaaaaaaaaaaa\n\xE2\x80\x99\n\xE2\x80\x94\n\xE2\x80\xA6\n";

/* Random words and punctuation. Each stretch ends with a space, and in `marked` with a DEL and a space: DEL is dropped,
 * but makes its stretch take the slow path. */
static void write_texts(char *plain, char *marked)
{
    static const char *const units[] = {
        "a", "b", "ab", "AB", "9", "ab9", "x", "abab", "aaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ".", "-", "!", "[MASK]", "#",
        "\xE2\x80\x99", "\xE2\x80\x94", "\xE2\x80\xA6", "\xE2\x80\x9C",
        "\xE2\x80\xB9"};
    *plain = *marked = '\0';
    for (size_t n = 1 + draw(12); n > 0; n--) {
        const char *unit = units[draw(sizeof units / sizeof *units)];
        strcat(plain, unit);
        strcat(marked, unit);
        if (draw(3) > 0 && n > 1) continue;
        strcat(plain, "\t");
        strcat(marked, "\x7F\t");
    }
}

static void test_both_ways(void **state)
{
    (void)state;
    for (int variant = 0; variant < 12; variant++) {
        bertc_tokenizer_options options = bertc_tokenizer_defaults();
        options.parity = (bertc_parity)(variant / 4);
        options.do_lower_case = variant & 1;
        options.max_word_chars = variant & 2 ? 15 : 0;
        tokens t = tokens_open(vocabulary, sizeof vocabulary - 1, &options);
        for (int i = 0; i < 2000; i++) {
            char plain[1024], marked[1024];
            int32_t ids[1024];
            write_texts(plain, marked);
            assert_int_equal(tokens_encode(&t, plain, strlen(plain), NULL, 0, 0), BERTC_OK);
            size_t count = t.encoding.count;
            memcpy(ids, t.encoding.ids, count * sizeof *ids);
            assert_int_equal(tokens_encode(&t, marked, strlen(marked), NULL, 0, 0), BERTC_OK);
            assert_int_equal(t.encoding.count, count);
            assert_memory_equal(t.encoding.ids, ids, count * sizeof *ids);
        }
        tokens_close(&t);
    }
}

/* Punctuation has the offsets of its own bytes. */
static void test_offsets(void **state)
{
    (void)state;
    static const char text[] = "ab\xE2\x80\x99" "a, ab9.";
    static const uint32_t spans[][2] = {{0, 0}, {0, 2}, {2, 5}, {5, 6}, {6, 7}, {8, 11}, {11, 12}};
    tokens t = tokens_open(vocabulary, sizeof vocabulary - 1, NULL);
    assert_int_equal(tokens_encode(&t, text, sizeof text - 1, NULL, 0, 0), BERTC_OK);
    assert_int_equal(t.encoding.count, 8);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(t.encoding.begin[i], spans[i][0]);
        assert_int_equal(t.encoding.end[i], spans[i][1]);
    }
    tokens_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs), cmocka_unit_test(test_key),       cmocka_unit_test(test_table),
        cmocka_unit_test(test_many), cmocka_unit_test(test_both_ways), cmocka_unit_test(test_offsets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
