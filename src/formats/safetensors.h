/* The safetensors format: a JSON header and the tensors' bytes, one after another.
 *
 *   u64 little-endian n | n bytes of JSON, padded with spaces | data
 *
 * 1. Of an open file the header is read and wholly checked: it is strict JSON without duplicate keys,
 *    every product and sum is checked for overflow, the tensors fill the data from its first byte
 *    to its last without holes or overlaps. Nothing read from it can point outside the file.
 * 2. Values are read by pieces, straight to where they are wanted; a tensor need not be aligned. A file that
 *    is shortened meanwhile is an error, and one that was changed is found out by bc_safetensors_check.
 * 3. What is written appears whole or not at all.
 *
 * Source: https://github.com/huggingface/safetensors, "Format". Little-endian hosts only. */
#ifndef BC_FORMATS_SAFETENSORS_H
#define BC_FORMATS_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/file.h"
#include "base/writer.h"
#include "bertc/status.h"

/* The types of the format; bc_safetensors_floats reads the first four. */
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
    size_t offset; /* of its data in the file */
    size_t bytes;
} bc_tensor;

typedef struct bc_safetensors {
    char *path;
    bc_input input;
    size_t data;  /* where the first tensor lies */
    bool trimmed; /* the header ends in "}" and spaces, as rule 3's files do */
    size_t count;
    bc_tensor *tensors; /* in the order of their data */
    cJSON *header;
} bc_safetensors;

/* "F32"; and how many bits one value takes. */
const char *bc_dtype_name(bc_dtype dtype);
size_t bc_dtype_bits(bc_dtype dtype);

/* Whether bc_safetensors_floats reads it. */
bool bc_dtype_is_float(bc_dtype dtype);

/* Open and check a file. Errors: BERTC_INPUT "path @OFFSET: ..." or "path: tensor "NAME": ...";
 * BERTC_IO; BERTC_NOMEM; *file is then closed. */
bertc_status bc_safetensors_open(const char *path, bc_safetensors *file, bertc_error *err);

/* By exact name, or null. */
const bc_tensor *bc_safetensors_find(const bc_safetensors *file, const char *name);

/* A value of "__metadata__", or null. */
const char *bc_safetensors_metadata(const bc_safetensors *file, const char *key);

void bc_safetensors_close(bc_safetensors *file); /* also after a failed open, or twice */

/* Refuse a tensor that is not of F32, F16, BF16 or F64. Errors: BERTC_INPUT naming `path`, tensor and type. */
bertc_status bc_tensor_check_float(const bc_tensor *tensor, const char *path, bertc_error *err);

/* The values from .. from + count - 1 of such a tensor. F64 is rounded to nearest, values beyond float's range
 * become infinite. Many threads may read at once. Errors: as bc_tensor_check_float; BERTC_IO. */
bertc_status bc_safetensors_floats(const bc_safetensors *file, const bc_tensor *tensor, size_t from, size_t count,
                                   float *out, bertc_error *err);

/* The bytes from .. from + length - 1 of any tensor. Errors: BERTC_IO. */
bertc_status bc_safetensors_bytes(const bc_safetensors *file, const bc_tensor *tensor, size_t from, size_t length,
                                  void *out, bertc_error *err);

/* Is what was read of one file, or was it changed meanwhile? Errors: BERTC_IO. */
bertc_status bc_safetensors_check(const bc_safetensors *file, bertc_error *err);

typedef struct bc_tensor_out {
    const char *name;
    bc_dtype dtype;
    int rank;
    size_t shape[BC_MAX_RANK];
    const void *data;
} bc_tensor_out;

/* Write tensors with distinct names, in the given order, the data starting at a multiple of 64.
 * `metadata` is key, value, ..., null; or null for none. Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_safetensors_write(const bc_dir *dir, const char *name, const bc_tensor_out *tensors,
                                  size_t count, const char *const *metadata, bertc_error *err);

/* The same where some values are made only when they are written: make(maker, i, from, length) puts the bytes
 * from .. from + length - 1 of tensors[i], whose data is null, to `to`. A tensor's pieces come in their order.
 * The file is noted in `ledger` unless that is null. */
typedef bertc_status (*bc_tensor_make)(const void *maker, size_t index, size_t from, size_t length, void *to,
                                       bertc_error *err);
bertc_status bc_safetensors_write_made(const bc_dir *dir, const char *name, const bc_tensor_out *tensors,
                                       size_t count, const char *const *metadata, bc_tensor_make make,
                                       const void *maker, bc_ledger *ledger, bertc_error *err);

#endif
