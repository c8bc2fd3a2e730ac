#include "dist/comm.h"

#include <assert.h>

bc_comm bc_comm_single(void)
{
    return (bc_comm){.rank = 0, .size = 1};
}

void bc_comm_sum(const bc_comm *comm, float *values, size_t count)
{
    assert(comm->size == 1);
    (void)comm;
    (void)values;
    (void)count;
}
