/* What eval, predict and embed share: their options and the job that applies a model. */
#ifndef CLI_INFERENCE_H
#define CLI_INFERENCE_H

#include <stdio.h>

#include "cli/command.h"

enum { CLI_EVAL = 1, CLI_PREDICT = 2, CLI_EMBED = 4 };
enum { CLI_NPY, CLI_JSONL, CLI_TSV }; /* formats of embed's output */

typedef struct cli_inference_values {
    bertc_predict_options predict; /* first: the rows of the library's table fill it */
    const char *out, *logits, *layers, *offsets;
    int combine, pool, format;
    bool json, pair, normalize;
} cli_inference_values;

/* The task of that name, or an error with a suggestion. */
bertc_status cli_task_find(const char *name, const bertc_task **task, bertc_error *err);

/* The same for each of a list with commas; whether they may stand together is for the job to say. */
bertc_status cli_tasks_check(const char *list, bertc_error *err);

/* The options as the library takes them, with the lines in `text` if there is no --data. */
bertc_predict_options cli_inference_options(const cli_inference_values *values, const char *text, size_t length);

/* Refuse an output that would replace what is read: standard input, the files of the task (null: none), any file of the
 * model. Errors: BERTC_USAGE. */
bertc_status cli_inference_check_outputs(const cli_inference_values *values, const bertc_task *task, bertc_error *err);

/* What a row of the data is known by: its own index, or its number from 0 where it has none. */
void cli_put_index(FILE *to, const bertc_example *example, size_t row);

/* Run the model, showing progress. `text` holds lines where values->predict.data is null. */
bertc_status cli_infer(const cli_inference_values *values, const char *text, size_t length, bool score,
                       bertc_predictions *predictions, bertc_error *err);

#endif
