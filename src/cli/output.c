#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/error.h"
#include "cli/signals.h"

/* ---- Opening ------------------------------------------------------------------------------- */

/* Return the descriptor that the path stands for (/dev/stdout, /dev/fd/3), or -1. It is written to directly: renaming a
 * file over the path would not reach the open file. */
static int path_descriptor(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    if (!path || strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0) return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0) return STDERR_FILENO;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        size_t n = strlen(folders[i]);
        char *end = NULL;
        long number = strncmp(path, folders[i], n) == 0 ? strtol(path + n, &end, 10) : -1;
        if (end && end > path + n && !*end && number >= 0 && number <= INT_MAX) return (int)number;
    }
    return -1;
}

/* Open a named pipe for writing: wait until it has a reader, or until a signal arrives. */
static int open_pipe(const char *path)
{
    static const struct timespec pause = {.tv_nsec = 20000000};
    int fd;
    while ((fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0 && (errno == ENXIO || errno == EINTR)) {
        errno = EINTR;
        if (cli_signals_status() != BERTC_OK) return -1;
        nanosleep(&pause, NULL);
    }
    if (fd >= 0) fcntl(fd, F_SETFL, O_WRONLY);
    return fd;
}

/* Open what must be written directly: a descriptor, a device or a pipe. *fd is -1 for a regular file or a free name. */
static bool open_direct(const char *path, int *fd)
{
    struct stat info;
    int own = path_descriptor(path);
    bool there = own < 0 && stat(path, &info) == 0;
    *fd = -1;
    if (own >= 0) {
        *fd = own == STDOUT_FILENO ? own : fcntl(own, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        return *fd >= 0;
    }
    if (!there) return errno == ENOENT;
    if (S_ISREG(info.st_mode)) return true;
    if (S_ISFIFO(info.st_mode)) *fd = open_pipe(path);
    else if (S_ISDIR(info.st_mode)) errno = EISDIR;
    else
        do *fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        while (*fd < 0 && errno == EINTR);
    return *fd >= 0;
}

bertc_status cli_file_open(cli_file *file, const char *path, bertc_error *err)
{
    int fd;
    *file = (cli_file){.path = path ? path : "standard output"};
    if (!open_direct(path, &fd)) {
        bool stopped = errno == EINTR && cli_signals_status() != BERTC_OK;
        return stopped ? cli_fail(err, cli_signals_status(), "stopped") : cli_fail_errno(err, path, "cannot create");
    }
    if (fd == STDOUT_FILENO) {
        file->bytes = cli_stdout();
        file->stream = file->bytes->file;
        return BERTC_OK;
    }
    bertc_status status = fd >= 0 ? BERTC_OK : cli_temporary_create(&file->temporary, path, false, err);
    if (status != BERTC_OK) return status;
    file->bytes = malloc(sizeof *file->bytes);
    if (file->bytes && cli_stream_open(file->bytes, fd >= 0 ? fd : file->temporary.fd, _IOFBF)) {
        file->stream = file->bytes->file;
        return BERTC_OK;
    }
    if (fd >= 0) close(fd);
    free(file->bytes);
    file->bytes = NULL;
    cli_fail_memory(err);
    cli_temporary_release(&file->temporary, err);
    return BERTC_NOMEM;
}

/* Whether output to one path would replace the output to the other path or mix with it. Two hard links to one regular
 * file do not conflict, because each rename replaces one link only. A character device may be written to twice. */
static bool is_same(const char *a, const char *b)
{
    struct stat one, two;
    int own_a = path_descriptor(a), own_b = path_descriptor(b);
    if (own_a >= 0 && own_a == own_b) return true;
    if ((own_a >= 0 ? fstat(own_a, &one) : stat(a, &one)) != 0) return false;
    if ((own_b >= 0 ? fstat(own_b, &two) : stat(b, &two)) != 0) return false;
    if (S_ISCHR(one.st_mode) || (S_ISREG(one.st_mode) && own_a < 0 && own_b < 0)) return false;
    return one.st_ino == two.st_ino && one.st_dev == two.st_dev;
}

bertc_status cli_files_open(cli_file files[2], const char *first, const char *second, const char *option,
                            bertc_error *err)
{
    files[0] = files[1] = (cli_file){0};
    bool same = second && is_same(first, second);
    bertc_status status = cli_signals_watch(err);
    if (status == BERTC_OK && !same) status = cli_file_open(&files[0], first, err);
    if (status == BERTC_OK && !same && second) status = cli_file_open(&files[1], second, err);
    if (status != BERTC_OK) return status;
    if (!same && !cli_temporary_same(&files[0].temporary, &files[1].temporary)) return BERTC_OK;
    return cli_fail(err, BERTC_USAGE, "--out and --%s are the same file", option);
}

/* ---- Committing and closing ---------------------------------------------------------------- */

static bool is_direct(const cli_file *file)
{
    return !file->temporary.target;
}

/* Finish the streams of the files that are written directly, or of the others. */
static bertc_status finish(cli_file files[2], bool direct, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    for (int i = 0; i < 2 && status == BERTC_OK; i++)
        if (files[i].stream && is_direct(&files[i]) == direct)
            status = cli_stream_finish(files[i].bytes, files[i].path, err);
    return status;
}

bertc_status cli_files_commit(cli_file files[2], bertc_error *err)
{
    cli_temporary *all[2];
    size_t count = 0;
    for (int i = 0; i < 2; i++)
        if (files[i].stream && !is_direct(&files[i])) all[count++] = &files[i].temporary;
    bertc_status status = finish(files, false, err);
    if (status == BERTC_OK) status = cli_temporary_commit(all, count, err);
    if (status != BERTC_OK) return status;
    status = finish(files, true, err);
    if (status != BERTC_OK) cli_temporary_undo(all, count, err);
    return status;
}

/* Close one file. Standard output stays open until the program ends. */
static void close_file(cli_file *file, bertc_error *err)
{
    if (file->bytes && file->bytes != cli_stdout()) {
        cli_stream_drop(file->bytes);
        if (is_direct(file)) close(file->bytes->fd);
        free(file->bytes);
    }
    cli_temporary_release(&file->temporary, err);
    *file = (cli_file){0};
}

void cli_files_close(cli_file files[2], bertc_error *err)
{
    close_file(&files[0], err);
    close_file(&files[1], err);
}

bertc_status cli_file_write(const char *folder, const char *name, const char *bytes, size_t length, bertc_error *err)
{
    char *path = cli_path_join(folder, name);
    if (!path) return cli_fail_memory(err);
    cli_file files[2] = {{0}};
    bertc_status status = cli_file_open(&files[0], path, err);
    if (status == BERTC_OK) {
        fwrite(bytes, 1, length, files[0].stream);
        status = cli_files_commit(files, err);
    }
    cli_files_close(files, err);
    free(path);
    return status;
}

char *cli_path_join(const char *folder, const char *name)
{
    size_t capacity = strlen(folder) + strlen(name) + 2;
    char *path = malloc(capacity);
    if (path) snprintf(path, capacity, "%s/%s", folder, name);
    return path;
}
