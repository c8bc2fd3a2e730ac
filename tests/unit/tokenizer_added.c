/* Added tokens with their flags: where they are found, and how the text between them is split. The expected ids and
 * offsets come from the Rust package tokenizers 0.23.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/tokenizer_help.h"

static const char words[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nab\nabc\n##a\n##b\n##c\nx\n##x\n[\n]\nmask\n\xE4\xB8\xAD\nfoo\n"
    "bar\n##bar\n##foo\nnew\nyork\n.\n_\n-\n";

typedef enum set { ALONE, CONSUMED, NORMALIZED, NORMALIZED_CASED, ALL, CJK, STRIPPED, BOTH, SETS } set;

/* The tokens of each set. Tokens that are not words get the ids 28, 29, ... in this order. */
static const struct {
    bool cased;
    int32_t count;
    bertc_added_token tokens[3];
} sets[SETS] = {
    [ALONE] = {.count = 1, .tokens = {{.text = "zq", .id = -1, .single_word = true}}},
    [CONSUMED] = {.count = 3,
                  .tokens = {{.text = "ab", .id = 8, .single_word = true},
                             {.text = "b", .id = -1},
                             {.text = "zqx", .id = 28}}},
    [NORMALIZED] = {.count = 2,
                    .tokens = {{.text = "New York", .id = -1, .normalized = true},
                               {.text = "[MASK]", .id = -1, .normalized = true}}},
    [NORMALIZED_CASED] = {.cased = true,
                          .count = 2,
                          .tokens = {{.text = "New York", .id = -1, .normalized = true},
                                     {.text = "[MASK]", .id = -1, .normalized = true}}},
    [ALL] = {.count = 1,
             .tokens = {{.text = "Foo", .id = -1, .normalized = true, .single_word = true,
                         .lstrip = true, .rstrip = true}}},
    [CJK] = {.count = 2,
             .tokens = {{.text = "\xE4\xB8\xADX", .id = -1, .normalized = true},
                        {.text = "x", .id = -1, .normalized = true, .single_word = true}}},
    [STRIPPED] = {.count = 3,
                  .tokens = {{.text = "zq", .id = -1, .lstrip = true, .rstrip = true},
                             {.text = " b", .id = -1},
                             {.text = "a", .id = -1, .rstrip = true}}},
    [BOTH] = {.count = 2, .tokens = {{.text = "zq", .id = -1, .normalized = true}, {.text = "Zq", .id = -1}}},
};

