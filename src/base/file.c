#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"

enum { BUFFER = 1 << 16, PIECE = 1 << 20 };

static int open_retry(const char *path, int flags, mode_t mode)
{
    int fd;
    do fd = open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* Open for reading; on success *size is that of a regular file. O_NONBLOCK: a named pipe is refused,
 * not waited for. */
static bertc_status open_regular(const char *path, int *fd, size_t *size, bertc_error *err)
{
    *fd = open_retry(path, O_RDONLY | O_NONBLOCK, 0);
    if (*fd < 0) return bc_fail_errno(err, path, "cannot open");
    struct stat info;
    bertc_status status = BERTC_OK;
    if (fstat(*fd, &info) != 0) status = bc_fail_errno(err, path, "cannot stat");
    else if (!S_ISREG(info.st_mode))
        status = bc_fail(err, BERTC_INPUT, "%s: not a regular file", path);
    else *size = (size_t)info.st_size;
    if (status != BERTC_OK) close(*fd);
    return status;
}

static bertc_status read_all(int fd, const char *path, char *to, size_t size, bertc_error *err)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = read(fd, to + done, size - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return bc_fail_errno(err, path, "cannot read");
        if (n == 0) return bc_fail(err, BERTC_IO, "%s: file shrank while it was read", path);
        done += (size_t)n;
    }
    return BERTC_OK;
}

bertc_status bc_file_read(const char *path, char **text, size_t *length, bertc_error *err)
{
    int fd;
    size_t size = 0;
    bertc_status status = open_regular(path, &fd, &size, err);
    if (status != BERTC_OK) return status;
    size_t room;
    char *bytes = bc_size_add(size, 1, &room) ? bc_alloc(room, 1) : NULL;
    status = bytes ? read_all(fd, path, bytes, size, err) : bc_fail_memory(err);
    close(fd);
    if (status != BERTC_OK) {
        bc_free(bytes);
        return status;
    }
    bytes[size] = '\0';
    *text = bytes;
    *length = size;
    return BERTC_OK;
}

bertc_status bc_file_scan(const char *path, void (*take)(void *to, const void *bytes, size_t length),
                          void *to, size_t *length, bertc_error *err)
{
    int fd;
    bertc_status status = open_regular(path, &fd, length, err);
    if (status != BERTC_OK) return status;
    char *piece = bc_alloc(PIECE, 1);
    if (!piece) status = bc_fail_memory(err);
    for (size_t left = *length, n; status == BERTC_OK && left > 0; left -= n) {
        n = left < PIECE ? left : PIECE;
        status = read_all(fd, path, piece, n, err);
        if (status == BERTC_OK) take(to, piece, n);
    }
    bc_free(piece);
    close(fd);
    return status;
}

/* Refuse the link to nothing that made stat(path) say that there is nothing: the path itself, or a folder above
 * it. `part` is a copy of the path, which is cut. */
static bertc_status refuse_dangling(char *part, bertc_error *err)
{
    struct stat info, there;
    char target[PATH_MAX];
    while (lstat(part, &info) != 0) {
        char *slash = strrchr(part, '/');
        if (errno != ENOENT) return bc_fail_errno(err, part, "cannot stat");
        if (!slash || slash == part) return BERTC_OK;
        *slash = '\0';
    }
    if (!S_ISLNK(info.st_mode) || stat(part, &there) == 0) return BERTC_OK;
    ssize_t n = readlink(part, target, sizeof target - 1);
    return bc_fail(err, BERTC_INPUT, "%s: a link to \"%.*s\", which is not there", part, n > 0 ? (int)n : 0, target);
}

