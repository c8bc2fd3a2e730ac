/* JSON: cJSON after a strict check (RFC 8259).
 *
 * cJSON accepts trailing text, control characters, invalid UTF-8 and numbers like 0123 and 1e999. It cuts keys at
 * \u0000 and returns the first of duplicate keys. bc_json_parse refuses all of these before cJSON builds the tree; the
 * message names the source and the byte offset.
 *
 * Numbers are written by bc_json_double, never by cJSON: they read back to the same bits. */
#ifndef BC_BASE_JSON_H
#define BC_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/file.h"
#include "base/text.h"
#include "bertc/status.h"

/* The maximum depth of nesting; deeper nesting is an error. */
enum { BC_JSON_DEPTH = 64 };

/* Parse `length` bytes. `place` names the source in messages. The tree is released by cJSON_Delete. Errors: BERTC_INPUT
 * "PLACE @OFFSET: REASON"; BERTC_NOMEM. */
bertc_status bc_json_parse(const char *text, size_t length, const char *place, cJSON **tree, bertc_error *err);

/* Parse one line of a file, otherwise as bc_json_parse. Errors: BERTC_INPUT "PATH:LINE:COLUMN: REASON", in which the
 * column counts bytes from 1; BERTC_NOMEM. */
bertc_status bc_json_parse_line(const char *text, size_t length, const char *path, size_t line, cJSON **tree,
                                bertc_error *err);

/* Read and parse a file. */
bertc_status bc_json_read(const char *path, bc_file_kind kind, cJSON **tree, bertc_error *err);

/* Read and parse a file, and return its text too. If *text is not null, also after an error, bc_free releases it. */
bertc_status bc_json_read_text(const char *path, bc_file_kind kind, char **text, size_t *length, cJSON **tree,
                               bertc_error *err);

/* Return the member of an object with exactly this key; null if absent. */
const cJSON *bc_json_get(const cJSON *object, const char *key);

/* Read a member that must be a whole number from `min` to `max`. If it is absent or null, *value does not change.
 * Errors: BERTC_INPUT naming place and key. */
bertc_status bc_json_int(const cJSON *object, const char *key, int64_t min, int64_t max,
                         const char *place, int64_t *value, bertc_error *err);

/* Step through the members of an object and return each value as the text spells it. `text` is a text that
 * bc_json_parse accepted. *at starts at 0 and advances. *value and *size are the next member's value and its length in
 * bytes. The order is that of the parsed tree. False after the last member. */
bool bc_json_span(const char *text, size_t length, size_t *at, const char **value, size_t *size);

/* Append an object: first `key` with the JSON value `value`, then the other members of `tree` as `text` spells them. */
void bc_json_put_with(bc_text *out, const char *text, size_t length, const cJSON *tree, const char *key,
                      const char *value);

/* Write the shortest text that reads back to the same double; "null" for NaN and infinities. */
enum { BC_JSON_DOUBLE = 32 };
void bc_json_double(char out[BC_JSON_DOUBLE], double value);
void bc_json_put_double(bc_text *out, double value);

/* Write the shortest text that reads back to the same float, also if it is read as a double; "null" for NaN and
 * infinities. */
void bc_json_float(char out[BC_JSON_DOUBLE], float value);
void bc_json_put_float(bc_text *out, float value);

#endif
