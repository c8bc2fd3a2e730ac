/* Small products by AMX, and by the dot products of AVX-512 BF16 on processors without AMX.
 *
 * 1. Function attributes select the instruction sets. The functions are called only if the processor has the
 *    instructions and, for AMX, Linux permits the process to use the tile registers.
 * 2. Four of the eight tile registers hold sums of 16 x 16, two hold A and two hold B. Four products then take four
 *    loads; with a single sum they would take eight.
 * 3. AMX and AVX-512 BF16 treat denormal operands and results as zero. NaN stays NaN. */
#define _DEFAULT_SOURCE 1 /* syscall */
#include "nn/gemm/tiles.h"

#ifdef BC_TILES_X86
#include <cpuid.h>
#include <immintrin.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "nn/gemm/simd.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512bf16")))
#define AMX __attribute__((target("amx-tile,amx-bf16")))

/* ---- AVX-512 ------------------------------------------------------------------------------- */

static bool avx512_ready(void)
{
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512bf16");
}

static void nothing(void)
{
}

/* A block of C: 8 rows, `wide` vectors of columns. */
enum { ROWS = 8, WIDE = 2 };
AVX512 BC_INLINE void dot_block(const bc_tile_product *x, size_t i, size_t j, const int wide)
{
    __m512 sum[ROWS][WIDE];
    const uint16_t *a = x->a + 2 * i * x->lda, *b = x->b + 2 * j;
    float *c = x->c + i * x->ldc + j;
    for (size_t r = 0; r < ROWS; r++)
        for (int w = 0; w < wide; w++)
            sum[r][w] = x->accumulate ? _mm512_loadu_ps(c + r * x->ldc + w * BC_TILE) : _mm512_setzero_ps();
    for (size_t p = 0; p < x->k / 2; p++) {
        __m512bh row[WIDE];
        for (int w = 0; w < wide; w++)
            row[w] = (__m512bh)_mm512_loadu_si512(b + 2 * (p * x->ldb + (size_t)w * BC_TILE));
        for (size_t r = 0; r < ROWS; r++) {
            int word;
            memcpy(&word, a + 2 * (r * x->lda + p), sizeof word);
            for (int w = 0; w < wide; w++)
                sum[r][w] = _mm512_dpbf16_ps(sum[r][w], (__m512bh)_mm512_set1_epi32(word), row[w]);
        }
    }
    for (size_t r = 0; r < ROWS; r++)
        for (int w = 0; w < wide; w++) _mm512_storeu_ps(c + r * x->ldc + w * BC_TILE, sum[r][w]);
}

AVX512 static void avx512_multiply(bc_tile_product x)
{
    for (size_t j = 0; j < x.n; j += WIDE * BC_TILE)
        for (size_t i = 0; i < x.m; i += ROWS)
            if (j + BC_TILE < x.n) dot_block(&x, i, j, WIDE);
            else dot_block(&x, i, j, 1);
}

/* Transpose 16 x 16 words: first within each 4 x 4 block, then the blocks. */
AVX512 static void transpose_block(uint32_t *to, size_t ldto, const uint32_t *from, size_t ldfrom)
{
    __m512i r[16], t[16];
    for (size_t i = 0; i < 16; i++) r[i] = _mm512_loadu_si512(from + i * ldfrom);
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4)
        for (int h = 0; h < 2; h++) {
            r[i + 2 * h] = _mm512_unpacklo_epi64(t[i + h], t[i + h + 2]);
            r[i + 2 * h + 1] = _mm512_unpackhi_epi64(t[i + h], t[i + h + 2]);
        }
    for (int c = 0; c < 4; c++) {
        t[c] = _mm512_shuffle_i32x4(r[c], r[c + 4], 0x88);
        t[c + 4] = _mm512_shuffle_i32x4(r[c], r[c + 4], 0xdd);
        t[c + 8] = _mm512_shuffle_i32x4(r[c + 8], r[c + 12], 0x88);
        t[c + 12] = _mm512_shuffle_i32x4(r[c + 8], r[c + 12], 0xdd);
    }
    for (size_t c = 0; c < 4; c++)
        for (size_t h = 0; h < 2; h++) {
            __m512i low = t[c + 4 * h], high = t[c + 4 * h + 8];
            _mm512_storeu_si512(to + (c + 4 * h) * ldto, _mm512_shuffle_i32x4(low, high, 0x88));
            _mm512_storeu_si512(to + (c + 4 * h + 8) * ldto, _mm512_shuffle_i32x4(low, high, 0xdd));
        }
}

