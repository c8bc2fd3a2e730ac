/* The GEMM seam: three operations on a linear layer (DESIGN law 5), each by several backends.
 *
 *   y  = x W^T + b        x (N,in), W (out,in), b (out) or null, y (N,out)
 *   dx (+)= dy W
 *   dW (+)= dy^T x
 *
 * 1. All matrices are dense row-major f32. With accumulate false the output is never read: NaN in
 *    it has no effect.
 * 2. Every (N, .) matrix has room for bc_rows(N) rows. The rows past N are scratch that belongs to
 *    the seam: a backend may clear or fill them.
 * 3. The same operations exist on bf16 operands, with f32 sums, where the backend and the processor
 *    have them (bc_gemm_use_bf16). Their x and dy have zeros in the rows past N. Results are f32, or
 *    for y and dx also the rounded sums.
 * 4. Weights that stay as they are can be packed into the layout that the backend likes best, for y
 *    alone (bc_gemm_pack). The plain ones are then not read.
 * 5. Operations return nothing. A backend that fails (it could not create a primitive) keeps its
 *    first error, does nothing from then on, and bc_gemm_status tells it once a pass.
 * 6. One thread at a time uses a bc_gemm: it keeps what a backend makes for the products that it has seen.
 *    Packed weights may be read with several at once.
 * 7. The backends agree within rounding; tests compare them. */
#ifndef BC_NN_GEMM_GEMM_H
#define BC_NN_GEMM_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/status.h"
#include "nn/gemm/matrix.h"
#include "nn/gemm/tiles.h"

/* An odd multiple of 16 rows takes oneDNN's AMX kernels three times as long as the next even one. */
enum { BC_ROW_ROUND = 32 };

/* Rows that a buffer for n rows must have. */
static inline size_t bc_rows(size_t n)
{
    return (n + BC_ROW_ROUND - 1) / BC_ROW_ROUND * BC_ROW_ROUND;
}

typedef struct bc_linear {
    size_t n, in, out; /* N, in, out */
} bc_linear;

typedef struct bc_gemm bc_gemm;

/* The products on bf16 operands. y and dx are in f32 where `full` is there, else in bf16. */
typedef struct bc_gemm_bf16 {
    void (*fwd)(bc_gemm *gemm, bc_matrix y, const uint16_t *x, const uint16_t *w, const float *b, bc_linear d);
    void (*bwd_x)(bc_gemm *gemm, bc_matrix dx, const uint16_t *dy, const uint16_t *w, bc_linear d, bool accumulate);
    void (*bwd_w)(bc_gemm *gemm, float *dw, const uint16_t *dy, const uint16_t *x, bc_linear d, bool accumulate);
} bc_gemm_bf16;

/* A backend's own copy of one layer's weights; the rest of it follows. */
typedef struct bc_packed {
    size_t in, out;
} bc_packed;

typedef struct bc_gemm_pack_ops {
    bool (*is_faster)(const bc_gemm *gemm); /* on this processor */
    /* null: out of memory, or the backend failed and keeps the error */
    bc_packed *(*pack)(bc_gemm *gemm, bc_matrix w, size_t in, size_t out);
    void (*fwd)(bc_gemm *gemm, bc_matrix y, bc_matrix x, const bc_packed *w, const float *b, bc_linear d);
    void (*unpack)(bc_packed *w);
} bc_gemm_pack_ops;

typedef struct bc_gemm_backend {
    const char *name;
    bertc_status (*open)(bc_gemm *gemm, bertc_error *err);
    void (*close)(bc_gemm *gemm);
    void (*fwd)(bc_gemm *gemm, float *y, float *x, const float *w, const float *b, bc_linear d);
    void (*bwd_x)(bc_gemm *gemm, float *dx, float *dy, const float *w, bc_linear d, bool accumulate);
    void (*bwd_w)(bc_gemm *gemm, float *dw, float *dy, float *x, bc_linear d, bool accumulate);
    void (*describe)(char *out, size_t size); /* library, version, instruction set */
    const bc_gemm_bf16 *bf16;                 /* null: the backend has no bf16 products */
    bool (*bf16_is_native)(void); /* the processor has instructions for them; null: plain loops do */
    const bc_gemm_pack_ops *packing;          /* null: none */
} bc_gemm_backend;

struct bc_gemm {
    const bc_gemm_backend *backend;
    const bc_gemm_bf16 *bf16; /* null until bc_gemm_use_bf16 */
    const bc_tiles *tiles;    /* likewise: small products on bf16 operands */
    void *state;       /* the backend's own */
    bertc_error error; /* the first failure */
};

extern const bc_gemm_backend bc_gemm_onednn, bc_gemm_openblas, bc_gemm_reference;

/* name null: the first of the table ("onednn"). Errors: BERTC_USAGE for an unknown name. */
bertc_status bc_gemm_open(bc_gemm *gemm, const char *name, bertc_error *err);
void bc_gemm_close(bc_gemm *gemm);

/* One more of the same backend and precision, with nothing in common but those: another thread's. */
bertc_status bc_gemm_open_like(bc_gemm *gemm, const bc_gemm *other, bertc_error *err);

/* What a backend says of itself, a line; name null: what each does. */
void bc_gemm_describe(const char *name, char *out, size_t size);
bertc_status bc_gemm_status(const bc_gemm *gemm, bertc_error *err);

/* Ready the bf16 products. Errors: BERTC_USAGE where the backend or the processor has none. */
bertc_status bc_gemm_use_bf16(bc_gemm *gemm, bertc_error *err);

void bc_linear_fwd(bc_gemm *gemm, float *y, float *x, const float *w, const float *b, bc_linear d);
void bc_linear_bwd_x(bc_gemm *gemm, float *dx, float *dy, const float *w, bc_linear d, bool accumulate);
void bc_linear_bwd_w(bc_gemm *gemm, float *dw, float *dy, float *x, bc_linear d, bool accumulate);

/* The same on bf16 operands. y and dx: f32 where `full` is there, else bf16, and then not added to. */
void bc_bf16_fwd(bc_gemm *gemm, bc_matrix y, const uint16_t *x, const uint16_t *w, const float *b, bc_linear d);
void bc_bf16_bwd_x(bc_gemm *gemm, bc_matrix dx, const uint16_t *dy, const uint16_t *w, bc_linear d, bool accumulate);
void bc_bf16_bwd_w(bc_gemm *gemm, float *dw, const uint16_t *dy, const uint16_t *x, bc_linear d, bool accumulate);

/* Copy w (out,in), f32 or bf16, into the backend's own layout. *packed: null where it has none.
 * Free with bc_gemm_unpack, before the gemm is closed; until then any gemm of the backend may read it.
 * Errors: BERTC_NOMEM, or the backend's. */
bertc_status bc_gemm_pack(bc_gemm *gemm, bc_matrix w, size_t in, size_t out, bc_packed **packed, bertc_error *err);
void bc_gemm_unpack(bc_gemm *gemm, bc_packed *packed);

/* Has the backend of this name a layout of its own in which products are faster, on this processor? */
bool bc_gemm_packs(const char *name);

/* bc_linear_fwd or bc_bf16_fwd with packed weights: x in the precision of the weights. */
void bc_packed_fwd(bc_gemm *gemm, bc_matrix y, bc_matrix x, const bc_packed *w, const float *b, bc_linear d);

#endif
