/* The processes that train one model together. The only implementation so far is a single process, whose sums over all
 * processes are its own values. */
#ifndef BC_DIST_COMM_H
#define BC_DIST_COMM_H

#include <stddef.h>

typedef struct bc_comm {
    int rank, size;
} bc_comm;

bc_comm bc_comm_single(void);

/* Replace values (count) by their sums over all processes, added in the order of the ranks. */
void bc_comm_sum(const bc_comm *comm, float *values, size_t count);

#endif
