#include "cli/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/error.h"
#include "cli/signals.h"

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

/* Set errno to why an earlier write failed, which only another attempt can tell. */
static void recall_error(FILE *stream)
{
    clearerr(stream);
    if (fputc('\n', stream) != EOF && fflush(stream) == 0) errno = EIO;
}

bertc_status cli_stdout_close(bertc_error *err)
{
    bool failed = ferror(stdout) != 0;
    if (failed) recall_error(stdout);
    else if (fflush(stdout) == 0) return BERTC_OK;
    return cli_fail_errno(err, "standard output", "cannot write");
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static bool is_special(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

/* The one name of a file: that which symbolic links lead to, or the place of one that is not there
 * yet. Null with errno where there is none. Links that go round in circles are not ENOENT. */
static char *real_name(const char *path)
{
    char *real = realpath(path, NULL), target[PATH_MAX];
    if (real || errno != ENOENT) return real;
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *parent = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    char *folder = parent ? realpath(parent, NULL) : NULL;
    ssize_t length = folder ? readlink(path, target, sizeof target - 1) : -1;
    if (length >= 0) {
        target[length] = '\0';
        char *next = target[0] == '/' ? strdup(target) : cli_path_join(folder, target);
        if (next) real = real_name(next);
        free(next);
    } else if (folder) {
        real = cli_path_join(folder, name);
    }
    int code = errno;
    free(parent);
    free(folder);
    errno = code;
    return real;
}

/* A file beside `file`, of a name that no other process takes. */
static FILE *open_beside(cli_file *file)
{
    static int opened;
    size_t room = strlen(file->real) + 48;
    file->temporary = malloc(room);
    if (!file->temporary) return NULL;
    snprintf(file->temporary, room, "%s.%ld-%d.tmp", file->real, (long)getpid(), opened++);
    int fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) return fdopen(fd, "w");
    int code = errno;
    free(file->temporary);
    file->temporary = NULL;
    errno = code;
    return NULL;
}

bertc_status cli_file_open(cli_file *file, const char *path, bertc_error *err)
{
    *file = (cli_file){0};
    if (!path || strcmp(path, "-") == 0) {
        file->stream = stdout;
        return BERTC_OK;
    }
    file->path = path;
    if (is_folder(path)) {
        errno = EISDIR;
        return cli_fail_errno(err, path, "cannot create");
    }
    file->real = real_name(path);
    if (file->real) file->stream = is_special(path) ? fopen(path, "w") : open_beside(file);
    if (file->stream) return BERTC_OK;
    bertc_status status = cli_fail_errno(err, path, "cannot create");
    cli_file_abandon(file);
    return status;
}

bool cli_file_same(const cli_file *a, const cli_file *b)
{
    if (a->stream == stdout || b->stream == stdout) return a->stream == b->stream;
    return a->real && b->real && strcmp(a->real, b->real) == 0;
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

bertc_status cli_file_settle(cli_file *file, bertc_error *err)
{
    if (file->stream == stdout) return cli_stdout_close(err);
    bool good = ferror(file->stream) == 0;
    if (!good) recall_error(file->stream);
    good = good && fflush(file->stream) == 0;
    if (file->temporary) good = good && fsync(fileno(file->stream)) == 0;
    int code = errno;
    bool closed = fclose(file->stream) == 0;
    file->stream = NULL;
    if (!good) errno = code;
    return good && closed ? BERTC_OK : cli_fail_errno(err, file->path, "cannot write");
}

bertc_status cli_file_commit(cli_file *file, bertc_error *err)
{
    if (file->stream == stdout) return BERTC_OK; /* checked at the end of the program */
    bertc_status status = file->stream ? cli_file_settle(file, err) : BERTC_OK;
    if (status == BERTC_OK && file->temporary && rename(file->temporary, file->real) != 0)
        status = cli_fail_errno(err, file->path, "cannot write");
    if (status == BERTC_OK && file->temporary) {
        sync_parent(file->real);
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
    free(file->real);
    *file = (cli_file){0};
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info, (void)kind;
    return place->level > 0 ? remove(path) : 0;
}

/* One that is not there is fine. */
static bertc_status check_empty(const char *path, bertc_error *err)
{
    DIR *dir = opendir(path);
    if (!dir && errno == ENOENT) return BERTC_OK;
    if (!dir) return cli_fail_errno(err, path, "cannot open");
    bool empty = true;
    for (struct dirent *e; empty && (e = readdir(dir)) != NULL;)
        empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    closedir(dir);
    if (empty) return BERTC_OK;
    return cli_fail(err, BERTC_USAGE, "%s: is not empty, choose another folder", path);
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

bertc_status cli_folder_fill(const char *path, cli_fill *fill, const void *values, bertc_error *err)
{
    bool created;
    bertc_status status = check_empty(path, err);
    if (status == BERTC_OK) status = cli_signals_watch(err);
    if (status == BERTC_OK) status = cli_folder_create(path, &created, err);
    if (status != BERTC_OK) return status;
    status = fill(values, err);
    if (status == BERTC_OK && cli_signals_status() != BERTC_OK)
        status = cli_fail(err, cli_signals_status(), "stopped");
    if (status == BERTC_OK) return status;
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    if (created) rmdir(path);
    return status;
}

char *cli_path_join(const char *folder, const char *name)
{
    size_t room = strlen(folder) + strlen(name) + 2;
    char *path = malloc(room);
    if (path) snprintf(path, room, "%s/%s", folder, name);
    return path;
}
