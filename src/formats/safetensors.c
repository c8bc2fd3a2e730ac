#include "formats/safetensors.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/magic.h"
#include "base/memory.h"
#include "base/size.h"
#include "base/text.h"

_Static_assert(sizeof(size_t) == 8, "sizes in files are 64-bit");

enum {
    PREFIX = 8, /* bytes of the header's length */
    FIRST = PREFIX + 1, /* the number of bytes that show whether a file is safetensors */
    LONGEST_HEADER = 100000000,
    DATA_ALIGNMENT = 64
};

/* A double represents every integer up to this one, and no file is longer. */
#define LARGEST_INTEGER 9007199254740992.0

/* The state of an open file. */
typedef struct content {
    bc_input input;
    size_t data;       /* offset of the first tensor */
    bool space_padded; /* see bc_safetensors_is_space_padded */
    cJSON *header;
} content;

/* Fail with "path: tensor "NAME": reason". Long names are cut, so that the reason fits into the message. */
static bertc_status fail_tensor(const char *path, const char *name, const char *reason, bertc_error *err)
{
    return bc_fail(err, BERTC_INPUT, "%s: tensor \"%.200s\": %s", path, name, reason);
}

/* Reading the header */

static bool read_integer(const cJSON *item, size_t *out)
{
    if (!cJSON_IsNumber(item)) return false;
    double value = item->valuedouble;
    if (!(value >= 0 && value <= LARGEST_INTEGER && floor(value) == value)) return false;
    *out = (size_t)value;
    return true;
}

/* Read "shape". Returns null, or the reason why the shape is not valid. */
static const char *read_shape(const cJSON *entry, bc_tensor *tensor)
{
    const cJSON *shape = bc_json_get(entry, "shape"), *item;
    if (!cJSON_IsArray(shape)) return "no shape";
    tensor->count = 1;
    cJSON_ArrayForEach(item, shape) {
        if (tensor->rank == BC_MAX_RANK) return "more than 8 dimensions";
        size_t *size = &tensor->shape[tensor->rank++];
        if (!read_integer(item, size)) return "a size in shape is not a whole number";
        if (!bc_size_mul(tensor->count, *size, &tensor->count)) return "shape overflows";
    }
    return NULL;
}

/* Read "data_offsets". Returns null, or the reason why the offsets are not valid. The file has `length` bytes from
 * offset `data` on. */
static const char *read_offsets(const cJSON *entry, size_t data, size_t length, bc_tensor *tensor)
{
    const cJSON *offsets = bc_json_get(entry, "data_offsets");
    size_t begin, end, bits;
    if (!cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 ||
        !read_integer(cJSON_GetArrayItem(offsets, 0), &begin) || !read_integer(cJSON_GetArrayItem(offsets, 1), &end))
        return "data_offsets is not two whole numbers";
    if (begin > end) return "data_offsets run backwards";
    if (end > length) return "data_offsets point past the end of the file";
    if (!bc_size_mul(tensor->count, bc_dtype_bits(tensor->dtype), &bits)) return "shape overflows";
    if (bits % 8 != 0 || bits / 8 != end - begin) return "shape and dtype do not give the length in data_offsets";
    tensor->position = data + begin;
    tensor->bytes = end - begin;
    return NULL;
}

static bertc_status read_tensor(const bc_weights *file, const cJSON *entry, bc_tensor *tensor, bertc_error *err)
{
    const content *c = file->state;
    *tensor = (bc_tensor){.weights = file, .name = entry->string};
    const char *reason = NULL, *dtype = cJSON_GetStringValue(bc_json_get(entry, "dtype"));
    if (!cJSON_IsObject(entry)) reason = "entry is not an object";
    else if (!dtype || !bc_dtype_find(dtype, &tensor->dtype)) reason = "unknown dtype";
    if (!reason) reason = read_shape(entry, tensor);
    if (!reason) reason = read_offsets(entry, c->data, c->input.size - c->data, tensor);
    return reason ? fail_tensor(file->path, entry->string, reason, err) : BERTC_OK;
}

