#include "formats/weights.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/finite.h"
#include "base/memory.h"

const bc_tensor *bc_weights_find(const bc_weights *weights, const char *name)
{
    for (size_t i = 0; i < weights->count; i++)
        if (strcmp(weights->tensors[i].name, name) == 0) return &weights->tensors[i];
    return NULL;
}

bertc_status bc_weights_check(const bc_weights *weights, bertc_error *err)
{
    return weights->methods->check(weights, err);
}

void bc_weights_close(bc_weights *weights)
{
    if (weights->methods) weights->methods->close(weights);
    bc_free(weights->tensors);
    bc_free(weights->path);
    *weights = (bc_weights){0};
}

/* Long names are cut, so that the reason fits into the message. */
bertc_status bc_tensor_check_float(const bc_tensor *tensor, bertc_error *err)
{
    if (bc_dtype_is_float(tensor->dtype)) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s: tensor \"%.200s\": %s values, expected floating point",
                   tensor->weights->path, tensor->name, bc_dtype_name(tensor->dtype));
}

bertc_status bc_tensor_check_finite(const bc_tensor *tensor, const float *x, size_t count, bertc_error *err)
{
    if (bc_all_finite(x, count)) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s: tensor \"%.200s\": a value is not finite", tensor->weights->path,
                   tensor->name);
}

bertc_status bc_tensor_bytes(const bc_tensor *tensor, size_t from, size_t length, void *to, bertc_error *err)
{
    assert(from <= tensor->bytes && length <= tensor->bytes - from);
    return tensor->weights->methods->read(tensor, from, length, to, err);
}

/* F32 is read directly; other types are converted from a buffer on the stack. */
bertc_status bc_tensor_floats(const bc_tensor *tensor, size_t from, size_t count, float *to, bertc_error *err)
{
    enum { PIECE = 1 << 15 };
    unsigned char piece[PIECE];
    bertc_status status = bc_tensor_check_float(tensor, err);
    if (status != BERTC_OK) return status;
    size_t width = bc_dtype_bits(tensor->dtype) / 8, max = PIECE / width;
    if (tensor->dtype == BC_F32) return bc_tensor_bytes(tensor, from * width, count * width, to, err);
    for (size_t at = 0, n; status == BERTC_OK && at < count; at += n) {
        n = count - at < max ? count - at : max;
        status = bc_tensor_bytes(tensor, (from + at) * width, n * width, piece, err);
        if (status == BERTC_OK) bc_dtype_convert(tensor->dtype, piece, to + at, n);
    }
    return status;
}
