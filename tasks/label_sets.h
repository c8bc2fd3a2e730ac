/* Sets of labels in the cells of a table.
 *
 * A set is a cell of one column, or a column for each label:
 *
 *   a JSON list          ["joy", "anger"]: strings, numbers and true or false as they are spelled; always understood
 *   names                joy,anger: names between separators, with or without blanks around them; an empty cell is the
 *                        empty set
 *   a column each label  1, true and 1.0 if the label applies; 0, false and 0.0 if not
 *
 * A cell that begins with '[' and ends with ']' is a JSON list. A name that occurs twice counts once. */
#ifndef BC_TASKS_LABEL_SETS_H
#define BC_TASKS_LABEL_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "tasks/lines.h"

/* The names in a cell. */
typedef struct bc_label_set {
    bc_slice *names; /* (count) point into the cell, or into `list` */
    size_t count, capacity;
    cJSON *list;     /* private: the parsed list */
} bc_label_set;

/* Replace the names by those of a cell, in its order. separator 0: the cell is one name or a list. *reason is set to
 * why the cell is not a set, or to null. bc_label_set_clear releases the set, also after an error. Errors: BERTC_INPUT
 * for a cell that is not a set; BERTC_NOMEM. */
bertc_status bc_label_set_split(bc_label_set *set, bc_slice cell, char separator, const char **reason);
void bc_label_set_clear(bc_label_set *set);

/* Parse a cell of a column that stands for one label. Returns 1 or 0, or -1 for any other text. */
int bc_label_flag(bc_slice cell);

/* Sort labels and keep one of several equal labels. Returns the number of labels that are kept. */
size_t bc_label_set_sort(int32_t *labels, size_t count);

#endif
