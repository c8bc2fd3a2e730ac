/* Small products on bf16 operands: every version that this processor has, against double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "nn/gemm/simd.h"
#include "nn/gemm/tiles.h"
#include "twin/expect.h"
#include "twin/support.h"

enum { GAP = 16 }; /* words or floats between the end of a row and the next row */

/* A product: operands, as A[i][k] and B[k][j], and the true result. */
typedef struct bench {
    bc_tile_product x;
    uint16_t *a, *b;
    double *c_true;
} bench;

static uint16_t random_bf16(uint64_t seed, size_t i)
{
    return bc_to_bf16((float)twin_below(seed, i, 2001) / 1000.0f - 1.0f);
}

static bench make(size_t m, size_t n, size_t k, uint64_t seed)
{
    bench t = {.x = {.m = m, .n = n, .k = k}};
    t.x.lda = k / 2 + GAP;
    t.x.ldb = t.x.ldc = n + GAP;
    t.a = twin_take(m * t.x.lda * 2, sizeof *t.a);
    t.b = twin_take(k / 2 * t.x.ldb * 2, sizeof *t.b);
    t.x.c = twin_floats(m * t.x.ldc);
    twin_fill_nan(t.x.c, m * t.x.ldc);
    t.c_true = twin_doubles(m * n);
    for (size_t i = 0; i < m; i++)
        for (size_t p = 0; p < k; p++) t.a[i * t.x.lda * 2 + p] = random_bf16(seed, i * k + p);
    for (size_t p = 0; p < k; p++)
        for (size_t j = 0; j < n; j++) t.b[2 * (p / 2 * t.x.ldb + j) + p % 2] = random_bf16(seed + 1, p * n + j);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            for (size_t p = 0; p < k; p++)
                t.c_true[i * n + j] += (double)bc_from_bf16(t.a[i * t.x.lda * 2 + p]) *
                                       bc_from_bf16(t.b[2 * (p / 2 * t.x.ldb + j) + p % 2]);
    t.x.a = t.a;
    t.x.b = t.b;
    return t;
}

static void multiply(const bc_tiles *tiles, bc_tile_product x)
{
    tiles->open();
    tiles->multiply(x);
    tiles->close();
}

/* Check the result, and that the gaps between its rows are not written. */
static double error_of(const bench *t, double times)
{
    float *dense = twin_floats(t->x.m * t->x.n);
    double *wanted = twin_doubles(t->x.m * t->x.n);
    for (size_t i = 0; i < t->x.m * t->x.n; i++) wanted[i] = times * t->c_true[i];
    for (size_t i = 0; i < t->x.m; i++) {
        const float *row = t->x.c + i * t->x.ldc;
        memcpy(dense + i * t->x.n, row, t->x.n * sizeof *dense);
        for (size_t j = t->x.n; j < t->x.ldc; j++) assert_true(isnan(row[j]));
    }
    return twin_distance(dense, wanted, t->x.m * t->x.n);
}

/* Overwrite NaN, then accumulate. */
static void check(const bc_tiles *tiles)
{
    measure m = {tiles->name, 2e-6, 0.0};
    for (size_t rows = 16; rows <= 64; rows += 16)
        for (size_t columns = 16; columns <= 80; columns += 16)
            for (size_t k = 32; k <= 160; k += 64) {
                bench t = make(rows, columns, k, rows + columns + k);
                multiply(tiles, t.x);
                expect_within(&m, error_of(&t, 1.0));
                t.x.accumulate = true;
                multiply(tiles, t.x);
                expect_within(&m, error_of(&t, 2.0));
                twin_release(NULL);
            }
    print_measures(&m, 1);
}

static void test_against_double(void **state)
{
    (void)state;
    for (size_t i = 0; bc_tiles_at(i); i++)
        if (bc_tiles_at(i)->ready()) check(bc_tiles_at(i));
        else print_message("%s: not on this processor\n", bc_tiles_at(i)->name);
}

/* A row or a column has the same bits, alone or among others. */
static void test_parts_do_not_depend_on_each_other(void **state)
{
    (void)state;
    for (size_t i = 0; bc_tiles_at(i); i++) {
        if (!bc_tiles_at(i)->ready()) continue;
        bench t = make(48, 80, 96, 1);
        bc_tile_product part = t.x;
        multiply(bc_tiles_at(i), t.x);
        part.m = part.n = 16;
        part.a += 2 * 32 * part.lda;
        part.b += 2 * 16;
        part.c = twin_floats(16 * part.ldc);
        multiply(bc_tiles_at(i), part);
        for (size_t r = 0; r < 16; r++)
            assert_memory_equal(part.c + r * part.ldc, t.x.c + (32 + r) * t.x.ldc + 16, 16 * sizeof(float));
    }
}

static void test_nan_stays_nan(void **state)
{
    (void)state;
    for (size_t k = 0; bc_tiles_at(k); k++) {
        if (!bc_tiles_at(k)->ready()) continue;
        bench t = make(32, 48, 64, 2);
        t.a[5 * t.x.lda * 2 + 40] = 0x7fc0;
        t.b[2 * (10 * t.x.ldb + 33) + 1] = 0x7fc0;
        multiply(bc_tiles_at(k), t.x);
        for (size_t i = 0; i < t.x.m; i++)
            for (size_t j = 0; j < t.x.n; j++) assert_int_equal(isnan(t.x.c[i * t.x.ldc + j]) != 0, i == 5 || j == 33);
    }
}

/* Only the positions of words change. */
static void test_transpose(void **state)
{
    (void)state;
    enum { ROWS = 48, COLUMNS = 32, LDFROM = COLUMNS + 3, LDTO = ROWS + 5 };
    static uint32_t from[ROWS * LDFROM], to[COLUMNS * LDTO];
    for (size_t k = 0; bc_tiles_at(k); k++) {
        if (!bc_tiles_at(k)->ready()) continue;
        for (uint32_t i = 0; i < ROWS * LDFROM; i++) from[i] = i + 1;
        memset(to, 0, sizeof to);
        bc_tiles_at(k)->transpose(to, LDTO, from, LDFROM, ROWS, COLUMNS);
        for (size_t j = 0; j < COLUMNS; j++)
            for (size_t i = 0; i < LDTO; i++) assert_int_equal(to[j * LDTO + i], i < ROWS ? from[i * LDFROM + j] : 0);
    }
}

static void test_best(void **state)
{
    (void)state;
    size_t i = 0;
    assert_true(bc_tiles_plain.ready());
    while (!bc_tiles_at(i)->ready()) i++;
    assert_ptr_equal(bc_tiles_best(), bc_tiles_at(i));
    print_message("the best here: %s\n", bc_tiles_best()->name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_against_double, twin_release),
        cmocka_unit_test_teardown(test_parts_do_not_depend_on_each_other, twin_release),
        cmocka_unit_test_teardown(test_nan_stays_nan, twin_release),
        cmocka_unit_test(test_transpose),
        cmocka_unit_test(test_best),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
