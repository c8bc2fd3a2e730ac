/* All memory that the library asks for itself passes through these four functions.
 *
 * 1. Every request is counts x size, checked for overflow; a request that overflows fails like one
 *    that the system refuses.
 * 2. bc_alloc aligns to 64 bytes (a cache line, a vector register), large blocks to large pages, which
 *    they ask for; its memory is not cleared.
 * 3. An arena is one block with a moving end: allocation is an addition, release is a reset. It
 *    never grows; its owner plans it first. */
#ifndef BC_BASE_MEMORY_H
#define BC_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Null on failure. bc_alloc(0, n) gives a valid pointer. All are released by bc_free. */
void *bc_alloc(size_t count, size_t size);
void *bc_calloc(size_t count, size_t size);
void *bc_realloc(void *old, size_t count, size_t size); /* not aligned beyond malloc's promise;
                                                           `old` comes from bc_realloc or is null */
/* Make room for one more element in a block of *capacity elements of `size` bytes, of which `used` are in use. Returns
 * the block, moved if it had to grow; null if out of memory, with the old block unchanged. */
void *bc_grow(void *block, size_t *capacity, size_t used, size_t size);
char *bc_strndup(const char *text, size_t length);      /* NUL-terminated copy */
void bc_free(void *memory);

/* The first byte of a block, null or not, that bc_alloc's alignment suits: of one that was cleared, with 64 bytes to
 * spare. */
void *bc_align(void *memory);

/* Ask the system for large pages where a cleared block spans them: it gives them with fewer interruptions
 * and the processor finds them sooner. A large page is taken whole, whatever of it is written to. */
void bc_prefer_large(void *memory, size_t bytes);

/* Is there address space for so many bytes more? For libraries that fall where they are not given what they ask for. */
bool bc_can_map(size_t bytes);

/* Have the system give a block's pages now, large ones where it can, many at once and to several threads,
 * where otherwise every first use of one would interrupt the program. Nothing that is in them changes. */
void bc_prefault(void *memory, size_t bytes, int threads);

typedef struct bc_arena {
    unsigned char *base;
    size_t capacity, used;
} bc_arena;

/* With base null an arena only measures: takes return null and `used` tells what is needed. */
void bc_arena_init(bc_arena *arena, void *base, size_t capacity);

/* count x size bytes, 64-byte aligned. Asserts that they fit: the plan guarantees it. A measuring
 * arena saturates `used` at SIZE_MAX on overflow. */
void *bc_arena_take(bc_arena *arena, size_t count, size_t size);

#endif
