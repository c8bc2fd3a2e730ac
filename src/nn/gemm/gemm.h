/* Matrix products: three operations on a linear layer, each implemented by several backends.
 *
 *   y  = x W^T + b        x (N,in), W (out,in), b (out) or null, y (N,out)
 *   dx (+)= dy W
 *   dW (+)= dy^T x
 *
 * 1. All matrices are dense row-major f32. With accumulate false the output is never read: a NaN in it has no effect.
 * 2. The buffer of a matrix of N rows has bc_rows(N) rows. Backends may clear or overwrite the rows past N.
 * 3. If the backend and the processor have bf16 products (bc_gemm_use_bf16), the same operations exist on bf16
 *    operands. They sum in f32. The rows past N of their x and dy are zero. Results are f32; y and dx may be bf16
 *    instead.
 * 4. Weights that do not change can be packed into the backend's preferred layout (bc_gemm_pack), for y alone. Products
 *    with packed weights do not read the plain ones.
 * 5. Operations return nothing. A backend that fails (it could not create a primitive) keeps its first error and does
 *    nothing from then on. bc_gemm_status returns that error; callers ask for it once in each pass.
 * 6. A bc_gemm caches the primitives of products, so only one thread at a time may use it. Several bc_gemm may share
 *    packed weights.
 * 7. The backends agree within rounding; tests compare them. */
#ifndef BC_NN_GEMM_GEMM_H
#define BC_NN_GEMM_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/status.h"
#include "nn/gemm/matrix.h"
#include "nn/gemm/tiles.h"

/* Rows of buffers are rounded up to a multiple of this. It is 32, because oneDNN's AMX kernels take three times as long
 * for an odd multiple of 16 rows as for the next even one. */
enum { BC_ROW_ROUND = 32 };

/* Rows of a buffer for a matrix of n rows. */
static inline size_t bc_rows(size_t n)
{
    return (n + BC_ROW_ROUND - 1) / BC_ROW_ROUND * BC_ROW_ROUND;
}

typedef struct bc_linear {
    size_t n, in, out; /* N, in, out */
} bc_linear;

typedef struct bc_gemm bc_gemm;

/* Products on bf16 operands. y and dx are written to their member f32 if it is not null, else to their member bf16. */
typedef struct bc_gemm_bf16 {
    void (*fwd)(bc_gemm *gemm, bc_matrix y, const uint16_t *x, const uint16_t *w, const float *b, bc_linear d);
    void (*bwd_x)(bc_gemm *gemm, bc_matrix dx, const uint16_t *dy, const uint16_t *w, bc_linear d, bool accumulate);
    void (*bwd_w)(bc_gemm *gemm, float *dw, const uint16_t *dy, const uint16_t *x, bc_linear d, bool accumulate);
} bc_gemm_bf16;

/* A packed copy of a linear layer's weights. A backend's own struct begins with this one. */
typedef struct bc_packed {
    size_t in, out;
} bc_packed;

typedef struct bc_gemm_pack_ops {
    bool (*is_faster)(const bc_gemm *gemm); /* whether products with packed weights are faster on this processor */
    /* returns null if memory is short, or if the backend failed, which then keeps the error */
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
    bool (*bf16_is_native)(void);             /* whether the processor has bf16 instructions; null: not needed */
    const bc_gemm_pack_ops *packing;          /* null: the backend packs no weights */
} bc_gemm_backend;

struct bc_gemm {
    const bc_gemm_backend *backend;
    const bc_gemm_bf16 *bf16; /* null until bc_gemm_use_bf16 */
    const bc_tiles *tiles;    /* small products on bf16 operands; null until bc_gemm_use_bf16 */
    void *state;              /* belongs to the backend */
    bertc_error error;        /* the backend's first error */
};

extern const bc_gemm_backend bc_gemm_onednn, bc_gemm_openblas, bc_gemm_reference;

/* Open a backend by its name; null: "onednn". Errors: BERTC_USAGE for an unknown name; the backend's errors. */
bertc_status bc_gemm_open(bc_gemm *gemm, const char *name, bertc_error *err);
void bc_gemm_close(bc_gemm *gemm);

/* Open another bc_gemm of the same backend and precision, for another thread. They share no state. */
bertc_status bc_gemm_open_like(bc_gemm *gemm, const bc_gemm *other, bertc_error *err);

/* Describe a backend in one line: library, version, instruction set. name null: a line for each backend. */
void bc_gemm_describe(const char *name, char *out, size_t size);

/* The backend's first error, or BERTC_OK. */
bertc_status bc_gemm_status(const bc_gemm *gemm, bertc_error *err);

/* Prepare bf16 products. Errors: BERTC_USAGE if the backend or the processor has no bf16 products. */
bertc_status bc_gemm_use_bf16(bc_gemm *gemm, bertc_error *err);

void bc_linear_fwd(bc_gemm *gemm, float *y, float *x, const float *w, const float *b, bc_linear d);
void bc_linear_bwd_x(bc_gemm *gemm, float *dx, float *dy, const float *w, bc_linear d, bool accumulate);
void bc_linear_bwd_w(bc_gemm *gemm, float *dw, float *dy, float *x, bc_linear d, bool accumulate);

/* The same operations on bf16 operands. y and dx are written to their member f32 if it is not null, else to their
 * member bf16. A bf16 dx cannot be added to. */
void bc_bf16_fwd(bc_gemm *gemm, bc_matrix y, const uint16_t *x, const uint16_t *w, const float *b, bc_linear d);
void bc_bf16_bwd_x(bc_gemm *gemm, bc_matrix dx, const uint16_t *dy, const uint16_t *w, bc_linear d, bool accumulate);
void bc_bf16_bwd_w(bc_gemm *gemm, float *dw, const uint16_t *dy, const uint16_t *x, bc_linear d, bool accumulate);

/* Copy w (out,in), f32 or bf16, into the backend's preferred layout. Sets *packed to null if the backend has no such
 * layout. Free the copy by bc_gemm_unpack before the gemm is closed; until then any gemm of the backend may read it.
 * Errors: BERTC_NOMEM; the backend's errors. */
bertc_status bc_gemm_pack(bc_gemm *gemm, bc_matrix w, size_t in, size_t out, bc_packed **packed, bertc_error *err);
void bc_gemm_unpack(bc_gemm *gemm, bc_packed *packed);

/* Whether products with packed weights are faster, for the backend of this name on this processor. */
bool bc_gemm_packs(const char *name);

/* bc_linear_fwd or bc_bf16_fwd with packed weights. x has the number type of the weights. */
void bc_packed_fwd(bc_gemm *gemm, bc_matrix y, bc_matrix x, const bc_packed *w, const float *b, bc_linear d);

#endif
