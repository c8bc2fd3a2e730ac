/* GEMM backends: each against the double-precision twin and against the others. */
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "bertc/model.h"
#include "nn/gemm/gemm.h"
#include "nn/gemm/simd.h"
#include "nn/ops/ops.h"
#include "twin/expect.h"
#include "twin/ops.h"
#include "twin/support.h"

static const bc_linear shapes[] = {
    {1, 1, 1},  {1, 8, 3},  {5, 50, 7},   {16, 8, 8},  {17, 128, 50}, {31, 50, 128},
    {33, 1, 5}, {70, 5, 1}, {64, 96, 64}, {3, 768, 2}, {37, 768, 96}, {130, 64, 768},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Inputs, expected results and buffers for results of one shape. Rows past N are NaN. */
typedef struct bench {
    bc_linear d;
    size_t rows;
    float *x, *w, *b, *dy;
    double *y_true, *dx_true, *dw_true, *db_true;
} bench;

static float *padded(const float *x, size_t n, size_t width)
{
    float *y = twin_floats(bc_rows(n) * width);
    twin_fill_nan(y, bc_rows(n) * width);
    memcpy(y, x, n * width * sizeof *y);
    return y;
}

static bench make(bc_linear d, uint64_t seed)
{
    bench t = {.d = d, .rows = bc_rows(d.n)};
    t.x = twin_random_floats(d.n * d.in, 1.0, seed);
    t.w = twin_random_floats(d.out * d.in, 1.0, seed + 1);
    t.b = twin_random_floats(d.out, 1.0, seed + 2);
    t.dy = twin_random_floats(d.n * d.out, 1.0, seed + 3);
    double *x = twin_widen(t.x, d.n * d.in), *w = twin_widen(t.w, d.out * d.in);
    double *b = twin_widen(t.b, d.out), *dy = twin_widen(t.dy, d.n * d.out);
    t.y_true = twin_doubles(d.n * d.out);
    t.dx_true = twin_doubles(d.n * d.in);
    t.dw_true = twin_doubles(d.out * d.in);
    t.db_true = twin_doubles(d.out);
    twin_linear_fwd(t.y_true, x, w, b, d.n, d.in, d.out);
    twin_linear_bwd_x(t.dx_true, dy, w, d.n, d.in, d.out);
    twin_linear_bwd_w(t.dw_true, t.db_true, dy, x, d.n, d.in, d.out);
    t.x = padded(t.x, d.n, d.in);
    t.dy = padded(t.dy, d.n, d.out);
    return t;
}

static float *nan_floats(size_t count)
{
    float *x = twin_floats(count);
    twin_fill_nan(x, count);
    return x;
}

static void add(double *x, const float *y, size_t count)
{
    for (size_t i = 0; i < count; i++) x[i] += y[i];
}

enum { Y, DX, DW, DB, MEASURES };

static void measure_fresh(bc_gemm *gemm, measure m[MEASURES], const bench *t)
{
    bc_linear d = t->d;
    float *y = nan_floats(t->rows * d.out), *dx = nan_floats(t->rows * d.in);
    float *dw = nan_floats(d.out * d.in), *db = nan_floats(d.out);
    bc_linear_fwd(gemm, y, t->x, t->w, t->b, d);
    bc_linear_bwd_x(gemm, dx, t->dy, t->w, d, false);
    bc_linear_bwd_w(gemm, dw, t->dy, t->x, d, false);
    bc_column_sums(db, (bc_matrix){.f32 = t->dy}, d.n, d.out, false);
    expect_within(&m[Y], twin_distance(y, t->y_true, d.n * d.out));
    expect_within(&m[DX], twin_distance(dx, t->dx_true, d.n * d.in));
    expect_within(&m[DW], twin_distance(dw, t->dw_true, d.out * d.in));
    expect_within(&m[DB], twin_distance(db, t->db_true, d.out));
}

static void measure_accumulated(bc_gemm *gemm, measure m[MEASURES], const bench *t, uint64_t seed)
{
    bc_linear d = t->d;
    float *dx = padded(twin_random_floats(d.n * d.in, 1.0, seed), d.n, d.in);
    float *dw = twin_random_floats(d.out * d.in, 1.0, seed + 1);
    float *db = twin_random_floats(d.out, 1.0, seed + 2);
    add(t->dx_true, dx, d.n * d.in);
    add(t->dw_true, dw, d.out * d.in);
    add(t->db_true, db, d.out);
    bc_linear_bwd_x(gemm, dx, t->dy, t->w, d, true);
    bc_linear_bwd_w(gemm, dw, t->dy, t->x, d, true);
    bc_column_sums(db, (bc_matrix){.f32 = t->dy}, d.n, d.out, true);
    expect_within(&m[DX], twin_distance(dx, t->dx_true, d.n * d.in));
    expect_within(&m[DW], twin_distance(dw, t->dw_true, d.out * d.in));
    expect_within(&m[DB], twin_distance(db, t->db_true, d.out));
}

static void open_backend(bc_gemm *gemm, const char *name)
{
    bertc_error err = {0};
    if (bc_gemm_open(gemm, name, &err) == BERTC_OK) return;
    print_message("%s\n", err.message);
    if (strcmp(name, "openblas") == 0) skip();
    fail();
}

static void check_backend(const char *name, double bound)
{
    measure m[MEASURES] = {{"y", bound, 0.0}, {"dx", bound, 0.0}, {"dW", bound, 0.0}, {"db", 2e-6, 0.0}};
    bc_gemm gemm;
    open_backend(&gemm, name);
    for (size_t i = 0; i < SHAPES; i++) {
        bench t = make(shapes[i], 10 * i);
        measure_fresh(&gemm, m, &t);
        measure_accumulated(&gemm, m, &t, 10 * i + 5);
        twin_release(NULL);
    }
    assert_int_equal(bc_gemm_status(&gemm, NULL), BERTC_OK);
    bc_gemm_close(&gemm);
    print_measures(m, MEASURES);
}

static void test_onednn(void **state)
{
    (void)state;
    check_backend("onednn", 2e-6);
}

static void test_openblas(void **state)
{
    (void)state;
    check_backend("openblas", 2e-6);
}

static void test_reference(void **state)
{
    (void)state;
    check_backend("reference", 1e-7);
}

/* ---- bf16 ---------------------------------------------------------------------------------- */

/* Round floats to values that are exact in bf16. */
static void round_floats(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) x[i] = bc_from_bf16(bc_to_bf16(x[i]));
}

