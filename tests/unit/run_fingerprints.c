/* The hash of a large block is a function of every byte and of the length, not of the number of threads. */
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/memory.h"
#include "run/fingerprints.h"

enum { PIECE = 4 << 20, LENGTH = 2 * PIECE + 1000 };

static void hash(char out[BC_HASH_HEX], const unsigned char *bytes, size_t length)
{
    assert_int_equal(bc_hash_large(out, bytes, length, NULL), BERTC_OK);
}

static void test_block(void **state)
{
    (void)state;
    static const size_t places[] = {0, PIECE - 1, PIECE, 2 * PIECE, LENGTH - 1};
    char whole[BC_HASH_HEX], other[BC_HASH_HEX];
    unsigned char *bytes = bc_alloc(LENGTH, 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < LENGTH; i++) bytes[i] = (unsigned char)(i * 2654435761u >> 24);
    hash(whole, bytes, LENGTH);
    omp_set_num_threads(3);
    hash(other, bytes, LENGTH);
    assert_string_equal(whole, other);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        bytes[places[i]] ^= 1;
        hash(other, bytes, LENGTH);
        assert_string_not_equal(whole, other);
        bytes[places[i]] ^= 1;
    }
    hash(other, bytes, LENGTH - 1);
    assert_string_not_equal(whole, other);
    hash(other, bytes, 2 * PIECE);
    assert_string_not_equal(whole, other);
    bc_free(bytes);
}

/* Inputs of three examples with these labels and these numbers of labels. */
static bertc_inputs with_labels(int32_t *labels, size_t *label_starts)
{
    static size_t starts[] = {0, 1, 3, 4};
    static int32_t ids[] = {5, 6, 7, 8};
    static uint8_t types[] = {0, 0, 1, 0};
    static float values[] = {1, 2.5f, -3};
    return (bertc_inputs){.count = 3, .starts = starts, .ids = ids, .types = types, .label_starts = label_starts,
                          .labels = labels, .values = values};
}

/* Each example has one label, or -1 for no label. The hashes equal the hashes of earlier versions, which run folders
 * contain. */
static void test_one_label(void **state)
{
    (void)state;
    static const int32_t plain[][3] = {{1, 0, 2}, {1, -1, 2}, {-1, -1, -1}};
    static int32_t labels[][3] = {{1, 0, 2}, {1, 2}, {0}};
    static size_t label_starts[][4] = {{0, 1, 2, 3}, {0, 1, 1, 2}, {0, 0, 0, 0}};
    for (size_t i = 0; i < 3; i++) {
        const bertc_inputs in = with_labels(labels[i], label_starts[i]);
        const bc_hash_part parts[] = {{&in.count, sizeof in.count}, {in.starts, 4 * sizeof *in.starts},
                                 {in.ids, 4 * sizeof *in.ids}, {in.types, 4},
                                 {plain[i], sizeof plain[i]}, {in.values, 3 * sizeof *in.values}};
        char got[BC_HASH_HEX], want[BC_HASH_HEX];
        bc_hash_inputs(got, &in);
        bc_hash(want, parts, sizeof parts / sizeof *parts);
        assert_string_equal(got, want);
    }
}

/* The same labels, of other examples. */
static void test_several_labels(void **state)
{
    (void)state;
    static int32_t labels[] = {1, 2, 3, 4};
    static size_t label_starts[][4] = {{0, 2, 3, 4}, {0, 1, 3, 4}, {0, 1, 2, 4}, {0, 3, 4, 4}, {0, 4, 4, 4}};
    enum { CASES = sizeof label_starts / sizeof *label_starts };
    char got[CASES][BC_HASH_HEX];
    for (size_t i = 0; i < CASES; i++) {
        const bertc_inputs in = with_labels(labels, label_starts[i]);
        bc_hash_inputs(got[i], &in);
        for (size_t k = 0; k < i; k++) assert_string_not_equal(got[i], got[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_block), cmocka_unit_test(test_one_label),
                                       cmocka_unit_test(test_several_labels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
