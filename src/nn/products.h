/* The products of a model's weights. */
#ifndef BC_NN_PRODUCTS_H
#define BC_NN_PRODUCTS_H

#include "nn/model.h"

/* A product of a layer's weights, or the pooler's: several matrices that lie one after another are one. */
typedef struct bc_product {
    bc_param *w; /* the first */
    size_t in, out;
} bc_product;

/* Those of a layer in the order of a pass, or with layer = num_hidden_layers that of the pooler; how many. */
enum { BC_MAX_PRODUCTS = 5 };
int bc_model_products(bertc_model *model, int layer, bc_product products[BC_MAX_PRODUCTS]);

/* x (N,in) through it into y (N,out), by the weights' packed or bf16 copy where there is one. */
void bc_product_fwd(bc_gemm *gemm, bc_matrix y, bc_matrix x, const bc_param *w, const float *b, bc_linear d);

/* Choose model->block, once all copies of the weights are made. Errors: BERTC_NOMEM, or the backend's. */
enum { BC_INVARIANT_ROWS_MAX = 192 };
bertc_status bc_model_probe_invariance(bertc_model *model, bertc_error *err);

#endif
