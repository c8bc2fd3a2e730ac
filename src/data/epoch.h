/* A data set in epochs: batches of batch_size examples in the order of their epoch, which is a function of
 * seed and epoch. The last batch of an epoch may be smaller. */
#ifndef BC_DATA_EPOCH_H
#define BC_DATA_EPOCH_H

#include "data/examples.h"

typedef struct bc_epoch {
    const bertc_inputs *inputs;
    size_t batch_size;
    uint64_t seed;
    uint64_t *scratch; /* (2 examples) the caller's, to shuffle; null: each epoch is in the order of the data */
    int64_t steps;     /* of an epoch */
    int64_t number;    /* the epoch whose order this is; -1: none yet */
    uint32_t *order;   /* (examples) */
} bc_epoch;

/* inputs and scratch must outlive it; there is at least one example. Errors: BERTC_NOMEM. Clear in any case. */
bertc_status bc_epoch_create(bc_epoch *epoch, const bertc_inputs *inputs, size_t batch_size, uint64_t seed,
                             uint64_t *scratch, bertc_error *err);
void bc_epoch_clear(bc_epoch *epoch);

/* The batch of a step of this data set. */
bc_examples bc_epoch_batch(bc_epoch *epoch, int64_t step);

bc_example_source bc_epoch_source(bc_epoch *epoch);

#endif
