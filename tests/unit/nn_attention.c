/* Attention in f32 and on bf16 operands against the double-precision twins; independence of packing. */
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "nn/gemm/simd.h"
#include "nn/ops/attention.h"
#include "twin/expect.h"
#include "twin/ops.h"
#include "twin/support.h"

enum { THREADS = 3 };

/* The kind of products: null for f32, else products on bf16 operands. */
static const bc_tiles *kind;

/* Run a test in f32 and with every kind of bf16 products that this processor has. */
static void for_each_kind(void (*test)(void))
{
    for (size_t i = 0; i == 0 || bc_tiles_at(i - 1); i++) {
        kind = i ? bc_tiles_at(i - 1) : NULL;
        if (kind && !kind->ready()) continue;
        test();
        twin_release(NULL);
    }
    kind = NULL;
}

/* The inputs of a test, and buffers for results that are NaN at first. */
typedef struct bench {
    const bertc_batch *batch;
    bc_attention dims;
    bc_dropout dropout;
    size_t n, h;
    float *qkv, *dcontext;
    float *context, *dqkv;
} bench;

static int release(void **state)
{
    kind = NULL;
    return twin_release(state);
}

static const bertc_config *any_config(void)
{
    static bertc_config config;
    config = twin_config(1, 8, 1, 8, 2, BERTC_GELU);
    return &config;
}

static void clear_results(bench *t)
{
    twin_fill_nan(t->context, t->n * t->h);
    twin_fill_nan(t->dqkv, t->n * 3 * t->h);
    twin_fill_nan(t->dims.scratch, t->dims.scratch_stride * THREADS);
}

static bench make_for(const bertc_batch *batch, size_t heads, size_t width, double p, uint64_t seed)
{
    bench t = {.batch = batch, .n = (size_t)batch->tokens, .h = heads * width};
    t.dims = (bc_attention){.heads = heads, .width = width, .tiles = kind};
    t.dims.scratch_stride = bc_attention_scratch((size_t)batch->longest, width, kind != NULL);
    t.dims.scratch = twin_floats(t.dims.scratch_stride * THREADS);
    t.dropout = bc_dropout_make(p, 5, 6, BC_SITE_ATTENTION, 3);
    t.qkv = twin_random_floats(t.n * 3 * t.h, 1.0, seed);
    t.dcontext = twin_random_floats(t.n * t.h, 1.0, seed + 1);
    t.context = twin_floats(t.n * t.h);
    t.dqkv = twin_floats(t.n * 3 * t.h);
    clear_results(&t);
    return t;
}

static bench make(const int32_t *lengths, int32_t sequences, size_t heads, size_t width, double p)
{
    return make_for(twin_batch(any_config(), lengths, sequences, 1), heads, width, p, width);
}

static void run(const bench *t)
{
    bc_qkv in = bc_qkv_all(t->qkv, t->h), d = bc_qkv_all(t->dqkv, t->h);
    bc_attention_fwd(t->context, in, t->batch, &t->dropout, t->dims);
    bc_attention_bwd(d, t->dcontext, in, t->batch, &t->dropout, t->dims);
}

enum { CONTEXT, DQKV, MEASURES };

static void compare(measure m[MEASURES], const bench *t)
{
    size_t rows = t->n, h = t->h;
    double *context = twin_doubles(rows * h);
    double *dqkv = twin_doubles(rows * 3 * h), *qkv = twin_widen(t->qkv, rows * 3 * h);
    twin_attention_fwd(context, qkv, t->batch, &t->dropout, t->dims.heads, t->dims.width);
    twin_attention_bwd(dqkv, twin_widen(t->dcontext, rows * h), qkv, t->batch, &t->dropout,
                       t->dims.heads, t->dims.width);
    run(t);
    expect_within(&m[CONTEXT], twin_distance(t->context, context, rows * h));
    expect_within(&m[DQKV], twin_distance(t->dqkv, dqkv, rows * 3 * h));
}

static void test_against_twin(void **state)
{
    (void)state;
    static const size_t widths[] = {1, 2, 5, 16, 25, 32, 64, 100};
    static const int32_t mixed[] = {1, 17, 2, 33, 16, 5};
    measure m[MEASURES] = {{"context", 1e-6, 0.0}, {"dqkv", 2e-6, 0.0}};
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
        for (size_t heads = 1; heads <= 3; heads++) {
            bench t = make(mixed, 6, heads, widths[w], heads == 2 ? 0.0 : 0.2);
            compare(m, &t);
            twin_release(NULL);
        }
    print_measures(m, MEASURES);
}

