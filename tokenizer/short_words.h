/* Short words of ASCII letters and digits: read from a text and found in the vocabulary by one key.
 *
 * 1. A run is a sequence of ASCII letters and digits. A run of fewer than BC_ASCII_RUN bytes has a key: its bytes,
 *    padded with zeros. Two runs are equal exactly if their keys are equal.
 * 2. The table holds the words of the vocabulary that can occur as a run in a lowered text, with their ids in the trie.
 *    A run that is not in the table may still split into pieces.
 * 3. Reading never touches a byte outside text[0..end). */
#ifndef BC_TOKENIZER_SHORT_WORDS_H
#define BC_TOKENIZER_SHORT_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "tokenizer/trie.h"

enum { BC_ASCII_RUN = 16 }; /* bytes that are read together */

typedef struct bc_word_key {
    uint64_t low, high;
} bc_word_key;

typedef struct bc_short_word {
    bc_word_key key;
    int32_t id; /* -1: the slot is free */
} bc_short_word;

typedef struct bc_short_words {
    bc_short_word *slots;
    size_t mask; /* slots - 1 */
} bc_short_words;

/* Build the table of the words that have at most `longest` bytes and that `lower` does not change. Errors:
 * BERTC_NOMEM. */
bertc_status bc_short_words_build(bc_short_words *words, const bertc_vocab *vocab, size_t longest,
                            const unsigned char lower[256], bertc_error *err);
void bc_short_words_free(bc_short_words *words);

static inline size_t bc_short_words_slot(const bc_short_words *words, bc_word_key key)
{
    uint64_t hash = (key.low ^ key.high * 0x9E3779B97F4A7C15u) * 0xD6E8FEB86659FD93u;
    return (size_t)(hash >> 32) & words->mask;
}

/* Return the id of the word with this key, or -1. */
static inline int32_t bc_short_words_find(const bc_short_words *words, bc_word_key key)
{
    for (size_t at = bc_short_words_slot(words, key);; at = (at + 1) & words->mask) {
        const bc_short_word *word = &words->slots[at];
        if (word->id < 0 || (word->key.low == key.low && word->key.high == key.high)) return word->id;
    }
}

/* Return the length of the run at text[at]; BC_ASCII_RUN if the run has that length or more. A shorter run also has a
 * key, in which each byte has the bits of `fold` set: 0x20 lowers a letter and does not change a digit. */
static inline size_t bc_ascii_run_plain(const unsigned char *text, size_t at, size_t end,
                                        unsigned char fold, bc_word_key *key)
{
    uint64_t words[2] = {0, 0};
    size_t n = 0;
    for (; n < BC_ASCII_RUN && at + n < end; n++) {
        unsigned byte = text[at + n], low = byte | 0x20;
        if (!(low >= 'a' && low <= 'z') && !(byte >= '0' && byte <= '9')) break;
        words[n / 8] |= (uint64_t)(byte | fold) << 8 * (n % 8);
    }
    *key = (bc_word_key){words[0], words[1]};
    return n;
}

#if defined(__SSE2__)

/* Load BC_ASCII_RUN bytes from text[at] on, zeros from text[end] on. */
static inline __m128i bc_ascii_load(const unsigned char *text, size_t at, size_t end)
{
    size_t left = end - at, drop = 8 * (BC_ASCII_RUN - left);
    unsigned char copy[BC_ASCII_RUN] = {0};
    uint64_t low, high;
    if (left >= BC_ASCII_RUN) return _mm_loadu_si128((const __m128i *)(const void *)(text + at));
    if (end < BC_ASCII_RUN) {
        memcpy(copy, text + at, left);
        return _mm_loadu_si128((const __m128i *)(const void *)copy);
    }
    memcpy(&low, text + end - 16, sizeof low);
    memcpy(&high, text + end - 8, sizeof high);
    if (drop >= 64) return _mm_set_epi64x(0, (long long)(high >> (drop - 64)));
    return _mm_set_epi64x((long long)(high >> drop), (long long)(low >> drop | high << (64 - drop)));
}

static inline size_t bc_ascii_run(const unsigned char *text, size_t at, size_t end, unsigned char fold,
                                  bc_word_key *key)
{
    static const unsigned char masks[2 * BC_ASCII_RUN] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                    255, 255, 255, 255, 255, 255, 255, 255};
    __m128i block = bc_ascii_load(text, at, end), low = _mm_or_si128(block, _mm_set1_epi8(0x20));
    /* Signed comparisons: bytes from 0x80 on are below all of these. */
    __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(low, _mm_set1_epi8('a' - 1)),
                                   _mm_cmplt_epi8(low, _mm_set1_epi8('z' + 1)));
    __m128i digit = _mm_and_si128(_mm_cmpgt_epi8(block, _mm_set1_epi8('0' - 1)),
                                  _mm_cmplt_epi8(block, _mm_set1_epi8('9' + 1)));
    unsigned other = ~(unsigned)_mm_movemask_epi8(_mm_or_si128(letter, digit));
    size_t n = (size_t)__builtin_ctz(other | 1u << BC_ASCII_RUN);
    __m128i keep = _mm_loadu_si128((const __m128i *)(const void *)(masks + BC_ASCII_RUN - n));
    block = _mm_and_si128(_mm_or_si128(block, _mm_set1_epi8((char)fold)), keep);
    key->low = (uint64_t)_mm_cvtsi128_si64(block);
    key->high = (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(block, block));
    return n;
}

#else

static inline size_t bc_ascii_run(const unsigned char *text, size_t at, size_t end, unsigned char fold,
                                  bc_word_key *key)
{
    return bc_ascii_run_plain(text, at, end, fold, key);
}

#endif

#endif
