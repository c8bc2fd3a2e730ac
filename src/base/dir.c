#include "base/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

const bc_dir bc_working_dir = {AT_FDCWD, ""};

bertc_status bc_dir_fail(const bc_dir *dir, const char *name, const char *what, bertc_error *err)
{
    int code = errno;
    char reason[128];
    if (strerror_r(code, reason, sizeof reason) != 0) snprintf(reason, sizeof reason, "error %d", code);
    bertc_status status = code == ENOMEM ? BERTC_NOMEM : BERTC_IO;
    bc_fail(err, status, "%s%s%s: %s: %s", dir->path, dir->path[0] && name[0] ? "/" : "", name, what, reason);
    errno = code;
    return status;
}

/* ---- Folders ------------------------------------------------------------------------------- */

static int open_at(int fd, const char *name, int flags)
{
    int opened;
    do opened = openat(fd, name, flags | O_CLOEXEC, 0666);
    while (opened < 0 && errno == EINTR);
    return opened;
}

bertc_status bc_dir_open(bc_dir *dir, const char *path, bool create, bertc_error *err)
{
    *dir = (bc_dir){-1, path};
    bertc_status status = create ? bc_folder_create(path, err) : BERTC_OK;
    if (status != BERTC_OK) return status;
    dir->fd = open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
    return dir->fd >= 0 ? BERTC_OK : bc_dir_fail(&bc_working_dir, path, "cannot open folder", err);
}

