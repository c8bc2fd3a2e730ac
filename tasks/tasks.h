/* What the files of this room share. */
#ifndef BC_TASKS_TASKS_H
#define BC_TASKS_TASKS_H

#include "base/text.h"
#include "bertc/task.h"
#include "bertc/vocab.h"
#include "tasks/lines.h"

/* Rows of a file that belong to the dev split, by the bytes "id TAB id" of their columns 1 and 2. */
typedef struct bc_row_ids {
    bc_slice *sorted; /* (count) */
    size_t count;
} bc_row_ids;

/* Is a task one that this room can work with? Errors: BERTC_USAGE. */
bertc_status bc_task_check(const bertc_task *task, bertc_error *err);

/* A data set with its task, and where `labelled` with labels that are the task's. Errors: BERTC_USAGE. */
bertc_status bc_dataset_check(const bertc_dataset *dataset, bertc_error *err);

/* The class of an example, in the task's order; -1 where it is not labelled. */
int32_t bc_example_class(const bertc_example *example);

/* "a, b, c" for messages; of many the first, and ", ...". */
void bc_list_names(bc_text *out, const char *const *names, int count);

/* A split from bytes in memory. `columns` is the row of the task's table to read by; `ids` is null
 * unless columns->ids_file is set; `path` names the bytes in messages.
 * Errors: as bertc_dataset_read.  Owns: nothing of its input after it returns. */
bertc_status bc_dataset_parse(const bertc_task *task, bertc_split split, const bertc_columns *columns,
                              const bc_row_ids *ids, const char *bytes, size_t length, const char *path, size_t limit,
                              bertc_dataset **dataset, bertc_error *err);

/* The same from a file. */
bertc_status bc_dataset_read_file(const bertc_task *task, bertc_split split, const bertc_columns *columns,
                                  const bc_row_ids *ids, const char *path, size_t limit, bertc_dataset **dataset,
                                  bertc_error *err);

/* The same row of the table for its texts alone: labels do not count, and no row is left out. */
bertc_columns bc_columns_of_texts(const bertc_columns *columns);

/* `block` of *room elements of `size` bytes with room for one more after `used`, or a larger one; null where memory
 * is out. */
void *bc_grow(void *block, size_t *capacity, size_t used, size_t size);

/* Read all `n` bytes as [+-]digits[.digits][e[+-]digits], "inf", "infinity" or "nan" in any case,
 * under every locale. Exact for up to 15 digits and small exponents, else within a few units in
 * the last place. False where the text is anything else. */
bool bc_parse_number(const char *text, size_t n, double *value);

/* The index of the largest logit; the first of equals. */
int bc_argmax(const float *logits, int count);

/* Errors: BERTC_DIVERGED naming the first example whose logits are not all finite. */
bertc_status bc_check_finite(const bertc_dataset *dataset, const float *logits, bertc_error *err);

/* Append the object of bertc_scores_json. */
void bc_put_scores(bc_text *out, const bertc_task *task, bertc_split split, const bertc_scores *scores);

/* A made-up split in place of one that is not there: the official number of texts (limit 0, or at most that
 * many), as long as the task's are, in single words of the vocabulary, with labels that mean nothing.
 * Errors: BERTC_USAGE where the lengths are not known or the vocabulary has no plain words; BERTC_NOMEM. */
bertc_status bc_synthetic_dataset(const bertc_task *task, bertc_split split, size_t limit, const bertc_vocab *vocab,
                        bertc_dataset **dataset, bertc_error *err);

/* The length that this part (0 to 1) of a task's texts do not exceed, between those stated. */
double bc_task_length(const bertc_task *task, double part);

#endif
