/* bc_safetensors_open: every byte that an open file offers can be read, and writing its tensors
 * gives a file with the same ones. */
#include "formats/safetensors.h"

#include "base/memory.h"
#include "fuzz.h"

enum { MOST_VALUES = 1 << 16 };

static void check_tensor(const bc_safetensors *file, const bc_tensor *tensor)
{
    size_t sum = 0;
    for (size_t i = 0; i < tensor->bytes; i++) sum += tensor->data[i];
    FUZZ_CHECK(sum <= 255 * tensor->bytes);
    FUZZ_CHECK(tensor->data >= file->map.bytes);
    FUZZ_CHECK(tensor->bytes <= file->map.length);
    FUZZ_CHECK(tensor->rank >= 0 && tensor->rank <= BC_MAX_RANK);
    FUZZ_CHECK(bc_safetensors_find(file, tensor->name) == tensor);
    if (!bc_dtype_is_float(tensor->dtype) || tensor->count > MOST_VALUES) return;
    float *values = bc_alloc(tensor->count, sizeof *values);
    FUZZ_CHECK(values);
    FUZZ_CHECK(bc_tensor_to_f32(tensor, values, "x", NULL) == BERTC_OK);
    bc_free(values);
}

static void check_rewritten(const bc_safetensors *file, const char *path)
{
    bc_safetensors again;
    bertc_error err = {0};
    bc_tensor_out *out = bc_alloc(file->count, sizeof *out);
    FUZZ_CHECK(out);
    for (size_t i = 0; i < file->count; i++) {
        const bc_tensor *t = &file->tensors[i];
        out[i] = (bc_tensor_out){t->name, t->dtype, t->rank, {0}, t->data};
        memcpy(out[i].shape, t->shape, sizeof out[i].shape);
    }
    FUZZ_CHECK(bc_safetensors_write(path, out, file->count, NULL, &err) == BERTC_OK);
    FUZZ_CHECK(bc_safetensors_open(path, &again, &err) == BERTC_OK);
    FUZZ_CHECK(again.count == file->count);
    for (size_t i = 0; i < file->count; i++) {
        const bc_tensor *t = &file->tensors[i], *u = bc_safetensors_find(&again, t->name);
        FUZZ_CHECK(u && u->dtype == t->dtype && u->rank == t->rank && u->bytes == t->bytes);
        FUZZ_CHECK(memcmp(u->shape, t->shape, sizeof u->shape) == 0);
        FUZZ_CHECK(memcmp(u->data, t->data, t->bytes) == 0);
    }
    bc_safetensors_close(&again);
    bc_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64], copy[64];
    bc_safetensors file;
    bertc_error err = {0};
    fuzz_path(path, "in");
    fuzz_path(copy, "out");
    fuzz_put(path, data, size);
    bertc_status status = bc_safetensors_open(path, &file, &err);
    if (status == BERTC_OK) {
        for (size_t i = 0; i < file.count; i++) check_tensor(&file, &file.tensors[i]);
        bc_safetensors_metadata(&file, "format");
        check_rewritten(&file, copy);
        remove(copy);
    } else {
        FUZZ_CHECK(status == BERTC_INPUT && err.message[0] && !strchr(err.message, '\n'));
    }
    bc_safetensors_close(&file);
    remove(path);
    return 0;
}
