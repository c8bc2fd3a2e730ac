/* The model against the double-precision network, and the properties that training relies on. */
#include <math.h>
#include <stdio.h>

#include "nn_bench.h"
#include "twin/expect.h"

/* ---- against the twin ---------------------------------------------------------------------- */

enum { LOGITS, LOSS, GRADIENTS, MEASURES };
#define MEASURE_TABLE                                                                              \
    {                                                                                              \
        {"logits", 2e-6, 0.0}, {"loss", 1e-6, 0.0}, {"gradients, in norm", 1e-5, 0.0},             \
    }

/* |grad - truth| / |truth|, as norms. The gradient of a key's bias is zero in exact arithmetic, so its error is divided
 * by the norm of the gradient of the query's bias, the parameter before it. grads: the gradients of all parameters. */
static double gradient_error(const bc_param *param, const double *grads)
{
    const double *truth = grads + param->offset;
    const double *like = param->row == &bc_param_table[BC_KEY_B] ? truth - param->count : truth;
    double error = 0.0, norm = 0.0;
    for (size_t i = 0; i < param->count; i++) {
        error += pow(param->grad[i] - truth[i], 2.0);
        norm += pow(like[i], 2.0);
    }
    return sqrt(error / norm);
}

static void compare(measure m[MEASURES], const bench *t, bc_pass pass)
{
    double wanted = twin_net_fwd(t->net, t->batch, pass, divisor);
    twin_net_bwd(t->net, t->batch, pass);
    double loss = run(t, t->batch, pass, false);
    expect_within(&m[LOGITS], twin_distance(t->workspace->logits, t->net->logits, S * t->net->c));
    expect_within(&m[LOSS], fabs(loss - wanted) / wanted);
    for (size_t p = 0; p < t->model->count; p++) {
        const bc_param *param = &t->model->params[p];
        double error = gradient_error(param, t->net->grads);
        if (!(error <= m[GRADIENTS].bound)) print_message("%s\n", param->name);
        expect_within(&m[GRADIENTS], error);
    }
}

static void check_config(measure m[MEASURES], bertc_config config, const char *backend)
{
    bench t = make(config, backend, 0);
    compare(m, &t, dropped);
    compare(m, &t, plain);
    close_all(NULL);
}

static void test_shapes(void **state)
{
    (void)state;
    measure m[MEASURES] = MEASURE_TABLE;
    check_config(m, twin_config(1, 8, 1, 8, 2, BERTC_GELU), NULL);
    check_config(m, twin_config(1, 8, 8, 3, 5, BERTC_GELU), NULL);
    check_config(m, twin_config(3, 50, 2, 77, 3, BERTC_GELU), NULL);
    check_config(m, twin_config(2, 128, 2, 512, 2, BERTC_GELU), NULL);
    check_config(m, twin_config(2, 96, 3, 200, 1, BERTC_GELU), NULL);
    print_measures(m, MEASURES);
}

static void test_activations(void **state)
{
    (void)state;
    measure m[MEASURES] = MEASURE_TABLE;
    for (int act = BERTC_GELU; act <= BERTC_TANH; act++) {
        bertc_config config = twin_config(2, 32, 4, 50, 3, (bertc_activation)act);
        config.classifier_dropout = 0.4;
        check_config(m, config, NULL);
    }
    print_measures(m, MEASURES);
}

static void test_backends(void **state)
{
    (void)state;
    for (size_t i = 0; bertc_backend_name(i); i++) {
        measure m[MEASURES] = MEASURE_TABLE;
        check_config(m, middle(), bertc_backend_name(i));
        print_message("%s\n", bertc_backend_name(i));
        print_measures(m, MEASURES);
    }
}

/* bf16 keeps eight bits of each factor, so logits and gradients are only close to the truth. Backends differ by the
 * order of sums alone. */
static void test_bf16(void **state)
{
    (void)state;
    const float *first = NULL;
    for (size_t k = 0; bertc_backend_name(k); k++) {
        bertc_precision precision = BERTC_BF16;
        if (bertc_precision_resolve(bertc_backend_name(k), &precision, NULL) != BERTC_OK) continue;
        measure m[MEASURES] = {{"logits", 0.02, 0.0}, {"loss", 0.02, 0.0}, {"gradients, in norm", 0.05, 0.0}};
        bench t = prepare(middle());
        open_with(&t, (bertc_model_options){.backend = bertc_backend_name(k), .precision = precision}, true, false);
        compare(m, &t, dropped);
        assert_true(m[LOGITS].worst > 1e-5); /* or the products were not in bf16 */
        if (first) assert_true(twin_distance_floats(t.workspace->logits, first, S * 3) < 2e-3);
        first = twin_copy(t.workspace->logits, S * 3);
        print_message("%s\n", bertc_backend_name(k));
        print_measures(m, MEASURES);
    }
}

