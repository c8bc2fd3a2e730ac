/* Overflow-checked sizes, for every size that comes from a file or an option. bc_size_mul and bc_size_add return false
 * on overflow and then leave *out unchanged. */
#ifndef BC_BASE_SIZE_H
#define BC_BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of one MB, of memory and of disk. */
#define BC_MB 0x1p20

static inline bool bc_size_mul(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}

static inline bool bc_size_add(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}

static inline size_t bc_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t bc_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

#endif
