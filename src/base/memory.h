/* Memory of the library: all of its own requests go through bc_alloc, bc_calloc, bc_realloc and bc_strndup.
 *
 * 1. A request is count x size. An overflow of the product fails like a request that the system refuses.
 * 2. bc_alloc does not clear its memory. It aligns to 64 bytes (a cache line, a vector register); large blocks are
 *    aligned to huge pages and ask the system for them.
 * 3. An arena is one block with a moving end: an allocation is an addition, a release is a reset. It never grows; its
 *    owner measures its size first. */
#ifndef BC_BASE_MEMORY_H
#define BC_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* These return null on failure. bc_alloc(0, n) returns a valid pointer. bc_free releases all of them. */
void *bc_alloc(size_t count, size_t size);
void *bc_calloc(size_t count, size_t size);
void *bc_realloc(void *old, size_t count, size_t size); /* malloc's alignment; `old` comes from bc_realloc or is null */
/* Make room for one more element in a block of *capacity elements of `size` bytes, of which `used` are in use. Returns
 * the block, moved if it had to grow; null if out of memory, with the old block unchanged. */
void *bc_grow(void *block, size_t *capacity, size_t used, size_t size);
char *bc_strndup(const char *text, size_t length);      /* NUL-terminated copy */
void bc_free(void *memory);

/* Return the first address in a block that has bc_alloc's alignment; the caller allocates 64 extra bytes with
 * bc_calloc. Null gives null. */
void *bc_align(void *memory);

/* Ask the system for huge pages where a cleared block spans them: they take fewer page faults and fewer TLB misses. A
 * huge page is allocated whole, even if only a part of it is written. */
void bc_prefer_large(void *memory, size_t bytes);

/* Whether `bytes` more bytes of address space are available. Libraries that crash when an allocation fails are called
 * only after this check. */
bool bc_can_map(size_t bytes);

/* Have the system allocate a block's pages now, on several threads, instead of by one page fault for each first use.
 * The contents do not change. */
void bc_prefault(void *memory, size_t bytes, int threads);

typedef struct bc_arena {
    unsigned char *base;
    size_t capacity, used;
} bc_arena;

/* Begin an arena. With `base` null the arena only measures: bc_arena_take returns null, and `used` counts the bytes
 * that are needed. */
void bc_arena_init(bc_arena *arena, void *base, size_t capacity);

/* Take count x size bytes, 64-byte aligned. Asserts that they fit: the owner measured the size. A measuring arena sets
 * `used` to SIZE_MAX on overflow. */
void *bc_arena_take(bc_arena *arena, size_t count, size_t size);

#endif