/* ---- laws ---------------------------------------------------------------------------------- */

static void expect_same_gradients(measure *m, const bench *t, const float *wanted)
{
    const double *grads = twin_widen(wanted, t->model->scalars);
    for (size_t p = 0; p < t->model->count; p++) expect_within(m, gradient_error(&t->model->params[p], grads));
}

/* A packed batch gives the same logits and the same sum of gradients as each sequence alone, with dropout too. */
static void test_packed_is_each_alone(void **state)
{
    (void)state;
    measure m[2] = {{"logits alone and packed", 2e-6, 0.0}, {"gradients, in norm", 5e-6, 0.0}};
    bench t = make(middle(), NULL, 0);
    double loss = run(&t, t.batch, dropped, false), sum = 0.0;
    float *logits = twin_copy(t.workspace->logits, S * 3);
    float *grads = twin_copy(t.model->grads, t.model->scalars);
    bool same = true;
    for (int32_t s = 0; s < S; s++) {
        sum += run(&t, twin_batch_part(t.batch, s, 1), dropped, s > 0);
        expect_within(&m[0], twin_distance_floats(t.workspace->logits, logits + 3 * s, 3));
        same = same && memcmp(t.workspace->logits, logits + 3 * s, 3 * sizeof *logits) == 0;
    }
    assert_true(fabs(sum - loss) < 1e-6 * loss);
    expect_same_gradients(&m[1], &t, grads);
    print_measures(m, 2);
    print_message("logits: %s\n", same ? "the same bits" : "not the same bits");
}

static void test_two_halves_are_one_batch(void **state)
{
    (void)state;
    measure m = {"gradients of two halves, in norm", 5e-6, 0.0};
    bench t = make(middle(), NULL, 0);
    double whole = run(&t, t.batch, dropped, false);
    float *grads = twin_copy(t.model->grads, t.model->scalars);
    twin_fill_nan(t.model->grads, t.model->scalars);
    double first = run(&t, twin_batch_part(t.batch, 0, 3), dropped, false);
    double second = run(&t, twin_batch_part(t.batch, 3, 3), dropped, true);
    assert_true(fabs(first + second - whole) < 1e-6 * whole);
    expect_same_gradients(&m, &t, grads);
    print_measures(&m, 1);
}

static void test_threads(void **state)
{
    (void)state;
    static const char *const names[] = {"reference", "onednn"};
    for (size_t k = 0; k < 2; k++) {
        float *logits = NULL, *grads = NULL;
        bool same = true;
        for (int32_t threads = 1; threads <= 3; threads++) {
            bench t = make(middle(), names[k], threads);
            omp_set_num_threads(threads);
            run(&t, t.batch, dropped, false);
            size_t count = t.model->scalars;
            same = same && (!logits || memcmp(logits, t.workspace->logits, S * 3 * sizeof *logits) == 0);
            same = same && (!grads || memcmp(grads, t.model->grads, count * sizeof *grads) == 0);
            logits = twin_copy(t.workspace->logits, S * 3);
            grads = twin_copy(t.model->grads, count);
        }
        print_message("%s, 1 to 3 threads: %s\n", names[k], same ? "the same bits" : "other bits");
        assert_true(same || k == 1);
        close_all(NULL);
    }
}

/* The same pass twice gives the same bits, whatever the buffers contain before it. */
static void test_repetition(void **state)
{
    (void)state;
    bench t = make(middle(), NULL, 0);
    double first = run(&t, t.batch, dropped, false);
    float *grads = twin_copy(t.model->grads, t.model->scalars);
    twin_fill_nan(t.model->grads, t.model->scalars);
    twin_fill_nan(t.workspace->block, t.workspace->bytes / sizeof(float));
    assert_true(run(&t, t.batch, dropped, false) == first);
    assert_memory_equal(grads, t.model->grads, t.model->scalars * sizeof *grads);
}

/* A workspace for inference gives the same logits as a workspace for training. */
static void test_inference(void **state)
{
    (void)state;
    bench t = make(middle(), NULL, 0);
    const float *logits;
    bertc_error err = {0};
    run(&t, t.batch, plain, false);
    float *trained = twin_copy(t.workspace->logits, S * 3);
    size_t bytes = bertc_workspace_bytes(t.workspace);
    open_model(&t, NULL, 0, false, false);
    assert_true(bertc_workspace_bytes(t.workspace) < bytes);
    assert_int_equal(bertc_model_forward(t.model, t.workspace, t.batch, &logits, &err), BERTC_OK);
    assert_memory_equal(logits, trained, S * 3 * sizeof *logits);
}

