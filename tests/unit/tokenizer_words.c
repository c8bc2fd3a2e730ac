/* Text to pieces: every quirk of the three references, worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/tokenizer_help.h"

static const char words[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
    "a\nb\nun\n##aff\n##able\nhello\nworld\n##s\n,\n.\n=\n[\n]\n!\ncls\nCLS\nHello\n[unused0]\nunused\n##0\n"
    "\xCF\x83\n\xCF\x82\n\xCE\xB1\n##\xCF\x83\n##\xCF\x82\ni\n##\xCC\x87\ne\n\xC3\xA9\n"
    "\xE4\xB8\xAD\n\xE8\xB1\x88\n\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB\n\xED\x95\x9C\n\xE2\x89\xA0\n##a\n##b\n"
    "\xE2\x82\xAC\n##\xE2\x82\xAC\n\xE2\x80\x9C\nI\n\xC4\xB0\nab\n\xE1\xB4\xAF\n##\xEE\x80\x80\n";

typedef struct example {
    const char *text;
    size_t length;
    const char *pieces; /* as words, separated by spaces */
} example;

#define SAY(text, pieces) {text, sizeof text - 1, pieces}

static void run(bertc_parity parity, bool lower, const example *examples, size_t count)
{
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    options.parity = parity;
    options.do_lower_case = lower;
    tokens t = tokens_open(words, sizeof words - 1, &options);
    for (size_t i = 0; i < count; i++) tokens_expect(&t, examples[i].text, examples[i].length, examples[i].pieces);
    tokens_close(&t);
}

#define RUN(parity, lower, examples) run(parity, lower, examples, sizeof examples / sizeof *examples)

static void test_common(void **state)
{
    (void)state;
    static const example examples[] = {
        SAY("", ""),
        SAY(" \t\r\n ", ""),
        SAY("Hello, WORLDS.", "hello , world ##s ."),
        SAY("unaffable", "un ##aff ##able"),
        SAY("unaffablex", "[UNK]"),
        SAY("xunaffable", "[UNK]"),
        SAY("a\0b", "ab"),                          /* NUL is dropped without splitting */
        SAY("a\xC2\xAD" "b \xEF\xBB\xBF" "a", "ab a"), /* so are U+00AD and U+FEFF */
        SAY("a\xE2\x80\x8B" "b", "ab"),             /* U+200B */
        SAY("a\x01" "b\x7F", "ab"),
        SAY("a\xC2\xA0" "b", "a b"),                /* U+00A0 */
        SAY("a\xE2\x80\xA8" "b\xE2\x80\xA9" "a", "a b a"), /* U+2028, U+2029 */
        SAY("a\x0B" "b", "ab"),                     /* U+000B is dropped as a control character */
        SAY("a\xC2\x85" "b", "ab"),                 /* and so is U+0085 */
        SAY("a\xE4\xB8\xAD" "b", "a \xE4\xB8\xAD b"),
        SAY("\xE4\xB8\xAD\xE4\xB8\xAD", "\xE4\xB8\xAD \xE4\xB8\xAD"),
        SAY("a\xE2\x80\x9C" "b", "a \xE2\x80\x9C b"),     /* U+201C is punctuation */
        SAY("a\xE2\x82\xAC" "b", "a ##\xE2\x82\xAC ##b"), /* the euro sign is not */
        SAY("hello!!", "hello ! !"),
        SAY("a\xFF" "b", "ab"),
        SAY("a\xE2\x82" "b", "ab"),
        SAY("\xF4\x90\x80\x80" "a", "a"),
    };
    for (bertc_parity parity = BERTC_HF_FAST; parity <= BERTC_GOOGLE; parity++) RUN(parity, true, examples);
}

static void test_accents(void **state)
{
    (void)state;
    static const example examples[] = {
        SAY("\xC3\x89 e\xCC\x81 E\xCC\xA3\xCC\x81", "e e e"),
        SAY("\xC4\xB0", "i"),                   /* U+0130: i and a dot above, which is dropped */
        SAY("a\xE2\x89\xA0" "b", "a = b"),      /* U+2260 becomes an ASCII sign */
        SAY("\xED\x95\x9C", "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB"), /* Hangul to jamo */
        SAY("\xEF\xA4\x80", "\xE8\xB1\x88"),    /* CJK compatibility: spaced, then mapped */
        SAY("a\xEF\xA4\x80" "b", "a \xE8\xB1\x88 b"),
    };
    for (bertc_parity parity = BERTC_HF_FAST; parity <= BERTC_GOOGLE; parity++) RUN(parity, true, examples);
}

