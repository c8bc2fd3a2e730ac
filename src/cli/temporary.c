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

/* NAME_PART: how many bytes of a NAME a temporary name repeats; the rest of a name's 255 bytes is for the suffix. */
enum { ATTEMPTS = 1000, MAX_LINKS = 40, NAME_PART = 200 };

static const char old_suffix[] = ".old", cannot_flush_folder[] = "cannot flush its folder";

/* ---- Names --------------------------------------------------------------------------------- */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Resolve the links that the last part of the path leads through; null with errno on failure. */
static char *resolve_links(const char *path)
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
            size_t capacity = folder + (size_t)length + 1;
            next = malloc(capacity);
            if (next) snprintf(next, capacity, "%.*s%s", (int)folder, real, target);
        }
        int code = errno;
        free(real);
        errno = code;
        real = next;
    }
    return NULL;
}

/* Whether `name` is .NAME.bertc-PID-N followed by `suffix`, where NAME is the last part of `target`. */
static bool is_temporary(const char *name, const char *target, const char *suffix)
{
    char start[NAME_MAX + 1];
    int used = snprintf(start, sizeof start, ".%.*s.bertc-", NAME_PART, last_part(target));
    if (used < 0 || strncmp(name, start, (size_t)used) != 0) return false;
    name += used;
    for (int i = 0; i < 2; i++) {
        size_t digits = strspn(name, "0123456789");
        if (digits == 0 || (i == 0 && name[digits] != '-')) return false;
        name += digits + (i == 0);
    }
    return strcmp(name, suffix) == 0;
}

/* ---- Reading and emptying folders without allocation --------------------------------------- */

/* Callback of for_each; it returns false with errno to stop. */
typedef bool visit(int folder, const char *name, const void *context);

/* Call `each` for every entry of a folder. False with errno if a call returned false or the folder cannot be read. */
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

/* Remove a file, or a folder with all that it contains; false with errno. */
static bool remove_tree(int folder, const char *name, const void *context)
{
    (void)context;
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT) return true;
    if (errno != EISDIR && errno != EPERM) return false;
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return false;
    /* getdents64 may skip entries while others are removed, so repeat until the folder is empty. */
    bool good;
    do good = for_each(fd, remove_tree, NULL);
    while (good && !cli_folder_is_empty(fd) && errno == ENOTEMPTY);
    int code = errno;
    close(fd);
    errno = code;
    return good && unlinkat(folder, name, AT_REMOVEDIR) == 0;
}

/* ---- Leftovers of killed processes --------------------------------------------------------- */

/* Whether `name` still is the name of the open file or folder; false with errno. */
static bool is_named(int folder, const char *name, int fd, struct stat *info)
{
    struct stat there;
    if (fstat(fd, info) != 0 || fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) != 0) return false;
    errno = ENOENT;
    return there.st_ino == info->st_ino && there.st_dev == info->st_dev;
}

/* Warn about a leftover, which does not affect the result. `name` null: the folder cannot be read. */
static void warn_leftover(const char *target, const char *name)
{
    const char *reason = strerror(errno);
    if (name) fprintf(stderr, "%s: cannot remove the leftover temporary file %s: %s\n", target, name, reason);
    else fprintf(stderr, "%s: cannot look for leftover temporary files: %s\n", target, reason);
}

/* Remove a leftover of a killed process: a temporary name that nobody has locked. */
static bool remove_leftover(int folder, const char *name, const void *target)
{
    if (!is_temporary(name, target, "")) return true;
    /* Open for writing if possible: some file systems lock only writable descriptors. */
    const int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    int fd = openat(folder, name, O_WRONLY | flags);
    if (fd < 0 && errno == EISDIR) fd = openat(folder, name, O_RDONLY | O_DIRECTORY | flags);
    struct stat info;
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && is_named(folder, name, fd, &info) &&
        info.st_uid == geteuid() && !remove_tree(folder, name, NULL))
        warn_leftover(target, name);
    if (fd >= 0) close(fd);
    return true;
}

static bool remove_old(int folder, const char *name, const void *target)
{
    if (is_temporary(name, target, old_suffix) && unlinkat(folder, name, 0) != 0 && errno != ENOENT)
        warn_leftover(target, name);
    return true;
}

/* ---- Creating ------------------------------------------------------------------------------ */

