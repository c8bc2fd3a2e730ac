/* What a file is that was given as weights and is no safetensors file, by its bytes. */
#ifndef BC_FORMATS_MAGIC_H
#define BC_FORMATS_MAGIC_H

#include <stddef.h>

#include "base/text.h"

/* How many bytes of a file's begin and end tell. */
enum { BC_MAGIC_HEAD = 512, BC_MAGIC_TAIL = 8 };

/* Append what it is, "a file of PyTorch (zip)", to `out`; nothing where that is not known.
 *
 * head  its first `length` bytes, up to BC_MAGIC_HEAD
 * tail  its last bytes; null: it has fewer than BC_MAGIC_TAIL */
void bc_magic_describe(bc_text *out, const unsigned char *head, size_t length, const unsigned char *tail);

#endif
