/* The memory and time that a run will need: memory from the plans that the run uses to allocate, time from
 * measured steps. */
#include <math.h>

#include "base/error.h"
#include "base/memory_limit.h"
#include "run/memory.h"
#include "run/prepare.h"
#include "run/step.h"

enum { STEPS = 3 };             /* max steps to measure */
static const double patience = 10; /* seconds after which no further step begins */

/* Measure how long a step takes in later epochs, in which the outputs of frozen stages are cached, by repeating the
 * measured steps. Sets *fraction to that time divided by the time of a step in the first epoch. */
static bertc_status measure_again(bc_run *run, int steps, double *fraction, bertc_error *err)
{
    bc_step_report report;
    double first = bc_meter_step_seconds(&run->meter) * steps, again = 0;
    bool cached = false;
    for (int i = 0; i < run->num_tasks; i++) cached = cached || run->tasks[i].cache.is_stored;
    *fraction = 1;
    if (!cached) return BERTC_OK;
    run->state.step -= steps;
    for (int i = 0; i < steps; i++) {
        bertc_status status = bc_run_update(run, &report, err);
        if (status != BERTC_OK) return status;
        again += report.seconds;
    }
    if (again < first) *fraction = again / first;
    return BERTC_OK;
}

/* Run and time the first steps. Parameters that the run unfreezes later are already trained in these steps. */
static bertc_status measure(bc_run *run, bertc_plan_result *result, bertc_error *err)
{
    double began = bc_clock();
    bc_step_report report;
    double fraction;
    bertc_model *model = bc_trainer_model(run->trainer);
    for (size_t i = 0; i < model->count; i++)
        if (model->params[i].grad) model->params[i].first_step = 0;
    for (int i = 0; i < STEPS && i < run->plan.steps; i++) {
        bertc_status status = bc_meter_stop(&run->meter);
        if (status == BERTC_OK) status = bc_run_update(run, &report, err);
        if (status != BERTC_OK) return status;
        bc_meter_add(&run->meter, report.seconds, report.tokens);
        if (bc_clock() - began > patience) break;
    }
    result->measured = (int)bc_meter_steps(&run->meter);
    result->step_seconds = result->tokens_per_step / bc_meter_speed(&run->meter);
    result->seconds = bc_run_seconds(run, run->plan.steps, result->step_seconds);
    int64_t later = run->plan.steps > run->plan.epoch_steps ? run->plan.steps - run->plan.epoch_steps : 0;
    bertc_status status = measure_again(run, result->measured, &fraction, err);
    if (status == BERTC_OK) result->seconds -= (1 - fraction) * (double)later * result->step_seconds;
    return status;
}

/* The mean number of tokens in a batch. Each task is weighted by its number of batches among the first steps. */
static double tokens_per_step(const bc_run *run)
{
    enum { SAMPLED = 1 << 20 };
    bc_task_sampler sampler = run->sampler;
    double sum = 0;
    bc_task_sampler_seek(&sampler, run->plan.steps < SAMPLED ? run->plan.steps : SAMPLED);
    for (int i = 0; i < run->num_tasks; i++) {
        const bc_run_task *run_task = &run->tasks[i];
        double tokens = (double)run_task->train->starts[run_task->train->count];
        sum += (double)sampler.steps_before[i] / (double)sampler.step * (tokens / (double)run_task->epoch.steps);
    }
    return sum;
}

static void plan_memory(const bc_run *run, bertc_plan_result *result)
{
    bc_memory_limit limit = bc_memory_limit_read();
    *result = (bertc_plan_result){
        .available = limit.available,
        .limit = limit.name,
        .steps = run->plan.steps,
        .tokens_per_step = tokens_per_step(run),
        .step_seconds = (double)NAN,
        .seconds = (double)NAN,
    };
    result->peak = bc_memory_parts(run, &run->plan.limits, result->parts);
    result->fits = result->peak <= limit.available;
    if (!result->fits) bc_memory_advise(run, limit.available, result->advice, sizeof result->advice);
}

bertc_status bertc_plan(const bertc_train_options *options, const bertc_observer *observer,
                        bertc_plan_result *result, bertc_error *err)
{
    if (result) *result = (bertc_plan_result){0};
    if (!options || !result) return bc_fail_null(err, __func__, "options and result");
    bc_run run = bc_run_begin(options, observer);
    run.options.out = ""; /* nothing is written */
    run.synthetic = !run.options.data;
    bertc_status status = bc_run_open(&run, err);
    if (status == BERTC_OK) status = bc_run_read_data(&run, err);
    if (status == BERTC_OK) plan_memory(&run, result);
    if (status == BERTC_OK && result->fits) status = bc_run_allocate(&run, err);
    if (status == BERTC_OK && result->fits) status = measure(&run, result, err);
    if (bc_is_stop(status)) bc_fail(err, status, "stopped");
    bc_run_close(&run);
    return status;
}
