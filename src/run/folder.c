#include "run/folder.h"

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

static const char log_start[] = "{\"step\":";

/* ---- Classifying the content --------------------------------------------------------------- */

typedef enum content { NOTHING, UNFINISHED, FINISHED, FOREIGN } content;

typedef struct findings {
    content is;
    bool work;         /* checkpoint/ exists and belongs to a run: it has a journal, or no file yet */
    char foreign[300]; /* name of a file that does not belong to a run; or empty */
    bertc_error why;   /* error of a file that could not be examined */
} findings;

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

/* Whether the entry `name` is of the kind `kind` (a file, a folder). If the system fails, this and the next functions
 * return false and set *why. */
static bool is_kind(const bc_dir *dir, const char *name, bc_entry kind, bertc_error *why)
{
    bc_entry there;
    return bc_dir_entry(dir, name, &there, why) == BERTC_OK && there == kind;
}

/* Whether a file and `text` agree up to the length of the shorter of the two. Zeros in the file count as equal: a power
 * cut can leave them. */
static bool begins(const bc_dir *dir, const char *name, const char *text, bertc_error *why)
{
    char bytes[32];
    size_t count, max = strlen(text) < sizeof bytes ? strlen(text) : sizeof bytes;
    if (!is_kind(dir, name, BC_ENTRY_FILE, why)) return false;
    if (bc_dir_peek(dir, name, bytes, max, &count, why) != BERTC_OK) return false;
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != text[i] && bytes[i] != '\0') return false;
    return true;
}

/* Whether a file is a lock: it is empty or contains a process id. */
static bool is_lock(const bc_dir *work, bertc_error *why)
{
    char bytes[32];
    size_t count;
    if (!is_kind(work, BC_RUN_LOCK, BC_ENTRY_FILE, why)) return false;
    if (bc_dir_peek(work, BC_RUN_LOCK, bytes, sizeof bytes - 1, &count, why) != BERTC_OK) return false;
    bytes[count] = '\0';
    size_t digits = strspn(bytes, "0123456789");
    return bytes[digits] == '\0' || strcmp(bytes + digits, "\n") == 0;
}

/* Whether an entry of checkpoint/ can come from a run. With a journal, files that are not listed in it are ignored.
 * Without a journal, only the lock and the temporary file of a journal, or a journal that was just created, are
 * accepted. */
static bool is_fitting(const bc_folder *folder, const char *name, bertc_error *why)
{
    const bc_dir *work = &folder->work;
    if (strcmp(name, BC_RUN_LOCK) == 0) return is_lock(work, why);
    if (strcmp(name, BC_RUN_JOURNAL) == 0) return is_kind(work, name, BC_ENTRY_FILE, why);
    if (folder->journal.length == 0)
        return strcmp(name, BC_RUN_JOURNAL ".tmp") == 0 && begins(work, name, BC_JOURNAL_START, why);
    if (!bc_folder_owns(folder, name)) return true;
    return is_kind(work, name, strcmp(name, BC_RUN_STAGING) == 0 ? BC_ENTRY_FOLDER : BC_ENTRY_FILE, why);
}

static bertc_status look_at_work(bc_folder *folder, findings *found, bertc_error *err)
{
    bc_entry kind;
    bc_text_clear(&folder->journal);
    bc_dir_close(&folder->work);
    bertc_status status = bc_dir_entry(&folder->root, BC_RUN_WORK, &kind, err);
    if (status != BERTC_OK || kind == BC_ENTRY_NONE) return status;
    snprintf(found->foreign, sizeof found->foreign, "%s", BC_RUN_WORK);
    if (kind != BC_ENTRY_FOLDER) return BERTC_OK;
    status = bc_dir_enter(&folder->work, &folder->root, BC_RUN_WORK, false, err);
    if (status == BERTC_OK) status = bc_journal_read(folder, err);
    if (status != BERTC_OK) return status;
    bc_dir_names names;
    found->work = true;
    found->foreign[0] = '\0';
    bc_dir_names_begin(&names, &folder->work);
    for (const char *name; (name = bc_dir_names_next(&names)) != NULL;) {
        if (is_fitting(folder, name, &found->why)) continue;
        snprintf(found->foreign, sizeof found->foreign, "%s/%s", BC_RUN_WORK, name);
        found->work = false;
    }
    return bc_dir_names_end(&names, &folder->work, err);
}

/* Whether an entry of the run folder does not belong to a run. Without a journal that is any entry but checkpoint/.
 * With a journal, only run.json and log.jsonl are examined; other files are ignored. */
