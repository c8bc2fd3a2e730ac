/* UTF-8, as texts of others must have it. */
#ifndef BC_BASE_UTF8_H
#define BC_BASE_UTF8_H

#include <stddef.h>

/* The length of the well-formed sequence at p, which `left` bytes are left of; 0 where there is none.
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
