/* Greedy longest match and the split of a text into words.
 *
 * Almost all text is plain ASCII words, so these are matched where they lie, lowered by a table as
 * the trie is walked, without a copy. The first byte of another kind in a stretch (no white space
 * inside) throws away what the stretch has given and sends it through bc_normalize. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "tokenizer/tokenizer.h"

void bc_scratch_free(bc_scratch *scratch)
{
    if (!scratch) return;
    bc_free(scratch->chars.at);
    bc_free(scratch->other.at);
    bc_free(scratch->word);
    bc_free(scratch->word_char);
    bc_free(scratch->pieces[0].at);
    bc_free(scratch->pieces[1].at);
    bc_free(scratch);
}

bool bc_pieces_reserve(bc_pieces *pieces, size_t more)
{
    if (pieces->room - pieces->count >= more) return true;
    size_t room = (pieces->count + more) * 2 + 64;
    bc_piece *at = bc_realloc(pieces->at, room, sizeof *at);
    if (!at) return false;
    pieces->at = at;
    pieces->room = room;
    return true;
}

static void put_piece(bc_pieces *pieces, int32_t id, size_t begin, size_t end)
{
    pieces->at[pieces->count++] = (bc_piece){id, (uint32_t)begin, (uint32_t)end};
}

void bc_wordpiece(const bertc_tokenizer *tokenizer, const unsigned char *bytes, size_t begin,
                  size_t end, const unsigned char map[256], bc_pieces *pieces)
{
    const bc_trie_node *nodes = tokenizer->trie.nodes;
    size_t kept = pieces->count;
    int32_t root = 0;
    for (size_t start = begin; start < end;) {
        int32_t node = root, id = -1;
        size_t stop = start;
        for (size_t i = start; i < end && root >= 0; i++) {
            int32_t next = nodes[node].base + map[bytes[i]];
            if (nodes[next].check != node) break;
            node = next;
            if (nodes[node].id >= 0) {
                id = nodes[node].id;
                stop = i + 1;
            }
        }
        if (id < 0) {
            pieces->count = kept;
            put_piece(pieces, tokenizer->specials.unk, begin, end);
            return;
        }
        put_piece(pieces, id, start, stop);
        start = stop;
        root = tokenizer->continued;
    }
}

/* Room for one word of `count` characters. */
static bool reserve_word(bc_scratch *scratch, bc_pieces *pieces, size_t count)
{
    size_t bytes = count * BC_UTF8_MOST;
    if (!bc_pieces_reserve(pieces, bytes)) return false;
    if (scratch->word_room >= bytes) return true;
    size_t room = bytes * 2 + 64;
    unsigned char *word = bc_realloc(scratch->word, room, 1);
    if (word) scratch->word = word;
    uint32_t *word_char = bc_realloc(scratch->word_char, room, sizeof *word_char);
    if (word_char) scratch->word_char = word_char;
    if (!word || !word_char) return false;
    scratch->word_room = room;
    return true;
}

/* The pieces of the normalised characters [first, last): spell the word in UTF-8, match it, and
 * turn offsets in the word into offsets in the text. */
static bool match_word(const bertc_tokenizer *tokenizer, bc_scratch *scratch, size_t first,
                       size_t last, bc_pieces *pieces)
{
    static const unsigned char same[256] = {
#define ROW(n) n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
#define ROWS(n) ROW(n), ROW(n + 8), ROW(n + 16), ROW(n + 24)
        ROWS(0), ROWS(32), ROWS(64), ROWS(96), ROWS(128), ROWS(160), ROWS(192), ROWS(224)};
#undef ROWS
#undef ROW
    const bc_char *chars = scratch->chars.at;
    if (last - first > tokenizer->recipe.word_limit) {
        if (!bc_pieces_reserve(pieces, 1)) return false;
        put_piece(pieces, tokenizer->specials.unk, chars[first].begin, chars[last - 1].end);
        return true;
    }
    if (!reserve_word(scratch, pieces, last - first)) return false;
    size_t bytes = 0;
    for (size_t i = first; i < last; i++) {
        size_t used = bc_utf8_encode(chars[i].code, scratch->word + bytes);
        while (used-- > 0) scratch->word_char[bytes++] = (uint32_t)i;
    }
    size_t kept = pieces->count;
    bc_wordpiece(tokenizer, scratch->word, 0, bytes, same, pieces);
    for (bc_piece *piece = pieces->at + kept; piece < pieces->at + pieces->count; piece++) {
        piece->begin = chars[scratch->word_char[piece->begin]].begin;
        piece->end = chars[scratch->word_char[piece->end - 1]].end;
    }
    return true;
}

/* Does the whole stretch spell one of the literals? */
static bool is_literal(const bertc_tokenizer *tokenizer, const bc_chars *chars)
{
    for (size_t k = 0; k < tokenizer->literal_count; k++) {
        const bc_literal *literal = &tokenizer->literals[k];
        size_t at = 0, i = 0;
        while (i < chars->count && at < literal->length) {
            unsigned char bytes[BC_UTF8_MOST];
            size_t used = bc_utf8_encode(chars->at[i].code, bytes);
            if (used > literal->length - at || memcmp(literal->text + at, bytes, used) != 0) break;
            at += used;
            i++;
        }
        if (i == chars->count && at == literal->length) return true;
    }
    return false;
}

