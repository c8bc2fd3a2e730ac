/* Stages: the parts of a model in the order of the forward pass.
 *
 *   0           embeddings
 *   1 .. L      layers 0 .. L - 1
 *   L + 1       pooler
 *   L + 2       head
 *
 * bertc_model_options.frozen is a number of stages, counted from the embeddings up. The head is never frozen. */
#ifndef BC_NN_STAGE_H
#define BC_NN_STAGE_H

enum { BC_STAGE_EMBEDDINGS = 0, BC_STAGE_LAYERS = 1 };

static inline int bc_stage_layer(int layer)
{
    return BC_STAGE_LAYERS + layer;
}

static inline int bc_stage_pooler(int layers)
{
    return bc_stage_layer(layers);
}

static inline int bc_stage_head(int layers)
{
    return bc_stage_pooler(layers) + 1;
}

/* The number of layers below a stage, which is also the first layer at or above it; L for the pooler and the head. */
static inline int bc_layers_below(int stage, int layers)
{
    int below = stage - BC_STAGE_LAYERS;
    return below < 0 ? 0 : below < layers ? below : layers;
}

#endif
