/* A data set in epochs: batches of batch_size examples in the order of the epoch, which is a function of the seed and
 * the epoch's index. The last batch of an epoch may be smaller. */
#ifndef BC_DATA_EPOCH_H
#define BC_DATA_EPOCH_H

#include "data/examples.h"

typedef struct bc_epoch {
    const bertc_inputs *inputs;
    size_t batch_size;
    uint64_t seed;
    uint64_t *scratch; /* (2 examples) borrowed, for shuffling; null: every epoch is in the order of the data */
    int64_t steps;     /* steps per epoch */
    int64_t current;   /* the epoch that `order` belongs to; -1: none yet */
    uint32_t *order;   /* (examples) */
} bc_epoch;

/* `inputs` (at least one example) and `scratch` must outlive the epoch. Call bc_epoch_clear even after an error.
 * Errors: BERTC_NOMEM. */
bertc_status bc_epoch_create(bc_epoch *epoch, const bertc_inputs *inputs, size_t batch_size, uint64_t seed,
                             uint64_t *scratch, bertc_error *err);
void bc_epoch_clear(bc_epoch *epoch);

/* The examples of a step, counted over all epochs of this data set. */
bc_examples bc_epoch_batch(bc_epoch *epoch, int64_t step);

bc_example_source bc_epoch_source(bc_epoch *epoch);

#endif
