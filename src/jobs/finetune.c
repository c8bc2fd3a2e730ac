/* Fine-tuning, from options to a run folder. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/room.h"
#include "bertc/threads.h"
#include "run/adapt.h"
#include "run/memory.h"
#include "run/objective.h"
#include "run/options.h"
#include "run/record.h"
#include "run/signs.h"

/* ---- The loop ------------------------------------------------------------------------------ */

static bool is_evaluation_due(const bc_run *run)
{
    const bc_state *s = &run->state;
    if (s->evaluated == s->step || s->step == 0) return false;
    return s->step == run->steps || (run->eval_every > 0 && s->step % run->eval_every == 0);
}

static bool is_save_due(const bc_run *run)
{
    const bc_pace *pace = &run->pace;
    int64_t step = run->state.step;
    if (step == 0 || bc_run_is_over(run) || run->saved[0] == step) return false;
    if (pace->seconds > 0) return bc_clock() - run->save_clock >= pace->seconds;
    return pace->steps > 0 && step % pace->steps == 0;
}

/* Weights, and both moments of those that are trained. */
static double checkpoint_bytes(const bc_run *run)
{
    return 4.0 * (double)run->model->scalars + 8.0 * (double)bc_model_trained_scalars(run->model);
}

/* Room for the result of each task, for its best weights, and for so many checkpoints. */
static double disk_bytes(const bc_run *run, int checkpoints)
{
    double model = 4.0 * (double)run->model->scalars;
    int best = run->options.keep == BERTC_KEEP_BEST ? checkpoints : 0;
    return checkpoints * checkpoint_bytes(run) + run->num_lanes * (1 + best) * model;
}

/* A run that saves has three checkpoints at most: two that are kept and the one that is being written. One that saves
 * only when it is interrupted has one. */
enum { SAVING = 3, NOT_SAVING = 1 };

/* Where nobody asked for checkpoints a run does without them rather than end. */
static void leave_out(bc_run *run, const char *why)
{
    run->pace.seconds = 0;
    run->options.save_every = "0";
    bc_notify(bc_meter_notify(&run->meter), "%s; checkpoints are saved only when the run is interrupted (--save-every)",
              why);
}

/* Every ten minutes, where there is room for what is not there yet. */
static void choose_pace(bc_run *run)
{
    bertc_error why = {0};
    run->save_clock = bc_clock();
    if (!run->pace.is_auto) return;
    int there = (run->saved[0] > 0) + (run->saved[1] > 0);
    if (bc_folder_check_space(&run->folder, disk_bytes(run, SAVING - there), &why) != BERTC_OK) {
        leave_out(run, why.message);
        return;
    }
    run->pace.seconds = 600;
    run->options.save_every = "10m";
}

/* The log first: where that cannot be written the run cannot go on. */
static bertc_status save(bc_run *run, bertc_error *err)
{
    bertc_error why = {0};
    bertc_status status = bc_log_sync(&run->log, err);
    if (status == BERTC_OK && run->pace.is_auto)
        status = bc_folder_check_space(&run->folder, disk_bytes(run, NOT_SAVING), &why);
    if (status == BERTC_OK) status = bc_run_save(run, run->pace.is_auto ? &why : err);
    run->save_clock = bc_clock();
    if (why.status == BERTC_IO) {
        leave_out(run, why.message);
        return BERTC_OK;
    }
    return why.status == BERTC_OK ? status : bc_fail(err, status, "%s", why.message);
}

/* Evaluations take as long as the last one. Before the first of them a forward pass is taken for a
 * third of a step's work. */
double bc_run_seconds(const bc_run *run, int64_t left, double step_seconds)
{
    int64_t evaluations = run->eval_every > 0 ? left / run->eval_every : 0;
    if (evaluations == 0 || run->steps % run->eval_every != 0) evaluations++;
    double speed = bc_meter_speed(&run->meter), evaluation = run->meter.pass_seconds;
    if (evaluation <= 0 && speed > 0) evaluation = (double)bc_run_eval_tokens(run) / (3 * speed);
    return (double)left * step_seconds + (double)evaluations * evaluation;
}

static void show(bc_run *run, const bc_report *report)
{
    bertc_progress p = {
        .phase = "train",
        .step = run->state.step,
        .steps = run->steps,
        .epoch = bc_run_epochs(run, run->state.step),
        .loss = report->loss,
        .lr = report->lr,
        .tokens_per_second = bc_meter_speed(&run->meter),
        .eta_seconds = bc_run_seconds(run, run->steps - run->state.step,
                                      bc_meter_step_seconds(&run->meter)),
    };
    bc_meter_show(&run->meter, p, run->meter.done == 1 || p.step == p.steps);
}

static bertc_status step(bc_run *run, bertc_error *err)
{
    bc_report report;
    bertc_status status = bc_run_step(run, &report, err);
    if (status != BERTC_OK) return status;
    bc_meter_add(&run->meter, report.seconds, report.tokens);
    show(run, &report);
    return BERTC_OK;
}

