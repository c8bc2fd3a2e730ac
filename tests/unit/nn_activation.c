/* Activations and the polynomials behind them: accuracy over dense sweeps, aliasing, NaN. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "nn/ops.h"
#include "nn/simd.h"
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

static void test_error_function(void **state)
{
    (void)state;
    measure m = {"erf(x), absolute", 2e-7, 0.0};
    for (size_t i = 0; i < SWEEP; i++) {
        float x = sweep(i, -6.0, 6.0);
        expect_within(&m, fabs(bc_erff(x) - erf((double)x)));
    }
    assert_true(bc_erff(INFINITY) == 1.0f && bc_erff(-INFINITY) == -1.0f && bc_erff(0.0f) == 0.0f);
    assert_true(isnan(bc_erff(NAN)) && isnan(bc_erff(-NAN)));
    print_measures(&m, 1);
}

/* The error of a value or a slope, over max(1, |x|): beyond one, float itself is no finer. */
static void sweep_activation(bertc_activation kind, measure m[2])
{
    float *x = twin_floats(SWEEP), *y = twin_floats(SWEEP), *dx = twin_floats(SWEEP);
    float *dy = twin_floats(SWEEP), *again = twin_floats(SWEEP);
    for (size_t i = 0; i < SWEEP; i++) {
        x[i] = sweep(i, -20.0, 20.0);
        dy[i] = 1.0f;
    }
    bc_activation_fwd(kind, y, x, SWEEP);
    bc_activation_bwd(kind, again, dx, dy, x, SWEEP);
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

/* y in x's place; y and dx in the places of x and dy, both ways round. */
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
            bc_activation_fwd(kind, a, a, n);
            bc_activation_bwd(kind, y, dx, dy, x, n);
            assert_memory_equal(a, y, bytes);
            float *x2 = twin_copy(x, n), *dy2 = twin_copy(dy, n);
            bc_activation_bwd(kind, x2, dy2, dy2, x2, n);
            assert_memory_equal(x2, y, bytes);
            assert_memory_equal(dy2, dx, bytes);
            bc_activation_bwd(kind, dy, x, dy, x, n);
            assert_memory_equal(dy, y, bytes);
            assert_memory_equal(x, dx, bytes);
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
            bc_activation_bwd((bertc_activation)kind, y, dx, dy, x, 40);
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
        cmocka_unit_test(test_error_function),
        cmocka_unit_test_teardown(test_activations, twin_release),
        cmocka_unit_test_teardown(test_aliasing, twin_release),
        cmocka_unit_test_teardown(test_activations_keep_nan, twin_release),
        cmocka_unit_test_teardown(test_tanh, twin_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
