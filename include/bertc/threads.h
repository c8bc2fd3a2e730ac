/* The number of threads that a job works with.
 *
 * Threads: each may settle its own number at the same time as others; it is that of the calling thread. Null
 * `threads`: BERTC_USAGE. */
#ifndef BERTC_THREADS_H
#define BERTC_THREADS_H

#include <stdint.h>

#include "bertc/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of stack that a thread needs which calls the library, and each that it starts. Kernels lay blocks of their
 * operands there: as measured, half of it is enough for all of them, and what is less is written past. */
enum { BERTC_STACK = 512 << 10 };

/* Settle on a number of threads: `asked`, or where that is 0 one for each processor that the process may use, but no
 * more than OMP_NUM_THREADS asks for and the quota of its control groups (cpu.max) pays for.
 *
 * The threads are started once, beside each other, and end again: OpenMP ends the program where it cannot have
 * the threads that it was told of. From then on loops in the calling thread have so many. Jobs, and models that are
 * made or loaded, do this themselves; a program that calls bertc_inputs_create before these calls it first. `notify`
 * is told where more are asked for than the quota pays for, or than OpenMP gives.
 *
 * *threads  out  1 to 4096
 * Errors: BERTC_NOMEM where the system does not give so many, or not the stack that each needs (ulimit -s,
 * OMP_STACKSIZE); BERTC_USAGE for a number out of range. */
BERTC_API bertc_status bertc_threads_resolve(int64_t asked, const bertc_notify *notify, int32_t *threads,
                                            bertc_error *err);

#ifdef __cplusplus
}
#endif
#endif