static bertc_status train(bc_run *run, bertc_error *err)
{
    for (;;) {
        bertc_status status = BERTC_OK;
        if (is_evaluation_due(run)) status = bc_run_evaluate(run, err);
        if (status == BERTC_OK && is_save_due(run)) status = save(run, err);
        bc_prefix_keep(run);
        if (status != BERTC_OK || bc_run_is_over(run)) return status;
        status = bc_meter_stop(&run->meter);
        if (status == BERTC_OK) status = step(run, err);
        if (status != BERTC_OK) return status;
    }
}

/* ---- The run ------------------------------------------------------------------------------- */

/* The caller asked to stop: save where the run stands, and say so. */
static bertc_status interrupt(bc_run *run, bertc_status wanted, bertc_error *err)
{
    long long done = (long long)run->state.step, steps = (long long)run->steps;
    bertc_status status = BERTC_OK;
    if (done > 0 && run->saved[0] != done) status = bc_run_save(run, err);
    if (status != BERTC_OK) return status;
    return bc_fail(err, wanted, "stopped at step %lld of %lld; go on with --resume", done, steps);
}

/* The recipe's own values where none were given. */
static void resolve_recipe(bertc_train_options *o)
{
    static const struct {
        double warmup_ratio, weight_decay;
    } own[] = {[BERTC_RECIPE_HF] = {0, 0}, [BERTC_RECIPE_GOOGLE] = {0.1, 0.01}};
    if (o->warmup_ratio < 0) o->warmup_ratio = own[o->recipe].warmup_ratio;
    if (o->weight_decay < 0) o->weight_decay = own[o->recipe].weight_decay;
}

static bertc_status resolve_precision(bertc_train_options *o, bertc_error *err)
{
    bertc_precision precision = (bertc_precision)o->precision;
    bertc_status status =
        bertc_precision_resolve(bertc_backend_name((size_t)o->backend), &precision, err);
    o->precision = (int)precision;
    return status;
}

/* What a task alone refuses: splits, metric and loss that it has not. */
static bertc_status open_lane(bc_run *run, int number, const bertc_task *task, bertc_error *err)
{
    const bertc_train_options *o = &run->options;
    bc_lane *lane = &run->lanes[number];
    lane->task = task;
    bertc_status status = bc_scored_read(o->eval_splits, task, lane->scored, &lane->eval_count, err);
    run->state.task[number].splits = lane->eval_count;
    if (status == BERTC_OK) status = bc_scored_check_best(o, lane->scored[0].task, err);
    return status == BERTC_OK ? bc_objective_open(o, lane, err) : status;
}

static bertc_status open_lanes(bc_run *run, bertc_error *err)
{
    const bertc_train_options *o = &run->options;
    const bertc_task *tasks[BERTC_MAX_TASKS];
    bertc_status status = bc_mix_read(o->task, tasks, &run->num_lanes, err);
    if (status != BERTC_OK) return status;
    run->state.tasks = run->num_lanes;
    if (run->num_lanes == 1 && o->task_sampling != BERTC_PROPORTIONAL)
        return bc_fail(err, BERTC_USAGE, "--task-sampling: there is one task, %s", tasks[0]->name);
    if (run->num_lanes > 1 && strpbrk(o->class_weights, "0123456789"))
        return bc_fail(err, BERTC_USAGE, "--class-weights: with several tasks balanced or none");
    if (o->stratified && o->limit_train == 0)
        return bc_fail(err, BERTC_USAGE, "--stratified says nothing without --limit-train");
    for (int i = 0; i < run->num_lanes && status == BERTC_OK; i++)
        status = open_lane(run, i, tasks[i], err);
    return status;
}

/* What can be refused without reading data: options, tasks, model directory. */
bertc_status bc_run_open(bc_run *run, bertc_error *err)
{
    bertc_train_options *o = &run->options;
    int32_t threads;
    bertc_status status = bc_options_check(o, err);
    if (status == BERTC_OK) status = bc_options_pace(o, &run->pace, err);
    if (status == BERTC_OK)
        status = bertc_threads_settle(o->threads, bc_meter_notify(&run->meter), &threads, err);
    if (status != BERTC_OK) return status;
    o->threads = threads;
    status = open_lanes(run, err);
    if (status != BERTC_OK) return status;
    resolve_recipe(o);
    status = resolve_precision(o, err);
    if (status != BERTC_OK) return status;
    run->resident = bc_room_read().resident;
    status = bc_source_open(&run->source, o->model, o->max_length, bc_meter_notify(&run->meter),
                            err);
    if (status != BERTC_OK) return status;
    size_t now = bc_room_read().resident;
    run->vocabulary = now > run->resident ? now - run->resident : 0;
    o->max_length = (int64_t)run->source.max_length;
    int32_t *layers = &run->source.config.num_hidden_layers;
    status = bc_options_keep(o, layers, err);
    if (status == BERTC_OK) status = bc_options_trained(o, *layers, &run->frozen, err);
    return status == BERTC_OK ? bc_adapt_check(o, *layers, run->frozen, &run->lora, err) : status;
}

