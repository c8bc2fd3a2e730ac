/* Checking floats for infinity and NaN. */
#ifndef BC_BASE_FINITE_H
#define BC_BASE_FINITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Whether all values are finite. Infinity and NaN have all exponent bits set; a loop without a branch vectorises. */
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
