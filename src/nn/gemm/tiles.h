/* Small products on bf16 operands with f32 sums, for one thread on matrices that lie in its
 * caches.
 *
 *   C (m,n) (+)= A (m,k) B (k,n)
 *
 * 1. A word is two neighbours along k. A is row-major: its words lie side by side. B is stored in
 *    pairs of rows: word j of pair p holds B[2p][j] and B[2p+1][j]. That is how AMX and AVX-512
 *    BF16 take them.
 * 2. m and n are multiples of 16, k of 32: operands are padded, with zeros along k. With
 *    accumulate false C is never read.
 * 3. An element of C is the same whatever the other rows and columns are: it is summed in the
 *    order of k by one instruction.
 * 4. A matrix of words in one of the two layouts, transposed, is the transposed matrix in the
 *    other.
 * 5. A thread calls open before and close after its products: AMX keeps a state.
 *
 * The plain version defines what the others compute; tests compare them within rounding. */
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

/* Rows of A and pairs of B are lda and ldb words apart, rows of C ldc floats. */
typedef struct bc_tile_product {
    float *c;
    const uint16_t *a, *b;
    size_t m, n, k, ldc, lda, ldb;
    bool accumulate;
} bc_tile_product;

typedef struct bc_tiles {
    const char *name;
    bool (*ready)(void); /* can this processor, and may this process? */
    void (*open)(void);
    void (*close)(void);
    void (*multiply)(bc_tile_product x);
    /* to (columns,rows) = transpose of from (rows,columns), words of 32 bits, distances in words;
     * rows and columns are multiples of 16. */
    void (*transpose)(void *to, size_t ldto, const void *from, size_t ldfrom, size_t rows, size_t columns);
} bc_tiles;

extern const bc_tiles bc_tiles_plain;
#ifdef BC_TILES_X86
extern const bc_tiles bc_tiles_amx, bc_tiles_avx512;
#endif

/* Those of this build, the fastest first, plain loops last; null beyond them. */
const bc_tiles *bc_tiles_at(size_t index);

/* The first that is ready. */
const bc_tiles *bc_tiles_best(void);

#endif
