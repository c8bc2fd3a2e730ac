#include "formats/safetensors.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/magic.h"
#include "base/memory.h"
#include "base/size.h"
#include "base/text.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are read as they are stored");
_Static_assert(sizeof(size_t) == 8, "sizes in files are 64-bit");

enum {
    PREFIX = 8, /* bytes of the header's length */
    FIRST = PREFIX + 1, /* bytes that tell a safetensors file from others */
    LONGEST_HEADER = 100000000,
    DATA_ALIGNMENT = 64
};

/* Whole numbers beyond this are not all doubles, and no file is that long. */
#define LARGEST_WHOLE 9007199254740992.0

static const struct {
    const char *name;
    size_t bits;
} dtypes[BC_DTYPES] = {
    [BC_F32] = {"F32", 32},          [BC_F16] = {"F16", 16},
    [BC_BF16] = {"BF16", 16},        [BC_F64] = {"F64", 64},
    [BC_I64] = {"I64", 64},          [BC_I32] = {"I32", 32},
    [BC_U8] = {"U8", 8},             [BC_BOOL] = {"BOOL", 8},
    [BC_I16] = {"I16", 16},          [BC_I8] = {"I8", 8},
    [BC_U64] = {"U64", 64},          [BC_U32] = {"U32", 32},
    [BC_U16] = {"U16", 16},          [BC_C64] = {"C64", 64},
    [BC_F8_E5M2] = {"F8_E5M2", 8},   [BC_F8_E4M3] = {"F8_E4M3", 8},
    [BC_F8_E8M0] = {"F8_E8M0", 8},   [BC_F6_E3M2] = {"F6_E3M2", 6},
    [BC_F6_E2M3] = {"F6_E2M3", 6},   [BC_F4] = {"F4", 4},
};

const char *bc_dtype_name(bc_dtype dtype)
{
    return dtypes[dtype].name;
}

size_t bc_dtype_bits(bc_dtype dtype)
{
    return dtypes[dtype].bits;
}

bool bc_dtype_is_float(bc_dtype dtype)
{
    return dtype == BC_F32 || dtype == BC_F16 || dtype == BC_BF16 || dtype == BC_F64;
}

/* "path: tensor "NAME": reason"; the name is cut so that the reason stays. */
static bertc_status fail_tensor(const char *path, const char *name, const char *reason,
                                bertc_error *err)
{
    return bc_fail(err, BERTC_INPUT, "%s: tensor \"%.200s\": %s", path, name, reason);
}

/* Reading the header */

static bool whole_number(const cJSON *item, size_t *out)
{
    if (!cJSON_IsNumber(item)) return false;
    double value = item->valuedouble;
    if (!(value >= 0 && value <= LARGEST_WHOLE && floor(value) == value)) return false;
    *out = (size_t)value;
    return true;
}

static bool read_dtype(const cJSON *entry, bc_dtype *dtype)
{
    const char *name = cJSON_GetStringValue(bc_json_get(entry, "dtype"));
    for (int i = 0; name && i < BC_DTYPES; i++)
        if (strcmp(name, dtypes[i].name) == 0) {
            *dtype = (bc_dtype)i;
            return true;
        }
    return false;
}

/* Null, or why the shape is refused. */
static const char *read_shape(const cJSON *entry, bc_tensor *tensor)
{
    const cJSON *shape = bc_json_get(entry, "shape"), *item;
    if (!cJSON_IsArray(shape)) return "no shape";
    tensor->count = 1;
    cJSON_ArrayForEach(item, shape) {
        if (tensor->rank == BC_MAX_RANK) return "more than 8 dimensions";
        size_t *size = &tensor->shape[tensor->rank++];
        if (!whole_number(item, size)) return "a size in shape is not a whole number";
        if (!bc_size_mul(tensor->count, *size, &tensor->count)) return "shape overflows";
    }
    return NULL;
}

/* Null, or why the offsets are refused. `length` bytes from `data` on follow the header. */
static const char *read_offsets(const cJSON *entry, size_t data, size_t length, bc_tensor *tensor)
{
    const cJSON *offsets = bc_json_get(entry, "data_offsets");
    size_t begin, end, bits;
    if (!cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 ||
        !whole_number(cJSON_GetArrayItem(offsets, 0), &begin) ||
        !whole_number(cJSON_GetArrayItem(offsets, 1), &end))
        return "data_offsets is not two whole numbers";
    if (begin > end) return "data_offsets run backwards";
    if (end > length) return "data_offsets point past the end of the file";
    if (!bc_size_mul(tensor->count, dtypes[tensor->dtype].bits, &bits)) return "shape overflows";
    if (bits % 8 != 0 || bits / 8 != end - begin)
        return "shape and dtype do not give the length in data_offsets";
    tensor->offset = data + begin;
    tensor->bytes = end - begin;
    return NULL;
}

