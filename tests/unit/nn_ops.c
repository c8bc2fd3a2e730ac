/* Element-wise and row-wise operations: the f32 kernels against the double-precision twins. */
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "nn/gemm/gemm.h"
#include "nn/gemm/simd.h"
#include "nn/head.h"
#include "nn/ops/ops.h"
#include "twin/expect.h"
#include "twin/ops.h"
#include "twin/support.h"

static const int32_t lengths[] = {5, 1, 17, 2, 33};
enum { S = 5, N = 58 };
static const size_t widths[] = {1, 8, 50, 128, 768, 1000};
enum { WIDTHS = sizeof widths / sizeof *widths };

/* Inputs of one width, in f32 and in double precision. */
typedef struct bench {
    bertc_config config;
    const bertc_batch *batch;
    size_t h;
    bc_dropout dropout;
    float *x, *residual, *dy, *gain, *bias, *word, *position, *type;
    double *x_true, *residual_true, *dy_true, *word_true, *position_true, *type_true;
    bc_norm norm;
    twin_norm norm_true;
} bench;

static bench make(size_t h, double p, bc_site site)
{
    bench t = {.h = h, .config = twin_config(1, (int32_t)h, 1, 8, 3, BERTC_GELU)};
    t.config.max_position_embeddings = 40;
    t.batch = twin_batch(&t.config, lengths, S, h);
    t.dropout = bc_dropout_make(p, 9, 4, site, 2);
    t.x = twin_random_floats(N * h, 1.0, 1);
    t.residual = twin_random_floats(N * h, 1.0, 2);
    t.dy = twin_random_floats(N * h, 1.0, 3);
    t.gain = twin_random_floats(h, 1.0, 4);
    t.bias = twin_random_floats(h, 1.0, 5);
    t.word = twin_random_floats(23 * h, 1.0, 6);
    t.position = twin_random_floats(40 * h, 1.0, 7);
    t.type = twin_random_floats(2 * h, 1.0, 8);
    t.x_true = twin_widen(t.x, N * h);
    t.residual_true = twin_widen(t.residual, N * h);
    t.dy_true = twin_widen(t.dy, N * h);
    t.word_true = twin_widen(t.word, 23 * h);
    t.position_true = twin_widen(t.position, 40 * h);
    t.type_true = twin_widen(t.type, 2 * h);
    t.norm = (bc_norm){.gain = t.gain, .bias = t.bias, .eps = 1e-5, .h = h};
    t.norm_true = (twin_norm){.gain = twin_widen(t.gain, h), .bias = twin_widen(t.bias, h), .eps = 1e-5, .h = h};
    return t;
}

static bc_matrix full(float *x)
{
    return (bc_matrix){.f32 = x};
}

static float *nans(size_t count)
{
    float *x = twin_floats(count);
    twin_fill_nan(x, count);
    return x;
}

/* ---- residual and LayerNorm ---------------------------------------------------------------- */

typedef struct norm_outputs {
    float *y, *dsum, *dx, *dgain, *dbias;
    bc_norm_cache cache;
} norm_outputs;

typedef struct norm_truth {
    double *y, *dsum, *dx, *dgain, *dbias;
    twin_norm_cache cache;
} norm_truth;

static norm_outputs make_outputs(size_t h)
{
    return (norm_outputs){nans(N * h), nans(N * h), nans(N * h), nans(h), nans(h), {nans(N * h), nans(N), nans(N)}};
}

static norm_truth make_truth(size_t h)
{
    return (norm_truth){twin_doubles(N * h), twin_doubles(N * h), twin_doubles(N * h), twin_doubles(h),
                        twin_doubles(h), {twin_doubles(N * h), twin_doubles(N), twin_doubles(N)}};
}

static bc_norm with_grads(bc_norm norm, const norm_outputs *o)
{
    norm.dgain = o->dgain;
    norm.dbias = o->dbias;
    return norm;
}

static twin_norm with_true_grads(twin_norm norm, const norm_truth *r)
{
    norm.dgain = r->dgain;
    norm.dbias = r->dbias;
    return norm;
}

