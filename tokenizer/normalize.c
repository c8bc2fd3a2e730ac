/* Normalisation of one stretch of text, character by character; each character keeps its source bytes.
 *
 * The steps of all references are here once, in an order that suits each of them. The tokenizer's rules state which
 * steps apply:
 *
 *   1. read (clean, CJK, lower_first)   2. compose (hf-slow) or lower_words (google)   3. strip   4. lower_last
 *
 * A stretch ends at white space or next to a CJK ideograph. No step looks across these ends: white space and ideographs
 * are starters that take part in no composition. */
#include "tokenizer/normalize.h"

#include <string.h>

#include "base/memory.h"
#include "tokenizer/tokenizer.h"

void bc_scratch_clear(bc_scratch *scratch)
{
    bc_free(scratch->chars.at);
    bc_free(scratch->other.at);
    bc_free(scratch->whole.at);
    bc_free(scratch->word.bytes);
    bc_free(scratch->word.chars);
    bc_free(scratch->text.bytes);
    bc_free(scratch->text.chars);
}

void bc_scratch_free(bc_scratch *scratch)
{
    if (scratch) bc_scratch_clear(scratch);
    bc_free(scratch);
}

static bool reserve(bc_chars *chars, size_t more)
{
    if (chars->capacity - chars->count >= more) return true;
    size_t capacity = (chars->count + more) * 2 + 64;
    bc_char *at = bc_realloc(chars->at, capacity, sizeof *at);
    if (!at) return false;
    chars->at = at;
    chars->capacity = capacity;
    return true;
}

static const bc_unicode_row *row_of(const bertc_tokenizer *tokenizer, uint32_t code)
{
    return bc_unicode_get(&tokenizer->unicode, code);
}

static uint16_t flags_of(const bertc_tokenizer *tokenizer, uint32_t code)
{
    return row_of(tokenizer, code)->flags[tokenizer->rules.column];
}

static uint8_t class_of(const bertc_tokenizer *tokenizer, uint32_t code)
{
    return row_of(tokenizer, code)->ccc[tokenizer->rules.column];
}

/* Append `c` in lower case. The caller has reserved BC_LOWER_MAX characters. */
static void put_lower(const bertc_tokenizer *tokenizer, bc_chars *out, bc_char c)
{
    uint32_t codes[BC_LOWER_MAX];
    size_t count = 1;
    codes[0] = c.code;
    if (flags_of(tokenizer, c.code) & BC_LOWERS) count = bc_unicode_lower(tokenizer->rules.column, c.code, codes);
    for (size_t i = 0; i < count; i++) out->at[out->count++] = (bc_char){codes[i], c.begin, c.end};
}

/* Decode and clean the text up to the end of the stretch. Returns the place where the next stretch begins; BC_FAILED if
 * out of memory. */
static size_t read_stretch(const bertc_tokenizer *tokenizer, bc_scratch *scratch,
                           const unsigned char *text, size_t at, size_t end, size_t *invalid)
{
    const bc_tokenizer_rules *rules = &tokenizer->rules;
    bc_chars *out = &scratch->chars;
    out->count = 0;
    scratch->space = (bc_char){0};
    scratch->ideograph = false;
    while (at < end) {
        bc_char c = {.begin = (uint32_t)at};
        bool valid;
        size_t next = at + bc_utf8_decode(text + at, end - at, &c.code, &valid);
        c.end = (uint32_t)next;
        if (!reserve(out, BC_LOWER_MAX)) return BC_FAILED;
        size_t start = out->count;
        if (rules->lower_first)
            put_lower(tokenizer, out, c);
        else
            out->at[out->count++] = c;
        uint16_t flags = flags_of(tokenizer, out->at[start].code);
        bool dropped = flags & rules->drop;
        bool ideograph = !dropped && rules->space_cjk && (flags & BC_CJK);
        if (dropped || (flags & BC_SPACE) || (ideograph && start > 0)) out->count = start;
        if (!dropped && (flags & BC_SPACE)) {
            scratch->space = c;
            return next;
        }
        if (ideograph && start > 0) return at;
        if (!valid) ++*invalid;
        at = next;
        if (ideograph) {
            scratch->ideograph = true;
            return at;
        }
    }
    return at;
}