static void test_cased(void **state)
{
    (void)state;
    static const example fast[] = {
        SAY("Hello hello HELLO", "Hello hello [UNK]"),
        SAY("\xC3\xA9 e\xCC\x81", "\xC3\xA9 [UNK]"), /* not normalised */
        SAY("\xC4\xB0 I", "\xC4\xB0 I"),
        SAY("=\xCC\xB8", "= [UNK]"), /* the mark is a word by itself */
    };
    static const example slow[] = {
        SAY("\xC3\xA9 e\xCC\x81", "\xC3\xA9 \xC3\xA9"),     /* NFC */
        SAY("\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB", "\xED\x95\x9C"),
        SAY("=\xCC\xB8", "\xE2\x89\xA0"),
        SAY("I\xCC\x87", "\xC4\xB0"),
        SAY("[CLS\xE2\x80\x8B] x[CLS\xE2\x80\x8B]", "[CLS] [UNK] [ CLS ]"), /* cleaned, then kept */
    };
    RUN(BERTC_HF_FAST, false, fast);
    RUN(BERTC_GOOGLE, false, fast);
    RUN(BERTC_HF_SLOW, false, slow);
}

static void test_sigma(void **state)
{
    (void)state;
    static const example each[] = {
        SAY("\xCE\x91\xCE\xA3", "\xCE\xB1 ##\xCF\x83"),
        SAY("\xCE\xA3", "\xCF\x83"),
    };
    static const example final[] = {
        SAY("\xCE\x91\xCE\xA3", "\xCE\xB1 ##\xCF\x82"),
        SAY("\xCE\xA3", "\xCF\x83"),                              /* no letter before */
        SAY("\xCE\x91\xCE\xA3\xCE\x91", "[UNK]"),                 /* a letter after it */
        SAY("\xCE\x91\xCE\xA3.", "\xCE\xB1 ##\xCF\x82 ."),
        SAY("\xCE\x91.\xCE\xA3", "\xCE\xB1 . \xCF\x82"), /* a full stop is skipped */
        SAY("a\xCC\x81\xCE\xA3", "a ##\xCF\x82"),        /* and so is a mark */
    };
    RUN(BERTC_HF_FAST, true, each);
    RUN(BERTC_HF_SLOW, true, each);
    RUN(BERTC_GOOGLE, true, final);
}

static void test_literals(void **state)
{
    (void)state;
    static const example split[] = {
        SAY("a [MASK] b", "a [MASK] b"),
        SAY("a[MASK]b[SEP][CLS]", "a [MASK] b [SEP] [CLS]"),
        SAY("[[MASK]]", "[ [MASK] ]"),
        SAY("[MASK", "[ [UNK]"),
        SAY("[cls]", "[ cls ]"), /* only the exact spelling */
        SAY("[unused0]", "[ unused ##0 ]"),
        SAY("[M\xFF" "ASK]", "[ [UNK] ]"),
        SAY("[PAD][UNK]", "[PAD] [UNK]"),
    };
    static const example whole[] = {
        SAY("a [CLS] b", "a [ cls ] b"),
        SAY("[MASK]", "[ [UNK] ]"),
    };
    RUN(BERTC_HF_FAST, true, split);
    RUN(BERTC_HF_SLOW, true, split);
    RUN(BERTC_GOOGLE, true, whole);
}

static void test_unassigned(void **state)
{
    (void)state;
    /* U+0378 is unassigned, U+E000 for private use, U+FAE7 unassigned among the ideographs. */
    static const example dropped[] = {
        SAY("a\xCD\xB8" "b a\xEE\x80\x80" "b", "ab ab"),
        SAY("a\xEF\xAB\xA7" "b", "ab"),
    };
    static const example kept[] = {
        SAY("a\xCD\xB8" "b", "[UNK]"),
        SAY("a\xEE\x80\x80", "a ##\xEE\x80\x80"),
        SAY("a\xEF\xAB\xA7" "b", "a [UNK] b"),
    };
    static const example fast[] = {
        SAY("a\xCD\xB8" "b", "[UNK]"),            /* the Rust package keeps unassigned ones */
        SAY("a\xEE\x80\x80" "b", "ab"),           /* and drops private use */
        SAY("a\xF0\xAB\xA0\xA0" "b", "[UNK]"),    /* U+2B820: its range starts at 2B920 */
        SAY("a\xF0\xAB\xA4\xA0" "b", "a [UNK] b"),
    };
    RUN(BERTC_HF_SLOW, true, dropped);
    RUN(BERTC_GOOGLE, true, kept);
    RUN(BERTC_HF_FAST, true, fast);
}

