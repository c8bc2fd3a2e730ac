/* JSON: cJSON behind a strict check (RFC 8259).
 *
 * cJSON accepts trailing text, control characters, invalid UTF-8, numbers like 0123 and 1e999, cuts
 * keys at \u0000 and returns the first of duplicate keys. bc_json_parse refuses all of these
 * first, naming place and byte offset, and only then lets cJSON build the tree.
 *
 * Numbers are written by bc_json_double, which reads back to the same bits; never by cJSON. */
#ifndef BC_BASE_JSON_H
#define BC_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/file.h"
#include "base/text.h"
#include "bertc/status.h"

/* Nesting deeper than this is refused. */
enum { BC_JSON_DEPTH = 64 };

/* Parse `length` bytes; `place` names the source in messages. The tree is released by cJSON_Delete.
 * Errors: BERTC_INPUT "place @OFFSET: reason"; BERTC_NOMEM. */
bertc_status bc_json_parse(const char *text, size_t length, const char *place, cJSON **tree, bertc_error *err);

/* Read and parse a file. */
bertc_status bc_json_read(const char *path, bc_file_kind kind, cJSON **tree, bertc_error *err);

/* The same, with its text, which is released by bc_free, also after an error where it is not null. */
bertc_status bc_json_read_text(const char *path, bc_file_kind kind, char **text, size_t *length, cJSON **tree,
                               bertc_error *err);

/* A member of an object by exact key, or null. */
const cJSON *bc_json_get(const cJSON *object, const char *key);

/* A member that must be a whole number in [least, most] where it is present; absent or null leaves
 * *value alone. Errors: BERTC_INPUT naming place and key. */
bertc_status bc_json_int(const cJSON *object, const char *key, int64_t min, int64_t max,
                         const char *place, int64_t *value, bertc_error *err);

/* Step through the members of an object as they are spelled. `text` is what bc_json_parse accepted;
 * *at starts at 0 and is moved on; *value is the next member's value and *size its bytes. The
 * members come in the order of the tree's. False after the last. */
bool bc_json_span(const char *text, size_t length, size_t *at, const char **value, size_t *size);

/* Append an object with the members of `tree`, as `text` spells them, and `key`, which stands first and has the
 * value `value` (JSON) in place of any other. */
void bc_json_put_with(bc_text *out, const char *text, size_t length, const cJSON *tree, const char *key,
                      const char *value);

/* The shortest text that reads back to the same double ("null" for NaN and infinities). */
enum { BC_JSON_DOUBLE = 32 };
void bc_json_double(char out[BC_JSON_DOUBLE], double value);
void bc_json_put_double(bc_text *out, double value);

#endif
