/* What a data set contains, and what would spoil a run on it.
 *
 * Threads: several threads may describe data at once. A report is plain data, owned by the caller. Null pointers where
 * null is not allowed are BERTC_USAGE. */
#ifndef BERTC_DATA_H
#define BERTC_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/own_task.h"
#include "bertc/status.h"
#include "bertc/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A distribution of lengths. The quantile q of n texts is the length of text ceil(q n), counted from the shortest. */
typedef struct bertc_lengths {
    size_t min, median, p90, p95, p99, max;
} bertc_lengths;

/* A split. All zero: the data do not have it. */
typedef struct bertc_data_split {
    char *path;           /* its file; null: absent */
    char *columns;        /* the columns of its header, for people; "" without a header */
    size_t official_rows; /* rows of the official file of GLUE; 0: unknown */
    size_t rows;          /* examples */
    size_t skipped_short; /* rows left out because they have too few columns (QQP) */
    size_t skipped_label; /* rows left out because their raters disagree (MNLI) */
    size_t labelled;      /* examples with a label or a value */
    size_t *class_rows;   /* (C) examples of each label of the task, in its order; null for a regression */
    double min, max, mean, deviation; /* of the values of a regression; deviation with n - 1; NaN: not defined */
    size_t empty;         /* examples with a text that is empty or has only blanks */
    size_t invalid;       /* invalid UTF-8 sequences */
    bertc_lengths lengths; /* the unit is in the report */
    size_t cut;           /* texts that are longer than max_length; 0 if lengths are not in tokens */
    bertc_repeats repeats;
} bertc_data_split;

typedef struct bertc_data_report {
    const bertc_task *task; /* owned by the caller of bertc_data_describe */
    bool tokens;            /* lengths are in tokens, [CLS] and [SEP] included; false: in characters */
    size_t max_length;      /* tokens; 0 if lengths are in characters */
    bertc_data_split splits[BERTC_SPLITS];
} bertc_data_report;

/* A number of a split, for tables and JSON. */
typedef struct bertc_data_count {
    const char *title; /* for people: "empty texts" */
    const char *key;   /* in JSON: "empty" */
    size_t offset;     /* of a size_t in bertc_data_split */
    bool is_length;    /* in the report's unit of lengths */
    bool if_any;       /* to be left out of a table if no split has any */
} bertc_data_count;

BERTC_API const bertc_data_count *bertc_data_count_table(size_t *count);

/* Describe the data of an open task.
 *
 * data        the folder or table, as in bertc_dataset_read; null for a task that has its own files
 * model       a model directory, whose tokenizer counts tokens; null: lengths are in characters
 * max_length  0: the task's own, else 128, or the model's maximum if that is smaller
 *
 * The report is filled split by split and describes the splits before an error, too. bertc_data_report_clear releases
 * it, also after an error. Errors: those of finetune for data that it refuses; a split that does not exist is no error,
 * unless no split exists. */
BERTC_API bertc_status bertc_data_describe(const bertc_task *task, const char *data, const char *model,
                                           int64_t max_length, const bertc_notify *notify, bertc_data_report *report,
                                           bertc_error *err);
/* Write a report as one JSON object without a line end:
 *
 *   {"task":"sst2","kind":"classification","unit":"tokens","max_length":128,"splits":{"train":{"file":"...",
 *    "columns":"...","rows":67349,...,"labels":{"negative":29780,"positive":37569}}}}
 *
 * "max_length" is null if lengths are in characters. A split that the data do not have is left out. A regression has
 * "min", "max", "mean" and "deviation" in place of "labels". "lines" has, for each kind of repeat that occurs, the
 * lines of the first one. *json is released by free(); null after an error. Errors: BERTC_USAGE, BERTC_NOMEM. */
BERTC_API bertc_status bertc_data_json(const bertc_data_report *report, char **json, bertc_error *err);

BERTC_API void bertc_data_report_clear(bertc_data_report *report);

#ifdef __cplusplus
}
#endif
#endif