static bertc_status check_metadata(const char *path, const cJSON *metadata, bertc_error *err)
{
    const cJSON *item;
    bool ok = cJSON_IsObject(metadata);
    if (ok) cJSON_ArrayForEach(item, metadata) ok = ok && cJSON_IsString(item);
    if (ok) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s: __metadata__ does not map strings to strings", path);
}

static bertc_status read_tensors(bc_weights *file, bertc_error *err)
{
    const cJSON *entry, *header = ((const content *)file->state)->header;
    size_t entries = 0;
    cJSON_ArrayForEach(entry, header) entries++;
    file->tensors = bc_alloc(entries, sizeof *file->tensors);
    if (!file->tensors) return bc_fail_memory(err);
    cJSON_ArrayForEach(entry, header) {
        bertc_status status =
            strcmp(entry->string, "__metadata__") == 0
                ? check_metadata(file->path, entry, err)
                : read_tensor(file, entry, &file->tensors[file->count++], err);
        if (status != BERTC_OK) return status;
    }
    return BERTC_OK;
}

/* Order tensors by data offset; at equal offsets empty tensors come first. */
static int compare_tensors(const void *a, const void *b)
{
    const bc_tensor *x = a, *y = b;
    int begin = (x->position > y->position) - (x->position < y->position);
    int bytes = (x->bytes > y->bytes) - (x->bytes < y->bytes);
    return begin ? begin : bytes ? bytes : strcmp(x->name, y->name);
}

static bertc_status check_layout(bc_weights *file, bertc_error *err)
{
    const content *c = file->state;
    size_t at = c->data, end = c->input.size;
    qsort(file->tensors, file->count, sizeof *file->tensors, compare_tensors);
    for (size_t i = 0; i < file->count; i++) {
        const bc_tensor *tensor = &file->tensors[i];
        if (tensor->position != at)
            return fail_tensor(file->path, tensor->name,
                               tensor->position > at ? "unused bytes before its data"
                                                 : "data overlaps another tensor's", err);
        at += tensor->bytes;
    }
    if (at == end) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s @%zu: %zu bytes after the last tensor", file->path, at, end - at);
}

/* Fail because a file does not begin as safetensors do: report the file's format if it is recognized, else `reason`. */
static bertc_status refuse_kind(const bc_input *input, const char *reason, bertc_error *err)
{
    bc_text what = {0};
    unsigned char head[BC_MAGIC_HEAD], tail[BC_MAGIC_TAIL];
    size_t size = input->size, length = size < BC_MAGIC_HEAD ? size : BC_MAGIC_HEAD;
    bool ended = size >= BC_MAGIC_TAIL;
    bertc_status status = bc_input_read(input, head, length, 0, err);
    if (status == BERTC_OK && ended) status = bc_input_read(input, tail, sizeof tail, size - sizeof tail, err);
    if (status != BERTC_OK) return status;
    bc_magic_describe(&what, head, length, ended ? tail : NULL);
    status = what.failed       ? bc_fail_memory(err)
             : what.length > 0 ? bc_fail(err, BERTC_INPUT, "%s: %s, not a safetensors file", input->path, what.bytes)
                               : bc_fail(err, BERTC_INPUT, "%s %s", input->path, reason);
    bc_text_clear(&what);
    return status;
}

