#include "train/log.h"

#include <errno.h>
#include <fcntl.h>
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

bertc_status bc_log_open(bc_log *log, const char *folder, int64_t length, bertc_error *err)
{
    *log = (bc_log){.fd = -1, .length = length};
    log->path = bc_path_join(folder, name);
    if (!log->path) return bc_fail_memory(err);
    do log->fd = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    while (log->fd < 0 && errno == EINTR);
    if (log->fd < 0) return fail(log, "cannot create", err);
    int done;
    do done = ftruncate(log->fd, (off_t)length);
    while (done != 0 && errno == EINTR);
    return done == 0 ? BERTC_OK : fail(log, "cannot truncate", err);
}

bertc_status bc_log_append(bc_log *log, const char *line, size_t length, bertc_error *err)
{
    while (length > 0) {
        ssize_t n = write(log->fd, line, length);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(log, "cannot write", err);
        line += n;
        length -= (size_t)n;
        log->length += n;
    }
    return BERTC_OK;
}

bertc_status bc_log_sync(bc_log *log, bertc_error *err)
{
    struct stat info;
    if (fsync(log->fd) != 0) return fail(log, "cannot flush", err);
    if (fstat(log->fd, &info) != 0) return fail(log, "cannot stat", err);
    if (info.st_size == log->length) return BERTC_OK;
    return bc_fail(err, BERTC_IO, "%s: has %lld bytes after %lld were written", log->path,
                   (long long)info.st_size, (long long)log->length);
}

void bc_log_close(bc_log *log)
{
    if (log->fd >= 0) {
        close(log->fd);
        if (log->length == 0) unlink(log->path);
    }
    bc_free(log->path);
    *log = (bc_log){.fd = -1};
}

bertc_status bc_log_hash(const char *folder, int64_t length, char out[BC_HASH_HEX],
                         bertc_error *err)
{
    bc_map map;
    char *path = bc_path_join(folder, name);
    bertc_status status = path ? bc_map_open(path, &map, err) : bc_fail_memory(err);
    if (status == BERTC_OK) {
        const bc_part part = {map.bytes, (size_t)length};
        if (map.length < part.length)
            status = bc_fail(err, BERTC_INPUT, "%s: %zu bytes, the checkpoint recorded %zu", path,
                             map.length, part.length);
        else bc_hash(out, &part, 1);
        bc_map_close(&map);
    }
    bc_free(path);
    return status;
}
