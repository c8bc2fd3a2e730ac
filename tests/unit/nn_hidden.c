/* Outputs of layers (bertc_model_hidden): compared with the network in double precision and with a training pass.
 * Layers above the last requested one are not computed. */
#include "nn_bench.h"

#include <math.h>

enum { LAYERS = 4, HIDDEN = 48 };

/* A model, and the outputs of its layers. */
typedef struct seen {
    size_t size; /* scalars of a layer's output */
    float *rows; /* (LAYERS + 1,N,H) */
} seen;

/* Request the outputs of the layers from `last` down to 0. */
static seen collect(const bench *t, int32_t last)
{
    bertc_error err = {0};
    int32_t layers[LAYERS + 1];
    size_t count = (size_t)last + 1;
    seen s = {.size = (size_t)t->batch->tokens * HIDDEN};
    s.rows = twin_floats((LAYERS + 1) * s.size);
    float *out = twin_floats(count * s.size);
    for (size_t i = 0; i < count; i++) layers[i] = last - (int32_t)i;
    if (bertc_model_hidden(t->model, t->workspace, t->batch, layers, count, out, &err) != BERTC_OK)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < count; i++)
        memcpy(s.rows + (size_t)layers[i] * s.size, out + i * s.size, s.size * sizeof *out);
    return s;
}

static bench make_whole(bertc_model_options options)
{
    bench t = prepare(twin_config(LAYERS, HIDDEN, 3, 100, 3, BERTC_GELU));
    open_with(&t, options, false, true);
    return t;
}

static void test_values(void **state)
{
    (void)state;
    for (size_t k = 0; bertc_backend_name(k); k++) {
        bench t = make_whole((bertc_model_options){.backend = bertc_backend_name(k)});
        seen s = collect(&t, LAYERS);
        twin_net_fwd(t.net, t.batch, plain, divisor);
        assert_true(twin_distance(s.rows, t.net->embed_out, s.size) < 1e-6);
        for (size_t l = 0; l < LAYERS; l++)
            assert_true(twin_distance(s.rows + (l + 1) * s.size, t.net->layers[l].out, s.size) < 2e-6);
        close_all(NULL);
    }
}

/* The outputs have the bits that a training pass computes, in both precisions. */
static void test_outputs_that_training_keeps(void **state)
{
    (void)state;
    for (int bf16 = 0; bf16 < 2; bf16++) {
        bertc_model_options options = {.backend = "reference", .threads = 1,
                                       .precision = bf16 ? BERTC_BF16 : BERTC_F32};
        bench t = make_whole(options), kept = t;
        open_with(&kept, options, true, true);
        seen s = collect(&t, LAYERS);
        float *wanted = twin_floats(s.size);
        bc_model_fwd(kept.model, kept.workspace, kept.batch, plain);
        for (int l = 0; l < LAYERS; l++) {
            bc_model_output(kept.model, kept.workspace, kept.batch, l, wanted);
            assert_memory_equal(s.rows + (size_t)(l + 1) * s.size, wanted, s.size * sizeof *wanted);
        }
        close_all(NULL);
    }
}

/* The buffer of the next layer's output is not written. Weights of layers above do not matter, even if they are NaN.
 * The outputs of layers below are the same. */
static void test_nothing_above_is_computed(void **state)
{
    (void)state;
    for (int32_t last = 0; last < 2; last++) {
        bench fresh = make_whole((bertc_model_options){0});
        collect(&fresh, last);
        assert_true(isnan(fresh.workspace->layer_input[(last + 1) % 2].f32[0]));
    }
    bench t = make_whole((bertc_model_options){0});
    seen all = collect(&t, LAYERS);
    for (int32_t last = LAYERS - 1; last >= 0; last--) {
        for (int id = BC_QUERY_W; id <= BC_OUT_BIAS; id++) {
            bc_param *p = bc_model_param(t.model, (bc_param_id)id, last);
            twin_fill_nan(p->value, p->count);
        }
        seen some = collect(&t, last);
        assert_memory_equal(some.rows, all.rows, (size_t)(last + 1) * all.size * sizeof *all.rows);
    }
}

/* A model without pooler and head has the same outputs, also with packed weights, and no logits. */
static void test_headless(void **state)
{
    (void)state;
    bertc_config config = twin_config(LAYERS, HIDDEN, 3, 100, 3, BERTC_GELU);
    bertc_model_options options = {.seed = 5, .threads = 1};
    bench t = {.config = config, .batch = twin_batch(&config, lengths, S, 3)}, bare = t;
    bertc_limits limits = limits_of(t.batch);
    bertc_error err = {0};
    const float *logits;
    limits.training = false;
    limits.all_rows = true;
    bench *const both[] = {&t, &bare};
    for (size_t i = 0; i < 2; i++) {
        options.encoder_only = i == 1;
        assert_int_equal(bertc_model_create(&config, &options, &both[i]->model, &err), BERTC_OK);
        assert_int_equal(bertc_workspace_create(both[i]->model, &limits, &both[i]->workspace, &err), BERTC_OK);
        models[opened] = both[i]->model;
        workspaces[opened++] = both[i]->workspace;
    }
    seen a = collect(&t, LAYERS), b = collect(&bare, LAYERS);
    assert_true(twin_distance_floats(b.rows, a.rows, (LAYERS + 1) * a.size) < 1e-6);
    assert_int_equal(bertc_model_forward(bare.model, bare.workspace, bare.batch, &logits, &err), BERTC_USAGE);
    assert_string_equal(err.message, "the model was loaded without its head");
}

static void test_refusals(void **state)
{
    (void)state;
    bench t = make_whole((bertc_model_options){0}), first = t;
    open_with(&first, (bertc_model_options){0}, false, false);
    float *out = twin_floats((size_t)t.batch->tokens * HIDDEN);
    const struct {
        const bench *t;
        int32_t layer;
        const char *message;
    } rows[] = {{&t, LAYERS + 1, "layer 5: the model has layers 1 to 4, and 0 for the embeddings"},
                {&t, -1, "layer -1: the model has layers 1 to 4, and 0 for the embeddings"},
                {&first, 1, "the workspace was made without all_rows, which outputs of layers need"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bertc_error err = {0};
        assert_int_equal(bertc_model_hidden(rows[i].t->model, rows[i].t->workspace, t.batch, &rows[i].layer, 1,
                                            out, &err),
                         BERTC_USAGE);
        assert_string_equal(err.message, rows[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_values, close_all),
        cmocka_unit_test_teardown(test_outputs_that_training_keeps, close_all),
        cmocka_unit_test_teardown(test_nothing_above_is_computed, close_all),
        cmocka_unit_test_teardown(test_headless, close_all),
        cmocka_unit_test_teardown(test_refusals, close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
