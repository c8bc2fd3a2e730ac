#include "twin/packed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "twin/support.h"

const bc_tensor *twin_tensor(const bc_weights *file, const char *name)
{
    const bc_tensor *tensor = bc_weights_find(file, name);
    if (tensor) return tensor;
    fprintf(stderr, "%s: no tensor \"%s\"\n", file->path, name);
    exit(1);
}

void *twin_tensor_copy(const bc_weights *file, const char *name)
{
    const bc_tensor *tensor = twin_tensor(file, name);
    void *memory = twin_take(tensor->bytes, 1);
    if (bc_tensor_bytes(tensor, 0, tensor->bytes, memory, NULL) == BERTC_OK) return memory;
    fprintf(stderr, "%s: cannot read\n", file->path);
    exit(1);
}

bertc_batch *twin_read_batch(const bc_weights *file)
{
    bertc_batch *b = twin_take(1, sizeof *b);
    const int32_t *types = twin_tensor_copy(file, "types");
    b->sequences = b->max_sequences = (int32_t)twin_tensor(file, "starts")->count - 1;
    b->tokens = b->max_tokens = (int32_t)twin_tensor(file, "ids")->count;
    b->ids = twin_tensor_copy(file, "ids");
    b->starts = twin_tensor_copy(file, "starts");
    b->labels = twin_tensor_copy(file, "labels");
    bool sets = bc_weights_find(file, "label_starts") != NULL;
    b->label_starts = sets ? twin_tensor_copy(file, "label_starts")
                           : twin_take((size_t)b->sequences + 1, sizeof *b->label_starts);
    b->values = twin_tensor_copy(file, "values");
    b->types = twin_take((size_t)b->tokens, sizeof *b->types);
    b->positions = twin_take((size_t)b->tokens, sizeof *b->positions);
    b->examples = twin_take((size_t)b->sequences, sizeof *b->examples);
    for (int32_t s = 0; s < b->sequences; s++) {
        int32_t length = b->starts[s + 1] - b->starts[s];
        if (length > b->longest) b->longest = length;
        b->examples[s] = (uint32_t)s;
        if (!sets) b->label_starts[s + 1] = s + 1;
        for (int32_t i = 0; i < length; i++) {
            b->positions[b->starts[s] + i] = i;
            b->types[b->starts[s] + i] = (uint8_t)types[b->starts[s] + i];
        }
    }
    return b;
}
