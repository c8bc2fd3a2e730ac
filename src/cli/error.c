#include "cli/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a line that is too long the middle gives way: the place stands first, the reason last. */
static void shorten(char *out, size_t size, const char *line, size_t length)
{
    size_t head = size / 4, tail = size - head - sizeof "...";
    snprintf(out, size, "%.*s...%s", (int)head, line, line + length - tail);
}

static void format_line(char *out, size_t size, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(out, size, format, args);
    char *line = n >= (int)size ? malloc((size_t)n + 1) : NULL;
    if (line) {
        vsnprintf(line, (size_t)n + 1, format, again);
        shorten(out, size, line, (size_t)n);
        free(line);
    }
    va_end(again);
}

bertc_status cli_fail(bertc_error *err, bertc_status status, const char *format, ...)
{
    if (err->status != BERTC_OK) return status;
    err->status = status;
    va_list args;
    va_start(args, format);
    format_line(err->message, sizeof err->message, format, args);
    va_end(args);
    for (unsigned char *p = (unsigned char *)err->message; *p; p++)
        if (*p < 0x20 || *p == 0x7f) *p = '?';
    return status;
}

bertc_status cli_fail_errno(bertc_error *err, const char *place, const char *what)
{
    int code = errno;
    char reason[128];
    if (strerror_r(code, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", code);
    return cli_fail(err, code == ENOMEM ? BERTC_NOMEM : BERTC_IO, "%s: %s: %s", place, what,
                    reason);
}

bertc_status cli_fail_memory(bertc_error *err)
{
    return cli_fail(err, BERTC_NOMEM, "out of memory");
}
