#include "train/trainer.h"

#include <assert.h>
#include <math.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/finite.h"
#include "base/memory.h"
#include "dist/comm.h"
#include "nn/model_create.h"
#include "optim/optim.h"

struct bc_trainer {
    bertc_model *model;
    bertc_workspace *workspace;
    bertc_batch *batch;
    bc_sparse_rows words; /* rows of the word embedding table for the words of the step's batch */
    bc_optim optim;
    bc_comm comm;
    bc_trainer_options options;
};

/* ---- Creating ------------------------------------------------------------------------------ */

bertc_status bc_trainer_create(bertc_model *model, bc_trainer **trainer, bertc_error *err)
{
    *trainer = bc_calloc(1, sizeof **trainer);
    if (!*trainer) {
        bertc_model_free(model);
        return bc_fail_memory(err);
    }
    (*trainer)->model = model;
    (*trainer)->comm = bc_comm_single();
    for (size_t i = 0; i < model->count; i++) /* stages that are frozen for the whole run */
        if (bc_param_stage(&model->config, &model->params[i]) < model->frozen) model->params[i].first_step = INT64_MAX;
    return BERTC_OK;
}

void bc_trainer_free(bc_trainer *t)
{
    if (!t) return;
    bc_optim_clear(&t->optim);
    bc_sparse_rows_clear(&t->words);
    bertc_batch_free(t->batch);
    bertc_workspace_free(t->workspace);
    bertc_model_free(t->model);
    bc_free(t);
}

bertc_status bc_trainer_use_sparse_rows(bc_trainer *t, size_t max, bertc_error *err)
{
    bc_param *table = bc_model_param(t->model, BC_WORD, 0);
    table->sparse_rows = &t->words;
    return bc_sparse_rows_create(&t->words, table->shape[0], max, err);
}

size_t bc_trainer_sparse_row_bytes(const bc_trainer *t)
{
    return bc_sparse_rows_bytes(&t->words);
}

bertc_status bc_trainer_open(bc_trainer *t, const bertc_limits *limits, const bc_trainer_options *options,
                             bertc_error *err)
{
    bertc_model *model = t->model;
    t->options = *options;
    int32_t labels = options->max_labels > 0 ? options->max_labels : limits->sequences;
    bertc_status status = bertc_workspace_create(model, limits, &t->workspace, err);
    if (status == BERTC_OK)
        status = bertc_batch_create(limits->sequences, limits->tokens, labels, &t->batch, err);
    if (status != BERTC_OK) return status;
    return bc_optim_create(&t->optim, model->params, model->count, options->recipe, options->weight_decay,
                           model->threads, err);
}

/* ---- Model and state ----------------------------------------------------------------------- */

bertc_model *bc_trainer_model(bc_trainer *t)
{
    bc_optim_flush(&t->optim);
    return t->model;
}

bertc_workspace *bc_trainer_workspace(bc_trainer *t)
{
    return t->workspace;
}

bertc_batch *bc_trainer_batch(bc_trainer *t)
{
    return t->batch;
}

bc_trainer_state bc_trainer_state_of(bc_trainer *t)
{
    const bertc_model *model = bc_trainer_model(t);
    return (bc_trainer_state){model->values, model->scalars, t->optim.m, t->optim.v, t->optim.scalars};
}

void bc_trainer_refresh_weights(bc_trainer *t)
{
    bc_model_round(t->model);
}

/* ---- The parts of a step ------------------------------------------------------------------- */

/* Stages are unfrozen from the last down, and parameters are in the order of stages. */
int bc_trainer_frozen(const bc_trainer *t, int64_t step)
{
    const bertc_model *m = t->model;
    for (size_t i = 0; i < m->count; i++)
        if (m->params[i].head < 0 && m->params[i].first_step <= step) return bc_param_stage(&m->config, &m->params[i]);
    return bc_stage_head((int)m->config.num_hidden_layers);
}

/* Freeze what this step does not train, including the heads of other tasks. Then update the rows of the word embedding
 * table that the step's passes will read. AdamW counts the steps of a head from the head's own first step. */
