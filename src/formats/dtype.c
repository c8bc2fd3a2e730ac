#include "formats/dtype.h"

#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are read in the byte order in which they are stored");

static const struct {
    const char *name;
    size_t bits;
} dtypes[BC_DTYPES] = {
    [BC_F32] = {"F32", 32},        [BC_F16] = {"F16", 16},        [BC_BF16] = {"BF16", 16},
    [BC_F64] = {"F64", 64},        [BC_I64] = {"I64", 64},        [BC_I32] = {"I32", 32},
    [BC_U8] = {"U8", 8},           [BC_BOOL] = {"BOOL", 8},       [BC_I16] = {"I16", 16},
    [BC_I8] = {"I8", 8},           [BC_U64] = {"U64", 64},        [BC_U32] = {"U32", 32},
    [BC_U16] = {"U16", 16},        [BC_C64] = {"C64", 64},        [BC_F8_E5M2] = {"F8_E5M2", 8},
    [BC_F8_E4M3] = {"F8_E4M3", 8}, [BC_F8_E8M0] = {"F8_E8M0", 8}, [BC_F6_E3M2] = {"F6_E3M2", 6},
    [BC_F6_E2M3] = {"F6_E2M3", 6}, [BC_F4] = {"F4", 4},
};

const char *bc_dtype_name(bc_dtype dtype)
{
    return dtypes[dtype].name;
}

size_t bc_dtype_bits(bc_dtype dtype)
{
    return dtypes[dtype].bits;
}

bool bc_dtype_find(const char *name, bc_dtype *dtype)
{
    for (int i = 0; i < BC_DTYPES; i++)
        if (strcmp(name, dtypes[i].name) == 0) {
            *dtype = (bc_dtype)i;
            return true;
        }
    return false;
}

bool bc_dtype_is_float(bc_dtype dtype)
{
    return dtype == BC_F32 || dtype == BC_F16 || dtype == BC_BF16 || dtype == BC_F64;
}

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE binary16 has 1 bit of sign, 5 of exponent (bias 15) and 10 of fraction; binary32 has a bias larger by 112. */
static float float_of_f16(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
    uint32_t exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
    if (exponent == 0) { /* zero or subnormal: fraction x 2^-24 is exact in float */
        float value = (float)fraction * 0x1p-24f;
        return sign ? -value : value;
    }
    if (exponent == 0x1f) return float_of_bits(sign | 0x7f800000u | fraction << 13);
    return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

void bc_dtype_convert(bc_dtype dtype, const unsigned char *from, float *to, size_t count)
{
    uint16_t bits;
    double value;
    if (dtype == BC_F16)
        for (size_t i = 0; i < count; i++) {
            memcpy(&bits, from + 2 * i, sizeof bits);
            to[i] = float_of_f16(bits);
        }
    if (dtype == BC_BF16)
        for (size_t i = 0; i < count; i++) {
            memcpy(&bits, from + 2 * i, sizeof bits);
            to[i] = float_of_bits((uint32_t)bits << 16);
        }
    if (dtype == BC_F64)
        for (size_t i = 0; i < count; i++) {
            memcpy(&value, from + 8 * i, sizeof value);
            to[i] = (float)value;
        }
}