static const struct {
    set set;
    const char *text;
    size_t count;
    struct {
        int32_t id;
        uint32_t begin, end;
    } tokens[5];
} cases[] = {
    /* alone */
    {ALONE, "zq", 1, {{28, 0, 2}}},
    {ALONE, "xzq", 1, {{1, 0, 3}}},
    {ALONE, "zq_", 2, {{1, 0, 2}, {26, 2, 3}}},
    {ALONE, "_zq", 2, {{26, 0, 1}, {1, 1, 3}}},
    {ALONE, "zq-x", 3, {{28, 0, 2}, {27, 2, 3}, {13, 3, 4}}},
    {ALONE, "zq\xC2\xB2", 2, {{28, 0, 2}, {1, 2, 4}}},
    {ALONE, "\xD9\xA3zq", 1, {{1, 0, 4}}},
    {ALONE, "zq\xE4\xB8\xAD", 2, {{1, 0, 2}, {18, 2, 5}}},
    {ALONE, "zq\xCC\x81", 1, {{1, 0, 2}}},
    {ALONE, "\xE2\x80\x8Dzq", 1, {{1, 3, 5}}},
    {ALONE, "zq\xC2\xADx", 2, {{28, 0, 2}, {13, 4, 5}}},
    {ALONE, "zqzq", 1, {{1, 0, 4}}},
    {ALONE, "zq.zq", 3, {{28, 0, 2}, {25, 2, 3}, {28, 3, 5}}},
    /* consumed */
    {CONSUMED, "xab", 3, {{13, 0, 1}, {10, 1, 2}, {11, 2, 3}}},
    {CONSUMED, "ab b", 2, {{8, 0, 2}, {6, 3, 4}}},
    {CONSUMED, "abx", 2, {{8, 0, 2}, {14, 2, 3}}},
    {CONSUMED, "zqxb", 2, {{28, 0, 3}, {6, 3, 4}}},
    {CONSUMED, "zqab", 1, {{1, 0, 4}}},
    /* normalized */
    {NORMALIZED, "new york", 1, {{28, 0, 8}}},
    {NORMALIZED, "NEW\xC2\xA0YORK", 1, {{28, 0, 9}}},
    {NORMALIZED, "N\xC3\xA9w Y\xC3\xB3rkx", 2, {{28, 0, 10}, {13, 10, 11}}},
    {NORMALIZED, "xnew york", 2, {{13, 0, 1}, {28, 1, 9}}},
    {NORMALIZED, "new  york", 2, {{23, 0, 3}, {24, 5, 9}}},
    {NORMALIZED, "[Mask]a", 2, {{4, 0, 6}, {5, 6, 7}}},
    {NORMALIZED, "[mask", 2, {{15, 0, 1}, {17, 1, 5}}},
    {NORMALIZED, "\xE4\xB8\xAD[MASK]", 2, {{18, 0, 3}, {4, 3, 9}}},
    {NORMALIZED, "new\xE2\x80\x8B york", 1, {{28, 0, 11}}},
    /* normalized cased */
    {NORMALIZED_CASED, "new york", 2, {{23, 0, 3}, {24, 4, 8}}},
    {NORMALIZED_CASED, "New\x09York", 1, {{28, 0, 8}}},
    {NORMALIZED_CASED, "New York", 1, {{28, 0, 8}}},
    {NORMALIZED_CASED, "[Mask]", 3, {{15, 0, 1}, {1, 1, 5}, {16, 5, 6}}},
    {NORMALIZED_CASED, "[MASK]", 1, {{4, 0, 6}}},
    /* all */
    {ALL, "a FOO b", 3, {{5, 0, 1}, {28, 1, 6}, {6, 6, 7}}},
    {ALL, "aFoo b", 3, {{5, 0, 1}, {22, 1, 4}, {6, 5, 6}}},
    {ALL, " foo ", 1, {{28, 0, 5}}},
    {ALL, "foo\xE4\xB8\xAD", 2, {{28, 0, 6}, {18, 3, 6}}},
    {ALL, "\xE4\xB8\xAD foo", 2, {{18, 0, 3}, {28, 0, 7}}},
    {ALL, "foo,  foo", 3, {{28, 0, 3}, {1, 3, 4}, {28, 4, 9}}},
    {ALL, "a  foo\xE3\x80\x80" "b", 3, {{5, 0, 1}, {28, 1, 9}, {6, 9, 10}}},
    {ALL, "foo\xCC\x81 x", 2, {{28, 0, 6}, {13, 6, 7}}},
    /* cjk */
    {CJK, "\xE4\xB8\xADx", 1, {{28, 0, 4}}},
    {CJK, "\xE4\xB8\xAD x", 2, {{18, 0, 3}, {13, 4, 5}}},
    {CJK, "a\xE4\xB8\xAD  x", 3, {{5, 0, 1}, {18, 1, 4}, {13, 6, 7}}},
    {CJK, "a\xE4\xB8\xAD xb", 4, {{5, 0, 1}, {18, 1, 4}, {13, 5, 6}, {11, 6, 7}}},
    {CJK, "x\xE4\xB8\xAD", 2, {{13, 0, 1}, {18, 1, 4}}},
    {CJK, "x", 1, {{13, 0, 1}}},
    /* stripped */
    {STRIPPED, "x  zq  y", 3, {{13, 0, 1}, {28, 1, 7}, {1, 7, 8}}},
    {STRIPPED, "zq zq", 2, {{28, 0, 3}, {28, 3, 5}}},
    {STRIPPED, "a b", 2, {{5, 0, 2}, {29, 1, 3}}},
    {STRIPPED, "a  b", 2, {{5, 0, 3}, {29, 2, 4}}},
    {STRIPPED, "x\xE2\x80\x83zq", 2, {{13, 0, 1}, {28, 1, 6}}},
    /* both */
    {BOTH, "zq Zq ZQ", 3, {{28, 0, 2}, {29, 3, 5}, {28, 6, 8}}},
    {BOTH, "xZqzq", 3, {{13, 0, 1}, {29, 1, 3}, {28, 3, 5}}},
};

