/* Writing files that are never half-written.
 *
 * 1. bc_writer writes a temporary file. bc_writer_commit flushes it, compares its size and hash with those of the bytes
 *    that were passed to bc_writer_put, renames it over the target and flushes the folder. Until then the target is
 *    unchanged. bc_writer_abandon removes the temporary file.
 * 2. The first failed write, fsync or close is final: commit fails and removes the temporary file.
 * 3. EINTR is retried and short writes are continued.
 * 4. A link is replaced, not followed. A path that is a device, a pipe or /dev/stdout is written to directly, because
 *    nothing can be renamed over it; bc_writer_open_in refuses such names. */
#ifndef BC_BASE_WRITER_H
#define BC_BASE_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/dir.h"
#include "base/hash.h"
#include "bertc/status.h"

/* Size and hash (like that of bc_hash_file) of a file, computed from the bytes that were handed to its writer. */
typedef struct bc_file_hash {
    char *path;
    size_t bytes;
    char hash[BC_HASH_HEX];
} bc_file_hash;

/* The files that were written, one entry for each path. Starts as {0}. */
typedef struct bc_file_hashes {
    bc_file_hash *files;
    size_t count;
} bc_file_hashes;

const bc_file_hash *bc_file_hashes_find(const bc_file_hashes *hashes, const char *path); /* null if absent */
void bc_file_hashes_clear(bc_file_hashes *hashes);

typedef struct bc_writer {
    const bc_dir *dir;
    char *name, *temporary; /* names in `dir` of the target and of the temporary file */
    int fd;
    size_t written;         /* number of bytes passed to bc_writer_put */
    bc_hasher *hasher;      /* hash state of these bytes */
    char hash[BC_HASH_HEX]; /* their hash, set by commit */
    bc_file_hashes *hashes; /* commit adds the file here; may be null */
    bool created, direct, failed;
    unsigned char *buffer;
    size_t buffered;
    bertc_error error; /* the first failure */
} bc_writer;

bertc_status bc_writer_open(bc_writer *writer, const char *path, bertc_error *err);

/* Open a writer for `name` in a folder. `dir` must stay open until commit or abandon. */
bertc_status bc_writer_open_in(bc_writer *writer, const bc_dir *dir, const char *name, bertc_error *err);

void bc_writer_put(bc_writer *writer, const void *bytes, size_t length); /* commit reports errors */
void bc_writer_printf(bc_writer *writer, const char *format, ...) BERTC_PRINTF(2, 3);
bertc_status bc_writer_commit(bc_writer *writer, bertc_error *err); /* also releases it */
void bc_writer_abandon(bc_writer *writer);                          /* safe after commit */

/* Write a small file at once and add it to `hashes`, which may be null. */
bertc_status bc_file_write_in(const bc_dir *dir, const char *name, const void *bytes, size_t length,
                              bc_file_hashes *hashes, bertc_error *err);

/* Copy the file `from` by pieces and add the copy to `hashes`, which may be null. */
bertc_status bc_file_copy(const char *from, const bc_dir *dir, const char *name, bc_file_hashes *hashes,
                          bertc_error *err);

#endif