static bertc_status read_tensor(const bc_safetensors *file, const cJSON *entry, bc_tensor *tensor,
                                bertc_error *err)
{
    *tensor = (bc_tensor){.name = entry->string};
    const char *reason = NULL;
    if (!cJSON_IsObject(entry)) reason = "entry is not an object";
    else if (!read_dtype(entry, &tensor->dtype)) reason = "unknown dtype";
    if (!reason) reason = read_shape(entry, tensor);
    if (!reason) reason = read_offsets(entry, file->data, file->input.size - file->data, tensor);
    return reason ? fail_tensor(file->path, entry->string, reason, err) : BERTC_OK;
}

static bool is_metadata(const cJSON *entry)
{
    return strcmp(entry->string, "__metadata__") == 0;
}

static bertc_status check_metadata(const char *path, const cJSON *metadata, bertc_error *err)
{
    const cJSON *item;
    bool ok = cJSON_IsObject(metadata);
    if (ok) cJSON_ArrayForEach(item, metadata) ok = ok && cJSON_IsString(item);
    if (ok) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s: __metadata__ does not map strings to strings", path);
}

static bertc_status read_tensors(bc_safetensors *file, bertc_error *err)
{
    const cJSON *entry;
    size_t entries = 0;
    cJSON_ArrayForEach(entry, file->header) entries++;
    file->tensors = bc_alloc(entries, sizeof *file->tensors);
    if (!file->tensors) return bc_fail_memory(err);
    cJSON_ArrayForEach(entry, file->header) {
        bertc_status status =
            is_metadata(entry)
                ? check_metadata(file->path, entry, err)
                : read_tensor(file, entry, &file->tensors[file->count++], err);
        if (status != BERTC_OK) return status;
    }
    return BERTC_OK;
}

/* By where the data lies; an empty tensor before the one that starts where it does. */
static int compare_tensors(const void *a, const void *b)
{
    const bc_tensor *x = a, *y = b;
    int begin = (x->offset > y->offset) - (x->offset < y->offset);
    int bytes = (x->bytes > y->bytes) - (x->bytes < y->bytes);
    return begin ? begin : bytes ? bytes : strcmp(x->name, y->name);
}

static bertc_status check_layout(bc_safetensors *file, bertc_error *err)
{
    size_t at = file->data, end = file->input.size;
    qsort(file->tensors, file->count, sizeof *file->tensors, compare_tensors);
    for (size_t i = 0; i < file->count; i++) {
        const bc_tensor *tensor = &file->tensors[i];
        if (tensor->offset != at)
            return fail_tensor(file->path, tensor->name,
                               tensor->offset > at ? "unused bytes before its data"
                                                 : "data overlaps another tensor's", err);
        at += tensor->bytes;
    }
    if (at == end) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s @%zu: %zu bytes after the last tensor", file->path,
                   at, end - at);
}

/* A file that does not begin as one of this format: say what it is, or what is wrong. */
static bertc_status refuse_kind(const bc_safetensors *file, const char *reason, bertc_error *err)
{
    bc_text what = {0};
    unsigned char head[BC_MAGIC_HEAD], tail[BC_MAGIC_TAIL];
    size_t size = file->input.size, length = size < BC_MAGIC_HEAD ? size : BC_MAGIC_HEAD;
    bool ended = size >= BC_MAGIC_TAIL;
    bertc_status status = bc_input_read(&file->input, head, length, 0, err);
    if (status == BERTC_OK && ended) status = bc_input_read(&file->input, tail, sizeof tail, size - sizeof tail, err);
    if (status != BERTC_OK) return status;
    bc_magic_describe(&what, head, length, ended ? tail : NULL);
    status = what.failed       ? bc_fail_memory(err)
             : what.length > 0 ? bc_fail(err, BERTC_INPUT, "%s: %s, not a safetensors file", file->path, what.bytes)
                               : bc_fail(err, BERTC_INPUT, "%s %s", file->path, reason);
    bc_text_clear(&what);
    return status;
}

