/* The memory limit of this process: how many bytes it holds and how many it may hold.
 *
 * The lowest of three limits applies:
 *   - the memory that the system can give without swapping (MemAvailable);
 *   - the limits of the process's control groups (memory.max, in version 1 memory.limit_in_bytes); page cache that
 *     the system can drop does not count as used;
 *   - the limit on the address space (ulimit -v), less a part that is reserved but never written.
 * A limit that cannot be read is ignored. */
#ifndef BC_BASE_MEMORY_LIMIT_H
#define BC_BASE_MEMORY_LIMIT_H

#include <stddef.h>

typedef struct bc_memory_limit {
    size_t resident;  /* bytes in memory now */
    size_t available; /* bytes that may be in memory, the resident ones included; SIZE_MAX: no limit is known */
    const char *name; /* name of the limit that applies, such as "MemAvailable" */
} bc_memory_limit;

bc_memory_limit bc_memory_limit_read(void);

/* Read the limits from the files below `root` instead of "/"; the address space has the limit `address_limit`. */
bc_memory_limit bc_memory_limit_read_at(const char *root, size_t address_limit);

#endif
