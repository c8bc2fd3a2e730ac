/* The heads of a model: which of them is loaded from a file, and their labels. */
#ifndef BC_NN_MODEL_HEADS_H
#define BC_NN_MODEL_HEADS_H

#include "base/text.h"
#include "nn/model.h"

/* The kind of head for bertc_config's num_labels and multi_label. */
const bc_head_row *bc_head_of(int32_t num_labels, bool multi_label);

/* Find the first of `count` heads that has the kind and the labels of a config, in any order. Unnamed labels (LABEL_0,
 * ...) in the config match any labels of the same number. *found receives the head's index; -1: none. Errors:
 * BERTC_NOMEM. */
bertc_status bc_head_find(const bertc_config *config, const bc_head *heads, int count, int *found, bertc_error *err);

/* Append to `line` whether a file's head is kept or replaced, and why.
 *
 * refusal  the reason why bertc cannot compute the head, or null
 * fits     whether the head's weights have the shape of its config
 * kept     index of the model's head that gets the file's weights; -1: the file's head is replaced */
void bc_head_describe(bc_text *line, const bertc_config *config, const char *refusal, bool fits, int kept,
                      const bc_head *heads, int count);

/* Give the model its heads, and set the members that depend on them. The head `kept` gets the labels of the config.
 * With count 0 the model gets one head with the labels of the config. Errors: BERTC_NOMEM; those of
 * bertc_config_set_labels. */
bertc_status bc_model_take_heads(bertc_model *model, const bc_head *heads, int count, int kept, bertc_error *err);

/* Describe the parameters of the heads, which follow the parameters of encoder and pooler, and add their scalars to
 * model->scalars. If there are several heads, the names of their parameters begin with the head's name. Returns false
 * if the sizes overflow. */
bool bc_model_plan_heads(bertc_model *model, const bc_head *heads);

#endif
