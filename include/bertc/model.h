/* A BERT encoder with a classification or regression head, and its forward pass.
 *
 * 1. A model owns its parameters (one block) and nothing that depends on a batch. A workspace owns all memory whose
 *    size depends on the batch, and is planned once for the largest batch.
 * 2. A saved model loads in transformers (AutoModelForSequenceClassification) and gives the same logits there. Unknown
 *    keys of config.json are written back.
 * 3. No forward or backward pass allocates, except that a backend may prepare a new shape of matrix product, which the
 *    workspace then keeps.
 *
 * Threads: a model does not change after it is created or loaded. Any number of threads may use it at once, each with
 * its own workspace and outside any parallel region of OpenMP. The results are those of a single thread, to the bit.
 * Only one thread at a time may use a workspace and the logits in it. Free a model only after its last use. Creating
 * and loading a model and every forward pass set OpenMP's number of threads in the calling thread to the model's number
 * (omp_set_num_threads). The backend openblas has one number of threads for the whole process: its matrix products in
 * several threads run one after another, and the program must not use OpenBLAS itself at the same time.
 *
 * Null pointers, options out of range, a workspace of another model and an inconsistent batch are errors (BERTC_USAGE
 * or BERTC_INPUT) before anything is computed. Every ..._free accepts null. */
#ifndef BERTC_MODEL_H
#define BERTC_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/batch.h"
#include "bertc/config.h"
#include "bertc/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bertc_model bertc_model;
typedef struct bertc_workspace bertc_workspace;

/* The distribution of newly initialized weights. */
typedef enum bertc_init {
    BERTC_INIT_NORMAL,   /* normal(0, initializer_range), as in transformers */
    BERTC_INIT_TRUNCATED /* the same, truncated at two standard deviations, as in Google's code */
} bertc_init;

/* Number type of the inputs of the encoder's matrix products. Sums, weights and everything else are f32. */
typedef enum bertc_precision { BERTC_F32, BERTC_BF16, BERTC_AUTO } bertc_precision;

/* Resolve BERTC_AUTO: bf16 if the processor has bf16 instructions and the backend uses them, else f32. Errors:
 * BERTC_USAGE for an invalid value, for bf16 if the backend cannot compute it here (the backend reference can on any
 * processor, slowly), and for a backend that is not available; BERTC_NOMEM. */
BERTC_API bertc_status bertc_precision_resolve(const char *backend, bertc_precision *precision, bertc_error *err);

/* Low-rank adaptation (Hu et al. 2021): each chosen matrix W of the layers computes with W + alpha / rank * B A. The
 * matrices A (rank,in) and B (out,rank) are trained, and the head; all other parameters of the encoder are frozen. */
typedef struct bertc_lora {
    int32_t rank;     /* 0: no adapters; the other members are ignored */
    uint32_t targets; /* bits: query 1, key 2, value 4, attention.output.dense 8, intermediate.dense 16, output.dense
                         32. 32 requires 8, because peft's target name output.dense matches both */
    double alpha;
    double dropout;   /* dropout probability of the adapters' inputs in training */
} bertc_lora;

typedef struct bertc_model_options {
    const char *backend;       /* "onednn", "openblas", "reference"; null: "onednn" */
    bertc_precision precision; /* not BERTC_AUTO */
    int32_t threads;           /* see bertc_threads_resolve; 0: the default number */
    uint64_t seed;             /* seed of newly initialized weights */
    bertc_init init;
    /* Labels of the head; null: use the head in the file, and fail if the file has none. If the file's head has the
     * same labels by name, or the same number of unnamed labels, and is of the same kind, it is kept, in its own order.
     * Otherwise the head is newly initialized. */
    const char *const *labels;
    int32_t num_labels;
    bool multi_label; /* with labels: the kind of the head, see bertc_config */
    bool trainable; /* allocate gradients */
    int32_t frozen; /* number of frozen stages, counted from the embeddings over the layers to the pooler; 0: all are
                       trained. The head is always trained */
    bool batch_invariant;  /* the frozen stages stay frozen for the model's whole life, and compute the same rows for a
                              sequence, to the bit, in every batch. If all stages are frozen and the model is not
                              trainable, the logits are the same too */
    bool biases_only;      /* train only the biases of the encoder, and the head (BitFit, Ben Zaken et al. 2022) */
    bertc_lora lora;       /* adapters in the layers that are not frozen */
    int32_t keep_layers;   /* number of layers to load, from the first; 0: all */
    bool encoder_only;     /* only bertc_model_hidden is used; the file needs neither pooler nor head */
    bool new_head;         /* with labels: initialize pooler and head newly even if the file has them */
    int32_t reinit_layers; /* number of last layers to initialize newly, together with the pooler (Zhang et al. 2021) */
    bertc_notify notify;   /* receives lines that state the loaded, newly initialized and ignored tensors */
} bertc_model_options;

/* Create a model with random weights: normal(0, initializer_range), LayerNorm gain 1, zero biases. Errors: BERTC_USAGE
 * for an option out of range, BERTC_INPUT for an invalid configuration, BERTC_NOMEM. */
