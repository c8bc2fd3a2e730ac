#include "nn/heads/linear.h"

#include "nn/ops/ops.h"

static bc_linear shape(const bc_head_pass *p)
{
    return (bc_linear){(size_t)p->rows->tokens, p->h, p->c};
}

void bc_linear_head_fwd(const bc_head_pass *p)
{
    const bc_param *w = p->params, *b = w + 1;
    bc_dropout_tokens(p->x_dropped, p->x, p->rows, &p->dropout, p->h);
    bc_profile_mark(p->profile, BC_PROFILE_HEAD);
    bc_linear all = shape(p), part = all;
    if (p->by_row) part.n = 1;
    for (size_t row = 0; row < all.n; row += part.n)
        bc_linear_fwd(p->gemm, p->logits + row * p->c, p->x_dropped + row * p->h, w->value, b->value, part);
    bc_profile_mark(p->profile, BC_PROFILE_PRODUCTS);
}

void bc_linear_head_bwd(float *dx, const bc_head_pass *p, bool accumulate)
{
    const bc_param *w = p->params, *b = w + 1;
    bc_linear d = shape(p);
    if (b->grad) bc_column_sums(b->grad, (bc_matrix){.f32 = p->dlogits}, d.n, d.out, accumulate);
    bc_profile_mark(p->profile, BC_PROFILE_BIASES);
    bc_linear_bwd_w(p->gemm, w->grad, p->dlogits, p->x_dropped, d, accumulate);
    if (dx) bc_linear_bwd_x(p->gemm, dx, p->dlogits, w->value, d, false);
    bc_profile_mark(p->profile, BC_PROFILE_PRODUCTS);
    if (dx) bc_dropout_tokens(dx, dx, p->rows, &p->dropout, p->h);
    bc_profile_mark(p->profile, BC_PROFILE_HEAD);
}
