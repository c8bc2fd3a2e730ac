/* An open source of weights: named tensors, read in pieces, from a file of any format. Loading, inspect, truncate and
 * the readers of a run's own files use only this interface, never a particular format.
 *
 * A reader for one format fills a bc_weights: it lists the tensors and reads their bytes in row-major order. If a file
 * stores a tensor strided or transposed, reading puts it in order. A set of several files lists copies of the tensors
 * of its parts; each copy points to its part.
 *
 * 1. Opening checks the whole list: no count, shape or length in it can lead outside the files.
 * 2. Values are read straight into the caller's memory; nothing is cached.
 * 3. Reading a file that has become shorter is an error. bc_weights_check detects any other change.
 * 4. Several threads may read from one source at once. */
#ifndef BC_FORMATS_WEIGHTS_H
#define BC_FORMATS_WEIGHTS_H

#include "bertc/status.h"
#include "formats/dtype.h"

enum { BC_MAX_RANK = 8 };

typedef struct bc_weights bc_weights;

typedef struct bc_tensor {
    const bc_weights *weights; /* the source that reads it */
    const char *name;          /* owned by the source */
    bc_dtype dtype;
    int rank; /* 0: a single value */
    size_t shape[BC_MAX_RANK];
    size_t count;    /* number of values: the product of the shape */
    size_t bytes;    /* size of `count` values */
    size_t position; /* the reader finds the data by it; a copy of this struct can be read too */
} bc_tensor;

/* The functions of a reader. */
typedef struct bc_weights_methods {
    /* Read the bytes from .. from + length - 1 of a tensor; the range is valid. Errors: BERTC_IO. */
    bertc_status (*read)(const bc_tensor *tensor, size_t from, size_t length, void *to, bertc_error *err);
    bertc_status (*check)(const bc_weights *weights, bertc_error *err); /* see bc_weights_check */
    void (*close)(bc_weights *weights);                                 /* release `state` */
} bc_weights_methods;

/* An open source. Do not copy it: its tensors point to it. {0} is a closed source. */
struct bc_weights {
    const bc_weights_methods *methods;
    char *path; /* path in messages; owned */
    size_t count;
    bc_tensor *tensors;    /* (count) owned */
    const char *framework; /* the framework that the file states, such as "pt"; null: not stated */
    void *state;           /* the reader's own data */
};

/* The tensor of exactly this name, or null. */
const bc_tensor *bc_weights_find(const bc_weights *weights, const char *name);

/* Check that the files have not changed since they were opened. Errors: BERTC_IO. */
bertc_status bc_weights_check(const bc_weights *weights, bertc_error *err);

void bc_weights_close(bc_weights *weights); /* may be called after a failed open, and twice */

/* Check that a tensor's values are floating point (bc_dtype_is_float). Errors: BERTC_INPUT with path and tensor. */
bertc_status bc_tensor_check_float(const bc_tensor *tensor, bertc_error *err);

/* Check that all values x (count) of a tensor are finite. Errors: BERTC_INPUT with path and tensor. */
bertc_status bc_tensor_check_finite(const bc_tensor *tensor, const float *x, size_t count, bertc_error *err);

/* Read the values from .. from + count - 1 of a floating-point tensor as f32, converted by bc_dtype_convert.
 * Errors: those of bc_tensor_check_float; BERTC_IO. */
bertc_status bc_tensor_floats(const bc_tensor *tensor, size_t from, size_t count, float *to, bertc_error *err);

/* Read the bytes from .. from + length - 1 of any tensor. Errors: BERTC_IO. */
bertc_status bc_tensor_bytes(const bc_tensor *tensor, size_t from, size_t length, void *to, bertc_error *err);

#endif