/* Between steps a training run evaluates batches that are longer than those it trains on. The layers' buffers are
 * planned for the shorter batches, and the logits are the same. */
static void test_longer_batches_are_read(void **state)
{
    (void)state;
    bench t = make(twin_config(3, 48, 3, 100, 3, BERTC_GELU), NULL, 0), few = t;
    const float *logits;
    bertc_limits limits = limits_of(t.batch);
    limits.trained = 1;
    run(&t, t.batch, plain, false);
    open_limited(&few, (bertc_model_options){0}, &limits);
    assert_true(bertc_workspace_bytes(few.workspace) < bertc_workspace_bytes(t.workspace));
    assert_int_equal(bertc_model_forward(few.model, few.workspace, t.batch, &logits, NULL), BERTC_OK);
    assert_memory_equal(logits, t.workspace->logits, S * 3 * sizeof *logits);
}

/* With checkpointing, forward and backward of two batches have the logits, losses and gradients of `all`, which keeps
 * all activations, to the bit, in less memory. */
static void check_recomputed(const bench *all, bertc_model_options options, bool whole, int32_t n)
{
    bench few = *all;
    bertc_limits limits = limits_of(all->batch);
    size_t count = all->model->scalars, kept = bertc_workspace_bytes(all->workspace);
    limits.all_rows = whole;
    limits.checkpointing = n;
    open_limited(&few, options, &limits);
    for (int32_t first = 0; first < S; first += S / 2) { /* the second batch accumulates */
        bertc_batch *part = twin_batch_part(all->batch, first, S / 2);
        double wanted = run(all, part, dropped, first > 0), loss = run(&few, part, dropped, first > 0);
        assert_true(loss == wanted);
        assert_memory_equal(few.workspace->logits, all->workspace->logits, S / 2 * all->net->c * sizeof(float));
        assert_memory_equal(few.model->grads, all->model->grads, count * sizeof(float));
    }
    if (n < all->config.num_hidden_layers) assert_true(bertc_workspace_bytes(few.workspace) < kept);
    else assert_int_equal(bertc_workspace_bytes(few.workspace), kept);
    opened--;
    bertc_workspace_free(few.workspace);
    bertc_model_free(few.model);
}

static void test_checkpointing(void **state)
{
    (void)state;
    static const int32_t layers[] = {1, 2, 3, 5};
    for (size_t k = 0; bertc_backend_name(k); k++)
        for (int whole = 0; whole < 2; whole++)
            for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
                bertc_model_options options = {.backend = bertc_backend_name(k)};
                bench all = prepare(twin_config(layers[i], 48, 3, 100, 3, BERTC_GELU));
                open_with(&all, options, true, whole);
                for (int32_t n = 1; n <= layers[i] + 1; n++) check_recomputed(&all, options, whole, n);
                close_all(NULL);
            }
}

/* The same with bf16 products, if the processor has them. */
static void test_checkpointing_in_bf16(void **state)
{
    (void)state;
    bertc_model_options options = {.precision = BERTC_AUTO};
    bertc_precision_resolve(NULL, &options.precision, NULL);
    if (options.precision != BERTC_BF16) skip();
    bench all = prepare(twin_config(5, 48, 3, 100, 3, BERTC_GELU));
    open_with(&all, options, true, false);
    for (int32_t n = 1; n <= 5; n++) check_recomputed(&all, options, false, n);
}

/* A last layer that computes all rows gives the same results, within rounding, as one that computes first rows only. */
static void test_whole_last_layer(void **state)
{
    (void)state;
    for (size_t k = 0; bertc_backend_name(k); k++) {
        bench t = make(middle(), bertc_backend_name(k), 0);
        double loss = run(&t, t.batch, dropped, false);
        float *logits = twin_copy(t.workspace->logits, S * 3);
        double *grads = twin_widen(t.model->grads, t.model->scalars);
        size_t bytes = bertc_workspace_bytes(t.workspace);
        open_model(&t, bertc_backend_name(k), 0, true, true);
        assert_true(bertc_workspace_bytes(t.workspace) > bytes);
        double whole = run(&t, t.batch, dropped, false);
        bool same = memcmp(logits, t.workspace->logits, S * 3 * sizeof *logits) == 0;
        /* libraries choose a kernel by the number of rows */
        assert_true(same || strcmp(bertc_backend_name(k), "reference") != 0);
        assert_true(fabs(whole - loss) <= 1e-6 * loss);
        for (size_t p = 0; p < t.model->count; p++) assert_true(gradient_error(&t.model->params[p], grads) < 2e-6);
        close_all(NULL);
    }
}

