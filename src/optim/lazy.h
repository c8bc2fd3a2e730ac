/* AdamW of an embedding table, row by row when a row is needed.
 *
 * Of the 30,522 rows of BERT's word table a batch touches a few hundred. The others have gradient
 * zero, and still every step moves them: momentum carries on, the second moment decays, and so does
 * the weight. To do that at once is to read and write three tables of 94 MB a step for rows that
 * nobody looks at.
 *
 * So a row is left where it is, and the step's few constants are kept. Before a row is looked at,
 * the steps that it missed are replayed on it: the same operations in the same order on the same
 * numbers, with gradient zero. Rows do not depend on one another, so it makes no difference to any
 * bit whether a step is taken now or later, and a table where all rows were caught up is the table
 * that updates of all rows in every step give. What is gained is memory traffic: a row that missed
 * a hundred steps is read and written once. Where a row has no momentum any more, or never had any,
 * a missed step is a multiplication of v, and of the value where there is weight decay; where those
 * do nothing, it is nothing.
 *
 * 1. A row misses only steps that do not touch it. bc_lazy_catch_up brings the touched rows up to
 *    date before the forward pass reads them, bc_lazy_step then moves them with their gradients.
 * 2. Whoever reads the table as a whole (evaluation, checkpoint) calls bc_lazy_flush before.
 * 3. No more than BC_LAZY_STEPS steps are kept; then all rows are settled. Nothing is allocated. */
#ifndef BC_OPTIM_LAZY_H
#define BC_OPTIM_LAZY_H

#include "nn/params.h"
#include "optim/adamw.h"

enum { BC_LAZY_STEPS = 256 };

typedef struct bc_lazy {
    const bc_param *param; /* with `touched`; null: there is no such table, and nothing is done */
    float *m, *v;          /* (V,H) moments, the optimiser's */
    int threads;
    uint16_t *done;        /* (V) how many of `steps` a row has taken */
    bc_update steps[BC_LAZY_STEPS];
    size_t count;
} bc_lazy;

/* A table without missed steps. Errors: BERTC_NOMEM. */
bertc_status bc_lazy_create(bc_lazy *lazy, const bc_param *param, float *m, float *v, int threads, bertc_error *err);
void bc_lazy_clear(bc_lazy *lazy);

/* Bytes that it holds beside the moments, for a table of so many rows. */
size_t bc_lazy_bytes(size_t rows);

/* Replay missed steps: on the touched rows, on all rows. */
void bc_lazy_catch_up(bc_lazy *lazy);
void bc_lazy_flush(bc_lazy *lazy);

/* One step of the whole table (there is one), whose touched rows are up to date (asserted). */
void bc_lazy_step(bc_lazy *lazy, bc_update update);

#endif