/* Check the bytes in front of the JSON, and set *header to the length of the JSON. */
static bertc_status read_prefix(const bc_input *input, size_t *header, bertc_error *err)
{
    unsigned char bytes[FIRST] = {0};
    size_t length = input->size;
    uint64_t n = 0;
    char reason[96];
    bertc_status status = bc_input_read(input, bytes, length < FIRST ? length : FIRST, 0, err);
    if (status != BERTC_OK) return status;
    if (length >= PREFIX) memcpy(&n, bytes, sizeof n);
    if (length < PREFIX) snprintf(reason, sizeof reason, "@0: %zu bytes, too short for safetensors", length);
    else if (n > LONGEST_HEADER)
        snprintf(reason, sizeof reason, "@0: header of %" PRIu64 " bytes, at most %d allowed", n, LONGEST_HEADER);
    else if (n > length - PREFIX)
        snprintf(reason, sizeof reason, "@0: header of %" PRIu64 " bytes in a file of %zu", n, length);
    else if (n == 0 || bytes[PREFIX] != '{')
        snprintf(reason, sizeof reason, "@%d: header does not start with {", PREFIX);
    else {
        *header = (size_t)n;
        return BERTC_OK;
    }
    if (n > 0 && n <= LONGEST_HEADER && length > PREFIX && bytes[PREFIX] == '{') /* a safetensors file that was cut */
        return bc_fail(err, BERTC_INPUT, "%s %s", input->path, reason);
    return refuse_kind(input, reason, err);
}

static bertc_status read_header(content *c, size_t length, bertc_error *err)
{
    bc_text source = {0};
    char *text = bc_alloc(length, 1);
    bc_text_printf(&source, "%s: header", c->input.path);
    bertc_status status = text && !source.failed ? bc_input_read(&c->input, text, length, PREFIX, err)
                                                : bc_fail_memory(err);
    if (status == BERTC_OK) status = bc_json_parse(text, length, source.bytes, &c->header, err);
    size_t end = length;
    while (status == BERTC_OK && end > 0 && text[end - 1] == ' ') end--;
    c->space_padded = status == BERTC_OK && end > 0 && text[end - 1] == '}';
    c->data = PREFIX + length;
    bc_text_clear(&source);
    bc_free(text);
    return status;
}

/* Methods of an open file */

static bertc_status read_bytes(const bc_tensor *tensor, size_t from, size_t length, void *to, bertc_error *err)
{
    const content *c = tensor->weights->state;
    return bc_input_read(&c->input, to, length, tensor->position + from, err);
}

static bertc_status check_input(const bc_weights *file, bertc_error *err)
{
    const content *c = file->state;
    return bc_input_check(&c->input, err);
}

static void close_input(bc_weights *file)
{
    content *c = file->state;
    if (!c) return;
    cJSON_Delete(c->header);
    bc_input_close(&c->input);
    bc_free(c);
}

static const bc_weights_methods methods = {read_bytes, check_input, close_input};

bertc_status bc_safetensors_open(const char *path, bc_weights *file, bertc_error *err)
{
    size_t header = 0;
    content *c = bc_calloc(1, sizeof *c);
    *file = (bc_weights){.methods = &methods, .path = bc_strndup(path, strlen(path)), .state = c};
    if (c) c->input.fd = -1;
    bertc_status status = c && file->path ? bc_input_open(file->path, &c->input, err) : bc_fail_memory(err);
    if (status == BERTC_OK) status = read_prefix(&c->input, &header, err);
    if (status == BERTC_OK) status = read_header(c, header, err);
    if (status == BERTC_OK) status = read_tensors(file, err);
    if (status == BERTC_OK) status = check_layout(file, err);
    if (status == BERTC_OK) file->framework = bc_safetensors_metadata(file, "format");
    else bc_weights_close(file);
    return status;
}

const cJSON *bc_safetensors_all_metadata(const bc_weights *file)
{
    const content *c = file->state;
    return bc_json_get(c->header, "__metadata__");
}

const char *bc_safetensors_metadata(const bc_weights *file, const char *key)
{
    return cJSON_GetStringValue(bc_json_get(bc_safetensors_all_metadata(file), key));
}

bool bc_safetensors_is_space_padded(const bc_weights *file)
{
    const content *c = file->state;
    return c->space_padded;
}

/* Writing */

static size_t tensor_bytes(const bc_tensor_out *tensor)
{
    size_t bits = bc_dtype_bits(tensor->dtype);
    for (int i = 0; i < tensor->rank; i++) bits *= tensor->shape[i];
    assert(tensor->rank <= BC_MAX_RANK && bits % 8 == 0);
    return bits / 8;
}

