/* Names of tensors in checkpoints, which differ between files of different age. */
#ifndef BC_FORMATS_TENSOR_NAMES_H
#define BC_FORMATS_TENSOR_NAMES_H

#include <stddef.h>

/* Convert a tensor name to the current name of the parameter in BertForSequenceClassification: add the prefix
 * "bert.", which an encoder saved alone lacks, and replace LayerNorm's "gamma" and "beta", which files converted
 * from TensorFlow have, by "weight" and "bias". Copy any other name. Cut a result that does not fit into `capacity`
 * bytes (with NUL). */
void bc_name_current(const char *name, char *out, size_t capacity);

/* The index of the encoder layer in a tensor name, or -1. */
long bc_name_layer(const char *name);

#endif
