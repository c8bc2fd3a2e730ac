/* The sizes of products in batch-invariant stages. */
#ifndef BC_NN_INVARIANCE_H
#define BC_NN_INVARIANCE_H

#include "nn/model.h"

enum { BC_INVARIANT_ROWS_MAX = 192 };

/* Choose model->invariant_rows, after all copies of the weights are made. Errors: BERTC_NOMEM; the backend's errors. */
bertc_status bc_model_probe_invariance(bertc_model *model, bertc_error *err);

#endif
