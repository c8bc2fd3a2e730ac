/* Predictions as a table: TSV, CSV, JSON lines, or one prediction a line.
 *
 * 1. TSV, CSV and lines have a header unless they have the predictions alone (bare). The columns are the kept columns
 *    of the data, or if there are none the index of a row; then the prediction, the probabilities under the names of
 *    the labels, and label_1, probability_1, ... of the best labels.
 * 2. A JSON object has "row", "index", the kept columns, "prediction", "probabilities" and "top" (docs/predictions.md).
 * 3. CSV quotes a field if it contains a comma, a quote or a line end, or begins or ends with a blank (RFC 4180). TSV
 *    and bare lines have no escapes: a cell that contains a TAB or a line end is an error. */
#ifndef CLI_PREDICTION_TABLE_H
#define CLI_PREDICTION_TABLE_H

#include <stdio.h>

#include "cli/inference.h"

typedef struct cli_prediction_table {
    FILE *to;
    const bertc_task *task;
    int format;           /* CLI_TSV, CLI_CSV or CLI_JSONL */
    bool bare;            /* one prediction a line, without a header */
    bool numbered;        /* a row has the index of the example, unless columns are kept */
    bool probabilities;
    size_t top;           /* number of best labels; 0: none */
    size_t rows;          /* rows written so far */
    size_t cells;         /* cells of the current row */
    double *thresholds;   /* (C) of --threshold; null: not given */
    const double *stored; /* (C) those of the model, which --threshold replaces; null: none. Set by the owner */
    double *values;       /* (C) probabilities of a row */
    int32_t *labels;      /* (C) scratch */
    char *text;           /* scratch: the predicted labels of a row */
} cli_prediction_table;

/* Prepare a table by the options. Errors: BERTC_USAGE for options that do not fit the task; BERTC_NOMEM. The table can
 * be closed in any case. */
bertc_status cli_prediction_table_open(cli_prediction_table *table, const cli_inference_values *values,
                                       const bertc_task *task, bertc_error *err);

/* Append the predictions of a data set, before the first ones the header. logits (count,C).
 * Errors: BERTC_USAGE if two columns have one name; BERTC_INPUT for a cell that the format cannot hold; BERTC_NOMEM. */
bertc_status cli_prediction_table_put(cli_prediction_table *table, const bertc_dataset *dataset, const float *logits,
                                      bertc_error *err);
void cli_prediction_table_close(cli_prediction_table *table);

#endif
