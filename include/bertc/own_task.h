/* A user's own task: tables of texts with labels, described by options or by a task file.
 *
 * A task file is a JSON object, in UTF-8, with these keys, all of them optional:
 *
 *   {"name": "tickets",               letters, digits, - and _; default: the file's name without its ending
 *    "title": "which team answers",   one line for people
 *    "train": "train.csv",            tables: .csv, .tsv, .jsonl or .json, each maybe followed by .gz; relative to the
 *    "dev": "dev.csv",                  task file
 *    "test": "test.csv",
 *    "dev_share": 0.1,                share of the rows of "train" that are the dev split if there is no "dev"; 0: no
 *                                       dev split
 *    "text_column": "text",           names of columns, in any case; default: found by their usual names
 *    "pair_column": "answer",         the second text of a pair
 *    "label_column": "team",
 *    "label_separator": ",",          multilabel: the character between the labels of a row, if it is no JSON list
 *    "label_columns": ["joy","fear"], multilabel: a column for each label, with 1 if it applies and 0 if not
 *    "header": ["text", "team"],      false, or the names of the columns: the files have no header. If it is false, a
 *                                       column is a number from 1
 *    "quotes": true,                  in .tsv files fields in quotes are read as in CSV
 *    "kind": "classification",        or "multilabel" or "regression"; default: found from the labels of "train"
 *    "labels": ["billing", "sales"],  the classes in order; default: those of "train", sorted, or "label_columns"
 *    "label_numbers": true,           a label in the tables may be its number in "labels", from 0
 *    "metrics": ["accuracy"],         the first one is the primary metric
 *    "max_length": 128}               default number of tokens at which texts are truncated
 *
 * An unknown key is an error. A label is spelled as in the tables, byte for byte.
 *
 * 1. The kind that is found: multilabel if "label_separator" or "label_columns" is stated or if all labels of "train"
 *    are JSON lists, regression if all are finite numbers and one of them is not whole, else classification.
 * 2. Labels that are found are sorted by value if all of them are whole numbers, else by their bytes.
 * 3. The rows of a dev share are chosen by a hash of their texts, in each class in proportion to its number of rows. So
 *    the choice depends neither on a seed nor on the order of the rows, and equal rows are in the same split. Each
 *    class keeps a row for training. The rows of a multilabel task or a regression count as one class.
 * 4. In the train and dev split every row has a label. In the test split a label of -1, null or an empty label means
 *    that the row is not labelled.
 *
 * Threads: an open task does not change; any number of threads may use it until it is closed. */
#ifndef BERTC_OWN_TASK_H
#define BERTC_OWN_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "bertc/status.h"
#include "bertc/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The name that stands for a task that is described by options. */
#define BERTC_CUSTOM_TASK "custom"

/* The kind of a task: found from its labels, or BERTC_KIND_GIVEN + a bertc_kind. */
enum { BERTC_KIND_FOUND, BERTC_KIND_GIVEN };

/* Quotes in tables: by the ending of a file's name, in CSV only; or as stated. */
typedef enum bertc_quotes { BERTC_QUOTES_BY_NAME, BERTC_QUOTES_ON, BERTC_QUOTES_OFF } bertc_quotes;

/* Whether the tables have a header; without one, columns are numbers from 1. JSON lines always have names. */
typedef enum bertc_header { BERTC_HEADER_ON, BERTC_HEADER_OFF } bertc_header;

/* The description of a user's own task. All zero, except dev_share: nothing is given. */
typedef struct bertc_own_options {
    const char *train, *dev, *test;                        /* files; null: not given */
    const char *text_column, *pair_column, *label_column;  /* null: found by the usual names */
    const char *label_separator;                           /* multilabel: one character between labels; null: none */
    const char *label_columns;                             /* multilabel: columns of 0 and 1, "joy,anger"; null: none */
    double dev_share;                                      /* negative: 0.1 if there is no dev file */
    int kind;                                              /* BERTC_KIND_FOUND, or BERTC_KIND_GIVEN + a bertc_kind */
    int quotes;                                            /* bertc_quotes */
    int header;                                            /* bertc_header */
} bertc_own_options;

/* Whether a task's name is BERTC_CUSTOM_TASK or the path of a task file, which ends with ".json". */
BERTC_API bool bertc_task_is_own(const char *name);

/* Open a task.
 *
 * name    a task of the table; BERTC_CUSTOM_TASK; or the path of a task file
 * data    a folder with the tables train, dev (or validation, valid, val) and test of a task that states no file; or
 *         null
 * own     the description of BERTC_CUSTOM_TASK; null for every other name
 * train   choose the rows of the dev share and report them, the columns and the labels to `notify`; else the tables are
 *         read only if they are needed to find columns or labels
 *
 * bertc_task_close releases *task, which is null after an error. Errors: BERTC_USAGE if the name is unknown or the
 * description contradicts itself; BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
BERTC_API bertc_status bertc_task_open(const char *name, const char *data, const bertc_own_options *own, bool train,
                                       const bertc_notify *notify, const bertc_task **task, bertc_error *err);

/* Make a task of labels alone, such as those of a model's config.json; its columns are found by their usual names in
 * the tables that are read. num_labels is 1 for a regression. *task is null after an error. Errors: BERTC_USAGE,
 * BERTC_NOMEM. */
BERTC_API bertc_status bertc_task_of_labels(const char *name, bertc_kind kind, const char *const *labels,
                                            int num_labels, bool pair, const bertc_task **task, bertc_error *err);
BERTC_API void bertc_task_close(const bertc_task *task); /* no effect on null and tasks of the table */

/* Whether the task has its own files, so that no data folder is needed to read it. */
BERTC_API bool bertc_task_has_files(const bertc_task *task);

/* Whether its description states these files; else they were found in a data folder. */
BERTC_API bool bertc_task_states_files(const bertc_task *task);

/* Return the number of tokens that the task file states as "max_length"; 0: it does not. */
BERTC_API int64_t bertc_task_max_length(const bertc_task *task);

/* Write an open own task as a task file that states everything, with absolute paths; without `files`, the files and the
 * title are left out. max_length 0: the task's own, if it has one. *json is released by free(); null after an error.
 * Errors: BERTC_USAGE for a task of the table; BERTC_NOMEM. */
BERTC_API bertc_status bertc_task_json(const bertc_task *task, int64_t max_length, bool files, char **json,
                                       bertc_error *err);

#ifdef __cplusplus
}
#endif
#endif
