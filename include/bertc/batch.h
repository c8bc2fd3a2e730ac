/* Tokenised data sets and packed batches.
 *
 * There is no padding. A batch of S sequences has N rows, the sum of their lengths. Sequence s consists of the rows
 * starts[s] .. starts[s+1]-1, and the position of a row is its distance from starts[s].
 *
 * 1. bertc_inputs contains a tokenised data set; a batch copies some of its examples into buffers that were allocated
 *    once.
 * 2. `examples` contains each sequence's index in the data set. Dropout is a function of this index, so dropout masks
 *    do not depend on how sequences are grouped into batches.
 * 3. Labels are stored example by example: those of example i are label_starts[i] .. label_starts[i+1]-1. An example of
 *    a classification task has one label, labels[label_starts[i]]; the labels of a multi-label example are rising.
 *    bertc_example explains the labels of each kind of task.
 * 4. A text that is cut into windows is several examples of the inputs, one a window, with the same labels.
 *
 * Threads: inputs do not change after bertc_inputs_create, and several threads may read them at once. Only one thread
 * may fill a batch; several forward passes may read it at once. bertc_inputs_create uses the number of threads that
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

/* What happens to a text that is longer than the maximum length. */
typedef enum bertc_long {
    BERTC_LONG_DEFAULT, /* BERTC_LONG_HEAD; in bertc_predict_options the value that the model was trained with */
    BERTC_LONG_HEAD,    /* its first tokens are kept (bertc_tokenizer_encode) */
    BERTC_LONG_TAIL,    /* its last tokens are kept (bertc_tokenizer_encode_tail) */
    BERTC_LONG_WINDOWS  /* it is cut into windows (bertc_encoding_windows) */
} bertc_long;

/* The maximum length of texts, and what happens to longer texts. */
typedef struct bertc_length_limit {
    size_t max_length; /* in tokens, special tokens included */
    bertc_long long_texts;
    size_t window_overlap; /* number of word pieces that two windows share */
} bertc_length_limit;

typedef struct bertc_inputs {
    size_t count;         /* number of examples */
    size_t *starts;       /* (count+1) offsets into ids and types */
    int32_t *ids;         /* (starts[count]) token ids */
    uint8_t *types;       /* (starts[count]) token_type_ids */
    size_t *label_starts; /* (count+1) offsets into labels */
    int32_t *labels;      /* (label_starts[count]) in the model's label order */
    float *values;        /* (count) regression targets; NaN: none */
    size_t longest;       /* tokens in the longest example */
    size_t invalid;       /* number of invalid UTF-8 sequences that were replaced */
    size_t truncated;     /* number of examples that were truncated to max_length */
    size_t cut;           /* number of texts that were cut into windows */
    size_t texts;         /* number of texts, if any was cut into windows; else 0 */
    size_t *windows; /* (texts+1) text t is the examples windows[t] .. windows[t+1]-1; null: a text is an example */
} bertc_inputs;

/* Tokenise a data set. label_map (C) gives the model's class for each class of the task; null: they are the same.
 * Errors: BERTC_INPUT for an example whose labels do not fit the kind of its task; BERTC_USAGE, BERTC_NOMEM. */
BERTC_API bertc_status bertc_inputs_create(const bertc_tokenizer *tokenizer, const bertc_dataset *dataset,
                                           size_t max_length, const int32_t *label_map, bertc_inputs **inputs,
                                           bertc_error *err);

/* The same for texts of any length. Errors: also BERTC_INPUT for a pair whose shorter text leaves too few tokens for
 * windows, and for more than UINT32_MAX windows. */
BERTC_API bertc_status bertc_inputs_create_long(const bertc_tokenizer *tokenizer, const bertc_dataset *dataset,
                                                bertc_length_limit limit, const int32_t *label_map,
                                                bertc_inputs **inputs, bertc_error *err);

BERTC_API void bertc_inputs_free(bertc_inputs *inputs);

typedef struct bertc_batch {
    int32_t sequences;  /* S */
    int32_t tokens;     /* N */
    int32_t longest;    /* tokens in the longest sequence */
    int32_t *ids;       /* (N) token ids */
    uint8_t *types;     /* (N) token_type_ids */
    int32_t *positions; /* (N) */
    int32_t *starts;    /* (S+1) offsets into ids, types and positions */
    uint32_t *examples; /* (S) index in the data set */
    int32_t *label_starts; /* (S+1) offsets into labels */
    int32_t *labels;    /* (label_starts[S]) */
    float *values;      /* (S) regression targets; NaN: none */
    int32_t max_sequences, max_tokens, max_labels; /* capacity */
} bertc_batch;

/* Create an empty batch of this capacity. max_labels counts the labels of all sequences together: for a classification
 * it need not exceed max_sequences, for a regression it may be 0. Errors:
 * BERTC_USAGE for a capacity of less than one sequence, one token or zero labels; BERTC_NOMEM. */
BERTC_API bertc_status bertc_batch_create(int32_t max_sequences, int32_t max_tokens, int32_t max_labels,
                                          bertc_batch **batch, bertc_error *err);

BERTC_API void bertc_batch_free(bertc_batch *batch);

/* Replace the content of the batch with the examples order[0..n-1]. Errors: BERTC_USAGE for an index that is out of
 * range or an example that exceeds the capacity; the batch then contains the examples before it. */
BERTC_API bertc_status bertc_batch_fill(bertc_batch *batch, const bertc_inputs *inputs,
                                        const uint32_t *order, size_t n, bertc_error *err);

#ifdef __cplusplus
}
#endif
#endif
