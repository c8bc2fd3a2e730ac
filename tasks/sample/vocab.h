/* Counting the words of the sample and making a vocabulary of them. */
#ifndef BC_TASKS_SAMPLE_VOCAB_H
#define BC_TASKS_SAMPLE_VOCAB_H

#include <stddef.h>

#include "bertc/status.h"

enum { BC_WORDS = 4096 }; /* slots; a power of two, several times the words there are */

typedef struct bc_counted {
    char text[32]; /* lower case, accents stripped; empty: a free slot */
    size_t count;
} bc_counted;

typedef struct bc_words {
    bc_counted slot[BC_WORDS];
} bc_words;

/* Count the words of a text. A word is a run of letters, as an uncased tokenizer cuts it. */
void bc_words_count(bc_words *words, const char *text);

/* Write a WordPiece vocabulary that covers them: special tokens, characters, suffixes, then the
 * words by frequency, without those that are another word and a suffix. Sorts `words`. */
bertc_status bc_words_write_vocab(bc_words *words, const char *path, bertc_error *err);

#endif
