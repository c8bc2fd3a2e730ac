/* The tensors of a model file, and how they fit BertForSequenceClassification.
 *
 * Threads: several threads may inspect at once. An inspection is plain data; several threads may read it while no
 * thread clears it. Null pointers: BERTC_USAGE. */
#ifndef BERTC_INSPECT_H
#define BERTC_INSPECT_H

#include <stdbool.h>
#include <stddef.h>

#include "bertc/config.h"
#include "bertc/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How a tensor fits the config.json in the same folder. */
typedef enum bertc_fit {
    BERTC_FIT_MATCHES,     /* has the name and shape of a parameter, and a floating-point type */
    BERTC_FIT_RENAMED,     /* the same, under an older name of the parameter */
    BERTC_FIT_IGNORED,     /* not a parameter of this model */
    BERTC_FIT_WRONG_SHAPE, /* a parameter, but config.json asks for another shape */
    BERTC_FIT_WRONG_TYPE,  /* a parameter, but its type cannot be read as floating point */
    BERTC_FIT_MISSING,     /* a parameter without a tensor in the file */
    BERTC_FIT_UNKNOWN,     /* no configuration to compare with */
    BERTC_FITS
} bertc_fit;

enum { BERTC_TENSOR_RANK = 8 };

typedef struct bertc_tensor_info {
    char *name;        /* the tensor's name in the file; the parameter's name if the tensor is missing */
    char *parameter;   /* the parameter's name; null if the tensor is not a parameter */
    const char *dtype; /* "F32", ...; "" if the tensor is missing */
    int rank;
    size_t shape[BERTC_TENSOR_RANK];
    size_t bytes;
    int wanted_rank; /* rank and shape that config.json requires of the parameter */
    size_t wanted_shape[2];
    bertc_fit fit;
} bertc_tensor_info;

typedef struct bertc_inspection {
    char *weights;        /* path of the file that was read */
    bool has_config;      /* the folder has a config.json that bertc supports */
    bertc_config config;  /* set if has_config */
    bertc_error refusal;  /* why the config.json, or the model as a whole, is not usable; status BERTC_OK: usable */
    size_t count;
    bertc_tensor_info *tensors; /* (count) in the order of the file, then the missing tensors */
    size_t tally[BERTC_FITS];   /* number of tensors for each bertc_fit */
    size_t bytes;               /* total size of all tensors in the file */
} bertc_inspection;

/* Inspect a model directory, an adapter directory, or a safetensors file, and compare its tensors with the config.json
 * in the same folder. Nothing is compared for an adapter, or if config.json is absent or not usable; `refusal` states
 * why it is not usable. Released by bertc_inspection_clear; cleared after an error. Errors: BERTC_INPUT for a path
 * without a model (the message states what the path is), for a damaged file, and for a file of another format (the
 * message states the format); BERTC_IO, BERTC_NOMEM. */
BERTC_API bertc_status bertc_inspect(const char *path, bertc_inspection *inspection, bertc_error *err);

/* "matches", "renamed", "ignored", "wrong shape", "wrong type", "missing", "not compared"; null if invalid. */
BERTC_API const char *bertc_fit_name(bertc_fit fit);

BERTC_API void bertc_inspection_clear(bertc_inspection *inspection);

#ifdef __cplusplus
}
#endif
#endif
