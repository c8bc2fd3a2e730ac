/* Dropout masks: the generator against a second implementation, and the statistics of masks. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "nn/ops/dropout.h"
#include "twin/support.h"

/* ---- Philox4x32-10, written from the paper's figure 2 -------------------------------------- */

static void philox_round(uint32_t x[4], const uint32_t key[2])
{
    const uint32_t multiplier[2] = {0xD2511F53u, 0xCD9E8D57u};
    uint32_t high[2], low[2];
    for (int i = 0; i < 2; i++) {
        uint64_t product = (uint64_t)multiplier[i] * x[2 * i];
        high[i] = (uint32_t)(product >> 32);
        low[i] = (uint32_t)(product & 0xFFFFFFFFu);
    }
    uint32_t left = x[1], right = x[3];
    x[0] = high[1] ^ left ^ key[0];
    x[1] = low[1];
    x[2] = high[0] ^ right ^ key[1];
    x[3] = low[0];
}

static void philox(uint32_t x[4], uint64_t seed)
{
    const uint32_t weyl[2] = {0x9E3779B9u, 0xBB67AE85u};
    uint32_t key[2] = {(uint32_t)(seed & 0xFFFFFFFFu), (uint32_t)(seed >> 32)};
    for (int round = 0; round < 10; round++) {
        if (round)
            for (int i = 0; i < 2; i++) key[i] += weyl[i];
        philox_round(x, key);
    }
}