/* Lock an open file or folder. True also if the file system has no locks. */
static bool lock(int fd)
{
    static const int unsupported[] = {ENOLCK, EOPNOTSUPP, ENOSYS, EBADF, EINVAL};
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        for (size_t i = 0; i < sizeof unsupported / sizeof *unsupported; i++)
            if (errno == unsupported[i]) return true;
        return false;
    }
    return true;
}

/* Try one name. False with errno; EEXIST: the name is taken, or another process removed it before it was locked. */
static bool create_once(cli_temporary *t, const char *name)
{
    const int flags = O_NOFOLLOW | O_CLOEXEC;
    struct stat info;
    if (t->is_folder && mkdirat(t->folder, name, 0777) != 0) return false;
    t->fd = t->is_folder ? openat(t->folder, name, O_RDONLY | O_DIRECTORY | flags)
                         : openat(t->folder, name, O_WRONLY | O_CREAT | O_EXCL | flags, 0666);
    if (t->fd >= 0 && lock(t->fd) && is_named(t->folder, name, t->fd, &info)) return true;
    bool made = t->is_folder || t->fd >= 0, gone = made && (errno == EWOULDBLOCK || errno == ENOENT);
    int code = gone ? EEXIST : errno;
    if (made && !gone) unlinkat(t->folder, name, t->is_folder ? AT_REMOVEDIR : 0);
    if (t->fd >= 0) close(t->fd);
    t->fd = -1;
    errno = code;
    return false;
}

/* Open the folder of `target`. A folder that may be written but not read is accepted; it cannot be flushed. */
static int open_folder(const char *target)
{
    size_t length = (size_t)(last_part(target) - target);
    char *path = length > 0 ? strndup(target, length) : strdup(".");
    if (!path) return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES) fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int code = errno;
    free(path);
    errno = code;
    return fd;
}

/* Resolve the target, allocate the names and open the folder; false with errno. */
static bool prepare(cli_temporary *t, const char *path)
{
    t->folder = t->fd = -1;
    t->target = resolve_links(path);
    if (!t->target) return false;
    size_t capacity = strlen(t->target) + sizeof "..bertc--.old" + 2 * 3 * sizeof(long);
    t->temporary_path = malloc(capacity);
    t->old = malloc(capacity);
    t->folder = t->temporary_path && t->old ? open_folder(t->target) : -1;
    return t->folder >= 0;
}

bertc_status cli_temporary_create(cli_temporary *t, const char *path, bool is_folder, bertc_error *err)
{
    *t = (cli_temporary){.path = path, .is_folder = is_folder};
    bool made = prepare(t, path);
    if (made && !for_each(t->folder, remove_leftover, t->target) && errno != EACCES) warn_leftover(t->target, NULL);
    const char *name = made ? last_part(t->target) : NULL;
    made = false;
    for (int n = 0; name && !made && (n == 0 || (errno == EEXIST && n < ATTEMPTS)); n++) {
        int used = sprintf(t->temporary_path, "%.*s.%.*s.bertc-%ld-%d", (int)(name - t->target), t->target, NAME_PART,
                           name, (long)getpid(), n);
        sprintf(t->old, "%s%s", last_part(t->temporary_path), old_suffix);
        made = used > 0 && create_once(t, last_part(t->temporary_path));
    }
    if (made) return BERTC_OK;
    bertc_status status = cli_fail_errno(err, path, is_folder ? "cannot create folder" : "cannot create");
    cli_temporary_release(t, err);
    return status;
}

bool cli_temporary_same(const cli_temporary *a, const cli_temporary *b)
{
    struct stat one, two;
    return a->target && b->target && strcmp(last_part(a->target), last_part(b->target)) == 0 &&
           fstat(a->folder, &one) == 0 && fstat(b->folder, &two) == 0 && one.st_ino == two.st_ino &&
           one.st_dev == two.st_dev;
}

/* ---- Committing ---------------------------------------------------------------------------- */

/* Flush to the device; true also if the file system cannot flush it. */
static bool flush(int fd)
{
    int result;
    do result = fsync(fd);
    while (result != 0 && errno == EINTR);
    return result == 0 || errno == EINVAL || errno == EBADF;
}

