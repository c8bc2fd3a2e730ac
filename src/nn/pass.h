/* Passes: the parts of a training step that go through the network.
 *
 *   bc_model_fwd   embeddings -> L layers -> pooler -> head; logits go into the workspace
 *   bc_model_loss  loss of the logits and their gradient
 *   bc_model_bwd   the same way in reverse; gradients go into the parameters' grad buffers
 *
 * 1. Passes neither allocate, print nor fail. bc_workspace_status reports afterwards whether the GEMM backend failed.
 * 2. A workspace planned for training keeps for each layer the values that backward needs. In a workspace planned for
 *    inference all layers use the same buffers.
 * 3. If all heads read only the first row of each sequence, the last layer computes keys and values for all rows, and
 *    everything else, including its backward pass, for the S first rows. The result is the same. A workspace planned
 *    with all_rows computes all rows of the last layer.
 * 4. Forward and loss write to the workspace alone. Several threads may use one model at a time, each with a workspace
 *    and a head of its own. */
#ifndef BC_NN_PASS_H
#define BC_NN_PASS_H

#include "nn/model.h"
#include "nn/workspace.h"

/* Options of one forward or backward pass. */
typedef struct bc_pass {
    int head;                        /* index of the model's head */
    const bc_dropout_rates *dropout; /* null: no dropout, and bc_model_bwd must not follow. A training pass without
                                        dropout has rates of 0 */
    bool inference;                  /* no backward pass follows, so all layers use the same buffers */
    uint64_t seed;                   /* dropout is a function of seed and step */
    uint32_t step;
} bc_pass;

void bc_model_fwd(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch, bc_pass pass);

/* Run the forward pass in two parts: bc_model_fwd_to runs the stages (nn/stage.h) below `stage`, without dropout;
 * bc_model_fwd_from runs `stage` and the stages above it. Between the two parts the input of `stage` lies at
 * bc_model_stage_input, which bc_model_fwd_to also returns. That input may come from elsewhere: computed in other
 * batches or kept from an earlier pass. It has all rows (N,H) if bc_model_stage_reads_all_rows is true: for a layer,
 * and for a head that reads all rows. Else it has the first row of each sequence (S,H).
 *
 * stage   1 .. layers + 2. If bc_model_bwd follows, no stage below it is trained. */
float *bc_model_fwd_to(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch, int head,
                       int stage);
float *bc_model_stage_input(const bertc_model *model, bertc_workspace *workspace, int head, int stage);
bool bc_model_stage_reads_all_rows(const bertc_model *model, int head, int stage);
void bc_model_fwd_from(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch, bc_pass pass,
                       int stage);

/* Recompute a layer's output after bc_model_fwd: y (N,H), or (S,H) for a last layer that computed only first rows. With
 * checkpointing the layer must be one whose cache is not yet overwritten. For tests. */
void bc_model_output(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch, int layer,
                     float *y);

/* Compute the sum over the batch of the head's loss, and the gradient of sum / divisor with respect to the logits. */
double bc_model_loss(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch, bc_pass pass,
                     const bc_objective *objective, double divisor);

/* Compute the gradients of sum / divisor (see bc_model_loss) with respect to every parameter that has a grad buffer.
 * With accumulate they are added to the buffers, else they overwrite them. */
void bc_model_bwd(bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch, bc_pass pass,
                  bool accumulate);

/* Do as bertc_model_hidden, but without its checks. out: (count,N,H). */
void bc_model_hidden(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                     const int32_t *layers, size_t count, float *out);

#endif
