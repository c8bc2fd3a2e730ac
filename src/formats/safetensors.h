/* The safetensors format: a JSON header and the tensors' bytes, one after another.
 *
 *   u64 little-endian n | n bytes of JSON, padded with spaces | data
 *
 * 1. Of an open file the header is read and wholly checked: it is strict JSON without duplicate keys,
 *    every product and sum is checked for overflow, the tensors fill the data from its first byte
 *    to its last without holes or overlaps. Nothing read from it can point outside the file.
 * 2. A tensor need not be aligned. Its place is where its data begins in the file.
 * 3. What is written appears whole or not at all.
 *
 * Source: https://github.com/huggingface/safetensors, "Format". Little-endian hosts only. */
#ifndef BC_FORMATS_SAFETENSORS_H
#define BC_FORMATS_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/writer.h"
#include "formats/weights.h"

/* What such a file is called in a model's folder, and in an adapter's. */
#define BC_MODEL_WEIGHTS "model.safetensors"
#define BC_ADAPTER_WEIGHTS "adapter_model.safetensors"

/* Open and check a file; its tensors are in the order of their data. Errors: BERTC_INPUT "path @OFFSET: ..." or
 * "path: tensor "NAME": ..."; BERTC_IO; BERTC_NOMEM; *file is then closed. */
bertc_status bc_safetensors_open(const char *path, bc_weights *file, bertc_error *err);

/* Of a file that was opened so: its "__metadata__", strings by their keys, or null; one of them, or null. */
const cJSON *bc_safetensors_texts(const bc_weights *file);
const char *bc_safetensors_metadata(const bc_weights *file, const char *key);

/* Does its header end in "}" and spaces, as rule 3's files do? */
bool bc_safetensors_is_trimmed(const bc_weights *file);

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
                                       const void *maker, bc_file_hashes *hashes, bertc_error *err);

#endif
