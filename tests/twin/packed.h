/* Reading a packed batch that a Python script wrote: a safetensors file with ids (N), types (N), starts (S+1) and labels
 * in I32, and values (S) in F32. There is one label for each sequence, or label_starts (S+1) in I32 divides the labels
 * among the sequences. */
#ifndef TWIN_PACKED_H
#define TWIN_PACKED_H

#include "bertc/batch.h"
#include "formats/safetensors.h"

/* Find a tensor of the file. Exits the program if the file has none of this name. */
const bc_tensor *twin_tensor(const bc_weights *file, const char *name);

/* Copy a tensor's bytes to aligned memory, which twin_release frees. */
void *twin_tensor_copy(const bc_weights *file, const char *name);

/* Read the batch of a file. Its examples are numbered from 0. twin_release frees it. */
bertc_batch *twin_read_batch(const bc_weights *file);

#endif
