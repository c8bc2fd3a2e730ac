/* Adapters: their products against plain loops in double precision; a network with adapters against a network whose
 * matrices contain the merged adapters; gradients. */
#include "nn_bench.h"

#include <math.h>

#include "nn/gemm/simd.h"
#include "nn/lora.h"
#include "nn/ops/low_rank.h"
#include "nn/ops/ops.h"

static const bertc_lora all = {.rank = 5, .targets = 63, .alpha = 7};

/* ---- Products ------------------------------------------------------------------------------ */

/* An adapter of odd sizes, whose output is a slice of columns of a wider matrix. */
enum { IN = 75, OUT = 83, WIDE = 90, AT = 4 };

typedef struct product {
    bertc_batch *batch;
    size_t n, rank;
    bc_low_rank l;
    bc_matrix x, y, dx;
    double *u, *factor; /* dropout(x) (N,IN), mask (N,IN) */
} product;

static float *as_bf16(bc_matrix *m, float *values, size_t n, size_t width)
{
    m->f32 = values;
    m->bf16 = twin_take(bc_rows(n) * width, sizeof *m->bf16);
    bc_round_rows(m->bf16, values, n, width);
    for (size_t i = 0; i < n * width; i++) values[i] = bc_from_bf16(m->bf16[i]);
    m->f32 = NULL;
    return values;
}

static product make_product(size_t rank, double dropout, bool bf16)
{
    bertc_config config = twin_config(1, 8, 1, 8, 2, BERTC_GELU);
    product p = {.batch = twin_batch(&config, lengths, S, 3), .rank = rank};
    size_t n = p.n = (size_t)p.batch->tokens;
    float *x = twin_random_floats(bc_rows(n) * IN, 1, 1);
    p.x.f32 = x;
    if (bf16) x = as_bf16(&p.x, x, n, IN);
    p.l = (bc_low_rank){.in = IN, .out = OUT, .rank = rank, .scale = 1.7f,
                        .a = twin_random_floats(rank * IN, 0.3, 2),
                        .b = twin_random_floats(OUT * rank, 0.3, 3),
                        .da = twin_floats(rank * IN), .db = twin_floats(OUT * rank),
                        .transposed = twin_floats(rank * OUT), .projected = twin_floats(n * rank),
                        .dprojected = twin_floats(n * rank), .x_dropped = twin_floats(n * IN)};
    p.l.dropout = bc_dropout_make(dropout, 5, 6, (bc_site)(BC_SITE_LORA + 5), 2);
    p.u = twin_doubles(n * IN);
    p.factor = twin_doubles(n * IN);
    for (size_t i = 0; i < n; i++) {
        float factor[IN + 8];
        bc_token_factors(factor, &p.l.dropout, p.batch, i, IN);
        for (size_t j = 0; j < IN; j++) {
            p.factor[i * IN + j] = factor[j];
            p.u[i * IN + j] = (double)x[i * IN + j] * factor[j];
        }
    }
    return p;
}

/* Element (i, o) of scale dropout(x) A^T B^T; element (i, j) of scale * factor * (dy B A). */
static double wanted_y(const product *p, size_t i, size_t o)
{
    double sum = 0;
    for (size_t r = 0; r < p->rank; r++)
        for (size_t j = 0; j < IN; j++) sum += p->u[i * IN + j] * p->l.a[r * IN + j] * p->l.b[o * p->rank + r];
    return p->l.scale * sum;
}

static double low_gradient(const product *p, const float *dy, size_t i, size_t r)
{
    double sum = 0;
    for (size_t o = 0; o < OUT; o++) sum += (double)dy[i * WIDE + AT + o] * p->l.b[o * p->rank + r];
    return p->l.scale * sum;
}

