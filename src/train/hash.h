/* XXH3, 128 bits: what data, weights and checkpoints are told apart by. Not a defence against
 * someone who wants two files to look alike. */
#ifndef BC_TRAIN_HASH_H
#define BC_TRAIN_HASH_H

#include <stddef.h>

#include "bertc/batch.h"
#include "bertc/config.h"
#include "bertc/tokenizer.h"

enum { BC_HASH_HEX = 33 };

typedef struct bc_part {
    const void *bytes;
    size_t length;
} bc_part;

/* The hash of parts laid end to end, as hexadecimal digits. */
void bc_hash(char out[BC_HASH_HEX], const bc_part *parts, size_t count);

/* The hash of a large block: that of the hashes of its pieces of 4 MB, which are computed side by
 * side. Errors: BERTC_NOMEM. */
bertc_status bc_hash_block(char out[BC_HASH_HEX], const void *bytes, size_t length,
                           bertc_error *err);

/* The hash of a file and its length, without more than a piece of it in memory. */
bertc_status bc_hash_file(char out[BC_HASH_HEX], size_t *length, const char *path, bertc_error *err);

/* Everything a tokenised data set holds: lengths, ids, types, labels, values. */
void bc_hash_inputs(char out[BC_HASH_HEX], const bertc_inputs *inputs);

/* Every number, the activation and the labels of a configuration; what config.json says besides
 * changes no result. */
void bc_hash_config(char out[BC_HASH_HEX], const bertc_config *config);

/* Every setting that ids depend on besides the vocabulary. */
void bc_hash_tokenizer(char out[BC_HASH_HEX], const bertc_tokenizer_options *options);

#endif
