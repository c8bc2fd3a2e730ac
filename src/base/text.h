/* A text that grows: headers and small documents are built in it before they are written.
 *
 * 1. It starts as {0} and is released by bc_text_clear.
 * 2. Running out of memory is kept in `failed`: append freely, check once at the end. */
#ifndef BC_BASE_TEXT_H
#define BC_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/writer.h"
#include "bertc/status.h"

typedef struct bc_text {
    char *bytes; /* NUL-terminated once something was appended */
    size_t length, capacity;
    bool failed;
} bc_text;

void bc_text_put(bc_text *text, const char *bytes, size_t length);
void bc_text_printf(bc_text *text, const char *format, ...) BERTC_PRINTF(2, 3);
void bc_text_quote(bc_text *text, const char *string); /* as a string of JSON; bytes that are no UTF-8 become U+FFFD */
void bc_text_clear(bc_text *text);

/* bc_file_write_in of a text, which is cleared. Errors: those of that; BERTC_NOMEM where it has failed. */
bertc_status bc_text_write(bc_text *text, const bc_dir *dir, const char *name, bc_file_hashes *hashes,
                           bertc_error *err);

/* UTF-8: the length of the well-formed sequence at p, which `left` bytes are left of; 0 where there is none.
 * Source: The Unicode Standard, table 3-7. */
static inline size_t bc_utf8_sequence(const unsigned char *p, size_t left)
{
    unsigned char c = p[0], low = 0x80, high = 0xbf;
    size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    if (n == 0 || n > left) return 0;
    if (c == 0xe0) low = 0xa0;
    if (c == 0xed) high = 0x9f;
    if (c == 0xf0) low = 0x90;
    if (c == 0xf4) high = 0x8f;
    if (n > 1 && (p[1] < low || p[1] > high)) return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    return n;
}

#endif
