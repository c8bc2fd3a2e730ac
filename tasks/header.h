/* The first line of a file of columns, and where in it a name stands.
 *
 * Names are compared in any case and without blanks around them; quotes are part of a name. */
#ifndef BC_TASKS_HEADER_H
#define BC_TASKS_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/status.h"
#include "tasks/lines.h"

#define BC_NOWHERE SIZE_MAX /* the number of a column that is not there */

/* Cut the first column off `rest`, at a TAB; false after the last. */
bool bc_take_column(bc_slice *rest, bc_slice *column);

/* Whether the column holds this name; none holds null. */
bool bc_is_name(bc_slice column, const char *name);

typedef struct bc_heading {
    bc_slice name; /* points into the line, without blanks around it */
    size_t at;     /* number of the column */
} bc_heading;

typedef struct bc_header {
    bc_heading *sorted; /* (count) by name */
    size_t count;
} bc_header;

/* Take the columns of `line`, which outlives the header; `path` names it in messages.
 * Errors: BERTC_INPUT where a name stands twice; BERTC_NOMEM. */
bertc_status bc_header_read(bc_header *header, bc_slice line, const char *path, bertc_error *err);

/* The number of the column of this name, or BC_NOWHERE; null stands nowhere. */
size_t bc_header_find(const bc_header *header, const char *name);

/* The columns for messages, "\"id\", \"text\"", long ones cut. Released by bc_free; null where memory is out. */
char *bc_header_list(bc_slice line);

void bc_header_clear(bc_header *header);

#endif