/* Test vectors of the Random123 library. */
static void test_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed;
        uint32_t in[4], out[4];
    } known[] = {
        {0, {0, 0, 0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX, {~0u, ~0u, ~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {0x299f31d0a4093822u,
         {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t x[4];
        memcpy(x, known[i].in, sizeof x);
        philox(x, known[i].seed);
        assert_memory_equal(x, known[i].out, sizeof x);
        const uint32_t *c = known[i].in;
        bc_rng_block b = bc_rng(known[i].seed, c[0], c[1], c[2], c[3]);
        assert_memory_equal(b.word, known[i].out, sizeof x);
    }
}

/* The 16-bit number of element j of a row of n, as nn/ops/dropout.h defines it. */
static uint32_t draw(const bc_dropout *d, uint32_t example, uint32_t position, uint32_t head, size_t j, size_t n)
{
    size_t blocks = (n + 7) / 8;
    uint32_t x[4] = {(uint32_t)d->site << 24 | d->layer << 16 | (uint32_t)(j % blocks),
                     position | head << 16, example, d->step};
    philox(x, d->seed);
    uint32_t word = x[j / blocks / 2];
    return j / blocks % 2 ? word >> 16 : word & 0xFFFF;
}

static void test_mask_is_its_definition(void **state)
{
    (void)state;
    static const size_t widths[] = {1, 5, 7, 8, 9, 16, 50, 128, 512, 768, 1024, 3072};
    float factor[3072];
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        size_t n = widths[w];
        bc_dropout d = bc_dropout_make(0.25, 0x123456789ABCDEFu, 9, BC_SITE_FFN_OUT, 11);
        bc_dropout_row(&d, 4000000000u, 511, 15, factor, n);
        for (size_t j = 0; j < n; j++) {
            float expected = draw(&d, 4000000000u, 511, 15, j, n) < 16384 ? 0.0f : 1.0f / 0.75f;
            assert_true(factor[j] == expected);
        }
    }
}

/* An element whose number equals the threshold is kept; of 65,536 elements about one shows this. */
static void test_threshold_itself_is_kept(void **state)
{
    (void)state;
    float factor[768];
    size_t met = 0;
    bc_dropout d = bc_dropout_make(0.1, 3, 4, BC_SITE_FFN_OUT, 5);
    for (uint32_t position = 0; position < 600; position++) {
        bc_dropout_row(&d, 6, position, 0, factor, 768);
        for (size_t j = 0; j < 768; j++) {
            if (draw(&d, 6, position, 0, j, 768) != d.threshold) continue;
            assert_true(factor[j] == d.scale);
            met++;
        }
    }
    assert_true(met > 0);
}

static void test_row_writes_its_width(void **state)
{
    (void)state;
    bc_dropout d = bc_dropout_make(0.5, 1, 1, BC_SITE_HEAD, 0);
    for (size_t n = 1; n < 40; n++) {
        float *factor = twin_floats(n + 16);
        twin_fill_nan(factor, n + 16);
        bc_dropout_row(&d, 1, 2, 3, factor, n);
        assert_int_equal(bc_dropout_width(n) % 8, 0);
        for (size_t j = 0; j < n + 16; j++) assert_int_equal(isnan(factor[j]) != 0, j >= bc_dropout_width(n));
    }
}

/* ---- statistics ---------------------------------------------------------------------------- */

enum { ROWS = 2000, WIDTH = 768 };

/* The share of dropped elements in rows of different positions. */
static double dropped_share(double p, uint64_t seed)
{
    bc_dropout d = bc_dropout_make(p, seed, 3, BC_SITE_ATTN_OUT, 2);
    float factor[WIDTH];
    size_t dropped = 0;
    for (uint32_t row = 0; row < ROWS; row++) {
        bc_dropout_row(&d, row / 100, row % 100, 0, factor, WIDTH);
        for (size_t j = 0; j < WIDTH; j++) dropped += factor[j] == 0.0f;
    }
    return (double)dropped / ((double)ROWS * WIDTH);
}

static void test_frequency(void **state)
{
    (void)state;
    static const double chances[] = {0.001, 0.1, 0.5, 0.9};
    for (size_t i = 0; i < sizeof chances / sizeof *chances; i++) {
        double p = chances[i], deviation = sqrt(p * (1.0 - p) / ((double)ROWS * WIDTH));
        double allowed = 5.0 * deviation + 0.5 / 65536.0; /* p is rounded to 16 bits */
        assert_true(fabs(dropped_share(p, 42 + i) - p) < allowed);
    }
}

static void test_scale_keeps_the_mean(void **state)
{
    (void)state;
    for (double p = 0.01; p < 1.0; p += 0.07) {
        bc_dropout d = bc_dropout_make(p, 1, 1, BC_SITE_HEAD, 0);
        double kept = 1.0 - d.threshold / 65536.0;
        assert_true(fabs(kept * d.scale - 1.0) < 1e-7);
        assert_true(fabs(d.threshold / 65536.0 - p) <= 0.5 / 65536.0);
    }
}

static void test_off(void **state)
{
    (void)state;
    float factor[24];
    bc_dropout d = bc_dropout_make(0.0, 1, 1, BC_SITE_HEAD, 0);
    assert_int_equal(d.threshold, 0);
    bc_dropout_row(&d, 1, 1, 1, factor, 24);
    for (size_t j = 0; j < 24; j++) assert_true(factor[j] == 1.0f);
}

/* Check that the masks of two rows are independent: of the elements that one row drops the other drops the share p. */
static void expect_independent(const bc_dropout *a, const bc_dropout *b, const uint32_t at[3], const uint32_t bt[3])
{
    enum { N = 65536 };
    float *x = twin_floats(N), *y = twin_floats(N);
    bc_dropout_row(a, at[0], at[1], at[2], x, N);
    bc_dropout_row(b, bt[0], bt[1], bt[2], y, N);
    double first = 0.0, both = 0.0;
    for (size_t j = 0; j < N; j++) {
        first += x[j] == 0.0f;
        both += x[j] == 0.0f && y[j] == 0.0f;
    }
    assert_true(fabs(both / first - 0.2) < 5.0 * sqrt(0.2 * 0.8 / first));
}

static void test_coordinates_are_independent(void **state)
{
    (void)state;
    const bc_dropout base = bc_dropout_make(0.2, 7, 3, BC_SITE_ATTENTION, 1);
    const uint32_t here[3] = {5, 6, 2}, moved[3][3] = {{6, 6, 2}, {5, 7, 2}, {5, 6, 3}};
    for (size_t i = 0; i < 3; i++) expect_independent(&base, &base, here, moved[i]);
    const bc_dropout others[] = {
        bc_dropout_make(0.2, 8, 3, BC_SITE_ATTENTION, 1),
        bc_dropout_make(0.2, 7 + (1ull << 32), 3, BC_SITE_ATTENTION, 1),
        bc_dropout_make(0.2, 7, 4, BC_SITE_ATTENTION, 1),
        bc_dropout_make(0.2, 7, 3, BC_SITE_ATTN_OUT, 1),
        bc_dropout_make(0.2, 7, 3, BC_SITE_ATTENTION, 2),
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) expect_independent(&base, &others[i], here, here);
}

/* Rows that are computed together have the factors of rows that are computed one by one, for short rows and for long
 * rows. No float after a row is written. */
static void test_rows(void **state)
{
    (void)state;
    enum { MAX = 300, TOGETHER = BC_RNG_LANES };
    static float together[TOGETHER * MAX + MAX], one[MAX];
    bc_dropout d = bc_dropout_make(0.3, 9, 4, BC_SITE_ATTENTION, 2);
    for (size_t n = 1; n < MAX - 8; n += 1 + n / 4)
        for (size_t rows = 1; rows <= TOGETHER; rows += 5) {
            size_t width = bc_dropout_width(n), stride = width + 3;
            for (size_t i = 0; i < sizeof together / sizeof *together; i++) together[i] = -1.0f;
            bc_dropout_rows(&d, 6, 40, rows, 3, together, n, stride);
            for (size_t i = 0; i < rows; i++) {
                bc_dropout_row(&d, 6, 40 + (uint32_t)i, 3, one, n);
                assert_memory_equal(together + i * stride, one, width * sizeof *one);
                assert_true(together[i * stride + width] < 0);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_mask_is_its_definition),
        cmocka_unit_test(test_threshold_itself_is_kept),
        cmocka_unit_test_teardown(test_row_writes_its_width, twin_release),
        cmocka_unit_test(test_frequency),
        cmocka_unit_test(test_scale_keeps_the_mean),
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_rows),
        cmocka_unit_test_teardown(test_coordinates_are_independent, twin_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
