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

/* A folder that another would take the place of: shells and mounts hold on to it, not to its name. */
static bertc_status check_held(const char *path, const struct stat *info, int folder, bertc_error *err)
{
    struct stat other;
    if (stat(".", &other) == 0 && other.st_ino == info->st_ino && other.st_dev == info->st_dev)
        return cli_fail(err, BERTC_USAGE, "%s: is the working folder, name a folder in it", path);
    if (fstatat(folder, "..", &other, 0) == 0 && other.st_dev != info->st_dev)
        return cli_fail(err, BERTC_USAGE, "%s: is a mount point, name a folder in it", path);
    return BERTC_OK;
}

/* One that is not there is fine. */
static bertc_status check_empty(const char *path, bertc_error *err)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 && errno == ENOENT) return BERTC_OK;
    if (folder < 0) return cli_fail_errno(err, path, "cannot open");
    struct stat info;
    bertc_status status;
    if (fstat(folder, &info) != 0) status = cli_fail_errno(err, path, "cannot stat");
    else if (cli_folder_is_empty(folder)) status = check_held(path, &info, folder, err);
    else if (errno == ENOTEMPTY) status = cli_folder_taken(path, err);
    else status = cli_fail_errno(err, path, "cannot read");
    close(folder);
    return status;
}

/* ---- Folders above it ---------------------------------------------------------------------- */

/* The folder that holds path[0..length), flushed: its new name there survives a power cut. */
static bool flush_holder(char *path, size_t length)
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

/* Make those that are missing; *made: up to where the first of them reaches, 0: none. */
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
        if (is_new) good = flush_holder(path, i);
        else errno = code == EEXIST ? ENOTDIR : code;
    }
    return good;
}

/* From the last to the first; those that others use by now stay. */
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

/* ---- All of it ----------------------------------------------------------------------------- */

/* Say the name that was given where a message has that of the folder under way. */
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
    bertc_status status = check_empty(name, err);
    if (status == BERTC_OK) status = cli_signals_watch(err);
    if (status == BERTC_OK && !make_parents(name, &made)) status = cli_fail_errno(err, name, "cannot create folder");
    if (status == BERTC_OK) status = fill_temporary(name, fill, values, err);
    if (status != BERTC_OK) remove_parents(name, made, err);
    free(name);
    return status;
}
