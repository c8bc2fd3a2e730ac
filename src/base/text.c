#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"

/* Grow the buffer to hold `more` bytes and a NUL; its capacity at least doubles. */
static bool reserve(bc_text *text, size_t more)
{
    size_t need;
    if (text->failed) return false;
    text->failed = !bc_size_add(text->length, more, &need) || !bc_size_add(need, 1, &need);
    if (text->failed || need <= text->capacity) return !text->failed;
    size_t capacity = text->capacity < 32 ? 64 : text->capacity * 2;
    if (capacity < need) capacity = need;
    char *bytes = bc_realloc(text->bytes, capacity, 1);
    text->failed = !bytes;
    if (!bytes) return false;
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void bc_text_put(bc_text *text, const char *bytes, size_t length)
{
    if (!reserve(text, length)) return;
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void bc_text_printf(bc_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) text->failed = true;
    if (n < 0 || !reserve(text, (size_t)n)) return;
    va_start(args, format);
    vsnprintf(text->bytes + text->length, (size_t)n + 1, format, args);
    va_end(args);
    text->length += (size_t)n;
}

void bc_text_quote(bc_text *text, const char *string)
{
    bc_text_quote_bytes(text, string, strlen(string));
}

void bc_text_quote_bytes(bc_text *text, const char *bytes, size_t length)
{
    static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const unsigned char *p = (const unsigned char *)bytes;
    bc_text_put(text, "\"", 1);
    for (size_t left = length, n; left > 0; p += n, left -= n) {
        const char *escape = *p ? strchr(escaped, *p) : NULL;
        n = bc_utf8_sequence(p, left);
        if (escape) bc_text_printf(text, "\\%c", letters[escape - escaped]);
        else if (*p < 0x20) bc_text_printf(text, "\\u%04x", *p);
        else if (n > 0) bc_text_put(text, (const char *)p, n);
        else bc_text_put(text, "\xef\xbf\xbd", 3);
        if (n == 0) n = 1;
    }
    bc_text_put(text, "\"", 1);
}

void bc_text_clear(bc_text *text)
{
    bc_free(text->bytes);
    *text = (bc_text){0};
}

bertc_status bc_text_write(bc_text *text, const bc_dir *dir, const char *name, bc_file_hashes *hashes, bertc_error *err)
{
    bertc_status status = text->failed ? bc_fail_memory(err)
                                       : bc_file_write_in(dir, name, text->bytes, text->length, hashes, err);
    bc_text_clear(text);
    return status;
}
