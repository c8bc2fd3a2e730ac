/* A pass under way: what it is told, what every step of it needs, and its linear layers. */
#ifndef BC_NN_VIEW_H
#define BC_NN_VIEW_H

#include "nn/ops/attention.h"
#include "nn/ops/ops.h"
#include "nn/workspace.h"

/* Rates of dropout. Those of adapters are the model's own (bertc_lora). */
typedef struct bc_rates {
    double hidden, attention; /* after embeddings and the halves of layers; of the attention's probabilities */
    double head;              /* of what a head reads */
} bc_rates;

/* Those of a configuration, or `dropout` everywhere where that is not negative. */
bc_rates bc_rates_of(const bertc_config *config, double dropout);

/* One forward/backward pass. */
typedef struct bc_pass {
    int head;                /* which of the model's */
    const bc_rates *dropout; /* of a pass that is trained on, all 0 where that has none; null: it is not, and
                                bc_model_bwd must not follow */
    bool forgets;            /* no backward follows: all layers use one's buffers */
    uint64_t seed;           /* of dropout, as the step: */
    uint32_t step;
} bc_pass;

/* What every step needs, read off the configuration once. */
typedef struct bc_view {
    const bertc_model *model;
    bertc_workspace *w;
    const bertc_batch *batch;
    bc_pass pass;
    bc_gemm *gemm;
    const bc_model_head *head;
    size_t n, s, h, f;
    bc_attention attention;
    bool first; /* the rows are the first ones of the sequences */
} bc_view;

bc_view bc_view_of(const bertc_model *model, bertc_workspace *w, const bertc_batch *batch, bc_pass pass);

static inline float *bc_value_of(const bertc_model *model, bc_param_id id, int layer)
{
    return bc_model_param(model, id, layer)->value;
}

static inline float *bc_grad_of(const bertc_model *model, bc_param_id id, int layer)
{
    return bc_model_param(model, id, layer)->grad;
}

static inline bc_matrix bc_full(float *x)
{
    return (bc_matrix){.full = x};
}

static inline void bc_view_lap(const bc_view *v, bc_work work)
{
    bc_lap(v->w->laps, work);
}

/* Dropout at a site of this pass; off outside training and in what is frozen, so that a batch finds
 * there what it found before. */
bc_dropout bc_view_dropout(const bc_view *v, bc_site site, int layer);

bc_norm bc_view_norm(const bc_view *v, bc_param_id gain, bc_param_id bias, int layer);

/* x in the precision of the products: rounded where they are in bf16. */
void bc_view_round(const bc_view *v, bc_matrix x, size_t n, size_t width);

/* A linear layer, with its adapters. y in f32 where y.full is there. A weight without a bf16 copy takes x and y in
 * f32. */
void bc_view_linear_fwd(const bc_view *v, bc_matrix y, bc_matrix x, bc_param_id weight, bc_param_id bias, int layer,
                        bc_linear d);

/* What the gradients of a linear layer are wanted for, and where they go. */
typedef struct bc_wanted {
    bc_matrix dx;    /* not there: not wanted */
    bool add;        /* to what is in dx */
    bc_matrix x;     /* the layer's input, for the weight's; not there: not wanted */
    bool accumulate; /* the weight's */
} bc_wanted;

void bc_view_linear_bwd(const bc_view *v, bc_wanted to, bc_matrix dy, bc_param_id weight, bc_param_id bias, int layer,
                        bc_linear d);

#endif
