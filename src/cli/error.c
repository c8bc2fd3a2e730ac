#include "cli/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bertc_status cli_fail(bertc_error *err, bertc_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bertc_error_set(err, status, format, args);
    va_end(args);
    return status;
}

bertc_status cli_fail_errno(bertc_error *err, const char *place, const char *what)
{
    int code = errno;
    char reason[128];
    if (strerror_r(code, reason, sizeof reason) != 0) snprintf(reason, sizeof reason, "error %d", code);
    return cli_fail(err, code == ENOMEM ? BERTC_NOMEM : BERTC_IO, "%s: %s: %s", place, what, reason);
}

void cli_fail_also(bertc_error *err, const char *place, const char *what)
{
    const bertc_error first = *err;
    bertc_error more = {0};
    cli_fail_errno(&more, place, what);
    *err = (bertc_error){0};
    if (first.status == BERTC_OK) *err = more;
    else cli_fail(err, first.status, "%s; %s", first.message, more.message);
}

bertc_status cli_fail_memory(bertc_error *err)
{
    return cli_fail(err, BERTC_NOMEM, "out of memory");
}

bertc_status cli_check_finished(const char *dir, bertc_error *err)
{
    bertc_error why = {0};
    bertc_status status = bertc_model_check_finished(dir, &why);
    if (status == BERTC_OK) return status;
    return cli_fail(err, status, "%s%s", why.message, status == BERTC_INPUT ? " (finetune --resume)" : "");
}
