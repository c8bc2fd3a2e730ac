/* Small models for tests: a model with a workspace, a batch, and a double-precision network with the same weights.
 * close_all frees everything that a test opened. */
#ifndef BC_TESTS_NN_BENCH_H
#define BC_TESTS_NN_BENCH_H

#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "nn/check.h"
#include "nn/model_create.h"
#include "nn/pass.h"
#include "twin/net.h"
#include "twin/support.h"

static const int32_t lengths[] = {9, 1, 24, 5, 16, 2};
enum { S = 6 };

static const bc_dropout_rates rates = {.hidden = 0.1, .attention = 0.2, .head = 0.3}, none = {0};
static const bc_pass dropped = {.dropout = &rates, .seed = 1234567, .step = 8};
static const bc_pass plain = {.dropout = &none};
static const double divisor = 6.0;

/* ---- a model and its workspace, released by close_all -------------------------------------- */

typedef struct bench {
    bertc_config config;
    bertc_batch *batch;
    twin_net *net; /* has the same weights */
    bertc_model *model;
    bertc_workspace *workspace;
} bench;

enum { MAX = 8 };
static bertc_model *models[MAX];
static bertc_workspace *workspaces[MAX];
static size_t opened;

static inline int close_all(void **state)
{
    for (size_t i = 0; i < opened; i++) {
        bertc_workspace_free(workspaces[i]);
        bertc_model_free(models[i]);
    }
    opened = 0;
    omp_set_num_threads(omp_get_num_procs());
    return twin_release(state);
}

static inline void open_limited(bench *t, bertc_model_options options, const bertc_limits *limits)
{
    bertc_error err = {0};
    options.trainable = true;
    assert_true(opened < MAX);
    if (bertc_model_create(&t->config, &options, &t->model, &err) != BERTC_OK) fail_msg("%s", err.message);
    if (bertc_workspace_create(t->model, limits, &t->workspace, &err) != BERTC_OK) fail_msg("%s", err.message);
    models[opened] = t->model;
    workspaces[opened++] = t->workspace;
    if (options.lora.rank == 0) assert_int_equal(t->model->scalars, t->net->scalars);
    for (size_t i = 0; i < t->net->scalars; i++) t->model->values[i] = (float)t->net->values[i];
    bc_model_round(t->model);
    twin_fill_nan(t->model->grads, bc_model_grad_scalars(t->model));
    twin_fill_nan(t->workspace->block, t->workspace->bytes / sizeof(float));
}

static inline bertc_limits limits_of(const bertc_batch *batch)
{
    return (bertc_limits){.tokens = batch->tokens, .sequences = batch->sequences,
                          .longest = batch->longest, .training = true};
}

static inline void open_with(bench *t, bertc_model_options options, bool training, bool whole)
{
    bertc_limits limits = limits_of(t->batch);
    limits.training = training;
    limits.all_rows = whole;
    open_limited(t, options, &limits);
}

static inline void open_model(bench *t, const char *backend, int32_t threads, bool training, bool whole)
{
    open_with(t, (bertc_model_options){.backend = backend, .threads = threads}, training, whole);
}

static inline bench prepare(bertc_config config)
{
    bench t = {.config = config, .batch = twin_batch(&config, lengths, S, 3)};
    bertc_config *kept = twin_take(1, sizeof *kept);
    *kept = config;
    t.net = twin_net_create(kept, t.batch);
    twin_net_randomise(t.net, 17);
    return t;
}

static inline bench make(bertc_config config, const char *backend, int32_t threads)
{
    bench t = prepare(config);
    open_model(&t, backend, threads, true, false);
    return t;
}

static inline bertc_config middle(void)
{
    return twin_config(2, 48, 3, 100, 3, BERTC_GELU);
}

/* Run forward, loss and backward of the batch. */
static inline double run(const bench *t, const bertc_batch *batch, bc_pass pass, bool accumulate)
{
    bertc_error err = {0};
    assert_int_equal(bc_model_check_batch(t->model, t->workspace, batch, &err), BERTC_OK);
    bc_model_fwd(t->model, t->workspace, batch, pass);
    double loss = bc_model_loss(t->model, t->workspace, batch, pass, NULL, divisor);
    bc_model_bwd(t->model, t->workspace, batch, pass, accumulate);
    assert_int_equal(bc_workspace_status(t->workspace, &err), BERTC_OK);
    return loss;
}

#endif
