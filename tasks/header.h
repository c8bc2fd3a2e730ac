/* The header of a file of columns.
 *
 * Names are compared in any case and without blanks around them; quotes are part of a name. */
#ifndef BC_TASKS_HEADER_H
#define BC_TASKS_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/status.h"
#include "tasks/lines.h"

#define BC_NO_COLUMN SIZE_MAX /* the index of an absent column */

/* Cut the first column off `rest`, at a TAB; return false after the last column. */
bool bc_take_column(bc_slice *rest, bc_slice *column);

/* Whether the column holds this name; false for a null name. */
bool bc_is_name(bc_slice column, const char *name);

typedef struct bc_heading {
    bc_slice name; /* points into the line, without blanks around it */
    size_t at;     /* index of the column */
} bc_heading;

typedef struct bc_header {
    bc_heading *sorted; /* (count) sorted by name */
    size_t count;
} bc_header;

/* Read the column names of `line`, which must outlive the header. Messages name the file `path`. Errors: BERTC_INPUT if
 * two columns have the same name; BERTC_NOMEM. */
bertc_status bc_header_read(bc_header *header, bc_slice line, const char *path, bertc_error *err);

/* Return the index of the column with this name; BC_NO_COLUMN if there is no such column or `name` is null. */
size_t bc_header_find(const bc_header *header, const char *name);

/* List the columns for messages: "\"id\", \"text\"". Long names are cut. Release the list by bc_free; null if out of
 * memory. */
char *bc_header_list(bc_slice line);

void bc_header_clear(bc_header *header);

#endif
