/* A matrix of activations or gradients, dense and row-major, in f32, in bf16 or in both.
 *
 * 1. If both are given, bf16 is f32 rounded to nearest, ties to even.
 * 2. The rows of bf16 from N to bc_rows(N) are zero, because products on bf16 operands read them. */
#ifndef BC_NN_GEMM_MATRIX_H
#define BC_NN_GEMM_MATRIX_H

#include <stdbool.h>
#include <stdint.h>

typedef struct bc_matrix {
    float *f32;     /* may be null */
    uint16_t *bf16; /* may be null */
} bc_matrix;

static inline bool bc_matrix_is_given(bc_matrix x)
{
    return x.f32 || x.bf16;
}

#endif
