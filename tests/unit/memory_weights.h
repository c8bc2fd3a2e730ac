/* A second weight reader, for tests: tensors in memory, stored row by row, or column by column as a matrix may be in a
 * PyTorch file. A tensor's position is twice its index, plus 1 if it is stored column by column. The reader counts its
 * calls, and fails on request. */
#ifndef MEMORY_WEIGHTS_H
#define MEMORY_WEIGHTS_H

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/weights.h"

typedef struct memory_weights {
    char **bytes, **names; /* (count) each tensor's bytes and name; owned */
    const void *to;        /* where the last read stored its bytes */
    int reads, closes;     /* number of calls */
    const char *bad;       /* the tensor whose reading fails */
    bool changed;          /* the check fails */
} memory_weights;

static inline bertc_status memory_read(const bc_tensor *tensor, size_t from, size_t length, void *to, bertc_error *err)
{
    memory_weights *m = tensor->weights->state;
    const char *stored = m->bytes[tensor->position / 2];
    bool transposed = tensor->position % 2;
#pragma omp atomic
    m->reads++;
#pragma omp atomic write
    m->to = to;
    if (m->bad && strcmp(m->bad, tensor->name) == 0) return bc_fail(err, BERTC_IO, "%s: lost", tensor->name);
    if (!transposed) memcpy(to, stored + from, length);
    size_t width = bc_dtype_bits(tensor->dtype) / 8, rows = tensor->shape[0], columns = tensor->shape[1];
    for (size_t i = 0; transposed && i < length; i++) {
        size_t at = (from + i) / width, byte = (from + i) % width;
        ((char *)to)[i] = stored[((at % columns) * rows + at / columns) * width + byte];
    }
    return BERTC_OK;
}

static inline bertc_status memory_check(const bc_weights *weights, bertc_error *err)
{
    const memory_weights *m = weights->state;
    return m->changed ? bc_fail(err, BERTC_IO, "%s: changed", weights->path) : BERTC_OK;
}

static inline void memory_close(bc_weights *weights)
{
    memory_weights *m = weights->state;
    for (size_t i = 0; i < weights->count; i++) {
        free(m->bytes[i]);
        free(m->names[i]);
    }
    free(m->bytes);
    free(m->names);
    m->closes++;
}

static const bc_weights_methods memory_methods = {memory_read, memory_check, memory_close};

/* Open a source of `count` tensors, which memory_put sets. */
static inline void memory_open(bc_weights *weights, memory_weights *m, size_t count)
{
    *m = (memory_weights){.bytes = calloc(count, sizeof(char *)), .names = calloc(count, sizeof(char *))};
    *weights = (bc_weights){.methods = &memory_methods, .path = bc_strndup("memory", 6), .count = count, .state = m,
                            .tensors = bc_calloc(count, sizeof(bc_tensor))};
}

/* Set a tensor to a copy of `t` with these bytes, which are row by row; `transposed`: store them column by column. */
static inline void memory_put(bc_weights *weights, size_t index, const bc_tensor *t, const void *bytes, bool transposed)
{
    memory_weights *m = weights->state;
    bc_tensor *tensor = &weights->tensors[index];
    char *stored = m->bytes[index] = malloc(t->bytes + 1);
    *tensor = *t;
    tensor->weights = weights;
    tensor->name = m->names[index] = strdup(t->name);
    tensor->position = 2 * index;
    memcpy(stored, bytes, t->bytes);
    if (!transposed || t->rank != 2) return;
    size_t width = bc_dtype_bits(t->dtype) / 8;
    for (size_t r = 0; r < t->shape[0]; r++)
        for (size_t c = 0; c < t->shape[1]; c++)
            memcpy(stored + (c * t->shape[0] + r) * width, (const char *)bytes + (r * t->shape[1] + c) * width, width);
    tensor->position++;
}

#endif
