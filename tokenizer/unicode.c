#include "tokenizer/unicode.h"

#include <assert.h>
#include <string.h>

#include <utf8proc.h>

typedef struct unicode_range {
    uint32_t first;
    uint8_t row;
} unicode_range;

/* The lower case of every step-th code point from first to last is the code point plus delta. */
typedef struct lower_run {
    uint32_t first, last;
    uint8_t step;
    int32_t delta;
} lower_run;

#include "tokenizer/unicode_tables.inc"

enum { RANGES = sizeof unicode_ranges / sizeof unicode_ranges[0] };

typedef struct lower_table {
    const lower_run *runs;
    size_t count;
} lower_table;

static const lower_table lower_tables[2] = {
    [BC_COLUMN_HF] = {lower_hf, sizeof lower_hf / sizeof lower_hf[0]},
    [BC_COLUMN_PY] = {lower_py, sizeof lower_py / sizeof lower_py[0]},
};

void bc_unicode_fill(bc_unicode *unicode)
{
    for (size_t i = 0; i < RANGES && unicode_ranges[i].first < BC_UNICODE_DENSE; i++) {
        size_t first = unicode_ranges[i].first;
        size_t next = i + 1 < RANGES ? unicode_ranges[i + 1].first : BC_UNICODE_DENSE;
        if (next > BC_UNICODE_DENSE) next = BC_UNICODE_DENSE;
        memset(unicode->row + first, unicode_ranges[i].row, next - first);
    }
}

static uint8_t sparse_row(uint32_t code)
{
    size_t low = 0, high = RANGES;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (unicode_ranges[middle].first <= code)
            low = middle;
        else
            high = middle;
    }
    return unicode_ranges[low].row;
}

const bc_unicode_row *bc_unicode_get(const bc_unicode *unicode, uint32_t code)
{
    return unicode_rows + (code < BC_UNICODE_DENSE ? unicode->row[code] : sparse_row(code));
}

size_t bc_unicode_lower(bc_unicode_column column, uint32_t code, uint32_t out[BC_LOWER_MAX])
{
    const lower_table *table = &lower_tables[column];
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->runs[middle].last < code)
            low = middle + 1;
        else
            high = middle;
    }
    out[0] = code;
    out[1] = 0x307;
    if (low == table->count) return 1;
    const lower_run *run = &table->runs[low];
    if (code < run->first || (code - run->first) % run->step != 0) return 1;
    out[0] = (uint32_t)((int32_t)code + run->delta);
    return code == 0x130 ? 2 : 1;
}

size_t bc_unicode_decompose(uint32_t code, uint32_t out[BC_DECOMPOSE_MAX])
{
    utf8proc_int32_t parts[BC_DECOMPOSE_MAX];
    int last_class = 0;
    utf8proc_ssize_t count =
        utf8proc_decompose_char((utf8proc_int32_t)code, parts, BC_DECOMPOSE_MAX, UTF8PROC_DECOMPOSE, &last_class);
    assert(count >= 1 && count <= BC_DECOMPOSE_MAX);
    for (utf8proc_ssize_t i = 0; i < count; i++) out[i] = (uint32_t)parts[i];
    return (size_t)count;
}

uint32_t bc_unicode_compose(uint32_t first, uint32_t second)
{
    utf8proc_int32_t pair[2] = {(utf8proc_int32_t)first, (utf8proc_int32_t)second};
    utf8proc_ssize_t count = utf8proc_normalize_utf32(pair, 2, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    return count == 1 ? (uint32_t)pair[0] : 0;
}

/* The bytes of a sequence and the limits of its second byte, for a lead byte (Unicode, table 3-7). */
typedef struct lead {
    uint8_t bytes, low, high;
} lead;

static lead lead_of(unsigned char byte)
{
    if (byte >= 0xC2 && byte <= 0xDF) return (lead){2, 0x80, 0xBF};
    if (byte == 0xE0) return (lead){3, 0xA0, 0xBF}; /* else overlong */
    if (byte == 0xED) return (lead){3, 0x80, 0x9F}; /* else a surrogate */
    if (byte >= 0xE1 && byte <= 0xEF) return (lead){3, 0x80, 0xBF};
    if (byte == 0xF0) return (lead){4, 0x90, 0xBF}; /* else overlong */
    if (byte >= 0xF1 && byte <= 0xF3) return (lead){4, 0x80, 0xBF};
    if (byte == 0xF4) return (lead){4, 0x80, 0x8F}; /* else beyond U+10FFFF */
    return (lead){0, 0, 0};
}

size_t bc_utf8_decode(const unsigned char *text, size_t length, uint32_t *code, bool *valid)
{
    *valid = true;
    *code = text[0];
    if (text[0] < 0x80) return 1;
    lead first = lead_of(text[0]);
    uint32_t value = text[0] & (0x7Fu >> first.bytes);
    size_t used = 1;
    while (used < first.bytes && used < length && text[used] >= first.low && text[used] <= first.high) {
        value = value << 6 | (text[used++] & 0x3Fu);
        first.low = 0x80;
        first.high = 0xBF;
    }
    *valid = first.bytes != 0 && used == first.bytes;
    *code = *valid ? value : 0xFFFD;
    return used;
}

size_t bc_utf8_encode(uint32_t code, unsigned char out[BC_UTF8_MAX])
{
    if (code < 0x80) {
        out[0] = (unsigned char)code;
        return 1;
    }
    size_t bytes = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = bytes - 1; i > 0; i--) {
        out[i] = (unsigned char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (unsigned char)((0xF00u >> bytes & 0xFF) | code);
    return bytes;
}
