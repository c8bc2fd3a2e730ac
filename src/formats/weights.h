/* Where weights come from: named tensors, read by pieces, whatever kind of file holds them. Loading, inspect, truncate
 * and what reads a run's own files see this and no kind.
 *
 * A kind is a reader: it opens what it finds, lists the tensors, and gives their bytes in row-major order, wherever
 * they lie: strided or transposed ones it puts in order when they are read. A set of several files lists copies of its
 * parts' tensors: each knows the part that it is in.
 *
 * 1. What a source lists was checked when it was opened: no count, shape or length in it can lead outside its files.
 * 2. Values are read straight to where they are wanted, and nothing keeps them.
 * 3. A file that is shortened meanwhile is an error; one that was changed is found out by bc_weights_check.
 * 4. Many threads may read from one source. */
#ifndef BC_FORMATS_WEIGHTS_H
#define BC_FORMATS_WEIGHTS_H

#include "bertc/status.h"
#include "formats/dtype.h"

enum { BC_MAX_RANK = 8 };

typedef struct bc_weights bc_weights;

typedef struct bc_tensor {
    const bc_weights *weights; /* the source that reads it */
    const char *name;     /* owned by that */
    bc_dtype dtype;
    int rank; /* 0: one value */
    size_t shape[BC_MAX_RANK];
    size_t count; /* product of the shape */
    size_t bytes; /* count values of its type */
    size_t position; /* where its reader finds it: all that reading needs, so that another list may have a copy */
} bc_tensor;

/* What a kind does. */
typedef struct bc_weights_kind {
    /* The bytes from .. from + length - 1 of a tensor, which has them. Errors: BERTC_IO. */
    bertc_status (*read)(const bc_tensor *tensor, size_t from, size_t length, void *to, bertc_error *err);
    bertc_status (*check)(const bc_weights *weights, bertc_error *err); /* bc_weights_check */
    void (*close)(bc_weights *weights);                                 /* release `own` */
} bc_weights_kind;

/* An open source. It is not copied, as its tensors point to it. {0} is closed. */
struct bc_weights {
    const bc_weights_kind *kind;
    char *path; /* for messages; owned */
    size_t count;
    bc_tensor *tensors; /* (count) owned */
    const char *format; /* the framework that it says it is of, "pt"; null: it does not say */
    void *own;          /* the reader's */
};

/* By exact name, or null. */
const bc_tensor *bc_weights_find(const bc_weights *weights, const char *name);

/* Is what was read of the files that were opened, or were they changed meanwhile? Errors: BERTC_IO. */
bertc_status bc_weights_check(const bc_weights *weights, bertc_error *err);

void bc_weights_close(bc_weights *weights); /* also after a failed open, or twice */

/* Refuse a tensor whose values are not floating point (bc_dtype_is_float); values x (count) of one that are not
 * finite. Errors: BERTC_INPUT naming path and tensor. */
bertc_status bc_tensor_check_float(const bc_tensor *tensor, bertc_error *err);
bertc_status bc_tensor_check_finite(const bc_tensor *tensor, const float *x, size_t count, bertc_error *err);

/* The values from .. from + count - 1 of a tensor that passes bc_tensor_check_float, as bc_dtype_convert makes them.
 * Errors: those of that; BERTC_IO. */
bertc_status bc_tensor_floats(const bc_tensor *tensor, size_t from, size_t count, float *to, bertc_error *err);

/* The bytes from .. from + length - 1 of any tensor. Errors: BERTC_IO. */
bertc_status bc_tensor_bytes(const bc_tensor *tensor, size_t from, size_t length, void *to, bertc_error *err);

#endif
