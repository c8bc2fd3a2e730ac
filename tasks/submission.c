/* Submission files as gluebenchmark.com takes them: "index<TAB>prediction", the index that of the test
 * file (where it has none, counted from 0), classes as the training file spells them, similarity to
 * three places within 0 to 5. Written the same under every locale. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/writer.h"
#include "tasks/tasks.h"

/* Where the double is a float times 1000 the product is exact, so this rounds as "%.3f" does. */
static void format_score(float value, char *out, size_t size)
{
    double clipped = fmax(0, fmin(5, (double)value));
    long thousandths = lrint(clipped * 1000);
    snprintf(out, size, "%ld.%03ld", thousandths / 1000, thousandths % 1000);
}

void bertc_task_format_prediction(const bertc_task *task, const float *logits, char *out,
                                  size_t size)
{
    bool finite = true;
    if (!out || size == 0) return;
    out[0] = '\0';
    if (!logits || bc_task_check(task, NULL) != BERTC_OK || task->num_labels < 1) return;
    for (int c = 0; c < task->num_labels; c++) finite = finite && isfinite(logits[c]);
    if (!finite)
        snprintf(out, size, "nan");
    else if (task->regression)
        format_score(logits[0], out, size);
    else
        snprintf(out, size, "%s", task->file_labels[bc_argmax(logits, task->num_labels)]);
}

bertc_status bertc_task_write_submission(const bertc_dataset *dataset, const float *logits,
                                         const char *path, bertc_error *err)
{
    if (!logits || !path) return bc_fail_null(err, __func__, "logits and path");
    bertc_status status = bc_dataset_check(dataset, err);
    if (status == BERTC_OK) status = bc_check_finite(dataset, logits, err);
    if (status != BERTC_OK) return status;
    bc_writer writer;
    status = bc_writer_open(&writer, path, err);
    if (status != BERTC_OK) return status;
    static const char header[] = "index\tprediction\n";
    bc_writer_put(&writer, header, sizeof header - 1);
    for (size_t i = 0; i < dataset->count; i++) {
        char prediction[32];
        bertc_task_format_prediction(dataset->task, logits + i * (size_t)dataset->task->num_labels,
                                     prediction, sizeof prediction);
        const bertc_example *e = &dataset->examples[i];
        if (e->index) bc_writer_put(&writer, e->index, e->nindex);
        else bc_writer_printf(&writer, "%zu", i);
        bc_writer_printf(&writer, "\t%s\n", prediction);
    }
    return bc_writer_commit(&writer, err);
}