static void put_metadata(bc_text *text, const char *const *metadata)
{
    bc_text_printf(text, "\"__metadata__\":{");
    for (size_t i = 0; metadata[i]; i += 2) {
        bc_text_printf(text, "%s", i ? "," : "");
        bc_text_quote(text, metadata[i]);
        bc_text_printf(text, ":");
        bc_text_quote(text, metadata[i + 1]);
    }
    bc_text_printf(text, "}");
}

static void put_header(bc_text *text, const bc_tensor_out *tensors, size_t count, const char *const *metadata)
{
    size_t begin = 0;
    bc_text_printf(text, "{");
    if (metadata) put_metadata(text, metadata);
    for (size_t i = 0; i < count; i++) {
        const bc_tensor_out *t = &tensors[i];
        size_t end = begin + tensor_bytes(t);
        bc_text_printf(text, "%s", i || metadata ? "," : "");
        bc_text_quote(text, t->name);
        bc_text_printf(text, ":{\"dtype\":\"%s\",\"shape\":[", bc_dtype_name(t->dtype));
        for (int d = 0; d < t->rank; d++) bc_text_printf(text, "%s%zu", d ? "," : "", t->shape[d]);
        bc_text_printf(text, "],\"data_offsets\":[%zu,%zu]}", begin, end);
        begin = end;
    }
    bc_text_printf(text, "}");
    while (!text->failed && (PREFIX + text->length) % DATA_ALIGNMENT != 0) bc_text_put(text, " ", 1);
}

/* Generate a tensor piece by piece and write it. */
static bertc_status put_generated(bc_writer *writer, size_t index, size_t bytes, const bc_tensor_generator *generator,
                                  bertc_error *err)
{
    enum { PIECE = 1 << 20 };
    bertc_status status = BERTC_OK;
    void *piece = bc_alloc(bytes < PIECE ? bytes : PIECE, 1);
    if (!piece) return bc_fail_memory(err);
    for (size_t at = 0, n; status == BERTC_OK && at < bytes; at += n) {
        n = bytes - at < PIECE ? bytes - at : PIECE;
        status = generator->generate(generator->context, index, at, n, piece, err);
        if (status == BERTC_OK) bc_writer_put(writer, piece, n);
    }
    bc_free(piece);
    return status;
}

bertc_status bc_safetensors_write_generated(const bc_dir *dir, const char *name, const bc_tensor_out *tensors,
                                            size_t count, const char *const *metadata,
                                            const bc_tensor_generator *generator, bc_file_hashes *hashes,
                                            bertc_error *err)
{
    bc_text header = {0};
    bc_writer writer;
    put_header(&header, tensors, count, metadata);
    bertc_status status = header.failed ? bc_fail_memory(err) : bc_writer_open_in(&writer, dir, name, err);
    if (status == BERTC_OK) {
        uint64_t n = header.length;
        writer.hashes = hashes;
        bc_writer_put(&writer, &n, sizeof n);
        bc_writer_put(&writer, header.bytes, header.length);
        for (size_t i = 0; i < count && status == BERTC_OK; i++) {
            size_t bytes = tensor_bytes(&tensors[i]);
            if (tensors[i].data || !generator) bc_writer_put(&writer, tensors[i].data, bytes);
            else status = put_generated(&writer, i, bytes, generator, err);
        }
        if (status == BERTC_OK) status = bc_writer_commit(&writer, err);
        bc_writer_abandon(&writer);
    }
    bc_text_clear(&header);
    return status;
}

bertc_status bc_safetensors_write(const bc_dir *dir, const char *name, const bc_tensor_out *tensors,
                                  size_t count, const char *const *metadata, bertc_error *err)
{
    return bc_safetensors_write_generated(dir, name, tensors, count, metadata, NULL, NULL, err);
}
