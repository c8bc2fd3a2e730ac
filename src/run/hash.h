/* What data and settings are told apart by (base/hash.h). */
#ifndef BC_RUN_HASH_H
#define BC_RUN_HASH_H

#include "base/hash.h"
#include "bertc/batch.h"
#include "bertc/config.h"
#include "bertc/tokenizer.h"

/* Everything a tokenised data set holds: lengths, ids, types, labels, values. */
void bc_hash_inputs(char out[BC_HASH_HEX], const bertc_inputs *inputs);

/* Every number, the activation and the labels of a configuration; what config.json says besides
 * changes no result. */
void bc_hash_config(char out[BC_HASH_HEX], const bertc_config *config);

/* Every setting that ids depend on besides the vocabulary. */
void bc_hash_tokenizer(char out[BC_HASH_HEX], const bertc_tokenizer_options *options);

#endif