static bool is_foreign(const bc_folder *folder, const char *name, bertc_error *why)
{
    if (strcmp(name, BC_RUN_WORK) == 0) return false;
    if (folder->journal.length == 0) return true;
    if (strcmp(name, BC_RUN_RECORD) == 0) return !is_kind(&folder->root, name, BC_ENTRY_FILE, why);
    if (strcmp(name, BC_RUN_LOG) != 0) return false;
    return !bc_folder_owns(folder, "../" BC_RUN_LOG) || !begins(&folder->root, name, log_start, why);
}

static bertc_status look_at_root(bc_folder *folder, findings *found, bertc_error *err)
{
    bc_dir_names names;
    bool done = false;
    bc_dir_names_begin(&names, &folder->root);
    for (const char *name; (name = bc_dir_names_next(&names)) != NULL;) {
        if (strcmp(name, BC_RUN_RECORD) == 0) done = is_kind(&folder->root, name, BC_ENTRY_FILE, &found->why);
        if (!found->foreign[0] && is_foreign(folder, name, &found->why))
            snprintf(found->foreign, sizeof found->foreign, "%s", name);
    }
    found->is = done ? FINISHED : found->foreign[0] ? FOREIGN : folder->journal.length > 0 ? UNFINISHED : NOTHING;
    return bc_dir_names_end(&names, &folder->root, err);
}

/* Classify the folder. */
static bertc_status look(bc_folder *folder, findings *found, bertc_error *err)
{
    *found = (findings){.is = NOTHING};
    bc_dir_close(&folder->root);
    do folder->root.fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (folder->root.fd < 0 && errno == EINTR);
    if (folder->root.fd < 0 && errno == ENOENT) return BERTC_OK;
    if (folder->root.fd < 0 && errno == ENOTDIR)
        return bc_fail(err, BERTC_IO, "%s: cannot be a folder, a file is in the way", folder->path);
    if (folder->root.fd < 0) return bc_dir_fail(&bc_working_dir, folder->path, "cannot open folder", err);
    bertc_status status = look_at_work(folder, found, err);
    if (status == BERTC_OK) status = look_at_root(folder, found, err);
    if (status != BERTC_OK || found->why.status == BERTC_OK) return status;
    return bc_fail(err, found->why.status, "%s", found->why.message);
}

/* Refuse what must not be overwritten. */
static bertc_status check_content(bc_folder *folder, bool resume, findings *found, bertc_error *err)
{
    bertc_status status = look(folder, found, err);
    if (status != BERTC_OK) return status;
    if (found->is == FOREIGN)
        return bc_fail(err, BERTC_USAGE, "%s: holds \"%s\", which is not part of a run; choose another --out",
                       folder->path, found->foreign);
    if (found->is == FINISHED && !resume)
        return bc_fail(err, BERTC_USAGE, "%s: holds a finished run; choose another --out, or --resume for its result",
                       folder->path);
    if (found->is == UNFINISHED && !resume && folder->fd >= 0)
        return bc_fail(err, BERTC_USAGE,
                       "%s: holds an unfinished run; continue it with --resume or choose another --out", folder->path);
    return BERTC_OK;
}

/* ---- The lock ------------------------------------------------------------------------------ */

