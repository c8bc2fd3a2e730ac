/* The columns of a table that a data set keeps besides the texts and labels (bertc_columns.keep). */
#ifndef BC_TASKS_KEPT_H
#define BC_TASKS_KEPT_H

#include "bertc/task.h"
#include "tasks/table.h"

/* Choose the kept columns, and copy their names to the data set. columns (num_kept) out, released by bc_free.
 * Errors: BERTC_INPUT for a name that the table does not have, and for a table without names; BERTC_USAGE for a name
 * that is listed twice; BERTC_NOMEM. */
bertc_status bc_kept_choose(bertc_dataset *set, bc_table *table, const char *keep, size_t **columns, bertc_error *err);

#endif
