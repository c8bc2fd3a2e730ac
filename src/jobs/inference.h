/* Inference with a model directory: what predict and embed have in common. */
#ifndef BC_JOBS_INFERENCE_H
#define BC_JOBS_INFERENCE_H

#include "run/model_source.h"

typedef struct bc_inference {
    bc_model_source source;
    bertc_model_options options; /* the model is opened and read with these */
    bertc_model *model;
    bertc_workspace *workspace;
    bertc_batch *batch;
} bc_inference;

/* Set the model options, and resolve the precision. Errors: BERTC_USAGE, BERTC_NOMEM. */
bertc_status bc_inference_resolve(bc_inference *inference, const bertc_predict_options *o, int32_t threads,
                                  const bertc_notify *notify, bertc_error *err);

/* Check that the memory limit suffices, read the weights of the opened model, and allocate workspace and batch.
 * labels        the maximum number of labels in a batch
 * result_bytes  memory that the caller will allocate
 * Errors: BERTC_NOMEM; those of bc_model_read. */
bertc_status bc_inference_allocate(bc_inference *inference, const bertc_limits *limits, int32_t labels,
                                   size_t result_bytes, bertc_error *err);

void bc_inference_close(bc_inference *inference);

#endif
