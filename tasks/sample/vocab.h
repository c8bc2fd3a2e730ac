/* Counts of the words of the sample, and a vocabulary made of them. */
#ifndef BC_TASKS_SAMPLE_VOCAB_H
#define BC_TASKS_SAMPLE_VOCAB_H

#include <stddef.h>

#include "bertc/status.h"

enum { BC_WORD_SLOTS = 4096 }; /* a power of two, several times the number of words */

typedef struct bc_counted_word {
    char text[32]; /* lower case, accents stripped; empty: a free slot */
    size_t count;
} bc_counted_word;

typedef struct bc_word_counts {
    bc_counted_word slots[BC_WORD_SLOTS];
} bc_word_counts;

/* Count the words of a text. A word is a run of letters, lower-cased and without accents as in an uncased tokenizer. */
void bc_word_counts_add(bc_word_counts *words, const char *text);

/* Write a WordPiece vocabulary for the counted words: special tokens, characters, suffixes, then the words by
 * frequency. A word that is another word with a suffix has no line. Sorts `words`. */
bertc_status bc_word_counts_write_vocab(bc_word_counts *words, const char *path, bertc_error *err);

#endif
