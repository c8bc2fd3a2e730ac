/* Fine-tuning, from options to a run folder: prepare the run, restore its last checkpoint if it is resumed, train, and
 * write the result. */
#include <math.h>

#include "base/error.h"
#include "run/checkpoint.h"
#include "run/memory.h"
#include "run/frozen_cache.h"
#include "run/predictions.h"
#include "run/prepare.h"
#include "run/record.h"
#include "run/restore.h"
#include "run/result.h"
#include "run/thresholds.h"
#include "run/evaluation.h"
#include "run/warnings.h"
#include "run/step.h"

/* ---- The training loop --------------------------------------------------------------------- */

static bool is_evaluation_due(const bc_run *run)
{
    const bc_state *s = &run->state;
    if (s->evaluated == s->step || s->step == 0) return false;
    return s->step == run->plan.steps || (run->plan.eval_every > 0 && s->step % run->plan.eval_every == 0);
}

static bool is_save_due(const bc_run *run)
{
    const bc_save_interval *interval = &run->saving.interval;
    int64_t step = run->state.step;
    if (step == 0 || bc_run_is_over(run) || run->saving.steps[0] == step) return false;
    if (interval->seconds > 0) return bc_clock() - run->saving.clock >= interval->seconds;
    return interval->steps > 0 && step % interval->steps == 0;
}

/* The size of a checkpoint: all weights, and both moments of the trained weights. */
static double checkpoint_bytes(const bc_run *run)
{
    const bertc_model *model = bc_trainer_model(run->trainer);
    return 4.0 * (double)model->scalars + 8.0 * (double)bc_model_trained_scalars(model);
}

/* The disk space for `checkpoints` checkpoints, the best weights and their logits for each of them, and the result of
 * each task with its predictions. */
static double disk_bytes(const bc_run *run, int checkpoints)
{
    double model = 4.0 * (double)bc_trainer_model(run->trainer)->scalars, logits = 0, predictions = 0;
    int best = run->options.keep == BERTC_KEEP_BEST ? checkpoints : 0;
    for (const bc_run_task *task = run->tasks; task < run->tasks + run->num_tasks; task++)
        for (size_t i = 0; i < task->eval_count; i++) {
            logits += 4.0 * (double)task->evals[i].texts * (double)task->evals[i].classes;
            predictions += bc_predictions_bytes(task, i);
        }
    return checkpoints * checkpoint_bytes(run) + run->num_tasks * ((1 + best) * model + best * logits) + predictions;
}

/* The size of the largest file: a checkpoint, or the predictions of a split. */
static double file_bytes(const bc_run *run)
{
    double max = checkpoint_bytes(run);
    for (const bc_run_task *task = run->tasks; task < run->tasks + run->num_tasks; task++)
        for (size_t i = 0; i < task->eval_count; i++) max = fmax(max, bc_predictions_bytes(task, i));
    return max;
}

/* The maximum number of checkpoints on disk. With periodic saving there are the last two and the one that is being
 * written, without it only the one that an interrupted run writes. */
enum { PERIODIC = 3, ON_INTERRUPT = 1 };

/* Stop saving periodically. The user did not ask for checkpoints, so a lack of disk space does not end the run. */
static void stop_saving(bc_run *run, const char *why)
{
    run->saving.interval.seconds = 0;
    run->options.save_every = "0";
    bc_notify(bc_meter_notify(&run->meter), "%s; checkpoints are saved only when the run is interrupted (--save-every)",
              why);
}

/* If the user gave no interval, save every ten minutes, if the disk has space for the checkpoints still to be
 * written. */
static void choose_interval(bc_run *run)
{
    bertc_error why = {0};
    run->saving.clock = bc_clock();
    if (!run->saving.interval.is_auto) return;
    int saved = (run->saving.steps[0] > 0) + (run->saving.steps[1] > 0);
    if (bc_folder_check_space(&run->folder, disk_bytes(run, PERIODIC - saved), &why) != BERTC_OK) {
        stop_saving(run, why.message);
        return;
    }
    run->saving.interval.seconds = 600;
    run->options.save_every = "10m";
}

/* Save a checkpoint, after the log: a failure to write the log ends the run, but a lack of disk space for a checkpoint
 * that the user did not ask for only stops periodic saving. */
static bertc_status save(bc_run *run, bertc_error *err)
{
    bertc_error why = {0};
    bertc_status status = bc_log_sync(&run->log, err);
    if (status == BERTC_OK && run->saving.interval.is_auto)
        status = bc_folder_check_space(&run->folder, disk_bytes(run, ON_INTERRUPT), &why);
    if (status == BERTC_OK) status = bc_checkpoint_save(run, run->saving.interval.is_auto ? &why : err);
    run->saving.clock = bc_clock();
    if (why.status == BERTC_IO) {
        stop_saving(run, why.message);
        return BERTC_OK;
    }
    return why.status == BERTC_OK ? status : bc_fail(err, status, "%s", why.message);
}

static bertc_status step(bc_run *run, bertc_error *err)
{
    bc_step_report report;
    bertc_status status = bc_run_step(run, &report, err);
    if (status != BERTC_OK) return status;
    bc_meter_add(&run->meter, report.seconds, report.tokens);
    bertc_progress p = {
        .phase = "train",
        .step = run->state.step,
        .steps = run->plan.steps,
        .epoch = bc_run_epochs(run, run->state.step),
        .loss = report.loss,
        .lr = report.lr,
        .tokens_per_second = bc_meter_speed(&run->meter),
        .eta_seconds = bc_run_seconds(run, run->plan.steps - run->state.step, bc_meter_step_seconds(&run->meter)),
    };
    bc_meter_show(&run->meter, p, run->meter.done == 1 || p.step == p.steps);
    return BERTC_OK;
}

