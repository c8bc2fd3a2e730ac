/* The matrix products of a forward pass through layers and pooler. */
#ifndef BC_NN_PRODUCTS_H
#define BC_NN_PRODUCTS_H

#include "nn/model.h"

/* One matrix product. Its weights are one matrix or several that lie one after another. */
typedef struct bc_product {
    bc_param *w; /* the first matrix */
    size_t in, out;
} bc_product;

enum { BC_MAX_PRODUCTS = 5 };

/* List the products of a layer in the order of a pass; layer = num_hidden_layers stands for the pooler. Returns their
 * number. */
int bc_model_products(bertc_model *model, int layer, bc_product products[BC_MAX_PRODUCTS]);

/* Compute y (N,out) from x (N,in) with the packed copy of the weights if there is one, else the bf16 copy, else the f32
 * weights. */
void bc_product_fwd(bc_gemm *gemm, bc_matrix y, bc_matrix x, const bc_param *w, const float *b, bc_linear d);

#endif