/* `units` times `unit` is split up to the limit and is [UNK] above it. */
static void test_long_words(void **state)
{
    (void)state;
    static const size_t limits[] = {100, 100, 200};
    static const char *const units[] = {"b", "\xC3\x89" /* e and a mark that is dropped */};
    for (int parity = 0; parity < 3; parity++)
        for (size_t k = 0; k < 2; k++) {
            bertc_tokenizer_options options = bertc_tokenizer_defaults();
            options.parity = (bertc_parity)parity;
            static const char small[] = "[UNK]\n[CLS]\n[SEP]\nb\n##b\ne\n##e\n";
            tokens t = tokens_open(small, sizeof small - 1, &options);
            char text[512] = "";
            for (size_t n = 1; n <= limits[parity] + 2; n++) {
                strcat(text, units[k]);
                assert_int_equal(tokens_encode(&t, text, strlen(text), NULL, 0, 0), BERTC_OK);
                assert_int_equal(t.encoding.count, n <= limits[parity] ? n + 2 : 3);
                assert_int_equal(t.encoding.ids[1], n <= limits[parity] ? 3 + 2 * (int)k : 0);
            }
            tokens_close(&t);
        }
}

static void test_invalid_count(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length, invalid;
    } cases[] = {
        {"abc", 3, 0},
        {"\xFF\xFE", 2, 2},
        {"\xE2\x82", 2, 1},                 /* one maximal subpart */
        {"\xE2\x82\xE2\x82\xAC", 5, 1},
        {"\xED\xA0\x80", 3, 3},             /* a surrogate: no byte of it may follow another */
        {"\xC0\x80", 2, 2},
        {"\xE0\x80\xAF", 3, 3},
        {"\xF0\x9F\x98", 3, 1},
        {"\xF0\x80\x80\x80", 4, 4},
        {"\xF4\x90\x80\x80", 4, 4},
        {"\xF8\x88\x80\x80\x80", 5, 5},
        {"a\xC3 b\xC3", 5, 2},
    };
    tokens t = tokens_open(words, sizeof words - 1, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(tokens_encode(&t, cases[i].text, cases[i].length, NULL, 0, 0), BERTC_OK);
        assert_int_equal(t.encoding.invalid, cases[i].invalid);
    }
    tokens_close(&t);
}

static void expect_offsets(tokens *t, const char *text, size_t length, const uint32_t *spans, size_t count)
{
    assert_int_equal(tokens_encode(t, text, length, NULL, 0, 0), BERTC_OK);
    assert_int_equal(t->encoding.count, count + 2);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(t->encoding.begin[i + 1], spans[2 * i]);
        assert_int_equal(t->encoding.end[i + 1], spans[2 * i + 1]);
    }
    assert_int_equal(t->encoding.begin[0] + t->encoding.end[0], 0);
    assert_int_equal(t->encoding.begin[count + 1] + t->encoding.end[count + 1], 0);
}

static void test_offsets(void **state)
{
    (void)state;
    tokens t = tokens_open(words, sizeof words - 1, NULL);
    static const char plain[] = "  Hello, unaffable[MASK]!";
    static const uint32_t plain_spans[] = {2, 7, 7, 8, 9, 11, 11, 14, 14, 18, 18, 24, 24, 25};
    expect_offsets(&t, plain, sizeof plain - 1, plain_spans, 7);
    /* an accent of two bytes, a dropped byte inside a word, an ideograph, a decomposed sign */
    static const char wide[] = "\xC3\x89 a\xFF" "b\xE4\xB8\xAD" "a\xE2\x89\xA0" "b";
    static const uint32_t wide_spans[] = {0, 2, 3, 6, 6, 9, 9, 10, 10, 13, 13, 14};
    expect_offsets(&t, wide, sizeof wide - 1, wide_spans, 6);
    /* an unknown word has the offsets of the whole word */
    static const char unknown[] = "a xyzzy";
    static const uint32_t unknown_spans[] = {0, 1, 2, 7};
    expect_offsets(&t, unknown, sizeof unknown - 1, unknown_spans, 2);
    tokens_close(&t);
}