static void check_forward(product *p, bool bf16)
{
    float *y = twin_random_floats(bc_rows(p->n) * WIDE, 1, 9);
    bc_matrix m = {.f32 = y};
    if (bf16) y = as_bf16(&m, y, p->n, WIDE);
    float *before = twin_copy(y, p->n * WIDE);
    bc_column_view part = {{m.f32 ? m.f32 + AT : NULL, m.bf16 ? m.bf16 + AT : NULL}, WIDE};
    bc_low_rank_fwd(part, p->x, &p->l, p->batch, p->n);
    for (size_t i = 0; i < p->n; i++)
        for (size_t c = 0; c < WIDE; c++) {
            size_t at = i * WIDE + c;
            bool inside = c >= AT && c < AT + OUT;
            double found = bf16 ? bc_from_bf16(m.bf16[at]) : m.f32[at];
            double wanted = before[at] + (inside ? wanted_y(p, i, c - AT) : 0.0);
            if (!inside) assert_true(found == before[at]);
            assert_true(fabs(found - wanted) <= (bf16 ? 5e-3 * fabs(wanted) + 1e-5 : 2e-5));
        }
}

static void check_backward(product *p, bool accumulate)
{
    size_t n = p->n, rank = p->rank;
    float *dy = twin_random_floats(n * WIDE, 1, 10), *dx = twin_random_floats(n * IN, 1, 11);
    float *before = twin_copy(dx, n * IN);
    double *da = twin_doubles(rank * IN), *db = twin_doubles(OUT * rank);
    double *wanted_dx = twin_widen(before, n * IN);
    if (accumulate) {
        memcpy(p->l.da, twin_random_floats(rank * IN, 1, 12), rank * IN * sizeof(float));
        memcpy(p->l.db, twin_random_floats(OUT * rank, 1, 13), OUT * rank * sizeof(float));
        memcpy(da, twin_widen(p->l.da, rank * IN), rank * IN * sizeof *da);
        memcpy(db, twin_widen(p->l.db, OUT * rank), OUT * rank * sizeof *db);
    } else {
        twin_fill_nan(p->l.da, rank * IN);
        twin_fill_nan(p->l.db, OUT * rank);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t r = 0; r < rank; r++) {
            double g = low_gradient(p, dy, i, r), low = 0;
            for (size_t j = 0; j < IN; j++) {
                da[r * IN + j] += g * p->u[i * IN + j];
                wanted_dx[i * IN + j] += p->factor[i * IN + j] * g * p->l.a[r * IN + j];
                low += p->l.scale * p->u[i * IN + j] * p->l.a[r * IN + j];
            }
            for (size_t o = 0; o < OUT; o++) db[o * rank + r] += low * dy[i * WIDE + AT + o];
        }
    bc_low_rank_bwd((bc_matrix){.f32 = dx}, p->x, (bc_column_view){{.f32 = dy + AT}, WIDE}, &p->l, p->batch,
                    n, accumulate);
    assert_true(twin_distance(dx, wanted_dx, n * IN) < 2e-6);
    assert_true(twin_distance(p->l.da, da, rank * IN) < 2e-6);
    assert_true(twin_distance(p->l.db, db, OUT * rank) < 2e-6);
}

static void test_products(void **state)
{
    (void)state;
    static const size_t ranks[] = {1, 3, 8, 21};
    for (size_t k = 0; k < sizeof ranks / sizeof *ranks; k++)
        for (int way = 0; way < 4; way++) {
            bool bf16 = way & 1;
            product p = make_product(ranks[k], way & 2 ? 0.25 : 0.0, bf16);
            check_forward(&p, bf16);
            check_backward(&p, false);
            check_backward(&p, true);
        }
}