/* Take over mode and owner of the empty folder that will be replaced; false with errno. */
static bool copy_mode(cli_temporary *t, const char *name)
{
    struct stat there, info;
    if (fstat(t->fd, &info) != 0) return false;
    t->is_new = fstatat(t->folder, name, &there, AT_SYMLINK_NOFOLLOW) != 0;
    if (t->is_new) return errno == ENOENT;
    t->old_mode = there.st_mode & 07777;
    bool owned = there.st_uid == info.st_uid && there.st_gid == info.st_gid;
    return (owned || fchown(t->fd, there.st_uid, there.st_gid) == 0) && fchmod(t->fd, t->old_mode) == 0;
}

/* Do everything that takes time or can be undone, so that the renames follow each other at once. */
static bertc_status get_ready(cli_temporary *t, bertc_error *err)
{
    const char *name = last_part(t->target);
    if (!flush(t->fd)) return cli_fail_errno(err, t->path, "cannot flush");
    if (t->is_folder && !copy_mode(t, name)) return cli_fail_errno(err, t->path, "cannot keep the mode of the folder");
    if (!t->is_folder) {
        unlinkat(t->folder, t->old, 0);
        t->has_old = linkat(t->folder, name, t->folder, t->old, 0) == 0;
        t->is_new = !t->has_old && errno == ENOENT;
    }
    if (t->has_old && !flush(t->folder)) return cli_fail_errno(err, t->path, cannot_flush_folder);
    return BERTC_OK;
}

bertc_status cli_folder_taken(const char *path, bertc_error *err)
{
    return cli_fail(err, BERTC_USAGE, "%s: is not empty, choose another folder", path);
}

static bertc_status give_name(cli_temporary *t, bertc_error *err)
{
    t->placed = renameat(t->folder, last_part(t->temporary_path), t->folder, last_part(t->target)) == 0;
    if (t->placed) return BERTC_OK;
    if (t->is_folder && (errno == ENOTEMPTY || errno == EEXIST)) return cli_folder_taken(t->path, err);
    return cli_fail_errno(err, t->path, t->is_folder ? "cannot create folder" : "cannot write");
}

bertc_status cli_temporary_commit(cli_temporary *const all[], size_t count, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    for (size_t i = 0; i < count && status == BERTC_OK; i++) status = get_ready(all[i], err);
    for (size_t i = 0; i < count && status == BERTC_OK; i++) status = give_name(all[i], err);
    for (size_t i = 0; i < count && status == BERTC_OK; i++)
        if (!flush(all[i]->folder)) status = cli_fail_errno(err, all[i]->path, cannot_flush_folder);
    if (status != BERTC_OK) cli_temporary_undo(all, count, err);
    return status;
}

void cli_temporary_undo(cli_temporary *const all[], size_t count, bertc_error *err)
{
    while (count > 0) {
        cli_temporary *t = all[--count];
        if (!t->placed) continue;
        const char *name = last_part(t->target), *temporary = last_part(t->temporary_path);
        bool good;
        if (t->is_folder) {
            good = renameat(t->folder, name, t->folder, temporary) == 0;
            if (good && !t->is_new)
                good = mkdirat(t->folder, name, 0700) == 0 && fchmodat(t->folder, name, t->old_mode, 0) == 0;
        } else if (t->has_old) {
            good = renameat(t->folder, t->old, t->folder, name) == 0;
        } else {
            errno = EMLINK;
            good = t->is_new && unlinkat(t->folder, name, 0) == 0;
        }
        if (!good) cli_fail_also(err, t->path, "cannot be restored, the new one stays");
        t->placed = !good;
        t->has_old = t->has_old && !good;
    }
}

void cli_temporary_release(cli_temporary *t, bertc_error *err)
{
    if (t->target && t->fd >= 0) {
        if (!t->placed && !remove_tree(t->folder, last_part(t->temporary_path), NULL))
            cli_fail_also(err, t->temporary_path, "cannot remove");
        bool good = !t->has_old || unlinkat(t->folder, t->old, 0) == 0 || errno == ENOENT;
        if (!good && t->placed) warn_leftover(t->target, t->old);
        else if (!good) cli_fail_also(err, t->old, "cannot remove");
        else if (t->has_old && t->placed) for_each(t->folder, remove_old, t->target);
        close(t->fd);
    }
    if (t->target && t->folder >= 0) close(t->folder);
    free(t->target);
    free(t->temporary_path);
    free(t->old);
    *t = (cli_temporary){0};
}
