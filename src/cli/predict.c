/* bertc predict: a submission file for a split, or a table of predictions for a split, a file, or lines of standard
 * input, which are answered as they arrive. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/error.h"
#include "cli/inference.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/prediction_table.h"

typedef struct job {
    const cli_inference_values *values;
    cli_progress progress;
    bertc_predictor *predictor;
    const bertc_task *task;
    bool submission;            /* write a submission file, not a table */
    cli_prediction_table table; /* closed if a submission is written */
    cli_file files[2];          /* --out, --logits */
    float *logits;              /* (capacity) of a part of standard input */
    size_t capacity;
    size_t texts; /* texts of standard input answered so far */
} job;

/* ---- Outputs ------------------------------------------------------------------------------- */

static bertc_status put_submission(FILE *to, const bertc_dataset *set, const float *logits, bertc_error *err)
{
    const bertc_task *task = set->task;
    size_t capacity = 64; /* enough for any prediction of the task */
    for (int c = 0; task->kind == BERTC_CLASSIFICATION && c < task->num_labels; c++)
        if (strlen(task->file_labels[c]) >= capacity) capacity = strlen(task->file_labels[c]) + 1;
    char *text = malloc(capacity);
    if (!text) return cli_fail_memory(err);
    fputs("index\tprediction\n", to);
    for (size_t i = 0; i < set->count; i++) {
        bertc_task_format_prediction(task, logits + i * (size_t)task->num_labels, text, capacity);
        cli_put_index(to, &set->examples[i], i);
        fprintf(to, "\t%s\n", text);
    }
    free(text);
    return BERTC_OK;
}

/* Print the logits of each row; `before` is the number of rows printed before. Nine digits represent a float exactly.
 */
static void put_logits(FILE *to, const bertc_dataset *set, const float *logits, size_t before)
{
    const bertc_task *task = set->task;
    if (before == 0) {
        fputs("index", to);
        for (int c = 0; c < task->num_labels; c++)
            fprintf(to, "\t%s", task->kind == BERTC_REGRESSION ? "value" : task->labels[c]);
        fputc('\n', to);
    }
    for (size_t i = 0; i < set->count; i++) {
        cli_put_index(to, &set->examples[i], before + i);
        for (int c = 0; c < task->num_labels; c++) fprintf(to, "\t%.9g", (double)*logits++);
        fputc('\n', to);
    }
}

static bertc_status put(job *j, const bertc_dataset *set, const float *logits, size_t before, bertc_error *err)
{
    FILE *to = j->files[0].stream;
    j->table.to = to;
    j->table.stored = bertc_predictor_thresholds(j->predictor);
    bertc_status status = j->submission ? put_submission(to, set, logits, err)
                                        : cli_prediction_table_put(&j->table, set, logits, err);
    if (status == BERTC_OK && j->values->logits) put_logits(j->files[1].stream, set, logits, before);
    return status;
}

/* ---- Standard input ------------------------------------------------------------------------ */

/* Answer complete lines, and flush the answers. */
static bertc_status answer(job *j, const char *text, size_t length, bertc_error *err)
{
    bertc_dataset *set = NULL;
    size_t classes = (size_t)j->task->num_labels, limit = (size_t)j->values->predict.limit;
    bertc_status status =
        bertc_dataset_from_part(j->task, text, length, "standard input", j->texts + 1, &set, err);
    if (status != BERTC_OK) return status;
    if (limit > 0 && set->count > limit - j->texts) set->count = limit - j->texts;
    if (set->count * classes > j->capacity) {
        float *logits = realloc(j->logits, set->count * classes * sizeof *logits);
        if (!logits) status = cli_fail_memory(err);
        else {
            j->logits = logits;
            j->capacity = set->count * classes;
        }
    }
    if (status == BERTC_OK) status = bertc_predictor_apply(j->predictor, set, j->logits, err);
    cli_progress_end(&j->progress);
    if (status == BERTC_OK) status = put(j, set, j->logits, j->texts, err);
    j->texts += set->count;
    bertc_dataset_free(set);
    if (status == BERTC_OK) fflush(j->files[0].stream);
    return status == BERTC_OK ? cli_stream_check(j->files[0].bytes, j->files[0].path, err) : status;
}

