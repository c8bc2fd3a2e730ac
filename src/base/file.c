#include "base/file.h"

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

/* As bc_fail_errno, but no error of a file that is there, or is to be there, is bad input. */
static bertc_status fail_to_use(bertc_error *err, const char *path, const char *what)
{
    bertc_error error = {.status = BERTC_OK};
    bc_fail_errno(&error, path, what);
    if (error.status == BERTC_INPUT) error.status = BERTC_IO;
    return bc_fail(err, error.status, "%s", error.message);
}

/* Refuse the link to nothing that made stat(path) say that there is nothing: the path itself, or a folder above
 * it. `part` is a copy of the path, which is cut. */
static bertc_status refuse_dangling(char *part, bertc_error *err)
{
    struct stat info, there;
    char target[PATH_MAX];
    while (lstat(part, &info) != 0) {
        char *slash = strrchr(part, '/');
        if (errno != ENOENT) return bc_fail_errno(err, part, "cannot open");
        if (!slash || slash == part) return BERTC_OK;
        *slash = '\0';
    }
    if (!S_ISLNK(info.st_mode) || stat(part, &there) == 0) return BERTC_OK;
    ssize_t n = readlink(part, target, sizeof target - 1);
    return bc_fail(err, BERTC_INPUT, "%s: a link to \"%.*s\", which is not there", part, n > 0 ? (int)n : 0, target);
}

/* Look at what stands at a path; *found false: nothing does. */
static bertc_status look(const char *path, struct stat *info, bool *found, bertc_error *err)
{
    *found = stat(path, info) == 0;
    if (*found) return BERTC_OK;
    if (errno != ENOENT) return bc_fail_errno(err, path, "cannot open");
    char *part = bc_strndup(path, strlen(path));
    bertc_status status = part ? refuse_dangling(part, err) : bc_fail_memory(err);
    bc_free(part);
    return status;
}

bertc_status bc_file_find(const char *path, bool *found, bertc_error *err)
{
    struct stat info;
    bertc_status status = look(path, &info, found, err);
    if (status == BERTC_OK && *found && !S_ISREG(info.st_mode))
        status = bc_fail(err, BERTC_INPUT, "%s: not a regular file", path);
    return status;
}

bertc_status bc_folder_find(const char *path, bool *found, bertc_error *err)
{
    struct stat info;
    bertc_status status = look(path, &info, found, err);
    *found = status == BERTC_OK && *found && S_ISDIR(info.st_mode);
    return status;
}

bool bc_folder_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