BERTC_API bertc_status bertc_model_create(const bertc_config *config, const bertc_model_options *options,
                                          bertc_model **model, bertc_error *err);

/* Load a model directory (config.json, model.safetensors) or an adapter directory. If bertc does not support the head
 * in the file, the configuration's head_refusal states why. Then the head is newly initialized if the options give
 * labels; if they give none, that is an error. Errors: BERTC_USAGE for an option out of range; BERTC_INPUT with file
 * and tensor, or for a `dir` that is not a model directory (the message states what it is); BERTC_IO, BERTC_NOMEM.
 * After an error *model is null. */
BERTC_API bertc_status bertc_model_load(const char *dir, const bertc_model_options *options,
                                        bertc_model **model, bertc_error *err);

/* Check that `dir` is not the folder of an unfinished fine-tuning run or of one of its tasks, where files of the model
 * may be missing. Loading a model checks this too. Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
BERTC_API bertc_status bertc_model_check_finished(const char *dir, bertc_error *err);

/* Write config.json, then model.safetensors, into the existing folder `dir`. Each file is replaced atomically, but not
 * both together: after a failure or a kill in between, only config.json is new. To replace both atomically, save into a
 * temporary folder and rename that. Errors: BERTC_USAGE for a model without a head; BERTC_IO, BERTC_NOMEM. */
BERTC_API bertc_status bertc_model_save(const bertc_model *model, const char *dir, bertc_error *err);

BERTC_API void bertc_model_free(bertc_model *model);

/* Write a model with only the first `layers` layers of the model in `dir` into the existing folder `out`. All other
 * tensors and the tokenizer files are copied byte for byte, and num_hidden_layers in config.json is changed. Each file
 * is replaced atomically, config.json last, so that a new folder without it is unfinished. After a failure the files
 * already written stay. Errors: BERTC_USAGE if the model has fewer layers; BERTC_INPUT, also if a tensor of these
 * layers is missing; BERTC_IO, BERTC_NOMEM. */
BERTC_API bertc_status bertc_model_truncate(const char *dir, int32_t layers, const char *out, bertc_error *err);

BERTC_API const bertc_config *bertc_model_config(const bertc_model *model);
BERTC_API size_t bertc_model_parameters(const bertc_model *model); /* number of scalars */

/* The backend names for bertc_model_options; null after the last. */
BERTC_API const char *bertc_backend_name(size_t index);

/* Write one line for each library into `out`: its version and the instruction set that it uses. Includes the libraries
 * for text and that of one backend, or of all backends if `backend` is null. */
BERTC_API void bertc_describe_libraries(const char *backend, char *out, size_t size);

/* The largest batch for a workspace. The first three members are at least 1, the others not negative. */
typedef struct bertc_limits {
    int32_t tokens;    /* N */
    int32_t sequences; /* S */
    int32_t longest;       /* max tokens in one sequence */
    bool training;         /* store the values that the backward pass needs */
    bool all_rows;         /* compute every row of the last layer's output, not only the rows that the head reads */
    int32_t checkpointing; /* N > 0: store the inputs of every Nth layer for the backward pass and recompute the other
                              layers, to the same bits; 0: store all */
    int32_t trained; /* max tokens of a training batch, if batches for inference may be larger; 0: the same as
                        `tokens`. Used only with `training` */
} bertc_limits;

/* Allocate memory for forward and backward passes of `model`, which must outlive the workspace. Errors: BERTC_USAGE for
 * limits out of range, BERTC_NOMEM. */
BERTC_API bertc_status bertc_workspace_create(const bertc_model *model, const bertc_limits *limits,
                                              bertc_workspace **workspace, bertc_error *err);
BERTC_API void bertc_workspace_free(bertc_workspace *workspace);
BERTC_API size_t bertc_workspace_bytes(const bertc_workspace *workspace); /* total size of its buffers; 0 for null */

/* Compute the logits (S,C) of a batch without dropout. They are row-major, owned by the workspace, and valid until its
 * next use. Errors: BERTC_INPUT if an id, a type, a position or a length does not fit the model, or the batch exceeds
 * the limits; BERTC_USAGE if the model has no head, or the workspace belongs to another model; BERTC_NOMEM, or BERTC_IO
 * if the backend failed: after either, the workspace can only be freed. */
BERTC_API bertc_status bertc_model_forward(const bertc_model *model, bertc_workspace *workspace,
                                           const bertc_batch *batch, const float **logits, bertc_error *err);

/* Compute the outputs of `count` layers without dropout, as transformers' output_hidden_states: out (count,N,H). Layer
 * 0 is the output of the embeddings, layer l the output of the l-th layer. Layers above the highest number are not
 * computed. The workspace needs limits.all_rows. Errors: the errors of bertc_model_forward; BERTC_USAGE without
 * all_rows, or for a layer that the model does not have. */
BERTC_API bertc_status bertc_model_hidden(const bertc_model *model, bertc_workspace *workspace,
                                          const bertc_batch *batch, const int32_t *layers,
                                          size_t count, float *out, bertc_error *err);

#ifdef __cplusplus
}
#endif
#endif
