#include "train/objective.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "tasks/number.h"

static bool is_given(const bc_run *run)
{
    return strcmp(run->options.class_weights, "none") != 0;
}

static bool is_balanced(const bc_run *run)
{
    return strcmp(run->options.class_weights, "balanced") == 0;
}

static bertc_status fail_count(const bc_run *run, int count, bertc_error *err)
{
    bc_text names = {0};
    for (int i = 0; i < run->task->num_labels; i++)
        bc_text_printf(&names, "%s%s", i ? ", " : "", run->task->labels[i]);
    bertc_status status =
        names.failed ? bc_fail_memory(err)
                     : bc_fail(err, BERTC_USAGE, "--class-weights: %d weight%s, task %s has %d classes: %s",
                               count, count == 1 ? "" : "s", run->task->name, run->task->num_labels,
                               names.bytes);
    bc_text_clear(&names);
    return status;
}

/* The weights as they are given, in the task's order. */
static bertc_status read_weights(bc_run *run, bertc_error *err)
{
    int count = 0;
    double sum = 0;
    for (const char *p = run->options.class_weights, *next = p; next; p = next, count++) {
        size_t length = strcspn(p, ",");
        double value;
        if (!bc_parse_number(p, length, &value) || !isfinite(value) || value < 0)
            return bc_fail(err, BERTC_USAGE, "--class-weights: '%.*s' is not a number of 0 or more",
                           (int)length, p);
        if (count < BERTC_MAX_LABELS) run->class_weights[count] = value;
        sum += value;
        next = p[length] == ',' ? p + length + 1 : NULL;
    }
    if (count != run->task->num_labels) return fail_count(run, count, err);
    if (sum <= 0) return bc_fail(err, BERTC_USAGE, "--class-weights: every weight is 0");
    return BERTC_OK;
}

bertc_status bc_objective_open(bc_run *run, bertc_error *err)
{
    static const char regression[] = "--%s: task %s is a regression, it has no classes";
    run->objective = (bc_objective){.smoothing = run->options.label_smoothing};
    if (run->task->regression && run->options.label_smoothing > 0)
        return bc_fail(err, BERTC_USAGE, regression, "label-smoothing", run->task->name);
    if (!is_given(run)) return BERTC_OK;
    if (run->task->regression)
        return bc_fail(err, BERTC_USAGE, regression, "class-weights", run->task->name);
    return is_balanced(run) ? BERTC_OK : read_weights(run, err);
}

static bertc_status balance(bc_run *run, const bertc_dataset *train, bertc_error *err)
{
    size_t counts[BERTC_MAX_LABELS] = {0};
    int classes = run->task->num_labels;
    for (size_t i = 0; i < train->count; i++) counts[train->examples[i].label]++;
    for (int c = 0; c < classes; c++) {
        if (counts[c] == 0)
            return bc_fail(err, BERTC_INPUT,
                           "%s: no example of class %s, --class-weights balanced needs one of each",
                           train->path, run->task->labels[c]);
        run->class_weights[c] = (double)train->count / ((double)classes * (double)counts[c]);
    }
    return BERTC_OK;
}

static void notify(const bc_run *run)
{
    bc_text line = {0};
    for (int c = 0; c < run->task->num_labels; c++)
        bc_text_printf(&line, "%s%s %.4g", c ? ", " : "", run->task->labels[c], run->class_weights[c]);
    if (!line.failed) bc_notify(bc_meter_notify(&run->meter), "class weights: %s", line.bytes);
    bc_text_clear(&line);
}

bertc_status bc_objective_settle(bc_run *run, const bertc_dataset *train,
                                 const int32_t map[BERTC_MAX_LABELS], bertc_error *err)
{
    double weights[BERTC_MAX_LABELS] = {0};
    if (!is_given(run)) return BERTC_OK;
    bertc_status status = is_balanced(run) ? balance(run, train, err) : BERTC_OK;
    if (status != BERTC_OK) return status;
    notify(run);
    for (int c = 0; c < run->task->num_labels; c++) weights[map[c]] = run->class_weights[c];
    memcpy(run->class_weights, weights, sizeof weights);
    run->objective.weights = run->class_weights;
    return BERTC_OK;
}

double bc_objective_divisor(const bc_run *run, const uint32_t *examples, size_t count)
{
    const double *weights = run->objective.weights;
    double sum = 0;
    if (!weights) return (double)count;
    for (size_t i = 0; i < count; i++) sum += weights[run->train->labels[examples[i]]];
    return sum;
}
