#include "train/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/size.h"

static const char work_name[] = "checkpoint", log_name[] = "log.jsonl", record_name[] = "run.json";

/* ---- What is there ------------------------------------------------------------------------- */

typedef enum content { NOTHING, UNFINISHED, FINISHED, FOREIGN } content;

bool bc_folder_parse_name(const char *name, const char *prefix, long long *step)
{
    size_t length = strlen(prefix);
    if (strncmp(name, prefix, length) != 0 || name[length] != '-') return false;
    const char *digits = name + length + 1;
    size_t n = strspn(digits, "0123456789");
    if (n == 0 || n > 18 || strcmp(digits + n, ".safetensors") != 0) return false;
    *step = strtoll(digits, NULL, 10);
    return true;
}

static bool holds_checkpoint(const char *work)
{
    DIR *dir = opendir(work);
    bool found = false;
    long long step;
    for (struct dirent *e; dir && !found && (e = readdir(dir)) != NULL;)
        found = bc_folder_parse_name(e->d_name, "step", &step);
    if (dir) closedir(dir);
    return found;
}

/* Classify the folder; a name that no run wrote goes to `foreign`. */
static bertc_status look(const bc_folder *folder, content *is, char *foreign, size_t size,
                         bertc_error *err)
{
    DIR *dir = opendir(folder->path);
    *is = NOTHING;
    if (!dir && errno == ENOENT) return BERTC_OK;
    if (!dir && errno == ENOTDIR)
        return bc_fail(err, BERTC_IO, "%s: cannot be a folder, a file is in the way", folder->path);
    if (!dir) return bc_fail_errno(err, folder->path, "cannot open folder");
    bool begun = holds_checkpoint(folder->work), done = false;
    foreign[0] = '\0';
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        const char *name = e->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
        begun = begun || strcmp(name, log_name) == 0;
        done = done || strcmp(name, record_name) == 0;
        if (strcmp(name, work_name) != 0) snprintf(foreign, size, "%s", name);
    }
    closedir(dir);
    *is = done ? FINISHED : begun ? UNFINISHED : foreign[0] ? FOREIGN : NOTHING;
    return BERTC_OK;
}

/* Refuse what must not be overwritten. */
static bertc_status check_content(const bc_folder *folder, bool resume, bool *finished,
                                  bertc_error *err)
{
    char foreign[256];
    content is;
    bertc_status status = look(folder, &is, foreign, sizeof foreign, err);
    if (status != BERTC_OK) return status;
    *finished = is == FINISHED;
    if (is == FOREIGN)
        return bc_fail(err, BERTC_USAGE, "%s: holds \"%s\", which no run left there; choose another --out",
                       folder->path, foreign);
    if (is == FINISHED && !resume)
        return bc_fail(err, BERTC_USAGE,
                       "%s: holds a finished run; choose another --out, or --resume for its result",
                       folder->path);
    if (is == UNFINISHED && !resume && folder->fd >= 0)
        return bc_fail(err, BERTC_USAGE,
                       "%s: holds an unfinished run; go on with --resume or choose another --out",
                       folder->path);
    return BERTC_OK;
}

/* ---- The lock ------------------------------------------------------------------------------ */

static bertc_status fail_locked(const bc_folder *folder, int fd, bertc_error *err)
{
    char pid[32];
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? n : 0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
    return bc_fail(err, BERTC_LOCKED, "%s: locked by another run%s%s", folder->path,
                   pid[0] ? ", process " : "", pid);
}

/* Is the locked file still the one that the path names? A run that ended may have removed it. */
static bool is_current(const bc_folder *folder, int fd)
{
    struct stat ours, there;
    return fstat(fd, &ours) == 0 && stat(folder->lock, &there) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

static bertc_status write_pid(bc_folder *folder, bertc_error *err)
{
    char pid[32];
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(folder->fd, 0) != 0 || pwrite(folder->fd, pid, (size_t)n, 0) != n)
        return bc_fail_errno(err, folder->lock, "cannot write");
    return BERTC_OK;
}

/* One attempt; *again is set where another run removed the file meanwhile. */
static bertc_status try_lock(bc_folder *folder, bool *again, bertc_error *err)
{
    *again = false;
    bertc_status status = bc_folder_create(folder->work, err);
    if (status != BERTC_OK) return status;
    int fd = open(folder->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        *again = errno == ENOENT || errno == EINTR;
        return *again ? BERTC_OK : bc_fail_errno(err, folder->lock, "cannot create");
    }
    int taken;
    do taken = flock(fd, LOCK_EX | LOCK_NB);
    while (taken != 0 && errno == EINTR);
    if (taken != 0)
        status = errno == EWOULDBLOCK ? fail_locked(folder, fd, err)
                                      : bc_fail_errno(err, folder->lock, "cannot lock");
    else *again = !is_current(folder, fd);
    if (status != BERTC_OK || *again) {
        close(fd);
        return status;
    }
    folder->fd = fd;
    return write_pid(folder, err);
}