/* Check what comes before the JSON; *header is its length. */
static bertc_status read_prefix(const bc_safetensors *file, size_t *header, bertc_error *err)
{
    unsigned char bytes[FIRST] = {0};
    size_t length = file->input.size;
    uint64_t n = 0;
    char reason[96];
    bertc_status status = bc_input_read(&file->input, bytes, length < FIRST ? length : FIRST, 0, err);
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
    if (n > 0 && n <= LONGEST_HEADER && length > PREFIX && bytes[PREFIX] == '{') /* one that was cut */
        return bc_fail(err, BERTC_INPUT, "%s %s", file->path, reason);
    return refuse_kind(file, reason, err);
}

static bertc_status parse_header(bc_safetensors *file, const char *text, size_t length, bertc_error *err)
{
    bc_text place = {0};
    bc_text_printf(&place, "%s: header", file->path);
    bertc_status status = place.failed
                              ? bc_fail_memory(err)
                              : bc_json_parse(text, length, place.bytes, &file->header, err);
    bc_text_clear(&place);
    return status;
}

static bertc_status read_header(bc_safetensors *file, size_t length, bertc_error *err)
{
    char *text = bc_alloc(length, 1);
    bertc_status status = text ? bc_input_read(&file->input, text, length, PREFIX, err) : bc_fail_memory(err);
    if (status == BERTC_OK) status = parse_header(file, text, length, err);
    size_t end = length;
    while (status == BERTC_OK && end > 0 && text[end - 1] == ' ') end--;
    file->trimmed = status == BERTC_OK && end > 0 && text[end - 1] == '}';
    file->data = PREFIX + length;
    bc_free(text);
    return status;
}

bertc_status bc_safetensors_open(const char *path, bc_safetensors *file, bertc_error *err)
{
    size_t header = 0;
    *file = (bc_safetensors){.input = {.fd = -1}};
    file->path = bc_strndup(path, strlen(path));
    bertc_status status = file->path ? bc_input_open(file->path, &file->input, err) : bc_fail_memory(err);
    if (status == BERTC_OK) status = read_prefix(file, &header, err);
    if (status == BERTC_OK) status = read_header(file, header, err);
    if (status == BERTC_OK) status = read_tensors(file, err);
    if (status == BERTC_OK) status = check_layout(file, err);
    if (status != BERTC_OK) bc_safetensors_close(file);
    return status;
}

const bc_tensor *bc_safetensors_find(const bc_safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->tensors[i].name, name) == 0) return &file->tensors[i];
    return NULL;
}

const char *bc_safetensors_metadata(const bc_safetensors *file, const char *key)
{
    return cJSON_GetStringValue(bc_json_get(bc_json_get(file->header, "__metadata__"), key));
}

void bc_safetensors_close(bc_safetensors *file)
{
    cJSON_Delete(file->header);
    bc_free(file->tensors);
    if (file->path) bc_input_close(&file->input);
    bc_free(file->path);
    *file = (bc_safetensors){.input = {.fd = -1}};
}

/* Values */

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE binary16: sign 1, exponent 5 (bias 15), fraction 10. The exponent's bias changes by 112. */
static float float_of_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
    if (exponent == 0) { /* zero or subnormal: fraction x 2^-24 is exact in float */
        float value = (float)fraction * 0x1p-24f;
        return sign ? -value : value;
    }
    if (exponent == 0x1f) return float_of_bits(sign | 0x7f800000u | fraction << 13);
    return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

static void convert_half(const unsigned char *from, float *to, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, from + 2 * i, sizeof bits);
        to[i] = float_of_half(bits);
    }
}

static void convert_bfloat(const unsigned char *from, float *to, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, from + 2 * i, sizeof bits);
        to[i] = float_of_bits((uint32_t)bits << 16);
    }
}

static void convert_double(const unsigned char *from, float *to, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double value;
        memcpy(&value, from + 8 * i, sizeof value);
        to[i] = (float)value;
    }
}

bertc_status bc_tensor_check_float(const bc_tensor *tensor, const char *path, bertc_error *err)
{
    if (bc_dtype_is_float(tensor->dtype)) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s: tensor \"%.200s\": %s values, expected floating point",
                   path, tensor->name, bc_dtype_name(tensor->dtype));
}

bertc_status bc_safetensors_bytes(const bc_safetensors *file, const bc_tensor *tensor, size_t from, size_t length,
                                  void *out, bertc_error *err)
{
    assert(from <= tensor->bytes && length <= tensor->bytes - from);
    return bc_input_read(&file->input, out, length, tensor->offset + from, err);
}