/* The results have the same bits with any number of threads. */
static void test_threads(void **state)
{
    (void)state;
    product p = make_product(9, 0.25, false);
    float *dy = twin_random_floats(p.n * WIDE, 1, 10), *first = NULL;
    for (int threads = 1; threads <= 5; threads += 2) {
        omp_set_num_threads(threads);
        float *dx = twin_floats(p.n * IN);
        bc_low_rank_bwd((bc_matrix){.f32 = dx}, p.x, (bc_column_view){{.f32 = dy}, WIDE}, &p.l, p.batch, p.n, false);
        float *found = twin_floats(p.n * IN + 9 * (IN + OUT));
        memcpy(found, dx, p.n * IN * sizeof *dx);
        memcpy(found + p.n * IN, p.l.da, 9 * IN * sizeof *dx);
        memcpy(found + p.n * IN + 9 * IN, p.l.db, 9 * OUT * sizeof *dx);
        if (first) assert_memory_equal(found, first, (p.n * IN + 9 * (IN + OUT)) * sizeof *first);
        first = found;
    }
}

/* ---- Networks ------------------------------------------------------------------------------ */

/* Open a model with adapters whose B are not zero. */
static void open_adapted(bench *t, bertc_model_options options, const bertc_limits *limits)
{
    open_limited(t, options, limits);
    for (size_t i = bc_model_table_count(t->model); i < t->model->count; i++) {
        const bc_param *p = &t->model->params[i];
        memcpy(p->value, twin_random_floats(p->count, 0.2, 100 + i), p->count * sizeof(float));
    }
}

/* Merge the adapters into the matrices of the double-precision network. */
static void merge_into_net(const bench *t)
{
    const bertc_model *m = t->model;
    for (int layer = m->first_adapted; layer < m->config.num_hidden_layers; layer++)
        for (int k = 0; k < BC_LORA_TARGETS; k++) {
            bc_param_id id = bc_lora_targets[k].weight;
            size_t index = bc_lora_index(&m->lora, m->first_adapted, id, layer);
            if (index == SIZE_MAX) continue;
            const bc_param *a = &m->params[bc_model_table_count(m) + index], *b = a + 1;
            double *w = twin_net_value(t->net, id, layer), scale = m->lora.alpha / m->lora.rank;
            for (size_t o = 0; o < b->shape[0]; o++)
                for (size_t r = 0; r < b->shape[1]; r++)
                    for (size_t i = 0; i < a->shape[1]; i++)
                        w[o * a->shape[1] + i] += scale * b->value[o * b->shape[1] + r] * a->value[r * a->shape[1] + i];
        }
}

/* The error of the gradients of A and B. If their matrix has the gradient dW, dA = s B^T dW and dB = s dW A^T. */
static double pair_error(const bertc_model *m, const bc_param *a, const double *dw)
{
    const bc_param *b = a + 1;
    size_t rank = a->shape[0], in = a->shape[1], out = b->shape[0];
    double scale = m->lora.alpha / m->lora.rank;
    double *da = twin_doubles(rank * in), *db = twin_doubles(out * rank);
    for (size_t o = 0; o < out; o++)
        for (size_t r = 0; r < rank; r++)
            for (size_t i = 0; i < in; i++) {
                da[r * in + i] += scale * b->value[o * rank + r] * dw[o * in + i];
                db[o * rank + r] += scale * a->value[r * in + i] * dw[o * in + i];
            }
    return fmax(twin_distance(a->grad, da, rank * in), twin_distance(b->grad, db, out * rank));
}

