/* Sparse rows: the set of an embedding table's rows that have a gradient in a step.
 *
 * Only ids of tokens in the step's batch have a gradient, a few hundred of a table's V = 30,000 rows. A parameter with
 * such a set (bc_param.sparse_rows) stores the gradients of these rows alone, in the order in which they were added:
 *
 *   rows  (count) 2003 17 5         slot  (V) -1 ... slot[17] = 1 ... slot[2003] = 0 ...
 *   grad  (count,H) gradients of row 2003, row 17, row 5
 *
 * All ids of a step's batch are added before its first pass, because every pass adds to the gradients. Results do not
 * depend on the order of the rows. */
#ifndef BC_NN_OPS_SPARSE_ROWS_H
#define BC_NN_OPS_SPARSE_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "bertc/status.h"

typedef struct bc_sparse_rows {
    size_t table;  /* V */
    size_t max;    /* capacity, in rows */
    size_t count;  /* rows in the set */
    int32_t *rows; /* (max) */
    int32_t *slot; /* (V) index in `rows`; -1: not in the set */
} bc_sparse_rows;

/* Create an empty set of at most `max` rows. Errors: BERTC_NOMEM. */
bertc_status bc_sparse_rows_create(bc_sparse_rows *sparse_rows, size_t table, size_t max, bertc_error *err);
void bc_sparse_rows_clear(bc_sparse_rows *sparse_rows);

/* Bytes of memory that the set has allocated. */
size_t bc_sparse_rows_bytes(const bc_sparse_rows *sparse_rows);

/* Remove all rows. */
void bc_sparse_rows_reset(bc_sparse_rows *sparse_rows);

/* Add rows; rows that the set contains already may be among them. Asserts that the set has capacity for the rest. */
void bc_sparse_rows_add(bc_sparse_rows *sparse_rows, const int32_t *rows, size_t count);

#endif