static bertc_tokenizer_options options_of(set which)
{
    bertc_tokenizer_options o = bertc_tokenizer_defaults();
    o.do_lower_case = !sets[which].cased;
    o.added_count = sets[which].count;
    memcpy(o.added, sets[which].tokens, sizeof sets[which].tokens);
    return o;
}

static void test_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_tokenizer_options o = options_of(cases[i].set);
        tokens t = tokens_open(words, sizeof words - 1, &o);
        assert_int_equal(tokens_encode(&t, cases[i].text, strlen(cases[i].text), NULL, 0, 0), BERTC_OK);
        if (t.encoding.count != cases[i].count + 2) fail_msg("\"%s\": %zu tokens", cases[i].text, t.encoding.count);
        for (size_t k = 0; k < cases[i].count; k++)
            if (t.encoding.ids[k + 1] != cases[i].tokens[k].id || t.encoding.begin[k + 1] != cases[i].tokens[k].begin ||
                t.encoding.end[k + 1] != cases[i].tokens[k].end)
                fail_msg("\"%s\": token %zu is %d at [%u, %u)", cases[i].text, k,
                         (int)t.encoding.ids[k + 1], t.encoding.begin[k + 1], t.encoding.end[k + 1]);
        tokens_close(&t);
    }
}

/* Ill-formed bytes next to a token act as U+FFFD, which is neither part of a word nor white space; each sequence is
 * counted once. */
static void test_invalid(void **state)
{
    (void)state;
    bertc_tokenizer_options o = options_of(ALL);
    tokens t = tokens_open(words, sizeof words - 1, &o);
    static const char text[] = "\xFF foo\xE2\x82 x\x80";
    assert_int_equal(tokens_encode(&t, text, sizeof text - 1, NULL, 0, 0), BERTC_OK);
    assert_int_equal(t.encoding.count, 4);
    assert_int_equal(t.encoding.invalid, 3);
    assert_int_equal(t.encoding.ids[1], 28);
    assert_int_equal(t.encoding.ids[2], 13);
    tokens_close(&t);
    o = options_of(ALONE);
    t = tokens_open(words, sizeof words - 1, &o);
    static const char raw[] = "\xD9zq\x80 \xA3zq \xD9\xA3zq"; /* the two bytes of U+0663, a digit, apart and together */
    assert_int_equal(tokens_encode(&t, raw, sizeof raw - 1, NULL, 0, 0), BERTC_OK);
    assert_int_equal(t.encoding.count, 5);
    assert_int_equal(t.encoding.ids[1], 28);
    assert_int_equal(t.encoding.ids[2], 28);
    assert_int_equal(t.encoding.ids[3], 1);
    assert_int_equal(t.encoding.invalid, 3);
    tokens_close(&t);
}

/* In a text of many tokens, the text between them is normalised once. */
static void test_many(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    char *text = malloc(COUNT * 5);
    assert_non_null(text);
    for (size_t i = 0; i < COUNT; i++) memcpy(text + 5 * i, "x Foo", 5);
    bertc_tokenizer_options o = options_of(ALL);
    o.added[0].single_word = false;
    tokens t = tokens_open(words, sizeof words - 1, &o);
    assert_int_equal(tokens_encode(&t, text, COUNT * 5, NULL, 0, 0), BERTC_OK);
    assert_int_equal(t.encoding.count, 2 * COUNT + 2);
    for (size_t i = 1; i <= 2 * COUNT; i++) assert_int_equal(t.encoding.ids[i], i % 2 ? 13 : 28);
    free(text);
    tokens_close(&t);
}

