/* Activations and the polynomials that they use: accuracy over dense sweeps, aliasing, NaN. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "nn/gemm/gemm.h"
#include "nn/gemm/simd.h"
#include "nn/ops/ops.h"
#include "twin/expect.h"
#include "twin/ops.h"
#include "twin/support.h"

enum { SWEEP = 400001 };

static float sweep(size_t i, double from, double to)
{
    return (float)(from + (to - from) * (double)i / (SWEEP - 1));
}

static void test_exponential(void **state)
{
    (void)state;
    measure m = {"e^x, relative", 2e-7, 0.0};
    for (size_t i = 0; i < SWEEP; i++) {
        float x = sweep(i, -87.0, 88.0);
        expect_within(&m, fabs(bc_expf(x) / exp((double)x) - 1.0));
    }
    assert_true(bc_expf(-1000.0f) == 0.0f && bc_expf(-INFINITY) == 0.0f);
    assert_true(bc_expf(0.0f) == 1.0f && bc_expf(1000.0f) > 1e38f);
    assert_true(isnan(bc_expf(NAN)));
    print_measures(&m, 1);
}

static void test_normal_distribution(void **state)
{
    (void)state;
    measure m[2] = {{"normal distribution, absolute", 1e-7, 0.0}, {"  its bell, absolute", 1e-7, 0.0}};
    float bell;
    for (size_t i = 0; i < SWEEP; i++) {
        float x = sweep(i, -9.0, 9.0);
        expect_within(&m[0], fabs(bc_normalf(x, &bell) - 0.5 * erfc(-(double)x / sqrt(2.0))));
        expect_within(&m[1], fabs(bell - exp(-0.5 * (double)x * (double)x)));
    }
    assert_true(bc_normalf(INFINITY, &bell) == 1.0f && bc_normalf(-INFINITY, &bell) == 0.0f);
    assert_true(isnan(bc_normalf(NAN, &bell)) && isnan(bc_normalf(-NAN, &bell)));
    print_measures(m, 2);
}

static bc_matrix full(float *x)
{
    return (bc_matrix){.f32 = x};
}

static bc_matrix bf16(uint16_t *x)
{
    return (bc_matrix){.bf16 = x};
}

/* The error of a value or a slope, divided by max(1, |x|), because the rounding of a float grows with |x|. */
static void sweep_activation(bertc_activation kind, measure m[2])
{
    float *x = twin_floats(SWEEP), *y = twin_floats(SWEEP), *dx = twin_floats(SWEEP);
    float *dy = twin_floats(SWEEP), *again = twin_floats(SWEEP);
    for (size_t i = 0; i < SWEEP; i++) {
        x[i] = sweep(i, -20.0, 20.0);
        dy[i] = 1.0f;
    }
    bc_activation_fwd(kind, full(y), full(x), 1, SWEEP);
    bc_activation_bwd(kind, full(again), full(dx), full(dy), full(x), 1, SWEEP);
    for (size_t i = 0; i < SWEEP; i++) {
        double size = fmax(1.0, fabs(x[i]));
        expect_within(&m[0], fabs(y[i] - twin_act(kind, x[i])) / size);
        expect_within(&m[0], fabs(again[i] - twin_act(kind, x[i])) / size);
        expect_within(&m[1], fabs(dx[i] - twin_act_slope(kind, x[i])));
    }
}

static void test_activations(void **state)
{
    (void)state;
    static const char *const names[] = {"gelu", "gelu_new", "quick_gelu", "relu", "silu", "tanh"};
    for (int kind = BERTC_GELU; kind <= BERTC_TANH; kind++) {
        measure m[2] = {{names[kind], 2e-7, 0.0}, {"  its slope", 8e-7, 0.0}};
        sweep_activation((bertc_activation)kind, m);
        print_measures(m, 2);
        twin_release(NULL);
    }
}

/* y may alias x; y and dx may alias x and dy, or dy and x. */
static void test_aliasing(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 7, 16, 33, 1000};
    for (int k = BERTC_GELU; k <= BERTC_TANH; k++)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            bertc_activation kind = (bertc_activation)k;
            size_t n = counts[c], bytes = n * sizeof(float);
            float *x = twin_random_floats(n, 1.0, n), *dy = twin_random_floats(n, 1.0, n + 1);
            float *y = twin_floats(n), *dx = twin_floats(n), *a = twin_copy(x, n);
            bc_activation_fwd(kind, full(a), full(a), 1, n);
            bc_activation_bwd(kind, full(y), full(dx), full(dy), full(x), 1, n);
            assert_memory_equal(a, y, bytes);
            float *x2 = twin_copy(x, n), *dy2 = twin_copy(dy, n);
            bc_activation_bwd(kind, full(x2), full(dy2), full(dy2), full(x2), 1, n);
            assert_memory_equal(x2, y, bytes);
            assert_memory_equal(dy2, dx, bytes);
            bc_activation_bwd(kind, full(dy), full(x), full(dy), full(x), 1, n);
            assert_memory_equal(dy, y, bytes);
            assert_memory_equal(x, dx, bytes);
        }
}

