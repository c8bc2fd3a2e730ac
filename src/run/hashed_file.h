/* Hashed files: safetensors files that contain a hash of their content, so that damage is found.
 *
 * 1. A hashed file holds one-dimensional F32 tensors, texts as metadata, and a hash of both.
 * 2. It opens only if every byte is as it was written. Tensors and texts are checked by the hash. The rest of the
 *    header must be exactly what the writer writes. */
#ifndef BC_RUN_HASHED_FILE_H
#define BC_RUN_HASHED_FILE_H

#include "formats/safetensors.h"

typedef struct bc_hashed_tensor {
    const char *name;
    const float *values;
    size_t count;
} bc_hashed_tensor;

enum { BC_HASHED_TENSORS = 4, BC_HASHED_TEXTS = 8 };

/* Write a file atomically. texts: key, value, ..., null. Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_hashed_file_write(const bc_dir *dir, const char *name, const bc_hashed_tensor *tensors, size_t count,
                                  const char *const *texts, bertc_error *err);

/* Open and verify a file. Close it with bc_weights_close. Errors: BERTC_INPUT if it is damaged; BERTC_IO,
 * BERTC_NOMEM. */
bertc_status bc_hashed_file_open(const char *path, bc_weights *file, bertc_error *err);

/* Find a tensor that must have `count` values. Errors: BERTC_INPUT. */
bertc_status bc_hashed_file_find(const bc_weights *file, const char *name, size_t count, const bc_tensor **tensor,
                                 bertc_error *err);

/* Copy the values of a tensor that bc_hashed_file_find finds. Errors: BERTC_INPUT; BERTC_IO if the file changed since
 * it was verified. */
bertc_status bc_hashed_file_copy(const bc_weights *file, const char *name, float *to, size_t count, bertc_error *err);

#endif
