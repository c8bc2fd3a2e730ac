#include "tasks/sample/vocab.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/writer.h"

/* Find the slot of a word, or the free slot for it. The table is never nearly full: the grammars have some hundreds of
 * words. */
static bc_counted_word *find(bc_word_counts *words, const char *text, size_t length)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    for (;; hash++) {
        bc_counted_word *slot = &words->slots[hash % BC_WORD_SLOTS];
        if (slot->count == 0) return slot;
        if (strncmp(slot->text, text, length) == 0 && slot->text[length] == '\0') return slot;
    }
}

/* Take the next letter, in lower case and without its accent; 0 if the next character is not a letter. The only letters
 * beyond ASCII are in names: e with an accent, the two bytes C3 A8 to C3 AB. */
static char letter(const char **text)
{
    const unsigned char *p = (const unsigned char *)*text;
    const bool marked = p[0] == 0xC3 && p[1] >= 0xA8 && p[1] <= 0xAB;
    if (!marked && (p[0] >= 0x80 || !isalpha(p[0]))) return 0;
    *text += marked ? 2 : 1;
    return marked ? 'e' : (char)(p[0] | 0x20);
}

void bc_word_counts_add(bc_word_counts *words, const char *text)
{
    while (*text) {
        char word[sizeof words->slots->text];
        size_t length = 0;
        for (char c; (c = letter(&text)) != 0;)
            if (length < sizeof word - 1) word[length++] = c;
        if (length == 0) {
            text++;
            continue;
        }
        word[length] = '\0';
        bc_counted_word *slot = find(words, word, length);
        memcpy(slot->text, word, length + 1);
        slot->count++;
    }
}

static const char *const specials[] = {
    "[PAD]", "[unused0]", "[unused1]", "[unused2]", "[unused3]", "[unused4]",
    "[unused5]", "[unused6]", "[unused7]", "[UNK]", "[CLS]", "[SEP]", "[MASK]",
};

static const char *const suffixes[] = {
    "s", "es", "ed", "d", "ing", "ly", "er", "r", "est", "y", "n", "en", "al", "ful", "less",
    "ness", "ment", "able", "ion", "ation", "ity", "ous", "ive", "ish", "or", "ist", "ic", "ical",
    "th", "ty", "teen", "ward", "wards", "ship", "hood", "some", "like", "man", "men",
};

/* Whether a word is another word with a suffix, so that its pieces cover it. */
static bool is_suffixed(bc_word_counts *words, const char *word)
{
    const size_t length = strlen(word);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        const size_t tail = strlen(suffixes[i]);
        if (length < tail + 3 || strcmp(word + length - tail, suffixes[i]) != 0) continue;
        if (find(words, word, length - tail)->count > 0) return true;
    }
    return false;
}

static int by_frequency(const void *a, const void *b)
{
    const bc_counted_word *x = a, *y = b;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    return strcmp(x->text, y->text);
}

/* Drop the words that need no entry of their own, then sort the others. Words are dropped only after all words were
 * examined, since each may be the stem of another word. */
static void keep_whole_words(bc_word_counts *words)
{
    bool whole[BC_WORD_SLOTS];
    for (size_t i = 0; i < BC_WORD_SLOTS; i++) {
        const bc_counted_word *slot = &words->slots[i];
        whole[i] = slot->count > 0 && slot->text[1] && !is_suffixed(words, slot->text);
    }
    for (size_t i = 0; i < BC_WORD_SLOTS; i++)
        if (!whole[i]) words->slots[i].count = 0;
    qsort(words->slots, BC_WORD_SLOTS, sizeof *words->slots, by_frequency);
}

bertc_status bc_word_counts_write_vocab(bc_word_counts *words, const char *path, bertc_error *err)
{
    bc_writer writer;
    bertc_status status = bc_writer_open(&writer, path, err);
    if (status != BERTC_OK) return status;
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) bc_writer_printf(&writer, "%s\n", specials[i]);
    for (int c = '!'; c <= '~'; c++)
        if (!isupper(c)) bc_writer_printf(&writer, "%c\n", c);
    for (int c = '0'; c <= 'z'; c++)
        if (isdigit(c) || islower(c)) bc_writer_printf(&writer, "##%c\n", c);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (suffixes[i][1]) bc_writer_printf(&writer, "##%s\n", suffixes[i]);
    keep_whole_words(words);
    for (size_t i = 0; i < BC_WORD_SLOTS && words->slots[i].count > 0; i++)
        bc_writer_printf(&writer, "%s\n", words->slots[i].text);
    return bc_writer_commit(&writer, err);
}
