/* The types that the values of a tensor are stored in, by their names in safetensors. */
#ifndef BC_FORMATS_DTYPE_H
#define BC_FORMATS_DTYPE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum bc_dtype {
    BC_F32,
    BC_F16,
    BC_BF16,
    BC_F64,
    BC_I64,
    BC_I32,
    BC_U8,
    BC_BOOL,
    BC_I16,
    BC_I8,
    BC_U64,
    BC_U32,
    BC_U16,
    BC_C64,
    BC_F8_E5M2,
    BC_F8_E4M3,
    BC_F8_E8M0,
    BC_F6_E3M2,
    BC_F6_E2M3,
    BC_F4,
    BC_DTYPES
} bc_dtype;

/* "F32"; and how many bits one value takes. */
const char *bc_dtype_name(bc_dtype dtype);
size_t bc_dtype_bits(bc_dtype dtype);

/* The type of this name; false: there is none. */
bool bc_dtype_find(const char *name, bc_dtype *dtype);

/* Is it F32, F16, BF16 or F64? Those are read as f32. */
bool bc_dtype_is_float(bc_dtype dtype);

/* to (count) = little-endian values of F16, BF16 or F64, at any address. F64 is rounded to nearest, values beyond
 * float's range become infinite. */
void bc_dtype_convert(bc_dtype dtype, const unsigned char *from, float *to, size_t count);

#endif