static void check_network(bertc_model_options options, const bertc_limits *limits, double bound)
{
    bench t = prepare(middle());
    open_adapted(&t, options, limits);
    bertc_model *m = t.model;
    merge_into_net(&t);
    double wanted = twin_net_fwd(t.net, t.batch, plain, divisor), loss = run(&t, t.batch, plain, false);
    twin_net_bwd(t.net, t.batch, plain);
    assert_true(fabs(loss / wanted - 1) < bound);
    size_t pairs = 0;
    for (int layer = m->first_adapted; layer < m->config.num_hidden_layers; layer++)
        for (int k = 0; k < BC_LORA_TARGETS; k++) {
            bc_param_id id = bc_lora_targets[k].weight;
            size_t index = bc_lora_index(&m->lora, m->first_adapted, id, layer);
            if (index == SIZE_MAX) continue;
            const bc_param *a = &m->params[bc_model_table_count(m) + index];
            double error = pair_error(m, a, twin_net_grad(t.net, id, layer));
            if (!(error < bound)) fail_msg("%s: error %.2e", a->name, error);
            pairs++;
        }
    assert_int_equal(bc_model_table_count(m) + 2 * pairs, m->count);
    const bc_param *head = &m->params[m->heads->first];
    assert_true(twin_distance(head->grad, twin_net_grad(t.net, BC_CLASS_W, 0), head->count) < bound);
}

static void test_networks(void **state)
{
    (void)state;
    static const struct {
        uint32_t targets;
        int32_t frozen, checkpointing;
        bool whole;
    } cases[] = {{63, 0, 0, false}, {5, 0, 0, false}, {63, 2, 0, true},
                 {63, 0, 1, true},  {2, 2, 1, false}, {24, 1, 0, false}, {40, 0, 1, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int bf16 = 0; bf16 < 2; bf16++) {
            bench sizes = prepare(middle());
            bertc_limits limits = limits_of(sizes.batch);
            limits.all_rows = cases[i].whole;
            limits.checkpointing = cases[i].checkpointing;
            bertc_model_options options = {.backend = bf16 ? "reference" : NULL,
                                           .precision = bf16 ? BERTC_BF16 : BERTC_F32,
                                           .frozen = cases[i].frozen, .lora = all};
            options.lora.targets = cases[i].targets;
            check_network(options, &limits, bf16 ? 0.06 : 1e-5);
            close_all(NULL);
        }
}

/* In the encoder only adapters have a gradient. */
static void test_what_is_trained(void **state)
{
    (void)state;
    bench t = prepare(middle());
    bertc_limits limits = limits_of(t.batch);
    open_adapted(&t, (bertc_model_options){.lora = all}, &limits);
    size_t trained = 0;
    for (size_t i = 0; i < t.model->count; i++) {
        const bc_param *p = &t.model->params[i];
        bool kept = strstr(p->name, ".lora_") || strncmp(p->name, "classifier", 10) == 0;
        assert_int_equal(p->grad != NULL, kept);
        if (kept) trained += p->count;
    }
    assert_int_equal(bc_model_trained_scalars(t.model), trained);
    assert_int_equal(bc_model_grad_scalars(t.model), trained);
}

/* Masks depend only on the position of an element. So the gradients of single sequences, added up, are the gradient of
 * the batch, and that is the slope of the loss. */
static void check_dropout(bertc_precision precision)
{
    bench t = prepare(middle());
    bertc_limits limits = limits_of(t.batch);
    bertc_model_options options = {.backend = "reference", .precision = precision, .lora = all};
    options.lora.dropout = 0.3;
    open_adapted(&t, options, &limits);
    double loss = run(&t, t.batch, dropped, false), sum = 0;
    size_t count = bc_model_grad_scalars(t.model);
    double *whole = twin_widen(t.model->grads, count);
    for (int32_t s = 0; s < S; s++) sum += run(&t, twin_batch_part(t.batch, s, 1), dropped, s > 0);
    assert_true(fabs(sum / loss - 1) < 1e-6);
    assert_true(twin_distance(t.model->grads, whole, count) < 1e-5);
    if (precision == BERTC_BF16) return;
    double norm = 0, steps[2];
    const double step = 1e-3;
    for (size_t i = bc_model_table_count(t.model); i < t.model->count; i++) {
        const bc_param *p = &t.model->params[i];
        for (size_t k = 0; k < p->count; k++) norm += pow(whole[p->grad - t.model->grads + (ptrdiff_t)k], 2);
    }
    norm = sqrt(norm);
    for (int side = 0; side < 2; side++) {
        for (size_t i = bc_model_table_count(t.model); i < t.model->count; i++) {
            const bc_param *p = &t.model->params[i];
            const double *grad = whole + (p->grad - t.model->grads);
            for (size_t k = 0; k < p->count; k++) p->value[k] += (float)((side ? -2 : 1) * step * grad[k] / norm);
        }
        bc_model_fwd(t.model, t.workspace, t.batch, dropped);
        steps[side] = bc_model_loss(t.model, t.workspace, t.batch, dropped, NULL, divisor) / divisor;
    }
    double slope = (steps[0] - steps[1]) / (2 * step);
    if (!(fabs(slope / norm - 1) < 1e-3)) fail_msg("slope %g, gradient %g", slope, norm);
}

static void test_dropout(void **state)
{
    (void)state;
    check_dropout(BERTC_F32);
    close_all(NULL);
    check_dropout(BERTC_BF16);
}

/* Queries and keys with the same weights and adapters differ only by the masks of their adapters. */
static void test_masks_of_targets(void **state)
{
    (void)state;
    bench t = prepare(middle());
    bertc_limits limits = limits_of(t.batch);
    bertc_model_options options = {.lora = all};
    options.lora.dropout = 0.3;
    open_adapted(&t, options, &limits);
    bertc_model *m = t.model;
    const bc_param *query = &m->params[bc_model_table_count(m) + bc_lora_index(&m->lora, 0, BC_QUERY_W, 0)];
    for (int k = 0; k < 2; k++) memcpy(query[2 + k].value, query[k].value, query[k].count * sizeof(float));
    const size_t h = 48, n = (size_t)t.batch->tokens;
    memcpy(bc_model_param(m, BC_KEY_W, 0)->value, bc_model_param(m, BC_QUERY_W, 0)->value, h * h * sizeof(float));
    memcpy(bc_model_param(m, BC_KEY_B, 0)->value, bc_model_param(m, BC_QUERY_B, 0)->value, h * sizeof(float));
    for (int wet = 0; wet < 2; wet++) {
        size_t differ = 0;
        bc_model_fwd(m, t.workspace, t.batch, wet ? plain : (bc_pass){0});
        const float *qkv = t.workspace->layers[0].qkv;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < h; j++) differ += fabsf(qkv[i * 3 * h + j] - qkv[i * 3 * h + h + j]) > 1e-4f;
        assert_true(wet ? differ > n * h / 2 : differ == 0);
    }
}

