/* Texts longer than the maximum length: their last tokens, and windows, against ids made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/tokenizer_help.h"

/* a .. h have the ids 4 .. 11. */
static const char words[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\nc\nd\ne\nf\ng\nh\n";

static tokens open_parity(int parity)
{
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    options.parity = (bertc_parity)parity;
    return tokens_open(words, sizeof words - 1, &options);
}

static void encode_tail(tokens *t, const char *a, const char *b, size_t max)
{
    bertc_error err = {0};
    if (bertc_tokenizer_encode_tail(t->tokenizer, &t->encoding, a, strlen(a), b, b ? strlen(b) : 0, max, &err))
        fail_msg("%s", err.message);
}

static void expect_ids(const tokens *t, const int32_t *ids, size_t count)
{
    assert_int_equal(t->encoding.count, count);
    assert_memory_equal(t->encoding.ids, ids, count * sizeof *ids);
}

static void test_tail_of_a_text(void **state)
{
    (void)state;
    tokens t = open_parity(BERTC_HF_FAST);
    static const int32_t last[] = {2, 9, 10, 11, 3};
    encode_tail(&t, "a b c d e f g h", NULL, 5);
    expect_ids(&t, last, 5);
    assert_int_equal(t.encoding.truncated, 5);
    assert_int_equal(t.encoding.begin[1], 10); /* offsets are those in the whole text */
    assert_int_equal(t.encoding.end[3], 15);
    static const int32_t whole[] = {2, 4, 5, 6, 3};
    encode_tail(&t, "a b c", NULL, 5);
    expect_ids(&t, whole, 5);
    assert_int_equal(t.encoding.truncated, 0);
    encode_tail(&t, "a b c", NULL, 0);
    expect_ids(&t, whole, 5);
    bertc_error err = {0};
    assert_int_equal(bertc_tokenizer_encode_tail(t.tokenizer, &t.encoding, "a", 1, "b", 1, 2, &err), BERTC_USAGE);
    assert_string_equal(err.message, "a maximum length of 2 is too small for 3 special tokens");
    assert_int_equal(bertc_tokenizer_encode_tail(NULL, &t.encoding, "a", 1, NULL, 0, 2, NULL), BERTC_USAGE);
    tokens_close(&t);
}

/* Both ends of a pair keep the same numbers of tokens, and the tail is the mirror image of the head. */
static void test_tail_mirrors_the_head(void **state)
{
    (void)state;
    static const char text[] = "a b c d e f g h", reverse[] = "h g f e d c b a";
    for (int parity = 0; parity < 3; parity++) {
        tokens t = open_parity(parity), head = open_parity(parity);
        for (size_t na = 0; na <= 8; na++)
            for (size_t nb = 0; nb <= 8; nb++)
                for (size_t max = 3; max <= 20; max++) {
                    const char *a = text + 16 - 2 * na - (na == 0), *b = text + 16 - 2 * nb - (nb == 0);
                    size_t first = na ? 2 * na - 1 : 0, second = nb ? 2 * nb - 1 : 0, n;
                    assert_int_equal(tokens_encode(&head, reverse, first, reverse, second, max), BERTC_OK);
                    bertc_status status = bertc_tokenizer_encode_tail(t.tokenizer, &t.encoding, a, first, b, second,
                                                                      max, NULL);
                    assert_int_equal(status, BERTC_OK);
                    n = t.encoding.count;
                    assert_int_equal(n, head.encoding.count);
                    assert_int_equal(t.encoding.truncated, head.encoding.truncated);
                    assert_memory_equal(t.encoding.types, head.encoding.types, n * sizeof *head.encoding.types);
                    for (size_t i = 1, k = 1; i < n; i = ++k) { /* each text backwards */
                        while (head.encoding.ids[k] != 3) k++;
                        for (size_t j = i; j <= k; j++)
                            assert_int_equal(t.encoding.ids[j], j == k ? 3 : head.encoding.ids[k - 1 - (j - i)]);
                    }
                }
        tokens_close(&t);
        tokens_close(&head);
    }
}

/* Encode a text or a pair and cut it; return the ids of all windows as letters, windows separated by '|'. */
static const char *cut(tokens *t, const char *a, const char *b, size_t max, size_t overlap)
{
    static char made[400];
    char *to = made;
    bertc_windows w;
    bertc_error err = {0};
    assert_int_equal(tokens_encode(t, a, strlen(a), b, b ? strlen(b) : 0, 0), BERTC_OK);
    if (bertc_encoding_windows(&t->encoding, max, overlap, &w, &err)) fail_msg("%s", err.message);
    const int32_t *ids = t->encoding.ids;
    for (size_t i = 0; i < w.count; i++) {
        size_t first, pieces = bertc_windows_at(&w, i, &first), n = w.before + pieces + w.after;
        assert_true(max == 0 || n <= max);
        for (size_t k = 0; k < n; k++) {
            size_t at = k < w.before            ? k
                        : k < w.before + pieces ? first + k - w.before
                                                : t->encoding.count - n + k;
            *to++ = "??C/abcdefgh"[ids[at]];
        }
        *to++ = '|';
    }
    *to = '\0';
    return made;
}

static void test_windows_of_a_text(void **state)
{
    (void)state;
    tokens t = open_parity(BERTC_HF_FAST);
    assert_string_equal(cut(&t, "a b c d e f g h", NULL, 5, 0), "Cabc/|Cdef/|Cgh/|");
    assert_string_equal(cut(&t, "a b c d e f g h", NULL, 5, 1), "Cabc/|Ccde/|Cefg/|Cgh/|");
    assert_string_equal(cut(&t, "a b c d e f g", NULL, 5, 1), "Cabc/|Ccde/|Cefg/|");
    assert_string_equal(cut(&t, "a b c d e", NULL, 5, 2), "Cabc/|Cbcd/|Ccde/|");
    assert_string_equal(cut(&t, "a b c d", NULL, 5, 1), "Cabc/|Ccd/|");
    assert_string_equal(cut(&t, "a b c", NULL, 5, 1), "Cabc/|");
    assert_string_equal(cut(&t, "a b", NULL, 5, 4), "Cab/|"); /* a text that fits has no overlap */
    assert_string_equal(cut(&t, "", NULL, 5, 1), "C/|");
    assert_string_equal(cut(&t, "a b c d", NULL, 0, 1), "Cabcd/|");
    tokens_close(&t);
}

/* The longer text is cut, the second if both are equally long; the shorter text is in every window. */
static void test_windows_of_a_pair(void **state)
{
    (void)state;
    tokens t = open_parity(BERTC_HF_FAST);
    assert_string_equal(cut(&t, "a b", "c d e f g h", 8, 1), "Cab/cde/|Cab/efg/|Cab/gh/|");
    assert_string_equal(cut(&t, "a b c d e", "g h", 8, 2), "Cabc/gh/|Cbcd/gh/|Ccde/gh/|");
    assert_string_equal(cut(&t, "a b c", "d e f", 8, 1), "Cabc/de/|Cabc/ef/|");
    assert_string_equal(cut(&t, "a b c", "d e f", 9, 1), "Cabc/def/|");
    assert_string_equal(cut(&t, "a b c d", "", 6, 0), "Cabc//|Cd//|");
    assert_string_equal(cut(&t, "", "a b c d", 6, 0), "C/abc/|C/d/|");
    tokens_close(&t);
}

/* The shorter text and the special tokens leave no more than the overlap. */
static void test_no_place_for_windows(void **state)
{
    (void)state;
    tokens t = open_parity(BERTC_HF_FAST);
    bertc_windows w;
    bertc_error err = {0};
    assert_int_equal(tokens_encode(&t, "a b c", 5, "d e f", 5, 0), BERTC_OK);
    assert_int_equal(bertc_encoding_windows(&t.encoding, 8, 2, &w, &err), BERTC_INPUT);
    assert_string_equal(err.message, "the shorter text and the special tokens need 6 of 8 tokens, the rest is too short "
                                     "for windows that overlap by 2 tokens");
    assert_int_equal(bertc_encoding_windows(&t.encoding, 6, 0, &w, NULL), BERTC_INPUT);
    assert_int_equal(bertc_encoding_windows(&t.encoding, 1, 0, &w, NULL), BERTC_INPUT);
    assert_int_equal(tokens_encode(&t, "a b c", 5, NULL, 0, 0), BERTC_OK);
    err = (bertc_error){0};
    assert_int_equal(bertc_encoding_windows(&t.encoding, 4, 2, &w, &err), BERTC_INPUT);
    assert_string_equal(err.message, "the special tokens need 2 of 4 tokens, the rest is too short for windows that "
                                     "overlap by 2 tokens");
    assert_int_equal(bertc_encoding_windows(NULL, 4, 2, &w, NULL), BERTC_USAGE);
    t.encoding.count = 0;
    assert_int_equal(bertc_encoding_windows(&t.encoding, 4, 1, &w, NULL), BERTC_USAGE);
    tokens_close(&t);
}

/* Every word piece is in a window, windows follow each other at equal distances, and only the last may be shorter. */
static void test_windows_cover_the_text(void **state)
{
    (void)state;
    tokens t = open_parity(BERTC_HF_FAST);
    char text[80] = "";
    for (size_t n = 0; n <= 20; n++, strcat(text, "a "))
        for (size_t max = 3; max <= 12; max++)
            for (size_t overlap = 0; overlap < max - 2; overlap++) {
                bertc_windows w;
                size_t end = 1, first = 1;
                assert_int_equal(tokens_encode(&t, text, strlen(text), NULL, 0, 0), BERTC_OK);
                assert_int_equal(bertc_encoding_windows(&t.encoding, max, overlap, &w, NULL), BERTC_OK);
                for (size_t i = 0; i < w.count; i++) {
                    size_t pieces = bertc_windows_at(&w, i, &first);
                    assert_int_equal(first, i == 0 ? 1 : end - overlap);
                    assert_true(pieces == max - 2 || i + 1 == w.count);
                    assert_true(first + pieces > end || n == 0);
                    end = first + pieces;
                }
                assert_int_equal(end, n + 1);
            }
    tokens_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tail_of_a_text),      cmocka_unit_test(test_tail_mirrors_the_head),
        cmocka_unit_test(test_windows_of_a_text),   cmocka_unit_test(test_windows_of_a_pair),
        cmocka_unit_test(test_no_place_for_windows), cmocka_unit_test(test_windows_cover_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
