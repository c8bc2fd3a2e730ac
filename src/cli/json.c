#include "cli/json.h"

/* Return the length of the well-formed UTF-8 sequence at p, where `left` bytes remain; 0 if the bytes are not UTF-8.
 * Source: The Unicode Standard, table 3-7. */
static size_t sequence(const unsigned char *p, size_t left)
{
    unsigned char c = p[0], low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    unsigned char high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    if (n == 0 || n > left || (n > 1 && (p[1] < low || p[1] > high))) return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    return n;
}

void cli_put_json(FILE *to, const char *text, size_t length)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + length;
    fputc('"', to);
    for (size_t n; p < end; p += n ? n : 1) {
        n = sequence(p, (size_t)(end - p));
        if (n == 0) fputs("\xef\xbf\xbd", to);
        else if (*p < 0x20) fprintf(to, "\\u%04x", *p);
        else {
            if (*p == '"' || *p == '\\') fputc('\\', to);
            fwrite(p, 1, n, to);
        }
    }
    fputc('"', to);
}
