/* A clock that never goes backward. */
#ifndef BC_BASE_CLOCK_H
#define BC_BASE_CLOCK_H

#include <time.h>

/* Return the monotonic time in seconds. */
static inline double bc_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
