#include "nn/gemm/tiles.h"

#include <string.h>

#include "nn/gemm/simd.h"

static bool always(void)
{
    return true;
}

static void nothing(void)
{
}

static float pair_dot(const uint16_t *a, const uint16_t *b)
{
    return bc_from_bf16(a[0]) * bc_from_bf16(b[0]) + bc_from_bf16(a[1]) * bc_from_bf16(b[1]);
}

static void multiply(bc_tile_product x)
{
    for (size_t i = 0; i < x.m; i++)
        for (size_t j = 0; j < x.n; j++) {
            float sum = x.accumulate ? x.c[i * x.ldc + j] : 0.0f;
            for (size_t p = 0; p < x.k / 2; p++) sum += pair_dot(x.a + 2 * (i * x.lda + p), x.b + 2 * (p * x.ldb + j));
            x.c[i * x.ldc + j] = sum;
        }
}

static void transpose(void *to, size_t ldto, const void *from, size_t ldfrom, size_t rows, size_t columns)
{
    enum { WORD = 4 };
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            memcpy((char *)to + (j * ldto + i) * WORD, (const char *)from + (i * ldfrom + j) * WORD, WORD);
}

const bc_tiles bc_tiles_plain = {"plain", always, nothing, nothing, multiply, transpose};

const bc_tiles *bc_tiles_at(size_t index)
{
    static const bc_tiles *const all[] = {
#ifdef BC_TILES_X86
        &bc_tiles_amx,
        &bc_tiles_avx512,
#endif
        &bc_tiles_plain,
    };
    return index < sizeof all / sizeof *all ? all[index] : NULL;
}

const bc_tiles *bc_tiles_best(void)
{
    size_t i = 0;
    while (!bc_tiles_at(i)->ready()) i++;
    return bc_tiles_at(i);
}
