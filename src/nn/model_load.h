/* Loading models: opened, which finds the tensor of every parameter, then read. Values go straight from their source
 * into the parameter block, tensors side by side; all of them are finite, and of files that did not change. */
#ifndef BC_NN_MODEL_LOAD_H
#define BC_NN_MODEL_LOAD_H

#include "nn/model.h"

/* The two halves of bertc_model_load, with the same options, but a number of threads that is settled. Opening checks
 * the files and lays out the parameters: what the workspace's plan needs is there, but no memory for weights. Reading
 * fails only where memory or the backend does; the model can then only be freed. */
bertc_status bc_model_open(const char *dir, const bertc_model_options *options, bertc_model **model, bertc_error *err);
bertc_status bc_model_read(bertc_model *model, const bertc_model_options *options, bertc_error *err);

/* The same with the heads (count) that are wanted in place of the options' labels. The file's head is
 * kept for the first of them whose labels it has. */
bertc_status bc_model_open_heads(const char *dir, const bertc_model_options *options, const bc_head *heads, int count,
                                 bertc_model **model, bertc_error *err);

/* The first parameter of the encoder of an opened model that no file holds; null: none. */
const bc_param *bc_model_first_missing(const bertc_model *model);

#endif