/* Return the number of bytes of the first `count` lines. */
static size_t first_lines(const char *text, size_t length, size_t count)
{
    const char *at = text, *end = text + length;
    for (; at < end && count > 0; count--) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline ? newline + 1 : end;
    }
    return (size_t)(at - text);
}

/* Answer the lines of standard input, whatever is there at once. Lines that are there together are computed in passes
 * of
 * --batch-size texts, several passes between two outputs, so that texts of similar length share a pass. If the first
 * line is late, the weights are read before it comes; else it is checked before that. */
static bertc_status answer_lines(job *j, bertc_error *err)
{
    enum { PASSES = 8 };
    cli_lines lines = {0};
    const char *text;
    size_t length, limit = (size_t)j->values->predict.limit, most = PASSES * (size_t)j->values->predict.batch_size;
    bertc_error why = {0};
    bertc_status status = cli_input_is_late() ? bertc_predictor_load(j->predictor, err) : BERTC_OK;
    if (isatty(STDOUT_FILENO)) j->progress.observer.progress = NULL; /* it would mix with the answers */
    if (status == BERTC_OK && isatty(STDIN_FILENO))
        fprintf(stderr, "reading texts from the terminal, %s; Ctrl-D ends\n",
                j->task->pair ? "a line each: a first text, a TAB and a second text" : "a line each");
    while (status == BERTC_OK && !(limit > 0 && j->texts == limit) && cli_lines_next(&lines, &text, &length, &why))
        for (size_t n; length > 0 && status == BERTC_OK && !(limit > 0 && j->texts == limit); length -= n, text += n) {
            n = first_lines(text, length, most);
            status = answer(j, text, n, err);
        }
    if (status == BERTC_OK && why.status != BERTC_OK) status = cli_fail(err, why.status, "%s", why.message);
    if (status == BERTC_OK && j->texts == 0) status = cli_fail(err, BERTC_INPUT, "standard input: no lines to read");
    cli_lines_clear(&lines);
    return status;
}

/* ---- The command --------------------------------------------------------------------------- */

static bertc_status predict_data(job *j, bertc_error *err)
{
    bertc_predictions predictions;
    bertc_status status = bertc_predictor_run(j->predictor, false, &predictions, err);
    cli_progress_end(&j->progress);
    if (status == BERTC_OK) status = put(j, predictions.dataset, predictions.logits, 0, err);
    bertc_predictions_clear(&predictions);
    return status;
}

/* Whether the output is a submission: the data are the folder of a GLUE task, and no option asks for a table. */
static bool is_submission(const cli_inference_values *v, const bertc_task *task)
{
    struct stat info;
    if (!v->predict.data || !task->submission || v->format || v->predict.keep_columns) return false;
    if (v->probabilities || v->top_k > 0 || v->threshold >= 0) return false;
    return stat(v->predict.data, &info) != 0 || S_ISDIR(info.st_mode);
}

/* The outputs are opened before the weights are read, so that an unwritable output is reported early. */
bertc_status cli_predict(const void *values, cli_arguments arguments, bertc_error *err)
{
    (void)arguments;
    const cli_inference_values *v = values;
    job j = {.values = v};
    if (v->predict.keep_columns && !v->predict.data)
        return cli_fail(err, BERTC_USAGE, "--keep-columns has no effect without --data");
    if (v->out && v->logits && strcmp(v->out, v->logits) == 0)
        return cli_fail(err, BERTC_USAGE, "--out and --logits are the same file");
    bertc_status status = cli_infer_begin(v, &j.progress, &j.predictor, err);
    j.task = bertc_predictor_task(j.predictor);
    if (status == BERTC_OK) j.submission = is_submission(v, j.task);
    if (status == BERTC_OK && !j.submission) status = cli_prediction_table_open(&j.table, v, j.task, err);
    if (status == BERTC_OK) status = cli_inference_check_outputs(v, j.task, err);
    if (status == BERTC_OK) status = cli_files_open(j.files, v->out, v->logits, "logits", err);
    if (status == BERTC_OK) status = v->predict.data ? predict_data(&j, err) : answer_lines(&j, err);
    if (status == BERTC_OK) status = cli_files_commit(j.files, err);
    cli_files_close(j.files, err);
    cli_prediction_table_close(&j.table);
    cli_infer_end(&j.progress, j.predictor);
    free(j.logits);
    return status;
}
