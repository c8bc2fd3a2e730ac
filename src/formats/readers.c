#include "formats/readers.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/model_path.h"
#include "formats/safetensors.h"

const bc_reader bc_readers[BC_READERS] = {
    {{BC_MODEL_WEIGHTS, BC_ADAPTER_WEIGHTS}, bc_safetensors_open},
};

bertc_status bc_weights_open(const char *path, bc_weights *weights, bertc_error *err)
{
    return bc_readers[0].open(path, weights, err);
}

bertc_status bc_weights_open_in(const char *dir, bc_weights_role role, bc_weights *weights, bertc_error *err)
{
    const char *names[BC_READERS];
    size_t which;
    *weights = (bc_weights){0};
    for (size_t i = 0; i < BC_READERS; i++) names[i] = bc_readers[i].names[role];
    bertc_status status = bc_model_path_find(dir, names, BC_READERS, &which, err);
    if (status != BERTC_OK) return status;
    char *path = bc_path_join(dir, names[which]);
    status = path ? bc_readers[which].open(path, weights, err) : bc_fail_memory(err);
    bc_free(path);
    return status;
}
