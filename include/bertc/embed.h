/* Feature extraction: outputs of an encoder's layers for lines of text or for a split of a task.
 *
 * 1. Values equal transformers' output_hidden_states: index 0 is the output of the embeddings, index l the output of
 *    layer l. Pooling includes all tokens of a text, also [CLS] and [SEP].
 * 2. Examples come in the order of the data. Memory holds the tokenised data and a few megabytes of results, for any
 *    number of examples.
 * 3. The model needs neither a pooler nor a head.
 *
 * Threads: as for the jobs of train.h. The sink is called in the thread that called bertc_embed. Its arguments are
 * valid only during the call, except the tokenizer, which is valid until the job ends. */
#ifndef BERTC_EMBED_H
#define BERTC_EMBED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/model.h"
#include "bertc/status.h"
#include "bertc/task.h"
#include "bertc/tokenizer.h"
#include "bertc/train.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum bertc_combine { BERTC_COMBINE_MEAN, BERTC_COMBINE_CONCAT } bertc_combine;
typedef enum bertc_pool { BERTC_POOL_NONE, BERTC_POOL_CLS, BERTC_POOL_MEAN, BERTC_POOL_MAX } bertc_pool;

typedef struct bertc_embed_options {
    bertc_predict_options on; /* give both task and data for a split, neither for lines of text */
    bool pair;             /* each line contains two texts, separated by a TAB */
    const char *layers;    /* "12", "-1" (the last), "1,2,-1", "all" */
    bertc_combine combine; /* how several layers are combined */
    bertc_pool pool;
    bool normalize;        /* scale each row to Euclidean length 1 */
} bertc_embed_options;

/* Sizes of the result, known before the first embedding. */
typedef struct bertc_embed_shape {
    size_t examples;  /* number of examples */
    size_t tokens;    /* number of tokens of all examples */
    size_t rows;      /* number of rows of all examples: one per example if pooled, else one per token */
    size_t width;     /* values per row: hidden_size, times the number of layers if they are concatenated */
    const bertc_tokenizer *tokenizer;
} bertc_embed_shape;

typedef struct bertc_embedding {
    size_t index;         /* index of the example in the data, from 0 */
    const bertc_example *example; /* its text, and its index if the file has an index column */
    size_t rows;          /* 1 if pooled, else the example's number of tokens */
    const float *values;  /* (rows,width) */
    const int32_t *ids;   /* the example's token ids */
} bertc_embedding;

/* Receives the results. Any status but BERTC_OK that a member returns ends the job. */
typedef struct bertc_embed_sink {
    bertc_status (*begin)(void *user, const bertc_embed_shape *shape, bertc_error *err);
    bertc_status (*take)(void *user, const bertc_embedding *example, bertc_error *err);
    void *user;
} bertc_embed_sink;

/* Compute embeddings and pass them to the sink. Errors: BERTC_USAGE for a layer that the model does not have, a null
 * pointer or an option out of range; the errors of reading data and models; the status of the sink. */
BERTC_API bertc_status bertc_embed(const bertc_embed_options *options, const bertc_observer *observer,
                                   const bertc_embed_sink *sink, bertc_error *err);

#ifdef __cplusplus
}
#endif
#endif
