/* The rows of an embedding table that a step touches, and where their gradients lie.
 *
 * Of a table's V rows only those have a gradient that a token of the step's batch names, a few
 * hundred of 30,000. A parameter with such a set (bc_param.touched) keeps the gradients of those
 * rows alone, one behind the other in the order in which they were first named:
 *
 *   rows  (count) 2003 17 5         slot  (V) -1 ... slot[17] = 1 ... slot[2003] = 0 ...
 *   grad  (count,H) of row 2003, of row 17, of row 5
 *
 * The set is that of a whole batch, settled before its first pass: every pass adds to it. Nothing
 * that is computed depends on the order of the rows. */
#ifndef BC_NN_OPS_SPARSE_ROWS_H
#define BC_NN_OPS_SPARSE_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "bertc/status.h"

typedef struct bc_sparse_rows {
    size_t table;  /* V */
    size_t max;   /* rows there is room for */
    size_t count;  /* rows in the set */
    int32_t *rows; /* (most) */
    int32_t *slot; /* (V) place in `rows`; -1: not in the set */
} bc_sparse_rows;

/* An empty set. Errors: BERTC_NOMEM. */
bertc_status bc_sparse_rows_create(bc_sparse_rows *sparse_rows, size_t table, size_t max, bertc_error *err);
void bc_sparse_rows_clear(bc_sparse_rows *sparse_rows);

/* Bytes that it holds. */
size_t bc_sparse_rows_bytes(const bc_sparse_rows *sparse_rows);

/* Make it empty; add rows, some of which may be in it. No more than `most` fit (asserted). */
void bc_sparse_rows_reset(bc_sparse_rows *sparse_rows);
void bc_sparse_rows_add(bc_sparse_rows *sparse_rows, const int32_t *rows, size_t count);

#endif
