/* A model that is made: what it is, which batches it takes, and its outputs. */
#include "nn/model.h"

#include "base/error.h"

const bertc_config *bertc_model_config(const bertc_model *model)
{
    return model ? &model->heads->config : NULL;
}

size_t bertc_model_parameters(const bertc_model *model)
{
    return model ? model->scalars : 0;
}

static bertc_status check_sequence(const bertc_config *config, const bertc_batch *batch, int32_t s,
                                   bertc_error *err)
{
    int32_t begin = batch->starts[s], end = batch->starts[s + 1];
    if (end < begin || end > batch->tokens)
        return bc_fail(err, BERTC_INPUT, "example %u: it ends at token %d of %d, after %d",
                       (unsigned)batch->examples[s], (int)end, (int)batch->tokens, (int)begin);
    if (end == begin || end - begin > config->max_position_embeddings)
        return bc_fail(err, BERTC_INPUT, "example %u: %d tokens, the model takes 1 to %d",
                       (unsigned)batch->examples[s], (int)(end - begin),
                       (int)config->max_position_embeddings);
    if (end - begin > batch->longest)
        return bc_fail(err, BERTC_INPUT, "example %u: %d tokens, the longest of the batch has %d",
                       (unsigned)batch->examples[s], (int)(end - begin), (int)batch->longest);
    for (int32_t i = begin; i < end; i++) {
        if (batch->ids[i] < 0 || batch->ids[i] >= config->vocab_size)
            return bc_fail(err, BERTC_INPUT, "example %u: token id %d, vocab_size is %d",
                           (unsigned)batch->examples[s], (int)batch->ids[i],
                           (int)config->vocab_size);
        if (batch->positions[i] != i - begin)
            return bc_fail(err, BERTC_INPUT, "example %u: position %d of its token %d",
                           (unsigned)batch->examples[s], (int)batch->positions[i], (int)(i - begin));
        if (batch->types[i] >= config->type_vocab_size)
            return bc_fail(err, BERTC_INPUT, "example %u: token type %d, type_vocab_size is %d",
                           (unsigned)batch->examples[s], (int)batch->types[i],
                           (int)config->type_vocab_size);
    }
    return BERTC_OK;
}

/* The batch as a whole: its arrays, and where its sequences begin and end. */
static bertc_status check_shape(const bertc_batch *b, const bertc_limits *limits, bertc_error *err)
{
    if (!b->ids || !b->types || !b->positions || !b->starts || !b->examples)
        return bc_fail(err, BERTC_USAGE, "a batch without its arrays");
    if (b->sequences > b->max_sequences || b->tokens > b->max_tokens)
        return bc_fail(err, BERTC_USAGE, "a batch of %d sequences and %d tokens has room for %d and %d",
                       (int)b->sequences, (int)b->tokens, (int)b->max_sequences, (int)b->max_tokens);
    if (b->sequences < 1 || b->sequences > limits->sequences || b->tokens > limits->tokens ||
        b->longest > limits->longest)
        return bc_fail(err, BERTC_INPUT,
                       "a batch of %d sequences, %d tokens, longest %d exceeds the plan of %d, %d, %d",
                       (int)b->sequences, (int)b->tokens, (int)b->longest, (int)limits->sequences,
                       (int)limits->tokens, (int)limits->longest);
    if (b->starts[0] != 0 || b->starts[b->sequences] != b->tokens)
        return bc_fail(err, BERTC_INPUT, "a batch of %d tokens whose sequences are tokens %d to %d",
                       (int)b->tokens, (int)b->starts[0], (int)b->starts[b->sequences]);
    return BERTC_OK;
}

bertc_status bc_model_check_batch(const bertc_model *model, const bertc_workspace *workspace,
                                  const bertc_batch *batch, bertc_error *err)
{
    if (!bc_workspace_is_of(workspace, model))
        return bc_fail(err, BERTC_USAGE, "the workspace was made for another model");
    bertc_status status = check_shape(batch, &workspace->limits, err);
    if (status != BERTC_OK) return status;
    for (int32_t s = 0; s < batch->sequences; s++) {
        status = check_sequence(&model->config, batch, s, err);
        if (status != BERTC_OK) return status;
    }
    return BERTC_OK;
}

bertc_status bertc_model_forward(const bertc_model *model, bertc_workspace *workspace,
                                 const bertc_batch *batch, const float **logits, bertc_error *err)
{
    if (!model || !workspace || !batch || !logits)
        return bc_fail_null(err, __func__, "model, workspace, batch and logits");
    if (model->headless) return bc_fail(err, BERTC_USAGE, "the model was loaded without its head");
    bertc_status status = bc_model_check_batch(model, workspace, batch, err);
    if (status != BERTC_OK) return status;
    bc_model_fwd(model, workspace, batch, (bc_pass){.forgets = true});
    *logits = workspace->logits;
    return bc_workspace_status(workspace, err);
}

bertc_status bertc_model_hidden(const bertc_model *model, bertc_workspace *workspace,
                                const bertc_batch *batch, const int32_t *layers, size_t count,
                                float *out, bertc_error *err)
{
    if (!model || !workspace || !batch || (count > 0 && (!layers || !out)))
        return bc_fail_null(err, __func__, "model, workspace, batch, layers and out");
    if (!workspace->limits.whole)
        return bc_fail(err, BERTC_USAGE, "a workspace that was not planned for whole layers");
    bertc_status status = bc_model_check_batch(model, workspace, batch, err);
    if (status != BERTC_OK) return status;
    for (size_t i = 0; i < count; i++)
        if (layers[i] < 0 || layers[i] > model->config.num_hidden_layers)
            return bc_fail(err, BERTC_USAGE, "layer %d: the model has %d (0: the embeddings)",
                           (int)layers[i], (int)model->config.num_hidden_layers);
    bc_model_hidden(model, workspace, batch, layers, count, out);
    return bc_workspace_status(workspace, err);
}
