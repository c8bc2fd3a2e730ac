#include "jobs/inference.h"

#include "base/error.h"
#include "nn/model_load.h"
#include "run/memory.h"
#include "run/options.h"

bertc_status bc_inference_resolve(bc_inference *inference, const bertc_predict_options *o, int32_t threads,
                                  const bertc_notify *notify, bertc_error *err)
{
    inference->options = (bertc_model_options){
        .backend = bertc_backend_name((size_t)o->backend), .precision = o->precision, .threads = threads};
    if (notify) inference->options.notify = *notify;
    return bc_options_precision(inference->options.backend, &inference->options.precision, err);
}

bertc_status bc_inference_allocate(bc_inference *inference, const bertc_limits *limits, int32_t labels,
                                   size_t result_bytes, bertc_error *err)
{
    bertc_error why = {0};
    bertc_model *model = inference->model;
    bertc_status status = bc_memory_check_inference(model, inference->options.backend, limits, result_bytes, err);
    if (status == BERTC_OK) status = bc_model_read(model, &inference->options, err);
    if (status == BERTC_OK)
        status = bc_memory_explain(bertc_workspace_create(model, limits, &inference->workspace, &why), &why, err);
    if (status != BERTC_OK) return status;
    return bertc_batch_create(limits->sequences, limits->tokens, labels, &inference->batch, err);
}

void bc_inference_close(bc_inference *inference)
{
    bertc_batch_free(inference->batch);
    bertc_workspace_free(inference->workspace);
    bertc_model_free(inference->model);
    bc_model_source_close(&inference->source);
}
