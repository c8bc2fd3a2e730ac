/* A block of the values of all parameters, in the order of the parameter table. The block is in memory, or it is one
 * tensor of a file (the best weights of a run) and is read in pieces. */
#ifndef BC_NN_VALUES_H
#define BC_NN_VALUES_H

#include "formats/weights.h"
#include "nn/params.h"

typedef struct bc_values {
    const float *memory;     /* null: the values are in the tensor */
    const bc_tensor *tensor; /* F32 */
} bc_values;

/* The values of a parameter; null if they are in a file. */
const float *bc_values_at(const bc_values *values, const bc_param *param);

/* Read the values from .. from + count - 1 of the block. Errors: BERTC_IO, also if the file was changed after it was
 * opened. */
bertc_status bc_values_read(const bc_values *values, size_t from, size_t count, float *to, bertc_error *err);

/* The context of bc_values_make. */
typedef struct bc_value_maker {
    const bc_values *values;
    const bc_param *const *params; /* params[i] is the parameter that tensor i holds */
} bc_value_maker;

/* The `generate` of a bc_tensor_generator for F32 tensors that hold parameters. */
bertc_status bc_values_make(const void *maker, size_t index, size_t from, size_t length, void *to, bertc_error *err);

#endif