static void refuse(const bertc_tokenizer_options *o, bertc_status expected, const char *message)
{
    bertc_vocab *vocab;
    bertc_tokenizer *tokenizer;
    bertc_error err = {0};
    assert_int_equal(bertc_vocab_parse(words, sizeof words - 1, "v", &vocab, NULL), BERTC_OK);
    assert_int_equal(bertc_tokenizer_create(vocab, o, &tokenizer, &err), expected);
    assert_string_equal(err.message, message);
    assert_null(tokenizer);
    bertc_vocab_free(vocab);
}

static void test_refused(void **state)
{
    (void)state;
    bertc_tokenizer_options o = options_of(CONSUMED);
    o.added[2].id = 30;
    refuse(&o, BERTC_INPUT, "v: the added token zqx has id 30 in the tokenizer's files, but 28 is the next free one");
    o = options_of(CONSUMED);
    o.added[0].id = 9;
    refuse(&o, BERTC_INPUT, "v: the added token ab has id 9 in the tokenizer's files, but 8 in the vocabulary");
    o = options_of(NORMALIZED);
    strcpy(o.added[1].text, "N\xC3\xA8W yorK");
    refuse(&o, BERTC_INPUT, "v: the added tokens New York and N\xC3\xA8W yorK have the same normalised form");
    o = options_of(ALL);
    o.parity = BERTC_HF_SLOW;
    refuse(&o, BERTC_INPUT, "the added token Foo is normalized; only the tokenizer hf-fast supports such tokens");
    o = options_of(ALONE);
    o.parity = BERTC_HF_SLOW;
    refuse(&o, BERTC_INPUT, "the added token zq is single_word; only the tokenizer hf-fast supports such tokens");
    memset(o.added[0].text, 'x', sizeof o.added[0].text);
    refuse(&o, BERTC_USAGE, "tokenizer options: a value is out of range, or a string is not NUL-terminated");
    o.added_count = BERTC_MAX_ADDED_TOKENS + 1;
    refuse(&o, BERTC_USAGE, "41 added tokens, expected at most 40");
}

/* A token whose normalised form is empty is never found, and causes no endless loop. */
static void test_nothing_left(void **state)
{
    (void)state;
    bertc_tokenizer_options o = options_of(NORMALIZED);
    strcpy(o.added[0].text, "\xCC\x81\x01");
    tokens t = tokens_open(words, sizeof words - 1, &o);
    tokens_expect(&t, "a\xCC\x81 b\x01", 6, "a b");
    tokens_close(&t);
}

/* Words and added tokens have one range of ids. */
static void test_size(void **state)
{
    (void)state;
    bertc_tokenizer_options o = options_of(STRIPPED);
    tokens t = tokens_open(words, sizeof words - 1, &o);
    size_t length;
    assert_int_equal(bertc_tokenizer_size(t.tokenizer), 30);
    assert_memory_equal(bertc_tokenizer_word(t.tokenizer, 5, &length), "a", 1);
    assert_int_equal(length, 1);
    assert_string_equal(bertc_tokenizer_word(t.tokenizer, 29, &length), " b");
    assert_int_equal(length, 2);
    tokens_close(&t);
    /* Two special tokens that the vocabulary lacks get the ids after it, as in the reference. */
    t = tokens_open("[UNK]\n[CLS]\n[SEP]\na\n", 20, NULL);
    assert_int_equal(bertc_tokenizer_size(t.tokenizer), 6);
    assert_int_equal(tokens_encode(&t, "a[MASK]", 7, NULL, 0, 0), BERTC_OK);
    assert_int_equal(t.encoding.ids[2], 5);
    tokens_close(&t);
    /* A repeated word is counted once. */
    o = options_of(ALONE);
    t = tokens_open("[UNK]\n[CLS]\n[SEP]\na\na\na\n", 24, &o);
    assert_int_equal(tokens_encode(&t, "zq", 2, NULL, 0, 0), BERTC_OK);
    assert_int_equal(t.encoding.ids[1], 4);
    tokens_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference), cmocka_unit_test(test_invalid), cmocka_unit_test(test_many),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_size),    cmocka_unit_test(test_nothing_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