static uint16_t *bf16_values(const float *x, size_t n, size_t width)
{
    uint16_t *y = twin_take(bc_rows(n) * width, sizeof *y);
    bc_round_rows(y, x, n, width);
    return y;
}

static bench make_rounded(bc_linear d, uint64_t seed)
{
    bench t = make(d, seed);
    round_floats(t.x, d.n * d.in);
    round_floats(t.w, d.out * d.in);
    round_floats(t.dy, d.n * d.out);
    double *x = twin_widen(t.x, d.n * d.in), *w = twin_widen(t.w, d.out * d.in);
    double *b = twin_widen(t.b, d.out), *dy = twin_widen(t.dy, d.n * d.out);
    twin_linear_fwd(t.y_true, x, w, b, d.n, d.in, d.out);
    twin_linear_bwd_x(t.dx_true, dy, w, d.n, d.in, d.out);
    twin_linear_bwd_w(t.dw_true, t.db_true, dy, x, d.n, d.in, d.out);
    return t;
}

enum { BF16_Y = DW + 1, BF16_DX, BF16_MEASURES };

/* Convert bf16 results to floats. */
static float *widened(const uint16_t *x, size_t count)
{
    float *y = twin_floats(count);
    for (size_t i = 0; i < count; i++) y[i] = bc_from_bf16(x[i]);
    return y;
}

