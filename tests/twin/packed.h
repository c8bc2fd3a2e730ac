/* A packed batch as Python writes it: a safetensors file with ids (N), types (N), starts (S+1) and
 * labels (S) as I32 and values (S) as F32. */
#ifndef TWIN_PACKED_H
#define TWIN_PACKED_H

#include "bertc/batch.h"
#include "formats/safetensors.h"

/* A tensor of the file; ends the program where there is none. */
const bc_tensor *twin_tensor(const bc_weights *file, const char *name);

/* An aligned copy of a tensor's bytes, released by twin_release. */
void *twin_tensor_copy(const bc_weights *file, const char *name);

/* The batch of a file, its examples numbered from 0, released by twin_release. */
bertc_batch *twin_read_batch(const bc_weights *file);

#endif
