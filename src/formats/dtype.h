/* Number types of stored tensors, by their names in safetensors. */
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

const char *bc_dtype_name(bc_dtype dtype); /* "F32", ... */
size_t bc_dtype_bits(bc_dtype dtype);      /* bits of one value */

/* Find a type by its name; false if the name is unknown. */
bool bc_dtype_find(const char *name, bc_dtype *dtype);

/* Whether the type is F32, F16, BF16 or F64, which can be read as f32. */
bool bc_dtype_is_float(bc_dtype dtype);

/* Convert little-endian values of F16, BF16 or F64, at any address, to f32. F64 is rounded to nearest; values outside
 * the range of f32 become infinite. */
void bc_dtype_convert(bc_dtype dtype, const unsigned char *from, float *to, size_t count);

#endif