/* hf-fast has the combining classes of Unicode 9.0, and sorts the marks that it keeps. */
static void test_mark_order(void **state)
{
    (void)state;
    static const char order[] = "[UNK]\n[CLS]\n[SEP]\na\xE3\x80\xAE\xF0\x9D\x85\xAD\nb\n##b\n";
    tokens t = tokens_open(order, sizeof order - 1, NULL);
    /* U+302E has class 224, U+1D16D 226, U+0301 230 and is dropped, U+094D has 9 and is dropped. */
    tokens_expect(&t, "a\xF0\x9D\x85\xAD\xE3\x80\xAE", 8, "a\xE3\x80\xAE\xF0\x9D\x85\xAD");
    tokens_expect(&t, "a\xCC\x81\xF0\x9D\x85\xAD\xCC\x81\xE3\x80\xAE", 12, "a\xE3\x80\xAE\xF0\x9D\x85\xAD");
    /* A starter ends the run. */
    tokens_expect(&t, "a\xF0\x9D\x85\xAD\xE3\x80\xAE" "b", 9, "a\xE3\x80\xAE\xF0\x9D\x85\xAD ##b");
    /* U+0903 is a starter and stays: the marks belong to different runs. */
    tokens_expect(&t, "a\xF0\x9D\x85\xAD\xE0\xA4\x83\xE3\x80\xAE", 11, "[UNK]");
    /* U+0902 is a starter too; it is dropped, but still separates the runs. */
    tokens_expect(&t, "a\xF0\x9D\x85\xAD\xE0\xA4\x82\xE3\x80\xAE", 11, "[UNK]");
    tokens_close(&t);
}

/* In a run of thousands of marks, the lower class comes first; the sources stay in order. */
static void test_long_run(void **state)
{
    (void)state;
    enum { PAIRS = 20000 };
    static const char marks[] = "[UNK]\n[CLS]\n[SEP]\na\n##\xE3\x80\xAE\n##\xF0\x9D\x85\xAD\n";
    static const char pair[] = "\xF0\x9D\x85\xAD\xE3\x80\xAE";
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    options.max_word_chars = 3 * PAIRS;
    tokens t = tokens_open(marks, sizeof marks - 1, &options);
    char *text = malloc(1 + 7 * PAIRS);
    assert_non_null(text);
    text[0] = 'a';
    for (size_t i = 0; i < PAIRS; i++) memcpy(text + 1 + 7 * i, pair, 7);
    assert_int_equal(tokens_encode(&t, text, 1 + 7 * PAIRS, NULL, 0, 0), BERTC_OK);
    assert_int_equal(t.encoding.count, 3 + 2 * PAIRS);
    for (uint32_t i = 0; i < 2 * PAIRS; i++) {
        assert_int_equal(t.encoding.ids[2 + i], i < PAIRS ? 4 : 5);
        assert_int_equal(t.encoding.begin[2 + i], 1 + i / 2 * 7 + i % 2 * 4);
    }
    free(text);
    tokens_close(&t);
}

/* A mark joins its letter across marks of lower classes, but not across a mark of its own class. */
static void test_blocked(void **state)
{
    (void)state;
    static const char blocked[] = "[UNK]\n[CLS]\n[SEP]\ne\xCC\x85\xCC\x81\n\xC3\xA9\xCC\xA4\n";
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    options.parity = BERTC_HF_SLOW;
    options.do_lower_case = false;
    tokens t = tokens_open(blocked, sizeof blocked - 1, &options);
    tokens_expect(&t, "e\xCC\x85\xCC\x81", 5, "e\xCC\x85\xCC\x81"); /* U+0305, U+0301: both 230 */
    tokens_expect(&t, "e\xCC\x81\xCC\xA4", 5, "\xC3\xA9\xCC\xA4"); /* U+0324 has 220 */
    tokens_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_common),     cmocka_unit_test(test_accents),       cmocka_unit_test(test_cased),
        cmocka_unit_test(test_sigma),      cmocka_unit_test(test_literals),      cmocka_unit_test(test_unassigned),
        cmocka_unit_test(test_long_words), cmocka_unit_test(test_invalid_count), cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_mark_order), cmocka_unit_test(test_blocked),       cmocka_unit_test(test_long_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
