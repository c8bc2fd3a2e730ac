/* The safetensors format: a JSON header, then the bytes of the tensors one after another.
 *
 *   u64 little-endian n | n bytes of JSON, padded with spaces | data
 *
 * 1. Opening a file reads and checks the whole header: it is strict JSON without duplicate keys, no product or sum
 *    overflows, and the tensors fill the data from its first byte to its last without holes or overlaps. Nothing in the
 *    header can point outside the file.
 * 2. A tensor may start at any byte. Its `position` is the byte offset of its data in the file.
 * 3. A file is written completely or not at all.
 *
 * Source: https://github.com/huggingface/safetensors, "Format". Little-endian hosts only. */
#ifndef BC_FORMATS_SAFETENSORS_H
#define BC_FORMATS_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/writer.h"
#include "formats/weights.h"

/* The names of the weight files in a model directory and in an adapter directory. */
#define BC_MODEL_WEIGHTS "model.safetensors"
#define BC_ADAPTER_WEIGHTS "adapter_model.safetensors"

/* Open and check a file and list its tensors in the order of their data. Errors: BERTC_INPUT "path @OFFSET: ..." or
 * "path: tensor "NAME": ..."; BERTC_IO; BERTC_NOMEM. After an error *file is closed. */
bertc_status bc_safetensors_open(const char *path, bc_weights *file, bertc_error *err);

/* The "__metadata__" object of a file that bc_safetensors_open opened, which maps strings to strings; null if
 * absent. */
const cJSON *bc_safetensors_all_metadata(const bc_weights *file);

/* The string of one key in "__metadata__"; null if absent. */
const char *bc_safetensors_metadata(const bc_weights *file, const char *key);

/* Whether the header's JSON is followed by spaces alone, as in every file that this library writes. */
bool bc_safetensors_is_space_padded(const bc_weights *file);

typedef struct bc_tensor_out {
    const char *name;
    bc_dtype dtype;
    int rank;
    size_t shape[BC_MAX_RANK];
    const void *data; /* null: the generator gives the values */
} bc_tensor_out;

/* Write tensors with distinct names in the given order. The data starts at a multiple of 64 bytes. `metadata` is
 * key, value, ..., null; or null for no metadata. Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_safetensors_write(const bc_dir *dir, const char *name, const bc_tensor_out *tensors,
                                  size_t count, const char *const *metadata, bertc_error *err);

/* Generates values only when they are written. */
typedef struct bc_tensor_generator {
    /* Store the bytes from .. from + length - 1 of tensor `index` in `to`. Called once for each piece, in order. */
    bertc_status (*generate)(const void *context, size_t index, size_t from, size_t length, void *to, bertc_error *err);
    const void *context;
} bc_tensor_generator;

/* Write tensors as bc_safetensors_write does, with generated values for those whose data is null. Add the file to
 * `hashes` unless that is null. */
bertc_status bc_safetensors_write_generated(const bc_dir *dir, const char *name, const bc_tensor_out *tensors,
                                            size_t count, const char *const *metadata,
                                            const bc_tensor_generator *generator, bc_file_hashes *hashes,
                                            bertc_error *err);

#endif
