#define _GNU_SOURCE 1 /* getdents64, flock, O_PATH */
#include "cli/temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/error.h"

enum { ATTEMPTS = 1000, MAX_LINKS = 40, NAME_PART = 200 /* of a NAME, so that there is room behind it */ };

static const char old_mark[] = ".old";

/* ---- Names --------------------------------------------------------------------------------- */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static char *join(const char *folder, size_t length, const char *name)
{
    size_t capacity = length + strlen(name) + 1;
    char *path = malloc(capacity);
    if (path) snprintf(path, capacity, "%.*s%s", (int)length, folder, name);
    return path;
}

/* The path with a link in its last place resolved, and what that leads to. Null with errno. */
static char *real_name(const char *path)
{
    char target[PATH_MAX];
    const char *name = last_part(path);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return realpath(path, NULL);
    char *real = strdup(path);
    for (int i = 0; real; i++) {
        ssize_t length = readlink(real, target, sizeof target);
        if (length < 0 && (errno == EINVAL || errno == ENOENT)) return real;
        if (length == sizeof target) errno = ENAMETOOLONG;
        if (i == MAX_LINKS) errno = ELOOP;
        char *next = NULL;
        if (length >= 0 && length < (ssize_t)sizeof target && i < MAX_LINKS) {
            target[length] = '\0';
            size_t folder = target[0] == '/' ? 0 : (size_t)(last_part(real) - real);
            next = join(real, folder, target);
        }
        int code = errno;
        free(real);
        errno = code;
        real = next;
    }
    return NULL;
}

/* The parts of a name that is ours behind `.NAME`: the process and a number. */
static bool is_ours(const char *name, const char *real, const char *end)
{
    char start[NAME_MAX + 1];
    int used = snprintf(start, sizeof start, ".%.*s.bertc-", NAME_PART, last_part(real));
    if (used < 0 || strncmp(name, start, (size_t)used) != 0) return false;
    name += used;
    for (int i = 0; i < 2; i++) {
        size_t digits = strspn(name, "0123456789");
        if (digits == 0 || (i == 0 && name[digits] != '-')) return false;
        name += digits + (i == 0);
    }
    return strcmp(name, end) == 0;
}

/* ---- Folders, read and emptied without an allocation --------------------------------------- */

/* False with errno: go no further. */
typedef bool visit(int folder, const char *name, const void *context);

/* Call `each` for the entries of a folder. False with errno where one gave that, or the folder cannot be read. */
static bool for_each(int folder, visit *each, const void *context)
{
    union {
        struct dirent64 first;
        char bytes[2048];
    } block;
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : 0;
    bool good = fd >= 0;
    while (good && (n = getdents64(fd, block.bytes, sizeof block)) > 0)
        for (ssize_t at = 0; good && at < n;) {
            const struct dirent64 *entry = (const void *)(block.bytes + at);
            at += entry->d_reclen;
            if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                good = each(folder, entry->d_name, context);
        }
    int code = errno;
    if (fd >= 0) close(fd);
    errno = code;
    return good && n == 0;
}

static bool refuse_entry(int folder, const char *name, const void *context)
{
    (void)folder, (void)name, (void)context;
    errno = ENOTEMPTY;
    return false;
}

bool cli_folder_is_empty(int folder)
{
    return for_each(folder, refuse_entry, NULL);
}

static bool remove_tree(int folder, const char *name, const void *context)
{
    (void)context;
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT) return true;
    if (errno != EISDIR && errno != EPERM) return false;
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return false;
    /* Entries may be passed over while others are removed: again, until there is none. */
    bool good;
    do good = for_each(fd, remove_tree, NULL);
    while (good && !cli_folder_is_empty(fd) && errno == ENOTEMPTY);
    int code = errno;
    close(fd);
    errno = code;
    return good && unlinkat(folder, name, AT_REMOVEDIR) == 0;
}

/* ---- What others left ---------------------------------------------------------------------- */

/* Open without following or waiting: for writing, which locks of some file systems ask for, if it can be. */
static int open_entry(int folder, const char *name)
{
    const int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    int fd = openat(folder, name, O_WRONLY | flags);
    return fd < 0 && errno == EISDIR ? openat(folder, name, O_RDONLY | O_DIRECTORY | flags) : fd;
}

/* Whether `name` still is what is open; else errno tells why not. */
static bool is_named(int folder, const char *name, int fd, struct stat *info)
{
    struct stat there;
    if (fstat(fd, info) != 0 || fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) != 0) return false;
    errno = ENOENT;
    return there.st_ino == info->st_ino && there.st_dev == info->st_dev;
}

/* What is left there spoils no result: a line tells, no error. */
static void complain(const char *real, const char *name)
{
    const char *reason = strerror(errno);
    if (name) fprintf(stderr, "%s: cannot remove what was left beside it, %s: %s\n", real, name, reason);
    else fprintf(stderr, "%s: cannot look for what was left beside it: %s\n", real, reason);
}

