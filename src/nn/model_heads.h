/* The heads of a model: which one a file's is kept for, and what labels they get. */
#ifndef BC_NN_MODEL_HEADS_H
#define BC_NN_MODEL_HEADS_H

#include "base/text.h"
#include "nn/model.h"

/* The kind that so many labels of sequences name in a configuration: one stands for a value. */
const bc_head_row *bc_head_of(int32_t num_labels);

/* The first of the heads (count) whose labels a configuration has, in any order, or unnamed ones of the
 * same number; -1: none. */
int bc_head_find(const bertc_config *config, const bc_head *heads, int count);

/* What became of a file's head, into `line`: kept, for which of several, or replaced (`kept` < 0), and why.
 * refusal: why nobody can keep it, or null. fits: its weights have the shape that its configuration asks for. */
void bc_head_describe(bc_text *line, const bertc_config *config, const char *refusal, bool fits, int kept,
                      const bc_head *heads, int count);

/* Give the model its heads, and settle what follows of them. One that is kept gets the labels of the configuration;
 * where none is wanted (count 0), the only one does. */
bertc_status bc_model_take_heads(bertc_model *model, const bc_head *heads, int count, int kept, bertc_error *err);

/* Describe their parameters, after those of encoder and pooler, and move the model's scalars; several have the names
 * of `heads` before those of their parameters. False where the sizes overflow. */
bool bc_model_plan_heads(bertc_model *model, const bc_head *heads);

#endif
