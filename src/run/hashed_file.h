/* Sealed files: safetensors that know when they were damaged.
 *
 * 1. A sealed file holds flat F32 tensors and texts (as metadata), and a hash over both.
 * 2. It is opened only if every byte is as it was written: tensors and texts by the hash, the
 *    rest of the header because no other text of that length means the same (its padding is
 *    checked byte for byte). */
#ifndef BC_RUN_HASHED_FILE_H
#define BC_RUN_HASHED_FILE_H

#include "formats/safetensors.h"

typedef struct bc_hashed_tensor {
    const char *name;
    const float *values;
    size_t count;
} bc_hashed_tensor;

enum { BC_HASHED_TENSORS = 4, BC_HASHED_TEXTS = 8 };

/* Write atomically. texts: key, value, ..., null. Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_hashed_file_write(const bc_dir *dir, const char *name, const bc_hashed_tensor *blocks, size_t count,
                             const char *const *texts, bertc_error *err);

/* Open and verify. Errors: BERTC_INPUT where the file is not whole; BERTC_IO, BERTC_NOMEM.
 * Close with bc_weights_close. */
bertc_status bc_hashed_file_open(const char *path, bc_weights *file, bertc_error *err);

/* Find a tensor that must have `count` values; or copy it. Errors: BERTC_INPUT; where a copy is not of the file
 * that was verified BERTC_IO. */
bertc_status bc_hashed_file_find(const bc_weights *file, const char *name, size_t count, const bc_tensor **tensor,
                                 bertc_error *err);
bertc_status bc_hashed_file_copy(const bc_weights *file, const char *name, float *to, size_t count, bertc_error *err);

#endif