bertc_status bc_file_find(const char *path, bool *found, bertc_error *err)
{
    struct stat info;
    *found = stat(path, &info) == 0;
    if (*found && S_ISREG(info.st_mode)) return BERTC_OK;
    if (*found) return bc_fail(err, BERTC_INPUT, "%s: not a regular file", path);
    if (errno != ENOENT) return bc_fail_errno(err, path, "cannot stat");
    char *part = bc_strndup(path, strlen(path));
    bertc_status status = part ? refuse_dangling(part, err) : bc_fail_memory(err);
    bc_free(part);
    return status;
}

bool bc_folder_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bertc_status bc_map_open(const char *path, bc_map *map, bertc_error *err)
{
    int fd;
    size_t size = 0;
    *map = (bc_map){(const unsigned char *)"", 0};
    bertc_status status = open_regular(path, &fd, &size, err);
    if (status != BERTC_OK) return status;
    if (size > 0) {
        void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED && errno == ENOMEM)
            status = bc_fail(err, BERTC_NOMEM, "%s: no room in the address space to map %zu MB (ulimit -v)", path,
                             size >> 20);
        else if (bytes == MAP_FAILED) status = bc_fail_errno(err, path, "cannot map");
        else *map = (bc_map){bytes, size};
    }
    close(fd);
    return status;
}

void bc_map_close(bc_map *map)
{
    if (map->length > 0) munmap((void *)(uintptr_t)map->bytes, map->length);
    *map = (bc_map){NULL, 0};
}

char *bc_path_join(const char *folder, const char *name)
{
    size_t a = strlen(folder), b = strlen(name), room;
    while (a > 1 && folder[a - 1] == '/') a--;
    if (!bc_size_add(a, b, &room) || !bc_size_add(room, 2, &room)) return NULL;
    char *path = bc_realloc(NULL, room, 1);
    if (!path) return NULL;
    memcpy(path, folder, a);
    size_t at = a;
    if (a > 0 && folder[a - 1] != '/') path[at++] = '/';
    memcpy(path + at, name, b + 1);
    return path;
}

bertc_status bc_folder_sync(const char *path, bertc_error *err)
{
    int fd = open_retry(path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) return bc_fail_errno(err, path, "cannot open folder");
    bertc_status status = BERTC_OK;
    /* EINVAL: a file system that has no such operation */
    if (fsync(fd) != 0 && errno != EINVAL)
        status = bc_fail_errno(err, path, "cannot flush folder");
    close(fd);
    return status;
}

static bertc_status sync_parent(const char *path, bertc_error *err)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return bc_folder_sync(".", err);
    char *folder = bc_strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (!folder) return bc_fail_memory(err);
    bertc_status status = bc_folder_sync(folder, err);
    bc_free(folder);
    return status;
}

/* mkdir, fine where there is a folder of that name already. */
static bool make_folder(const char *path)
{
    if (mkdir(path, 0777) == 0) return true;
    int code = errno;
    bool there = bc_folder_exists(path);
    errno = code;
    return there;
}

/* As bc_fail_errno, but a missing folder is an I/O error when writing, not bad input. */
static bertc_status fail_to_write(bertc_error *err, const char *path, const char *what)
{
    bertc_error error = {.status = BERTC_OK};
    bc_fail_errno(&error, path, what);
    if (error.status == BERTC_INPUT) error.status = BERTC_IO;
    return bc_fail(err, error.status, "%s", error.message);
}

bertc_status bc_folder_create(const char *path, bertc_error *err)
{
    char *partial = bc_strndup(path, strlen(path));
    if (!partial) return bc_fail_memory(err);
    bertc_status status = BERTC_OK;
    errno = ENOENT;
    if (!path[0]) status = fail_to_write(err, path, "cannot create folder");
    for (size_t i = 1; status == BERTC_OK && i <= strlen(path); i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        partial[i] = '\0';
        if (!make_folder(partial)) status = fail_to_write(err, path, "cannot create folder");
        partial[i] = path[i];
    }
    bc_free(partial);
    return status;
}

/* Keep the first failure of a writer. */
static void writer_fail(bc_writer *writer, const char *what)
{
    writer->failed = true;
    fail_to_write(&writer->error, writer->path, what);
}

