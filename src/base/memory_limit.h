/* How much memory this process may still take, and what it holds.
 *
 * Three limits count, the tightest wins: what the system can give without swapping (MemAvailable),
 * the limits of the control groups that the process is in (memory.max, or version 1's
 * memory.limit_in_bytes; page cache that can be dropped does not count as used), and the limit on
 * its address space (ulimit -v), part of which is set aside. A limit that cannot be read does not count. */
#ifndef BC_BASE_MEMORY_LIMIT_H
#define BC_BASE_MEMORY_LIMIT_H

#include <stddef.h>

typedef struct bc_memory_limit {
    size_t resident;   /* bytes in memory now */
    size_t available;       /* bytes that could be: resident and what is left; SIZE_MAX: no limit known */
    const char *name; /* which limit that is: "MemAvailable" */
} bc_memory_limit;

bc_memory_limit bc_memory_limit_read(void);

/* The same from the files below `root` in place of "/", and this limit on the address space. */
bc_memory_limit bc_memory_limit_read_at(const char *root, size_t address_limit);

#endif
