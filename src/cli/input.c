#include "cli/input.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/error.h"
#include "cli/signals.h"

enum { BLOCK = 1 << 20, LONGEST_LINE = 64 << 20 };

/* Count the lines in `length` more bytes; refuse a line that is too long. */
static bertc_status count_lines(cli_lines *lines, const char *bytes, size_t length, bertc_error *err)
{
    for (const char *end = bytes + length; bytes < end;) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        lines->length += (size_t)((newline ? newline : end) - bytes);
        if (lines->length > LONGEST_LINE)
            return cli_fail(err, BERTC_INPUT, "standard input:%zu: a line of more than %d bytes", lines->line + 1,
                            LONGEST_LINE);
        if (!newline) break;
        lines->line++;
        lines->length = 0;
        bytes = newline + 1;
    }
    return BERTC_OK;
}

/* Wait until standard input can be read, or until a signal arrives. */
static bertc_status wait_for_input(bertc_error *err)
{
    enum { MILLISECONDS = 100 };
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    for (;;) {
        bertc_status status = cli_signals_status();
        if (status != BERTC_OK) return cli_fail(err, status, "stopped");
        if (poll(&input, 1, MILLISECONDS) != 0) return BERTC_OK; /* an error is that of read */
    }
}

bool cli_input_is_late(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&input, 1, 0) == 0;
}

/* Read more bytes into the buffer, after the unread ones; set `ended` at the end of input. */
static bertc_status fill(cli_lines *lines, bertc_error *err)
{
    if (lines->begin > 0) {
        memmove(lines->buffer, lines->buffer + lines->begin, lines->end - lines->begin);
        lines->end -= lines->begin;
        lines->begin = 0;
    }
    if (lines->capacity - lines->end < BLOCK) {
        size_t capacity = lines->capacity * 2 + BLOCK;
        char *buffer = realloc(lines->buffer, capacity);
        if (!buffer) return cli_fail_memory(err);
        lines->buffer = buffer;
        lines->capacity = capacity;
    }
    struct stat info;
    ssize_t n;
    bertc_status status = wait_for_input(err);
    if (status != BERTC_OK) return status;
    do n = read(STDIN_FILENO, lines->buffer + lines->end, lines->capacity - lines->end);
    while (n < 0 && errno == EINTR);
    if (n < 0) return cli_fail_errno(err, "standard input", "cannot read");
    if (n == 0 && fstat(STDIN_FILENO, &info) == 0 && S_ISREG(info.st_mode) &&
        lseek(STDIN_FILENO, 0, SEEK_CUR) < info.st_size)
        return cli_fail(err, BERTC_IO, "standard input: reading stopped before the end of the file");
    lines->ended = n == 0;
    lines->end += (size_t)n;
    return count_lines(lines, lines->buffer + lines->end - n, (size_t)n, err);
}

bool cli_lines_next(cli_lines *lines, const char **text, size_t *length, bertc_error *err)
{
    size_t looked = 0;
    for (;;) {
        const char *start = lines->buffer + lines->begin;
        size_t unread = lines->end - lines->begin;
        *length = unread; /* up to the last newline among the new bytes, if there is one */
        while (*length > looked && start[*length - 1] != '\n') --*length;
        if (*length == looked) *length = lines->ended ? unread : 0;
        if (*length > 0) {
            *text = start;
            lines->begin += *length;
            return true;
        }
        looked = unread;
        if (lines->ended || fill(lines, err) != BERTC_OK) return false;
    }
}

void cli_lines_clear(cli_lines *lines)
{
    free(lines->buffer);
    *lines = (cli_lines){0};
}

bertc_status cli_read_all(char **text, size_t *length, bertc_error *err)
{
    cli_lines lines = {0};
    bertc_status status = BERTC_OK;
    while (!lines.ended && status == BERTC_OK) status = fill(&lines, err);
    if (status != BERTC_OK) cli_lines_clear(&lines);
    *text = lines.buffer;
    *length = lines.end;
    return status;
}
