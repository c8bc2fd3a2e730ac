#include "nn/values.h"

#include <string.h>

const float *bc_values_at(const bc_values *values, const bc_param *param)
{
    return values->memory ? values->memory + param->offset : NULL;
}

bertc_status bc_values_read(const bc_values *values, size_t from, size_t count, float *to, bertc_error *err)
{
    if (values->memory) {
        memcpy(to, values->memory + from, count * sizeof *to);
        return BERTC_OK;
    }
    bertc_status status = bc_tensor_floats(values->tensor, from, count, to, err);
    return status == BERTC_OK ? bc_weights_check(values->tensor->weights, err) : status;
}

bertc_status bc_values_make(const void *maker, size_t index, size_t from, size_t length, void *to, bertc_error *err)
{
    const bc_value_maker *m = maker;
    return bc_values_read(m->values, m->params[index]->offset + from / sizeof(float), length / sizeof(float), to, err);
}