/* Gradients that overwrite, gradients that are added, and results in bf16. */
static void measure_bf16(bc_gemm *gemm, measure m[BF16_MEASURES], const bench *t)
{
    bc_linear d = t->d;
    uint16_t *x = bf16_values(t->x, d.n, d.in), *dy = bf16_values(t->dy, d.n, d.out);
    uint16_t *w = bf16_values(t->w, d.out, d.in);
    float *y = nan_floats(t->rows * d.out), *dx = nan_floats(t->rows * d.in);
    float *dw = nan_floats(d.out * d.in);
    bc_bf16_fwd(gemm, (bc_matrix){.f32 = y}, x, w, t->b, d);
    expect_within(&m[Y], twin_distance(y, t->y_true, d.n * d.out));
    for (int added = 0; added < 2; added++) {
        bc_bf16_bwd_x(gemm, (bc_matrix){.f32 = dx}, dy, w, d, added);
        bc_bf16_bwd_w(gemm, dw, dy, x, d, added);
        expect_within(&m[DX], twin_distance(dx, t->dx_true, d.n * d.in));
        expect_within(&m[DW], twin_distance(dw, t->dw_true, d.out * d.in));
        for (size_t i = 0; i < d.n * d.in; i++) t->dx_true[i] *= 2.0;
        for (size_t i = 0; i < d.out * d.in; i++) t->dw_true[i] *= 2.0;
    }
    uint16_t *bf16_y = twin_take(t->rows * d.out, 2), *bf16_dx = twin_take(t->rows * d.in, 2);
    for (size_t i = 0; i < d.n * d.in; i++) t->dx_true[i] /= 4.0;
    bc_bf16_fwd(gemm, (bc_matrix){.bf16 = bf16_y}, x, w, t->b, d);
    bc_bf16_bwd_x(gemm, (bc_matrix){.bf16 = bf16_dx}, dy, w, d, false);
    expect_within(&m[BF16_Y], twin_distance(widened(bf16_y, d.n * d.out), t->y_true, d.n * d.out));
    expect_within(&m[BF16_DX], twin_distance(widened(bf16_dx, d.n * d.in), t->dx_true, d.n * d.in));
}

/* With operands that are exact in bf16 the products are as accurate as in f32. */
static void test_bf16(void **state)
{
    (void)state;
    for (size_t k = 0; bertc_backend_name(k); k++) {
        measure m[BF16_MEASURES] = {
            {"y", 2e-6, 0.0}, {"dx", 2e-6, 0.0}, {"dW", 2e-6, 0.0}, {"y in bf16", 4e-3, 0.0}, {"dx in bf16", 4e-3, 0.0},
        };
        bertc_error err = {0};
        bc_gemm gemm;
        open_backend(&gemm, bertc_backend_name(k));
        bertc_status status = bc_gemm_use_bf16(&gemm, &err);
        if (status != BERTC_OK) {
            assert_int_equal(status, BERTC_USAGE);
            print_message("skipped: %s\n", err.message);
        }
        for (size_t i = 0; i < SHAPES && status == BERTC_OK; i++) {
            bench t = make_rounded(shapes[i], 10 * i);
            measure_bf16(&gemm, m, &t);
            twin_release(NULL);
        }
        assert_int_equal(bc_gemm_status(&gemm, NULL), BERTC_OK);
        bc_gemm_close(&gemm);
        if (status == BERTC_OK) print_measures(m, BF16_MEASURES);
    }
}

