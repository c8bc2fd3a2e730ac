/* The table of short words is a hash table with open addressing and at least two slots per word. */
#include "tokenizer/short_words.h"

#include <stdbool.h>

#include "base/error.h"
#include "base/memory.h"

/* Whether the word is a run that lowering does not change. If so, set *key. */
static bool key_of(const char *word, size_t length, size_t longest, const unsigned char lower[256], bc_word_key *key)
{
    const unsigned char *bytes = (const unsigned char *)word;
    if (length == 0 || length > longest || length >= BC_ASCII_RUN) return false;
    for (size_t i = 0; i < length; i++)
        if (lower[bytes[i]] != bytes[i]) return false;
    return bc_ascii_run_plain(bytes, 0, length, 0, key) == length;
}

bertc_status bc_short_words_build(bc_short_words *words, const bertc_vocab *vocab, size_t longest,
                            const unsigned char lower[256], bertc_error *err)
{
    size_t slots = 2;
    int32_t size = bertc_vocab_size(vocab);
    while (slots / 2 <= (size_t)size) slots *= 2;
    words->slots = bc_alloc(slots, sizeof *words->slots);
    if (!words->slots) return bc_fail_memory(err);
    words->mask = slots - 1;
    for (size_t i = 0; i < slots; i++) words->slots[i] = (bc_short_word){.id = -1};
    for (int32_t id = 0; id < size; id++) {
        size_t length;
        bc_word_key key;
        const char *word = bertc_vocab_word(vocab, id, &length);
        if (!key_of(word, length, longest, lower, &key)) continue;
        size_t at = bc_short_words_slot(words, key);
        while (words->slots[at].id >= 0 &&
               (words->slots[at].key.low != key.low || words->slots[at].key.high != key.high))
            at = (at + 1) & words->mask;
        words->slots[at] = (bc_short_word){key, id}; /* if words are equal, the last word counts, as in the trie */
    }
    return BERTC_OK;
}

void bc_short_words_free(bc_short_words *words)
{
    bc_free(words->slots);
    *words = (bc_short_words){0};
}
