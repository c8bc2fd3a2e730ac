/* Loading a model in two steps: bc_model_open finds the tensor of every parameter, bc_model_read reads them. Threads
 * read tensors straight from the source into the parameter block. All values must be finite, and the files must not
 * change between the steps. */
#ifndef BC_NN_MODEL_LOAD_H
#define BC_NN_MODEL_LOAD_H

#include "nn/model.h"

/* Check the files of a model and plan its parameters. A workspace can then be planned, but there is no memory for
 * weights yet. The options are those of bertc_model_load, with a resolved number of threads. Errors: those of
 * bertc_model_load. */
bertc_status bc_model_open(const char *dir, const bertc_model_options *options, bertc_model **model, bertc_error *err);

/* Allocate and read the weights of an opened model, with the same options. After an error the model can only be freed.
 * Errors: BERTC_INPUT for values that are not finite; BERTC_IO; BERTC_NOMEM; the backend's errors. */
bertc_status bc_model_read(bertc_model *model, const bertc_model_options *options, bertc_error *err);

/* bc_model_open with `count` heads in place of the options' labels. The first of these heads with the labels of the
 * file's head gets that head's weights. */
bertc_status bc_model_open_heads(const char *dir, const bertc_model_options *options, const bc_head *heads, int count,
                                 bertc_model **model, bertc_error *err);

/* The first parameter of an opened model that is newly initialized, not counting heads; null: none. */
const bc_param *bc_model_first_initialized(const bertc_model *model);

#endif