ssize_t bc_read_at(int fd, void *to, size_t length, off_t offset)
{
    size_t done = 0;
    while (done < length) {
        ssize_t n = pread(fd, (char *)to + done, length - done, offset + (off_t)done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

bool bc_write_at(int fd, const void *bytes, size_t length, off_t offset)
{
    for (size_t done = 0; done < length;) {
        ssize_t n = pwrite(fd, (const char *)bytes + done, length - done, offset + (off_t)done);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = EIO;
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

/* O_NONBLOCK: a named pipe is refused, not waited for. */
bertc_status bc_input_open(const char *path, bc_input *input, bertc_error *err)
{
    struct stat info;
    bertc_status status = BERTC_OK;
    *input = (bc_input){.path = path, .fd = open_retry(path, O_RDONLY | O_NONBLOCK, 0)};
    if (input->fd < 0) return bc_fail_errno(err, path, "cannot open");
    if (fstat(input->fd, &info) != 0) status = bc_fail_errno(err, path, "cannot stat");
    else if (!S_ISREG(info.st_mode)) status = bc_fail(err, BERTC_INPUT, "%s: not a regular file", path);
    if (status != BERTC_OK) {
        bc_input_close(input);
        return status;
    }
    input->size = (size_t)info.st_size;
    input->changed = info.st_mtim;
    return BERTC_OK;
}

void bc_input_close(bc_input *input)
{
    if (input->fd >= 0) close(input->fd);
    input->fd = -1;
}

static bertc_status fail_shrunk(const char *path, bertc_error *err)
{
    return bc_fail(err, BERTC_IO, "%s: file shrank while it was read", path);
}

bertc_status bc_input_read(const bc_input *input, void *to, size_t length, size_t offset, bertc_error *err)
{
    ssize_t n = bc_read_at(input->fd, to, length, (off_t)offset);
    if (n < 0) return fail_to_use(err, input->path, "cannot read");
    return (size_t)n == length ? BERTC_OK : fail_shrunk(input->path, err);
}

bertc_status bc_input_check(const bc_input *input, bertc_error *err)
{
    struct stat info;
    if (fstat(input->fd, &info) != 0) return fail_to_use(err, input->path, "cannot stat");
    if ((size_t)info.st_size == input->size && info.st_mtim.tv_sec == input->changed.tv_sec &&
        info.st_mtim.tv_nsec == input->changed.tv_nsec)
        return BERTC_OK;
    return bc_fail(err, BERTC_IO, "%s: file changed while it was read", input->path);
}

static bertc_status check_length(const bc_input *input, bc_kind kind, bertc_error *err)
{
    static const struct {
        const char *name;
        size_t most;
    } kinds[BC_KINDS] = {
        [BC_KIND_SETTINGS] = {"a JSON file of settings", 64 << 20},
        [BC_KIND_TOKENIZER] = {"a tokenizer.json", 256 << 20},
        [BC_KIND_WORDS] = {"a list of words or rows", 256 << 20},
    };
    if (input->size <= kinds[kind].most) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s: %zu bytes, %s has at most %zu", input->path, input->size, kinds[kind].name,
                   kinds[kind].most);
}

bertc_status bc_file_read(const char *path, bc_kind kind, char **text, size_t *length, bertc_error *err)
{
    bc_input input;
    char *bytes = NULL;
    bertc_status status = bc_input_open(path, &input, err);
    if (status == BERTC_OK) status = check_length(&input, kind, err);
    if (status == BERTC_OK && !(bytes = bc_alloc(input.size + 1, 1))) status = bc_fail_memory(err);
    if (status == BERTC_OK) status = bc_input_read(&input, bytes, input.size, 0, err);
    bc_input_close(&input);
    if (status != BERTC_OK) {
        bc_free(bytes);
        return status;
    }
    bytes[input.size] = '\0';
    *text = bytes;
    *length = input.size;
    return BERTC_OK;
}

bertc_status bc_file_scan(const char *path, void (*take)(void *to, const void *bytes, size_t length),
                          void *to, size_t *length, bertc_error *err)
{
    bc_input input;
    bertc_status status = bc_input_open(path, &input, err);
    if (status != BERTC_OK) return status;
    char *piece = bc_alloc(PIECE, 1);
    if (!piece) status = bc_fail_memory(err);
    for (size_t at = 0, n; status == BERTC_OK && at < input.size; at += n) {
        n = input.size - at < PIECE ? input.size - at : PIECE;
        status = bc_input_read(&input, piece, n, at, err);
        if (status == BERTC_OK) take(to, piece, n);
    }
    *length = input.size;
    bc_free(piece);
    bc_input_close(&input);
    return status;
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

/* The folder that `path` lies in, as the first *length bytes of it. */
static const char *parent_of(const char *path, int *length)
{
    const char *slash = strrchr(path, '/');
    *length = slash == path ? 1 : slash ? (int)(slash - path) : 1;
    return slash ? path : ".";
}

/* Flush the folder of dir/name. One that may be written in but not read cannot be flushed. */
static bertc_status sync_parent(const bc_dir *dir, const char *name, bertc_error *err)
{
    int length;
    const char *start = parent_of(name, &length);
    char *parent = bc_strndup(start, (size_t)length);
    if (!parent) return bc_fail_memory(err);
    bertc_status status = BERTC_OK;
    bc_dir folder = {openat(dir->fd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC), parent};
    if (folder.fd >= 0) status = bc_dir_sync(&folder, err);
    else if (errno != EACCES) status = bc_dir_fail(dir, parent, "cannot open folder", err);
    bc_dir_close(&folder);
    bc_free(parent);
    return status;
}

/* mkdir, fine where there is a folder of that name already; `whole` is named where it fails. */
static bertc_status make_folder(const char *path, const char *whole, bertc_error *err)
{
    if (mkdir(path, 0777) == 0) return sync_parent(&bc_here, path, err);
    int code = errno;
    if (bc_folder_exists(path)) return BERTC_OK;
    errno = code;
    return bc_dir_fail(&bc_here, whole, "cannot create folder", err);
}

bertc_status bc_folder_create(const char *path, bertc_error *err)
{
    char *partial = bc_strndup(path, strlen(path));
    if (!partial) return bc_fail_memory(err);
    bertc_status status = BERTC_OK;
    errno = ENOENT;
    if (!path[0]) status = bc_dir_fail(&bc_here, path, "cannot create folder", err);
    for (size_t i = 1; status == BERTC_OK && i <= strlen(path); i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        partial[i] = '\0';
        status = make_folder(partial, path, err);
        partial[i] = path[i];
    }
    bc_free(partial);
    return status;
}

/* Keep the first failure of a writer. */
static void writer_fail(bc_writer *writer, const char *what)
{
    writer->failed = true;
    bc_dir_fail(writer->dir, writer->name, what, &writer->error);
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
static char *temporary_name(const char *name)
{
    size_t room = strlen(name) + sizeof ".tmp";
    char *temporary = bc_realloc(NULL, room, 1);
    if (temporary) snprintf(temporary, room, "%s.tmp", name);
    return temporary;
}

/* Only a file, or a link, gives way to the new one. */
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

/* A new file under the temporary name; what a process that was killed left there goes. */
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

/* What nothing can be renamed over. */
static bertc_status open_special(bc_writer *writer, bertc_error *err)
{
    int own = own_descriptor(writer->name);
    writer->direct = true;
    writer->fd = own >= 0 ? fcntl(own, F_DUPFD_CLOEXEC, 0) : open_retry(writer->name, O_WRONLY, 0);
    return writer->fd >= 0 ? BERTC_OK : bc_dir_fail(writer->dir, writer->name, "cannot create", err);
}

static bertc_status open_writer(bc_writer *writer, const bc_dir *dir, const char *name, bool special,
                                bertc_error *err)
{
    *writer = (bc_writer){.fd = -1, .dir = dir};
    writer->name = bc_strndup(name, strlen(name));
    writer->temporary = temporary_name(name);
    writer->buffer = bc_alloc(BUFFER, 1);
    writer->hasher = bc_hasher_new();
    bool room = writer->name && writer->temporary && writer->buffer && writer->hasher;
    bertc_status status = room ? BERTC_OK : bc_fail_memory(err);
    if (status == BERTC_OK && special) status = open_special(writer, err);
    if (status == BERTC_OK && !special) status = check_target(dir, name, err);
    if (status == BERTC_OK && !special) status = create(writer, err);
    if (status != BERTC_OK) bc_writer_abandon(writer);
    return status;
}

bertc_status bc_writer_open(bc_writer *writer, const char *path, bertc_error *err)
{
    return open_writer(writer, &bc_here, path, is_special(path), err);
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
    bc_hasher_put(writer->hasher, bytes, length);
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

/* Read back what was written and compare it with what was handed in. */
static void compare(bc_writer *writer)
{
    bc_hasher there;
    char found[BC_HASH_HEX];
    bc_hasher_begin(&there);
    for (size_t at = 0, n; at < writer->written && !writer->failed; at += n) {
        n = writer->written - at < BUFFER ? writer->written - at : BUFFER;
        ssize_t got = bc_read_at(writer->fd, writer->buffer, n, (off_t)at);
        if (got < 0) writer_fail(writer, "cannot read back");
        else bc_hasher_put(&there, writer->buffer, (size_t)got);
    }
    bc_hasher_end(&there, found);
    bc_hasher_end(writer->hasher, writer->hash);
    if (writer->failed || strcmp(found, writer->hash) == 0) return;
    errno = EIO;
    writer_fail(writer, "content differs from what was written");
}

/* Flush to the device and check what is there. */
static void verify(bc_writer *writer)
{
    struct stat info;
    if (!writer->failed && fsync(writer->fd) != 0) writer_fail(writer, "cannot flush");
    if (!writer->failed && fstat(writer->fd, &info) != 0) writer_fail(writer, "cannot stat");
    if (!writer->failed && (size_t)info.st_size != writer->written) {
        errno = EIO;
        writer_fail(writer, "size differs from what was written");
    }
    if (!writer->failed) compare(writer);
}

static void settle(bc_writer *writer)
{
    flush(writer);
    if (!writer->direct) verify(writer);
    int fd = writer->fd;
    writer->fd = -1;
    if (close(fd) != 0 && !writer->failed) writer_fail(writer, "cannot close");
}

/* ---- What was written ---------------------------------------------------------------------- */

static bc_written *find_written(const bc_ledger *ledger, const char *path)
{
    for (size_t i = 0; i < ledger->count; i++)
        if (strcmp(ledger->files[i].path, path) == 0) return &ledger->files[i];
    return NULL;
}

const bc_written *bc_ledger_find(const bc_ledger *ledger, const char *path)
{
    return find_written(ledger, path);
}

/* False where memory is out. */
static bool note_path(const bc_writer *writer, char *path)
{
    bc_ledger *ledger = writer->ledger;
    bc_written *file = find_written(ledger, path);
    if (!file) {
        bc_written *files = bc_realloc(ledger->files, ledger->count + 1, sizeof *files);
        if (!files) return false;
        ledger->files = files;
        file = &files[ledger->count];
        file->path = bc_strndup(path, strlen(path));
        if (!file->path) return false;
        ledger->count++;
    }
    file->bytes = writer->written;
    memcpy(file->hash, writer->hash, sizeof file->hash);
    return true;
}

static bool note_written(const bc_writer *writer)
{
    char *path = bc_path_join(writer->dir->path, writer->name);
    bool noted = path && note_path(writer, path);
    bc_free(path);
    return noted;
}

void bc_ledger_clear(bc_ledger *ledger)
{
    for (size_t i = 0; i < ledger->count; i++) bc_free(ledger->files[i].path);
    bc_free(ledger->files);
    *ledger = (bc_ledger){0};
}

bertc_status bc_writer_commit(bc_writer *writer, bertc_error *err)
{
    settle(writer);
    if (!writer->failed && writer->ledger && !note_written(writer)) {
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
        status = sync_parent(writer->dir, writer->name, err);
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

static bertc_status write_whole(bc_writer *writer, const void *bytes, size_t length, bertc_error *err)
{
    bc_writer_put(writer, bytes, length);
    return bc_writer_commit(writer, err);
}

bertc_status bc_file_write(const char *path, const void *bytes, size_t length, bertc_error *err)
{
    bc_writer writer;
    bertc_status status = bc_writer_open(&writer, path, err);
    return status == BERTC_OK ? write_whole(&writer, bytes, length, err) : status;
}

bertc_status bc_file_write_in(const bc_dir *dir, const char *name, const void *bytes, size_t length,
                              bc_ledger *ledger, bertc_error *err)
{
    bc_writer writer;
    bertc_status status = bc_writer_open_in(&writer, dir, name, err);
    if (status != BERTC_OK) return status;
    writer.ledger = ledger;
    return write_whole(&writer, bytes, length, err);
}

bertc_status bc_file_copy(const char *from, const bc_dir *dir, const char *name, bc_ledger *ledger,
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
        writer.ledger = ledger;
        if (status == BERTC_OK) status = bc_writer_commit(&writer, err);
        bc_writer_abandon(&writer);
        bc_input_close(&input);
    }
    bc_free(piece);
    return status;
}
