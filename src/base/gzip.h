/* Read a gzip file piece by piece (zlib; RFC 1952).
 *
 * 1. A file may consist of several gzip members, as `cat a.gz b.gz` makes them: their texts follow each other.
 * 2. The checksum and the length of each member are checked. Truncated or damaged data and bytes after the last member
 *    are errors that state the offset in the compressed file.
 * 3. No number from the file sizes an allocation. */
#ifndef BC_BASE_GZIP_H
#define BC_BASE_GZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/file.h"
#include "bertc/status.h"

typedef struct bc_gzip bc_gzip;

/* Find out by the first bytes whether a file is gzip data. Errors: BERTC_IO. */
bertc_status bc_gzip_find(const bc_input *input, bool *found, bertc_error *err);

/* Begin to read a file, which must stay open as long as the reader. Errors: BERTC_NOMEM. */
bertc_status bc_gzip_open(const bc_input *input, bc_gzip **gzip, bertc_error *err);

/* Read the next `length` bytes of the text; *got is less only at the end of the text. Errors: BERTC_INPUT for damaged
 * data; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_gzip_read(bc_gzip *gzip, char *to, size_t length, size_t *got, bertc_error *err);

/* Whether the end of the text was reached. */
bool bc_gzip_ended(const bc_gzip *gzip);

void bc_gzip_close(bc_gzip *gzip); /* null: no effect */

#endif
