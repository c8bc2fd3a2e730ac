/* Feature extraction: outputs of an encoder's layers for lines of text or a task's split.
 *
 * 1. Values are those of transformers' output_hidden_states: 0 is the output of the embeddings, l that
 *    of the l-th layer. Pooled over all tokens of a text, [CLS] and [SEP] among them.
 * 2. Examples come in the order of the data. Memory holds the tokenised data and a few megabytes of
 *    results, however many there are.
 * 3. Neither a pooler nor a head is needed.
 *
 * Threads: as for the jobs of train.h; the sink is called in the thread that called bertc_embed, and what it is
 * given lives only during the call, but for the vocabulary, which lives until the job ends. */
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
    bertc_predict_options on; /* task and data both, for a split; or neither, for lines of text */
    bool pair;           /* a line holds two texts, separated by a TAB */
    const char *layers;  /* "12", "-1" (the last), "1,2,-1", "all" */
    bertc_combine combine; /* of several layers */
    bertc_pool pool;
    bool normalize;      /* rows to Euclidean length 1 */
} bertc_embed_options;

/* What will come. */
typedef struct bertc_embed_shape {
    size_t examples, tokens; /* of all examples */
    size_t rows;             /* in all: examples where they are pooled, else tokens */
    size_t width;            /* of a row: hidden_size, times the layers where they are concatenated */
    const bertc_tokenizer *tokenizer;
} bertc_embed_shape;

typedef struct bertc_embedding {
    size_t index;         /* of the example, from 0 in the order of the data */
    const bertc_example *example; /* with the index that its file gives it, where there is one */
    size_t rows;          /* 1, or its tokens */
    const float *values;  /* (rows,width) */
    const int32_t *ids;   /* of its tokens */
} bertc_embedding;

/* Who takes the results; what a member returns but BERTC_OK ends the job. */
typedef struct bertc_embed_sink {
    bertc_status (*begin)(void *user, const bertc_embed_shape *shape, bertc_error *err);
    bertc_status (*take)(void *user, const bertc_embedding *example, bertc_error *err);
    void *user;
} bertc_embed_sink;

/* Errors: BERTC_USAGE for a layer that the model has not, a null pointer, or an option out of range; those of reading
 * data and models. */
BERTC_API bertc_status bertc_embed(const bertc_embed_options *options, const bertc_observer *observer,
                                   const bertc_embed_sink *sink, bertc_error *err);

#ifdef __cplusplus
}
#endif
#endif
