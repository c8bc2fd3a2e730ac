/* The number of threads that a job uses. */
#ifndef BC_BASE_THREADS_H
#define BC_BASE_THREADS_H

#include "bertc/threads.h"

/* Return the default number of threads: the minimum of `processors`, the number in `wanted` and the quota of the
 * control groups below `root` ("" for "/"). `wanted` is the text of OMP_NUM_THREADS; null: not set. */
int bc_threads_at(const char *root, int processors, const char *wanted);

/* Return how many threads the quota of the process's control groups allows; INT_MAX if there is no quota.
 *
 * The lowest quota of all groups applies. A quota is a number of processors, possibly fractional. It is rounded to the
 * nearest whole number, at least 1. Rounding 1.5 up to two threads pays off: each runs three quarters of the time,
 * together more than one thread. At 1.1, a second thread would add a tenth and lose about the same to threads that wait
 * actively for each other. */
int bc_threads_quota(const char *root);

#endif
