/* What is in a model file, and how it fits BertForSequenceClassification.
 *
 * Threads: each may inspect at the same time as others; an inspection is plain data, which several may read
 * while none clears it. Null pointers: BERTC_USAGE. */
#ifndef BERTC_INSPECT_H
#define BERTC_INSPECT_H

#include <stdbool.h>
#include <stddef.h>

#include "bertc/config.h"
#include "bertc/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How a tensor fits the configuration beside it. */
typedef enum bertc_fit {
    BERTC_FIT_MATCHES,     /* name, shape and type are those of a parameter */
    BERTC_FIT_RENAMED,     /* the same under an older name */
    BERTC_FIT_IGNORED,     /* not a parameter of this model */
    BERTC_FIT_WRONG_SHAPE, /* a parameter, but the configuration asks for another shape */
    BERTC_FIT_WRONG_TYPE,  /* a parameter, but not of a floating-point type that is read */
    BERTC_FIT_MISSING,     /* a parameter that the file does not hold */
    BERTC_FIT_UNKNOWN,     /* there is no configuration to compare with */
    BERTC_FITS
} bertc_fit;

enum { BERTC_TENSOR_RANK = 8 };

typedef struct bertc_tensor_info {
    char *name;        /* in the file; of the parameter where it is missing */
    char *parameter;   /* the parameter's name; null where the tensor is none */
    const char *dtype; /* "F32", ...; "" where it is missing */
    int rank;
    size_t shape[BERTC_TENSOR_RANK];
    size_t bytes;
    int wanted_rank; /* of the parameter: its shape in the configuration */
    size_t wanted_shape[2];
    bertc_fit fit;
} bertc_tensor_info;

typedef struct bertc_inspection {
    char *weights;        /* path of the file that was read */
    bool has_config;      /* config.json stands beside it */
    bertc_config config;  /* where has_config */
    bertc_error refusal;  /* why the config.json beside it is not one that bertc computes */
    size_t count;
    bertc_tensor_info *tensors; /* as they lie in the file, then the missing ones */
    size_t tally[BERTC_FITS];   /* how many tensors fit in which way */
    size_t bytes;               /* of all tensors in the file */
} bertc_inspection;

/* Inspect a model directory, an adapter's, or a safetensors file, with the config.json beside it where
 * there is one; where that is refused, `refusal` says why and the tensors are not compared, and neither are
 * an adapter's. Released by bertc_inspection_clear; cleared after an error.
 * Errors: BERTC_INPUT for a path without a model, which says what is there, and for a damaged file or one of another
 * format, which says of which; BERTC_IO, BERTC_NOMEM. */
BERTC_API bertc_status bertc_inspect(const char *path, bertc_inspection *inspection, bertc_error *err);

/* "matches", "renamed", "ignored", "wrong shape", "wrong type", "missing", "not compared"; null: no bertc_fit. */
BERTC_API const char *bertc_fit_name(bertc_fit fit);

BERTC_API void bertc_inspection_clear(bertc_inspection *inspection);

#ifdef __cplusplus
}
#endif
#endif