enum { M_Y, M_SUM, M_MEAN, M_RSTD, M_DSUM, M_DX, M_DGAIN, M_DBIAS, NORM_MEASURES };
#define NORM_MEASURE_TABLE                                                                         \
    {                                                                                              \
        {"y", 1e-6, 0.0}, {"sum", 2e-7, 0.0}, {"mean", 1e-6, 0.0}, {"rstd", 1e-6, 0.0},            \
            {"dsum", 2e-6, 0.0}, {"dx", 2e-6, 0.0}, {"dgain", 1e-6, 0.0}, {"dbias", 1e-6, 0.0},    \
    }

static void compare_norm(measure m[NORM_MEASURES], const norm_outputs *o, const norm_truth *t, size_t h)
{
    expect_within(&m[M_Y], twin_distance(o->y, t->y, N * h));
    expect_within(&m[M_SUM], twin_distance(o->cache.sum, t->cache.sum, N * h));
    expect_within(&m[M_MEAN], twin_distance(o->cache.mean, t->cache.mean, N));
    expect_within(&m[M_RSTD], twin_distance(o->cache.rstd, t->cache.rstd, N));
    expect_within(&m[M_DSUM], twin_distance(o->dsum, t->dsum, N * h));
    expect_within(&m[M_DX], twin_distance(o->dx, t->dx, N * h));
    expect_within(&m[M_DGAIN], twin_distance(o->dgain, t->dgain, h));
    expect_within(&m[M_DBIAS], twin_distance(o->dbias, t->dbias, h));
}

/* In place the sum aliases x, and dsum aliases dy, as the header allows. */
static void add_norm(norm_outputs *o, const bench *t, bool in_place)
{
    if (in_place) {
        o->cache.sum = twin_copy(t->x, N * t->h);
        o->dsum = twin_copy(t->dy, N * t->h);
    }
    bc_norm norm = with_grads(t->norm, o);
    bc_add_norm_fwd(full(o->y), o->cache, in_place ? o->cache.sum : t->x, t->residual, t->batch, norm, &t->dropout);
    bc_add_norm_bwd(o->dsum, full(o->dx), in_place ? o->dsum : t->dy, o->cache, t->batch, norm, &t->dropout, false);
}

static norm_truth add_norm_truth(const bench *t)
{
    norm_truth r = make_truth(t->h);
    twin_norm norm = with_true_grads(t->norm_true, &r);
    twin_add_norm_fwd(r.y, r.cache, t->x_true, t->residual_true, t->batch, norm, &t->dropout);
    twin_add_norm_bwd(r.dsum, r.dx, t->dy_true, r.cache, t->batch, norm, &t->dropout);
    return r;
}

static void test_add_norm(void **state)
{
    (void)state;
    measure m[NORM_MEASURES] = NORM_MEASURE_TABLE;
    for (size_t w = 1; w < WIDTHS; w++)
        for (int variant = 0; variant < 4; variant++) {
            bench t = make(widths[w], variant & 1 ? 0.1 : 0.0, BC_SITE_ATTN_OUT);
            norm_outputs o = make_outputs(t.h);
            add_norm(&o, &t, variant & 2);
            norm_truth r = add_norm_truth(&t);
            compare_norm(m, &o, &r, t.h);
            twin_release(NULL);
        }
    print_measures(m, NORM_MEASURES);
}

/* With accumulate dgain and dbias are added to. They may be null. */
static void test_norm_accumulates(void **state)
{
    (void)state;
    bench t = make(130, 0.1, BC_SITE_FFN_OUT);
    norm_outputs o = make_outputs(t.h), unwanted = make_outputs(t.h);
    norm_truth r = add_norm_truth(&t);
    add_norm(&o, &t, false);
    bc_add_norm_bwd(o.dsum, full(o.dx), t.dy, o.cache, t.batch, with_grads(t.norm, &o), &t.dropout, true);
    for (size_t j = 0; j < t.h; j++) {
        r.dgain[j] *= 2.0;
        r.dbias[j] *= 2.0;
    }
    assert_true(twin_distance(o.dgain, r.dgain, t.h) < 1e-6);
    assert_true(twin_distance(o.dbias, r.dbias, t.h) < 1e-6);
    bc_add_norm_bwd(unwanted.dsum, full(unwanted.dx), t.dy, o.cache, t.batch, t.norm, &t.dropout, false);
    assert_memory_equal(unwanted.dsum, o.dsum, N * t.h * sizeof(float));
    assert_memory_equal(unwanted.dx, o.dx, N * t.h * sizeof(float));
}

