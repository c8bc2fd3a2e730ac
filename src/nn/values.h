/* A block of the values of all parameters, in table order: in memory, or in a file that has it as one tensor (the
 * best weights of a run), of which never more than a piece is in memory. */
#ifndef BC_NN_VALUES_H
#define BC_NN_VALUES_H

#include "formats/weights.h"
#include "nn/params.h"

typedef struct bc_values {
    const float *memory; /* null: in the file */
    const bc_tensor *tensor; /* F32 */
} bc_values;

/* Where a parameter's values lie; null: in the file. */
const float *bc_values_at(const bc_values *values, const bc_param *param);

/* The values from .. from + count - 1 of the block. Errors: BERTC_IO, also where the file was changed since it was
 * opened. */
bertc_status bc_values_read(const bc_values *values, size_t from, size_t count, float *to, bertc_error *err);

/* The `generate` of a bc_tensor_generator for F32 tensors that are parameters: context is a bc_value_maker, params[i]
 * the tensor i. */
typedef struct bc_value_maker {
    const bc_values *values;
    const bc_param *const *params;
} bc_value_maker;

bertc_status bc_values_make(const void *maker, size_t index, size_t from, size_t length, void *to, bertc_error *err);

#endif