/* Compute y with packed weights of one precision. */
static void measure_packed(bc_gemm *gemm, measure *m, const bench *t, bool bf16)
{
    bc_linear d = t->d;
    bertc_error err = {0};
    bc_packed *packed;
    bc_matrix x = {.f32 = t->x}, w = {.f32 = t->w};
    float *y = nan_floats(t->rows * d.out);
    if (bf16) x = (bc_matrix){.bf16 = bf16_values(t->x, d.n, d.in)};
    if (bf16) w = (bc_matrix){.bf16 = bf16_values(t->w, d.out, d.in)};
    assert_int_equal(bc_gemm_pack(gemm, w, d.in, d.out, &packed, &err), BERTC_OK);
    if (!packed) return;
    assert_true(packed->in == d.in && packed->out == d.out);
    twin_fill_nan(t->w, d.out * d.in); /* the product does not read them */
    bc_packed_fwd(gemm, (bc_matrix){.f32 = y}, x, packed, t->b, d);
    bc_gemm_unpack(gemm, packed);
    expect_within(m, twin_distance(y, t->y_true, d.n * d.out));
}

static void test_packed(void **state)
{
    (void)state;
    for (size_t k = 0; bertc_backend_name(k); k++) {
        measure m[2] = {{"y of packed weights", 2e-6, 0.0}, {"  in bf16", 2e-6, 0.0}};
        bc_gemm gemm;
        open_backend(&gemm, bertc_backend_name(k));
        assert_true(k > 0 || gemm.backend->packing);
        size_t precisions = bc_gemm_use_bf16(&gemm, NULL) == BERTC_OK ? 2 : 1;
        for (size_t i = 0; i < SHAPES; i++)
            for (size_t p = 0; p < precisions; p++) {
                bench t = make_rounded(shapes[i], 10 * i);
                measure_packed(&gemm, &m[p], &t, p > 0);
                twin_release(NULL);
            }
        assert_int_equal(bc_gemm_status(&gemm, NULL), BERTC_OK);
        bc_gemm_close(&gemm);
        print_measures(m, precisions);
    }
}

static void test_who_has_bf16(void **state)
{
    (void)state;
    bertc_error err = {0};
    bertc_precision precision = BERTC_AUTO;
    assert_int_equal(bertc_precision_resolve("reference", &precision, &err), BERTC_OK);
    assert_int_equal(precision, BERTC_F32); /* for plain loops packing is never faster */
    precision = BERTC_BF16;
    assert_int_equal(bertc_precision_resolve("reference", &precision, &err), BERTC_OK);
    assert_int_equal(precision, BERTC_BF16);
    precision = BERTC_AUTO;
    assert_int_equal(bertc_precision_resolve("openblas", &precision, &err), BERTC_OK);
    assert_int_equal(precision, BERTC_F32);
    precision = BERTC_BF16;
    assert_int_equal(bertc_precision_resolve("openblas", &precision, &err), BERTC_USAGE);
    assert_string_equal(err.message, "backend openblas has no bf16 products");
}

static void test_no_bias_and_no_gradients(void **state)
{
    (void)state;
    for (size_t k = 0; bertc_backend_name(k); k++) {
        bc_gemm gemm;
        bertc_error err = {0};
        if (bc_gemm_open(&gemm, bertc_backend_name(k), &err) != BERTC_OK) continue;
        bench t = make((bc_linear){21, 40, 24}, 3);
        float *y = nan_floats(t.rows * 24), *db = nan_floats(24);
        for (size_t i = 0; i < (size_t)21 * 24; i++) t.y_true[i] -= t.b[i % 24];
        bc_linear_fwd(&gemm, y, t.x, t.w, NULL, t.d);
        assert_true(twin_distance(y, t.y_true, (size_t)21 * 24) < 2e-6);
        bc_linear_bwd_w(&gemm, NULL, t.dy, t.x, t.d, false);
        if (bc_gemm_use_bf16(&gemm, NULL) == BERTC_OK)
            bc_bf16_bwd_w(&gemm, NULL, bf16_values(t.dy, 21, 24), bf16_values(t.x, 21, 40), t.d, false);
        bc_column_sums(db, (bc_matrix){.f32 = t.dy}, t.d.n, t.d.out, false);
        assert_true(twin_distance(db, t.db_true, 24) < 2e-6);
        bc_gemm_close(&gemm);
    }
}