/* F32 needs no conversion; the others pass through a piece on the stack. */
bertc_status bc_safetensors_floats(const bc_safetensors *file, const bc_tensor *tensor, size_t from, size_t count,
                                   float *out, bertc_error *err)
{
    enum { ROOM = 1 << 15 };
    unsigned char piece[ROOM];
    bertc_status status = bc_tensor_check_float(tensor, file->path, err);
    if (status != BERTC_OK) return status;
    size_t width = dtypes[tensor->dtype].bits / 8, most = ROOM / width;
    if (tensor->dtype == BC_F32)
        return bc_safetensors_bytes(file, tensor, from * width, count * width, out, err);
    for (size_t at = 0, n; status == BERTC_OK && at < count; at += n) {
        n = count - at < most ? count - at : most;
        status = bc_safetensors_bytes(file, tensor, (from + at) * width, n * width, piece, err);
        if (status != BERTC_OK) break;
        if (tensor->dtype == BC_F16) convert_half(piece, out + at, n);
        if (tensor->dtype == BC_BF16) convert_bfloat(piece, out + at, n);
        if (tensor->dtype == BC_F64) convert_double(piece, out + at, n);
    }
    return status;
}

bertc_status bc_safetensors_check(const bc_safetensors *file, bertc_error *err)
{
    return bc_input_check(&file->input, err);
}

/* Writing */

static size_t tensor_bytes(const bc_tensor_out *tensor)
{
    size_t bits = dtypes[tensor->dtype].bits;
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

static void put_tensor(bc_text *text, const bc_tensor_out *tensor, size_t begin)
{
    bc_text_quote(text, tensor->name);
    bc_text_printf(text, ":{\"dtype\":\"%s\",\"shape\":[", bc_dtype_name(tensor->dtype));
    for (int i = 0; i < tensor->rank; i++)
        bc_text_printf(text, "%s%zu", i ? "," : "", tensor->shape[i]);
    bc_text_printf(text, "],\"data_offsets\":[%zu,%zu]}", begin, begin + tensor_bytes(tensor));
}

static void put_header(bc_text *text, const bc_tensor_out *tensors, size_t count,
                       const char *const *metadata)
{
    size_t begin = 0;
    bc_text_printf(text, "{");
    if (metadata) put_metadata(text, metadata);
    for (size_t i = 0; i < count; i++) {
        bc_text_printf(text, "%s", i || metadata ? "," : "");
        put_tensor(text, &tensors[i], begin);
        begin += tensor_bytes(&tensors[i]);
    }
    bc_text_printf(text, "}");
    while (!text->failed && (PREFIX + text->length) % DATA_ALIGNMENT != 0)
        bc_text_put(text, " ", 1);
}

/* The bytes of a tensor that is made while it is written. */
static bertc_status put_made(bc_writer *writer, size_t index, size_t bytes, bc_tensor_make make, const void *maker,
                             bertc_error *err)
{
    enum { PIECE = 1 << 20 };
    bertc_status status = BERTC_OK;
    void *piece = bc_alloc(bytes < PIECE ? bytes : PIECE, 1);
    if (!piece) return bc_fail_memory(err);
    for (size_t at = 0, n; status == BERTC_OK && at < bytes; at += n) {
        n = bytes - at < PIECE ? bytes - at : PIECE;
        status = make(maker, index, at, n, piece, err);
        if (status == BERTC_OK) bc_writer_put(writer, piece, n);
    }
    bc_free(piece);
    return status;
}

bertc_status bc_safetensors_write_made(const bc_dir *dir, const char *name, const bc_tensor_out *tensors,
                                       size_t count, const char *const *metadata, bc_tensor_make make,
                                       const void *maker, bc_ledger *ledger, bertc_error *err)
{
    bc_text header = {0};
    bc_writer writer;
    put_header(&header, tensors, count, metadata);
    bertc_status status = header.failed ? bc_fail_memory(err) : bc_writer_open_in(&writer, dir, name, err);
    if (status == BERTC_OK) {
        uint64_t n = header.length;
        writer.ledger = ledger;
        bc_writer_put(&writer, &n, sizeof n);
        bc_writer_put(&writer, header.bytes, header.length);
        for (size_t i = 0; i < count && status == BERTC_OK; i++) {
            size_t bytes = tensor_bytes(&tensors[i]);
            if (tensors[i].data || !make) bc_writer_put(&writer, tensors[i].data, bytes);
            else status = put_made(&writer, i, bytes, make, maker, err);
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
    return bc_safetensors_write_made(dir, name, tensors, count, metadata, NULL, NULL, NULL, err);
}