static bertc_status show_finished(bc_run *run, bertc_train_result *result, bertc_error *err)
{
    bertc_status status = bc_record_read(run, result, err);
    if (status != BERTC_OK) return status;
    /* Killed between its last file and the removal of its checkpoints. */
    if (run->folder.fd >= 0) bc_run_clear(run);
    bc_notify(bc_meter_notify(&run->meter), "%s: the run is finished, nothing to do",
              run->folder.path);
    return BERTC_OK;
}

static void take_result(const bc_run *run, bertc_train_result *result)
{
    const bc_state *s = &run->state;
    *result = (bertc_train_result){
        .steps = s->step,
        .planned_steps = run->steps,
        .train_loss = s->loss_sum / (double)s->step,
        .scores = *bc_run_kept_scores(run, 0),
        .warnings = bc_signs_notify(run),
        .steps_now = (int64_t)run->meter.done,
        .seconds = bc_clock() - run->meter.began,
        .tokens_per_second = bc_meter_mean_speed(&run->meter),
    };
    for (int l = 0; l < run->num_lanes; l++) {
        const bc_lane *lane = &run->lanes[l];
        const bertc_scores *scores = bc_run_kept_scores(run, l);
        for (size_t i = 0; i < lane->eval_count; i++)
            result->evals[result->eval_count++] =
                (bertc_split_scores){lane->scored[i].task, lane->scored[i].split, scores[i]};
    }
}

/* Everything before the first step. What can be refused is refused here, the cheap checks first;
 * nothing is written but the lock and, when nothing else can be refused, the mark. */
static bertc_status prepare(bc_run *run, bertc_error *err)
{
    bertc_status status = bc_run_survey(run, err);
    if (status == BERTC_OK) status = bc_memory_check(run, err);
    if (status == BERTC_OK)
        status = bc_folder_check_limit(&run->folder, checkpoint_bytes(run), err);
    bool saving = run->pace.steps > 0 || run->pace.seconds > 0;
    if (status == BERTC_OK && !run->options.resume)
        status = bc_folder_check_space(&run->folder, disk_bytes(run, saving ? SAVING : NOT_SAVING), err);
    return status == BERTC_OK ? bc_run_furnish(run, err) : status;
}

static bertc_status execute(bc_run *run, bertc_train_result *result, bertc_error *err)
{
    bertc_status status = prepare(run, err);
    if (status == BERTC_OK && run->options.resume) status = bc_run_restore(run, err);
    if (status == BERTC_OK) choose_pace(run);
    if (status == BERTC_OK)
        status = bc_log_open(&run->log, &run->folder, run->state.log_bytes, err);
    if (status == BERTC_OK) status = train(run, err);
    if (bc_is_stop(status))
        return interrupt(run, status, err);
    if (status == BERTC_OK) status = bc_run_finish(run, err);
    if (status == BERTC_OK) take_result(run, result);
    return status;
}

void bc_run_close(bc_run *run)
{
    bc_log_close(&run->log);
    bc_ledger_clear(&run->written);
    bc_prefix_close(&run->prefix);
    bc_optim_clear(&run->optim);
    bc_touched_clear(&run->words);
    bertc_batch_free(run->batch);
    bertc_workspace_free(run->workspace);
    for (int i = 0; i < run->num_lanes; i++) {
        bc_free(run->lanes[i].order);
        bc_cache_close(&run->lanes[i].cache);
        for (size_t e = 0; e < run->lanes[i].eval_count; e++) bc_eval_close(&run->lanes[i].evals[e]);
        bertc_inputs_free(run->lanes[i].train);
        bc_free(run->lanes[i].class_weights);
    }
    bc_free(run->scratch);
    bertc_model_free(run->model);
    bc_source_close(&run->source);
    bc_folder_close(&run->folder);
}

bertc_status bertc_finetune(const bertc_train_options *options, const bertc_observer *observer,
                            bertc_train_result *result, bertc_error *err)
{
    if (result) *result = (bertc_train_result){0};
    if (!options || !result) return bc_fail_null(err, __func__, "options and result");
    bc_run run = {.options = *options, .log.fd = -1, .folder = {.fd = -1, .root.fd = -1, .work.fd = -1}};
    bool finished = false;
    bc_meter_start(&run.meter, observer);
    bertc_status status = bc_run_open(&run, err);
    if (status == BERTC_OK)
        status = bc_folder_open(&run.folder, run.options.out, run.options.resume, &finished, err);
    run.folder.notify = bc_meter_notify(&run.meter);
    if (status == BERTC_OK)
        status = finished ? show_finished(&run, result, err) : execute(&run, result, err);
    bc_run_close(&run);
    return status;
}
