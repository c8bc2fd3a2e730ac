/* The names of a table's columns.
 *
 * Names are compared in any case and without blanks around them; in a TSV file, quotes are part of a name. */
#ifndef BC_TASKS_HEADER_H
#define BC_TASKS_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/status.h"
#include "tasks/lines.h"

#define BC_NO_COLUMN SIZE_MAX /* the index of an absent column */

/* Whether the text is this name; false for a null name. */
bool bc_is_name(bc_slice text, const char *name);

typedef struct bc_heading {
    bc_slice name; /* points into the header's bytes, without blanks around it */
    size_t at;     /* index of the column */
} bc_heading;

typedef struct bc_header {
    bc_slice *names;    /* (count) in the order of the columns, as spelled in the file */
    bc_heading *sorted; /* (count) sorted by name */
    size_t count;
    char *bytes;        /* private: the names */
} bc_header;

/* Copy the column names of line `line` of the file `path`. After an error the header is empty.
 * Errors: BERTC_INPUT if two columns have the same name; BERTC_NOMEM. */
bertc_status bc_header_read(bc_header *header, const bc_slice *names, size_t count, const char *path, size_t line,
                            bertc_error *err);

/* Return the index of the column with this name; BC_NO_COLUMN if there is no such column or `name` is null. */
size_t bc_header_find(const bc_header *header, const char *name);
size_t bc_header_find_slice(const bc_header *header, bc_slice name);

/* List the columns for messages: "\"id\", \"text\"". Long names are cut. Release the list by bc_free; null if out of
 * memory. */
char *bc_header_list(const bc_header *header);

void bc_header_clear(bc_header *header);

#endif
