/* The public forward passes: logits, and outputs of layers. */
#include "base/error.h"
#include "nn/check.h"
#include "nn/pass.h"

bertc_status bertc_model_forward(const bertc_model *model, bertc_workspace *workspace,
                                 const bertc_batch *batch, const float **logits, bertc_error *err)
{
    if (!model || !workspace || !batch || !logits)
        return bc_fail_null(err, __func__, "model, workspace, batch and logits");
    if (model->encoder_only) return bc_fail(err, BERTC_USAGE, "the model was loaded without its head");
    bertc_status status = bc_model_check_batch(model, workspace, batch, err);
    if (status != BERTC_OK) return status;
    bc_model_fwd(model, workspace, batch, (bc_pass){.inference = true});
    *logits = workspace->logits;
    return bc_workspace_status(workspace, err);
}

bertc_status bertc_model_hidden(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                                const int32_t *layers, size_t count, float *out, bertc_error *err)
{
    if (!model || !workspace || !batch || (count > 0 && (!layers || !out)))
        return bc_fail_null(err, __func__, "model, workspace, batch, layers and out");
    if (!workspace->limits.all_rows)
        return bc_fail(err, BERTC_USAGE, "the workspace was made without all_rows, which outputs of layers need");
    bertc_status status = bc_model_check_batch(model, workspace, batch, err);
    if (status != BERTC_OK) return status;
    for (size_t i = 0; i < count; i++)
        if (layers[i] < 0 || layers[i] > model->config.num_hidden_layers)
            return bc_fail(err, BERTC_USAGE, "layer %d: the model has layers 1 to %d, and 0 for the embeddings",
                           (int)layers[i], (int)model->config.num_hidden_layers);
    bc_model_hidden(model, workspace, batch, layers, count, out);
    return bc_workspace_status(workspace, err);
}
