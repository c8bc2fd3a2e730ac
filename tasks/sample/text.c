#include "tasks/sample/text.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"

uint32_t bc_roll(bc_dice *dice, uint32_t sides)
{
    bc_rng_block block = bc_rng(dice->seed, (uint32_t)BC_RNG_SAMPLE << 24 | dice->file,
                                dice->index, dice->attempt, dice->rolls++);
    return (uint32_t)((uint64_t)block.word[0] * sides >> 32);
}

bool bc_chance(bc_dice *dice, uint32_t percent)
{
    return bc_roll(dice, 100) < percent;
}

static void append(bc_sample_text *text, const char *bytes, size_t length)
{
    size_t capacity = BC_SAMPLE_TEXT_BYTES - 1 - text->length;
    assert(length <= capacity);
    if (length > capacity) length = capacity;
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void bc_add_words(bc_sample_text *text, const char *words)
{
    if (*words == '\0') return;
    if (text->length > 0) append(text, " ", 1);
    append(text, words, strlen(words));
}

void bc_add_formatted(bc_sample_text *text, const char *format, ...)
{
    char words[BC_SAMPLE_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    bc_add_words(text, words);
}

void bc_add_pattern(bc_sample_text *text, const char *pattern, const bc_slots *slots)
{
    if (text->length > 0) append(text, " ", 1);
    for (const char *p = pattern; *p; p++) {
        if (*p != '$') {
            append(text, p, 1);
            continue;
        }
        const char *filler = slots->BC_SLOT(*++p);
        if (filler) append(text, filler, strlen(filler));
    }
}

void bc_finish_text(bc_sample_text *text, unsigned style)
{
    bc_sample_text out = {0};
    bool article = false;
    for (const char *word = text->bytes; *(word += strspn(word, " "));) {
        size_t length = strcspn(word, " ");
        if (article && strchr("aeiou", *word)) append(&out, "n", 1);
        const bool is_punctuation = strchr(",.?!'", *word) != NULL;
        if (out.length > 0 && !((style & BC_JOIN) && is_punctuation)) append(&out, " ", 1);
        const bool me = style & BC_CAPITAL && length == 1 && *word == 'i';
        append(&out, me ? "I" : word, length);
        article = length == 1 && (*word == 'a' || *word == 'A');
        word += length;
    }
    *text = out;
    if (!(style & BC_CAPITAL)) return;
    char *first = text->bytes;
    while (*first && !isalpha((unsigned char)*first)) first++;
    *first = (char)toupper((unsigned char)*first);
}
