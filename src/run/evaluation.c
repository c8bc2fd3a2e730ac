#include "run/evaluation.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "run/checkpoint.h"
#include "tasks/tasks.h"

static double value_of(const bc_run *run, int task, const bertc_scores *scores)
{
    return bc_best_metric_value(&run->options, run->tasks[task].eval_splits[0].task, &scores[0]);
}

/* The results of a task's evaluation, by split. The run's state takes them when all tasks are evaluated. */
typedef struct findings {
    bertc_scores scores[BERTC_MAX_EVALS];
    double seconds[BERTC_MAX_EVALS];
} findings;

/* Compute the logits of a split of a task with the current weights. */
static bertc_status evaluate(bc_run *run, int task, size_t split, bertc_error *err)
{
    return bc_eval_run(&run->tasks[task].evals[split], bc_trainer_model(run->trainer), task,
                       bc_trainer_workspace(run->trainer), bc_trainer_batch(run->trainer), &run->meter, err);
}

static bertc_status score(bc_run *run, int index, findings *found, bertc_error *err)
{
    bc_run_task *task = &run->tasks[index];
    for (size_t i = 0; i < task->eval_count; i++) {
        bertc_status status = evaluate(run, index, i, err);
        if (status == BERTC_OK)
            status = bertc_task_score(task->eval_sets[i], task->evals[i].logits, &found->scores[i], err);
        if (status != BERTC_OK) return status;
        found->seconds[i] = run->meter.pass_seconds;
    }
    return BERTC_OK;
}

/* Store the scores of all tasks in the state; return whether a task has a new best score on its first split. NaN is
 * never the best. If two values are equal, the earlier evaluation stays the best. */
static bool take_scores(bc_run *run, const findings found[BERTC_MAX_TASKS])
{
    bool best = false;
    run->state.evaluated = run->state.step;
    run->meter.pass_seconds = 0;
    for (int i = 0; i < run->num_tasks; i++) {
        bc_task_state *state = &run->state.task[i];
        memcpy(state->last, found[i].scores, sizeof state->last);
        for (size_t e = 0; e < state->splits; e++) run->meter.pass_seconds += found[i].seconds[e];
        if (state->splits == 0) continue;
        double value = value_of(run, i, state->last);
        if (isnan(value) || (state->best_step > 0 && !(value > value_of(run, i, state->best)))) continue;
        state->best_step = run->state.step;
        state->best_loss = state->loss;
        memcpy(state->best, state->last, sizeof state->best);
        best = true;
    }
    return best;
}

static bertc_status log_scores(bc_run *run, const findings found[BERTC_MAX_TASKS], bertc_error *err)
{
    bc_text lines = {0};
    for (int t = 0; t < run->num_tasks; t++)
        for (size_t i = 0; i < run->tasks[t].eval_count; i++) {
            const bc_eval_split *split = &run->tasks[t].eval_splits[i];
            bc_text_printf(&lines, "{\"step\":%lld,\"epoch\":", (long long)run->state.step);
            bc_json_put_double(&lines, bc_run_epochs(run, run->state.step));
            bc_text_printf(&lines, ",\"eval\":");
            bc_put_scores(&lines, split->task, split->split, &found[t].scores[i], &split->metrics);
            bc_text_printf(&lines, ",\"seconds\":%.4f}\n", found[t].seconds[i]);
        }
    bertc_status status = lines.failed ? bc_fail_memory(err) : bc_log_append(&run->log, lines.bytes, lines.length, err);
    bc_text_clear(&lines);
    return status;
}

/* Report if --patience is exhausted. */
static void notify_end(const bc_run *run)
{
    const bertc_notify *notify = bc_meter_notify(&run->meter);
    long long step = (long long)run->state.step, best = (long long)bc_run_best_step(run);
    if (step == run->plan.steps || !bc_run_is_over(run)) return;
    const char *name = bc_best_metric_name(&run->options, run->tasks->eval_splits[0].task);
    if (run->num_tasks > 1) name = "score of any task";
    if (best > 0)
        bc_notify(notify, "step %lld: no better %s since step %lld, the run ends", step, name, best);
    else bc_notify(notify, "step %lld: the %s was not a number in any evaluation, the run ends", step, name);
}

bertc_status bc_run_evaluate(bc_run *run, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    findings found[BERTC_MAX_TASKS] = {0};
    run->scored = 0;
    for (int i = 0; i < run->num_tasks && status == BERTC_OK; i++) status = score(run, i, &found[i], err);
    if (status != BERTC_OK) return status;
    run->scored = run->state.step;
    bool best = take_scores(run, found);
    if (best && run->options.keep == BERTC_KEEP_BEST && run->state.step < run->plan.steps)
        status = bc_checkpoint_save_best(run, err);
    if (status == BERTC_OK) status = log_scores(run, found, err);
    if (status == BERTC_OK) notify_end(run);
    return status;
}

bertc_status bc_run_take_result_logits(bc_run *run, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    for (int t = 0; t < run->num_tasks && status == BERTC_OK; t++) {
        bool is_last = bc_run_result_step(run, t) == run->state.step;
        if (!is_last) status = bc_checkpoint_read_best_logits(run, t, err);
        if (!is_last || run->scored == run->state.step) continue;
        for (size_t i = 0; i < run->tasks[t].eval_count && status == BERTC_OK; i++) status = evaluate(run, t, i, err);
    }
    return status;
}
