/* The hash of a large block: a function of every byte and of the length, not of the threads. */
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hash.h"
#include "base/memory.h"

enum { PIECE = 4 << 20, LENGTH = 2 * PIECE + 1000 };

static void hash(char out[BC_HASH_HEX], const unsigned char *bytes, size_t length)
{
    assert_int_equal(bc_hash_block(out, bytes, length, NULL), BERTC_OK);
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_block)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
