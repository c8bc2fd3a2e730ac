/* A matrix of activations or gradients, dense and row-major, in one precision or in both.
 *
 * 1. Where both are there, `half` is `full` rounded to bf16 (nearest, ties to even).
 * 2. `half` has zeros in the rows from N to bc_rows(N): the products on bf16 operands read them. */
#ifndef BC_NN_GEMM_MATRIX_H
#define BC_NN_GEMM_MATRIX_H

#include <stdbool.h>
#include <stdint.h>

typedef struct bc_matrix {
    float *f32;    /* f32, or null */
    uint16_t *bf16; /* bf16, or null */
} bc_matrix;

static inline bool bc_matrix_is_given(bc_matrix x)
{
    return x.f32 || x.bf16;
}

#endif