/* First rows give the same bits if they are the only query rows. Their gradients are those of all query rows with zero
 * gradients in the other rows. */
static void first_rows_alone(void)
{
    static const int32_t lengths[] = {1, 17, 2, 33, 16, 5};
    enum { S = 6 };
    bench t = make(lengths, S, 3, 20, 0.2);
    size_t n = t.n, h = t.h;
    float *q = twin_floats(S * h), *kv = twin_floats(n * 2 * h), *context = twin_floats(S * h);
    float *dq = twin_floats(S * h), *dkv = twin_floats(n * 2 * h), *dcontext = twin_floats(S * h);
    for (size_t i = 0; i < n; i++) memcpy(kv + i * 2 * h, t.qkv + i * 3 * h + h, 2 * h * sizeof *kv);
    for (size_t s = 0, i = 0; i < n; i++) {
        if (i != (size_t)t.batch->starts[s]) {
            memset(t.dcontext + i * h, 0, h * sizeof(float));
            continue;
        }
        memcpy(q + s * h, t.qkv + i * 3 * h, h * sizeof *q);
        memcpy(dcontext + s++ * h, t.dcontext + i * h, h * sizeof *q);
    }
    run(&t);
    twin_fill_nan(dq, S * h);
    twin_fill_nan(dkv, n * 2 * h);
    bc_qkv in = bc_qkv_first(q, kv, h);
    bc_attention_fwd(context, in, t.batch, &t.dropout, t.dims);
    bc_attention_bwd(bc_qkv_first(dq, dkv, h), dcontext, in, t.batch, &t.dropout, t.dims);
    for (size_t s = 0; s < S; s++) {
        size_t at = (size_t)t.batch->starts[s];
        assert_memory_equal(context + s * h, t.context + at * h, h * sizeof(float));
        assert_memory_equal(dq + s * h, t.dqkv + at * 3 * h, h * sizeof(float));
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < 2 * h; j++) assert_true(dkv[i * 2 * h + j] == t.dqkv[i * 3 * h + h + j]);
}

static void test_first_rows_alone(void **state)
{
    (void)state;
    for_each_kind(first_rows_alone);
}

static void test_every_length(void **state)
{
    (void)state;
    measure m[MEASURES] = {{"context", 1e-6, 0.0}, {"dqkv", 2e-6, 0.0}};
    for (int32_t length = 1; length <= 70; length++) {
        bench t = make(&length, 1, 2, 8, 0.1);
        compare(m, &t);
        twin_release(NULL);
    }
    print_measures(m, MEASURES);
}

static void test_long_sequence(void **state)
{
    (void)state;
    static const int32_t lengths[] = {3, 512, 200};
    measure m[MEASURES] = {{"context", 2e-6, 0.0}, {"dqkv", 4e-6, 0.0}};
    bench t = make(lengths, 3, 1, 64, 0.1);
    compare(m, &t);
    print_measures(m, MEASURES);
}

/* With scores of about 50 and about 5000 nothing overflows, and the error grows only with the rounding of the
 * scores. */
static void test_large_scores(void **state)
{
    (void)state;
    static const int32_t lengths[] = {20, 9};
    measure m[MEASURES] = {{"context", 1e-5, 0.0}, {"dqkv", 1e-5, 0.0}};
    for (float factor = 4.0f; factor < 40.0f; factor += 26.0f) {
        bench t = make(lengths, 2, 2, 16, 0.0);
        for (size_t i = 0; i < t.n * 3 * t.h; i++)
            if (i % (3 * t.h) < 2 * t.h) t.qkv[i] *= factor;
        compare(m, &t);
    }
    print_measures(m, MEASURES);
}

static void threads(void)
{
    static const int32_t lengths[] = {40, 1, 23, 8, 64};
    bench t = make(lengths, 5, 3, 20, 0.1);
    float *first[2] = {0}, *now[2] = {t.context, t.dqkv};
    const size_t sizes[2] = {t.n * t.h, t.n * 3 * t.h};
    for (int threads = 1; threads <= THREADS; threads++) {
        clear_results(&t);
        omp_set_num_threads(threads);
        run(&t);
        for (size_t i = 0; i < 2; i++) {
            if (first[i]) assert_memory_equal(first[i], now[i], sizes[i] * sizeof(float));
            first[i] = twin_copy(now[i], sizes[i]);
        }
    }
    omp_set_num_threads(omp_get_num_procs());
}

static void test_threads(void **state)
{
    (void)state;
    for_each_kind(threads);
}

