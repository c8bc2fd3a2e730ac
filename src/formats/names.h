/* What the same parameter of BERT is called in different files. */
#ifndef BC_FORMATS_NAMES_H
#define BC_FORMATS_NAMES_H

#include <stddef.h>

/* The name that a tensor of a checkpoint has in BertForSequenceClassification of today: an encoder
 * saved alone lacks the prefix "bert.", and files converted from TensorFlow call LayerNorm's
 * "weight" and "bias" "gamma" and "beta". Other names are copied. A result that does not fit into
 * `room` bytes (NUL included) is cut. */
void bc_name_current(const char *name, char *out, size_t capacity);

/* The number of the encoder layer that a tensor of this name belongs to; -1: none. */
long bc_name_layer(const char *name);

#endif
