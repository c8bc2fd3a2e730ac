#include "run/run.h"

#include "base/error.h"
#include "base/memory.h"

bc_run bc_run_begin(const bertc_train_options *options, const bertc_observer *observer)
{
    bc_run run = {.options = *options, .log.fd = -1, .folder = {.fd = -1, .root.fd = -1, .work.fd = -1}};
    bc_meter_start(&run.meter, observer);
    return run;
}

/* Close the tasks that no result has. */
static void close_tasks(bc_run *run)
{
    for (int t = 0; t < run->list.count; t++) {
        const bertc_task *spec = run->list.tasks[t];
        bool passed_on = false;
        for (size_t i = 0; t < run->num_tasks && i < run->tasks[t].eval_count; i++) {
            const bertc_task *other = run->tasks[t].eval_splits[i].task;
            passed_on = passed_on || (run->has_result && other == spec);
            if (!run->has_result && other != spec) bertc_task_close(other);
        }
        if (!passed_on) bertc_task_close(spec);
    }
}

void bc_run_close(bc_run *run)
{
    bc_log_close(&run->log);
    bc_file_hashes_clear(&run->result_files);
    bc_text_clear(&run->command);
    bertc_batch_free(run->frozen_cache.missing_batch);
    bc_free(run->frozen_cache.order);
    for (bc_run_task *task = run->tasks; task < run->tasks + run->num_tasks; task++) {
        bc_epoch_clear(&task->epoch);
        bc_cache_close(&task->cache);
        for (size_t i = 0; i < task->eval_count; i++) {
            bc_eval_close(&task->evals[i]);
            bertc_dataset_free(task->eval_sets[i]);
        }
        bertc_inputs_free(task->train);
        bc_free(task->class_weights);
        bc_free(task->thresholds);
    }
    bc_free(run->scratch);
    bc_trainer_free(run->trainer);
    bc_model_source_close(&run->source);
    close_tasks(run);
    bc_folder_close(&run->folder);
}

/* ---- Progress ------------------------------------------------------------------------------ */

/* With one task an epoch is a pass over its examples; with several tasks it is plan.epoch_steps steps. */
double bc_run_epochs(const bc_run *run, int64_t step)
{
    int64_t left = step % run->plan.epoch_steps;
    double size = (double)run->options.batch_size;
    double count = run->num_tasks > 1 ? (double)run->plan.epoch_steps * size : (double)run->tasks->train->count;
    return (double)(step / run->plan.epoch_steps) + (double)left * size / count;
}

int64_t bc_run_best_step(const bc_run *run)
{
    int64_t step = 0;
    for (int i = 0; i < run->num_tasks; i++)
        if (run->state.task[i].best_step > step) step = run->state.task[i].best_step;
    return step;
}

/* Patience counts the evaluations since the last new best of any task. */
bool bc_run_is_over(const bc_run *run)
{
    int64_t patience = run->options.patience;
    if (run->state.step == run->plan.steps) return true;
    if (patience == 0 || run->plan.eval_every == 0) return false;
    return (run->state.evaluated - bc_run_best_step(run)) / run->plan.eval_every >= patience;
}

/* An evaluation is assumed to take as long as the last evaluation. Before the first evaluation, each token is assumed
 * to take a third of its time in a training step. */
double bc_run_seconds(const bc_run *run, int64_t steps, double step_seconds)
{
    int64_t evaluations = run->plan.eval_every > 0 ? steps / run->plan.eval_every : 0;
    if (evaluations == 0 || run->plan.steps % run->plan.eval_every != 0) evaluations++;
    double speed = bc_meter_speed(&run->meter), evaluation = run->meter.pass_seconds;
    size_t tokens = 0;
    for (const bc_run_task *task = run->tasks; task < run->tasks + run->num_tasks; task++)
        for (size_t i = 0; i < task->eval_count; i++)
            tokens += task->evals[i].inputs->starts[task->evals[i].inputs->count];
    if (evaluation <= 0 && speed > 0) evaluation = (double)tokens / (3 * speed);
    return (double)steps * step_seconds + (double)evaluations * evaluation;
}

bertc_status bc_run_check_weights(const bc_run *run, const float *values, bertc_error *err)
{
    const bc_param *bad = bc_find_not_finite(bc_trainer_model(run->trainer), values);
    if (!bad) return BERTC_OK;
    return bc_fail(err, BERTC_DIVERGED, "step %lld: the weights %s are not finite", (long long)run->state.step,
                   bad->name);
}

/* ---- Result -------------------------------------------------------------------------------- */

int64_t bc_run_result_step(const bc_run *run, int task)
{
    int64_t best = run->state.task[task].best_step;
    return run->options.keep == BERTC_KEEP_BEST && best > 0 ? best : run->state.step;
}

const bertc_scores *bc_run_result_scores(const bc_run *run, int task)
{
    const bc_task_state *state = &run->state.task[task];
    if (run->tasks[task].thresholds) return run->tasks[task].tuned_scores;
    return bc_run_result_step(run, task) == state->best_step ? state->best : state->last;
}