/* A packed batch gives the same bits as each sequence alone, with dropout too. */
static void packing(void)
{
    static const int32_t lengths[] = {7, 31, 1, 16, 50};
    bench all = make(lengths, 5, 2, 24, 0.2);
    run(&all);
    for (int32_t s = 0; s < 5; s++) {
        size_t at = (size_t)all.batch->starts[s];
        bench one = make_for(twin_batch_part(all.batch, s, 1), 2, 24, 0.2, 1);
        memcpy(one.qkv, all.qkv + at * 3 * all.h, one.n * 3 * one.h * sizeof(float));
        memcpy(one.dcontext, all.dcontext + at * all.h, one.n * one.h * sizeof(float));
        run(&one);
        assert_memory_equal(one.context, all.context + at * all.h, one.n * one.h * sizeof(float));
        assert_memory_equal(one.dqkv, all.dqkv + at * 3 * all.h, one.n * 3 * one.h * sizeof(float));
    }
}

static void test_packing(void **state)
{
    (void)state;
    for_each_kind(packing);
}

/* A NaN in a key reaches every row of its head and sequence, and no other row. */
static void nan_stays_nan(void)
{
    static const int32_t lengths[] = {6, 9, 4};
    bench t = make(lengths, 3, 2, 10, 0.1);
    t.qkv[8 * 3 * t.h + t.h + 13] = NAN; /* row 8 is in sequence 1; key 13 is in head 1 */
    run(&t);
    for (size_t i = 0; i < t.n; i++)
        for (size_t j = 0; j < t.h; j++) {
            bool sparse_rows = i >= 6 && i < 15 && j >= 10;
            assert_int_equal(isnan(t.context[i * t.h + j]) != 0, sparse_rows);
            for (size_t part = 0; part < 3; part++)
                assert_int_equal(isnan(t.dqkv[i * 3 * t.h + part * t.h + j]) != 0, sparse_rows);
        }
}

static void test_nan_stays_nan(void **state)
{
    (void)state;
    for_each_kind(nan_stays_nan);
}

/* ---- bf16 ---------------------------------------------------------------------------------- */

static void round_floats(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) x[i] = bc_from_bf16(bc_to_bf16(x[i]));
}

/* The largest (|a - b| - slack), divided by the largest |b|. */
static double distance_beyond(const float *a, const double *b, const double *slack, size_t count)
{
    double worst = 0.0;
    for (size_t i = 0; i < count; i++) {
        double beyond = fabs((double)a[i] - b[i]) - slack[i];
        if (!(beyond <= worst)) worst = beyond;
    }
    return worst / twin_largest(b, count);
}

/* With operands that are exact in bf16, against the twin that rounds in the same places. */
static void compare_bf16(measure m[MEASURES], const bench *t)
{
    size_t count = t->n * t->h;
    round_floats(t->qkv, 3 * count);
    round_floats(t->dcontext, count);
    double *context = twin_doubles(count), *dqkv = twin_doubles(3 * count);
    double *slack = twin_doubles(3 * count), *qkv = twin_widen(t->qkv, 3 * count);
    run(t);
    twin_attention_bf16(context, slack, NULL, qkv, t->batch, &t->dropout, t->dims.heads,
                        t->dims.width);
    expect_within(&m[CONTEXT], distance_beyond(t->context, context, slack, count));
    twin_attention_bf16(dqkv, slack, twin_widen(t->dcontext, count), qkv, t->batch, &t->dropout,
                        t->dims.heads, t->dims.width);
    expect_within(&m[DQKV], distance_beyond(t->dqkv, dqkv, slack, 3 * count));
}

static void print_kind(const measure m[MEASURES])
{
    print_message("%s\n", kind->name);
    print_measures(m, MEASURES);
}

static void bf16_widths(void)
{
    static const size_t widths[] = {1, 2, 5, 16, 25, 32, 64, 100};
    static const int32_t mixed[] = {1, 17, 2, 33, 16, 5, 65};
    measure m[MEASURES] = {{"context", 2e-6, 0.0}, {"dqkv", 4e-6, 0.0}};
    for (size_t w = 0; kind && w < sizeof widths / sizeof *widths; w++)
        for (size_t heads = 1; heads <= 3; heads++) {
            const void *mark = twin_mark();
            bench t = make(mixed, 7, heads, widths[w], heads == 2 ? 0.0 : 0.2);
            compare_bf16(m, &t);
            twin_release_to(mark);
        }
    if (kind) print_kind(m);
}

static void bf16_lengths(void)
{
    measure m[MEASURES] = {{"context", 2e-6, 0.0}, {"dqkv", 4e-6, 0.0}};
    for (int32_t length = 1; kind && length <= 140; length += length < 70 ? 1 : 7) {
        bench t = make(&length, 1, 2, 8, 0.1);
        compare_bf16(m, &t);
        twin_release(NULL);
    }
    if (kind) print_kind(m);
}

