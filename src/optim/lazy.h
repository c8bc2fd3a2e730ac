/* AdamW of an embedding table, which updates a row only when the row is needed.
 *
 * A batch contains only a few hundred of the 30,522 words of BERT's word embedding table. The rows of all other words
 * have gradient zero, but every step still moves them: the first moment goes on moving the value, the second moment
 * decays, and so does the weight. Updating them in every step would read and write three tables of 94 MB for rows that
 * nothing reads.
 *
 * Instead, a step stores its constants and updates only the sparse rows, which are the rows of the batch's words.
 * Before a row is read again, the steps that it missed are replayed: the same operations in the same order on the same
 * numbers, with gradient zero. Rows do not depend on one another, so a step gives the same bits now or later, and after
 * a flush the table equals one whose rows were all updated in every step. This saves memory traffic: a row that missed
 * a hundred steps is read and written once. If the first moment of a row is zero, a missed step only multiplies v, and
 * the value if there is weight decay.
 *
 * 1. A row misses only steps whose batch does not contain its word. bc_lazy_catch_up updates the rows of the next
 *    batch before the forward pass reads them; bc_lazy_step then moves them with their gradients.
 * 2. Call bc_lazy_flush before reading the whole table, as evaluation and checkpoints do.
 * 3. After BC_LAZY_STEPS stored steps all rows are flushed. Nothing is allocated. */
#ifndef BC_OPTIM_LAZY_H
#define BC_OPTIM_LAZY_H

#include "nn/params.h"
#include "optim/adamw.h"

enum { BC_LAZY_STEPS = 256 };

typedef struct bc_lazy {
    const bc_param *param; /* the table, whose gradient has sparse rows; null: no table, and all functions do nothing */
    float *m, *v;          /* (V,H) moments, borrowed from the optimiser */
    int threads;
    uint16_t *done;                 /* (V) how many of the stored steps each row has made */
    bc_update steps[BC_LAZY_STEPS]; /* (count) the stored steps */
    size_t count;
} bc_lazy;

/* Start with a table whose rows have missed no step. Errors: BERTC_NOMEM. */
bertc_status bc_lazy_create(bc_lazy *lazy, const bc_param *param, float *m, float *v, int threads, bertc_error *err);
void bc_lazy_clear(bc_lazy *lazy);

/* Bytes allocated for a table of `rows` rows, without the moments. */
size_t bc_lazy_bytes(size_t rows);

/* Replay missed steps on the sparse rows. */
void bc_lazy_catch_up(bc_lazy *lazy);

/* Replay missed steps on all rows. */
void bc_lazy_flush(bc_lazy *lazy);

/* Make one step. There must be a table, and its sparse rows must have missed no step (asserted). */
void bc_lazy_step(bc_lazy *lazy, bc_update update);

#endif
