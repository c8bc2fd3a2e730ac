/* Passes: what training is made of.
 *
 *   bc_model_fwd   embeddings -> L layers -> pooler -> head, logits in the workspace
 *   bc_model_loss  loss of the logits and their gradient
 *   bc_model_bwd   the same way in reverse, gradients into the parameters' grad buffers
 *
 * 1. None of the three allocates, prints or fails; bc_workspace_status tells afterwards whether a
 *    backend did.
 * 2. A workspace that was planned for training keeps per layer what backward needs; one for
 *    inference uses the same buffers for every layer.
 * 3. Where the heads read the first row of each sequence and no other, only keys and values are computed
 *    for all rows in the last layer; everything else, and its backward pass, for the S first rows, unless
 *    the workspace was planned for the whole. The result is the same.
 * 4. Forward and loss write to the workspace alone: any number of threads may pass through one model, each with a
 *    workspace and a head of its own. */
#ifndef BC_NN_PASS_H
#define BC_NN_PASS_H

#include "nn/model.h"
#include "nn/workspace.h"

/* One forward/backward pass. */
typedef struct bc_pass {
    int head;                /* which of the model's */
    const bc_dropout_rates *dropout; /* of a pass that is trained on, all 0 where that has none; null: it is not, and
                                bc_model_bwd must not follow */
    bool inference;            /* no backward follows: all layers use one's buffers */
    uint64_t seed;           /* of dropout, as the step: */
    uint32_t step;
} bc_pass;

void bc_model_fwd(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch, bc_pass pass);

/* The pass in two: the stages (bc_param_stage) before `stage`, without dropout, and those from it on. Between
 * them lie, at bc_model_stage_input, the rows that `stage` reads: (N,H) for a layer or a head that reads all rows, of the
 * batch's S first tokens (S,H) for the pooler and a head that reads it. They may have been computed in other batches,
 * some at a time, or kept.
 *
 * stage   1 .. layers + 2. Where bc_model_bwd follows: none below it is trained
 *
 * bc_model_fwd_to returns bc_model_stage_input. */
float *bc_model_fwd_to(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch, int head,
                       int stage);
float *bc_model_stage_input(const bertc_model *model, bertc_workspace *workspace, int head, int stage);
bool bc_model_stage_input_is_by_token(const bertc_model *model, int head, int stage); /* are they (N,H)? */
void bc_model_fwd_from(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                       bc_pass pass, int stage);

/* y (N,H) = output of a layer after a bc_model_fwd that keeps it; of the last layer
 * the rows that were computed. With checkpointing only of a layer that is still kept. For tests. */
void bc_model_output(const bertc_model *model, bertc_workspace *workspace,
                     const bertc_batch *batch, int layer, float *y);

/* Sum over the batch of the loss of the pass's head; the gradient is that of sum / divisor. */
double bc_model_loss(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                     bc_pass pass, const bc_objective *objective, double divisor);

/* Gradients of sum / divisor (see bc_model_loss) with respect to every parameter that has a grad
 * buffer: overwritten, or added to with accumulate. */
void bc_model_bwd(bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                  bc_pass pass, bool accumulate);

/* out (count,N,H): bertc_model_hidden without its checks. */
void bc_model_hidden(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                     const int32_t *layers, size_t count, float *out);

#endif
