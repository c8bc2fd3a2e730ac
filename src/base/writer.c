#include "base/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

enum { BUFFER = 1 << 16, PIECE = 1 << 20 };

/* Record the first failure of a writer. */
static void writer_fail(bc_writer *writer, const char *what)
{
    writer->failed = true;
    bc_dir_fail(writer->dir, writer->name, what, &writer->error);
}

/* Return the descriptor that the path stands for (/dev/stdout, /dev/fd/3), or -1. The writer uses a duplicate of it:
 * opening the path again would start at offset 0 and overwrite the file. */
static int path_descriptor(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    if (strcmp(path, "/dev/stdout") == 0) return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0) return STDERR_FILENO;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        size_t n = strlen(folders[i]);
        char *end = NULL;
        long number = strncmp(path, folders[i], n) == 0 ? strtol(path + n, &end, 10) : -1;
        if (end && end > path + n && !*end && number >= 0 && number <= INT_MAX) return (int)number;
    }
    return -1;
}

/* Check that `name` may be replaced: it is a file, a link or absent. */
static bertc_status check_target(const bc_dir *dir, const char *name, bertc_error *err)
{
    struct stat info;
    errno = 0;
    if (fstatat(dir->fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? BERTC_OK : bc_dir_fail(dir, name, "cannot create", err);
    if (S_ISREG(info.st_mode) || S_ISLNK(info.st_mode)) return BERTC_OK;
    errno = S_ISDIR(info.st_mode) ? EISDIR : EEXIST;
    return bc_dir_fail(dir, name, "cannot create", err);
}

/* Create the temporary file; remove first what a killed process left there. */
static bertc_status create(bc_writer *writer, bertc_error *err)
{
    const bc_dir *dir = writer->dir;
    bc_entry kind;
    bertc_status status = bc_dir_entry(dir, writer->temporary, &kind, err);
    if (status == BERTC_OK && kind == BC_ENTRY_FILE) status = bc_dir_remove(dir, writer->temporary, err);
    if (status != BERTC_OK) return status;
    do writer->fd = openat(dir->fd, writer->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    while (writer->fd < 0 && errno == EINTR);
    writer->created = writer->fd >= 0;
    return writer->created ? BERTC_OK : bc_dir_fail(dir, writer->name, "cannot create", err);
}

/* Open a device, a pipe or a descriptor for direct writing. */
static bertc_status open_special(bc_writer *writer, bertc_error *err)
{
    int own = path_descriptor(writer->name);
    writer->direct = true;
    do writer->fd = own >= 0 ? fcntl(own, F_DUPFD_CLOEXEC, 0) : open(writer->name, O_WRONLY | O_CLOEXEC);
    while (writer->fd < 0 && errno == EINTR);
    return writer->fd >= 0 ? BERTC_OK : bc_dir_fail(writer->dir, writer->name, "cannot create", err);
}

/* Open a writer. `special`: `name` is a device, a pipe or an open descriptor, which no file may replace. */
static bertc_status open_writer(bc_writer *writer, const bc_dir *dir, const char *name, bool special, bertc_error *err)
{
    size_t length = strlen(name);
    *writer = (bc_writer){.fd = -1, .dir = dir};
    writer->name = bc_strndup(name, length);
    writer->temporary = bc_alloc(length + sizeof ".tmp", 1);
    writer->buffer = bc_alloc(BUFFER, 1);
    writer->hasher = bc_hasher_new();
    bool allocated = writer->name && writer->temporary && writer->buffer && writer->hasher;
    bertc_status status = allocated ? BERTC_OK : bc_fail_memory(err);
    if (allocated) sprintf(writer->temporary, "%s.tmp", name);
    if (status == BERTC_OK && special) status = open_special(writer, err);
    if (status == BERTC_OK && !special) status = check_target(dir, name, err);
    if (status == BERTC_OK && !special) status = create(writer, err);
    if (status != BERTC_OK) bc_writer_abandon(writer);
    return status;
}

bertc_status bc_writer_open(bc_writer *writer, const char *path, bertc_error *err)
{
    struct stat info;
    bool special =
        path_descriptor(path) >= 0 || (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode));
    return open_writer(writer, &bc_working_dir, path, special, err);
}

bertc_status bc_writer_open_in(bc_writer *writer, const bc_dir *dir, const char *name, bertc_error *err)
{
    return open_writer(writer, dir, name, false, err);
}

static void write_all(bc_writer *writer, const unsigned char *bytes, size_t length)
{
    while (length > 0 && !writer->failed) {
        ssize_t n = write(writer->fd, bytes, length);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = EIO;
        if (n <= 0) {
            writer_fail(writer, "cannot write");
            return;
        }
        bytes += n;
        length -= (size_t)n;
    }
}

static void flush(bc_writer *writer)
{
    write_all(writer, writer->buffer, writer->buffered);
    writer->buffered = 0;
}

void bc_writer_put(bc_writer *writer, const void *bytes, size_t length)
{
    if (writer->failed || length == 0) return;
    writer->written += length;
    bc_hasher_update(writer->hasher, bytes, length);
    if (length >= BUFFER - writer->buffered) flush(writer);
    if (length >= BUFFER) {
        write_all(writer, bytes, length);
        return;
    }
    memcpy(writer->buffer + writer->buffered, bytes, length);
    writer->buffered += length;
}

void bc_writer_printf(bc_writer *writer, const char *format, ...)
{
    char small[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (n < 0) {
        writer_fail(writer, "cannot format");
        return;
    }
    if ((size_t)n < sizeof small) {
        bc_writer_put(writer, small, (size_t)n);
        return;
    }
    char *large = bc_realloc(NULL, (size_t)n + 1, 1);
    if (!large) {
        errno = ENOMEM;
        writer_fail(writer, "cannot format");
        return;
    }
    va_start(args, format);
    vsnprintf(large, (size_t)n + 1, format, args);
    va_end(args);
    bc_writer_put(writer, large, (size_t)n);
    bc_free(large);
}

/* Flush to the device, then compare size and hash of the file with those of the bytes that were to be written. */
static void verify(bc_writer *writer)
{
    struct stat info;
    bc_hasher there;
    char found[BC_HASH_HEX];
    if (!writer->failed && fsync(writer->fd) != 0) writer_fail(writer, "cannot flush");
    if (!writer->failed && fstat(writer->fd, &info) != 0) writer_fail(writer, "cannot stat");
    if (!writer->failed && (size_t)info.st_size != writer->written) {
        errno = EIO;
        writer_fail(writer, "size differs from what was written");
    }
    bc_hasher_init(&there);
    for (size_t at = 0, n; at < writer->written && !writer->failed; at += n) {
        n = writer->written - at < BUFFER ? writer->written - at : BUFFER;
        ssize_t got = bc_read_at(writer->fd, writer->buffer, n, (off_t)at);
        if (got < 0) writer_fail(writer, "cannot read back");
        else bc_hasher_update(&there, writer->buffer, (size_t)got);
    }
    bc_hasher_digest(&there, found);
    bc_hasher_digest(writer->hasher, writer->hash);
    if (writer->failed || strcmp(found, writer->hash) == 0) return;
    errno = EIO;
    writer_fail(writer, "content differs from what was written");
}

/* ---- Hashes of written files --------------------------------------------------------------- */

const bc_file_hash *bc_file_hashes_find(const bc_file_hashes *hashes, const char *path)
{
    for (size_t i = 0; i < hashes->count; i++)
        if (strcmp(hashes->files[i].path, path) == 0) return &hashes->files[i];
    return NULL;
}

/* Add or replace the entry of the written file in `hashes`; false if memory runs out. */
static bool add_hash(const bc_writer *writer)
{
    bc_file_hashes *hashes = writer->hashes;
    char *path = bc_path_join(writer->dir->path, writer->name);
    if (!path) return false;
    const bc_file_hash *known = bc_file_hashes_find(hashes, path);
    size_t at = known ? (size_t)(known - hashes->files) : hashes->count;
    bc_file_hash *files = known ? hashes->files : bc_realloc(hashes->files, at + 1, sizeof *files);
    if (known || !files) bc_free(path);
    if (!files) return false;
    if (!known) files[hashes->count++].path = path;
    hashes->files = files;
    files[at].bytes = writer->written;
    memcpy(files[at].hash, writer->hash, sizeof files[at].hash);
    return true;
}

void bc_file_hashes_clear(bc_file_hashes *hashes)
{
    for (size_t i = 0; i < hashes->count; i++) bc_free(hashes->files[i].path);
    bc_free(hashes->files);
    *hashes = (bc_file_hashes){0};
}

bertc_status bc_writer_commit(bc_writer *writer, bertc_error *err)
{
    flush(writer);
    if (!writer->direct) verify(writer);
    int fd = writer->fd;
    writer->fd = -1;
    if (close(fd) != 0 && !writer->failed) writer_fail(writer, "cannot close");
    if (!writer->failed && writer->hashes && !add_hash(writer)) {
        writer->failed = true;
        bc_fail_memory(&writer->error);
    }
    if (!writer->failed && !writer->direct &&
        renameat(writer->dir->fd, writer->temporary, writer->dir->fd, writer->name) != 0)
        writer_fail(writer, "cannot rename");
    bertc_status status = BERTC_OK;
    if (writer->failed) {
        status = bc_fail(err, writer->error.status, "%s", writer->error.message);
    } else if (!writer->direct) {
        writer->created = false;
        status = bc_dir_sync_parent(writer->dir, writer->name, err);
    }
    bc_writer_abandon(writer);
    return status;
}

void bc_writer_abandon(bc_writer *writer)
{
    if (writer->fd >= 0) close(writer->fd);
    if (writer->created) unlinkat(writer->dir->fd, writer->temporary, 0);
    bc_free(writer->name);
    bc_free(writer->temporary);
    bc_free(writer->buffer);
    bc_free(writer->hasher);
    *writer = (bc_writer){.fd = -1};
}

bertc_status bc_file_write_in(const bc_dir *dir, const char *name, const void *bytes, size_t length,
                              bc_file_hashes *hashes, bertc_error *err)
{
    bc_writer writer;
    bertc_status status = bc_writer_open_in(&writer, dir, name, err);
    if (status != BERTC_OK) return status;
    writer.hashes = hashes;
    bc_writer_put(&writer, bytes, length);
    return bc_writer_commit(&writer, err);
}

bertc_status bc_file_copy(const char *from, const bc_dir *dir, const char *name, bc_file_hashes *hashes,
                          bertc_error *err)
{
    bc_input input;
    bc_writer writer;
    char *piece = bc_alloc(PIECE, 1);
    bertc_status status = piece ? bc_input_open(from, &input, err) : bc_fail_memory(err);
    if (status == BERTC_OK) {
        status = bc_writer_open_in(&writer, dir, name, err);
        for (size_t at = 0, n; status == BERTC_OK && at < input.size; at += n) {
            n = input.size - at < PIECE ? input.size - at : PIECE;
            status = bc_input_read(&input, piece, n, at, err);
            if (status == BERTC_OK) bc_writer_put(&writer, piece, n);
        }
        if (status == BERTC_OK) status = bc_input_check(&input, err);
        writer.hashes = hashes;
        if (status == BERTC_OK) status = bc_writer_commit(&writer, err);
        bc_writer_abandon(&writer);
        bc_input_close(&input);
    }
    bc_free(piece);
    return status;
}
