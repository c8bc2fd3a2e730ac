/* A WordPiece vocabulary: word <-> id.
 *
 * 1. The id of a word is its line number, from 0. Like the reference, the reader trims the line end and the white space
 *    before it; leading white space belongs to the word.
 * 2. If two lines hold the same word, the lookup gives the id of the later line, as in the reference; both lines keep
 *    their ids. Blank lines count.
 * 3. Special tokens are found by name, never by position.
 *
 * Threads: a vocabulary does not change after it is loaded; any number of threads may use it at once, until it is
 * freed. Null pointers: BERTC_USAGE; a function without a status returns what it returns for an empty vocabulary. */
#ifndef BERTC_VOCAB_H
#define BERTC_VOCAB_H

#include <stddef.h>
#include <stdint.h>

#include "bertc/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bertc_vocab bertc_vocab;

typedef struct bertc_special_ids {
    int32_t pad, unk, cls, sep, mask; /* ids of [PAD], ...; -1: not in the vocabulary */
} bertc_special_ids;

/* Read a vocab.txt or the vocabulary of a tokenizer.json. If `path` is absent, the tokenizer.json next to it is read,
 * as newer versions of the reference save no vocab.txt. The added tokens of a tokenizer.json become words too.
 * Errors: BERTC_INPUT (missing, empty, not UTF-8), BERTC_IO, BERTC_NOMEM. */
BERTC_API bertc_status bertc_vocab_load(const char *path, bertc_vocab **vocab, bertc_error *err);

/* Load the vocabulary of a model directory: vocab.txt, or tokenizer.json if vocab.txt is absent. If both exist they
 * must agree word by word, since some programs read one file and some the other. The added tokens of tokenizer.json do
 * not become words, even if they are the last lines of vocab.txt.
 * Errors: as bertc_vocab_load; BERTC_INPUT if the files differ, with the first id, both words and the number of
 * differences. */
BERTC_API bertc_status bertc_vocab_load_dir(const char *dir, bertc_vocab **vocab, bertc_error *err);

/* Parse the lines of a vocab.txt in memory; messages name the source `place`; the text is copied. */
BERTC_API bertc_status bertc_vocab_parse(const char *text, size_t length, const char *place,
                                         bertc_vocab **vocab, bertc_error *err);

BERTC_API void bertc_vocab_free(bertc_vocab *vocab);

/* Return the name of the source file, for messages; null for a null vocabulary. */
BERTC_API const char *bertc_vocab_source(const bertc_vocab *vocab);

BERTC_API int32_t bertc_vocab_size(const bertc_vocab *vocab);

/* Return the id of a word of `length` bytes; -1: not in the vocabulary. */
BERTC_API int32_t bertc_vocab_id(const bertc_vocab *vocab, const char *word, size_t length);

/* Return the word of an id: not NUL-terminated, `*length` bytes, owned by the vocabulary; null, of length 0, if the id
 * is not in [0, size). */
BERTC_API const char *bertc_vocab_word(const bertc_vocab *vocab, int32_t id, size_t *length);

BERTC_API bertc_special_ids bertc_vocab_specials(const bertc_vocab *vocab);

/* Return the bytes of the file, to be copied into a model directory unchanged. */
BERTC_API const char *bertc_vocab_text(const bertc_vocab *vocab, size_t *length);

#ifdef __cplusplus
}
#endif
#endif
