/* Packed batches: where text and numbers meet.
 *
 * Padding does not exist. A batch of S sequences is N = sum of lengths rows; sequence s is the
 * rows starts[s] .. starts[s+1]-1, and the position of a row is its distance from starts[s].
 *
 * 1. bertc_inputs holds a whole tokenised data set; a batch copies chosen examples from it into
 *    buffers that were allocated once.
 * 2. `examples` carries each sequence's index in the data set: dropout is a function of it, so
 *    masks do not depend on how sequences are grouped.
 * 3. Labels lie one example behind the other, as many as each has (bertc_example says what they are): those of i are
 *    label_starts[i] .. label_starts[i+1]-1. A class is one, labels[label_starts[i]].
 *
 * Threads: inputs do not change once they are made, and several threads may read them at once. A batch belongs
 * to one thread at a time while it is filled; passes only read it. Making inputs takes as many threads as
 * OpenMP gives the caller. Null pointers: BERTC_USAGE. */
#ifndef BERTC_BATCH_H
#define BERTC_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "bertc/status.h"
#include "bertc/task.h"
#include "bertc/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bertc_inputs {
    size_t count;      /* examples */
    size_t *starts;    /* (count+1) offsets into ids and types */
    int32_t *ids;      /* (starts[count]) */
    uint8_t *types;    /* (starts[count]) */
    size_t *label_starts; /* (count+1) offsets into labels */
    int32_t *labels;   /* (label_starts[count]) in the model's order */
    float *values;     /* (count) regression target; NaN none */
    size_t longest;    /* tokens in the longest example */
    size_t invalid;    /* bad UTF-8 sequences replaced */
    size_t truncated;  /* examples that lost word pieces to max_length */
} bertc_inputs;

/* Tokenise a data set. label_map (C of the task) turns the task's class into the model's; null keeps it. Errors:
 * BERTC_INPUT for an example whose labels are not those of its task's kind; BERTC_USAGE, BERTC_NOMEM. */
BERTC_API bertc_status bertc_inputs_create(const bertc_tokenizer *tokenizer, const bertc_dataset *dataset,
                                           size_t max_length, const int32_t *label_map, bertc_inputs **inputs,
                                           bertc_error *err);

BERTC_API void bertc_inputs_free(bertc_inputs *inputs);

typedef struct bertc_batch {
    int32_t sequences;  /* S */
    int32_t tokens;     /* N */
    int32_t longest;    /* tokens in the longest sequence */
    int32_t *ids;       /* (N) */
    uint8_t *types;     /* (N) token_type_ids */
    int32_t *positions; /* (N) */
    int32_t *starts;    /* (S+1) */
    uint32_t *examples; /* (S) index in the data set */
    int32_t *label_starts; /* (S+1) */
    int32_t *labels;    /* (label_starts[S]) */
    float *values;      /* (S) */
    int32_t max_sequences, max_tokens, max_labels; /* capacity */
} bertc_batch;

/* An empty batch of this capacity. Of classes, a sequence has one label at most. Errors: BERTC_USAGE where it would
 * hold no sequence or no token, or less than no label; BERTC_NOMEM. */
BERTC_API bertc_status bertc_batch_create(int32_t max_sequences, int32_t max_tokens, int32_t max_labels,
                                          bertc_batch **batch, bertc_error *err);

BERTC_API void bertc_batch_free(bertc_batch *batch);

/* Fill with the examples order[0..n-1]. Errors: BERTC_USAGE for an example that there is not, or that does not fit
 * the capacity; those before it are in the batch. */
BERTC_API bertc_status bertc_batch_fill(bertc_batch *batch, const bertc_inputs *inputs,
                                        const uint32_t *order, size_t n, bertc_error *err);

#ifdef __cplusplus
}
#endif
#endif
