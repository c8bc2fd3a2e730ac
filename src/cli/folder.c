#include "cli/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/temporary.h"
#include "cli/error.h"
#include "cli/signals.h"

/* Check that a new folder may take the name `path`: the name is free, or it is an empty folder that is neither a
 * mount point nor the working folder. (A shell or a mount would keep using the replaced folder.) */
static bertc_status check_replaceable(const char *path, bertc_error *err)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 && errno == ENOENT) return BERTC_OK;
    if (folder < 0) return cli_fail_errno(err, path, "cannot open");
    struct stat info, other;
    bertc_status status = BERTC_OK;
    if (fstat(folder, &info) != 0) status = cli_fail_errno(err, path, "cannot stat");
    else if (!cli_folder_is_empty(folder))
        status = errno == ENOTEMPTY ? cli_folder_taken(path, err) : cli_fail_errno(err, path, "cannot read");
    else if (stat(".", &other) == 0 && other.st_ino == info.st_ino && other.st_dev == info.st_dev)
        status = cli_fail(err, BERTC_USAGE, "%s: is the working folder, give a folder in it", path);
    else if (fstatat(folder, "..", &other, 0) == 0 && other.st_dev != info.st_dev)
        status = cli_fail(err, BERTC_USAGE, "%s: is a mount point, give a folder in it", path);
    close(folder);
    return status;
}

/* ---- Folders above ------------------------------------------------------------------------- */

/* Flush the folder that contains path[0..length), so that this name survives a power cut; false with errno. */
static bool flush_parent(char *path, size_t length)
{
    while (length > 0 && path[length - 1] != '/') length--;
    char end = path[length];
    path[length] = '\0';
    int folder = open(length > 0 ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    path[length] = end;
    bool good = folder >= 0 && (fsync(folder) == 0 || errno == EINVAL);
    int code = errno;
    if (folder >= 0) close(folder);
    errno = code;
    return good;
}

/* Make the missing folders above `path`; false with errno. *made is the length of the path of the first folder that was
 * made, or 0. */
static bool make_parents(char *path, size_t *made)
{
    bool good = true;
    for (size_t i = 1; good && path[i]; i++) {
        if (path[i] != '/' || path[i - 1] == '/') continue;
        path[i] = '\0';
        struct stat info;
        bool is_new = mkdir(path, 0777) == 0;
        int code = errno;
        good = is_new || (stat(path, &info) == 0 && S_ISDIR(info.st_mode));
        path[i] = '/';
        if (is_new && *made == 0) *made = i;
        if (is_new) good = flush_parent(path, i);
        else errno = code == EEXIST ? ENOTDIR : code;
    }
    return good;
}

/* Remove the folders that make_parents made, the deepest first, unless others use them by now. */
static void remove_parents(char *path, size_t made, bertc_error *err)
{
    for (size_t i = strlen(path); made > 0 && i >= made; i--) {
        if (path[i] != '/' || path[i - 1] == '/') continue;
        path[i] = '\0';
        if (rmdir(path) != 0 && errno != ENOTEMPTY && errno != EEXIST && errno != ENOENT)
            cli_fail_also(err, path, "cannot remove");
        path[i] = '/';
    }
}

/* ---- The whole folder ---------------------------------------------------------------------- */

/* Replace the temporary path in a message by the path that the user gave. */
static void rename_in_message(bertc_error *err, const char *temporary, const char *path)
{
    const bertc_error first = *err;
    const char *found = strstr(first.message, temporary);
    if (!found) return;
    *err = (bertc_error){0};
    cli_fail(err, first.status, "%.*s%s%s", (int)(found - first.message), first.message, path,
             found + strlen(temporary));
}

static bertc_status fill_temporary(const char *path, cli_fill *fill, const void *values, bertc_error *err)
{
    cli_temporary temporary;
    bertc_status status = cli_temporary_create(&temporary, path, true, err);
    if (status != BERTC_OK) return status;
    status = fill(values, temporary.temporary_path, err);
    if (status != BERTC_OK) rename_in_message(err, temporary.temporary_path, path);
    if (status == BERTC_OK && cli_signals_status() != BERTC_OK) status = cli_fail(err, cli_signals_status(), "stopped");
    if (status == BERTC_OK) status = cli_temporary_commit((cli_temporary *[]){&temporary}, 1, err);
    cli_temporary_release(&temporary, err);
    return status;
}

bertc_status cli_folder_fill(const char *path, cli_fill *fill, const void *values, bertc_error *err)
{
    size_t length = strlen(path), made = 0;
    while (length > 1 && path[length - 1] == '/') length--;
    char *name = strndup(path, length);
    if (!name) return cli_fail_memory(err);
    bertc_status status = check_replaceable(name, err);
    if (status == BERTC_OK) status = cli_signals_watch(err);
    if (status == BERTC_OK && !make_parents(name, &made)) status = cli_fail_errno(err, name, "cannot create folder");
    if (status == BERTC_OK) status = fill_temporary(name, fill, values, err);
    if (status != BERTC_OK) remove_parents(name, made, err);
    free(name);
    return status;
}
