/* log.jsonl: one line per step and per evaluation, appended with one write each.
 *
 * A run that goes on from a checkpoint cuts the file to the length that the checkpoint recorded,
 * so that it reads as if the run had never stopped. */
#ifndef BC_RUN_LOG_H
#define BC_RUN_LOG_H

#include <stdint.h>

#include "base/hash.h"
#include "base/text.h"
#include "bertc/status.h"
#include "run/folder.h"

typedef struct bc_log {
    const bc_folder *folder;
    int fd; /* -1: not open */
    int64_t length;
    bc_hasher *given; /* of all lines as they were handed in, */
    bc_hasher *found; /* and of those that were read back: */
    int64_t checked;  /* the first bytes */
} bc_log;

/* Open for appending after the first `length` bytes, which are as they were handed in; 0 makes a new file.
 * Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_log_open(bc_log *log, bc_folder *folder, int64_t length, bertc_error *err);

bertc_status bc_log_append(bc_log *log, const char *line, size_t length, bertc_error *err);

/* Flush, and compare what is there with what was handed in. Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_log_sync(bc_log *log, bertc_error *err);

/* The hash of all lines, as they were handed in. */
void bc_log_end(const bc_log *log, char out[BC_HASH_HEX]);

/* Close; a log without a line is removed. */
void bc_log_close(bc_log *log);

/* The hash of the first `length` bytes of the log in `folder`. Errors: BERTC_INPUT where there are not
 * so many; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_log_hash(const bc_folder *folder, int64_t length, char out[BC_HASH_HEX], bertc_error *err);

/* How many lines it has. Errors: the same. */
bertc_status bc_log_lines(const bc_folder *folder, size_t *lines, bertc_error *err);

#endif
