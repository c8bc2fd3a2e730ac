/* Heads: what makes numbers, the logits, of rows of the encoder's output, and a loss of those.
 *
 * A head is a row: its parameters, what it reads, what its logits mean, and how they are computed. Passes, the
 * workspace's plan and the parameters ask the row and know no head by name. A new kind of head is one more file in
 * nn/heads/ with its row, named below; its parameters in the table (nn/params.h), where they are others; and the
 * choice of it (bc_head_of, and head_of in run/prepare.c).
 *
 * 1. Logits are (R,C): a row for each that the head reads, a column for each of its labels.
 * 2. A head's functions neither allocate nor fail, like the passes that call them (law 1). */
#ifndef BC_NN_HEAD_H
#define BC_NN_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "bertc/batch.h"
#include "nn/gemm/gemm.h"
#include "nn/profile.h"
#include "nn/ops/dropout.h"
#include "nn/params.h"

/* Which rows of the encoder's output a head reads. What none reads, the last layer does not compute. */
typedef enum bc_head_input {
    BC_INPUT_POOLED, /* the first of each sequence, through the pooler */
    BC_INPUT_ALL_ROWS
} bc_head_input;

/* What a row of logits means. */
typedef enum bc_head_output {
    BC_OUTPUT_CLASS, /* the label of the largest */
    BC_OUTPUT_VALUE  /* the number itself; the one label is its name */
} bc_head_output;

/* What a loss is asked for. Cross-entropy takes in place of the label with probability 1, for an example of label y,
 *
 *   target[c] = (1 - smoothing) * weights[y] * [c = y] + smoothing / C * weights[c]
 *
 * and is the sum over c of -target[c] * log softmax(logits)[c]. With the sum of weights[y]
 * over the batch as divisor this is torch.nn.CrossEntropyLoss(weight, label_smoothing).
 * Source: Szegedy et al. 2016, section 7 */
typedef struct bc_objective {
    const double *weights; /* (C) of the classes; null: all 1 */
    double smoothing;      /* 0 to 1 */
} bc_objective;

/* What forward and backward of a head work on. */
typedef struct bc_head_pass {
    const bertc_batch *rows; /* those that it reads, R; pooled ones are sequences of one token */
    bc_gemm *gemm;
    bc_profile *profile;
    bc_dropout dropout;      /* of what it reads */
    const bc_param *params;  /* the head's, in the order of its row */
    const bc_param *words;   /* the word table */
    size_t h, c;
    float *x;                /* (R,H) what it reads */
    float *x_dropped;        /* (R,H) x after dropout; forward sets it, backward reads it */
    float *logits, *dlogits; /* (R,C) */
} bc_head_pass;

/* dx (R,H) out, null: not wanted. Gradients of parameters are added to with accumulate. */
typedef void (*bc_head_fwd)(const bc_head_pass *p);
typedef void (*bc_head_bwd)(float *dx, const bc_head_pass *p, bool accumulate);

/* Sum over the batch of the loss, in double. dlogits (R,C) out: gradient of sum / divisor; null: not wanted.
 * objective null: {0}. */
typedef double (*bc_head_loss)(float *dlogits, const float *logits, const bertc_batch *batch, size_t c,
                               const bc_objective *objective, double divisor);

typedef struct bc_head_row {
    bc_param_id first, end; /* its parameters are the rows first .. end - 1 of the table */
    bc_head_input input;
    bool dense_words;       /* its backward pass sets, or adds to, the gradient of the whole word table, to which that
                               of the embeddings is added */
    bc_head_output output;
    bc_head_fwd fwd;
    bc_head_loss loss;
    bc_head_bwd bwd;
} bc_head_row;

static inline size_t bc_head_params(const bc_head_row *row)
{
    return (size_t)(row->end - row->first);
}

extern const bc_head_row bc_head_classification; /* of sequences: softmax cross-entropy with the batch's labels */
extern const bc_head_row bc_head_regression;     /* squared error of the batch's values; one label, no objective */

/* A head that a model is to have. */
typedef struct bc_head {
    const bc_head_row *row;
    const char *name; /* before those of its parameters; null where it is the only one */
    const char *const *labels;
    int32_t num_labels;
} bc_head;

#endif