/* Results in bf16 are the f32 results of the same elements, rounded. The rows past n are cleared. */
static void test_activations_in_bf16(void **state)
{
    (void)state;
    enum { ROWS = 3, WIDTH = 50, COUNT = ROWS * WIDTH };
    for (int k = BERTC_GELU; k <= BERTC_TANH; k++) {
        bertc_activation kind = (bertc_activation)k;
        float *x = twin_random_floats(COUNT, 3.0, (uint64_t)k), *y = twin_floats(COUNT);
        float *dy = twin_random_floats(COUNT, 1.0, (uint64_t)k + 9), *dx = twin_floats(COUNT);
        size_t room = bc_rows(ROWS) * WIDTH;
        uint16_t *hx = twin_take(room, 2), *hy = twin_take(room, 2), *hd = twin_take(room, 2);
        memset(hy, 0xff, room * sizeof *hy);
        for (size_t i = 0; i < COUNT; i++) {
            hx[i] = bc_to_bf16(x[i]), hd[i] = bc_to_bf16(dy[i]);
            x[i] = bc_from_bf16(hx[i]), dy[i] = bc_from_bf16(hd[i]);
        }
        bc_activation_bwd(kind, full(y), full(dx), full(dy), full(x), ROWS, WIDTH);
        bc_activation_fwd(kind, bf16(hy), bf16(hx), ROWS, WIDTH);
        for (size_t i = 0; i < room; i++) assert_int_equal(hy[i], i < COUNT ? bc_to_bf16(y[i]) : 0);
        memset(hy, 0xff, room * sizeof *hy);
        memset(hd + COUNT, 0xff, (room - COUNT) * sizeof *hd);
        bc_activation_bwd(kind, bf16(hy), bf16(hd), bf16(hd), bf16(hx), ROWS, WIDTH);
        for (size_t i = 0; i < room; i++) {
            assert_int_equal(hy[i], i < COUNT ? bc_to_bf16(y[i]) : 0);
            assert_int_equal(hd[i], i < COUNT ? bc_to_bf16(dx[i]) : 0);
        }
    }
}

static void test_activations_keep_nan(void **state)
{
    (void)state;
    for (int kind = BERTC_GELU; kind <= BERTC_TANH; kind++)
        for (size_t at = 0; at < 40; at++) {
            float *x = twin_random_floats(40, 1.0, at), *dy = twin_random_floats(40, 1.0, at + 1);
            float *y = twin_floats(40), *dx = twin_floats(40);
            x[at] = NAN;
            dy[39 - at] = NAN;
            bc_activation_bwd((bertc_activation)kind, full(y), full(dx), full(dy), full(x), 1, 40);
            for (size_t i = 0; i < 40; i++) {
                assert_int_equal(isnan(y[i]) != 0, i == at);
                assert_int_equal(isnan(dx[i]) != 0, i == at || i == 39 - at);
            }
        }
}

static void test_tanh(void **state)
{
    (void)state;
    measure m[2] = {{"tanh", 2e-7, 0.0}, {"  its slope", 5e-7, 0.0}};
    float *x = twin_floats(SWEEP), *y = twin_floats(SWEEP), *dx = twin_floats(SWEEP);
    for (size_t i = 0; i < SWEEP; i++) {
        x[i] = sweep(i, -12.0, 12.0);
        dx[i] = 1.0f;
    }
    bc_tanh_fwd(y, x, SWEEP);
    bc_tanh_bwd(dx, dx, y, SWEEP);
    for (size_t i = 0; i < SWEEP; i++) {
        double t = tanh((double)x[i]);
        expect_within(&m[0], fabs(y[i] - t));
        expect_within(&m[1], fabs(dx[i] - (1.0 - t * t)));
    }
    x[0] = NAN;
    bc_tanh_fwd(x, x, 1);
    assert_true(isnan(x[0]));
    print_measures(m, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exponential),
        cmocka_unit_test(test_normal_distribution),
        cmocka_unit_test_teardown(test_activations, twin_release),
        cmocka_unit_test_teardown(test_aliasing, twin_release),
        cmocka_unit_test_teardown(test_activations_in_bf16, twin_release),
        cmocka_unit_test_teardown(test_activations_keep_nan, twin_release),
        cmocka_unit_test_teardown(test_tanh, twin_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
