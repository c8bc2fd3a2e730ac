/* Models of which only a part is trained: its gradients are those of a fully trained model, and frozen layers take no
 * memory for gradients. */
#include "nn_bench.h"

#include <math.h>

/* With the first stages frozen the trained parameters have the gradients, to the bit, of a fully trained model. Frozen
 * parameters have none. Each frozen layer reduces the memory. */
static void check_frozen(const bench *all, bertc_model_options options, bool whole, int32_t group)
{
    bertc_limits limits = limits_of(all->batch);
    size_t before = SIZE_MAX, stages = (size_t)all->config.num_hidden_layers + 2;
    limits.all_rows = whole;
    limits.checkpointing = group;
    for (size_t frozen = 0; frozen <= stages; frozen++) {
        bench few = *all;
        size_t trained = 0;
        options.frozen = (int32_t)frozen;
        open_limited(&few, options, &limits);
        assert_true(run(&few, all->batch, plain, false) == run(all, all->batch, plain, false));
        for (size_t i = 0; i < all->model->count; i++) {
            const bc_param *p = &few.model->params[i], *whole_p = &all->model->params[i];
            bool kept = bc_param_stage(&all->config, p) >= (int)frozen;
            assert_int_equal(p->grad != NULL, kept);
            if (kept) assert_memory_equal(p->grad, whole_p->grad, p->count * sizeof(float));
            if (kept) trained += p->count;
        }
        assert_int_equal(bc_model_trained_scalars(few.model), trained);
        size_t bytes = bertc_workspace_bytes(few.workspace);
        bool fewer = frozen > 1 && frozen < stages; /* layers with a backward pass */
        if (group == 0) assert_true(fewer ? bytes < before : bytes <= before);
        before = bytes;
        opened--;
        bertc_workspace_free(few.workspace);
        bertc_model_free(few.model);
    }
}

static void test_frozen_stages(void **state)
{
    (void)state;
    for (int bf16 = 0; bf16 < 2; bf16++)
        for (int whole = 0; whole < 2; whole++) {
            bertc_model_options options = {.backend = bf16 ? "reference" : NULL,
                                           .precision = bf16 ? BERTC_BF16 : BERTC_F32};
            bench all = prepare(twin_config(4, 48, 3, 100, 3, BERTC_GELU));
            open_with(&all, options, true, whole);
            for (int32_t group = 0; group <= 3; group++) check_frozen(&all, options, whole, group);
            close_all(NULL);
        }
}

/* Stages that are frozen only in some steps, in a workspace that was planned for training them. */
static void test_thawing_stages(void **state)
{
    (void)state;
    bench all = prepare(twin_config(4, 48, 3, 100, 3, BERTC_GELU));
    bertc_limits limits = limits_of(all.batch);
    open_limited(&all, (bertc_model_options){0}, &limits);
    run(&all, all.batch, plain, false);
    for (int32_t group = 0; group <= 3; group++) {
        bench thawing = all;
        limits.checkpointing = group;
        open_limited(&thawing, (bertc_model_options){0}, &limits);
        for (int frozen = 6; frozen >= 0; frozen--) {
            twin_fill_nan(thawing.model->grads, bc_model_grad_scalars(thawing.model));
            thawing.model->frozen = frozen;
            run(&thawing, all.batch, plain, false);
            for (size_t i = 0; i < all.model->count; i++) {
                const bc_param *p = &thawing.model->params[i];
                if (bc_param_stage(&all.config, p) < frozen) assert_true(isnan(p->grad[0]));
                else assert_memory_equal(p->grad, all.model->params[i].grad, p->count * sizeof(float));
            }
        }
    }
}

/* If only biases are trained, their gradients and the head's are those of a fully trained model. */
static void test_biases_only(void **state)
{
    (void)state;
    bench all = make(middle(), NULL, 0), few = all;
    bertc_limits limits = limits_of(all.batch);
    open_limited(&few, (bertc_model_options){.biases_only = true}, &limits);
    assert_true(run(&few, all.batch, dropped, false) == run(&all, all.batch, dropped, false));
    for (size_t i = 0; i < all.model->count; i++) {
        const bc_param *p = &few.model->params[i];
        bool kept = strstr(p->name, ".bias") || strncmp(p->name, "classifier", 10) == 0;
        assert_int_equal(p->grad != NULL, kept);
        if (kept) assert_memory_equal(p->grad, all.model->params[i].grad, p->count * sizeof(float));
    }
}

/* Frozen stages have no dropout; the stages above them have. */
static void test_frozen_dropout(void **state)
{
    (void)state;
    bench t = prepare(middle()), base = t;
    bertc_limits limits = limits_of(t.batch);
    open_limited(&t, (bertc_model_options){.frozen = 2}, &limits);
    open_limited(&base, (bertc_model_options){0}, &limits);
    size_t count = (size_t)t.batch->tokens * 48;
    float *wanted = twin_floats(count), *found = twin_floats(count);
    run(&base, t.batch, plain, false);
    double dry = run(&t, t.batch, plain, false), wet = run(&t, t.batch, dropped, false);
    bc_model_output(base.model, base.workspace, t.batch, 0, wanted);
    bc_model_output(t.model, t.workspace, t.batch, 0, found);
    assert_memory_equal(found, wanted, count * sizeof *found);
    assert_true(dry != wet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_frozen_stages, close_all),
        cmocka_unit_test_teardown(test_thawing_stages, close_all),
        cmocka_unit_test_teardown(test_frozen_dropout, close_all),
        cmocka_unit_test_teardown(test_biases_only, close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
