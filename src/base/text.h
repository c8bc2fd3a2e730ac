/* A growing text, in which headers and small documents are built before they are written.
 *
 * 1. It starts as {0} and is released by bc_text_clear.
 * 2. `failed` records that memory ran out: append without checks and check once at the end. */
#ifndef BC_BASE_TEXT_H
#define BC_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/writer.h"
#include "bertc/status.h"

typedef struct bc_text {
    char *bytes; /* NUL-terminated; null until the first append */
    size_t length, capacity;
    bool failed;
} bc_text;

void bc_text_put(bc_text *text, const char *bytes, size_t length);
void bc_text_printf(bc_text *text, const char *format, ...) BERTC_PRINTF(2, 3);
void bc_text_quote(bc_text *text, const char *string); /* as a JSON string; invalid UTF-8 becomes U+FFFD */
void bc_text_quote_bytes(bc_text *text, const char *bytes, size_t length); /* the same for bytes that may contain NUL */
void bc_text_clear(bc_text *text);

/* Write the text with bc_file_write_in and clear it. Errors: as bc_file_write_in; BERTC_NOMEM if `failed` is set. */
bertc_status bc_text_write(bc_text *text, const bc_dir *dir, const char *name, bc_file_hashes *hashes,
                           bertc_error *err);

/* Return the length of the well-formed UTF-8 sequence at p, where `left` bytes remain; 0 if the bytes are not UTF-8.
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
