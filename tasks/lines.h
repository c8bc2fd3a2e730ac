/* Read a text line by line, from memory or from a file in pieces of 1 MB; a file may be gzip data.
 *
 * LF or CR LF ends a line; every other byte (NUL too) is text. A line has at most 64 MB; a longer line of a file is an
 * error before it is read into memory. */
#ifndef BC_TASKS_LINES_H
#define BC_TASKS_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/file.h"
#include "base/gzip.h"
#include "bertc/status.h"

/* A part of a text; not NUL-terminated. */
typedef struct bc_slice {
    const char *at;
    size_t n;
} bc_slice;

/* Compare slices by their bytes, for qsort and bsearch; also compares structs that begin with a slice. */
int bc_slice_order(const void *a, const void *b);

/* Return the number of bytes of a slice that a message shows. */
static inline int bc_slice_shown(bc_slice slice)
{
    return slice.n < 60 ? (int)slice.n : 60;
}

/* The maximum length of a line, and of a row of a table, in bytes. */
enum { BC_LONGEST_LINE = 64 << 20 };

typedef struct bc_lines {
    const char *path;       /* for messages */
    const char *next, *end; /* the unread bytes in memory */
    const bc_input *input;  /* the file with the rest of the text; null: the whole text is in memory */
    bc_gzip *gzip;          /* decompresses the file; null: the file is the text itself */
    size_t at;              /* offset in the file of the next piece, without gzip */
    char *window;           /* memory that next and end point into */
    size_t size;            /* bytes of the window */
    size_t line;            /* number of the last line taken, from 1 */
    bertc_status status;    /* the first error */
    bertc_error *err;
} bc_lines;

/* Read bytes, which must outlive the lines. Messages name the text `path`. */
bc_lines bc_lines_of_bytes(const char *bytes, size_t length, const char *path, bertc_error *err);

/* Read an open file, which must outlive the lines. bc_lines_clear releases the lines also after an error. Errors:
 * BERTC_IO, BERTC_NOMEM. */
bertc_status bc_lines_of_file(const bc_input *input, const char *path, bc_lines *lines, bertc_error *err);
void bc_lines_clear(bc_lines *lines);

/* Begin to read: skip a UTF-8 BOM. Errors: BERTC_INPUT for UTF-16, if all lines are blank, and for a file that is not a
 * text (base/magic.h); BERTC_IO, BERTC_NOMEM. */
bertc_status bc_lines_begin(bc_lines *lines);
void bc_lines_skip_bom(bc_lines *lines);

/* Take the next line. Returns false at the end, and after an error, which is then in `status`. The line is valid until
 * the next call. */
bool bc_lines_take(bc_lines *lines, bc_slice *line);

/* Take the next line together with its LF or CR LF, which the last line may lack. */
bool bc_lines_take_raw(bc_lines *lines, bc_slice *line);

/* Push the last line back, so that the next call takes it again. */
void bc_lines_back(bc_lines *lines, bc_slice line);

bool bc_lines_at_end(const bc_lines *lines);

#endif
