/* What a file is that was given as another one, by its bytes: weights of another program, an archive, a web page that
 * came in place of a download. */
#ifndef BC_BASE_MAGIC_H
#define BC_BASE_MAGIC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "bertc/status.h"

/* How many bytes of a file's begin and end tell. */
enum { BC_MAGIC_HEAD = 512, BC_MAGIC_TAIL = 8 };

/* Append what it is, "weights of PyTorch (zip)", to `out`; nothing where that is not known. False where it may be any
 * text.
 *
 * head  its first `length` bytes, up to BC_MAGIC_HEAD
 * tail  its last bytes; null: it has fewer than BC_MAGIC_TAIL */
bool bc_magic_describe(bc_text *out, const unsigned char *head, size_t length, const unsigned char *tail);

/* Refuse what is surely no text of the kind `wanted`, "a list of words". `bytes` (length) are the beginning of the file
 * or all of it. Errors: BERTC_INPUT, BERTC_NOMEM. */
bertc_status bc_magic_refuse(const char *path, const char *bytes, size_t length, const char *wanted, bertc_error *err);

#endif
