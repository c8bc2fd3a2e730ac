/* Saving models. Adapters are merged into their matrices while those are written, one at a time. */
#ifndef BC_NN_MODEL_SAVE_H
#define BC_NN_MODEL_SAVE_H

#include "base/writer.h"
#include "nn/model.h"
#include "nn/values.h"

/* Write a block of values (the model's own, or the best weights of a run) in the model's format, with one of its
 * heads. What is written is noted in `ledger` unless that is null. */
bertc_status bc_model_save_values(const bertc_model *model, int head, const bc_values *values, const bc_dir *dir,
                                  bc_file_hashes *ledger, bertc_error *err);

/* Scalars of the largest matrix that has an adapter, with that: saving makes it in a buffer of its own. */
size_t bc_model_merge_scalars(const bertc_model *model);

#endif