/* Whether the capital sigma at `i` is the last letter of its word. By Python's rule, a cased letter is before the sigma
 * and no cased letter is after it, not counting case-ignorable characters. */
static bool final_sigma(const bertc_tokenizer *tokenizer, const bc_chars *chars, size_t i)
{
    size_t before = i, after = i + 1;
    while (before > 0 && (flags_of(tokenizer, chars->at[before - 1].code) & BC_IGNORABLE)) before--;
    if (before == 0 || !(flags_of(tokenizer, chars->at[before - 1].code) & BC_CASED)) return false;
    while (after < chars->count && (flags_of(tokenizer, chars->at[after].code) & BC_IGNORABLE)) after++;
    return after == chars->count || !(flags_of(tokenizer, chars->at[after].code) & BC_CASED);
}

static bool lower(const bertc_tokenizer *tokenizer, const bc_chars *in, bc_chars *out, bool in_context)
{
    out->count = 0;
    if (!reserve(out, in->count * BC_LOWER_MAX)) return false;
    for (size_t i = 0; i < in->count; i++) {
        bc_char c = in->at[i];
        if (in_context && c.code == 0x3A3 && final_sigma(tokenizer, in, i)) c.code = 0x3C2;
        put_lower(tokenizer, out, c);
    }
    return true;
}

/* Sort the marks at[run..] by their combining classes; marks of equal classes keep their order. Only the codes move;
 * the sources stay in the order of the text. This is a counting sort, since a hostile text may be one long run; the
 * sorted codes are stored after the run until they are copied back. */
static bool order_run(const bertc_tokenizer *tokenizer, bc_chars *out, size_t run)
{
    size_t count = out->count - run, starts[257] = {0};
    bool ordered = true;
    for (size_t i = run; i + 1 < out->count && ordered; i++)
        ordered = class_of(tokenizer, out->at[i].code) <= class_of(tokenizer, out->at[i + 1].code);
    if (ordered) return true;
    if (!reserve(out, count)) return false;
    bc_char *marks = out->at + run, *sorted = out->at + out->count;
    for (size_t i = 0; i < count; i++) starts[class_of(tokenizer, marks[i].code) + 1]++;
    for (size_t i = 0; i < 256; i++) starts[i + 1] += starts[i];
    for (size_t i = 0; i < count; i++) sorted[starts[class_of(tokenizer, marks[i].code)]++].code = marks[i].code;
    for (size_t i = 0; i < count; i++) marks[i].code = sorted[i].code;
    return true;
}

/* Decompose canonically, in canonical order, with or without nonspacing marks. A dropped mark does not change the order
 * of the other marks, but a dropped mark of class 0 still ends their run. */
static bool decompose(const bertc_tokenizer *tokenizer, const bc_chars *in, bc_chars *out, bool drop_marks)
{
    size_t run = 0;
    out->count = 0;
    for (size_t i = 0; i < in->count; i++) {
        uint32_t codes[BC_DECOMPOSE_MAX];
        size_t count = 1;
        codes[0] = in->at[i].code;
        if (flags_of(tokenizer, codes[0]) & BC_DECOMPOSES) count = bc_unicode_decompose(codes[0], codes);
        for (size_t k = 0; k < count; k++) {
            bool dropped = drop_marks && (flags_of(tokenizer, codes[k]) & BC_MARK);
            bool starter = class_of(tokenizer, codes[k]) == 0;
            if (starter && !order_run(tokenizer, out, run)) return false;
            if (!reserve(out, 1)) return false;
            if (!dropped) out->at[out->count++] = (bc_char){codes[k], in->at[i].begin, in->at[i].end};
            if (starter) run = out->count;
        }
    }
    return order_run(tokenizer, out, run);
}

/* Compose decomposed, ordered characters canonically, in place. A character joins the last starter unless a character
 * of the same or a higher class is between them. */
