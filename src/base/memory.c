#define _DEFAULT_SOURCE 1 /* madvise */
#include "base/memory.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/size.h"

enum { ALIGNMENT = 64 };

/* The next multiple of the alignment that is at least one; false on overflow. */
static bool round_up(size_t bytes, size_t *rounded)
{
    if (!bc_size_add(bytes, ALIGNMENT - 1, rounded)) return false;
    *rounded &= ~(size_t)(ALIGNMENT - 1);
    if (*rounded == 0) *rounded = ALIGNMENT;
    return true;
}

void *bc_alloc(size_t count, size_t size)
{
    size_t bytes;
    if (!bc_size_mul(count, size, &bytes) || !round_up(bytes, &bytes)) return NULL;
    return aligned_alloc(ALIGNMENT, bytes);
}

void *bc_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (!bc_size_mul(count, size, &bytes)) return NULL;
    return calloc(bytes ? bytes : 1, 1);
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

void bc_touch(void *memory, size_t bytes, int threads)
{
#ifdef MADV_POPULATE_WRITE
    enum { PIECE = 1 << 20 };
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)memory + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)memory + bytes) / page * page;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (uintptr_t at = begin; at < end; at += PIECE)
        (void)madvise((void *)at, end - at < PIECE ? end - at : PIECE, MADV_POPULATE_WRITE);
#else
    (void)memory, (void)bytes, (void)threads;
#endif
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
    if (!bc_size_mul(count, size, &bytes) || !round_up(bytes, &bytes) ||
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