static void test_norm_keeps_nan(void **state)
{
    (void)state;
    bench t = make(50, 0.0, BC_SITE_ATTN_OUT);
    norm_outputs o = make_outputs(t.h);
    t.x[7 * 50 + 3] = NAN;
    t.dy[9 * 50 + 11] = NAN;
    add_norm(&o, &t, false);
    for (size_t i = 0; i < N * t.h; i++) {
        assert_int_equal(isnan(o.y[i]) != 0, i / 50 == 7);
        assert_int_equal(isnan(o.dsum[i]) != 0, i / 50 == 7 || i / 50 == 9);
    }
    for (size_t j = 0; j < t.h; j++) assert_int_equal(isnan(o.dbias[j]) != 0, j == 11);
}

/* ---- embeddings ---------------------------------------------------------------------------- */

static void embed(norm_outputs *o, const bench *t)
{
    bc_norm norm = with_grads(t->norm, o);
    bc_embed_tables tables = {t->word, t->position, t->type};
    bc_embed_fwd(full(o->y), o->cache, tables, t->batch, norm, &t->dropout);
    bc_embed_norm_bwd(o->dsum, t->dy, o->cache, t->batch, norm, &t->dropout, false);
    memcpy(o->dx, t->dy, N * t->h * sizeof(float)); /* again, in place and without gradients of parameters */
    bc_embed_norm_bwd(o->dx, o->dx, o->cache, t->batch, t->norm, &t->dropout, false);
}

static norm_truth embed_truth(const bench *t)
{
    norm_truth r = make_truth(t->h);
    twin_norm norm = with_true_grads(t->norm_true, &r);
    twin_embed_tables tables = {t->word_true, t->position_true, t->type_true};
    twin_embed_fwd(r.y, r.cache, tables, t->batch, norm, &t->dropout);
    twin_embed_norm_bwd(r.dsum, t->dy_true, r.cache, t->batch, norm, &t->dropout);
    r.dx = r.dsum;
    return r;
}

static void test_embed(void **state)
{
    (void)state;
    measure m[NORM_MEASURES] = NORM_MEASURE_TABLE;
    for (size_t w = 1; w < WIDTHS; w++)
        for (int drop = 0; drop < 2; drop++) {
            bench t = make(widths[w], drop ? 0.1 : 0.0, BC_SITE_EMBEDDING);
            norm_outputs o = make_outputs(t.h);
            embed(&o, &t);
            norm_truth r = embed_truth(&t);
            compare_norm(m, &o, &r, t.h);
            twin_release(NULL);
        }
    print_measures(m, NORM_MEASURES);
}

static void test_scatter(void **state)
{
    (void)state;
    measure m = {"table gradients", 1e-6, 0.0};
    for (size_t w = 0; w < WIDTHS; w++) {
        bench t = make(widths[w], 0.0, BC_SITE_EMBEDDING);
        const size_t rows[3] = {23, 40, 2};
        float *d[3];
        double *r[3];
        for (size_t i = 0; i < 3; i++) {
            d[i] = nans(rows[i] * t.h);
            r[i] = twin_doubles(rows[i] * t.h);
        }
        twin_embed_scatter(r[0], r[1], r[2], t.dy_true, t.batch, &t.config);
        bc_embed_scatter((bc_embed_grads){d[0], d[1], d[2], NULL}, t.dy, t.batch, &t.config, false);
        for (size_t i = 0; i < 3; i++) expect_within(&m, twin_distance(d[i], r[i], rows[i] * t.h));
        bc_embed_scatter((bc_embed_grads){d[0], d[1], d[2], NULL}, t.dy, t.batch, &t.config, true);
        for (size_t i = 0; i < 3; i++) {
            for (size_t j = 0; j < rows[i] * t.h; j++) r[i][j] *= 2.0;
            expect_within(&m, twin_distance(d[i], r[i], rows[i] * t.h));
        }
        bc_embed_scatter((bc_embed_grads){0}, t.dy, t.batch, &t.config, false);
        twin_release(NULL);
    }
    print_measures(&m, 1);
}

