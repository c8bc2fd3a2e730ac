/* The number of threads that a job uses.
 *
 * Threads: the number is set for the calling thread only; several threads may set their own at once. */
#ifndef BERTC_THREADS_H
#define BERTC_THREADS_H

#include <stdint.h>

#include "bertc/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of stack that are needed by each thread that calls the library and by each thread that the library starts.
 * Kernels keep blocks of their operands on the stack; they use up to half of this, as measured. A smaller stack
 * overflows. */
enum { BERTC_STACK = 512 << 10 };

/* Resolve the number of threads and set it for the calling thread's parallel loops.
 *
 * The number is `asked`. If `asked` is 0, it is the number of processors that the process may use, but at most
 * OMP_NUM_THREADS and the quota of the process's control groups (cpu.max).
 *
 * To check the number, all threads are started once and ended again: OpenMP would end the program if it could not start
 * them. Jobs, and functions that create or load a model, call this function themselves. A program that uses none of
 * them before bertc_inputs_create must call bertc_threads_resolve first. `notify` gets a line if `asked` is above the
 * quota or above the number that OpenMP gives.
 *
 * *threads  out  1 to 4096
 * Errors: BERTC_NOMEM if the system does not allow that many threads, or not enough stack for each (ulimit -s,
 * OMP_STACKSIZE); BERTC_USAGE if `threads` is null or `asked` is out of range. */
BERTC_API bertc_status bertc_threads_resolve(int64_t asked, const bertc_notify *notify, int32_t *threads,
                                             bertc_error *err);

#ifdef __cplusplus
}
#endif
#endif
