#include "train/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

static const char name[] = "log.jsonl";

static bertc_status fail(const bc_log *log, const char *what, bertc_error *err)
{
    bertc_error inner = {0};
    bertc_status status = bc_fail_errno(&inner, log->path, what);
    return bc_fail(err, status == BERTC_INPUT ? BERTC_IO : status, "%s", inner.message);
}

static bertc_status open_file(bc_log *log, int64_t length, bertc_error *err)
{
    do log->fd = open(log->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    while (log->fd < 0 && errno == EINTR);
    if (log->fd < 0) return fail(log, "cannot create", err);
    int done;
    do done = ftruncate(log->fd, (off_t)length);
    while (done != 0 && errno == EINTR);
    return done == 0 ? BERTC_OK : fail(log, "cannot truncate", err);
}

/* Take into `found` what lies behind the bytes that were checked. */
static bertc_status read_back(bc_log *log, bertc_error *err)
{
    enum { PIECE = 1 << 16 };
    char *piece = bc_alloc(PIECE, 1);
    bertc_status status = piece ? BERTC_OK : bc_fail_memory(err);
    while (status == BERTC_OK && log->checked < log->length) {
        int64_t left = log->length - log->checked;
        size_t want = left < PIECE ? (size_t)left : PIECE;
        ssize_t n = bc_read_at(log->fd, piece, want, (off_t)log->checked);
        if (n < 0) status = fail(log, "cannot read back", err);
        else if ((size_t)n < want) status = bc_fail(err, BERTC_IO, "%s: became shorter", log->path);
        if (status != BERTC_OK) break;
        bc_hasher_put(log->found, piece, want);
        log->checked += (int64_t)want;
    }
    bc_free(piece);
    return status;
}

bertc_status bc_log_open(bc_log *log, const char *folder, int64_t length, bertc_error *err)
{
    *log = (bc_log){.fd = -1, .length = length};
    log->path = bc_path_join(folder, name);
    log->given = bc_hasher_new();
    log->found = bc_hasher_new();
    bertc_status status =
        log->path && log->given && log->found ? open_file(log, length, err) : bc_fail_memory(err);
    if (status == BERTC_OK) status = read_back(log, err);
    if (status == BERTC_OK) *log->given = *log->found;
    return status;
}

bertc_status bc_log_append(bc_log *log, const char *line, size_t length, bertc_error *err)
{
    bc_hasher_put(log->given, line, length);
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
        return bc_fail(err, BERTC_IO, "%s: has %lld bytes after %lld were written", log->path,
                       (long long)info.st_size, (long long)log->length);
    bertc_status status = read_back(log, err);
    if (status != BERTC_OK) return status;
    bc_hasher_end(log->given, given);
    bc_hasher_end(log->found, found);
    if (strcmp(given, found) == 0) return BERTC_OK;
    return bc_fail(err, BERTC_IO, "%s: content differs from what was written", log->path);
}

void bc_log_end(const bc_log *log, char out[BC_HASH_HEX])
{
    bc_hasher_end(log->given, out);
}

void bc_log_close(bc_log *log)
{
    if (log->fd >= 0) {
        close(log->fd);
        if (log->length == 0) unlink(log->path);
    }
    bc_free(log->path);
    bc_free(log->given);
    bc_free(log->found);
    *log = (bc_log){.fd = -1};
}

/* The first bytes of a file that are hashed. */
typedef struct start {
    bc_hasher hasher;
    size_t left;
} start;

static void put_start(void *to, const void *bytes, size_t length)
{
    start *s = to;
    if (length > s->left) length = s->left;
    bc_hasher_put(&s->hasher, bytes, length);
    s->left -= length;
}

bertc_status bc_log_hash(const char *folder, int64_t length, char out[BC_HASH_HEX],
                         bertc_error *err)
{
    start s = {.left = (size_t)length};
    size_t whole = 0;
    char *path = bc_path_join(folder, name);
    bc_hasher_begin(&s.hasher);
    bertc_status status = path ? bc_file_scan(path, put_start, &s, &whole, err) : bc_fail_memory(err);
    if (status == BERTC_OK && s.left > 0)
        status = bc_fail(err, BERTC_INPUT, "%s: %zu bytes, the checkpoint recorded %zu", path, whole,
                         (size_t)length);
    if (status == BERTC_OK) bc_hasher_end(&s.hasher, out);
    bc_free(path);
    return status;
}
