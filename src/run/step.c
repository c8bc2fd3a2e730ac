#include "run/step.h"

#include <stdio.h>

#include "base/error.h"
#include "base/json.h"
#include "run/objective.h"
#include "run/warnings.h"

/* Report when --unfreeze-schedule unfreezes layers. */
static void notify_unfrozen(const bc_run *run)
{
    int64_t step = run->state.step;
    int frozen = bc_trainer_frozen(run->trainer, step), layers = run->source.config.num_hidden_layers;
    if (step == 0 || frozen == bc_trainer_frozen(run->trainer, step - 1)) return;
    bc_notify(bc_meter_notify(&run->meter), "step %lld: %s%d of %d layers are trained from now on", (long long)step + 1,
              frozen == 0 ? "embeddings and " : "", layers - bc_layers_below(frozen, layers), layers);
}

bertc_status bc_run_update(bc_run *run, bc_step_report *report, bertc_error *err)
{
    bc_state *state = &run->state;
    bc_step step = {.number = state->step};
    bc_step_result result;
    step.lr = bc_schedule_rate(&run->plan.schedule, state->step);
    bertc_status status = bc_examples_draw(run->examples, state->step, &step.examples, err);
    if (status != BERTC_OK) return status;
    bc_run_task *task = &run->tasks[step.examples.task];
    step.objective = &task->objective;
    step.divisor = bc_objective_divisor(task, &step.examples);
    step.cache = &task->cache;
    if (step.divisor <= 0)
        return bc_fail(err, BERTC_DIVERGED, "step %lld: the loss is undefined, every example of the batch has the "
                       "class weight 0", (long long)step.number + 1);
    notify_unfrozen(run);
    status = bc_trainer_step(run->trainer, &step, &result, err);
    if (status != BERTC_OK) return status;
    bc_warnings_add_step(run, &step.examples, result.loss);
    state->step++;
    state->tokens += result.tokens;
    state->loss_sum += result.loss;
    *report = (bc_step_report){.task = run->num_tasks > 1 ? task->spec->name : NULL, .loss = result.loss,
                          .lr = step.lr, .norm = result.norm, .seconds = result.seconds,
                          .tokens = result.tokens};
    return BERTC_OK;
}

bertc_status bc_run_step(bc_run *run, bc_step_report *report, bertc_error *err)
{
    bertc_status status = bc_run_update(run, report, err);
    if (status != BERTC_OK) return status;
    char epoch[BC_JSON_DOUBLE], loss[BC_JSON_DOUBLE], lr[BC_JSON_DOUBLE], norm[BC_JSON_DOUBLE];
    char line[512];
    bc_json_double(epoch, bc_run_epochs(run, run->state.step));
    bc_json_double(loss, report->loss);
    bc_json_double(lr, report->lr);
    bc_json_double(norm, report->norm);
    int n = snprintf(line, sizeof line,
                     "{\"step\":%lld,%s%s%s\"epoch\":%s,\"loss\":%s,\"lr\":%s,\"grad_norm\":%s,"
                     "\"tokens\":%lld,\"seconds\":%.6f}\n",
                     (long long)run->state.step, report->task ? "\"task\":\"" : "", report->task ? report->task : "",
                     report->task ? "\"," : "", epoch, loss, lr, norm, (long long)report->tokens, report->seconds);
    return bc_log_append(&run->log, line, (size_t)n, err);
}
