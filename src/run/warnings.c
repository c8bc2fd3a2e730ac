/* When did a run not learn? Of the weights that it keeps two things are looked at.
 *
 * The training loss. A head that is new calls all C classes about equally likely, which costs ln C, or
 * gives every text a value about 0, which costs the mean square of the targets. A run whose loss is twice
 * that and twice the loss of its first step has gone the wrong way; the rate is too high for it. Twice,
 * since a rate that is merely bold overshoots in the first steps and recovers. The loss of one batch is
 * chance, so it is the mean of the first steps until there are 16, then one in which the newest step
 * counts a sixteenth. The loss of the dev split says less: where a model overfits it rises although the
 * model is good.
 *
 * The predictions for each split that is scored: they are all alike though the data are not
 * (tasks/metrics.c says when).
 *
 * What is needed stands in the state of the run, so a run that was interrupted finds the same signs. */
#include "run/warnings.h"

#include <math.h>
#include <stdio.h>

#include "base/error.h"

static const double margin = 2, window = 16;

void bc_warnings_add_step(bc_run *run, const bc_examples *examples, double loss)
{
    bc_task_state *task = &run->state.task[examples->dataset];
    double steps = (double)examples->dataset_step;
    if (steps == 0) task->first_loss = task->loss = loss;
    task->loss += (loss - task->loss) / fmin(steps + 1, window);
}

/* The loss of a lane whose head is new. */
static double usual_start(const bc_run_task *task)
{
    const bertc_inputs *in = task->train;
    double squares = 0;
    if (task->spec->kind == BERTC_CLASSIFICATION) return log(task->spec->num_labels);
    for (size_t i = 0; i < in->count; i++) squares += (double)in->values[i] * (double)in->values[i];
    return squares / (double)in->count;
}

/* The loss of a lane's weights, where it is a sign. */
static bool describe_loss(const bc_run *run, int task_index, char text[BC_CONSTANT_TEXT])
{
    const bc_task_state *task = &run->state.task[task_index];
    bool best = bc_run_result_step(run, task_index) < run->state.step;
    double loss = best ? task->best_loss : task->loss;
    if (!(loss > margin * fmax(task->first_loss, usual_start(&run->tasks[task_index])))) return false;
    snprintf(text, BC_CONSTANT_TEXT, "%s: the training loss is %.4g, it began at %.4g",
             run->tasks[task_index].spec->name, loss, task->first_loss);
    return true;
}

/* The sign of this number among all that a lane may have: the loss, then each split. */
static bool describe(const bc_run *run, int task, size_t number, char text[BC_CONSTANT_TEXT])
{
    if (number == 0) return describe_loss(run, task, text);
    size_t split = number - 1;
    return bc_scores_describe_constant(run->tasks[task].eval_splits[split], &bc_run_result_scores(run, task)[split],
                                       text);
}

void bc_warnings_record(bc_text *out, const bc_run *run, int task, int tasks)
{
    char text[BC_CONSTANT_TEXT];
    const char *separator = "[";
    for (int l = task; l < task + tasks; l++)
        for (size_t i = 0; i <= run->tasks[l].eval_count; i++) {
            if (!describe(run, l, i, text)) continue;
            bc_text_printf(out, "%s", separator);
            bc_text_quote(out, text);
            separator = ",";
        }
    bc_text_printf(out, *separator == '[' ? "[]" : "]");
}

static void say(const bertc_notify *notify, const char *text)
{
    bc_notify(notify, "the run did not learn: %s", text);
}

int bc_warnings_notify(const bc_run *run)
{
    char text[BC_CONSTANT_TEXT];
    int count = 0;
    for (int l = 0; l < run->num_tasks; l++)
        for (size_t i = 0; i <= run->tasks[l].eval_count; i++) {
            if (!describe(run, l, i, text)) continue;
            say(bc_meter_notify(&run->meter), text);
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
        say(notify, item->valuestring);
        count++;
    }
    return count;
}
