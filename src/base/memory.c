#define _DEFAULT_SOURCE 1 /* madvise, MAP_ANONYMOUS */
#include "base/memory.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/size.h"

enum { ALIGNMENT = 64, LARGE = 2 << 20 }; /* LARGE: bytes of a huge page on x86-64 and Arm */

/* Round up to a multiple of `alignment`, at least `alignment` itself; false on overflow. */
static bool round_up(size_t bytes, size_t alignment, size_t *rounded)
{
    if (!bc_size_add(bytes, alignment - 1, rounded)) return false;
    *rounded &= ~(alignment - 1);
    if (*rounded == 0) *rounded = alignment;
    return true;
}

void *bc_alloc(size_t count, size_t size)
{
    size_t bytes, capacity;
    if (!bc_size_mul(count, size, &bytes)) return NULL;
    size_t alignment = bytes < LARGE ? ALIGNMENT : LARGE;
    void *memory = round_up(bytes, alignment, &capacity) ? aligned_alloc(alignment, capacity) : NULL;
    if (memory) bc_prefer_large(memory, bytes);
    return memory;
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

void *bc_grow(void *block, size_t *capacity, size_t used, size_t size)
{
    if (used < *capacity) return block;
    size_t more = *capacity ? 2 * *capacity : 256;
    void *larger = bc_realloc(block, more, size);
    if (larger) *capacity = more;
    return larger;
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

void *bc_align(void *memory)
{
    size_t past = (uintptr_t)memory % ALIGNMENT;
    return past > 0 ? (char *)memory + (ALIGNMENT - past) : memory;
}

/* Find the addresses where the whole pages inside a block begin and end. */
static void pages_of(const void *memory, size_t bytes, uintptr_t page, uintptr_t *begin, uintptr_t *end)
{
    *begin = ((uintptr_t)memory + page - 1) / page * page;
    *end = ((uintptr_t)memory + bytes) / page * page;
    if (*end < *begin) *end = *begin;
}

void bc_prefer_large(void *memory, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    uintptr_t begin, end;
    pages_of(memory, bytes, LARGE, &begin, &end);
    if (begin < end) (void)madvise((void *)begin, end - begin, MADV_HUGEPAGE);
#else
    (void)memory, (void)bytes;
#endif
}

bool bc_can_map(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return false;
    munmap(memory, bytes);
    return true;
}

void bc_prefault(void *memory, size_t bytes, int threads)
{
    bc_prefer_large(memory, bytes);
#ifdef MADV_POPULATE_WRITE
    uintptr_t begin, end;
    pages_of(memory, bytes, (uintptr_t)sysconf(_SC_PAGESIZE), &begin, &end);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (uintptr_t large = begin / LARGE; large < (end + LARGE - 1) / LARGE; large++) {
        uintptr_t from = large * LARGE > begin ? large * LARGE : begin;
        uintptr_t to = (large + 1) * LARGE < end ? (large + 1) * LARGE : end;
        (void)madvise((void *)from, to - from, MADV_POPULATE_WRITE);
    }
#else
    (void)threads;
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
