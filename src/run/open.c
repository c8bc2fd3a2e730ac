#include "run/open.h"

#include <string.h>

#include "base/error.h"
#include "base/room.h"
#include "bertc/threads.h"
#include "run/adapt.h"
#include "run/objective.h"
#include "run/task_list.h"

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
    bertc_status status = bc_options_precision(bertc_backend_name((size_t)o->backend), &precision, err);
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
    bertc_status status = bc_task_list_read(o->task, tasks, &run->num_lanes, err);
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
