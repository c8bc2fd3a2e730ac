/* Counting the words of the sample and making a vocabulary of them. */
#ifndef BC_TASKS_SAMPLE_VOCAB_H
#define BC_TASKS_SAMPLE_VOCAB_H

#include <stddef.h>

#include "bertc/status.h"

enum { BC_WORDS = 4096 }; /* slots; a power of two, several times the words there are */

typedef struct bc_word_count {
    char text[32]; /* lower case, accents stripped; empty: a free slot */
    size_t count;
} bc_word_count;

typedef struct bc_word_counts {
    bc_word_count slot[BC_WORDS];
} bc_word_counts;

/* Count the words of a text. A word is a run of letters, as an uncased tokenizer cuts it. */
void bc_word_counts_add(bc_word_counts *words, const char *text);

/* Write a WordPiece vocabulary that covers them: special tokens, characters, suffixes, then the
 * words by frequency, without those that are another word and a suffix. Sorts `words`. */
bertc_status bc_word_counts_write_vocab(bc_word_counts *words, const char *path, bertc_error *err);

#endif
