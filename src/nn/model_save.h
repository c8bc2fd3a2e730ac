/* Saving models. Adapters are merged into their matrices one matrix at a time, when the matrix is written. */
#ifndef BC_NN_MODEL_SAVE_H
#define BC_NN_MODEL_SAVE_H

#include "base/writer.h"
#include "nn/model.h"
#include "nn/values.h"

/* Write a block of values in the model's format, with one of its heads. values: the model's own, or the best weights of
 * a run. hashes: receives the hashes of the files; may be null. */
bertc_status bc_model_save_values(const bertc_model *model, int head, const bc_values *values, const bc_dir *dir,
                                  bc_file_hashes *hashes, bertc_error *err);

/* The number of scalars of the buffer in which saving merges adapters: the largest matrix that has an adapter, and its
 * A and B. 0: no adapters. */
size_t bc_model_merge_scalars(const bertc_model *model);

#endif