static void avx512_transpose(void *to, size_t ldto, const void *from, size_t ldfrom, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows; i += BC_TILE)
        for (size_t j = 0; j < columns; j += BC_TILE)
            transpose_block((uint32_t *)to + j * ldto + i, ldto, (const uint32_t *)from + i * ldfrom + j, ldfrom);
}

const bc_tiles bc_tiles_avx512 = {"AVX-512 BF16", avx512_ready, nothing, nothing, avx512_multiply, avx512_transpose};

/* ---- AMX ----------------------------------------------------------------------------------- */

static bool amx_ready(void)
{
    enum { LEAF = 7, REQUEST = 0x1023, TILE_DATA = 18 }; /* REQUEST: ARCH_REQ_XCOMP_PERM */
    const unsigned needed = 1u << 22 | 1u << 24;         /* AMX-BF16, AMX-TILE */
    unsigned a, b, c, d;
    if (!avx512_ready() || !__get_cpuid_count(LEAF, 0, &a, &b, &c, &d) || (d & needed) != needed) return false;
    return syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
}

/* Configure eight tiles, each of 16 rows of 64 bytes. */
AMX static void amx_open(void)
{
    static const struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1, .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64}, .rows = {16, 16, 16, 16, 16, 16, 16, 16}};
    _tile_loadconfig(&config);
}

AMX static void amx_close(void)
{
    _tile_release();
}

/* Initialize the tile of a sum: from C with accumulate, else to zero. */
#define BEGIN(tile, at)                                                                            \
    do {                                                                                           \
        if (x->accumulate) _tile_loadd(tile, at, ldc);                                             \
        else _tile_zero(tile);                                                                     \
    } while (0)

/* Compute a block of C: 16 rows, or 32 if tall, by 16 columns, or 32 if wide. */
AMX BC_INLINE void tile_block(const bc_tile_product *x, size_t i, size_t j, const bool tall, const bool wide)
{
    const size_t ldc = x->ldc * 4, lda = x->lda * 4, ldb = x->ldb * 4;
    const uint16_t *a0 = x->a + 2 * i * x->lda, *a1 = a0 + 2 * BC_TILE * x->lda;
    const uint16_t *b = x->b + 2 * j;
    float *c0 = x->c + i * x->ldc + j, *c1 = c0 + BC_TILE * x->ldc;
    BEGIN(0, c0);
    if (wide) BEGIN(1, c0 + BC_TILE);
    if (tall) BEGIN(2, c1);
    if (tall && wide) BEGIN(3, c1 + BC_TILE);
    for (size_t k = 0; k < x->k; k += BC_TILE_DEPTH, b += BC_TILE_DEPTH * x->ldb) {
        _tile_loadd(4, a0 + k, lda);
        _tile_loadd(6, b, ldb);
        _tile_dpbf16ps(0, 4, 6);
        if (wide) _tile_loadd(7, b + 2 * BC_TILE, ldb);
        if (wide) _tile_dpbf16ps(1, 4, 7);
        if (tall) _tile_loadd(5, a1 + k, lda);
        if (tall) _tile_dpbf16ps(2, 5, 6);
        if (tall && wide) _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c0, ldc);
    if (wide) _tile_stored(1, c0 + BC_TILE, ldc);
    if (tall) _tile_stored(2, c1, ldc);
    if (tall && wide) _tile_stored(3, c1 + BC_TILE, ldc);
}

AMX static void amx_multiply(bc_tile_product x)
{
    for (size_t j = 0; j < x.n; j += 2 * BC_TILE)
        for (size_t i = 0; i < x.m; i += 2 * BC_TILE) {
            bool tall = i + BC_TILE < x.m, wide = j + BC_TILE < x.n;
            if (tall && wide) tile_block(&x, i, j, true, true);
            else if (tall) tile_block(&x, i, j, true, false);
            else if (wide) tile_block(&x, i, j, false, true);
            else tile_block(&x, i, j, false, false);
        }
}

const bc_tiles bc_tiles_amx = {"AMX", amx_ready, amx_open, amx_close, amx_multiply, avx512_transpose};
#else
typedef int bc_tiles_x86_is_empty;
#endif
