/* Truncation "longest_first" of each reference, compared with removing one token at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/tokenizer_help.h"

static const char words[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n";

enum { MAX = 14 };

static tokens open_parity(int parity)
{
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    options.parity = (bertc_parity)parity;
    return tokens_open(words, sizeof words - 1, &options);
}

/* Encode na times "a" and nb times "b" and check the layout; returns the remaining tokens of both. */
static void encode(tokens *t, size_t na, size_t nb, size_t max, size_t *a, size_t *b)
{
    char first[2 * MAX + 1] = "", second[2 * MAX + 1] = "";
    for (size_t i = 0; i < na; i++) strcat(first, "a ");
    for (size_t i = 0; i < nb; i++) strcat(second, "b ");
    assert_int_equal(tokens_encode(t, first, strlen(first), second, strlen(second), max), 0);
    const bertc_encoding *e = &t->encoding;
    *a = *b = 0;
    for (size_t i = 0; i < e->count; i++) {
        *a += e->ids[i] == 4;
        *b += e->ids[i] == 5;
    }
    assert_int_equal(e->count, *a + *b + 3);
    assert_int_equal(e->truncated, na + nb - *a - *b);
    for (size_t i = 0; i < e->count; i++) {
        bool special = i == 0 || i == *a + 1 || i == e->count - 1;
        assert_int_equal(e->ids[i], i == 0 ? 2 : special ? 3 : i <= *a ? 4 : 5);
        assert_int_equal(e->types[i], i > *a + 1);
    }
}

/* Python's references remove a token from the longer text, from b on ties. */
static void pop(size_t room, size_t *a, size_t *b)
{
    while (*a + *b > room) --*(*a > *b ? a : b);
}

/* The Rust package shortens only the longer text if that is enough. Else it cuts both to half the length; the longer
 * text, on a tie b, keeps one token more if the length is odd. */
static void halve(size_t room, size_t *a, size_t *b)
{
    size_t na = *a, nb = *b;
    pop(room, a, b);
    if (na > room / 2 && nb > room / 2) {
        *a = room / 2 + (na > nb ? room % 2 : 0);
        *b = room - *a;
    }
}

static void test_pairs(void **state)
{
    (void)state;
    for (int parity = 0; parity < 3; parity++) {
        tokens t = open_parity(parity);
        for (size_t na = 0; na <= MAX; na++)
            for (size_t nb = 0; nb <= MAX; nb++)
                for (size_t max = 3; max <= 2 * MAX + 4; max++) {
                    size_t a, b, wanted_a = na, wanted_b = nb;
                    encode(&t, na, nb, max, &a, &b);
                    (parity == BERTC_HF_FAST ? halve : pop)(max - 3, &wanted_a, &wanted_b);
                    assert_int_equal(a, wanted_a);
                    assert_int_equal(b, wanted_b);
                }
        tokens_close(&t);
    }
}

/* The published examples, by hand. */
static void test_odd_place(void **state)
{
    (void)state;
    static const struct {
        int parity;
        size_t na, nb, room, a, b;
    } cases[] = {
        {BERTC_HF_FAST, 10, 10, 9, 4, 5}, {BERTC_HF_SLOW, 10, 10, 9, 5, 4}, {BERTC_GOOGLE, 10, 10, 9, 5, 4},
        {BERTC_HF_FAST, 10, 9, 9, 5, 4},  {BERTC_HF_FAST, 9, 10, 9, 4, 5},  {BERTC_HF_SLOW, 9, 10, 9, 5, 4},
        {BERTC_HF_FAST, 2, 10, 9, 2, 7},  {BERTC_GOOGLE, 10, 2, 9, 7, 2},   {BERTC_HF_FAST, 10, 10, 1, 0, 1},
        {BERTC_GOOGLE, 10, 10, 1, 1, 0},  {BERTC_HF_FAST, 3, 3, 0, 0, 0},   {BERTC_HF_SLOW, 3, 3, 6, 3, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tokens t = open_parity(cases[i].parity);
        size_t a, b;
        encode(&t, cases[i].na, cases[i].nb, cases[i].room + 3, &a, &b);
        assert_int_equal(a, cases[i].a);
        assert_int_equal(b, cases[i].b);
        tokens_close(&t);
    }
}

static void test_single(void **state)
{
    (void)state;
    tokens t = open_parity(BERTC_HF_FAST);
    for (size_t max = 2; max < 8; max++) {
        assert_int_equal(tokens_encode(&t, "a a a a", 7, NULL, 0, max), BERTC_OK);
        size_t kept = max < 6 ? max : 6;
        assert_int_equal(t.encoding.count, kept);
        assert_int_equal(t.encoding.truncated, 6 - kept);
        assert_int_equal(t.encoding.ids[0], 2);
        assert_int_equal(t.encoding.ids[kept - 1], 3);
    }
    assert_int_equal(tokens_encode(&t, "a a a a", 7, NULL, 0, 0), BERTC_OK);
    assert_int_equal(t.encoding.count, 6);
    tokens_close(&t);
}

static void test_no_place(void **state)
{
    (void)state;
    tokens t = open_parity(BERTC_HF_FAST);
    bertc_error err = {0};
    assert_int_equal(tokens_encode(&t, "a", 1, NULL, 0, 1), BERTC_USAGE);
    assert_int_equal(tokens_encode(&t, "a", 1, "b", 1, 2), BERTC_USAGE);
    assert_int_equal(bertc_tokenizer_encode(t.tokenizer, &t.encoding, "a", 1, "b", 1, 2, &err), BERTC_USAGE);
    assert_string_equal(err.message, "a maximum length of 2 is too small for 3 special tokens");
    assert_int_equal(t.encoding.count, 0);
    /* An empty second text is still a pair. */
    assert_int_equal(tokens_encode(&t, "a", 1, "", 0, 0), BERTC_OK);
    assert_int_equal(t.encoding.count, 4);
    tokens_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs), cmocka_unit_test(test_odd_place),
        cmocka_unit_test(test_single), cmocka_unit_test(test_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
