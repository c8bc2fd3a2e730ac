/* Small products on bf16 operands with f32 sums, by one thread on matrices that fit its caches.
 *
 *   C (m,n) (+)= A (m,k) B (k,n)
 *
 * 1. A word of 32 bits holds two elements that are adjacent along k. A is row-major, so its words are adjacent elements
 *    of a row. B is stored in pairs of rows: word j of pair p holds B[2p][j] and B[2p+1][j]. AMX and AVX-512 BF16 need
 *    these layouts.
 * 2. m and n are multiples of 16, k of 32. Operands are padded, with zeros along k. With accumulate false C is never
 *    read.
 * 3. An element of C does not depend on other rows or columns: its sum is in the order of k, always by the same
 *    instruction.
 * 4. Transposing a matrix of words in one of the two layouts gives the transposed matrix in the other layout.
 * 5. A thread calls open before its products and close after them, because AMX has state.
 *
 * The plain version defines the results; tests compare the others with it, within rounding. */
#ifndef BC_NN_GEMM_TILES_H
#define BC_NN_GEMM_TILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__) && defined(__linux__) && defined(__has_include)
#if __has_include(<amxbf16intrin.h>)
#define BC_TILES_X86 1
#endif
#endif

enum { BC_TILE = 16, BC_TILE_DEPTH = 32 };

/* lda: words between rows of A; ldb: words between pairs of rows of B; ldc: floats between rows of C. */
typedef struct bc_tile_product {
    float *c;
    const uint16_t *a, *b;
    size_t m, n, k, ldc, lda, ldb;
    bool accumulate;
} bc_tile_product;

typedef struct bc_tiles {
    const char *name;
    bool (*ready)(void); /* whether the processor has the instructions and the process may use them */
    void (*open)(void);
    void (*close)(void);
    void (*multiply)(bc_tile_product x);
    /* Set to[] (columns,rows) to the transpose of from[] (rows,columns), in words; ldto and ldfrom are words between
     * rows. rows and columns are multiples of 16. */
    void (*transpose)(void *to, size_t ldto, const void *from, size_t ldfrom, size_t rows, size_t columns);
} bc_tiles;

extern const bc_tiles bc_tiles_plain;
#ifdef BC_TILES_X86
extern const bc_tiles bc_tiles_amx, bc_tiles_avx512;
#endif

/* The versions of this build, from the fastest to the plain loops; null after the last. */
const bc_tiles *bc_tiles_at(size_t index);

/* The fastest version that is ready. */
const bc_tiles *bc_tiles_best(void);

#endif
