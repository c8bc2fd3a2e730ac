#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/error.h"

enum { BUFFER = 1 << 16 };

void cli_stdout_open(void)
{
    static char buffer[BUFFER];
    /* Opened the wrong way round: using a closed stream stays an error. */
    static const int modes[] = {O_WRONLY, O_RDONLY, O_WRONLY};
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) (void)!open("/dev/null", modes[fd]);
    setvbuf(stdout, buffer, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, sizeof buffer);
}

bertc_status cli_stdout_close(bertc_error *err)
{
    bool failed = ferror(stdout) != 0;
    errno = failed ? EIO : 0;
    if (fflush(stdout) == 0 && !failed) return BERTC_OK;
    return cli_fail_errno(err, "standard output", "cannot write");
}

static bool is_special(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

bertc_status cli_file_open(cli_file *file, const char *path, bertc_error *err)
{
    *file = (cli_file){0};
    if (!path || strcmp(path, "-") == 0) {
        file->stream = stdout;
        return BERTC_OK;
    }
    file->path = path;
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        errno = EISDIR;
        return cli_fail_errno(err, path, "cannot create");
    }
    if (!is_special(path)) {
        size_t room = strlen(path) + sizeof ".tmp";
        file->temporary = malloc(room);
        if (!file->temporary) return cli_fail_memory(err);
        snprintf(file->temporary, room, "%s.tmp", path);
    }
    file->stream = fopen(file->temporary ? file->temporary : path, "w");
    if (file->stream) return BERTC_OK;
    bertc_status status = cli_fail_errno(err, path, "cannot create");
    free(file->temporary);
    *file = (cli_file){0};
    return status;
}

/* The new name must survive a power loss. */
static void sync_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : NULL;
    int fd = open(folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

bertc_status cli_file_commit(cli_file *file, bertc_error *err)
{
    if (file->stream == stdout) return BERTC_OK; /* checked at the end of the program */
    bool good = ferror(file->stream) == 0;
    if (!good) errno = EIO;
    good = good && fflush(file->stream) == 0;
    if (file->temporary) good = good && fsync(fileno(file->stream)) == 0;
    int code = errno;
    bool closed = fclose(file->stream) == 0;
    file->stream = NULL;
    if (!good) errno = code;
    good = good && closed;
    if (good && file->temporary) good = rename(file->temporary, file->path) == 0;
    bertc_status status = good ? BERTC_OK : cli_fail_errno(err, file->path, "cannot write");
    if (good && file->temporary) {
        sync_parent(file->path);
        free(file->temporary);
        file->temporary = NULL;
    }
    cli_file_abandon(file);
    return status;
}

void cli_file_abandon(cli_file *file)
{
    if (file->stream && file->stream != stdout) fclose(file->stream);
    if (file->temporary) unlink(file->temporary);
    free(file->temporary);
    *file = (cli_file){0};
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bertc_status cli_folder_create(const char *path, bool *created, bertc_error *err)
{
    *created = false;
    char *part = strdup(path);
    if (!part) return cli_fail_memory(err);
    int code = 0;
    for (char *p = part + 1; code == 0; p++) {
        if (*p != '/' && *p != '\0') continue;
        char end = *p;
        *p = '\0';
        *created = mkdir(part, 0777) == 0;
        if (!*created) code = errno;
        if (code != 0 && is_folder(part)) code = 0;
        *p = end;
        if (end == '\0') break;
    }
    free(part);
    errno = code == EEXIST ? ENOTDIR : code;
    return code == 0 ? BERTC_OK : cli_fail_errno(err, path, "cannot create folder");
}

char *cli_path_join(const char *folder, const char *name)
{
    size_t room = strlen(folder) + strlen(name) + 2;
    char *path = malloc(room);
    if (path) snprintf(path, room, "%s/%s", folder, name);
    return path;
}
