/* Two warnings about the weights that are the result of a run:
 *
 * 1. The training loss is more than twice the loss of the first step and more than twice the loss of a new head. A new
 *    head gives all C classes about the same probability, so its loss is ln C. It gives each label of a multi-label
 *    task a probability near 1/2, so its loss is ln 2, times the weight for the examples that have the label. For a
 *    regression it predicts values near 0, so its loss is the mean square of the targets. Such a run diverged: its
 *    learning rate is too high. The factor of two is needed because a high learning rate may raise the loss in the
 *    first steps and still recover. The loss is a running mean, since a single batch varies too much: the mean of the first
 *    16 steps, then each further step has a weight of a sixteenth. The loss of the dev split is not used, because it also
 *    rises when a good model overfits.
 * 2. The predictions for a whole split are constant although its labels are not (tasks/metrics.c).
 *
 * The state of the run holds all that is needed, so that a resumed run gives the same warnings. */
#include "run/warnings.h"

#include <math.h>
#include <stdio.h>

#include "base/error.h"

static const double margin = 2, window = 16;

void bc_warnings_add_step(bc_run *run, const bc_examples *examples, double loss)
{
    bc_task_state *state = &run->state.task[examples->task];
    double steps = (double)examples->task_step;
    if (steps == 0) state->first_loss = state->loss = loss;
    state->loss += (loss - state->loss) / fmin(steps + 1, window);
}

/* Return the mean weight of a multi-label task's labels over all examples and labels: 1 without weights. */
static double mean_weight(const bc_run_task *task)
{
    const bertc_inputs *in = task->train;
    const double *weights = task->objective.weights;
    double sum = 0;
    for (size_t i = 0; weights && i < in->label_starts[in->count]; i++) sum += weights[in->labels[i]] - 1;
    return 1 + sum / ((double)in->count * task->spec->num_labels);
}

/* Return the loss of a task with a new head. */
static double new_head_loss(const bc_run_task *task)
{
    const bertc_inputs *in = task->train;
    double squares = 0;
    switch (task->spec->kind) {
    case BERTC_CLASSIFICATION: return log(task->spec->num_labels);
    case BERTC_MULTILABEL: return log(2) * mean_weight(task);
    case BERTC_REGRESSION:
    case BERTC_KINDS: break;
    }
    for (size_t i = 0; i < in->count; i++) squares += (double)in->values[i] * (double)in->values[i];
    return squares / (double)in->count;
}

/* Describe the index-th possible warning of a task: index 0 is its loss, index 1 and more are its evaluation splits.
 * Returns false if the warning does not apply. */
static bool describe(const bc_run *run, int task, size_t index, char text[BC_CONSTANT_TEXT])
{
    const bc_run_task *of = &run->tasks[task];
    const bc_task_state *state = &run->state.task[task];
    const bertc_scores *scores = bc_run_result_scores(run, task);
    if (index > 0) return bc_scores_describe_constant(of->eval_splits[index - 1], &scores[index - 1], text);
    double loss = bc_run_result_step(run, task) < run->state.step ? state->best_loss : state->loss;
    if (!(loss > margin * fmax(state->first_loss, new_head_loss(of)))) return false;
    snprintf(text, BC_CONSTANT_TEXT, "%s: the training loss is %.4g, it began at %.4g", of->spec->name, loss,
             state->first_loss);
    return true;
}

void bc_warnings_record(bc_text *out, const bc_run *run, int task, int count)
{
    char text[BC_CONSTANT_TEXT];
    const char *separator = "[";
    for (int t = task; t < task + count; t++)
        for (size_t i = 0; i <= run->tasks[t].eval_count; i++) {
            if (!describe(run, t, i, text)) continue;
            bc_text_printf(out, "%s", separator);
            bc_text_quote(out, text);
            separator = ",";
        }
    bc_text_printf(out, *separator == '[' ? "[]" : "]");
}

static void notify_one(const bertc_notify *notify, const char *text)
{
    bc_notify(notify, "the run did not learn: %s", text);
}

int bc_warnings_notify(const bc_run *run)
{
    char text[BC_CONSTANT_TEXT];
    int count = 0;
    for (int t = 0; t < run->num_tasks; t++)
        for (size_t i = 0; i <= run->tasks[t].eval_count; i++) {
            if (!describe(run, t, i, text)) continue;
            notify_one(bc_meter_notify(&run->meter), text);
            count++;
        }
    return count;
}

int bc_warnings_notify_recorded(const cJSON *array, const bertc_notify *notify)
{
    int count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        if (!cJSON_IsString(item)) continue;
        notify_one(notify, item->valuestring);
        count++;
    }
    return count;
}
