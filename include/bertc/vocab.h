/* A WordPiece vocabulary: word <-> id.
 *
 * 1. The id of a word is its line number, from 0. The line end and white space before it are no
 *    part of the word (the reference trims them); white space in front is.
 * 2. Where a word stands twice the later line wins the lookup, as in the reference; both lines
 *    keep their ids. Blank lines count.
 * 3. Special tokens are found by name, never by position.
 *
 * Threads: a vocabulary does not change once it is loaded; any number of threads may use it at once, until it
 * is freed. Null pointers: BERTC_USAGE, and where there is no status what an empty vocabulary gives. */
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
    int32_t pad, unk, cls, sep, mask; /* [PAD] ...; -1 where the vocabulary has no such word */
} bertc_special_ids;

/* Read a vocab.txt, or the vocabulary inside a tokenizer.json where `path` names one or is absent
 * and one lies beside it (the reference saves no vocab.txt any more). Added tokens whose ids follow are
 * words too.
 * Errors: BERTC_INPUT (missing, empty, not UTF-8), BERTC_IO, BERTC_NOMEM. */
BERTC_API bertc_status bertc_vocab_load(const char *path, bertc_vocab **vocab, bertc_error *err);

/* Load the vocabulary of a model directory: vocab.txt, or tokenizer.json's where there is none. Where
 * both are there they must agree, word by word: some programs read the one, some the other. The added
 * tokens of tokenizer.json are no words of it, also where they stand at the end of vocab.txt. Errors:
 * as above; BERTC_INPUT where the files differ, naming the first id, both words and how many. */
BERTC_API bertc_status bertc_vocab_load_dir(const char *dir, bertc_vocab **vocab, bertc_error *err);

/* The same from memory; `place` names the source in messages; the text is copied. */
BERTC_API bertc_status bertc_vocab_parse(const char *text, size_t length, const char *place,
                                         bertc_vocab **vocab, bertc_error *err);

BERTC_API void bertc_vocab_free(bertc_vocab *vocab);

/* The file that it was read from, as messages name it; null for none. */
BERTC_API const char *bertc_vocab_source(const bertc_vocab *vocab);

BERTC_API int32_t bertc_vocab_size(const bertc_vocab *vocab);

/* The id of a word of `length` bytes; -1: there is no such word. */
BERTC_API int32_t bertc_vocab_id(const bertc_vocab *vocab, const char *word, size_t length);

/* The word of an id: not NUL-terminated, `*length` bytes, owned by the vocabulary; null, of length 0, where the
 * id is not in [0, size). */
BERTC_API const char *bertc_vocab_word(const bertc_vocab *vocab, int32_t id, size_t *length);

BERTC_API bertc_special_ids bertc_vocab_specials(const bertc_vocab *vocab);

/* The bytes of the file, to be written into a model directory unchanged. */
BERTC_API const char *bertc_vocab_text(const bertc_vocab *vocab, size_t *length);

#ifdef __cplusplus
}
#endif
#endif
