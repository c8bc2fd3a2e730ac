/* Greedy longest match of one word, and of the words of a normalised stretch. Each byte is walked at most
 * twice: once for the first piece, once by the matcher. */
#include <string.h>

#include "base/memory.h"
#include "tokenizer/tokenizer.h"

void bc_scratch_free(bc_scratch *scratch)
{
    if (!scratch) return;
    bc_free(scratch->chars.at);
    bc_free(scratch->other.at);
    bc_free(scratch->word);
    bc_free(scratch->word_char);
    bc_free(scratch);
}

/* The longest word that bytes[begin..end) begin with; its end in *stop. -1: none. */
static int32_t match_first(const bc_trie *trie, const unsigned char *bytes, size_t begin, size_t end,
                           const unsigned char map[256], size_t *stop)
{
    int32_t id = -1, node = 0;
    for (size_t i = begin; i < end && (node = bc_trie_step(trie, node, map[bytes[i]])) >= 0; i++)
        if (trie->nodes[node].id >= 0) {
            id = trie->nodes[node].id;
            *stop = i + 1;
        }
    return id;
}

void bc_wordpiece(const bertc_tokenizer *tokenizer, const unsigned char *bytes, size_t begin,
                  size_t end, const unsigned char map[256], bertc_encoding *out)
{
    const bc_trie *trie = &tokenizer->trie;
    size_t kept = out->count, stop;
    int32_t id = match_first(trie, bytes, begin, end, map, &stop);
    if (id >= 0) bc_put(out, id, begin, stop);
    if (id >= 0 && (stop == end || bc_matcher_run(&tokenizer->rest, trie, bytes, stop, end, map, out)))
        return;
    out->count = kept;
    bc_put(out, tokenizer->specials.unk, begin, end);
}

/* Room for one word of `count` characters. */
static bool reserve_word(bc_scratch *scratch, bertc_encoding *out, size_t count)
{
    size_t bytes = count * BC_UTF8_MOST;
    if (!bc_encoding_reserve(out, bytes)) return false;
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
                       size_t last, bertc_encoding *out)
{
    static const unsigned char same[256] = {
#define ROW(n) n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
#define ROWS(n) ROW(n), ROW(n + 8), ROW(n + 16), ROW(n + 24)
        ROWS(0), ROWS(32), ROWS(64), ROWS(96), ROWS(128), ROWS(160), ROWS(192), ROWS(224)};
#undef ROWS
#undef ROW
    const bc_char *chars = scratch->chars.at;
    if (last - first > tokenizer->recipe.word_limit) {
        if (!bc_encoding_reserve(out, 1)) return false;
        bc_put(out, tokenizer->specials.unk, chars[first].begin, chars[last - 1].end);
        return true;
    }
    if (!reserve_word(scratch, out, last - first)) return false;
    size_t bytes = 0;
    for (size_t i = first; i < last; i++) {
        size_t used = bc_utf8_encode(chars[i].code, scratch->word + bytes);
        while (used-- > 0) scratch->word_char[bytes++] = (uint32_t)i;
    }
    size_t kept = out->count;
    bc_wordpiece(tokenizer, scratch->word, 0, bytes, same, out);
    for (size_t i = kept; i < out->count; i++) {
        out->begin[i] = chars[scratch->word_char[out->begin[i]]].begin;
        out->end[i] = chars[scratch->word_char[out->end[i] - 1]].end;
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

bool bc_match_stretch(const bertc_tokenizer *tokenizer, bc_scratch *scratch, bertc_encoding *out)
{
    const bc_chars *chars = &scratch->chars;
    if (tokenizer->recipe.keep_added && is_literal(tokenizer, chars))
        return match_word(tokenizer, scratch, 0, chars->count, out);
    size_t first = 0;
    for (size_t i = 0; i <= chars->count; i++) {
        bool punct = i < chars->count &&
                     (bc_unicode_get(&tokenizer->unicode, chars->at[i].code)
                          ->flags[tokenizer->recipe.column] & BC_PUNCT);
        if (i < chars->count && !punct) continue;
        if (first < i && !match_word(tokenizer, scratch, first, i, out)) return false;
        if (punct && !match_word(tokenizer, scratch, i, i + 1, out)) return false;
        first = i + 1;
    }
    return true;
}
