/* Dice and sentences for the sample generator.
 *
 * 1. A roll is a function of (seed, file, index, attempt, number of the roll): an example does not
 *    depend on the examples before it, only on where it stands.
 * 2. Rolls are counted, so their order matters: no two of them stand in one expression, argument
 *    list or initialiser, whose order is the compiler's.
 * 3. Grammars speak in separate words, punctuation included ("slow , but moving"); bc_polish then
 *    settles a/an, and, where asked, joins the punctuation and sets the capital.
 * 4. A sentence that would outgrow its buffer is a mistake in a grammar: asserted, then cut. */
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

/* A whole number in [0, sides). */
uint32_t bc_roll(bc_dice *dice, uint32_t sides);

/* True in `percent` of all cases. */
bool bc_chance(bc_dice *dice, uint32_t percent);

#define BC_COUNT(table) (sizeof(table) / sizeof *(table))
#define BC_PICK(dice, table) (&(table)[bc_roll(dice, (uint32_t)BC_COUNT(table))])

enum { BC_SENTENCE_BYTES = 1024 };

typedef struct bc_sentence {
    size_t length;
    char bytes[BC_SENTENCE_BYTES]; /* NUL-terminated */
} bc_sentence;

/* Append words, one space before them where the text is not empty. */
void bc_say(bc_sentence *text, const char *words);
void bc_sayf(bc_sentence *text, const char *format, ...) BERTC_PRINTF(2, 3);

/* The fillers of a pattern: "$A" stands for of['A' - 'A']; null fills with nothing. */
typedef struct bc_slots {
    const char *of[26];
} bc_slots;
#define BC_SLOT(letter) of[(letter) - 'A']

/* Append a pattern with its slots filled. */
void bc_fill(bc_sentence *text, const char *pattern, const bc_slots *slots);

enum {
    BC_JOIN = 1,    /* no space before , . ? ! and possessives */
    BC_CAPITAL = 2, /* the first letter is a capital, and I is */
    BC_PROSE = BC_JOIN | BC_CAPITAL
};
void bc_polish(bc_sentence *text, unsigned style);

#endif