bertc_status bc_dir_enter(bc_dir *dir, const bc_dir *in, const char *name, bool create, bertc_error *err)
{
    dir->fd = -1;
    if (create && mkdirat(in->fd, name, 0777) == 0) {
        bertc_status status = bc_dir_sync(in, err);
        if (status != BERTC_OK) return status;
    } else if (create && errno != EEXIST) {
        return bc_dir_fail(in, name, "cannot create folder", err);
    }
    dir->fd = open_at(in->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (dir->fd >= 0) return BERTC_OK;
    if (errno == ELOOP) errno = ENOTDIR; /* O_DIRECTORY | O_NOFOLLOW gives either code for a link */
    return bc_dir_fail(in, name, "cannot open folder", err);
}

void bc_dir_close(bc_dir *dir)
{
    if (dir->fd >= 0) close(dir->fd);
    dir->fd = -1;
}

bertc_status bc_dir_sync(const bc_dir *dir, bertc_error *err)
{
    int done;
    do done = fsync(dir->fd);
    while (done != 0 && errno == EINTR);
    /* EINVAL: the file system cannot flush folders */
    return done == 0 || errno == EINVAL ? BERTC_OK : bc_dir_fail(dir, "", "cannot flush folder", err);
}

/* ---- Names --------------------------------------------------------------------------------- */

bertc_status bc_dir_entry(const bc_dir *dir, const char *name, bc_entry *kind, bertc_error *err)
{
    struct stat info;
    *kind = BC_ENTRY_NONE;
    if (fstatat(dir->fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? BERTC_OK : bc_dir_fail(dir, name, "cannot stat", err);
    *kind = S_ISREG(info.st_mode) ? BC_ENTRY_FILE : S_ISDIR(info.st_mode) ? BC_ENTRY_FOLDER : BC_ENTRY_OTHER;
    return BERTC_OK;
}

bertc_status bc_dir_file(const bc_dir *dir, const char *name, int flags, int *fd, bertc_error *err)
{
    struct stat info;
    bertc_status status = BERTC_OK;
    *fd = open_at(dir->fd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0) return bc_dir_fail(dir, name, flags & O_CREAT ? "cannot create" : "cannot open", err);
    if (fstat(*fd, &info) != 0) status = bc_dir_fail(dir, name, "cannot stat", err);
    else if (!S_ISREG(info.st_mode))
        status = bc_fail(err, BERTC_IO, "%s%s%s: not a regular file", dir->path, dir->path[0] ? "/" : "", name);
    if (status == BERTC_OK) return BERTC_OK;
    close(*fd);
    *fd = -1;
    return status;
}

bertc_status bc_dir_peek(const bc_dir *dir, const char *name, char *bytes, size_t max, size_t *count, bertc_error *err)
{
    int fd;
    ssize_t n;
    *count = 0;
    bertc_status status = bc_dir_file(dir, name, O_RDONLY, &fd, err);
    if (status != BERTC_OK) return status;
    do n = pread(fd, bytes, max, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0) status = bc_dir_fail(dir, name, "cannot read", err);
    else *count = (size_t)n;
    close(fd);
    return status;
}

/* linkat fails if the new name exists. renameat would replace it, so without hard links the name is checked first. */
bertc_status bc_dir_place(const bc_dir *from, const bc_dir *to, const char *name, bertc_error *err)
{
    int done = linkat(from->fd, name, to->fd, name, 0);
    if (done != 0 && (errno == EPERM || errno == ENOTSUP || errno == ENOSYS)) {
        struct stat info;
        bool taken = fstatat(to->fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
        if (taken) errno = EEXIST;
        else if (errno == ENOENT) done = renameat(from->fd, name, to->fd, name);
    }
    if (done == 0) return BERTC_OK;
    if (errno == EEXIST)
        return bc_fail(err, BERTC_IO, "%s/%s: in the way, this run did not write it; move it elsewhere",
                       to->path, name);
    return bc_dir_fail(to, name, "cannot link", err);
}

bertc_status bc_dir_remove(const bc_dir *dir, const char *name, bertc_error *err)
{
    if (unlinkat(dir->fd, name, 0) == 0 || errno == ENOENT) return BERTC_OK;
    return bc_dir_fail(dir, name, "cannot remove", err);
}

bertc_status bc_dir_remove_folder(const bc_dir *dir, const char *name, bertc_error *err)
{
    if (unlinkat(dir->fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return BERTC_OK;
    return bc_dir_fail(dir, name, "cannot remove folder", err);
}

/* fdopendir owns its descriptor and moves its read position, so the folder is opened a second time. */
void bc_dir_names_begin(bc_dir_names *names, const bc_dir *dir)
{
    int fd = open_at(dir->fd, ".", O_RDONLY | O_DIRECTORY);
    names->stream = fd >= 0 ? fdopendir(fd) : NULL;
    names->code = names->stream ? 0 : errno;
    if (!names->stream && fd >= 0) close(fd);
}

const char *bc_dir_names_next(bc_dir_names *names)
{
    while (names->stream && names->code == 0) {
        errno = 0;
        const struct dirent *e = readdir(names->stream);
        if (!e) names->code = errno;
        if (!e) return NULL;
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) return e->d_name;
    }
    return NULL;
}

bertc_status bc_dir_names_end(bc_dir_names *names, const bc_dir *dir, bertc_error *err)
{
    if (names->stream) closedir(names->stream);
    names->stream = NULL;
    if (names->code == 0) return BERTC_OK;
    errno = names->code;
    return bc_dir_fail(dir, "", "cannot read folder", err);
}

bertc_status bc_dir_sync_parent(const bc_dir *dir, const char *name, bertc_error *err)
{
    const char *slash = strrchr(name, '/');
    char *parent = bc_strndup(slash ? name : ".", slash && slash > name ? (size_t)(slash - name) : 1);
    if (!parent) return bc_fail_memory(err);
    bertc_status status = BERTC_OK;
    bc_dir folder = {openat(dir->fd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC), parent};
    if (folder.fd >= 0) status = bc_dir_sync(&folder, err);
    else if (errno != EACCES) status = bc_dir_fail(dir, parent, "cannot open folder", err);
    bc_dir_close(&folder);
    bc_free(parent);
    return status;
}

/* Make the folder `path` unless it exists. Messages name `full`, the path that the caller asked for. */
static bertc_status make_folder(const char *path, const char *full, bertc_error *err)
{
    if (mkdir(path, 0777) == 0) return bc_dir_sync_parent(&bc_working_dir, path, err);
    int code = errno;
    bool found;
    if (bc_folder_exists(path)) return BERTC_OK;
    bertc_status status = code == EEXIST ? bc_folder_find(path, &found, err) : BERTC_OK;
    if (status != BERTC_OK) return status; /* a dangling link */
    errno = code;
    return bc_dir_fail(&bc_working_dir, full, "cannot create folder", err);
}

bertc_status bc_folder_create(const char *path, bertc_error *err)
{
    char *partial = bc_strndup(path, strlen(path));
    if (!partial) return bc_fail_memory(err);
    bertc_status status = BERTC_OK;
    errno = ENOENT;
    if (!path[0]) status = bc_dir_fail(&bc_working_dir, path, "cannot create folder", err);
    for (size_t i = 1; status == BERTC_OK && i <= strlen(path); i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        partial[i] = '\0';
        status = make_folder(partial, path, err);
        partial[i] = path[i];
    }
    bc_free(partial);
    return status;
}