/* With sparse rows the gradient has rows only for the ids in the set, with the same bits as the dense gradient. An id
 * that the set contains but the batch does not has a row of zeros. */
static void test_scatter_to_sparse_rows(void **state)
{
    (void)state;
    static const int32_t other[] = {22, 0};
    for (size_t w = 0; w < WIDTHS; w++) {
        bench t = make(widths[w], 0.0, BC_SITE_EMBEDDING);
        size_t tokens = (size_t)t.batch->tokens;
        float *dense = nans(23 * t.h), *rows = nans(23 * t.h);
        bc_sparse_rows words;
        assert_int_equal(bc_sparse_rows_create(&words, 23, 23, NULL), BERTC_OK);
        for (int pass = 0; pass < 3; pass++) { /* the batch's ids; more ids; with accumulate */
            if (pass == 1) bc_sparse_rows_reset(&words);
            if (pass == 1) bc_sparse_rows_add(&words, other, 2);
            bc_sparse_rows_add(&words, t.batch->ids, tokens);
            bc_embed_scatter((bc_embed_grads){.word = dense}, t.dy, t.batch, &t.config, pass == 2);
            bc_embed_scatter((bc_embed_grads){.word = rows, .words = &words}, t.dy, t.batch, &t.config, pass == 2);
            size_t named = 0;
            for (size_t id = 0; id < 23; id++) {
                const float *want = dense + id * t.h;
                float sum = 0;
                for (size_t j = 0; j < t.h; j++) sum += fabsf(want[j]);
                if (words.slot[id] < 0) assert_true(sum == 0);
                else assert_memory_equal(rows + (size_t)words.slot[id] * t.h, want, t.h * sizeof *want);
                named += words.slot[id] >= 0;
            }
            assert_int_equal(named, words.count);
            assert_true(named < 23);
        }
        bc_sparse_rows_clear(&words);
        twin_release(NULL);
    }
}

/* ---- head ---------------------------------------------------------------------------------- */

static void test_first_rows(void **state)
{
    (void)state;
    for (size_t w = 0; w < WIDTHS; w++) {
        bench t = make(widths[w], 0.0, BC_SITE_HEAD);
        float *y = nans(S * t.h), *dx = twin_floats(N * t.h);
        double *y_true = twin_doubles(S * t.h), *dx_true = twin_doubles(N * t.h);
        bc_gather_first(y, t.x, t.batch, t.h);
        memset(dx, 0, N * t.h * sizeof *dx);
        bc_add_first(dx, t.dy, t.batch, t.h);
        twin_gather_first(y_true, t.x_true, t.batch, t.h);
        twin_scatter_first(dx_true, t.dy_true, t.batch, t.h);
        assert_true(twin_distance(y, y_true, S * t.h) == 0.0);
        assert_true(twin_distance(dx, dx_true, N * t.h) == 0.0);
        bc_add_first(dx, t.dy, t.batch, t.h);
        for (size_t i = 0; i < N * t.h; i++) dx_true[i] *= 2.0;
        assert_true(twin_distance(dx, dx_true, N * t.h) == 0.0);
        twin_release(NULL);
    }
}

