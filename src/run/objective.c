#include "run/objective.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "tasks/tasks.h"

enum {
    MAX_BALANCED = 100, /* the largest weight of --class-weights balanced for a label of a multi-label task */
    SHOWN_WEIGHTS = 30  /* weights that the notice lists */
};

static bool is_given(const bertc_train_options *o)
{
    return strcmp(o->class_weights, "none") != 0;
}

static bool is_balanced(const bertc_train_options *o)
{
    return strcmp(o->class_weights, "balanced") == 0;
}

static bool is_multilabel(const bc_run_task *task)
{
    return task->spec->kind == BERTC_MULTILABEL;
}

/* Parse the weights of --class-weights, in the task's order. */
static bertc_status parse_weights(const bertc_train_options *o, bc_run_task *task, bertc_error *err)
{
    int count = 0;
    double sum = 0;
    for (const char *p = o->class_weights, *next = p; next; p = next, count++) {
        size_t length = strcspn(p, ",");
        double value;
        if (!bc_parse_number(p, length, &value) || !isfinite(value) || value < 0)
            return bc_fail(err, BERTC_USAGE, "--class-weights: '%.*s' is not a number of 0 or more", (int)length, p);
        if (count < task->spec->num_labels) task->class_weights[count] = value;
        sum += value;
        next = p[length] == ',' ? p + length + 1 : NULL;
    }
    int classes = task->spec->num_labels;
    if (count == classes && sum > 0) return BERTC_OK;
    if (count == classes) return bc_fail(err, BERTC_USAGE, "--class-weights: every weight is 0");
    bc_text names = {0};
    bc_list_names(&names, task->spec->labels, classes);
    bertc_status status = names.failed
                              ? bc_fail_memory(err)
                              : bc_fail(err, BERTC_USAGE, "--class-weights: %d weight%s, task %s has %d %s%s: %s",
                                        count, count == 1 ? "" : "s", task->spec->name, classes,
                                        is_multilabel(task) ? "label" : "class",
                                        classes == 1 ? "" : is_multilabel(task) ? "s" : "es", names.bytes);
    bc_text_clear(&names);
    return status;
}

bertc_status bc_objective_parse(const bertc_train_options *o, bc_run_task *task, bertc_error *err)
{
    static const char regression[] = "--%s: task %s is a regression, it has no classes";
    task->objective = (bc_objective){.smoothing = o->label_smoothing};
    bool values = task->spec->kind == BERTC_REGRESSION;
    if (values && o->label_smoothing > 0)
        return bc_fail(err, BERTC_USAGE, regression, "label-smoothing", task->spec->name);
    if (is_multilabel(task) && o->label_smoothing > 0)
        return bc_fail(err, BERTC_USAGE, "--label-smoothing: task %s is multi-label, its loss has no label smoothing",
                       task->spec->name);
    if (!is_given(o)) return BERTC_OK;
    if (values) return bc_fail(err, BERTC_USAGE, regression, "class-weights", task->spec->name);
    task->class_weights = bc_calloc((size_t)task->spec->num_labels, sizeof *task->class_weights);
    if (!task->class_weights) return bc_fail_memory(err);
    return is_balanced(o) ? BERTC_OK : parse_weights(o, task, err);
}

/* Return the weight of a label that `positive` of `count` examples have: the number of examples without it for each
 * with it, at most MAX_BALANCED. Without an example the weight has no effect. */
static double balance_label(size_t positive, size_t count)
{
    return positive > 0 ? fmin((double)(count - positive) / (double)positive, MAX_BALANCED) : 1;
}

static bertc_status balance(bc_run_task *task, const bertc_dataset *train, bertc_error *err)
{
    int classes = task->spec->num_labels;
    size_t *counts = bc_calloc((size_t)classes, sizeof *counts);
    if (!counts) return bc_fail_memory(err);
    bertc_status status = BERTC_OK;
    for (const bertc_example *e = train->examples; e < train->examples + train->count; e++)
        for (size_t k = 0; k < e->num_labels; k++) counts[e->labels[k]]++;
    for (int c = 0; c < classes && status == BERTC_OK; c++) {
        if (is_multilabel(task)) task->class_weights[c] = balance_label(counts[c], train->count);
        else if (counts[c] == 0)
            status = bc_fail(err, BERTC_INPUT,
                             "%s: no example of class %s, --class-weights balanced needs an example of each class",
                             train->path, task->spec->labels[c]);
        else task->class_weights[c] = (double)train->count / ((double)classes * (double)counts[c]);
    }
    bc_free(counts);
    return status;
}

bertc_status bc_objective_resolve(const bc_run *run, bc_run_task *task, const bertc_dataset *train,
                                  const int32_t *map, bertc_error *err)
{
    const bertc_train_options *o = &run->options;
    if (!is_given(o)) return BERTC_OK;
    bertc_status status = is_balanced(o) ? balance(task, train, err) : BERTC_OK;
    if (status != BERTC_OK) return status;
    bc_text line = {0};
    for (int c = 0; c < task->spec->num_labels && c < SHOWN_WEIGHTS; c++)
        bc_text_printf(&line, "%s%s %.4g", c ? ", " : "", task->spec->labels[c], task->class_weights[c]);
    if (task->spec->num_labels > SHOWN_WEIGHTS) bc_text_printf(&line, ", ...");
    if (!line.failed) bc_notify(bc_meter_notify(&run->meter), "class weights: %s", line.bytes);
    bc_text_clear(&line);
    double *weights = bc_alloc((size_t)task->spec->num_labels, sizeof *weights);
    if (!weights) return bc_fail_memory(err);
    for (int c = 0; c < task->spec->num_labels; c++) weights[map[c]] = task->class_weights[c];
    bc_free(task->class_weights);
    task->objective.weights = task->class_weights = weights;
    return BERTC_OK;
}

double bc_objective_divisor(const bc_run_task *task, const bc_examples *e)
{
    const double *weights = task->objective.weights;
    double sum = 0;
    if (!weights || is_multilabel(task)) return (double)e->count;
    for (size_t i = 0; i < e->count; i++) sum += weights[e->inputs->labels[e->inputs->label_starts[e->order[i]]]];
    return sum;
}
