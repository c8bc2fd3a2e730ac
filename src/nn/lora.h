/* Low-rank adaptation (LoRA). A matrix W (out,in) that is not trained gets two trained matrices A (R,in) and B (out,R).
 * The layer then computes
 *
 *   y = x W^T + b + (alpha / R) dropout(x) A^T B^T
 *
 * 1. A and B are parameters like all others (params.h), in scope BC_SCOPE_ADAPTER. They follow all parameters of the
 *    table, ordered by layer and then by target, A before B. Only layers that are not frozen have them.
 * 2. Their products are plain loops, not calls of a GEMM backend: an R of 8 is too thin for a library. The results do
 *    not depend on the number of threads. In bf16 models x is read in bf16; A, B and all sums are f32.
 * 3. Each target has a dropout mask of its own (dropout.h).
 *
 * Source: Hu et al. 2021; initial values and names in files as in Hugging Face peft. */
#ifndef BC_NN_LORA_H
#define BC_NN_LORA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/model.h"
#include "nn/params.h"

/* The matrices that can have an adapter, in the order of the bits of bertc_lora.targets. */
enum { BC_LORA_TARGETS = 6 };

typedef struct bc_lora_target {
    const char *module; /* name in peft, such as "attention.self.query" */
    bc_param_id weight;
} bc_lora_target;

extern const bc_lora_target bc_lora_targets[BC_LORA_TARGETS];

/* The index of the target of a weight; -1: the weight is not a target. */
int bc_lora_target_of(bc_param_id weight);

/* Check that a model can have these adapters in the layers from `first` on. Errors: BERTC_USAGE, BERTC_INPUT. */
bertc_status bc_lora_check(const bertc_lora *lora, const bertc_config *config, int first, bertc_error *err);

/* The number of parameters of the adapters in `layers` layers. */
size_t bc_lora_count(const bertc_lora *lora, size_t layers);

/* Describe the parameters of the adapters in the layers from `first` on, as bc_param_plan does. base: the parameters of
 * the table. */
bool bc_lora_plan(const bertc_config *config, const bertc_lora *lora, int first, const bc_param *base,
                  bc_param *params, size_t *total);

/* The index of a matrix's A among the adapters' parameters; its B is the next one. SIZE_MAX: the matrix has no
 * adapter. */
size_t bc_lora_index(const bertc_lora *lora, int first, bc_param_id weight, int layer);

#endif
