#include "run/hashed_file.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

static const char hash_key[] = "xxh3";

enum { PIECE = 1 << 20, PARTS = 2 * BC_HASHED_TENSORS + 2 * BC_HASHED_TEXTS };

/* The parts that are hashed, in order: keys and values of the texts, then names and values of the tensors. Strings
 * include their NUL, so that different lists give different bytes. */
typedef struct parts {
    bc_hash_part part[PARTS];
    size_t count;
} parts;

static bool add(parts *p, const void *bytes, size_t length)
{
    if (p->count == PARTS) return false;
    p->part[p->count++] = (bc_hash_part){bytes, length};
    return true;
}

static bool add_string(parts *p, const char *string)
{
    return add(p, string, strlen(string) + 1);
}

bertc_status bc_hashed_file_write(const bc_dir *dir, const char *name, const bc_hashed_tensor *from, size_t count,
                                  const char *const *texts, bertc_error *err)
{
    const char *metadata[2 * BC_HASHED_TEXTS + 1] = {NULL};
    bc_tensor_out tensors[BC_HASHED_TENSORS];
    char hash[BC_HASH_HEX];
    parts p = {.count = 0};
    size_t n = 0;
    assert(count <= BC_HASHED_TENSORS);
    for (; texts[n]; n++) {
        assert(n + 3 < sizeof metadata / sizeof metadata[0]);
        metadata[n] = texts[n];
        add_string(&p, texts[n]);
    }
    for (size_t i = 0; i < count; i++) {
        tensors[i] = (bc_tensor_out){from[i].name, BC_F32, 1, {from[i].count}, from[i].values};
        add_string(&p, from[i].name);
        add(&p, from[i].values, from[i].count * sizeof(float));
    }
    bc_hash(hash, p.part, p.count);
    metadata[n] = hash_key;
    metadata[n + 1] = hash;
    return bc_safetensors_write(dir, name, tensors, count, metadata, err);
}

static void put_string(bc_hasher *to, const char *string)
{
    bc_hasher_update(to, string, strlen(string) + 1);
}

static bertc_status put_values(bc_hasher *to, const bc_tensor *tensor, char *piece, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    for (size_t at = 0, n; status == BERTC_OK && at < tensor->bytes; at += n) {
        n = tensor->bytes - at < PIECE ? tensor->bytes - at : PIECE;
        status = bc_tensor_bytes(tensor, at, n, piece, err);
        if (status == BERTC_OK) bc_hasher_update(to, piece, n);
    }
    return status;
}

/* Compute the hash of an open file's content. */
static bertc_status compute_hash(const bc_weights *file, char out[BC_HASH_HEX], bertc_error *err)
{
    bc_hasher hasher;
    const cJSON *item;
    char *piece = bc_alloc(PIECE, 1);
    bertc_status status = piece ? BERTC_OK : bc_fail_memory(err);
    bc_hasher_init(&hasher);
    cJSON_ArrayForEach(item, bc_safetensors_all_metadata(file)) {
        if (strcmp(item->string, hash_key) == 0) continue;
        put_string(&hasher, item->string);
        put_string(&hasher, item->valuestring);
    }
    for (size_t i = 0; status == BERTC_OK && i < file->count; i++) {
        put_string(&hasher, file->tensors[i].name);
        status = put_values(&hasher, &file->tensors[i], piece, err);
    }
    bc_hasher_digest(&hasher, out);
    bc_free(piece);
    return status;
}

/* bc_safetensors_is_space_padded checks that only spaces are between the end of the header's text and the data. */
bertc_status bc_hashed_file_open(const char *path, bc_weights *file, bertc_error *err)
{
    bertc_status status = bc_safetensors_open(path, file, err);
    if (status != BERTC_OK) return status;
    char expected[BC_HASH_HEX];
    const char *recorded = bc_safetensors_metadata(file, hash_key);
    if (recorded) status = compute_hash(file, expected, err);
    if (status == BERTC_OK && (!recorded || !bc_safetensors_is_space_padded(file) || strcmp(recorded, expected) != 0))
        status = bc_fail(err, BERTC_INPUT, "%s: its content does not match its hash", path);
    if (status != BERTC_OK) bc_weights_close(file);
    return status;
}

bertc_status bc_hashed_file_find(const bc_weights *file, const char *name, size_t count, const bc_tensor **tensor,
                                 bertc_error *err)
{
    *tensor = bc_weights_find(file, name);
    if (*tensor && (*tensor)->dtype == BC_F32 && (*tensor)->count == count) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s: no tensor \"%s\" of %zu values", file->path, name, count);
}

bertc_status bc_hashed_file_copy(const bc_weights *file, const char *name, float *to, size_t count, bertc_error *err)
{
    const bc_tensor *tensor;
    bertc_status status = bc_hashed_file_find(file, name, count, &tensor, err);
    if (status == BERTC_OK) status = bc_tensor_floats(tensor, 0, count, to, err);
    return status == BERTC_OK ? bc_weights_check(file, err) : status;
}