static bool sweep_entry(int folder, const char *name, const void *real)
{
    if (!is_ours(name, real, "")) return true;
    int fd = open_entry(folder, name);
    struct stat info;
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && is_named(folder, name, fd, &info) &&
        info.st_uid == geteuid() && !remove_tree(folder, name, NULL))
        complain(real, name);
    if (fd >= 0) close(fd);
    return true;
}

static bool sweep_old(int folder, const char *name, const void *real)
{
    if (is_ours(name, real, old_mark) && unlinkat(folder, name, 0) != 0 && errno != ENOENT) complain(real, name);
    return true;
}

/* ---- Making -------------------------------------------------------------------------------- */

/* True: locked, or there are no locks here. */
static bool lock(int fd)
{
    static const int none[] = {ENOLCK, EOPNOTSUPP, ENOSYS, EBADF, EINVAL};
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        for (size_t i = 0; i < sizeof none / sizeof *none; i++)
            if (errno == none[i]) return true;
        return false;
    }
    return true;
}

/* One attempt; EEXIST: the name is taken, or was taken away before it was locked. */
static bool make_once(cli_temporary *b, const char *name)
{
    const int flags = O_NOFOLLOW | O_CLOEXEC;
    struct stat info;
    if (b->is_folder && mkdirat(b->folder, name, 0777) != 0) return false;
    b->fd = b->is_folder ? openat(b->folder, name, O_RDONLY | O_DIRECTORY | flags)
                         : openat(b->folder, name, O_WRONLY | O_CREAT | O_EXCL | flags, 0666);
    if (b->fd >= 0 && lock(b->fd) && is_named(b->folder, name, b->fd, &info)) return true;
    bool made = b->is_folder || b->fd >= 0, gone = made && (errno == EWOULDBLOCK || errno == ENOENT);
    int code = gone ? EEXIST : errno;
    if (made && !gone) unlinkat(b->folder, name, b->is_folder ? AT_REMOVEDIR : 0);
    if (b->fd >= 0) close(b->fd);
    b->fd = -1;
    errno = code;
    return false;
}

/* The folder of `real`. One that may be written in but not read serves as well: it cannot be flushed. */
static int open_folder(const char *real)
{
    size_t length = (size_t)(last_part(real) - real);
    char *path = length > 0 ? strndup(real, length) : strdup(".");
    if (!path) return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES) fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int code = errno;
    free(path);
    errno = code;
    return fd;
}

/* The names of both, and the folder. */
static bool prepare(cli_temporary *b, const char *path)
{
    b->folder = b->fd = -1;
    b->target = real_name(path);
    if (!b->target) return false;
    size_t capacity = strlen(b->target) + sizeof "..bertc--.old" + 2 * 3 * sizeof(long);
    b->temporary_path = malloc(capacity);
    b->old = malloc(capacity);
    b->folder = b->temporary_path && b->old ? open_folder(b->target) : -1;
    return b->folder >= 0;
}

bertc_status cli_temporary_create(cli_temporary *b, const char *path, bool is_folder, bertc_error *err)
{
    *b = (cli_temporary){.path = path, .is_folder = is_folder};
    bool made = prepare(b, path);
    if (made && !for_each(b->folder, sweep_entry, b->target) && errno != EACCES) complain(b->target, NULL);
    const char *name = made ? last_part(b->target) : NULL;
    made = false;
    for (int n = 0; name && !made && (n == 0 || (errno == EEXIST && n < ATTEMPTS)); n++) {
        int used = sprintf(b->temporary_path, "%.*s.%.*s.bertc-%ld-%d", (int)(name - b->target), b->target, NAME_PART,
                           name, (long)getpid(), n);
        sprintf(b->old, "%s%s", last_part(b->temporary_path), old_mark);
        made = used > 0 && make_once(b, last_part(b->temporary_path));
    }
    if (made) return BERTC_OK;
    bertc_status status = cli_fail_errno(err, path, is_folder ? "cannot create folder" : "cannot create");
    cli_temporary_release(b, err);
    return status;
}

bool cli_temporary_same(const cli_temporary *a, const cli_temporary *b)
{
    struct stat one, two;
    return a->target && b->target && strcmp(last_part(a->target), last_part(b->target)) == 0 &&
           fstat(a->folder, &one) == 0 && fstat(b->folder, &two) == 0 && one.st_ino == two.st_ino &&
           one.st_dev == two.st_dev;
}

/* ---- Placing ------------------------------------------------------------------------------- */

/* True where it is done, or where there is no such operation. */
static bool flush(int fd)
{
    int result;
    do result = fsync(fd);
    while (result != 0 && errno == EINTR);
    return result == 0 || errno == EINVAL || errno == EBADF;
}

