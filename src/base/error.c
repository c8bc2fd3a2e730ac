#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* Shorten a long line by cutting out its middle: it begins with the place and ends with the reason. UTF-8 characters
 * are never split. */
static void shorten(char *out, size_t size, const char *line, size_t length)
{
    static const char gap[] = "...";
    size_t head = size / 4, tail = size - head - sizeof gap;
    const char *rest = line + length - tail;
    while (head > 0 && (line[head] & 0xC0) == 0x80) head--;
    while ((*rest & 0xC0) == 0x80) rest++;
    snprintf(out, size, "%.*s%s%s", (int)head, line, gap, rest);
}

/* Format one line into `out`. Control characters of the data that it quotes become '?'. */
static void format_line(char *out, size_t size, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(out, size, format, args);
    char *line = n >= (int)size ? bc_alloc((size_t)n + 1, 1) : NULL;
    if (line) {
        vsnprintf(line, (size_t)n + 1, format, again);
        shorten(out, size, line, (size_t)n);
        bc_free(line);
    }
    va_end(again);
    for (unsigned char *p = (unsigned char *)out; *p; p++)
        if (*p < 0x20 || *p == 0x7f) *p = '?';
}

bertc_status bertc_error_set(bertc_error *err, bertc_status status, const char *format, va_list args)
{
    if (!err || err->status != BERTC_OK) return status;
    err->status = status;
    if (format) format_line(err->message, sizeof err->message, format, args);
    return status;
}

bertc_status bc_fail(bertc_error *err, bertc_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bertc_error_set(err, status, format, args);
    va_end(args);
    return status;
}

bertc_status bc_fail_errno(bertc_error *err, const char *path, const char *what)
{
    int code = errno;
    bertc_status status = BERTC_IO;
    if (code == ENOENT || code == ENOTDIR || code == EISDIR) status = BERTC_INPUT;
    if (code == ENOMEM) status = BERTC_NOMEM;
    char reason[128];
    if (strerror_r(code, reason, sizeof reason) != 0) snprintf(reason, sizeof reason, "error %d", code);
    return bc_fail(err, status, "%s: %s: %s", path, what, reason);
}

bertc_status bc_fail_null(bertc_error *err, const char *function, const char *arguments)
{
    return bc_fail(err, BERTC_USAGE, "%s: %s must not be null", function, arguments);
}

bertc_status bc_fail_memory(bertc_error *err)
{
    return bc_fail(err, BERTC_NOMEM, "out of memory");
}

void bc_notify(const bertc_notify *notify, const char *format, ...)
{
    if (!notify || !notify->line) return;
    char line[1024];
    va_list args;
    va_start(args, format);
    format_line(line, sizeof line, format, args);
    va_end(args);
    notify->line(notify->user, line);
}

#define BC_TEXT(x) #x
#define BC_VERSION_TEXT(x) BC_TEXT(x)

const char *bertc_version(void)
{
    return BC_VERSION_TEXT(BERTC_VERSION);
}
