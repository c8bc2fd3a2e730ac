/* A second kind of source, for tests: tensors in memory, row by row or, as a matrix may lie in a file of PyTorch, column
 * by column. A place is twice the number of the bytes, and one more of the latter. It counts what is asked of it, and
 * fails when it is told to. */
#ifndef MEMORY_WEIGHTS_H
#define MEMORY_WEIGHTS_H

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/weights.h"

typedef struct memory_weights {
    char **bytes, **names; /* of the tensors; owned */
    const void *to;        /* of the last read */
    int reads, closes;     /* so far */
    const char *bad;       /* the tensor whose reading fails */
    bool changed;
} memory_weights;

static inline bertc_status memory_read(const bc_tensor *tensor, size_t from, size_t length, void *to, bertc_error *err)
{
    memory_weights *m = tensor->weights->own;
    const char *stored = m->bytes[tensor->position / 2];
    bool turned = tensor->position % 2;
#pragma omp atomic
    m->reads++;
#pragma omp atomic write
    m->to = to;
    if (m->bad && strcmp(m->bad, tensor->name) == 0) return bc_fail(err, BERTC_IO, "%s: lost", tensor->name);
    if (!turned) memcpy(to, stored + from, length);
    size_t width = bc_dtype_bits(tensor->dtype) / 8, rows = tensor->shape[0], columns = tensor->shape[1];
    for (size_t i = 0; turned && i < length; i++) {
        size_t at = (from + i) / width, byte = (from + i) % width;
        ((char *)to)[i] = stored[((at % columns) * rows + at / columns) * width + byte];
    }
    return BERTC_OK;
}

static inline bertc_status memory_check(const bc_weights *weights, bertc_error *err)
{
    const memory_weights *m = weights->own;
    return m->changed ? bc_fail(err, BERTC_IO, "%s: changed", weights->path) : BERTC_OK;
}

static inline void memory_close(bc_weights *weights)
{
    memory_weights *m = weights->own;
    for (size_t i = 0; i < weights->count; i++) {
        free(m->bytes[i]);
        free(m->names[i]);
    }
    free(m->bytes);
    free(m->names);
    m->closes++;
}

static const bc_weights_kind memory_kind = {memory_read, memory_check, memory_close};

/* Open a source of `count` tensors, which are still to be put. */
static inline void memory_open(bc_weights *weights, memory_weights *m, size_t count)
{
    *m = (memory_weights){.bytes = calloc(count, sizeof(char *)), .names = calloc(count, sizeof(char *))};
    *weights = (bc_weights){.kind = &memory_kind, .path = bc_strndup("memory", 6), .count = count, .own = m,
                            .tensors = bc_calloc(count, sizeof(bc_tensor))};
}

/* Put a tensor like `t` of these bytes, row by row; `turned`: it is stored column by column. */
static inline void memory_put(bc_weights *weights, size_t index, const bc_tensor *t, const void *bytes, bool turned)
{
    memory_weights *m = weights->own;
    bc_tensor *tensor = &weights->tensors[index];
    char *stored = m->bytes[index] = malloc(t->bytes + 1);
    *tensor = *t;
    tensor->weights = weights;
    tensor->name = m->names[index] = strdup(t->name);
    tensor->position = 2 * index;
    memcpy(stored, bytes, t->bytes);
    if (!turned || t->rank != 2) return;
    size_t width = bc_dtype_bits(t->dtype) / 8;
    for (size_t r = 0; r < t->shape[0]; r++)
        for (size_t c = 0; c < t->shape[1]; c++)
            memcpy(stored + (c * t->shape[0] + r) * width, (const char *)bytes + (r * t->shape[1] + c) * width, width);
    tensor->position++;
}

#endif