static bertc_status take_lock(bc_folder *folder, bertc_error *err)
{
    enum { ATTEMPTS = 100 };
    bool again = true;
    bertc_status status = BERTC_OK;
    for (int i = 0; i < ATTEMPTS && again && status == BERTC_OK; i++)
        status = try_lock(folder, &again, err);
    if (status == BERTC_OK && again)
        return bc_fail(err, BERTC_LOCKED, "%s: other runs keep taking the folder", folder->path);
    return status;
}

/* ---- Opening and closing ------------------------------------------------------------------- */

/* Length of the part of a path that exists; the rest is cut off. */
static size_t existing_part(char *path)
{
    struct stat info;
    size_t length = strlen(path);
    while (length > 0 && stat(path, &info) != 0) {
        while (length > 0 && path[length - 1] != '/') length--;
        while (length > 0 && path[length - 1] == '/') length--;
        path[length] = '\0';
    }
    return length;
}

static bertc_status name_paths(bc_folder *folder, const char *path, bertc_error *err)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    folder->path = bc_strndup(path, length);
    folder->work = folder->path ? bc_path_join(folder->path, work_name) : NULL;
    folder->lock = folder->work ? bc_path_join(folder->work, "lock") : NULL;
    if (!folder->lock) return bc_fail_memory(err);
    folder->found = existing_part(folder->path);
    memcpy(folder->path, path, length);
    return BERTC_OK;
}

bertc_status bc_folder_open(bc_folder *folder, const char *path, bool resume, bool *finished,
                            bertc_error *err)
{
    *folder = (bc_folder){.fd = -1};
    *finished = false;
    bertc_status status = name_paths(folder, path, err);
    if (status == BERTC_OK) status = check_content(folder, resume, finished, err);
    if (status != BERTC_OK || (*finished && !bc_folder_exists(folder->work))) return status;
    status = take_lock(folder, err);
    /* Between the first look and the lock another run may have come and gone. */
    return status == BERTC_OK ? check_content(folder, resume, finished, err) : status;
}

/* Remove folders from `path` up to, not including, the part that existed before. What is not empty,
 * another run's lock included, stays: rmdir sees to it. */
static void remove_made(const bc_folder *folder)
{
    size_t length = strlen(folder->path);
    while (length > folder->found && rmdir(folder->path) == 0) {
        while (length > folder->found && folder->path[length - 1] != '/') length--;
        while (length > folder->found && folder->path[length - 1] == '/') length--;
        folder->path[length] = '\0';
    }
}

void bc_folder_close(bc_folder *folder)
{
    if (folder->fd >= 0) unlink(folder->lock);
    if (folder->lock) {
        rmdir(folder->work);
        remove_made(folder);
    }
    if (folder->fd >= 0) close(folder->fd);
    bc_free(folder->path);
    bc_free(folder->work);
    bc_free(folder->lock);
    *folder = (bc_folder){.fd = -1};
}

static bool is_ours(const char *name)
{
    size_t length = strlen(name);
    long long step;
    return bc_folder_parse_name(name, "step", &step) || bc_folder_parse_name(name, "best", &step) ||
           (length > 4 && strcmp(name + length - 4, ".tmp") == 0);
}

void bc_folder_clear_work(const bc_folder *folder)
{
    DIR *dir = opendir(folder->work);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;)
        if (is_ours(e->d_name)) unlinkat(dirfd(dir), e->d_name, 0);
    if (dir) closedir(dir);
}

bertc_status bc_folder_check_space(const bc_folder *folder, double bytes, bertc_error *err)
{
    struct statvfs disk;
    if (statvfs(folder->path, &disk) != 0 || disk.f_blocks == 0) return BERTC_OK;
    double left = (double)disk.f_bavail * (double)disk.f_frsize;
    if (left >= bytes) return BERTC_OK;
    return bc_fail(err, BERTC_IO, "%s: the run needs %.1f MB of disk space, %.1f MB are free",
                   folder->path, bytes / BC_MB, left / BC_MB);
}

bertc_status bc_folder_check_limit(const bc_folder *folder, double bytes, bertc_error *err)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        bytes <= (double)limit.rlim_cur)
        return BERTC_OK;
    return bc_fail(err, BERTC_IO,
                   "%s: the run needs files of %.1f MB, the limit of this process is %.1f MB "
                   "(ulimit -f)",
                   folder->path, bytes / BC_MB, (double)limit.rlim_cur / BC_MB);
}