static void bf16_long(void)
{
    static const int32_t lengths[] = {3, 512};
    measure m[MEASURES] = {{"context", 3e-6, 0.0}, {"dqkv", 6e-6, 0.0}};
    if (!kind) return;
    bench t = make(lengths, 2, 1, 64, 0.1);
    compare_bf16(m, &t);
    print_kind(m);
}

static void test_bf16_against_twin(void **state)
{
    (void)state;
    for_each_kind(bf16_widths);
    for_each_kind(bf16_lengths);
    for_each_kind(bf16_long);
}

/* ||a - b|| / ||b|| of the columns of queries, keys or values in (N,3H), or of all columns of (N,H). */
static double error_in_norm(const float *a, const double *b, size_t rows, size_t stride, size_t h)
{
    double error = 0.0, size = 0.0;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < h; j++) {
            double x = b[i * stride + j], e = (double)a[i * stride + j] - x;
            error += e * e;
            size += x * x;
        }
    return sqrt(error / size);
}

/* Against exact attention, with operands that are not exact in bf16. The relative error of rounding is at most 2^-8 and
 * u = 1.6e-3 in root mean square. A context has independent errors from its values (u), its probabilities (u) and its
 * scores (sqrt 2 u, because each is a sum of products of two rounded factors): together 2 u = 3.2e-3. The gradient of a
 * query or key has errors from dS (u), the other factor (u), the scores (sqrt 2 u) and dP (sqrt 2 u): together sqrt 6 u
 * = 3.9e-3. */
static void bf16_against_exact(void)
{
    static const int32_t lengths[] = {12, 128, 40, 65};
    measure m[4] = {{"context, in norm", 4e-3, 0.0}, {"dq", 5e-3, 0.0}, {"dk", 5e-3, 0.0}, {"dv", 4e-3, 0.0}};
    if (!kind) return;
    bench t = make(lengths, 4, 2, 64, 0.1);
    size_t h = t.h, n = t.n;
    double *context = twin_doubles(n * h), *dqkv = twin_doubles(n * 3 * h);
    double *qkv = twin_widen(t.qkv, n * 3 * h), *dcontext = twin_widen(t.dcontext, n * h);
    twin_attention_fwd(context, qkv, t.batch, &t.dropout, 2, 64);
    twin_attention_bwd(dqkv, dcontext, qkv, t.batch, &t.dropout, 2, 64);
    run(&t);
    expect_within(&m[0], error_in_norm(t.context, context, n, h, h));
    for (size_t part = 0; part < 3; part++)
        expect_within(&m[1 + part], error_in_norm(t.dqkv + part * h, dqkv + part * h, n, 3 * h, h));
    assert_true(m[0].worst > 1e-4); /* or the products were not in bf16 */
    print_message("%s\n", kind->name);
    print_measures(m, 4);
}

static void test_bf16_against_exact(void **state)
{
    (void)state;
    for_each_kind(bf16_against_exact);
}

static void test_scratch_that_overflows(void **state)
{
    (void)state;
    assert_true(bc_attention_scratch(SIZE_MAX / 4, 64, false) == SIZE_MAX);
    assert_true(bc_attention_scratch((size_t)1 << 33, 1, false) == SIZE_MAX);
    assert_true(bc_attention_scratch(512, 64, false) < (size_t)1 << 24);
    assert_true(bc_attention_scratch(SIZE_MAX, 64, true) == SIZE_MAX);
    assert_true(bc_attention_scratch(64, SIZE_MAX, true) == SIZE_MAX);
    assert_true(bc_attention_scratch((size_t)1 << 30, (size_t)1 << 30, true) == SIZE_MAX);
    assert_true(bc_attention_scratch(512, 64, true) < (size_t)1 << 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_against_twin, release),
        cmocka_unit_test_teardown(test_first_rows_alone, release),
        cmocka_unit_test_teardown(test_every_length, release),
        cmocka_unit_test_teardown(test_long_sequence, release),
        cmocka_unit_test_teardown(test_large_scores, release),
        cmocka_unit_test_teardown(test_threads, release),
        cmocka_unit_test_teardown(test_packing, release),
        cmocka_unit_test_teardown(test_nan_stays_nan, release),
        cmocka_unit_test_teardown(test_bf16_against_twin, release),
        cmocka_unit_test_teardown(test_bf16_against_exact, release),
        cmocka_unit_test(test_scratch_that_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