static bertc_status train(bc_run *run, bertc_error *err)
{
    for (;;) {
        bertc_status status = BERTC_OK;
        if (is_evaluation_due(run)) status = bc_run_evaluate(run, err);
        if (status == BERTC_OK && is_save_due(run)) status = save(run, err);
        bc_frozen_cache_publish(run);
        if (status != BERTC_OK) return status;
        if (bc_run_is_over(run)) return bc_run_take_result_logits(run, err);
        status = bc_meter_stop(&run->meter);
        if (status == BERTC_OK) status = step(run, err);
        if (status != BERTC_OK) return status;
    }
}

/* ---- The run ------------------------------------------------------------------------------- */

/* The caller asked to stop: save a checkpoint of the current step and report how to continue. */
static bertc_status interrupt(bc_run *run, bertc_status wanted, bertc_error *err)
{
    long long done = (long long)run->state.step, steps = (long long)run->plan.steps;
    bertc_status status = BERTC_OK;
    if (done > 0 && run->saving.steps[0] != done) status = bc_checkpoint_save(run, err);
    if (status != BERTC_OK) return status;
    return bc_fail(err, wanted, "stopped at step %lld of %lld; continue with --resume", done, steps);
}

static bertc_status show_finished(bc_run *run, bertc_train_result *result, bertc_error *err)
{
    bertc_status status = bc_record_read(run, result, err);
    if (status != BERTC_OK) return status;
    /* The run may have been killed after its last file was written and before its checkpoints were removed. */
    if (run->folder.fd >= 0) bc_run_clear_work(run);
    bc_notify(bc_meter_notify(&run->meter), "%s: the run is already finished", run->folder.path);
    return BERTC_OK;
}

static void set_result(const bc_run *run, bertc_train_result *result)
{
    const bc_state *s = &run->state;
    *result = (bertc_train_result){
        .steps = s->step,
        .planned_steps = run->plan.steps,
        .train_loss = s->loss_sum / (double)s->step,
        .scores = *bc_run_result_scores(run, 0),
        .warnings = bc_warnings_notify(run),
        .steps_now = (int64_t)run->meter.done,
        .seconds = bc_clock() - run->meter.began,
        .tokens_per_second = bc_meter_mean_speed(&run->meter),
    };
    for (int t = 0; t < run->num_tasks; t++) {
        const bc_run_task *run_task = &run->tasks[t];
        const bertc_scores *scores = bc_run_result_scores(run, t);
        result->evaluated_tasks += run_task->eval_count > 0;
        for (size_t i = 0; i < run_task->eval_count; i++) {
            const bc_eval_split *split = &run_task->eval_splits[i];
            result->evals[result->eval_count++] =
                (bertc_split_scores){split->task, split->split, scores[i], split->metrics};
        }
    }
}

/* Run all checks, the cheapest first, before the folder is changed: bc_run_allocate creates the journal after the last
 * of them. Until then only the lock is written. */
static bertc_status execute(bc_run *run, bertc_train_result *result, bertc_error *err)
{
    bertc_status status = bc_run_read_data(run, err);
    if (status == BERTC_OK) status = bc_memory_check(run, err);
    if (status == BERTC_OK) status = bc_folder_check_limit(&run->folder, file_bytes(run), err);
    bool periodic = run->saving.interval.steps > 0 || run->saving.interval.seconds > 0;
    if (status == BERTC_OK && !run->options.resume)
        status = bc_folder_check_space(&run->folder, disk_bytes(run, periodic ? PERIODIC : ON_INTERRUPT), err);
    if (status == BERTC_OK) status = bc_run_allocate(run, err);
    if (status == BERTC_OK && run->options.resume) status = bc_run_restore(run, err);
    if (status == BERTC_OK) choose_interval(run);
    if (status == BERTC_OK) status = bc_log_open(&run->log, &run->folder, run->state.log_bytes, err);
    if (status == BERTC_OK) status = train(run, err);
    if (bc_is_stop(status)) return interrupt(run, status, err);
    if (status == BERTC_OK) status = bc_thresholds_tune(run, err);
    if (status == BERTC_OK) status = bc_run_finish(run, err);
    if (status == BERTC_OK) set_result(run, result);
    return status;
}

bertc_status bertc_finetune(const bertc_train_options *options, const bertc_observer *observer,
                            bertc_train_result *result, bertc_error *err)
{
    if (result) *result = (bertc_train_result){0};
    if (!options || !result) return bc_fail_null(err, __func__, "options and result");
    bc_run run = bc_run_begin(options, observer);
    bool finished = false;
    bertc_status status = bc_run_open(&run, err);
    if (status == BERTC_OK) status = bc_folder_open(&run.folder, run.options.out, run.options.resume, &finished, err);
    run.folder.notify = bc_meter_notify(&run.meter);
    if (status == BERTC_OK) status = finished ? show_finished(&run, result, err) : execute(&run, result, err);
    run.has_result = status == BERTC_OK;
    bc_run_close(&run);
    return status;
}

void bertc_train_result_clear(bertc_train_result *result)
{
    if (!result) return;
    for (size_t i = 0; i < result->eval_count; i++) {
        size_t first = 0;
        while (result->evals[first].task != result->evals[i].task) first++;
        if (first == i) bertc_task_close(result->evals[i].task);
    }
    *result = (bertc_train_result){0};
}