/* Another name for the file that is replaced. */
static void keep_file(cli_temporary *b, const char *name)
{
    unlinkat(b->folder, b->old, 0);
    b->has_old = linkat(b->folder, name, b->folder, b->old, 0) == 0;
    b->is_new = !b->has_old && errno == ENOENT;
}

/* Mode and owner of the empty folder that is replaced. */
static bool keep_folder(cli_temporary *b, const char *name)
{
    struct stat there, info;
    if (fstat(b->fd, &info) != 0) return false;
    b->is_new = fstatat(b->folder, name, &there, AT_SYMLINK_NOFOLLOW) != 0;
    if (b->is_new) return errno == ENOENT;
    b->old_mode = there.st_mode & 07777;
    bool owned = there.st_uid == info.st_uid && there.st_gid == info.st_gid;
    return (owned || fchown(b->fd, there.st_uid, there.st_gid) == 0) && fchmod(b->fd, b->old_mode) == 0;
}

/* What takes time and what can be undone comes first, so that renames follow each other at once. */
static bertc_status get_ready(cli_temporary *b, bertc_error *err)
{
    const char *name = last_part(b->target);
    if (!flush(b->fd)) return cli_fail_errno(err, b->path, "cannot flush");
    if (!b->is_folder) keep_file(b, name);
    else if (!keep_folder(b, name)) return cli_fail_errno(err, b->path, "cannot keep the mode of the folder");
    if (b->has_old && !flush(b->folder)) return cli_fail_errno(err, b->path, "cannot flush the folder that holds it");
    return BERTC_OK;
}

bertc_status cli_folder_taken(const char *path, bertc_error *err)
{
    return cli_fail(err, BERTC_USAGE, "%s: is not empty, choose another folder", path);
}

static bertc_status give_name(cli_temporary *b, bertc_error *err)
{
    b->placed = renameat(b->folder, last_part(b->temporary_path), b->folder, last_part(b->target)) == 0;
    if (b->placed) return BERTC_OK;
    if (b->is_folder && (errno == ENOTEMPTY || errno == EEXIST)) return cli_folder_taken(b->path, err);
    return cli_fail_errno(err, b->path, b->is_folder ? "cannot create folder" : "cannot write");
}

static bertc_status flush_name(cli_temporary *b, bertc_error *err)
{
    return flush(b->folder) ? BERTC_OK : cli_fail_errno(err, b->path, "cannot flush the folder that holds it");
}

bertc_status cli_temporary_commit(cli_temporary *const all[], size_t count, bertc_error *err)
{
    static bertc_status (*const steps[])(cli_temporary *b, bertc_error *err) = {get_ready, give_name, flush_name};
    bertc_status status = BERTC_OK;
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++)
        for (size_t i = 0; i < count && status == BERTC_OK; i++) status = steps[s](all[i], err);
    if (status != BERTC_OK) cli_temporary_undo(all, count, err);
    return status;
}

static void undo(cli_temporary *b, bertc_error *err)
{
    if (!b->placed) return;
    const char *name = last_part(b->target), *temporary = last_part(b->temporary_path);
    bool good;
    if (b->is_folder) {
        good = renameat(b->folder, name, b->folder, temporary) == 0;
        if (good && !b->is_new)
            good = mkdirat(b->folder, name, 0700) == 0 && fchmodat(b->folder, name, b->old_mode, 0) == 0;
    } else if (b->has_old) {
        good = renameat(b->folder, b->old, b->folder, name) == 0;
    } else {
        errno = EMLINK;
        good = b->is_new && unlinkat(b->folder, name, 0) == 0;
    }
    if (!good) cli_fail_also(err, b->path, "is new and stays");
    b->placed = !good;
    b->has_old = b->has_old && !good;
}

void cli_temporary_undo(cli_temporary *const all[], size_t count, bertc_error *err)
{
    while (count > 0) undo(all[--count], err);
}

/* The other name of what was replaced, and those that were left when a process was killed. */
static void forget_old(const cli_temporary *b, bertc_error *err)
{
    if (!b->has_old) return;
    bool good = unlinkat(b->folder, b->old, 0) == 0 || errno == ENOENT;
    if (good && b->placed) for_each(b->folder, sweep_old, b->target);
    else if (!good && b->placed) complain(b->target, b->old);
    else if (!good) cli_fail_also(err, b->old, "cannot remove");
}

void cli_temporary_release(cli_temporary *b, bertc_error *err)
{
    if (b->target && b->fd >= 0) {
        if (!b->placed && !remove_tree(b->folder, last_part(b->temporary_path), NULL))
            cli_fail_also(err, b->temporary_path, "cannot remove");
        forget_old(b, err);
        close(b->fd);
    }
    if (b->target && b->folder >= 0) close(b->folder);
    free(b->target);
    free(b->temporary_path);
    free(b->old);
    *b = (cli_temporary){0};
}
