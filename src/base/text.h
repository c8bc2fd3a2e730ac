/* A text that grows: headers and small documents are built in it before they are written.
 *
 * 1. It starts as {0} and is released by bc_text_clear.
 * 2. Running out of memory is kept in `failed`: append freely, check once at the end. */
#ifndef BC_BASE_TEXT_H
#define BC_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "bertc/status.h"

typedef struct bc_text {
    char *bytes; /* NUL-terminated once something was appended */
    size_t length, room;
    bool failed;
} bc_text;

void bc_text_put(bc_text *text, const char *bytes, size_t length);
void bc_text_printf(bc_text *text, const char *format, ...) BERTC_PRINTF(2, 3);
void bc_text_quote(bc_text *text, const char *string); /* as a string of JSON; bytes that are no UTF-8 become U+FFFD */
void bc_text_clear(bc_text *text);

#endif
