/* bc_safetensors_open: every tensor of an open file can be read, and writing the tensors gives a file with the same
 * tensors. */
#include "formats/safetensors.h"

#include "base/memory.h"
#include "fuzz.h"

enum { MAX_VALUES = 1 << 16 };

/* The bytes of a tensor, released by bc_free. */
static void *bytes_of(const bc_tensor *tensor)
{
    void *bytes = bc_alloc(tensor->bytes, 1);
    FUZZ_CHECK(bytes);
    FUZZ_CHECK(bc_tensor_bytes(tensor, 0, tensor->bytes, bytes, NULL) == BERTC_OK);
    return bytes;
}

/* size: the file's length in bytes */
static void check_tensor(const bc_weights *file, const bc_tensor *tensor, size_t size)
{
    bc_free(bytes_of(tensor));
    FUZZ_CHECK(tensor->weights == file);
    FUZZ_CHECK(tensor->position <= size && tensor->bytes <= size - tensor->position);
    FUZZ_CHECK(tensor->rank >= 0 && tensor->rank <= BC_MAX_RANK);
    FUZZ_CHECK(bc_weights_find(file, tensor->name) == tensor);
    if (!bc_dtype_is_float(tensor->dtype) || tensor->count > MAX_VALUES) return;
    float *values = bc_alloc(tensor->count, sizeof *values);
    FUZZ_CHECK(values);
    FUZZ_CHECK(bc_tensor_floats(tensor, 0, tensor->count, values, NULL) == BERTC_OK);
    bc_free(values);
}

static void check_rewritten(const bc_weights *file, const char *path)
{
    bc_weights again;
    bertc_error err = {0};
    bc_tensor_out *out = bc_alloc(file->count, sizeof *out);
    FUZZ_CHECK(out);
    for (size_t i = 0; i < file->count; i++) {
        const bc_tensor *t = &file->tensors[i];
        out[i] = (bc_tensor_out){t->name, t->dtype, t->rank, {0}, bytes_of(t)};
        memcpy(out[i].shape, t->shape, sizeof out[i].shape);
    }
    FUZZ_CHECK(bc_safetensors_write(&bc_working_dir, path, out, file->count, NULL, &err) == BERTC_OK);
    FUZZ_CHECK(bc_safetensors_open(path, &again, &err) == BERTC_OK);
    FUZZ_CHECK(again.count == file->count);
    for (size_t i = 0; i < file->count; i++) {
        const bc_tensor *t = &file->tensors[i], *u = bc_weights_find(&again, t->name);
        FUZZ_CHECK(u && u->dtype == t->dtype && u->rank == t->rank && u->bytes == t->bytes);
        FUZZ_CHECK(memcmp(u->shape, t->shape, sizeof u->shape) == 0);
        void *bytes = bytes_of(u);
        FUZZ_CHECK(memcmp(bytes, out[i].data, t->bytes) == 0);
        bc_free(bytes);
        bc_free((void *)(uintptr_t)out[i].data);
    }
    bc_weights_close(&again);
    bc_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64], copy[64];
    bc_weights file;
    bertc_error err = {0};
    fuzz_path(path, "in");
    fuzz_path(copy, "out");
    fuzz_put(path, data, size);
    bertc_status status = bc_safetensors_open(path, &file, &err);
    if (status == BERTC_OK) {
        for (size_t i = 0; i < file.count; i++) check_tensor(&file, &file.tensors[i], size);
        bc_safetensors_metadata(&file, "format");
        check_rewritten(&file, copy);
        remove(copy);
    } else {
        FUZZ_CHECK(status == BERTC_INPUT && err.message[0] && !strchr(err.message, '\n'));
    }
    bc_weights_close(&file);
    remove(path);
    return 0;
}