/* Dropout of first rows, as sequences of one token, and of all rows. */
static void test_dropout_of_tokens(void **state)
{
    (void)state;
    for (size_t w = 0; w < WIDTHS; w++) {
        bench t = make(widths[w], 0.3, BC_SITE_HEAD);
        const int32_t one[S] = {1, 1, 1, 1, 1};
        const bertc_batch *first = twin_batch(&t.config, one, S, 1);
        float *y = nans(N * t.h), *factor = twin_floats(bc_dropout_width(t.h));
        double *y_true = twin_doubles(N * t.h);
        bc_dropout_tokens(y, t.x, first, &t.dropout, t.h);
        twin_dropout_pooled(y_true, t.x_true, t.batch, &t.dropout, t.h);
        assert_true(twin_distance(y, y_true, S * t.h) < 1e-7);
        for (size_t s = 0; s < S; s++)
            for (int32_t i = t.batch->starts[s]; i < t.batch->starts[s + 1]; i++) {
                bc_dropout_row(&t.dropout, t.batch->examples[s], (uint32_t)(i - t.batch->starts[s]), 0, factor, t.h);
                for (size_t j = 0, at = (size_t)i * t.h; j < t.h; j++, at++) y_true[at] = t.x_true[at] * factor[j];
            }
        bc_dropout_tokens(y, t.x, t.batch, &t.dropout, t.h);
        assert_true(twin_distance(y, y_true, N * t.h) < 1e-7);
        bc_dropout_tokens(t.x, t.x, t.batch, &t.dropout, t.h);
        assert_memory_equal(t.x, y, N * t.h * sizeof(float));
        twin_release(NULL);
    }
}

static const bc_head_row *head_of(size_t c)
{
    return c == 1 ? &bc_head_regression : &bc_head_classification;
}

static void compare_loss(measure m[2], const bertc_batch *batch, const float *logits, size_t c)
{
    double *truth = twin_doubles(S * c);
    float *dlogits = nans(S * c);
    double wanted = twin_loss(truth, twin_widen(logits, S * c), batch, c, 7.0);
    double loss = head_of(c)->loss(dlogits, logits, batch, c, NULL, 7.0);
    expect_within(&m[0], fabs(loss - wanted) / fmax(1.0, fabs(wanted)));
    expect_within(&m[1], twin_distance(dlogits, truth, S * c));
    assert_true(head_of(c)->loss(NULL, logits, batch, c, NULL, 7.0) == loss);
}

static void test_loss(void **state)
{
    (void)state;
    measure m[2] = {{"loss", 1e-6, 0.0}, {"dlogits", 1e-6, 0.0}};
    for (size_t c = 1; c <= 20; c++) {
        bertc_config config = twin_config(1, 8, 1, 8, (int32_t)c, BERTC_GELU);
        bertc_batch *batch = twin_batch(&config, lengths, S, c);
        compare_loss(m, batch, twin_random_floats(S * c, 2.0, c), c);
        compare_loss(m, batch, twin_random_floats(S * c, 1000.0, c), c);
    }
    print_measures(m, 2);
}

static void test_loss_keeps_nan(void **state)
{
    (void)state;
    for (size_t c = 1; c <= 3; c++)
        for (size_t at = 0; at < c; at++) {
            bertc_config config = twin_config(1, 8, 1, 8, (int32_t)c, BERTC_GELU);
            float *logits = twin_random_floats(S * c, 1.0, c);
            logits[2 * c + at] = NAN;
            assert_true(isnan(head_of(c)->loss(NULL, logits, twin_batch(&config, lengths, S, c), c, NULL, 1.0)));
        }
}

/* ---- sums and threads ---------------------------------------------------------------------- */

static void test_column_sums(void **state)
{
    (void)state;
    measure m = {"column sums", 1e-6, 0.0};
    for (size_t w = 0; w < WIDTHS; w++) {
        bench t = make(widths[w], 0.0, BC_SITE_HEAD);
        float *sums = nans(t.h);
        double *truth = twin_doubles(t.h);
        for (size_t i = 0; i < N * t.h; i++) truth[i % t.h] += t.x_true[i];
        bc_column_sums(sums, full(t.x), N, t.h, false);
        expect_within(&m, twin_distance(sums, truth, t.h));
        bc_column_sums(sums, full(t.x), N, t.h, true);
        for (size_t j = 0; j < t.h; j++) truth[j] *= 2.0;
        expect_within(&m, twin_distance(sums, truth, t.h));
        twin_release(NULL);
    }
    print_measures(&m, 1);
}

