/* Submission files in the format of gluebenchmark.com, the same under every locale. A row is "index<TAB>prediction":
 *
 *   index       from the test file, or counted from 0 if the file has no index
 *   class       as spelled in the training file
 *   regression  of a GLUE task clipped to the range of the values, with three decimals; of another task the shortest
 *               text that reads back to the same float
 *   multi-label a JSON list of labels, decided by the thresholds of the data set */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/writer.h"
#include "tasks/tasks.h"

enum { PREDICTION_BYTES = 64 }; /* holds any float in decimals */

/* Format a value with three decimals. A float times 1000 is exact as a double, so this rounds as "%.3f" does. Values of
 * 1e12 and more are whole numbers. */
static void format_value(const bertc_task *task, float value, char *out, size_t size)
{
    double clipped = fmax(task->low, fmin(task->high, (double)value)), whole = fabs(clipped);
    int thousandths = 0;
    if (whole < 1e12) {
        long long rounded = llrint(whole * 1000);
        thousandths = (int)(rounded % 1000);
        whole = (double)(rounded / 1000);
    }
    bool minus = signbit(clipped) && (whole > 0 || thousandths > 0);
    snprintf(out, size, "%s%.0f.%03d", minus ? "-" : "", whole, thousandths);
}

/* Append the prediction of finite logits. */
static void put_prediction(bc_text *out, const bertc_dataset *dataset, const float *logits)
{
    const bertc_task *task = dataset->task;
    char value[PREDICTION_BYTES];
    switch (task->kind) {
    case BERTC_CLASSIFICATION:
    case BERTC_KINDS: bc_text_printf(out, "%s", task->file_labels[bc_argmax(logits, task->num_labels)]); break;
    case BERTC_MULTILABEL: bc_put_predicted_set(out, dataset, logits); break;
    case BERTC_REGRESSION:
        if (task->submission) format_value(task, logits[0], value, sizeof value);
        else bc_json_float(value, logits[0]);
        bc_text_printf(out, "%s", value);
    }
}

void bertc_task_format_prediction(const bertc_task *task, const float *logits, char *out, size_t size)
{
    const bertc_dataset any = {.task = task};
    bc_text text = {0};
    bool finite = true;
    if (!out || size == 0) return;
    out[0] = '\0';
    if (!logits || bc_task_check(task, NULL) != BERTC_OK || task->num_labels == 0) return;
    for (int c = 0; c < task->num_labels; c++) finite = finite && isfinite(logits[c]);
    if (finite) put_prediction(&text, &any, logits);
    snprintf(out, size, "%s", !finite ? "nan" : text.failed ? "" : text.bytes);
    bc_text_clear(&text);
}

bertc_status bertc_task_write_submission(const bertc_dataset *dataset, const float *logits,
                                         const char *path, bertc_error *err)
{
    if (!logits || !path) return bc_fail_null(err, __func__, "logits and path");
    bertc_status status = bc_dataset_check(dataset, err);
    if (status == BERTC_OK && dataset->task->num_labels == 0)
        status = bc_fail(err, BERTC_USAGE, "task %s has no labels to predict", dataset->task->name);
    if (status == BERTC_OK) status = bc_check_finite(dataset, logits, err);
    if (status != BERTC_OK) return status;
    bc_writer writer;
    status = bc_writer_open(&writer, path, err);
    if (status != BERTC_OK) return status;
    static const char header[] = "index\tprediction\n";
    bc_writer_put(&writer, header, sizeof header - 1);
    bc_text text = {0};
    for (size_t i = 0; i < dataset->count && !text.failed; i++) {
        const bertc_example *e = &dataset->examples[i];
        const float *row = logits + i * (size_t)dataset->task->num_labels;
        if (e->index) bc_writer_put(&writer, e->index, e->nindex);
        else bc_writer_printf(&writer, "%zu", i);
        text.length = 0;
        bc_text_put(&text, "\t", 1);
        put_prediction(&text, dataset, row);
        bc_text_put(&text, "\n", 1);
        if (!text.failed) bc_writer_put(&writer, text.bytes, text.length);
    }
    status = text.failed ? bc_fail_memory(err) : bc_writer_commit(&writer, err);
    bc_text_clear(&text);
    bc_writer_abandon(&writer);
    return status;
}