static void test_backends_agree(void **state)
{
    (void)state;
    measure m = {"between two backends", 2e-6, 0.0};
    bc_linear d = {45, 200, 130};
    bench t = make(d, 1);
    float *first[3] = {0};
    for (size_t k = 0; bertc_backend_name(k); k++) {
        bc_gemm gemm;
        bertc_error err = {0};
        if (bc_gemm_open(&gemm, bertc_backend_name(k), &err) != BERTC_OK) continue;
        float *now[3] = {nan_floats(t.rows * d.out), nan_floats(t.rows * d.in), nan_floats(d.out * d.in)};
        const size_t sizes[3] = {d.n * d.out, d.n * d.in, d.out * d.in};
        bc_linear_fwd(&gemm, now[0], t.x, t.w, t.b, d);
        bc_linear_bwd_x(&gemm, now[1], t.dy, t.w, d, false);
        bc_linear_bwd_w(&gemm, now[2], t.dy, t.x, d, false);
        for (size_t i = 0; i < 3; i++) {
            if (first[i]) expect_within(&m, twin_distance_floats(now[i], first[i], sizes[i]));
            first[i] = now[i];
        }
        bc_gemm_close(&gemm);
    }
    print_measures(&m, 1);
}

/* Compute y, dx, dW and db with `threads` threads into one block. */
static float *all_results(const char *name, int threads, const bench *t)
{
    bc_gemm gemm;
    open_backend(&gemm, name);
    omp_set_num_threads(threads);
    bc_linear d = t->d;
    float *out = twin_floats(t->rows * (d.out + d.in) + d.out * d.in + d.out);
    float *dx = out + t->rows * d.out, *dw = dx + t->rows * d.in, *db = dw + d.out * d.in;
    bc_linear_fwd(&gemm, out, t->x, t->w, t->b, d);
    bc_linear_bwd_x(&gemm, dx, t->dy, t->w, d, false);
    bc_linear_bwd_w(&gemm, dw, t->dy, t->x, d, false);
    bc_column_sums(db, (bc_matrix){.f32 = t->dy}, d.n, d.out, false);
    memset(out + d.n * d.out, 0, (t->rows - d.n) * d.out * sizeof *out);
    memset(dx + d.n * d.in, 0, (t->rows - d.n) * d.in * sizeof *out);
    bc_gemm_close(&gemm);
    omp_set_num_threads(omp_get_num_procs());
    return out;
}

static void test_threads(void **state)
{
    (void)state;
    bench t = make((bc_linear){77, 130, 200}, 4);
    size_t all = t.rows * 330 + (size_t)130 * 200 + 200;
    for (size_t k = 0; bertc_backend_name(k); k++) {
        const char *name = bertc_backend_name(k);
        float *one = all_results(name, 1, &t);
        for (int threads = 2; threads <= 3; threads++) {
            float *many = all_results(name, threads, &t);
            assert_memory_equal(one + all - 200, many + all - 200, 200 * sizeof *one);
            if (strcmp(name, "reference") == 0)
                assert_memory_equal(one, many, all * sizeof *one);
            else
                assert_true(twin_distance_floats(many, one, all) < 2e-6);
            print_message("%s, 1 and %d threads: %s\n", name, threads,
                          memcmp(one, many, all * sizeof *one) ? "within 2e-6" : "the same bits");
        }
    }
}

/* A row's result must not depend on the number of rows that follow it, because packed batches rely on that. */
static void test_rows_do_not_depend_on_each_other(void **state)
{
    (void)state;
    bench t = make((bc_linear){70, 96, 120}, 6);
    for (size_t k = 0; bertc_backend_name(k); k++) {
        bc_gemm gemm;
        open_backend(&gemm, bertc_backend_name(k));
        float *all = nan_floats(t.rows * 120), *few = nan_floats(t.rows * 120);
        bc_linear_fwd(&gemm, all, t.x, t.w, t.b, t.d);
        bc_linear_fwd(&gemm, few, t.x, t.w, t.b, (bc_linear){9, 96, 120});
        assert_true(twin_distance_floats(few, all, (size_t)9 * 120) < 1e-6);
        print_message("%s, 9 rows alone and among 70: %s\n", bertc_backend_name(k),
                      memcmp(few, all, (size_t)9 * 120 * sizeof *all) ? "within 1e-6" : "the same bits");
        bc_gemm_close(&gemm);
    }
}