static void begin_step(bc_trainer *t, const bc_step *step)
{
    const bc_examples *e = &step->examples;
    for (size_t i = 0; i < t->model->count; i++) {
        bc_param *p = &t->model->params[i];
        if (p->head >= 0) p->first_step = p->head == e->task ? step->number - e->task_step : INT64_MAX;
    }
    t->model->frozen = bc_trainer_frozen(t, step->number);
    bc_optim_unfreeze(&t->optim, step->number);
    if (!t->words.slot) return;
    bc_sparse_rows_reset(&t->words);
    for (size_t i = 0; i < e->count; i++) {
        size_t from = e->inputs->starts[e->order[i]], end = e->inputs->starts[e->order[i] + 1];
        bc_sparse_rows_add(&t->words, e->inputs->ids + from, end - from);
    }
    bc_optim_catch_up(&t->optim);
}

/* Fill the batch of the pass that starts with example `at`. The caller of the step has already asked whether to stop,
 * so only later passes ask again. */
static bertc_status fill_batch(bc_trainer *t, const bc_examples *e, size_t at, bertc_error *err)
{
    size_t tokens, n = bc_pack_next(e->inputs, e->order + at, e->count - at, t->options.pack, &tokens);
    bertc_status status = at > 0 && t->options.meter ? bc_meter_stop(t->options.meter) : BERTC_OK;
    return status == BERTC_OK ? bertc_batch_fill(t->batch, e->inputs, e->order + at, n, err) : status;
}

/* ---- Divergence ---------------------------------------------------------------------------- */

const bc_param *bc_find_not_finite(const bertc_model *model, const float *values)
{
    for (size_t i = 0; i < model->count; i++) {
        const bc_param *p = &model->params[i];
        if (!bc_all_finite(values + p->offset, p->count)) return p;
    }
    return NULL;
}

/* Check that loss and gradient norm are finite; if not, name the first bad parameter. */
static bertc_status check_finite(bc_trainer *t, const bc_step *step, const bc_step_result *o, bertc_error *err)
{
    if (isfinite(o->loss) && isfinite(o->norm)) return BERTC_OK;
    const bertc_model *model = bc_trainer_model(t);
    const bc_param *value = bc_find_not_finite(model, model->values), *bad = value;
    for (size_t i = 0; !bad && i < model->count; i++) {
        const bc_param *p = &model->params[i];
        if (p->grad && p->first_step <= step->number && !bc_all_finite(p->grad, bc_param_grad_count(p))) bad = p;
    }
    const char *what = isfinite(o->loss) ? "gradient norm" : "loss";
    const char *where = !bad ? "" : value ? "; first in the weights " : "; first in the gradient of ";
    return bc_fail(err, BERTC_DIVERGED, "step %lld: the %s is not finite%s%s%s", (long long)step->number + 1, what,
                   where, bad ? bad->name : "", bad ? "; no update was made" : "");
}

/* ---- The step ------------------------------------------------------------------------------ */

bertc_status bc_trainer_step(bc_trainer *t, const bc_step *step, bc_step_result *result, bertc_error *err)
{
    const bc_pass pass = {.head = step->examples.task, .dropout = &t->options.dropout, .seed = t->options.seed,
                          .step = (uint32_t)step->number};
    double began = bc_clock(), loss = 0;
    *result = (bc_step_result){0};
    assert(step->divisor > 0);
    begin_step(t, step);
    for (size_t at = 0; at < step->examples.count; at += (size_t)t->batch->sequences) {
        bertc_status status = fill_batch(t, &step->examples, at, err);
        if (status == BERTC_OK) status = bc_cached_fwd(step->cache, t->model, t->workspace, t->batch, pass, err);
        if (status != BERTC_OK) return status;
        loss += bc_model_loss(t->model, t->workspace, t->batch, pass, step->objective, step->divisor);
        bc_model_bwd(t->model, t->workspace, t->batch, pass, at > 0);
        result->tokens += t->batch->tokens;
    }
    bertc_status status = bc_workspace_status(t->workspace, err);
    if (status != BERTC_OK) return status;
    bc_comm_sum(&t->comm, t->model->grads, bc_model_grad_scalars(t->model));
    double passed = bc_clock();
    result->loss = loss / step->divisor;
    result->norm = bc_optim_norm(&t->optim);
    double normed = bc_clock();
    status = check_finite(t, step, result, err);
    if (status != BERTC_OK) return status;
    double scale = bc_clip_scale(t->options.recipe, result->norm, t->options.max_grad_norm);
    bc_optim_step(&t->optim, step->number, step->lr, scale);
    double ended = bc_clock();
    result->norm_seconds = normed - passed;
    result->update_seconds = ended - normed;
    result->seconds = ended - began;
    return BERTC_OK;
}