static void compose(const bertc_tokenizer *tokenizer, bc_chars *chars)
{
    size_t kept = 0, starter = 0;
    int last = -1; /* class of the last character after the starter, -1: none */
    bool started = false;
    for (size_t i = 0; i < chars->count; i++) {
        bc_char c = chars->at[i];
        int class = class_of(tokenizer, c.code);
        uint32_t whole = 0;
        if (started && last < class) whole = bc_unicode_compose(chars->at[starter].code, c.code);
        if (whole) {
            chars->at[starter].code = whole;
            chars->at[starter].end = c.end;
            continue;
        }
        if (class == 0) {
            started = true;
            starter = kept;
        }
        last = class == 0 ? -1 : class;
        chars->at[kept++] = c;
    }
    chars->count = kept;
}

static void swap(bc_scratch *scratch)
{
    bc_chars old = scratch->chars;
    scratch->chars = scratch->other;
    scratch->other = old;
}

size_t bc_normalize(const bertc_tokenizer *tokenizer, bc_scratch *scratch,
                    const unsigned char *text, size_t at, size_t end, size_t *invalid)
{
    const bc_tokenizer_rules *rules = &tokenizer->rules;
    size_t next = read_stretch(tokenizer, scratch, text, at, end, invalid);
    if (next == BC_FAILED) return BC_FAILED;
    if (rules->compose) {
        if (!decompose(tokenizer, &scratch->chars, &scratch->other, false)) return BC_FAILED;
        compose(tokenizer, &scratch->other);
        swap(scratch);
    }
    if (rules->lower_words) {
        if (!lower(tokenizer, &scratch->chars, &scratch->other, true)) return BC_FAILED;
        swap(scratch);
    }
    if (rules->strip) {
        if (!decompose(tokenizer, &scratch->chars, &scratch->other, true)) return BC_FAILED;
        swap(scratch);
    }
    if (rules->lower_last) {
        if (!lower(tokenizer, &scratch->chars, &scratch->other, false)) return BC_FAILED;
        swap(scratch);
    }
    return next;
}

static void put_space(bc_chars *chars, uint32_t code, bc_char place)
{
    chars->at[chars->count++] = (bc_char){code, place.begin, place.end};
}

bool bc_normalize_whole(const bertc_tokenizer *tokenizer, bc_scratch *scratch,
                        const unsigned char *text, size_t at, size_t end, size_t *invalid)
{
    bc_chars *whole = &scratch->whole;
    whole->count = 0;
    while (at < end) {
        at = bc_normalize(tokenizer, scratch, text, at, end, invalid);
        size_t count = scratch->chars.count;
        if (at == BC_FAILED || !reserve(whole, count + 3)) return false;
        bc_char space = scratch->space, first = count > 0 ? scratch->chars.at[0] : space;
        if (scratch->ideograph) put_space(whole, ' ', first);
        if (count > 0) memcpy(whole->at + whole->count, scratch->chars.at, count * sizeof *whole->at);
        whole->count += count;
        if (scratch->ideograph) put_space(whole, ' ', first);
        if (space.end == space.begin) continue;
        uint32_t code[BC_DECOMPOSE_MAX] = {space.code};
        if (tokenizer->rules.strip && (flags_of(tokenizer, space.code) & BC_DECOMPOSES))
            bc_unicode_decompose(space.code, code);
        put_space(whole, tokenizer->rules.drop ? ' ' : code[0], space);
    }
    return true;
}

bool bc_utf8_text_set(bc_utf8_text *out, const bc_char *chars, size_t count)
{
    if (out->capacity / BC_UTF8_MAX < count) {
        size_t capacity = count * BC_UTF8_MAX * 2 + 64;
        unsigned char *bytes = bc_realloc(out->bytes, capacity, 1);
        if (bytes) out->bytes = bytes;
        uint32_t *places = bc_realloc(out->chars, capacity, sizeof *places);
        if (places) out->chars = places;
        if (!bytes || !places) return false;
        out->capacity = capacity;
    }
    out->count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t used = bc_utf8_encode(chars[i].code, out->bytes + out->count);
        while (used-- > 0) out->chars[out->count++] = (uint32_t)i;
    }
    return true;
}
