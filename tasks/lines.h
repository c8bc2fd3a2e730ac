/* The lines of a text, in memory or a piece of a file at a time.
 *
 * LF or CR LF ends a line, every other byte (NUL too) is text. A line has at most 64 MB; a longer one of a file is
 * refused before it is in memory. */
#ifndef BC_TASKS_LINES_H
#define BC_TASKS_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/file.h"
#include "bertc/status.h"

typedef struct bc_slice {
    const char *at;
    size_t n;
} bc_slice;

/* The order of slices by their bytes, for qsort and bsearch; also of structs that begin with one. */
int bc_slice_order(const void *a, const void *b);

/* How many bytes of a slice a message shows. */
static inline int bc_slice_shown(bc_slice slice)
{
    return slice.n < 60 ? (int)slice.n : 60;
}

typedef struct bc_lines {
    const char *path;       /* for messages */
    const char *next, *end; /* what is still to be read, */
    const bc_input *input;  /* and what of it is not yet in memory; null: nothing */
    size_t at, stop;        /* there: where the next piece begins, where the last one ends */
    char *window;           /* the piece that next and end point into */
    size_t size;            /* of the window */
    size_t line;            /* number of the line last taken */
    bertc_status status;    /* of what was read */
    bertc_error *err;
} bc_lines;

/* Bytes, which stay while they are read; or a file that is open. `path` names them in messages. */
bc_lines bc_lines_of_bytes(const char *bytes, size_t length, const char *path, bertc_error *err);
bc_lines bc_lines_of_file(const bc_input *input, const char *path, bertc_error *err);
void bc_lines_clear(bc_lines *lines);

/* Before the first line: drop a UTF-8 BOM, and find where the last line ends that is not blank, *last.
 * Errors: BERTC_INPUT for UTF-16, or where there is no such line; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_lines_begin(bc_lines *lines, size_t *last);
void bc_lines_skip_bom(bc_lines *lines);

/* Leave out what lies behind `last`. */
void bc_lines_stop_at(bc_lines *lines, size_t last);

/* The next line; false at the end and after an error, which is kept in `status`. What it holds stays until the next
 * call. */
bool bc_lines_take(bc_lines *lines, bc_slice *line);

/* Take this line, which was the last, once more. */
void bc_lines_back(bc_lines *lines, bc_slice line);

bool bc_lines_at_end(const bc_lines *lines);

#endif
