/* A head that is one linear layer after dropout. Its parameters are the weight (C,H) and the bias (C). */
#ifndef BC_NN_HEADS_LINEAR_H
#define BC_NN_HEADS_LINEAR_H

#include "nn/head.h"

void bc_linear_head_fwd(const bc_head_pass *p);
void bc_linear_head_bwd(float *dx, const bc_head_pass *p, bool accumulate);

#endif
