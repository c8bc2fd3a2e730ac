/* Recognise a file of a wrong kind by its bytes: weights of another program, an archive, a web page that was saved
 * instead of a download. */
#ifndef BC_BASE_MAGIC_H
#define BC_BASE_MAGIC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "bertc/status.h"

/* Numbers of bytes that are examined at the beginning and at the end of a file. */
enum { BC_MAGIC_HEAD = 512, BC_MAGIC_TAIL = 8 };

/* Append a description of the file, such as "weights of PyTorch (zip)", to `out`; append nothing if its kind is
 * unknown. Returns false if nothing shows that the file is not a text.
 *
 * head  the first `length` bytes of the file, at most BC_MAGIC_HEAD
 * tail  the last BC_MAGIC_TAIL bytes of the file; null: the file is shorter */
bool bc_magic_describe(bc_text *out, const unsigned char *head, size_t length, const unsigned char *tail);

/* Refuse a file that cannot be a text of the kind `wanted`, such as "a list of words". `bytes` are the first `length`
 * bytes of the file. Errors: BERTC_INPUT, BERTC_NOMEM. */
bertc_status bc_magic_refuse(const char *path, const char *bytes, size_t length, const char *wanted, bertc_error *err);

#endif