/* Whether the locked file still has its name. A run that ended may have removed the lock file. */
static bool is_current(const bc_folder *folder, int fd)
{
    struct stat ours, there;
    return fstat(fd, &ours) == 0 && fstatat(folder->work.fd, BC_RUN_LOCK, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

static bool write_lock(const bc_folder *folder, const char *text)
{
    return ftruncate(folder->fd, 0) == 0 && bc_write_at(folder->fd, text, strlen(text), 0);
}

/* Open the run folder and checkpoint/; create missing ones. Sets *again if another run removed a folder meanwhile. */
static bertc_status make_folders(bc_folder *folder, bool *again, bertc_error *err)
{
    bc_dir_close(&folder->work);
    bc_dir_close(&folder->root);
    bertc_status status = bc_dir_open(&folder->root, folder->path, true, err);
    if (status != BERTC_OK) return status;
    bertc_error why = {0};
    status = bc_dir_enter(&folder->work, &folder->root, BC_RUN_WORK, true, &why);
    *again = status != BERTC_OK && errno == ENOENT;
    return status == BERTC_OK || *again ? BERTC_OK : bc_fail(err, status, "%s", why.message);
}

/* Try once to take the lock. Sets *again if another run removed a folder or the lock meanwhile. */
static bertc_status try_lock(bc_folder *folder, bool *again, bertc_error *err)
{
    int fd;
    *again = false;
    bertc_status status = make_folders(folder, again, err);
    if (status != BERTC_OK || *again) return status;
    bertc_error why = {0};
    status = bc_dir_file(&folder->work, BC_RUN_LOCK, O_RDWR | O_CREAT, &fd, &why);
    *again = status != BERTC_OK && errno == ENOENT;
    if (status != BERTC_OK) return *again ? BERTC_OK : bc_fail(err, status, "%s", why.message);
    char pid[32];
    int taken;
    do taken = flock(fd, LOCK_EX | LOCK_NB);
    while (taken != 0 && errno == EINTR);
    if (taken != 0 && errno == EWOULDBLOCK) {
        ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
        pid[n > 0 ? n : 0] = '\0';
        pid[strspn(pid, "0123456789")] = '\0';
        status = bc_fail(err, BERTC_LOCKED, "%s: locked by another run%s%s", folder->path, pid[0] ? ", process " : "",
                         pid);
    } else if (taken != 0) status = bc_dir_fail(&folder->work, BC_RUN_LOCK, "cannot lock", err);
    else *again = !is_current(folder, fd);
    if (status != BERTC_OK || *again) {
        close(fd);
        return status;
    }
    folder->fd = fd;
    ssize_t n = pread(fd, folder->before, sizeof folder->before - 1, 0);
    folder->before[n > 0 ? n : 0] = '\0';
    snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    return write_lock(folder, pid) ? BERTC_OK : bc_dir_fail(&folder->work, BC_RUN_LOCK, "cannot write", err);
}

static bertc_status take_lock(bc_folder *folder, bertc_error *err)
{
    enum { ATTEMPTS = 100 };
    bool again = true;
    bertc_status status = BERTC_OK;
    folder->tried = true;
    for (int i = 0; i < ATTEMPTS && again && status == BERTC_OK; i++) status = try_lock(folder, &again, err);
    if (status == BERTC_OK && again)
        return bc_fail(err, BERTC_LOCKED, "%s: other runs keep locking the folder", folder->path);
    return status;
}

/* ---- Opening and closing ------------------------------------------------------------------- */

/* Cut off the part of a path that does not exist; return the length of the existing part. */
static size_t existing_part(char *path)
{
    struct stat info;
    size_t length = strlen(path);
    while (length > 0 && lstat(path, &info) != 0) {
        while (length > 0 && path[length - 1] != '/') length--;
        while (length > 0 && path[length - 1] == '/') length--;
        path[length] = '\0';
    }
    return length;
}

static bertc_status set_paths(bc_folder *folder, const char *path, bertc_error *err)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    folder->path = bc_strndup(path, length);
    folder->work_path = folder->path ? bc_path_join(folder->path, BC_RUN_WORK) : NULL;
    folder->staging_path = folder->work_path ? bc_path_join(folder->work_path, BC_RUN_STAGING) : NULL;
    if (!folder->staging_path) return bc_fail_memory(err);
    folder->found = existing_part(folder->path);
    memcpy(folder->path, path, length);
    folder->root.path = folder->path;
    folder->work.path = folder->work_path;
    return BERTC_OK;
}

bertc_status bc_folder_open(bc_folder *folder, const char *path, bool resume, bool *finished, bertc_error *err)
{
    findings found;
    *folder = (bc_folder){.fd = -1, .root.fd = -1, .work.fd = -1};
    *finished = false;
    bertc_status status = set_paths(folder, path, err);
    if (status == BERTC_OK) status = check_content(folder, resume, &found, err);
    if (status != BERTC_OK) return status;
    *finished = found.is == FINISHED;
    if (*finished && !found.work) return BERTC_OK;
    status = take_lock(folder, err);
    /* Another run may have started and ended between the first check and the lock. */
    if (status == BERTC_OK) status = check_content(folder, resume, &found, err);
    *finished = status == BERTC_OK && found.is == FINISHED;
    return status;
}

/* ---- Removing ------------------------------------------------------------------------------ */

static bool warned(const bc_folder *folder, bertc_status status, const bertc_error *why)
{
    if (status != BERTC_OK) bc_notify(folder->notify, "warning: %s", why->message);
    return status != BERTC_OK;
}

bool bc_folder_remove(const bc_folder *folder, const bc_dir *dir, const char *name)
{
    bertc_error why = {0};
    return !warned(folder, bc_dir_remove(dir, name, &why), &why);
}

/* Remove the files of the run in checkpoint/ except journal and lock; return false if a file stays. */
static bool remove_owned(const bc_folder *folder)
{
    bc_dir_names names;
    bertc_error why = {0};
    bool all = true;
    bc_dir_names_begin(&names, &folder->work);
    for (const char *name; (name = bc_dir_names_next(&names)) != NULL;)
        if (strcmp(name, BC_RUN_STAGING) == 0 && bc_folder_owns(folder, name)) all = false; /* not empty */
        else if (bc_folder_owns(folder, name)) all = bc_folder_remove(folder, &folder->work, name) && all;
    return !warned(folder, bc_dir_names_end(&names, &folder->work, &why), &why) && all;
}

void bc_folder_clear_work(bc_folder *folder)
{
    bertc_error why = {0};
    if (folder->journal.length == 0 || !remove_owned(folder)) return;
    warned(folder, bc_dir_sync(&folder->work, &why), &why); /* the journal is removed last */
    if (bc_folder_remove(folder, &folder->work, BC_RUN_JOURNAL)) bc_text_clear(&folder->journal);
}

/* Whether the run wrote a log or another file besides the journal. */
static bool is_begun(const bc_folder *folder)
{
    bc_dir_names names;
    bool begun = !is_kind(&folder->root, BC_RUN_LOG, BC_ENTRY_NONE, NULL);
    bc_dir_names_begin(&names, &folder->work);
    for (const char *name; (name = bc_dir_names_next(&names)) != NULL;) begun = begun || bc_folder_owns(folder, name);
    return bc_dir_names_end(&names, &folder->work, NULL) != BERTC_OK || begun;
}

/* Remove the empty folders from `path` up to the part that existed before. rmdir keeps a folder that is not empty, such
 * as one with the lock of another run. */
static void remove_created(const bc_folder *folder)
{
    size_t length = strlen(folder->path);
    while (length > folder->found && rmdir(folder->path) == 0) {
        while (length > folder->found && folder->path[length - 1] != '/') length--;
        while (length > folder->found && folder->path[length - 1] == '/') length--;
        folder->path[length] = '\0';
    }
    if (length == folder->found || errno == ENOTEMPTY || errno == EEXIST || errno == ENOENT) return;
    bertc_error why = {0};
    warned(folder, bc_dir_fail(&bc_working_dir, folder->path, "cannot remove folder", &why), &why);
}

/* Remove the journal of a run that wrote nothing else, the lock, and checkpoint/ if it is empty. If the journal belongs
 * to another run, restore the old content of the lock file. */
static void leave_work(bc_folder *folder)
{
    bertc_error why = {0};
    if (folder->joined && folder->journal.length > 0 && !is_begun(folder)) {
        warned(folder, bc_dir_sync(&folder->root, &why), &why); /* the log is removed before the journal */
        if (bc_folder_remove(folder, &folder->work, BC_RUN_JOURNAL)) bc_text_clear(&folder->journal);
    }
    bool theirs = folder->journal.length > 0 && !folder->joined && folder->before[0];
    if (folder->fd >= 0 && theirs) theirs = write_lock(folder, folder->before);
    if (folder->fd >= 0 && !theirs) bc_folder_remove(folder, &folder->work, BC_RUN_LOCK);
    bertc_status status = bc_dir_remove_folder(&folder->root, BC_RUN_WORK, &why);
    /* checkpoint/ stays if its run is unfinished or if another run has locked it. */
    if (folder->fd >= 0 && folder->journal.length == 0) warned(folder, status, &why);
}

void bc_folder_close(bc_folder *folder)
{
    if (folder->tried && folder->root.fd >= 0) leave_work(folder);
    if (folder->tried) remove_created(folder);
    if (folder->fd >= 0) close(folder->fd);
    bc_dir_close(&folder->work);
    bc_dir_close(&folder->root);
    bc_text_clear(&folder->journal);
    bc_free(folder->path);
    bc_free(folder->work_path);
    bc_free(folder->staging_path);
    *folder = (bc_folder){.fd = -1, .root.fd = -1, .work.fd = -1};
}

bertc_status bc_folder_check_space(const bc_folder *folder, double bytes, bertc_error *err)
{
    struct statvfs disk;
    if (fstatvfs(folder->root.fd, &disk) != 0 || disk.f_blocks == 0) return BERTC_OK;
    double left = (double)disk.f_bavail * (double)disk.f_frsize;
    if (left >= bytes) return BERTC_OK;
    return bc_fail(err, BERTC_IO, "%s: the run needs %.1f MB of disk space, %.1f MB are free",
                   folder->path, bytes / BC_MB, left / BC_MB);
}

bertc_status bc_folder_check_limit(const bc_folder *folder, double bytes, bertc_error *err)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || bytes <= (double)limit.rlim_cur)
        return BERTC_OK;
    return bc_fail(err, BERTC_IO,
                   "%s: the run needs files of %.1f MB, the limit of this process is %.1f MB "
                   "(ulimit -f)",
                   folder->path, bytes / BC_MB, (double)limit.rlim_cur / BC_MB);
}
