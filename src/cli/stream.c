#define _GNU_SOURCE 1 /* fopencookie */
#include "cli/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cli/error.h"

static const char out_name[] = "standard output", writing[] = "cannot write";

/* fopencookie's write: write all bytes, or record why not. */
static ssize_t put(void *to, const char *bytes, size_t length)
{
    cli_stream *stream = to;
    for (size_t done = 0; stream->code == 0 && done < length;) {
        ssize_t n = write(stream->fd, bytes + done, length - done);
        if (n > 0) done += (size_t)n;
        else if (n == 0) stream->code = EIO;
        else if (errno != EINTR) stream->code = errno;
    }
    stream->produced += length;
    return stream->code == 0 ? (ssize_t)length : 0;
}

bool cli_stream_open(cli_stream *stream, int fd, int buffering)
{
    struct stat info;
    stream->fd = fd;
    stream->produced = 0;
    stream->code = 0;
    stream->start = -1;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
        int flags = fcntl(fd, F_GETFL);
        stream->start = flags >= 0 && (flags & O_APPEND) ? info.st_size : lseek(fd, 0, SEEK_CUR);
    }
    stream->file = fopencookie(stream, "w", (cookie_io_functions_t){.write = put});
    if (!stream->file) return false;
    setvbuf(stream->file, stream->buffer, buffering, sizeof stream->buffer);
    return true;
}

bertc_status cli_stream_check(const cli_stream *stream, const char *name, bertc_error *err)
{
    errno = stream->code;
    return stream->code == 0 ? BERTC_OK : cli_fail_errno(err, name, writing);
}

/* Another process may write through the same descriptor, as in a shell's list of commands: then the offset is larger
 * than the number of written bytes, but never smaller. */
bertc_status cli_stream_finish(cli_stream *stream, const char *name, bertc_error *err)
{
    if ((fflush(stream->file) != 0 || ferror(stream->file)) && stream->code == 0) stream->code = EIO;
    bertc_status status = cli_stream_check(stream, name, err);
    if (status != BERTC_OK || stream->start < 0) return status;
    struct stat info;
    off_t end = lseek(stream->fd, 0, SEEK_CUR);
    if (end < 0 || fstat(stream->fd, &info) != 0) return cli_fail_errno(err, name, "cannot check");
    bool complete = end >= stream->start && (size_t)(end - stream->start) >= stream->produced;
    if (stream->produced == 0 || (complete && info.st_size >= end)) return BERTC_OK;
    return cli_fail(err, BERTC_IO, "%s: has fewer bytes than the %zu that were written", name, stream->produced);
}

void cli_stream_drop(cli_stream *stream)
{
    if (stream->code == 0) stream->code = ECANCELED;
    if (stream->file) fclose(stream->file);
    stream->file = NULL;
}

/* ---- Standard streams ---------------------------------------------------------------------- */

cli_stream *cli_stdout(void)
{
    static cli_stream stream;
    return &stream;
}

/* fopencookie's write of standard error. It uses writev, so that tests that make write fail still see the message. */
static ssize_t put_message(void *none, const char *bytes, size_t length)
{
    (void)none;
    char piece[BUFSIZ]; /* a copy, because iovec has no const */
    for (size_t done = 0; done < length;) {
        const struct iovec rest = {piece, length - done < sizeof piece ? length - done : sizeof piece};
        memcpy(piece, bytes + done, rest.iov_len);
        ssize_t n = writev(STDERR_FILENO, &rest, 1);
        if (n == 0 || (n < 0 && errno != EINTR)) return 0;
        if (n > 0) done += (size_t)n;
    }
    return (ssize_t)length;
}

bertc_status cli_stdout_open(bertc_error *err)
{
    /* Standard input is opened for writing and the outputs for reading, so that using them stays an error. */
    static const int modes[] = {O_WRONLY, O_RDONLY, O_WRONLY};
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) (void)!open("/dev/null", modes[fd]);
    FILE *errors = fopencookie(NULL, "w", (cookie_io_functions_t){.write = put_message});
    if (!errors) return cli_fail_memory(err);
    setvbuf(errors, NULL, _IONBF, 0);
    stderr = errors;
    if (!cli_stream_open(cli_stdout(), STDOUT_FILENO, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF))
        return cli_fail_memory(err);
    stdout = cli_stdout()->file;
    return BERTC_OK;
}

bertc_status cli_stdout_close(bertc_error *err)
{
    bertc_status status = cli_stream_finish(cli_stdout(), out_name, err);
    bool used = cli_stdout()->produced > 0;
    if (used && close(STDOUT_FILENO) != 0 && errno != EINTR && status == BERTC_OK)
        status = cli_fail_errno(err, out_name, writing);
    return status;
}
