/* Low-rank adaptation: beside a matrix W (out,in) that is not trained stand A (R,in) and B (out,R) that
 * are, and the layer computes
 *
 *   y = x W^T + b + (alpha / R) dropout(x) A^T B^T
 *
 * 1. A and B are parameters like others (params.h), in scope BC_SCOPE_ADAPTER, after all those of the
 *    table: by layer, by target, A before B. Only layers that are not frozen have them.
 * 2. Their products are plain loops in f32, not those of the GEMM seam: an R of 8 is too thin for a
 *    library, and the results do not depend on the number of threads. Where the layer's products take
 *    bf16, x is read in bf16 as those do; A, B and all sums are f32.
 * 3. The mask of dropout is one of its own for each target (dropout.h).
 *
 * Source: Hu et al. 2021; initial values and the names in files as in Hugging Face peft. */
#ifndef BC_NN_LORA_H
#define BC_NN_LORA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/model.h"
#include "nn/params.h"

/* The matrices that can be adapted, in the order of bertc_lora.targets' bits. */
enum { BC_LORA_TARGETS = 6 };

typedef struct bc_lora_target {
    const char *module; /* as peft names it: "attention.self.query" */
    bc_param_id weight;
} bc_lora_target;

extern const bc_lora_target bc_lora_targets[BC_LORA_TARGETS];

/* Which of them a weight is; -1: none. */
int bc_lora_target_of(bc_param_id weight);

/* Can a model have these adapters, in the layers from `first` on? Errors: BERTC_USAGE, BERTC_INPUT. */
bertc_status bc_lora_check(const bertc_lora *lora, const bertc_config *config, int first, bertc_error *err);

/* Parameters of the adapters in `layers` layers. */
size_t bc_lora_count(const bertc_lora *lora, size_t layers);

/* Describe those of the layers from `first` on, as bc_param_plan does; `base` are the table's. */
bool bc_lora_plan(const bertc_config *config, const bertc_lora *lora, int first, const bc_param *base,
                  bc_param *params, size_t *total);

/* Index of the A of a matrix, the B follows, among those parameters; SIZE_MAX: it has none. */
size_t bc_lora_index(const bertc_lora *lora, int first, bc_param_id weight, int layer);

#endif
