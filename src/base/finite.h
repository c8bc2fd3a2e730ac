/* Whether all values of an array are finite. */
#ifndef BC_BASE_FINITE_H
#define BC_BASE_FINITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A loop without a branch, which compilers vectorize: infinity and NaN have all bits of the exponent set. */
static inline bool bc_all_finite(const float *x, size_t count)
{
    uint32_t bad = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bad |= (bits & 0x7f800000u) == 0x7f800000u;
    }
    return !bad;
}

#endif
