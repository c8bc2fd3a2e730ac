#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"

/* Record a failed call on an open file: as bc_fail_errno, but never as BERTC_INPUT. */
static bertc_status fail_open_file(bertc_error *err, const char *path, const char *what)
{
    bertc_error error = {.status = BERTC_OK};
    bc_fail_errno(&error, path, what);
    if (error.status == BERTC_INPUT) error.status = BERTC_IO;
    return bc_fail(err, error.status, "%s", error.message);
}

/* Refuse a dangling link, which makes stat report ENOENT: the path itself or a folder above it. `part` is a copy of the
 * path, which this function shortens. */
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
    return bc_fail(err, BERTC_INPUT, "%s: a link to \"%.*s\", which does not exist", part, n > 0 ? (int)n : 0, target);
}

/* stat a path; *found is false if nothing has that name. */
static bertc_status stat_path(const char *path, struct stat *info, bool *found, bertc_error *err)
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
    bertc_status status = stat_path(path, &info, found, err);
    if (status == BERTC_OK && *found && !S_ISREG(info.st_mode))
        status = bc_fail(err, BERTC_INPUT, "%s: not a regular file", path);
    return status;
}

bertc_status bc_file_find_in(const char *folder, const char *name, bool *found, bertc_error *err)
{
    char *path = bc_path_join(folder, name);
    *found = false;
    bertc_status status = path ? bc_file_find(path, found, err) : bc_fail_memory(err);
    bc_free(path);
    return status;
}

bertc_status bc_folder_find(const char *path, bool *found, bertc_error *err)
{
    struct stat info;
    bertc_status status = stat_path(path, &info, found, err);
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

/* O_NONBLOCK: open returns at once for a named pipe, which is then refused. */
bertc_status bc_input_open(const char *path, bc_input *input, bertc_error *err)
{
    struct stat info;
    bertc_status status = BERTC_OK;
    *input = (bc_input){.path = path};
    do input->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    while (input->fd < 0 && errno == EINTR);
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

bertc_status bc_input_read(const bc_input *input, void *to, size_t length, size_t offset, bertc_error *err)
{
    ssize_t n = bc_read_at(input->fd, to, length, (off_t)offset);
    if (n < 0) return fail_open_file(err, input->path, "cannot read");
    if ((size_t)n == length) return BERTC_OK;
    return bc_fail(err, BERTC_IO, "%s: file shrank while it was read", input->path);
}

bertc_status bc_input_check(const bc_input *input, bertc_error *err)
{
    struct stat info;
    if (fstat(input->fd, &info) != 0) return fail_open_file(err, input->path, "cannot stat");
    if ((size_t)info.st_size == input->size && info.st_mtim.tv_sec == input->changed.tv_sec &&
        info.st_mtim.tv_nsec == input->changed.tv_nsec)
        return BERTC_OK;
    return bc_fail(err, BERTC_IO, "%s: file changed while it was read", input->path);
}

/* Refuse a file that is longer than its kind may be. */
static bertc_status check_length(const bc_input *input, bc_file_kind kind, bertc_error *err)
{
    static const struct {
        const char *name;
        size_t max;
    } kinds[BC_FILE_KINDS] = {
        [BC_FILE_SETTINGS] = {"a JSON settings file", 64 << 20},
        [BC_FILE_TOKENIZER] = {"a tokenizer.json", 256 << 20},
        [BC_FILE_WORDS] = {"a vocabulary or list", 256 << 20},
    };
    if (input->size <= kinds[kind].max) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s: %zu bytes, %s may have at most %zu", input->path, input->size,
                   kinds[kind].name, kinds[kind].max);
}

bertc_status bc_file_read(const char *path, bc_file_kind kind, char **text, size_t *length, bertc_error *err)
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

char *bc_path_join(const char *folder, const char *name)
{
    size_t a = strlen(folder), b = strlen(name), capacity;
    while (a > 1 && folder[a - 1] == '/') a--;
    if (!bc_size_add(a, b, &capacity) || !bc_size_add(capacity, 2, &capacity)) return NULL;
    char *path = bc_realloc(NULL, capacity, 1);
    if (!path) return NULL;
    memcpy(path, folder, a);
    size_t at = a;
    if (a > 0 && folder[a - 1] != '/') path[at++] = '/';
    memcpy(path + at, name, b + 1);
    return path;
}