/* Compute all operations that have sums, with a number of threads, into one block. */
static float *all_sums(const bench *t, int threads, size_t *count)
{
    size_t h = t->h;
    *count = 4 * N * h + 4 * N + 70 * h;
    float *out = twin_floats(*count), *p = out;
    norm_outputs o = {.y = p, .cache.sum = p + N * h, .dsum = p + 2 * N * h, .dx = p + 3 * N * h};
    p += 4 * N * h;
    o.cache.mean = p;
    o.cache.rstd = p + N;
    p += 4 * N;
    o.dgain = p;
    o.dbias = p + h;
    omp_set_num_threads(threads);
    embed(&o, t);
    add_norm(&o, t, false);
    bc_embed_scatter((bc_embed_grads){p + 2 * h, p + 25 * h, p + 65 * h, NULL}, t->dy, t->batch, &t->config, false);
    bc_column_sums(p + 67 * h, full(t->dy), N, h, false);
    double loss = bc_head_classification.loss(NULL, t->x, t->batch, 3, NULL, 1.0);
    memcpy(o.cache.rstd + N, &loss, sizeof loss);
    omp_set_num_threads(omp_get_num_procs());
    return out;
}

/* e^x over the whole range, and its variant for x <= 0. */
static void test_exponential(void **state)
{
    (void)state;
    measure m[2] = {{"e^x, relative", 2e-7, 0.0}, {"e^x below zero, relative", 2e-7, 0.0}};
    for (float x = -87.3f; x < 88.0f; x += 0.0013f) {
        double truth = exp((double)x);
        expect_within(&m[0], fabs(bc_expf(x) / truth - 1.0));
        if (x <= 0.0f) expect_within(&m[1], fabs(bc_exp_down(x) / truth - 1.0));
    }
    assert_true(bc_expf(-88.0f) == 0.0f && bc_expf(-INFINITY) == 0.0f);
    assert_true(bc_exp_down(-88.0f) == 0.0f && bc_exp_down(-INFINITY) == 0.0f);
    assert_true(bc_exp_down(0.0f) == 1.0f && bc_expf(0.0f) == 1.0f);
    assert_true(isfinite(bc_expf(INFINITY)));
    assert_true(isnan(bc_expf(NAN)) && isnan(bc_exp_down(NAN)));
    print_measures(m, 2);
}

/* Every bf16 number is rounded to itself. Numbers between two of them are rounded to the nearer one, ties to even. */
static void test_rounding_to_bf16(void **state)
{
    (void)state;
    for (uint32_t bf16 = 0; bf16 < 0x10000; bf16++) {
        float x = bc_from_bf16((uint16_t)bf16);
        if (isnan(x)) {
            assert_true(isnan(bc_from_bf16(bc_to_bf16(x))));
            continue;
        }
        assert_int_equal(bc_to_bf16(x), bf16);
        if ((bf16 & 0x7fff) == 0x7f80) continue; /* the number above the largest is infinity */
        uint32_t up = bf16 + 1;
        assert_int_equal(bc_to_bf16(bc_bits_to_float(bf16 << 16 | 0x7fff)), bf16);
        assert_int_equal(bc_to_bf16(bc_bits_to_float(bf16 << 16 | 0x8001)), up);
        assert_int_equal(bc_to_bf16(bc_bits_to_float(bf16 << 16 | 0x8000)), bf16 & 1 ? up : bf16);
    }
    assert_true(isnan(bc_from_bf16(bc_to_bf16(bc_bits_to_float(0x7f800001)))));
    float x[3 * 5];
    uint16_t y[BC_ROW_ROUND * 5];
    for (size_t i = 0; i < 15; i++) x[i] = (float)i;
    memset(y, 0xff, sizeof y);
    bc_round_rows(y, x, 3, 5);
    for (size_t i = 0; i < BC_ROW_ROUND * 5; i++) assert_true(bc_from_bf16(y[i]) == (i < 15 ? (float)i : 0.0f));
}

