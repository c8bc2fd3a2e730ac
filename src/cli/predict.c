/* bertc predict: a submission file for a split, or one prediction for each line of standard input. */
#include <stdlib.h>
#include <string.h>

#include "cli/inference.h"
#include "cli/error.h"
#include "cli/input.h"
#include "cli/output.h"

static bertc_status put_predictions(FILE *to, const bertc_task *task, const bertc_predictions *p, bool numbered,
                                    bertc_error *err)
{
    size_t capacity = 64; /* enough for any prediction of the task */
    for (int c = 0; task->kind == BERTC_CLASSIFICATION && c < task->num_labels; c++)
        if (strlen(task->file_labels[c]) >= capacity) capacity = strlen(task->file_labels[c]) + 1;
    char *text = malloc(capacity);
    if (!text) return cli_fail_memory(err);
    if (numbered) fputs("index\tprediction\n", to);
    for (size_t i = 0; i < p->dataset->count; i++) {
        bertc_task_format_prediction(task, p->logits + i * (size_t)task->num_labels, text, capacity);
        if (numbered) cli_put_index(to, &p->dataset->examples[i], i);
        fprintf(to, "%s%s\n", numbered ? "\t" : "", text);
    }
    free(text);
    return BERTC_OK;
}

/* Print the logits of each row. Nine digits represent a float exactly. */
static void put_logits(FILE *to, const bertc_task *task, const bertc_predictions *p)
{
    fputs("index", to);
    for (int c = 0; c < task->num_labels; c++)
        fprintf(to, "\t%s", task->kind == BERTC_REGRESSION ? "value" : task->labels[c]);
    fputc('\n', to);
    const float *logits = p->logits;
    for (size_t i = 0; i < p->dataset->count; i++) {
        cli_put_index(to, &p->dataset->examples[i], i);
        for (int c = 0; c < task->num_labels; c++) fprintf(to, "\t%.9g", (double)*logits++);
        fputc('\n', to);
    }
}

/* The outputs are opened before the model is loaded, so that an unwritable output is reported early. */
bertc_status cli_predict(const void *values, cli_arguments arguments, bertc_error *err)
{
    (void)arguments;
    cli_inference_values own = *(const cli_inference_values *)values, *v = &own;
    char *text = NULL;
    size_t length = 0;
    cli_file files[2] = {{0}};
    bertc_predictions predictions = {0};
    bertc_status status = cli_task_open(v, err);
    const bertc_task *task = v->predict.opened;
    if (status == BERTC_OK) status = cli_inference_check_outputs(v, task, err);
    if (status == BERTC_OK && !v->predict.data) status = cli_read_all(&text, &length, err);
    if (status == BERTC_OK) status = cli_files_open(files, v->out, v->logits, "logits", err);
    if (status == BERTC_OK) status = cli_infer(v, text, length, false, &predictions, err);
    if (status == BERTC_OK) status = put_predictions(files[0].stream, task, &predictions, v->predict.data != NULL, err);
    if (status == BERTC_OK && v->logits) put_logits(files[1].stream, task, &predictions);
    if (status == BERTC_OK) status = cli_files_commit(files, err);
    bertc_predictions_clear(&predictions);
    bertc_task_close(task);
    cli_files_close(files, err);
    free(text);
    return status;
}