/* Dropout changes with seed, step and example. A repeated pass has the same dropout. */
static void test_dropout_is_a_function(void **state)
{
    (void)state;
    bench t = make(middle(), NULL, 0);
    double base = run(&t, t.batch, dropped, false);
    bc_pass other = dropped;
    other.step++;
    assert_true(run(&t, t.batch, other, false) != base);
    other = dropped;
    other.seed++;
    assert_true(run(&t, t.batch, other, false) != base);
    t.batch->examples[2] += 1000;
    assert_true(run(&t, t.batch, dropped, false) != base);
    t.batch->examples[2] -= 1000;
    assert_true(run(&t, t.batch, dropped, false) == base);
}

/* The stages: embeddings, each layer, pooler and head. */
static size_t group_of(const bc_param *param)
{
    switch (param->row->scope) {
    case BC_SCOPE_EMBEDDINGS:
        return 0;
    case BC_SCOPE_LAYER:
        return 1 + (size_t)param->layer;
    case BC_SCOPE_POOLER:
        return 3;
    default:
        return 4;
    }
}

/* Parameters without a gradient buffer are skipped; the others get the same gradient. */
static void test_untrained_parameters(void **state)
{
    (void)state;
    bench t = make(middle(), NULL, 0);
    double loss = run(&t, t.batch, dropped, false);
    float *grads = twin_copy(t.model->grads, t.model->scalars);
    for (unsigned trained = 0; trained < 32; trained++) {
        twin_fill_nan(t.model->grads, t.model->scalars);
        for (size_t p = 0; p < t.model->count; p++) {
            bc_param *param = &t.model->params[p];
            bool on = trained >> group_of(param) & 1;
            param->grad = on ? t.model->grads + param->offset : NULL;
        }
        assert_true(run(&t, t.batch, dropped, false) == loss);
        for (size_t p = 0; p < t.model->count; p++) {
            const bc_param *param = &t.model->params[p];
            const float *now = t.model->grads + param->offset;
            for (size_t i = 0; !param->grad && i < param->count; i++) assert_true(isnan(now[i]));
            if (param->grad) assert_memory_equal(now, grads + param->offset, param->count * sizeof *now);
        }
    }
}

static void test_nan_stays_nan(void **state)
{
    (void)state;
    bench t = make(middle(), NULL, 0);
    bc_model_param(t.model, BC_UP_W, 0)->value[5] = NAN;
    assert_true(isnan(run(&t, t.batch, plain, false)));
}

/* ---- refusals ------------------------------------------------------------------------------ */

static void expect_refusal(const bench *t, const bertc_batch *batch)
{
    bertc_error err = {0};
    assert_int_equal(bc_model_check_batch(t->model, t->workspace, batch, &err), BERTC_INPUT);
    assert_true(strlen(err.message) > 0);
    assert_null(strchr(err.message, '\n'));
    print_message("%s\n", err.message);
}

static void test_batches_that_do_not_fit(void **state)
{
    (void)state;
    bertc_config config = middle();
    config.max_position_embeddings = 24;
    bench t = make(config, NULL, 0);
    bertc_batch *batch = twin_batch_part(t.batch, 0, S);
    batch->ids[20] = 23;
    expect_refusal(&t, batch);
    batch->ids[20] = -1;
    expect_refusal(&t, batch);
    batch->ids[20] = 22;
    batch->types[3] = 2;
    expect_refusal(&t, batch);
    batch->types[3] = 1;
    bertc_error err = {0};
    assert_int_equal(bc_model_check_batch(t.model, t.workspace, batch, &err), BERTC_OK);
    static const int32_t long_one[] = {25};
    expect_refusal(&t, twin_batch(&config, long_one, 1, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_shapes, close_all),
        cmocka_unit_test_teardown(test_activations, close_all),
        cmocka_unit_test_teardown(test_backends, close_all),
        cmocka_unit_test_teardown(test_bf16, close_all),
        cmocka_unit_test_teardown(test_packed_is_each_alone, close_all),
        cmocka_unit_test_teardown(test_two_halves_are_one_batch, close_all),
        cmocka_unit_test_teardown(test_threads, close_all),
        cmocka_unit_test_teardown(test_repetition, close_all),
        cmocka_unit_test_teardown(test_longer_batches_are_read, close_all),
        cmocka_unit_test_teardown(test_inference, close_all),
        cmocka_unit_test_teardown(test_checkpointing, close_all),
        cmocka_unit_test_teardown(test_checkpointing_in_bf16, close_all),
        cmocka_unit_test_teardown(test_whole_last_layer, close_all),
        cmocka_unit_test_teardown(test_dropout_is_a_function, close_all),
        cmocka_unit_test_teardown(test_untrained_parameters, close_all),
        cmocka_unit_test_teardown(test_nan_stays_nan, close_all),
        cmocka_unit_test_teardown(test_batches_that_do_not_fit, close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
