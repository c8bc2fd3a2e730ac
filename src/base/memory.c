#define _DEFAULT_SOURCE /* madvise */
#include "base/memory.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/size.h"

enum { ALIGNMENT = 64, PAGE = 4096, HUGE_PAGE = 2 << 20, LARGE = 2 * HUGE_PAGE };

/* The next multiple of an alignment that is at least one; false on overflow. */
static bool round_up(size_t bytes, size_t alignment, size_t *rounded)
{
    if (!bc_size_add(bytes, alignment - 1, rounded)) return false;
    *rounded &= ~(alignment - 1);
    if (*rounded == 0) *rounded = alignment;
    return true;
}

/* Ask for huge pages under a large block: the first touch of a model's gigabytes is then some
 * hundred page faults instead of some hundred thousand. A wish; what comes of it is the system's. */
static void *wish_huge(void *memory, size_t bytes)
{
    uintptr_t begin = ((uintptr_t)memory + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
    uintptr_t end = ((uintptr_t)memory + bytes) & ~(uintptr_t)(PAGE - 1);
    if (memory && bytes >= LARGE) madvise((void *)begin, end - begin, MADV_HUGEPAGE);
    return memory;
}

void *bc_alloc(size_t count, size_t size)
{
    size_t bytes;
    if (!bc_size_mul(count, size, &bytes)) return NULL;
    size_t alignment = bytes >= LARGE ? HUGE_PAGE : ALIGNMENT;
    if (!round_up(bytes, alignment, &bytes)) return NULL;
    return wish_huge(aligned_alloc(alignment, bytes), bytes);
}

void *bc_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (!bc_size_mul(count, size, &bytes)) return NULL;
    return wish_huge(calloc(bytes ? bytes : 1, 1), bytes);
}

void *bc_realloc(void *old, size_t count, size_t size)
{
    size_t bytes;
    if (!bc_size_mul(count, size, &bytes)) return NULL;
    return realloc(old, bytes ? bytes : 1);
}

char *bc_strndup(const char *text, size_t length)
{
    if (length == SIZE_MAX) return NULL;
    char *copy = bc_realloc(NULL, length + 1, 1);
    if (!copy) return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void bc_free(void *memory)
{
    free(memory);
}

void bc_arena_init(bc_arena *arena, void *base, size_t capacity)
{
    arena->base = base;
    arena->capacity = capacity;
    arena->used = 0;
}

void *bc_arena_take(bc_arena *arena, size_t count, size_t size)
{
    size_t bytes, used;
    if (!bc_size_mul(count, size, &bytes) || !round_up(bytes, ALIGNMENT, &bytes) ||
        !bc_size_add(arena->used, bytes, &used)) {
        assert(!arena->base);
        arena->used = SIZE_MAX;
        return NULL;
    }
    void *memory = arena->base ? arena->base + arena->used : NULL;
    arena->used = used;
    assert(!arena->base || used <= arena->capacity);
    return memory;
}
