#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A message is one line whatever the data that it quotes. */
static void make_printable(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7f) *p = '?';
}

bertc_status bc_fail(bertc_error *err, bertc_status status, const char *format, ...)
{
    if (!err || err->status != BERTC_OK) return status;
    err->status = status;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    make_printable(err->message);
    return status;
}

bertc_status bc_fail_errno(bertc_error *err, const char *path, const char *what)
{
    int code = errno;
    bertc_status status = BERTC_IO;
    if (code == ENOENT || code == ENOTDIR || code == EISDIR) status = BERTC_INPUT;
    if (code == ENOMEM) status = BERTC_NOMEM;
    char reason[128];
    if (strerror_r(code, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", code);
    return bc_fail(err, status, "%s: %s: %s", path, what, reason);
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
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    make_printable(line);
    notify->line(notify->user, line);
}

#define BC_TEXT(x) #x
#define BC_VERSION_TEXT(x) BC_TEXT(x)

const char *bertc_version(void)
{
    return BC_VERSION_TEXT(BERTC_VERSION);
}
