/* One training step.
 *
 * A batch is a run of batch_size examples in the order of its epoch; the last of an epoch may be
 * smaller. What does not fit one pass is computed in several: every pass divides its loss by what the
 * whole batch's is divided by, so the gradients add up to those of the batch. Nothing is allocated. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/rng.h"
#include "run/objective.h"
#include "run/signs.h"
#include "run/thaw.h"

/* Of one task an epoch is its examples; of several it is that many steps. */
double bc_run_epochs(const bc_run *run, int64_t step)
{
    int64_t left = step % run->epoch_steps;
    double size = (double)run->options.batch_size;
    double count = run->num_lanes > 1 ? (double)run->epoch_steps * size : (double)run->lanes->train->count;
    return (double)(step / run->epoch_steps) + (double)left * size / count;
}

/* The order of a lane's examples is a function of seed and epoch. */
static void set_epoch(const bc_run *run, bc_lane *lane, int64_t epoch)
{
    if (lane->epoch == epoch) return;
    lane->epoch = epoch;
    if (run->options.no_shuffle) {
        for (size_t i = 0; i < lane->train->count; i++) lane->order[i] = (uint32_t)i;
        return;
    }
    bc_rng_shuffle((uint64_t)run->options.seed, (uint32_t)epoch, lane->order, run->scratch,
                   lane->train->count);
}

bc_lane *bc_run_batch(bc_run *run, int64_t step, const uint32_t **examples, size_t *count)
{
    bc_mix_seek(&run->mix, step);
    int task = bc_mix_task(&run->mix, step);
    bc_lane *lane = &run->lanes[task];
    int64_t own = run->mix.taken[task];
    set_epoch(run, lane, own / lane->epoch_steps);
    size_t size = (size_t)run->options.batch_size;
    size_t first = (size_t)(own % lane->epoch_steps) * size;
    size_t left = lane->train->count - first;
    *count = left < size ? left : size;
    *examples = lane->order + first;
    return lane;
}

/* The rows of the word table that a batch names, up to date for its forward passes. */
static void take_words(bc_run *run, const bertc_inputs *in, const uint32_t *examples, size_t count)
{
    if (!run->words.slot) return;
    bc_touched_reset(&run->words);
    for (size_t i = 0; i < count; i++) {
        size_t from = in->starts[examples[i]];
        bc_touched_add(&run->words, in->ids + from, in->starts[examples[i] + 1] - from);
    }
    bc_optim_catch_up(&run->optim);
}

/* The heads of other lanes have no part in the step; AdamW counts the steps of a head from its own first one. */
static void use_head(bc_run *run, int head)
{
    for (size_t i = 0; i < run->model->count; i++) {
        bc_param *p = &run->model->params[i];
        if (p->head >= 0)
            p->since = p->head == head ? run->state.step - run->mix.taken[head] : INT64_MAX;
    }
}

/* What this step trains. */
static void thaw(bc_run *run)
{
    int64_t step = run->state.step;
    int frozen = bc_thaw_frozen(run->model, step), layers = run->model->config.num_hidden_layers;
    if (frozen < run->model->frozen && step > 0)
        bc_notify(bc_meter_notify(&run->meter), "step %lld: %s%d of %d layers are trained from now on",
                  (long long)step + 1, frozen == 0 ? "embeddings and " : "",
                  layers - (frozen > 1 ? frozen - 1 : 0), layers);
    run->model->frozen = frozen;
    bc_optim_thaw(&run->optim, step);
}

/* Gradients and mean loss of a batch, in one pass or more. Where the caller asks to stop between two, the step
 * has not been: it is computed again when the run goes on. */
static bertc_status compute_gradients(bc_run *run, bc_lane *lane, const uint32_t *examples,
                                      size_t count, bc_report *report, bertc_error *err)
{
    const bertc_inputs *train = lane->train;
    bc_pass pass = {.head = (int)(lane - run->lanes), .dropout = &run->dropout,
                    .seed = (uint64_t)run->options.seed, .step = (uint32_t)run->state.step};
    size_t n, tokens;
    double loss = 0, divisor = bc_objective_divisor(lane, examples, count);
    if (divisor <= 0)
        return bc_fail(err, BERTC_DIVERGED, "step %lld: the loss is undefined, every example of the "
                       "batch has the class weight 0", (long long)run->state.step + 1);
    use_head(run, pass.head);
    thaw(run);
    take_words(run, train, examples, count);
    for (size_t at = 0; at < count; at += n) {
        bertc_status status = at > 0 ? bc_meter_stop(&run->meter) : BERTC_OK;
        if (status != BERTC_OK) return status;
        n = bc_pack_next(train, examples + at, count - at, run->pack, &tokens);
        status = bertc_batch_fill(run->batch, train, examples + at, n, err);
        if (status == BERTC_OK) status = bc_cache_fwd(&lane->cache, run->model, run->workspace, run->batch, pass, err);
        if (status != BERTC_OK) return status;
        loss += bc_model_loss(run->model, run->workspace, run->batch, pass, &lane->objective, divisor);
        bc_model_bwd(run->model, run->workspace, run->batch, pass, at > 0);
        report->tokens += (int64_t)tokens;
    }
    report->loss = loss / divisor;
    return bc_workspace_status(run->workspace, err);
}

