/* log.jsonl: one line for each step and each evaluated split. The lines of a step or an evaluation are one write.
 *
 * A resumed run truncates the file to the length that the checkpoint recorded, so that the log reads as if the run had
 * never stopped. */
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
    bc_hasher *given; /* hash of all lines that were passed to bc_log_append */
    bc_hasher *found; /* hash of the first `checked` bytes, read back from the file */
    int64_t checked;
} bc_log;

/* Open the log to append after its first `length` bytes, which were checked before. 0 gives an empty log. Errors:
 * BERTC_IO, BERTC_NOMEM. */
bertc_status bc_log_open(bc_log *log, bc_folder *folder, int64_t length, bertc_error *err);

bertc_status bc_log_append(bc_log *log, const char *line, size_t length, bertc_error *err);

/* Flush the log and compare its bytes with the appended lines. Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_log_sync(bc_log *log, bertc_error *err);

/* Compute the hash of all appended lines. */
void bc_log_end(const bc_log *log, char out[BC_HASH_HEX]);

/* Close the log, and remove it if it is empty. */
void bc_log_close(bc_log *log);

/* Compute the hash of the first `length` bytes of the log in `folder`. Errors: BERTC_INPUT if the log is missing or
 * shorter; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_log_hash(const bc_folder *folder, int64_t length, char out[BC_HASH_HEX], bertc_error *err);

/* Count the lines of the log in `folder`. Errors: BERTC_INPUT if it is missing; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_log_lines(const bc_folder *folder, size_t *lines, bertc_error *err);

#endif
