/* Code points: UTF-8, categories, lower case and normalisation as the references see them.
 *
 * 1. Categories, combining classes and lower case come from generated tables with a column for each reference, never
 *    from the installed utf8proc: the version of utf8proc's Unicode differs between systems, and each reference
 *    uses several other versions of Unicode (see unicode_tables.py).
 * 2. utf8proc is used only to compose a pair, and to decompose a code point that decomposes according to the tables.
 *    Unicode's stability policy fixes both for characters that have once been assigned, so every version from 9.0 on
 *    gives the same result. */
#ifndef BC_TOKENIZER_UNICODE_H
#define BC_TOKENIZER_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The column of the tables: Unicode as the Rust package or as Python has it. */
typedef enum bc_unicode_column { BC_COLUMN_HF, BC_COLUMN_PY } bc_unicode_column;

enum {
    BC_CONTROL = 1 << 0,    /* dropped when a text is cleaned (hf: all; py: Cc, Cf, U+0000, U+FFFD) */
    BC_OTHER = 1 << 1,      /* py: Cn, Co, Cs */
    BC_SPACE = 1 << 2,      /* splits words */
    BC_MARK = 1 << 3,       /* Mn */
    BC_PUNCT = 1 << 4,      /* each is a word */
    BC_CJK = 1 << 5,        /* spaced on both sides */
    BC_DECOMPOSES = 1 << 6, /* differs from its NFD */
    BC_LOWERS = 1 << 7,     /* differs from its lower case */
    BC_CASED = 1 << 8,      /* py: context of a final sigma */
    BC_IGNORABLE = 1 << 9,  /* py: skipped in that context */
    BC_WORD = 1 << 10       /* hf: part of a word; a single_word token next to it is not found */
};

typedef struct bc_unicode_row {
    uint16_t flags[2]; /* by bc_unicode_column */
    uint8_t ccc[2];    /* canonical combining class */
} bc_unicode_row;

/* The row of each code point of the first two planes, one byte each. */
enum { BC_UNICODE_DENSE = 0x20000 };
typedef struct bc_unicode {
    uint8_t row[BC_UNICODE_DENSE];
} bc_unicode;

void bc_unicode_fill(bc_unicode *unicode);

const bc_unicode_row *bc_unicode_get(const bc_unicode *unicode, uint32_t code);

/* Lower one code point, without context. Returns the number of code points: 2 for U+0130, else 1. */
enum { BC_LOWER_MAX = 2 };
size_t bc_unicode_lower(bc_unicode_column column, uint32_t code, uint32_t out[BC_LOWER_MAX]);

/* Decompose a code point canonically and fully; returns the number of code points. */
enum { BC_DECOMPOSE_MAX = 8 };
size_t bc_unicode_decompose(uint32_t code, uint32_t out[BC_DECOMPOSE_MAX]);

/* Return the primary composite of a pair, or 0. */
uint32_t bc_unicode_compose(uint32_t first, uint32_t second);

/* Decode the character at text[0], length >= 1; returns its length in bytes. An ill-formed sequence gives U+FFFD and
 * the length of its maximal subpart, with *valid false. */
size_t bc_utf8_decode(const unsigned char *text, size_t length, uint32_t *code, bool *valid);

/* Encode a code point as UTF-8; returns its length in bytes. */
enum { BC_UTF8_MAX = 4 };
size_t bc_utf8_encode(uint32_t code, unsigned char out[BC_UTF8_MAX]);

#endif
