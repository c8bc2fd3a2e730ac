/* The processes that train one model together. There is one kind so far: a process alone, whose sums over all
 * processes are its own. */
#ifndef BC_DIST_COMM_H
#define BC_DIST_COMM_H

#include <stddef.h>

typedef struct bc_comm {
    int rank, size;
} bc_comm;

bc_comm bc_comm_single(void);

/* values (count) become their sums over all processes, in the order of ranks. */
void bc_comm_sum(const bc_comm *comm, float *values, size_t count);

#endif