static bool match_stretch(const bertc_tokenizer *tokenizer, bc_scratch *scratch,
                          bc_pieces *pieces)
{
    const bc_chars *chars = &scratch->chars;
    if (tokenizer->recipe.keep_added && is_literal(tokenizer, chars))
        return match_word(tokenizer, scratch, 0, chars->count, pieces);
    size_t first = 0;
    for (size_t i = 0; i <= chars->count; i++) {
        bool punct = i < chars->count &&
                     (bc_unicode_get(&tokenizer->unicode, chars->at[i].code)
                          ->flags[tokenizer->recipe.column] & BC_PUNCT);
        if (i < chars->count && !punct) continue;
        if (first < i && !match_word(tokenizer, scratch, first, i, pieces)) return false;
        if (punct && !match_word(tokenizer, scratch, i, i + 1, pieces)) return false;
        first = i + 1;
    }
    return true;
}

/* One plain word or punctuation mark at text[at], whose kind is `kind`. Returns its end, or `at`
 * where a hard byte joins it; BC_FAILED where memory is out. */
static size_t match_plain(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t at,
                          size_t end, uint8_t kind, bc_pieces *pieces)
{
    size_t stop = at + 1;
    if (kind == BC_BYTE_WORD)
        while (stop < end && tokenizer->kind[text[stop]] == BC_BYTE_WORD) stop++;
    if (stop < end && tokenizer->kind[text[stop]] == BC_BYTE_HARD) return at;
    if (!bc_pieces_reserve(pieces, stop - at)) return BC_FAILED;
    if (stop - at == 1)
        put_piece(pieces, tokenizer->single[text[at]], at, stop);
    else if (stop - at > tokenizer->recipe.word_limit)
        put_piece(pieces, tokenizer->specials.unk, at, stop);
    else
        bc_wordpiece(tokenizer, text, at, stop, tokenizer->lower, pieces);
    return stop;
}

/* The words from text[at], no white space, up to the next white space or the end of what
 * bc_normalize takes at once; BC_FAILED where memory is out. */
static size_t split_stretch(const bertc_tokenizer *tokenizer, bc_scratch *scratch,
                            const unsigned char *text, size_t at, size_t end, bc_pieces *pieces,
                            size_t *invalid)
{
    size_t start = at, kept = pieces->count;
    while (at < end) {
        uint8_t kind = tokenizer->kind[text[at]];
        if (kind == BC_BYTE_SPACE) return at;
        size_t next = at;
        if (kind != BC_BYTE_HARD) {
            next = match_plain(tokenizer, text, at, end, kind, pieces);
            if (next == BC_FAILED) return BC_FAILED;
        }
        if (next == at) {
            pieces->count = kept;
            next = bc_normalize(tokenizer, scratch, text, start, end, invalid);
            if (next == BC_FAILED || !match_stretch(tokenizer, scratch, pieces)) return BC_FAILED;
            return next;
        }
        at = next;
    }
    return at;
}

static bool split_segment(const bertc_tokenizer *tokenizer, bc_scratch *scratch,
                          const unsigned char *text, size_t at, size_t end, bc_pieces *pieces,
                          size_t *invalid)
{
    while (at < end) {
        if (tokenizer->kind[text[at]] == BC_BYTE_SPACE) {
            at++;
            continue;
        }
        at = split_stretch(tokenizer, scratch, text, at, end, pieces, invalid);
        if (at == BC_FAILED) return false;
    }
    return true;
}

/* The longest literal at text[at], or null. */
static const bc_literal *literal_at(const bertc_tokenizer *tokenizer, const unsigned char *text,
                                    size_t at, size_t end)
{
    const bc_literal *best = NULL;
    for (size_t i = 0; i < tokenizer->literal_count; i++) {
        const bc_literal *literal = &tokenizer->literals[i];
        if (literal->length <= end - at && (!best || literal->length > best->length) &&
            memcmp(text + at, literal->text, literal->length) == 0)
            best = literal;
    }
    return best;
}

/* The next place from `at` on where a literal stands; `end` where none does. */
static size_t find_literal(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t at,
                           size_t end, const bc_literal **found)
{
    for (*found = NULL; at < end; at++) {
        if (tokenizer->literal_start >= 0) {
            const unsigned char *start = memchr(text + at, tokenizer->literal_start, end - at);
            if (!start) return end;
            at = (size_t)(start - text);
        }
        if (!tokenizer->literal_starts[text[at]]) continue;
        *found = literal_at(tokenizer, text, at, end);
        if (*found) return at;
    }
    return end;
}

bertc_status bc_split(const bertc_tokenizer *tokenizer, bc_scratch *scratch,
                      const unsigned char *text, size_t length, bc_pieces *pieces,
                      size_t *invalid, bertc_error *err)
{
    bool search = tokenizer->recipe.find_added && tokenizer->literal_count > 0;
    for (size_t at = 0; at < length;) {
        const bc_literal *literal = NULL;
        size_t stop = search ? find_literal(tokenizer, text, at, length, &literal) : length;
        if (!split_segment(tokenizer, scratch, text, at, stop, pieces, invalid))
            return bc_fail_memory(err);
        at = stop;
        if (!literal) continue;
        if (!bc_pieces_reserve(pieces, 1)) return bc_fail_memory(err);
        put_piece(pieces, literal->id, at, at + literal->length);
        at += literal->length;
    }
    return BERTC_OK;
}