/* A is uniform between -1 and 1 / sqrt(columns); B is zero. */
static void test_start(void **state)
{
    (void)state;
    bench t = prepare(middle());
    bertc_limits limits = limits_of(t.batch);
    open_limited(&t, (bertc_model_options){.lora = all, .seed = 4}, &limits);
    for (size_t i = bc_model_table_count(t.model); i < t.model->count; i++) {
        const bc_param *p = &t.model->params[i];
        double mean = 0, square = 0, bound = 1 / sqrt((double)p->shape[1]);
        bool is_a = strstr(p->name, "lora_A") != NULL;
        for (size_t k = 0; k < p->count; k++) {
            square += pow(p->value[k], 2) / (double)p->count;
            mean += p->value[k] / (double)p->count;
            assert_true(fabs((double)p->value[k]) <= (is_a ? bound : 0));
        }
        assert_true(fabs(mean) < 0.2 * bound);
        if (is_a) assert_true(fabs(square / (bound * bound / 3) - 1) < 0.25);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_products, close_all),
        cmocka_unit_test_teardown(test_threads, close_all),
        cmocka_unit_test_teardown(test_networks, close_all),
        cmocka_unit_test_teardown(test_what_is_trained, close_all),
        cmocka_unit_test_teardown(test_dropout, close_all),
        cmocka_unit_test_teardown(test_masks_of_targets, close_all),
        cmocka_unit_test_teardown(test_start, close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
