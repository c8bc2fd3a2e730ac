/* A BERT encoder with a classification or regression head, and its forward pass.
 *
 * 1. A model owns its parameters (one block) and nothing that depends on a batch; a workspace owns
 *    everything that does and is planned once from the largest batch it will see.
 * 2. What is written loads in transformers (AutoModelForSequenceClassification) and gives the
 *    same logits; config keys that bertc does not know are written back.
 * 3. No forward or backward pass allocates; what a backend makes for a new shape of product, the workspace keeps.
 *
 * Threads: a model does not change once it is made or loaded. Any number of threads may use one at once, each
 * with a workspace of its own and none inside a parallel region of OpenMP; results are those of one thread
 * alone, to the bit. A workspace, and the logits in it, belong to one thread at a time, whichever it is. Freeing
 * comes after all use. A pass runs on the model's number of threads: it sets that of OpenMP (omp_set_num_threads)
 * in the thread that calls it, and so do creating and loading. The backend openblas keeps a number of threads
 * for the whole process: its products in several threads come one after another, and a program's own use of
 * OpenBLAS beside them is for the program to order.
 *
 * Null pointers, options out of their range, a workspace of another model and a batch that contradicts itself:
 * BERTC_USAGE or BERTC_INPUT, before anything is computed. Every ..._free takes null. */
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

/* How the weights of a head that is not in the file are drawn. */
typedef enum bertc_init {
    BERTC_INIT_NORMAL,   /* normal(0, initializer_range), as transformers does */
    BERTC_INIT_TRUNCATED /* the same cut at two standard deviations, as Google's code does */
} bertc_init;

/* What the encoder's matrix products multiply. Sums, weights and everything else are f32. */
typedef enum bertc_precision { BERTC_F32, BERTC_BF16, BERTC_AUTO } bertc_precision;

/* Make BERTC_AUTO one of the others: bf16 where the processor has it and the backend uses that. Errors:
 * BERTC_USAGE for a value that is none, for bf16 where the backend cannot compute it ("reference" can, in plain
 * loops), and for a backend that is not to be had here; BERTC_NOMEM. */
BERTC_API bertc_status bertc_precision_resolve(const char *backend, bertc_precision *precision, bertc_error *err);

/* Low-rank adaptation (Hu et al. 2021): pairs A (rank,in), B (out,rank) are trained beside the matrices
 * of the layers, and the head; of the encoder nothing else is. */
typedef struct bertc_lora {
    int32_t rank;     /* 0: none, the other members do not count */
    uint32_t targets; /* bits: query 1, key 2, value 4, attention.output.dense 8,
                         intermediate.dense 16, output.dense 32, which goes with 8: peft takes
                         its name for both */
    double alpha;     /* the product is multiplied by alpha / rank */
    double dropout;   /* of its input, in training */
} bertc_lora;

typedef struct bertc_model_options {
    const char *backend; /* "onednn", "openblas", "reference"; null: "onednn" */
    bertc_precision precision; /* not BERTC_AUTO */
    int32_t threads;     /* as bertc_threads_resolve takes them; 0: those that pay */
    uint64_t seed;       /* for weights that are drawn */
    bertc_init init;
    /* The labels a head must have, or null to take the head as it is in the file (then a file
     * without one is an error). Where the file's head has the same labels by name, or unnamed
     * ones of the same number, it is kept in its own order; else a new one is drawn. */
    const char *const *labels;
    int32_t num_labels;
    bool trainable;      /* allocate gradients */
    int32_t frozen;      /* of the stages embeddings, each layer, pooler, how many are not trained, up to
                            num_hidden_layers + 2; 0: all are trained. The head always is */
    bool batch_invariant;        /* what is frozen stays so: there a sequence gets the same rows, to the bit, in
                            whatever batch it is */
    bool biases_only;    /* of the encoder train the biases alone (BitFit, Ben Zaken et al. 2022) */
    bertc_lora lora;     /* adapters in the layers that are not frozen */
    int32_t keep_layers; /* the model of the first so many layers; 0: all of them */
    bool encoder_only;       /* for the outputs of layers alone: neither pooler nor head need be there */
    bool new_head;     /* with labels: draw pooler and head anew, whatever the file has */
    int32_t reinit_layers; /* draw the last so many layers and the pooler anew (Zhang et al. 2021) */
    bertc_notify notify; /* receives one line: what was loaded, new, ignored */
} bertc_model_options;

/* A model with random weights: normal(0, initializer_range), LayerNorm gain 1, zero biases. Errors: BERTC_USAGE for
 * an option out of its range, BERTC_INPUT for the configuration, BERTC_NOMEM. */
BERTC_API bertc_status bertc_model_create(const bertc_config *config, const bertc_model_options *options,
                                          bertc_model **model, bertc_error *err);

