/* The safetensors format: a JSON header and the tensors' bytes, one after another.
 *
 *   u64 little-endian n | n bytes of JSON, padded with spaces | data
 *
 * 1. An open file is mapped and wholly checked: the header is strict JSON without duplicate keys,
 *    every product and sum is checked for overflow, the tensors fill the data from its first byte
 *    to its last without holes or overlaps. Nothing read from it can point outside the map.
 * 2. Values are read where they lie; a tensor need not be aligned.
 * 3. What is written appears whole or not at all.
 *
 * It does not survive another process that shortens a file while it is mapped: reading beyond the
 * new end raises SIGBUS. Programs that follow rule 3 replace a file and never shorten it.
 *
 * Source: https://github.com/huggingface/safetensors, "Format". Little-endian hosts only. */
#ifndef BC_FORMATS_SAFETENSORS_H
#define BC_FORMATS_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/file.h"
#include "bertc/status.h"

/* The types of the format; bc_tensor_to_f32 reads the first four. */
typedef enum bc_dtype {
    BC_F32,
    BC_F16,
    BC_BF16,
    BC_F64,
    BC_I64,
    BC_I32,
    BC_U8,
    BC_BOOL,
    BC_I16,
    BC_I8,
    BC_U64,
    BC_U32,
    BC_U16,
    BC_C64,
    BC_F8_E5M2,
    BC_F8_E4M3,
    BC_F8_E8M0,
    BC_F6_E3M2,
    BC_F6_E2M3,
    BC_F4,
    BC_DTYPES
} bc_dtype;

enum { BC_MAX_RANK = 8 };

typedef struct bc_tensor {
    const char *name; /* owned by the header */
    bc_dtype dtype;
    int rank; /* 0: one value */
    size_t shape[BC_MAX_RANK];
    size_t count; /* product of the shape */
    const unsigned char *data;
    size_t bytes;
} bc_tensor;

typedef struct bc_safetensors {
    char *path;
    bc_map map;
    size_t count;
    bc_tensor *tensors; /* in the order of their data */
    cJSON *header;
} bc_safetensors;

/* "F32"; and how many bits one value takes. */
const char *bc_dtype_name(bc_dtype dtype);
size_t bc_dtype_bits(bc_dtype dtype);

/* Whether bc_tensor_to_f32 reads it. */
bool bc_dtype_is_float(bc_dtype dtype);

/* Map and check a file. Errors: BERTC_INPUT "path @OFFSET: ..." or "path: tensor "NAME": ...";
 * BERTC_IO; BERTC_NOMEM; *file is then closed. */
bertc_status bc_safetensors_open(const char *path, bc_safetensors *file, bertc_error *err);

/* By exact name, or null. */
const bc_tensor *bc_safetensors_find(const bc_safetensors *file, const char *name);

/* A value of "__metadata__", or null. */
const char *bc_safetensors_metadata(const bc_safetensors *file, const char *key);

void bc_safetensors_close(bc_safetensors *file); /* also after a failed open, or twice */

/* The values of an F32, F16, BF16 or F64 tensor. F64 is rounded to nearest, values beyond float's
 * range become infinite. Errors: BERTC_INPUT naming `path`, tensor and type. */
bertc_status bc_tensor_to_f32(const bc_tensor *tensor, float *out, const char *path,
                              bertc_error *err);

typedef struct bc_tensor_out {
    const char *name;
    bc_dtype dtype;
    int rank;
    size_t shape[BC_MAX_RANK];
    const void *data;
} bc_tensor_out;

/* Write tensors with distinct names, in the given order, the data starting at a multiple of 64.
 * `metadata` is key, value, ..., null; or null for none. Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_safetensors_write(const char *path, const bc_tensor_out *tensors, size_t count,
                                  const char *const *metadata, bertc_error *err);

/* The same where some values are made only when they are written: make(maker, i) gives those of
 * tensors[i], valid until its next call, and null for one that has its data. */
typedef const void *(*bc_tensor_make)(const void *maker, size_t index);
bertc_status bc_safetensors_write_made(const char *path, const bc_tensor_out *tensors, size_t count,
                                       const char *const *metadata, bc_tensor_make make,
                                       const void *maker, bertc_error *err);

#endif
