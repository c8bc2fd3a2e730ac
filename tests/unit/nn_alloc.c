/* Passes do not allocate. The linker redirects calls of the C allocator in this program and in all objects of bertc to
 * the counters below. Calls in libraries are not counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "nn/check.h"
#include "nn/pass.h"
#include "twin/support.h"

static size_t calls;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    calls++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    calls++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    calls++;
    return __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    calls++;
    return __real_aligned_alloc(alignment, size);
}

static const int32_t lengths[] = {9, 1, 40, 5};

static size_t calls_of_a_step(bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch, uint32_t step)
{
    const bc_dropout_rates dropout = bc_dropout_rates_of(&model->config, -1);
    const bc_pass pass = {.dropout = &dropout, .seed = 1, .step = step};
    calls = 0;
    bc_model_check_batch(model, workspace, batch, NULL);
    bc_model_fwd(model, workspace, batch, pass);
    bc_model_loss(model, workspace, batch, pass, NULL, 4.0);
    bc_model_bwd(model, workspace, batch, pass, step % 2);
    return calls;
}

static void test_steps_do_not_allocate(void **state)
{
    (void)state;
    bertc_config config = twin_config(2, 32, 4, 50, 3, BERTC_GELU);
    const bertc_batch *batch = twin_batch(&config, lengths, 4, 1);
    for (size_t k = 0; bertc_backend_name(k); k++) {
        const bertc_model_options options = {
            .backend = bertc_backend_name(k), .trainable = true, .lora = {(int32_t)k, 63, 8, 0.1}};
        const bertc_limits limits = {batch->tokens, batch->sequences, batch->longest, true, false, (int32_t)k, 0};
        bertc_model *model;
        bertc_workspace *workspace;
        calls = 0;
        assert_int_equal(bertc_model_create(&config, &options, &model, NULL), BERTC_OK);
        assert_true(calls > 0); /* the counters work */
        assert_int_equal(bertc_workspace_create(model, &limits, &workspace, NULL), BERTC_OK);
        for (uint32_t step = 0; step < 4; step++) assert_int_equal(calls_of_a_step(model, workspace, batch, step), 0);
        bertc_workspace_free(workspace);
        bertc_model_free(model);
    }
}

static void test_outputs_of_layers_do_not_allocate(void **state)
{
    (void)state;
    bertc_config config = twin_config(2, 32, 4, 50, 3, BERTC_GELU);
    const bertc_batch *batch = twin_batch(&config, lengths, 4, 1);
    const bertc_limits limits = {.tokens = batch->tokens, .sequences = batch->sequences,
                                 .longest = batch->longest, .all_rows = true};
    const int32_t layers[] = {2, 0};
    float *out = twin_floats(2 * (size_t)batch->tokens * 32);
    for (size_t k = 0; bertc_backend_name(k); k++) {
        const bertc_model_options options = {.backend = bertc_backend_name(k), .encoder_only = true};
        bertc_model *model;
        bertc_workspace *workspace;
        assert_int_equal(bertc_model_create(&config, &options, &model, NULL), BERTC_OK);
        assert_int_equal(bertc_workspace_create(model, &limits, &workspace, NULL), BERTC_OK);
        for (int i = 0; i < 2; i++) {
            calls = 0;
            assert_int_equal(bertc_model_hidden(model, workspace, batch, layers, 2, out, NULL), BERTC_OK);
            assert_int_equal(calls, 0);
        }
        bertc_workspace_free(workspace);
        bertc_model_free(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_outputs_of_layers_do_not_allocate, twin_release),
        cmocka_unit_test_teardown(test_steps_do_not_allocate, twin_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