/* Load `dir` (config.json, model.safetensors). Without labels in the options the file's head is taken, and where
 * bertc computes none of its kind (head_refusal of its configuration) that is an error; with labels it is then
 * replaced. Errors: BERTC_USAGE for an option out of its range, BERTC_INPUT naming file and tensor, or what `dir` is
 * where it is no model's folder, BERTC_IO, BERTC_NOMEM. After an error *model is null. */
BERTC_API bertc_status bertc_model_load(const char *dir, const bertc_model_options *options,
                                        bertc_model **model, bertc_error *err);

/* Is the model in `dir` whole? One that an unfinished fine-tuning run leaves in its folder, or in that of one of
 * its tasks, may lack any of its files, and is not loaded. Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
BERTC_API bertc_status bertc_model_check_finished(const char *dir, bertc_error *err);

/* Write config.json, then model.safetensors, into the existing folder `dir`. Each appears whole, in place of one that
 * is there; the two together do not: where it fails or is killed between, the first stays. A folder that must be
 * whole is filled under another name and renamed. Errors: BERTC_USAGE where the model is headless; BERTC_IO,
 * BERTC_NOMEM. */
BERTC_API bertc_status bertc_model_save(const bertc_model *model, const char *dir, bertc_error *err);

BERTC_API void bertc_model_free(bertc_model *model);

/* Write the model of the first `layers` layers of that in `dir` into the existing folder `out`: their
 * tensors, those outside the layers and the tokenizer's files byte for byte, config.json with another
 * num_hidden_layers. Each file appears whole, in place of one that is there, config.json last: a new folder
 * without it is unfinished. Where it fails, what was written stays. Errors: BERTC_USAGE where it has not so
 * many; BERTC_INPUT, also where one of the layers is not whole; BERTC_IO, BERTC_NOMEM. */
BERTC_API bertc_status bertc_model_truncate(const char *dir, int32_t layers, const char *out, bertc_error *err);

BERTC_API const bertc_config *bertc_model_config(const bertc_model *model);
BERTC_API size_t bertc_model_parameters(const bertc_model *model); /* number of scalars */

/* The names that bertc_model_options.backend takes; null past the end. */
BERTC_API const char *bertc_backend_name(size_t index);

/* Versions of the libraries and the instruction set they run on, one line each, into `out`: of the backend of this
 * name, or of all where it is null, and of those for text. */
BERTC_API void bertc_describe_libraries(const char *backend, char *out, size_t size);

/* The largest batch that a workspace must hold. The first three are at least 1, the others not negative. */
typedef struct bertc_limits {
    int32_t tokens;    /* N */
    int32_t sequences; /* S */
    int32_t longest;   /* tokens in one sequence */
    bool training;     /* keep what the backward pass needs */
    bool all_rows;        /* every row of the last layer's output, not only the heads' */
    int32_t checkpointing; /* N > 0: keep the inputs of every Nth layer for the backward pass and
                              compute the layers between again, to the same bits; 0: keep all */
    int32_t trained;   /* with training: the most tokens of a batch that is trained on, where others,
                          that are only read, may be longer; 0: any batch may be trained on */
} bertc_limits;

/* Memory for passes of `model`, which must outlive it. Errors: BERTC_USAGE for limits out of range, BERTC_NOMEM. */
BERTC_API bertc_status bertc_workspace_create(const bertc_model *model, const bertc_limits *limits,
                                              bertc_workspace **workspace, bertc_error *err);
BERTC_API void bertc_workspace_free(bertc_workspace *workspace);
BERTC_API size_t bertc_workspace_bytes(const bertc_workspace *workspace); /* of its buffers; 0: null */

/* Logits of a batch without dropout: (S,C) row-major, owned by the workspace until its next use.
 * Errors: BERTC_INPUT where an id, a type, a position or a length does not fit the model, or the batch not the
 * limits; BERTC_USAGE where the model is headless, or the workspace is another's; BERTC_NOMEM, or BERTC_IO where
 * the backend failed: then the workspace can only be freed. */
BERTC_API bertc_status bertc_model_forward(const bertc_model *model, bertc_workspace *workspace,
                                           const bertc_batch *batch, const float **logits, bertc_error *err);

/* Outputs of layers without dropout, as output_hidden_states gives them: out (count,N,H). 0 names the
 * output of the embeddings, l that of the l-th layer; nothing above the highest is computed. The
 * workspace was planned with `whole`. Errors: as above; BERTC_USAGE where it was not, or there is no such
 * layer. */
BERTC_API bertc_status bertc_model_hidden(const bertc_model *model, bertc_workspace *workspace,
                                          const bertc_batch *batch, const int32_t *layers,
                                          size_t count, float *out, bertc_error *err);

#ifdef __cplusplus
}
#endif
#endif