/* The descriptor that a path names as such (/dev/stdout, /dev/fd/3); -1: none. What is open there is written
 * on, where opening it anew would begin at its start. */
static int own_descriptor(const char *path)
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

/* Whether `path` names something that a file must not replace: a device, a pipe, what is open. */
static bool is_special(const char *path)
{
    struct stat info;
    return own_descriptor(path) >= 0 ||
           (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode));
}

/* The name to write to; null where memory is out. */
static char *temporary_name(const char *path)
{
    if (is_special(path)) return bc_strndup(path, strlen(path));
    size_t room = strlen(path) + sizeof ".tmp";
    char *name = bc_realloc(NULL, room, 1);
    if (name) snprintf(name, room, "%s.tmp", path);
    return name;
}

bertc_status bc_writer_open(bc_writer *writer, const char *path, bertc_error *err)
{
    *writer = (bc_writer){.fd = -1};
    writer->path = bc_strndup(path, strlen(path));
    writer->temporary = temporary_name(path);
    writer->buffer = bc_alloc(BUFFER, 1);
    if (!writer->path || !writer->temporary || !writer->buffer) {
        bc_writer_abandon(writer);
        return bc_fail_memory(err);
    }
    writer->direct = strcmp(writer->path, writer->temporary) == 0;
    int flags = writer->direct ? O_WRONLY : O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW;
    int own = own_descriptor(path);
    errno = EISDIR;
    if (own >= 0) writer->fd = fcntl(own, F_DUPFD_CLOEXEC, 0);
    else if (!bc_folder_exists(path)) writer->fd = open_retry(writer->temporary, flags, 0666);
    writer->created = writer->fd >= 0 && !writer->direct;
    if (writer->fd >= 0) return BERTC_OK;
    bertc_status status = fail_to_write(err, path, "cannot create");
    bc_writer_abandon(writer);
    return status;
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

/* Flush to the device and compare what is there with what was handed in. */
static void verify(bc_writer *writer)
{
    struct stat info;
    if (!writer->failed && fsync(writer->fd) != 0) writer_fail(writer, "cannot flush");
    if (!writer->failed && fstat(writer->fd, &info) != 0) writer_fail(writer, "cannot stat");
    if (!writer->failed && (size_t)info.st_size != writer->written) {
        errno = EIO;
        writer_fail(writer, "size differs from what was written");
    }
}

static void settle(bc_writer *writer)
{
    flush(writer);
    if (!writer->direct) verify(writer);
    int fd = writer->fd;
    writer->fd = -1;
    if (close(fd) != 0 && !writer->failed) writer_fail(writer, "cannot close");
}

bertc_status bc_writer_commit(bc_writer *writer, bertc_error *err)
{
    settle(writer);
    if (!writer->failed && !writer->direct && rename(writer->temporary, writer->path) != 0)
        writer_fail(writer, "cannot rename");
    bertc_status status = BERTC_OK;
    if (writer->failed) {
        status = bc_fail(err, writer->error.status, "%s", writer->error.message);
    } else if (!writer->direct) {
        writer->created = false;
        status = sync_parent(writer->path, err);
    }
    bc_writer_abandon(writer);
    return status;
}

void bc_writer_abandon(bc_writer *writer)
{
    if (writer->fd >= 0) close(writer->fd);
    if (writer->created) unlink(writer->temporary);
    bc_free(writer->path);
    bc_free(writer->temporary);
    bc_free(writer->buffer);
    *writer = (bc_writer){.fd = -1};
}

bertc_status bc_file_write(const char *path, const void *bytes, size_t length, bertc_error *err)
{
    bc_writer writer;
    bertc_status status = bc_writer_open(&writer, path, err);
    if (status != BERTC_OK) return status;
    bc_writer_put(&writer, bytes, length);
    return bc_writer_commit(&writer, err);
}
