/* Which examples share a forward pass.
 *
 * A batch whose tokens exceed the budget is computed in several passes. Sequences are taken in
 * order while both limits hold; one that is longer than the budget goes alone. */
#ifndef BC_DATA_PACKING_H
#define BC_DATA_PACKING_H

#include <stddef.h>
#include <stdint.h>

#include "bertc/batch.h"

/* The limits of one pass; both at least 1. */
typedef struct bc_pack {
    size_t sequences, tokens;
} bc_pack;

/* How many of the `left` examples at `order` go into the next pass (at least one where left > 0)
 * and how many tokens they have. */
size_t bc_pack_next(const bertc_inputs *inputs, const uint32_t *order, size_t left, bc_pack pack, size_t *tokens);

/* All examples by falling length, equal ones in the order of the data. order (count) out. */
bertc_status bc_pack_longest_first(const bertc_inputs *inputs, uint32_t *order, bertc_error *err);

/* The most tokens that any pass over any order of the examples can have. */
size_t bc_pack_max(const bertc_inputs *inputs, const uint32_t *longest_first, bc_pack pack);

#endif
