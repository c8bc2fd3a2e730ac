/* What eval, predict and embed share: their options and the job that applies a model. */
#ifndef CLI_INFERENCE_H
#define CLI_INFERENCE_H

#include <stdio.h>

#include "cli/command.h"

enum { CLI_EVAL = 1, CLI_PREDICT = 2, CLI_EMBED = 4 };

typedef struct cli_inference_values {
    const char *task, *model, *data, *out, *logits, *layers, *offsets;
    int split, backend, precision, combine, pool, format;
    int64_t max_length, batch_size, limit, threads;
    bool json, pair, normalize, any_labels;
} cli_inference_values;

/* The task of that name, or an error with a suggestion. */
bertc_status cli_task_find(const char *name, const bertc_task **task, bertc_error *err);

/* The same for each of a list with commas; whether they may stand together is for the job to say. */
bertc_status cli_tasks_check(const char *list, bertc_error *err);

/* The options as the library takes them. */
bertc_predict_options cli_inference_options(const cli_inference_values *values, const char *text, size_t length);

/* Refuse an output that would replace what is read: standard input, the files of the task (null: none), any file of the
 * model. Errors: BERTC_USAGE. */
bertc_status cli_inference_check_outputs(const cli_inference_values *values, const bertc_task *task, bertc_error *err);

/* What a row of the data is known by: its own index, or its number from 0 where it has none. */
void cli_put_index(FILE *to, const bertc_example *example, size_t row);

/* Run the model, showing progress. `text` holds lines where values->data is null. */
bertc_status cli_infer(const cli_inference_values *values, const char *text, size_t length, bool score,
                       bertc_predictions *predictions, bertc_error *err);

#endif
