/* The vocabulary in memory: the bytes of the file, the place of each line in the bytes, and a hash table from words to
 * ids.
 *
 * White space at the end of a line does not belong to its word: the reference trims it, and a word with it could never
 * be found. */
#include "vocab/vocab.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

typedef struct line {
    uint32_t start, length;
} line;

struct bertc_vocab {
    char *place;
    char *text;
    size_t text_length;
    line *words; /* (size) */
    int32_t size;
    int32_t distinct; /* number of lines whose word is not repeated by a later line */
    int32_t *slots; /* (slot_mask + 1) ids; -1: free */
    size_t slot_mask;
    bertc_special_ids specials;
};

/* Find the slot of a word, or the free slot for it. */
static size_t find_slot(const bertc_vocab *vocab, const char *bytes, size_t length)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001B3u;
    for (size_t slot = (size_t)(hash ^ hash >> 32) & vocab->slot_mask;; slot = (slot + 1) & vocab->slot_mask) {
        int32_t id = vocab->slots[slot];
        if (id < 0) return slot;
        const line *other = &vocab->words[id];
        if (other->length == length && memcmp(vocab->text + other->start, bytes, length) == 0) return slot;
    }
}

size_t bc_vocab_space_before(const char *text, size_t end)
{
    static const char *const wide[] = {"\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81",
                                       "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
                                       "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8",
                                       "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};
    if (end == 0) return 0;
    unsigned char last = (unsigned char)text[end - 1];
    if (last == ' ' || (last >= 9 && last <= 13)) return 1;
    if (last < 0x80) return 0;
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        size_t bytes = strlen(wide[i]);
        if (end >= bytes && memcmp(text + end - bytes, wide[i], bytes) == 0) return bytes;
    }
    return 0;
}

static size_t count_lines(const char *text, size_t length)
{
    size_t lines = 0;
    for (const char *at = text; (at = memchr(at, '\n', length - (size_t)(at - text))); at++) lines++;
    return lines + (length > 0 && text[length - 1] != '\n');
}

static bertc_status check_text(const char *text, size_t length, const char *place, bertc_error *err)
{
    if (length == 0) return bc_fail(err, BERTC_INPUT, "%s: the vocabulary is empty", place);
    if (length > INT32_MAX) return bc_fail(err, BERTC_INPUT, "%s: the vocabulary is larger than 2 GiB", place);
    const unsigned char *bytes = (const unsigned char *)text;
    size_t bad = 0; /* offset of the first ill-formed sequence */
    for (size_t n; bad < length && (n = bc_utf8_sequence(bytes + bad, length - bad)) > 0;) bad += n;
    if (bad < length)
        return bc_fail(err, BERTC_INPUT, "%s:%zu: not UTF-8", place,
                       count_lines(text, bad) + (bad == 0 || text[bad - 1] == '\n'));
    return BERTC_OK;
}

static bertc_status allocate(bertc_vocab *vocab, const char *text, size_t length, const char *place, bertc_error *err)
{
    size_t lines = count_lines(text, length), slots = 16;
    while (slots < lines * 2) slots *= 2;
    vocab->place = bc_strndup(place, strlen(place));
    vocab->text = bc_strndup(text, length);
    vocab->words = bc_alloc(lines, sizeof *vocab->words);
    vocab->slots = bc_alloc(slots, sizeof *vocab->slots);
    if (!vocab->place || !vocab->text || !vocab->words || !vocab->slots) return bc_fail_memory(err);
    vocab->text_length = length;
    vocab->slot_mask = slots - 1;
    memset(vocab->slots, 0xFF, slots * sizeof *vocab->slots);
    return BERTC_OK;
}

/* Split the text into lines and enter their words into the hash table. */
static void fill(bertc_vocab *vocab)
{
    size_t start = 0, bytes;
    while (start < vocab->text_length) {
        const char *rest = vocab->text + start;
        const char *newline = memchr(rest, '\n', vocab->text_length - start);
        size_t end = newline ? (size_t)(newline - vocab->text) : vocab->text_length;
        size_t next = end + 1;
        while ((bytes = bc_vocab_space_before(rest, end - start)) > 0) end -= bytes;
        line *entry = &vocab->words[vocab->size];
        *entry = (line){(uint32_t)start, (uint32_t)(end - start)};
        int32_t *slot = &vocab->slots[find_slot(vocab, vocab->text + entry->start, entry->length)];
        vocab->distinct += *slot < 0;
        *slot = vocab->size++;
        start = next;
    }
}

bertc_status bertc_vocab_parse(const char *text, size_t length, const char *place,
                               bertc_vocab **vocab, bertc_error *err)
{
    if (!place || !vocab || (!text && length > 0)) return bc_fail_null(err, __func__, "text, place and vocab");
    *vocab = NULL;
    bertc_status status = check_text(text, length, place, err);
    if (status) return status;
    bertc_vocab *made = bc_calloc(1, sizeof *made);
    if (!made) return bc_fail_memory(err);
    status = allocate(made, text, length, place, err);
    if (status) {
        bertc_vocab_free(made);
        return status;
    }
    fill(made);
    made->specials = (bertc_special_ids){
        .pad = bertc_vocab_id(made, "[PAD]", 5),
        .unk = bertc_vocab_id(made, "[UNK]", 5),
        .cls = bertc_vocab_id(made, "[CLS]", 5),
        .sep = bertc_vocab_id(made, "[SEP]", 5),
        .mask = bertc_vocab_id(made, "[MASK]", 6),
    };
    *vocab = made;
    return BERTC_OK;
}

void bertc_vocab_free(bertc_vocab *vocab)
{
    if (!vocab) return;
    bc_free(vocab->place);
    bc_free(vocab->text);
    bc_free(vocab->words);
    bc_free(vocab->slots);
    bc_free(vocab);
}

const char *bertc_vocab_source(const bertc_vocab *vocab)
{
    return vocab ? vocab->place : NULL;
}

int32_t bc_vocab_distinct(const bertc_vocab *vocab)
{
    return vocab->distinct;
}

void bc_vocab_set_distinct(bertc_vocab *vocab, int32_t distinct)
{
    vocab->distinct = distinct;
}

int32_t bertc_vocab_size(const bertc_vocab *vocab)
{
    return vocab ? vocab->size : 0;
}

int32_t bertc_vocab_id(const bertc_vocab *vocab, const char *word, size_t length)
{
    return vocab && word ? vocab->slots[find_slot(vocab, word, length)] : -1;
}

const char *bertc_vocab_word(const bertc_vocab *vocab, int32_t id, size_t *length)
{
    bool there = vocab && id >= 0 && id < vocab->size;
    if (length) *length = there ? vocab->words[id].length : 0;
    return there ? vocab->text + vocab->words[id].start : NULL;
}

bertc_special_ids bertc_vocab_specials(const bertc_vocab *vocab)
{
    return vocab ? vocab->specials : (bertc_special_ids){-1, -1, -1, -1, -1};
}

const char *bertc_vocab_text(const bertc_vocab *vocab, size_t *length)
{
    if (length) *length = vocab ? vocab->text_length : 0;
    return vocab ? vocab->text : NULL;
}