/* ---- Divergence ---------------------------------------------------------------------------- */

static bool all_finite(const float *x, size_t count)
{
    float sum = 0; /* x - x is 0 where x is finite, else NaN */
    for (size_t i = 0; i < count; i++) sum += x[i] - x[i];
    return sum == 0;
}

const bc_param *bc_run_find_bad(const bc_run *run, const float *values)
{
    for (size_t i = 0; i < run->model->count; i++) {
        const bc_param *p = &run->model->params[i];
        if (!all_finite(values + p->offset, p->count)) return p;
    }
    return NULL;
}

static const bc_param *find_bad_gradient(const bc_run *run)
{
    for (size_t i = 0; i < run->model->count; i++) {
        const bc_param *p = &run->model->params[i];
        if (p->grad && p->since <= run->state.step && !all_finite(p->grad, bc_param_grad_count(p))) return p;
    }
    return NULL;
}

/* Refuse to update from a loss or gradient that is not finite. */
static bertc_status check_finite(bc_run *run, const bc_report *report, bertc_error *err)
{
    if (isfinite(report->loss) && isfinite(report->norm)) return BERTC_OK;
    bc_optim_settle(&run->optim);
    const bc_param *value = bc_run_find_bad(run, run->model->values);
    const bc_param *bad = value ? value : find_bad_gradient(run);
    const char *what = isfinite(report->loss) ? "gradient norm" : "loss";
    return bc_fail(err, BERTC_DIVERGED, "step %lld: the %s is not finite%s%s%s",
                   (long long)run->state.step + 1, what,
                   !bad    ? ""
                   : value ? "; first in the weights "
                           : "; first in the gradient of ",
                   bad ? bad->name : "", bad ? "; no update was made" : "");
}

/* ---- The log ------------------------------------------------------------------------------- */

static bertc_status log_step(bc_run *run, const bc_report *report, bertc_error *err)
{
    char epoch[BC_JSON_DOUBLE], loss[BC_JSON_DOUBLE], lr[BC_JSON_DOUBLE], norm[BC_JSON_DOUBLE];
    char line[512];
    bc_json_double(epoch, bc_run_epochs(run, run->state.step));
    bc_json_double(loss, report->loss);
    bc_json_double(lr, report->lr);
    bc_json_double(norm, report->norm);
    int n = snprintf(line, sizeof line,
                     "{\"step\":%lld,%s%s%s\"epoch\":%s,\"loss\":%s,\"lr\":%s,\"grad_norm\":%s,"
                     "\"tokens\":%lld,\"seconds\":%.6f}\n",
                     (long long)run->state.step, report->task ? "\"task\":\"" : "",
                     report->task ? report->task : "", report->task ? "\"," : "", epoch, loss, lr,
                     norm, (long long)report->tokens,
                     report->seconds);
    return bc_log_append(&run->log, line, (size_t)n, err);
}

bertc_status bc_run_update(bc_run *run, bc_report *report, bertc_error *err)
{
    const bertc_train_options *o = &run->options;
    bertc_recipe recipe = (bertc_recipe)o->recipe;
    bc_state *state = &run->state;
    double began = bc_clock();
    size_t count;
    *report = (bc_report){0};
    const uint32_t *examples;
    bc_lane *lane = bc_run_batch(run, state->step, &examples, &count);
    bertc_status status = compute_gradients(run, lane, examples, count, report, err);
    report->task = run->num_lanes > 1 ? lane->task->name : NULL;
    if (status != BERTC_OK) return status;
    report->norm = bc_optim_norm(&run->optim);
    status = check_finite(run, report, err);
    if (status != BERTC_OK) return status;
    report->lr = bc_schedule_rate(recipe, o->lr, state->step, run->warmup, run->steps);
    bc_optim_step(&run->optim, state->step, report->lr,
                  bc_clip_scale(recipe, report->norm, o->max_grad_norm));
    bc_signs_step(run, lane, report->loss);
    state->step++;
    state->tokens += report->tokens;
    state->loss_sum += report->loss;
    report->seconds = bc_clock() - began;
    return BERTC_OK;
}

bertc_status bc_run_step(bc_run *run, bc_report *report, bertc_error *err)
{
    bertc_status status = bc_run_update(run, report, err);
    return status == BERTC_OK ? log_step(run, report, err) : status;
}
