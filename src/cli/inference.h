/* Options and functions that eval, predict and embed share. */
#ifndef CLI_INFERENCE_H
#define CLI_INFERENCE_H

#include <stdio.h>

#include "cli/command.h"
#include "cli/progress.h"

enum { CLI_EVAL = 1, CLI_PREDICT = 2, CLI_EMBED = 4 };
enum { CLI_NO_FORMAT, CLI_NPY, CLI_JSONL, CLI_TSV, CLI_CSV }; /* formats of an output; no format: not given */

typedef struct cli_inference_values {
    bertc_predict_options predict; /* the first member, as the library's option rows have offsets into it */
    const char *out, *logits, *layers, *offsets, *metrics;
    int combine, pool, format;
    bool json, by_class, pair, normalize, probabilities;
    int64_t top_k;    /* 0: not given */
    double threshold; /* negative: not given */
} cli_inference_values;

/* Open the task of --task into values->predict.opened; bertc_task_close releases it. Errors: BERTC_USAGE with a
 * suggestion; those of bertc_task_open. */
bertc_status cli_task_open(cli_inference_values *values, bertc_error *err);

/* Check that a name is that of a task of the table, or that of a user's own task. Errors: BERTC_USAGE with a
 * suggestion. */
bertc_status cli_task_check(const char *name, bertc_error *err);

/* Check that each name of a comma-separated list is the name of a task or of a task file. The job checks the
 * combination. */
bertc_status cli_tasks_check(const char *list, bertc_error *err);

/* Return the options in the library's form, with the lines in `text` if there is no --data. */
bertc_predict_options cli_inference_options(const cli_inference_values *values, const char *text, size_t length);

/* Refuse an output that would replace an input: standard input, a file of the task (null: no task), a file of the
 * model.
 * Errors: BERTC_USAGE. */
bertc_status cli_inference_check_outputs(const cli_inference_values *values, const bertc_task *task, bertc_error *err);

/* Print the index of an example: the index in its file, or `row`, its position in the data, if the file has no
 * index. */
void cli_put_index(FILE *to, const bertc_example *example, size_t row);

/* Begin to show progress, check the name of the task, and open the model. cli_infer_end is called in any case. */
bertc_status cli_infer_begin(const cli_inference_values *values, cli_progress *progress, bertc_predictor **predictor,
                             bertc_error *err);
void cli_infer_end(cli_progress *progress, bertc_predictor *predictor);

#endif
