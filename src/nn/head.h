/* Heads: the part of a model that computes logits from rows of the encoder's output, and their loss.
 *
 * A kind of head is a constant bc_head_row: its parameters, its input, the meaning of its logits, and its functions.
 * Passes, the workspace's plan and the parameters use this struct and do not depend on a kind. A new kind needs a file
 * in nn/heads/ with its bc_head_row, a declaration below, rows in the table of nn/params.h if its parameters are new,
 * and code that chooses it (bc_head_of, and open_heads in run/prepare.c).
 *
 * 1. Logits are (R,C): one row for each row that the head reads, one column for each of its labels.
 * 2. A head's functions neither allocate nor fail, because passes call them. */
#ifndef BC_NN_HEAD_H
#define BC_NN_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "bertc/batch.h"
#include "nn/gemm/gemm.h"
#include "nn/profile.h"
#include "nn/ops/dropout.h"
#include "nn/params.h"

/* The rows of the encoder's output that a head reads. The last layer does not compute rows that no head reads. */
typedef enum bc_head_input {
    BC_INPUT_POOLED, /* the first row of each sequence, after the pooler */
    BC_INPUT_ALL_ROWS
} bc_head_input;

/* The meaning of a row of logits. */
typedef enum bc_head_output {
    BC_OUTPUT_CLASS, /* the predicted class is the label of the largest logit */
    BC_OUTPUT_VALUE, /* the only logit is the predicted value; the only label is its name */
    BC_OUTPUT_LABELS /* each logit is the log-odds of its label */
} bc_head_output;

/* Options of a loss.
 *
 * Classification: the cross-entropy of an example of label y is the sum over c of -target[c] * log softmax(logits)[c]
 * with
 *
 *   target[c] = (1 - smoothing) * weights[y] * [c = y] + smoothing / C * weights[c]
 *
 * If the divisor is the sum of weights[y] over the batch, this is torch.nn.CrossEntropyLoss(weight, label_smoothing).
 * Source: Szegedy et al. 2016, section 7
 *
 * Multi-label: the loss of an example is the mean over c of
 *
 *   -weights[c] * log sigmoid(logits[c])   if it has label c
 *   -log(1 - sigmoid(logits[c]))           if it lacks label c
 *
 * If the divisor is the number of examples, this is torch.nn.BCEWithLogitsLoss(pos_weight = weights).
 *
 * Regression has no options. */
typedef struct bc_objective {
    const double *weights; /* (C) weights of classes, or of the examples that have a label; null: all are 1 */
    double smoothing;      /* 0 to 1; only of classifications */
} bc_objective;

/* Arguments of a head's forward and backward pass. */
typedef struct bc_head_pass {
    const bertc_batch *rows; /* the R rows as a batch; pooled rows count as S sequences of length 1 */
    bc_gemm *gemm;
    bc_profile *profile;
    bc_dropout dropout;      /* dropout of x */
    const bc_param *params;  /* the head's parameters in the order of the parameter table */
    const bc_param *words;   /* the word embedding table */
    bool by_row;             /* compute each row of logits by a product of its own: the same bits in every batch */
    size_t h, c;
    float *x;                /* (R,H) input */
    float *x_dropped;        /* (R,H) x after dropout; forward sets it, backward reads it */
    float *logits, *dlogits; /* (R,C) */
} bc_head_pass;

typedef void (*bc_head_fwd)(const bc_head_pass *p);

/* dx: (R,H) out; null: not wanted. accumulate: add to the gradients of parameters, else overwrite them. */
typedef void (*bc_head_bwd)(float *dx, const bc_head_pass *p, bool accumulate);

/* Compute the sum over the batch of the loss. dlogits: (R,C) out, gradient of sum / divisor; null: not wanted.
 * objective: null selects the default options, {0}. */
typedef double (*bc_head_loss)(float *dlogits, const float *logits, const bertc_batch *batch, size_t c,
                               const bc_objective *objective, double divisor);

typedef struct bc_head_row {
    bc_param_id first, end; /* the head's parameters are the entries first .. end - 1 of the parameter table */
    bc_head_input input;
    bool dense_words;       /* the head has a gradient for every row of the word embedding table. Its backward pass
                               computes that gradient first; the embeddings' backward pass then adds to it */
    bc_head_output output;
    bc_head_fwd fwd;
    bc_head_loss loss;
    bc_head_bwd bwd;
} bc_head_row;

static inline size_t bc_head_params(const bc_head_row *row)
{
    return (size_t)(row->end - row->first);
}

extern const bc_head_row bc_head_classification; /* softmax cross-entropy with the batch's labels */
extern const bc_head_row bc_head_multilabel; /* sigmoid cross-entropy of each label; labels of the batch are rising */
extern const bc_head_row bc_head_regression;     /* squared error of the batch's values; has one label and ignores loss
                                                    options */

/* The description of a head for a model that is loaded. */
typedef struct bc_head {
    const bc_head_row *row;
    const char *name; /* prefix of the names of its parameters; null if it is the only head */
    const char *const *labels;
    int32_t num_labels;
} bc_head;

#endif