/* Check that the bf16 result is the f32 result rounded, and that its rows past n are cleared. */
static void expect_rounded(const uint16_t *bf16, const float *x, size_t n, size_t width)
{
    for (size_t i = 0; i < bc_rows(n) * width; i++) assert_int_equal(bf16[i], i < n * width ? bc_to_bf16(x[i]) : 0);
}

static uint16_t *dirty_bf16(size_t n, size_t width)
{
    uint16_t *x = twin_take(bc_rows(n) * width, sizeof *x);
    memset(x, 0xff, bc_rows(n) * width * sizeof *x);
    return x;
}

static void test_rows_in_bf16(void **state)
{
    (void)state;
    bench t = make(130, 0.1, BC_SITE_FFN_OUT);
    size_t h = t.h;
    norm_outputs o = make_outputs(h), again = make_outputs(h);
    uint16_t *bf16 = dirty_bf16(N, h);
    bc_embed_fwd((bc_matrix){o.y, bf16}, o.cache, (bc_embed_tables){t.word, t.position, t.type}, t.batch, t.norm,
                 &t.dropout);
    expect_rounded(bf16, o.y, N, h);
    bf16 = dirty_bf16(N, h);
    bc_add_norm_fwd((bc_matrix){o.y, bf16}, o.cache, t.x, t.residual, t.batch, t.norm, &t.dropout);
    expect_rounded(bf16, o.y, N, h);
    bc_norm_recompute(full(again.y), o.cache, t.norm, N);
    assert_memory_equal(again.y, o.y, N * h * sizeof(float));
    bf16 = dirty_bf16(N, h);
    bc_norm_recompute((bc_matrix){.bf16 = bf16}, o.cache, t.norm, N);
    expect_rounded(bf16, o.y, N, h);
    bf16 = dirty_bf16(N, h);
    bc_add_norm_bwd(o.dsum, (bc_matrix){o.dx, bf16}, t.dy, o.cache, t.batch, t.norm, &t.dropout, false);
    expect_rounded(bf16, o.dx, N, h);
    float sums[2][130];
    for (size_t i = 0; i < N * h; i++) o.dx[i] = bc_from_bf16(bf16[i]);
    bc_column_sums(sums[0], full(o.dx), N, h, false);
    bc_column_sums(sums[1], (bc_matrix){.bf16 = bf16}, N, h, false);
    assert_memory_equal(sums[0], sums[1], sizeof sums[0]);
}

static void test_threads(void **state)
{
    (void)state;
    for (size_t w = 1; w < WIDTHS; w++) {
        bench t = make(widths[w], 0.1, BC_SITE_ATTN_OUT);
        size_t count;
        float *one = all_sums(&t, 1, &count);
        for (int threads = 2; threads <= 3; threads++)
            assert_memory_equal(one, all_sums(&t, threads, &count), count * sizeof *one);
        twin_release(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_add_norm, twin_release),
        cmocka_unit_test_teardown(test_norm_accumulates, twin_release),
        cmocka_unit_test_teardown(test_norm_keeps_nan, twin_release),
        cmocka_unit_test_teardown(test_embed, twin_release),
        cmocka_unit_test_teardown(test_scatter, twin_release),
        cmocka_unit_test_teardown(test_scatter_to_sparse_rows, twin_release),
        cmocka_unit_test_teardown(test_first_rows, twin_release),
        cmocka_unit_test_teardown(test_dropout_of_tokens, twin_release),
        cmocka_unit_test_teardown(test_loss, twin_release),
        cmocka_unit_test_teardown(test_loss_keeps_nan, twin_release),
        cmocka_unit_test_teardown(test_column_sums, twin_release),
        cmocka_unit_test(test_exponential),
        cmocka_unit_test(test_rounding_to_bf16),
        cmocka_unit_test_teardown(test_rows_in_bf16, twin_release),
        cmocka_unit_test_teardown(test_threads, twin_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
