#include "run/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "run/journal.h"

static const char name[] = BC_RUN_LOG;

enum { PIECE = 1 << 16 };

static bertc_status fail(const bc_log *log, const char *what, bertc_error *err)
{
    return bc_dir_fail(&log->folder->root, name, what, err);
}

static bertc_status open_file(bc_log *log, bc_folder *folder, int64_t length, bertc_error *err)
{
    bertc_status status = bc_folder_claim(folder, &folder->root, name, err);
    if (status == BERTC_OK) status = bc_dir_file(&folder->root, name, O_RDWR | O_CREAT | O_APPEND, &log->fd, err);
    if (status == BERTC_OK) status = bc_dir_sync(&folder->root, err);
    if (status != BERTC_OK) return status;
    int done;
    do done = ftruncate(log->fd, (off_t)length);
    while (done != 0 && errno == EINTR);
    return done == 0 ? BERTC_OK : fail(log, "cannot truncate", err);
}

/* Read the bytes after `checked` and add them to the hash `found`. */
static bertc_status read_back(bc_log *log, bertc_error *err)
{
    char *piece = bc_alloc(PIECE, 1);
    bertc_status status = piece ? BERTC_OK : bc_fail_memory(err);
    while (status == BERTC_OK && log->checked < log->length) {
        int64_t left = log->length - log->checked;
        size_t want = left < PIECE ? (size_t)left : PIECE;
        ssize_t n = bc_read_at(log->fd, piece, want, (off_t)log->checked);
        if (n < 0) status = fail(log, "cannot read back", err);
        else if ((size_t)n < want)
            status = bc_fail(err, BERTC_IO, "%s/%s: became shorter", log->folder->path, name);
        if (status != BERTC_OK) break;
        bc_hasher_update(log->found, piece, want);
        log->checked += (int64_t)want;
    }
    bc_free(piece);
    return status;
}

bertc_status bc_log_open(bc_log *log, bc_folder *folder, int64_t length, bertc_error *err)
{
    *log = (bc_log){.folder = folder, .fd = -1, .length = length};
    log->given = bc_hasher_new();
    log->found = bc_hasher_new();
    bertc_status status = log->given && log->found ? open_file(log, folder, length, err) : bc_fail_memory(err);
    if (status == BERTC_OK) status = read_back(log, err);
    if (status == BERTC_OK) *log->given = *log->found;
    return status;
}

bertc_status bc_log_append(bc_log *log, const char *line, size_t length, bertc_error *err)
{
    bc_hasher_update(log->given, line, length);
    while (length > 0) {
        ssize_t n = write(log->fd, line, length);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = EIO;
        if (n <= 0) return fail(log, "cannot write", err);
        line += n;
        length -= (size_t)n;
        log->length += n;
    }
    return BERTC_OK;
}

bertc_status bc_log_sync(bc_log *log, bertc_error *err)
{
    struct stat info;
    char given[BC_HASH_HEX], found[BC_HASH_HEX];
    if (fsync(log->fd) != 0) return fail(log, "cannot flush", err);
    if (fstat(log->fd, &info) != 0) return fail(log, "cannot stat", err);
    if (info.st_size != log->length)
        return bc_fail(err, BERTC_IO, "%s/%s: has %lld bytes, but %lld were written", log->folder->path, name,
                       (long long)info.st_size, (long long)log->length);
    bertc_status status = read_back(log, err);
    if (status != BERTC_OK) return status;
    bc_hasher_digest(log->given, given);
    bc_hasher_digest(log->found, found);
    if (strcmp(given, found) == 0) return BERTC_OK;
    return bc_fail(err, BERTC_IO, "%s/%s: content differs from what was written", log->folder->path, name);
}

void bc_log_end(const bc_log *log, char out[BC_HASH_HEX])
{
    bc_hasher_digest(log->given, out);
}

void bc_log_close(bc_log *log)
{
    if (log->fd >= 0) {
        close(log->fd);
        if (log->length == 0) bc_folder_remove(log->folder, &log->folder->root, name);
    }
    bc_free(log->given);
    bc_free(log->found);
    *log = (bc_log){.fd = -1};
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* Pass the first bytes of the log, at most `max`, to `take` in pieces. A missing log is BERTC_INPUT, like a damaged
 * log. */
static bertc_status scan(const bc_folder *folder, int64_t max, void (*take)(void *to, const void *bytes, size_t length),
                         void *to, int64_t *found, bertc_error *err)
{
    bc_entry entry;
    int fd;
    ssize_t n = 1;
    *found = 0;
    bertc_status status = bc_dir_entry(&folder->root, name, &entry, err);
    if (status == BERTC_OK && entry == BC_ENTRY_NONE)
        return bc_fail(err, BERTC_INPUT, "%s/%s: cannot open: No such file or directory", folder->path, name);
    if (status == BERTC_OK) status = bc_dir_file(&folder->root, name, O_RDONLY, &fd, err);
    if (status != BERTC_OK) return status;
    char *piece = bc_alloc(PIECE, 1);
    if (!piece) status = bc_fail_memory(err);
    while (status == BERTC_OK && *found < max && n > 0) {
        n = bc_read_at(fd, piece, max - *found < PIECE ? (size_t)(max - *found) : PIECE, (off_t)*found);
        if (n < 0) status = bc_dir_fail(&folder->root, name, "cannot read", err);
        if (n > 0) take(to, piece, (size_t)n);
        if (n > 0) *found += n;
    }
    bc_free(piece);
    close(fd);
    return status;
}

bertc_status bc_log_hash(const bc_folder *folder, int64_t length, char out[BC_HASH_HEX], bertc_error *err)
{
    bc_hasher hasher;
    int64_t found;
    bc_hasher_init(&hasher);
    bertc_status status = scan(folder, length, bc_hasher_update, &hasher, &found, err);
    if (status == BERTC_OK && found < length)
        status = bc_fail(err, BERTC_INPUT, "%s/%s: %lld bytes, the checkpoint recorded %lld", folder->path, name,
                         (long long)found, (long long)length);
    if (status == BERTC_OK) bc_hasher_digest(&hasher, out);
    return status;
}

static void add_lines(void *sum, const void *bytes, size_t length)
{
    size_t lines = 0;
    for (size_t i = 0; i < length; i++) lines += ((const char *)bytes)[i] == '\n';
    *(size_t *)sum += lines;
}

bertc_status bc_log_lines(const bc_folder *folder, size_t *lines, bertc_error *err)
{
    int64_t found;
    *lines = 0;
    return scan(folder, INT64_MAX, add_lines, lines, &found, err);
}
