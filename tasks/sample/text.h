/* Random numbers and texts for the sample generator.
 *
 * 1. A roll is a function of (seed, file, index, attempt, number of the roll). An example depends on its position, not
 *    on the examples before it.
 * 2. Rolls are numbered, so their order matters. No expression, argument list or initializer contains two rolls, since
 *    the compiler may choose their order there.
 * 3. Grammars append words with spaces between them, punctuation included ("slow , but moving"). bc_finish_text then
 *    chooses "a" or "an". On request it joins the punctuation and sets the capital.
 * 4. A text longer than its buffer is a mistake in a grammar. An assertion reports it; without assertions the text is
 *    cut. */
#ifndef BC_TASKS_SAMPLE_TEXT_H
#define BC_TASKS_SAMPLE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/status.h"

typedef struct bc_dice {
    uint64_t seed;
    uint32_t file, index, attempt, rolls;
} bc_dice;

/* Return a random integer in [0, sides). */
uint32_t bc_roll(bc_dice *dice, uint32_t sides);

/* Return true with a probability of `percent`. */
bool bc_chance(bc_dice *dice, uint32_t percent);

#define BC_COUNT(table) (sizeof(table) / sizeof *(table))
#define BC_PICK(dice, table) (&(table)[bc_roll(dice, (uint32_t)BC_COUNT(table))])

enum { BC_SAMPLE_TEXT_BYTES = 1024 };

typedef struct bc_sample_text {
    size_t length;
    char bytes[BC_SAMPLE_TEXT_BYTES]; /* NUL-terminated */
} bc_sample_text;

/* Append words, after a space if the text is not empty. */
void bc_add_words(bc_sample_text *text, const char *words);
void bc_add_formatted(bc_sample_text *text, const char *format, ...) BERTC_PRINTF(2, 3);

/* The words for the slots of a pattern: of[0] for "$A", of[1] for "$B", ...; null: no words. */
typedef struct bc_slots {
    const char *of[26];
} bc_slots;
#define BC_SLOT(letter) of[(letter) - 'A']

/* Append a pattern, its slots replaced by their words. */
void bc_add_pattern(bc_sample_text *text, const char *pattern, const bc_slots *slots);

enum {
    BC_JOIN = 1,    /* no space before , . ? ! and possessives */
    BC_CAPITAL = 2, /* capital letters at the beginning and for I */
    BC_PROSE = BC_JOIN | BC_CAPITAL
};
/* Finish a text in a style: a set of the flags above. */
void bc_finish_text(bc_sample_text *text, unsigned style);

#endif
