/* How many threads there are to work with. */
#ifndef BC_BASE_THREADS_H
#define BC_BASE_THREADS_H

#include "bertc/threads.h"

/* Where none are asked for: one for each of so many processors, but no more than `wanted` (the text of OMP_NUM_THREADS;
 * null: not set) asks for, nor than the quota pays for that the control groups below `root` ("" for "/") have. */
int bc_threads_at(const char *root, int processors, const char *wanted);

/* Threads that the quota of the process's control groups pays for, the tightest of them; INT_MAX: no quota.
 *
 * A quota is a number of processors, which need not be whole, and is rounded to the nearest, to one at least. Of two
 * threads on 1.5 processors each runs three quarters of the time, which together is more than one thread does. On 1.1
 * they would do a tenth more, and lose as much where one of them waits actively for the other to be let run. */
int bc_threads_quota(const char *root);

#endif
