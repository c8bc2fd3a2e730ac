/* Files: read whole or mapped, written never by halves.
 *
 * 1. bc_writer writes beside the target, then bc_writer_commit flushes, checks the size against
 *    the bytes handed in, renames over the target and flushes the folder. Until then the old
 *    content stands; bc_writer_abandon leaves nothing behind.
 * 2. The first failed write, fsync or close is final: commit fails and removes the temporary.
 * 3. EINTR is retried and short writes are continued.
 * 4. A link is replaced, not followed, but a device, a pipe or /dev/stdout is written to directly:
 *    nothing can be renamed over it. */
#ifndef BC_BASE_FILE_H
#define BC_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "bertc/status.h"

/* The whole file, NUL-terminated one past its length, released by bc_free. */
bertc_status bc_file_read(const char *path, char **text, size_t *length, bertc_error *err);

/* The whole file, a piece at a time in a buffer of its own: `take` gets each. *length: of the file. */
bertc_status bc_file_scan(const char *path, void (*take)(void *to, const void *bytes, size_t length),
                          void *to, size_t *length, bertc_error *err);

/* Is there a file to be read? Only a name that nothing stands for is absent. Errors: BERTC_INPUT for a link to
 * nothing, or what is no regular file; BERTC_IO where it cannot be told; BERTC_NOMEM. */
bertc_status bc_file_find(const char *path, bool *found, bertc_error *err);

bool bc_folder_exists(const char *path); /* a folder */

/* Read-only view of a file. Zero-length files give bytes == "" and length 0. */
typedef struct bc_map {
    const unsigned char *bytes;
    size_t length;
} bc_map;
bertc_status bc_map_open(const char *path, bc_map *map, bertc_error *err);
void bc_map_close(bc_map *map);

typedef struct bc_writer {
    char *path, *temporary;
    int fd;
    size_t written;
    bool created, direct, failed;
    unsigned char *buffer;
    size_t buffered;
    bertc_error error; /* the first failure */
} bc_writer;

bertc_status bc_writer_open(bc_writer *writer, const char *path, bertc_error *err);
void bc_writer_put(bc_writer *writer, const void *bytes, size_t length); /* errors are kept */
void bc_writer_printf(bc_writer *writer, const char *format, ...) BERTC_PRINTF(2, 3);
bertc_status bc_writer_commit(bc_writer *writer, bertc_error *err); /* also releases it */
void bc_writer_abandon(bc_writer *writer);                          /* safe after commit */

/* A whole small file at once. */
bertc_status bc_file_write(const char *path, const void *bytes, size_t length, bertc_error *err);

/* mkdir -p; an existing folder is fine. */
bertc_status bc_folder_create(const char *path, bertc_error *err);

/* fsync a folder, so that names in it survive a power loss. */
bertc_status bc_folder_sync(const char *path, bertc_error *err);

/* "folder/name" as an owned string (bc_free); null where memory is out. */
char *bc_path_join(const char *folder, const char *name);

#endif
