#include "nn/check.h"

#include "base/error.h"

/* ---- Options ------------------------------------------------------------------------------- */

enum { MAX_THREADS = 4096 };

/* Fail because a value is out of its range. */
static bertc_status refuse(const char *name, int value, bertc_error *err)
{
    return bc_fail(err, BERTC_USAGE, "bertc_model_options.%s: %d is out of range", name, value);
}

bertc_status bc_model_check_options(const bertc_model_options *o, bertc_error *err)
{
    const struct {
        const char *name;
        int value, min, max;
    } all[] = {
        {"precision", (int)o->precision, BERTC_F32, BERTC_BF16},
        {"init", (int)o->init, BERTC_INIT_NORMAL, BERTC_INIT_TRUNCATED},
        {"threads", o->threads, 0, MAX_THREADS},
        {"frozen", o->frozen, 0, INT32_MAX},
        {"keep_layers", o->keep_layers, 0, INT32_MAX},
        {"reinit_layers", o->reinit_layers, 0, INT32_MAX},
        {"num_labels", o->labels ? o->num_labels : 1, 1, INT32_MAX},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].value < all[i].min || all[i].value > all[i].max) return refuse(all[i].name, all[i].value, err);
    for (int32_t i = 0; o->labels && i < o->num_labels; i++)
        if (!o->labels[i])
            return bc_fail(err, BERTC_USAGE, "bertc_model_options.labels: label %d of %d is null", (int)i,
                           (int)o->num_labels);
    return BERTC_OK;
}

bertc_status bc_model_check_stages(const bertc_model_options *o, const bertc_config *config, bertc_error *err)
{
    int32_t layers = config->num_hidden_layers;
    if (o->frozen > bc_stage_head(layers)) return refuse("frozen", o->frozen, err);
    if (o->reinit_layers > layers) return refuse("reinit_layers", o->reinit_layers, err);
    return BERTC_OK;
}

/* ---- Batches ------------------------------------------------------------------------------- */

static bertc_status check_sequence(const bertc_config *config, const bertc_batch *batch, int32_t s, bertc_error *err)
{
    int32_t begin = batch->starts[s], end = batch->starts[s + 1];
    if (end < begin || end > batch->tokens)
        return bc_fail(err, BERTC_INPUT, "example %u: it begins at token %d and ends at token %d of a batch of %d "
                       "tokens", (unsigned)batch->examples[s], (int)begin, (int)end, (int)batch->tokens);
    if (end == begin || end - begin > config->max_position_embeddings)
        return bc_fail(err, BERTC_INPUT, "example %u: it has %d tokens, the model takes 1 to %d",
                       (unsigned)batch->examples[s], (int)(end - begin), (int)config->max_position_embeddings);
    if (end - begin > batch->longest)
        return bc_fail(err, BERTC_INPUT, "example %u: it has %d tokens, the batch's longest has %d",
                       (unsigned)batch->examples[s], (int)(end - begin), (int)batch->longest);
    for (int32_t i = begin; i < end; i++) {
        if (batch->ids[i] < 0 || batch->ids[i] >= config->vocab_size)
            return bc_fail(err, BERTC_INPUT, "example %u: it has token id %d, vocab_size is %d",
                           (unsigned)batch->examples[s], (int)batch->ids[i], (int)config->vocab_size);
        if (batch->positions[i] != i - begin)
            return bc_fail(err, BERTC_INPUT, "example %u: its token %d has position %d, expected %d",
                           (unsigned)batch->examples[s], (int)(i - begin), (int)batch->positions[i], (int)(i - begin));
        if (batch->types[i] >= config->type_vocab_size)
            return bc_fail(err, BERTC_INPUT, "example %u: it has token type %d, type_vocab_size is %d",
                           (unsigned)batch->examples[s], (int)batch->types[i], (int)config->type_vocab_size);
    }
    return BERTC_OK;
}

/* Check a batch's arrays, its sizes, and that its sequences cover all of its tokens. */
static bertc_status check_shape(const bertc_batch *b, const bertc_limits *limits, bertc_error *err)
{
    if (!b->ids || !b->types || !b->positions || !b->starts || !b->examples)
        return bc_fail(err, BERTC_USAGE, "an array of the batch is null");
    if (b->sequences > b->max_sequences || b->tokens > b->max_tokens)
        return bc_fail(err, BERTC_USAGE, "a batch of %d sequences and %d tokens has a capacity of %d and %d",
                       (int)b->sequences, (int)b->tokens, (int)b->max_sequences, (int)b->max_tokens);
    if (b->sequences < 1 || b->sequences > limits->sequences || b->tokens > limits->tokens ||
        b->longest > limits->longest)
        return bc_fail(err, BERTC_INPUT,
                       "a batch of %d sequences, %d tokens, longest %d exceeds the workspace's limits %d, %d, %d",
                       (int)b->sequences, (int)b->tokens, (int)b->longest, (int)limits->sequences,
                       (int)limits->tokens, (int)limits->longest);
    if (b->starts[0] != 0 || b->starts[b->sequences] != b->tokens)
        return bc_fail(err, BERTC_INPUT, "a batch of %d tokens: its sequences are tokens %d to %d",
                       (int)b->tokens, (int)b->starts[0], (int)b->starts[b->sequences]);
    return BERTC_OK;
}

bertc_status bc_model_check_batch(const bertc_model *model, const bertc_workspace *workspace,
                                  const bertc_batch *batch, bertc_error *err)
{
    if (!bc_workspace_is_for(workspace, model))
        return bc_fail(err, BERTC_USAGE, "the workspace was made for another model");
    bertc_status status = check_shape(batch, &workspace->limits, err);
    if (status != BERTC_OK) return status;
    for (int32_t s = 0; s < batch->sequences; s++) {
        status = check_sequence(&model->config, batch, s, err);
        if (status != BERTC_OK) return status;
    }
    return BERTC_OK;
}
