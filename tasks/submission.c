/* Submission files in the format of gluebenchmark.com, the same under every locale. A row is "index<TAB>prediction":
 *
 *   index       from the test file, or counted from 0 if the file has no index
 *   class       as spelled in the training file
 *   regression  clipped to the range of the values, with three decimals */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
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

/* Spell the prediction of finite logits. The prediction of a regression is written to `scratch`. */
static const char *spell(const bertc_task *task, const float *logits, char scratch[PREDICTION_BYTES])
{
    if (task->kind == BERTC_CLASSIFICATION) return task->file_labels[bc_argmax(logits, task->num_labels)];
    format_value(task, logits[0], scratch, PREDICTION_BYTES);
    return scratch;
}

void bertc_task_format_prediction(const bertc_task *task, const float *logits, char *out, size_t size)
{
    char scratch[PREDICTION_BYTES];
    bool finite = true;
    if (!out || size == 0) return;
    out[0] = '\0';
    if (!logits || bc_task_check(task, NULL) != BERTC_OK || task->num_labels == 0) return;
    for (int c = 0; c < task->num_labels; c++) finite = finite && isfinite(logits[c]);
    snprintf(out, size, "%s", finite ? spell(task, logits, scratch) : "nan");
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
    for (size_t i = 0; i < dataset->count; i++) {
        char scratch[PREDICTION_BYTES];
        const bertc_example *e = &dataset->examples[i];
        const float *row = logits + i * (size_t)dataset->task->num_labels;
        if (e->index) bc_writer_put(&writer, e->index, e->nindex);
        else bc_writer_printf(&writer, "%zu", i);
        bc_writer_printf(&writer, "\t%s\n", spell(dataset->task, row, scratch));
    }
    return bc_writer_commit(&writer, err);
}
