/* Internal interface of the tasks module. */
#ifndef BC_TASKS_TASKS_H
#define BC_TASKS_TASKS_H

#include "base/text.h"
#include "bertc/task.h"
#include "bertc/vocab.h"
#include "tasks/lines.h"
#include "tasks/table.h"

/* The dev rows of a file that has train and dev rows. They are listed by the bytes "id TAB id" of their columns 1 and
 * 2, or they are the rows of a class whose hash (bc_row_hash) is below the limit of the class. */
typedef struct bc_dev_rows {
    bc_slice *sorted;       /* (count) */
    size_t count;
    const uint64_t *limits; /* (C, or 1 for regression) in the task's order; null: the rows are listed */
} bc_dev_rows;

/* Check that the description of a task is complete and consistent. Errors: BERTC_USAGE. */
bertc_status bc_task_check(const bertc_task *task, bertc_error *err);

/* Check that a data set has a valid task and, if `labelled`, valid labels. Errors: BERTC_USAGE. */
bertc_status bc_dataset_check(const bertc_dataset *dataset, bertc_error *err);

/* Return the class of an example, in the task's order; -1 if it is unlabelled. */
int32_t bc_example_class(const bertc_example *example);

/* Append "a, b, c" for messages. If there are more than 8 names, append the first 8 and ", ...". */
void bc_list_names(bc_text *out, const char *const *names, int count);

/* Read a split from bytes in memory, which are copied. `columns` describes the bytes; `ids` is null unless
 * columns->ids_file is set. Messages name the bytes `path`. Errors: as bertc_dataset_read. */
bertc_status bc_dataset_parse(const bertc_task *task, bertc_split split, const bertc_columns *columns,
                              const bc_dev_rows *ids, const char *bytes, size_t length, const char *path, size_t limit,
                              bertc_dataset **dataset, bertc_error *err);

/* Read a split from the file `path`, otherwise as bc_dataset_parse. */
bertc_status bc_dataset_read_file(const bertc_task *task, bertc_split split, const bertc_columns *columns,
                                  const bc_dev_rows *ids, const char *path, size_t limit, bertc_dataset **dataset,
                                  bertc_error *err);

/* Return the format of a file by its name: TSV if the name states none. */
bc_table_form bc_columns_form(const char *path, const bertc_columns *columns);

/* Hash the texts of a row; b.at is null for a single text. */
uint64_t bc_row_hash(bc_slice a, bc_slice b);

/* Return a description of the columns for reading only the texts: it has no label column and skips no row. */
bertc_columns bc_columns_of_texts(const bertc_columns *columns);

/* Parse all `n` bytes as [+-]digits[.digits][e[+-]digits], "inf", "infinity" or "nan" in any case, under every locale.
 * The value is exact for up to 15 digits and small exponents, else within a few units in the last place. Returns false
 * for any other text. */
bool bc_parse_number(const char *text, size_t n, double *value);

/* Return the index of the largest logit; if several are equal, the first index. */
int bc_argmax(const float *logits, int count);

/* Check that all logits are finite. Errors: BERTC_DIVERGED with the line of the first example whose logits are not. */
bertc_status bc_check_finite(const bertc_dataset *dataset, const float *logits, bertc_error *err);

/* Fail with "task mnli has no metric f1, its metrics are accuracy, ...", the names of all metrics that fit the task.
 * Errors: BERTC_USAGE, BERTC_NOMEM. */
bertc_status bc_fail_metric(const bertc_task *task, const char *name, size_t length, bertc_error *err);

/* Return the task's own metrics. */
bertc_metric_list bc_own_metrics(const bertc_task *task);

/* Check that a data set can be scored by these logits. Errors: as bertc_task_score. */
bertc_status bc_scores_check(const bertc_dataset *dataset, const float *logits, bertc_error *err);

/* Append the object of bertc_scores_json without the scores by class. */
void bc_put_scores(bc_text *out, const bertc_task *task, bertc_split split, const bertc_scores *scores,
                   const bertc_metric_list *metrics);

/* Collect the cells of the confusion matrix of a labelled classification, in the order of labels, then of predicted
 * classes. cells (count of the data set) out; return the number of cells. */
size_t bc_count_confusions(const bertc_dataset *dataset, const float *logits, bertc_confusion *cells);

/* Append an example and its prediction as a JSON object with a line end. `logits` are those of this example.
 *
 *   {"row":0,"index":"17","label":"positive","prediction":"negative","logits":[0.25,-1.5]}
 *   {"row":0,"label":3.8,"prediction":2.5,"logits":[2.5]}
 *   {"row":0,"label":["joy"],"prediction":["joy","love"],"logits":[1.5,0.25,-3]}
 *
 * row         number of the example in the data set, from 0
 * line        line of the file; only for a user's own task
 * index       only if the data have one
 * label       null if the example is unlabelled
 * prediction  the first label with the largest logit; for a regression the value itself, which is not clipped; for a
 *             multi-label task the labels that bertc_dataset_decide returns
 * logits      in the task's label order
 *
 * Numbers read back to the same float. */
void bc_put_prediction(bc_text *out, const bertc_dataset *dataset, size_t row, const float *logits);

/* Append the labels that are predicted for an example of a multi-label task as a JSON list. */
void bc_put_predicted_set(bc_text *out, const bertc_dataset *dataset, const float *logits);

/* Make a synthetic split (synthetic.c). It has the official number of texts, at most `limit` if that is not 0. Errors:
 * BERTC_USAGE if the lengths are not known or the vocabulary has no words of lower-case letters; BERTC_NOMEM. */
bertc_status bc_synthetic_dataset(const bertc_task *task, bertc_split split, size_t limit, const bertc_vocab *vocab,
                                  bertc_dataset **dataset, bertc_error *err);

/* Return a quantile (0 to 1) of the lengths of a task's texts, interpolated between length_quantiles. */
double bc_task_length(const bertc_task *task, double quantile);

#endif
