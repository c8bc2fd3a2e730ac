/* Packing: which examples share a forward pass.
 *
 * A batch that exceeds the limits of a pass is computed in several passes. A pass takes sequences in order until a
 * limit is reached. A sequence that alone exceeds the token limit gets its own pass. */
#ifndef BC_DATA_PACKING_H
#define BC_DATA_PACKING_H

#include <stddef.h>
#include <stdint.h>

#include "bertc/batch.h"

/* Limits of a pass, each at least 1. */
typedef struct bc_pack {
    size_t sequences, tokens;
} bc_pack;

/* Return how many of the `left` examples at `order` go into the next pass: at least one if left > 0. *tokens receives
 * their number of tokens. */
size_t bc_pack_next(const bertc_inputs *inputs, const uint32_t *order, size_t left, bc_pack pack, size_t *tokens);

/* Sort all examples from longest to shortest; examples of equal length stay in the order of the data. order (count)
 * out. Errors: BERTC_NOMEM. */
bertc_status bc_pack_longest_first(const bertc_inputs *inputs, uint32_t *order, bertc_error *err);

/* The maximum number of tokens of a pass, over every possible order of the examples. */
size_t bc_pack_max(const bertc_inputs *inputs, const uint32_t *longest_first, bc_pack pack);

/* The maximum number of labels of a pass of this number of sequences, at most INT32_MAX. */
int32_t bc_pack_max_labels(const bertc_inputs *inputs, size_t sequences);

#endif