static void test_nan_stays_nan(void **state)
{
    (void)state;
    for (size_t k = 0; bertc_backend_name(k); k++) {
        bc_gemm gemm;
        open_backend(&gemm, bertc_backend_name(k));
        bench t = make((bc_linear){20, 30, 40}, 2);
        float *y = twin_floats(t.rows * 40), *dw = twin_floats(1200), *db = twin_floats(40);
        t.x[7 * 30 + 4] = NAN;
        t.dy[3 * 40 + 6] = NAN;
        bc_linear_fwd(&gemm, y, t.x, t.w, t.b, t.d);
        for (size_t i = 0; i < (size_t)20 * 40; i++) assert_int_equal(isnan(y[i]) != 0, i / 40 == 7);
        bc_linear_bwd_w(&gemm, dw, t.dy, t.x, t.d, false);
        bc_column_sums(db, (bc_matrix){.f32 = t.dy}, t.d.n, t.d.out, false);
        for (size_t i = 0; i < 1200; i++) assert_int_equal(isnan(dw[i]) != 0, i / 30 == 6 || i % 30 == 4);
        for (size_t i = 0; i < 40; i++) assert_int_equal(isnan(db[i]) != 0, i == 6);
        bc_gemm_close(&gemm);
    }
}

/* Products of many shapes, then of the first shape again, give the right results. */
static void test_many_shapes(void **state)
{
    (void)state;
    bc_gemm gemm;
    open_backend(&gemm, "onednn");
    bench t = make((bc_linear){5, 4, 3}, 8);
    float *x = twin_floats(20000), *w = twin_floats(2000), *y = twin_floats(20000);
    for (size_t i = 1; i < 900; i++) bc_linear_fwd(&gemm, y, x, w, NULL, (bc_linear){16, 1 + i / 30, 1 + i % 30});
    bc_linear_fwd(&gemm, y, t.x, t.w, t.b, t.d);
    assert_true(twin_distance(y, t.y_true, 15) < 2e-6);
    assert_int_equal(bc_gemm_status(&gemm, NULL), BERTC_OK);
    bc_gemm_close(&gemm);
}

static void test_unknown_backend(void **state)
{
    (void)state;
    bc_gemm gemm;
    bertc_error err = {0};
    assert_int_equal(bc_gemm_open(&gemm, "abacus", &err), BERTC_USAGE);
    assert_string_equal(err.message, "unknown backend \"abacus\"");
    bc_gemm_close(&gemm);
    assert_int_equal(bc_gemm_open(&gemm, NULL, NULL), BERTC_OK);
    assert_string_equal(gemm.backend->name, "onednn");
    bc_gemm_close(&gemm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_onednn, twin_release),
        cmocka_unit_test_teardown(test_openblas, twin_release),
        cmocka_unit_test_teardown(test_reference, twin_release),
        cmocka_unit_test_teardown(test_bf16, twin_release),
        cmocka_unit_test_teardown(test_packed, twin_release),
        cmocka_unit_test_teardown(test_who_has_bf16, twin_release),
        cmocka_unit_test_teardown(test_no_bias_and_no_gradients, twin_release),
        cmocka_unit_test_teardown(test_backends_agree, twin_release),
        cmocka_unit_test_teardown(test_threads, twin_release),
        cmocka_unit_test_teardown(test_rows_do_not_depend_on_each_other, twin_release),
        cmocka_unit_test_teardown(test_nan_stays_nan, twin_release),
        cmocka_unit_test_teardown(test_many_shapes, twin_release),
        cmocka_unit_test(test_unknown_backend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
