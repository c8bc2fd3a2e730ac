#include "train/sealed.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "train/hash.h"

static const char seal_key[] = "xxh3";

enum { PARTS = 2 * BC_SEALED_BLOCKS + 2 * BC_SEALED_TEXTS };

/* What is hashed, in order: keys and values of the texts, then names and values of the tensors;
 * strings with their NUL, so that no two lists look alike. */
typedef struct parts {
    bc_part part[PARTS];
    size_t count;
} parts;

static bool add(parts *p, const void *bytes, size_t length)
{
    if (p->count == PARTS) return false;
    p->part[p->count++] = (bc_part){bytes, length};
    return true;
}

static bool add_string(parts *p, const char *string)
{
    return add(p, string, strlen(string) + 1);
}

bertc_status bc_sealed_write(const char *path, const bc_block *blocks, size_t count,
                             const char *const *texts, bertc_error *err)
{
    const char *metadata[2 * BC_SEALED_TEXTS + 1] = {NULL};
    bc_tensor_out tensors[BC_SEALED_BLOCKS];
    char seal[BC_HASH_HEX];
    parts p = {.count = 0};
    size_t n = 0;
    assert(count <= BC_SEALED_BLOCKS);
    for (; texts[n]; n++) {
        assert(n + 3 < sizeof metadata / sizeof metadata[0]);
        metadata[n] = texts[n];
        add_string(&p, texts[n]);
    }
    for (size_t i = 0; i < count; i++) {
        tensors[i] = (bc_tensor_out){blocks[i].name, BC_F32, 1, {blocks[i].count},
                                     blocks[i].values};
        add_string(&p, blocks[i].name);
        add(&p, blocks[i].values, blocks[i].count * sizeof(float));
    }
    bc_hash(seal, p.part, p.count);
    metadata[n] = seal_key;
    metadata[n + 1] = seal;
    return bc_safetensors_write(path, tensors, count, metadata, err);
}

/* The seal that the content asks for; false where there is more than a sealed file can hold. */
static bool expected_seal(const bc_safetensors *file, char out[BC_HASH_HEX])
{
    parts p = {.count = 0};
    const cJSON *item;
    cJSON_ArrayForEach(item, bc_json_get(file->header, "__metadata__")) {
        if (strcmp(item->string, seal_key) == 0) continue;
        if (!add_string(&p, item->string) || !add_string(&p, item->valuestring)) return false;
    }
    for (size_t i = 0; i < file->count; i++)
        if (!add_string(&p, file->tensors[i].name) ||
            !add(&p, file->tensors[i].data, file->tensors[i].bytes))
            return false;
    bc_hash(out, p.part, p.count);
    return true;
}

/* Between the end of the header's text and the data there are only spaces. The header was parsed
 * before, so its length lies inside the file. */
static bool padding_is_blank(const bc_safetensors *file)
{
    uint64_t length;
    memcpy(&length, file->map.bytes, sizeof length);
    const unsigned char *header = file->map.bytes + sizeof length;
    while (length > 0 && header[length - 1] == ' ') length--;
    return length > 0 && header[length - 1] == '}';
}

bertc_status bc_sealed_open(const char *path, bc_safetensors *file, bertc_error *err)
{
    bertc_status status = bc_safetensors_open(path, file, err);
    if (status != BERTC_OK) return status;
    char expected[BC_HASH_HEX];
    const char *seal = bc_safetensors_metadata(file, seal_key);
    if (seal && expected_seal(file, expected) && strcmp(seal, expected) == 0 &&
        padding_is_blank(file))
        return BERTC_OK;
    bc_safetensors_close(file);
    return bc_fail(err, BERTC_INPUT, "%s: its content does not match its hash", path);
}

/* bc_safetensors_write aligns the data, and here all tensors are F32. */
bertc_status bc_sealed_find(const bc_safetensors *file, const char *name, size_t count,
                            const float **values, bertc_error *err)
{
    const bc_tensor *tensor = bc_safetensors_find(file, name);
    if (!tensor || tensor->dtype != BC_F32 || tensor->count != count ||
        (uintptr_t)tensor->data % sizeof(float) != 0)
        return bc_fail(err, BERTC_INPUT, "%s: no tensor \"%s\" of %zu values", file->path, name,
                       count);
    *values = (const float *)(const void *)tensor->data;
    return BERTC_OK;
}

bertc_status bc_sealed_copy(const bc_safetensors *file, const char *name, float *to, size_t count,
                            bertc_error *err)
{
    const float *values = NULL;
    bertc_status status = bc_sealed_find(file, name, count, &values, err);
    if (status == BERTC_OK) memcpy(to, values, count * sizeof *to);
    return status;
}
