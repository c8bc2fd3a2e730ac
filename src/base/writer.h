/* Files that are written, never by halves.
 *
 * 1. bc_writer writes beside the target, then bc_writer_commit flushes, compares size and content with
 *    the bytes handed in (by a hash of these), renames over the target and flushes the folder. Until then the old
 *    content stands; bc_writer_abandon leaves nothing behind.
 * 2. The first failed write, fsync or close is final: commit fails and removes the temporary.
 * 3. EINTR is retried and short writes are continued.
 * 4. A link is replaced, not followed. A device, a pipe or /dev/stdout that a path names is written to
 *    directly: nothing can be renamed over it. In an open folder it is refused. */
#ifndef BC_BASE_WRITER_H
#define BC_BASE_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/dir.h"
#include "base/hash.h"
#include "bertc/status.h"

/* The files that were written: their size and hash (as bc_hash_file's) as they were handed in. Starts as {0}. */
typedef struct bc_file_hash {
    char *path;
    size_t bytes;
    char hash[BC_HASH_HEX];
} bc_file_hash;

typedef struct bc_file_hashes {
    bc_file_hash *files;
    size_t count;
} bc_file_hashes;

const bc_file_hash *bc_file_hashes_find(const bc_file_hashes *hashes, const char *path); /* null: none */
void bc_file_hashes_clear(bc_file_hashes *hashes);

typedef struct bc_writer {
    const bc_dir *dir;
    char *name, *temporary; /* in it */
    int fd;
    size_t written;
    bc_hasher *hasher; /* of what was handed in, */
    char hash[BC_HASH_HEX]; /* and its end */
    bc_file_hashes *hashes; /* where a commit notes it; null: nowhere */
    bool created, direct, failed;
    unsigned char *buffer;
    size_t buffered;
    bertc_error error; /* the first failure */
} bc_writer;

bertc_status bc_writer_open(bc_writer *writer, const char *path, bertc_error *err);

/* The same in a folder, which stays open until commit or abandon. */
bertc_status bc_writer_open_in(bc_writer *writer, const bc_dir *dir, const char *name, bertc_error *err);

void bc_writer_put(bc_writer *writer, const void *bytes, size_t length); /* errors are kept */
void bc_writer_printf(bc_writer *writer, const char *format, ...) BERTC_PRINTF(2, 3);
bertc_status bc_writer_commit(bc_writer *writer, bertc_error *err); /* also releases it */
void bc_writer_abandon(bc_writer *writer);                          /* safe after commit */

/* A whole small file at once, noted in `ledger` unless that is null. */
bertc_status bc_file_write_in(const bc_dir *dir, const char *name, const void *bytes, size_t length,
                              bc_file_hashes *hashes, bertc_error *err);

/* A copy of a file, by pieces. */
bertc_status bc_file_copy(const char *from, const bc_dir *dir, const char *name, bc_file_hashes *hashes,
                          bertc_error *err);

#endif
