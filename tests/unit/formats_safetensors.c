/* safetensors: written files are read back, damaged files are refused with the position of the fault, and every value
 * of the 16-bit types is converted correctly. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/writer.h"
#include "formats/safetensors.h"

static const char name[] = "formats_safetensors.tmp";

static int clean(void **state)
{
    (void)state;
    remove(name);
    return 0;
}

/* Write a file with this header and `data` zero bytes of data. */
static void make(const char *header, size_t data)
{
    bc_text text = {0};
    uint64_t n = strlen(header);
    bc_text_put(&text, (const char *)&n, sizeof n);
    bc_text_put(&text, header, n);
    for (size_t i = 0; i < data; i++) bc_text_put(&text, "", 1);
    assert_int_equal(bc_file_write_in(&bc_working_dir, name, text.bytes, text.length, NULL, NULL), BERTC_OK);
    bc_text_clear(&text);
}

static void expect_message(const char *message)
{
    bc_weights file;
    bertc_error err = {0};
    char expected[512];
    snprintf(expected, sizeof expected, "%s%s", name, message);
    assert_int_equal(bc_safetensors_open(name, &file, &err), BERTC_INPUT);
    assert_string_equal(err.message, expected);
    assert_null(file.state);
    bc_weights_close(&file);
}

#define ENTRY(dtype, shape, offsets) \
    "{\"t\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define TENSOR(name, begin, end) \
    "\"" name "\":{\"dtype\":\"U8\",\"shape\":[" #end "],\"data_offsets\":[" #begin "," #end "]}"

static void test_refused_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        const char *message;
    } cases[] = {
        {"", 0, " @8: header does not start with {"},
        {" {}", 0, " @8: header does not start with {"},
        {"[]", 0, " @8: header does not start with {"},
        {"{", 0, ": header @1: unexpected end"},
        {"{}x", 0, ": header @2: text after the end of the document"},
        {"{}", 3, " @10: 3 bytes after the last tensor"},
        {"{\"t\":1}", 0, ": tensor \"t\": entry is not an object"},
        {"{\"t\":{}}", 0, ": tensor \"t\": unknown dtype"},
        {ENTRY("\"F33\"", "[1]", "[0,4]"), 4, ": tensor \"t\": unknown dtype"},
        {ENTRY("\"f32\"", "[1]", "[0,4]"), 4, ": tensor \"t\": unknown dtype"},
        {ENTRY("1", "[1]", "[0,4]"), 4, ": tensor \"t\": unknown dtype"},
        {"{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, ": tensor \"t\": no shape"},
        {ENTRY("\"F32\"", "1", "[0,4]"), 4, ": tensor \"t\": no shape"},
        {ENTRY("\"F32\"", "[-1]", "[0,4]"), 4, ": tensor \"t\": a size in shape is not a whole number"},
        {ENTRY("\"F32\"", "[1.5]", "[0,4]"), 4, ": tensor \"t\": a size in shape is not a whole number"},
        {ENTRY("\"F32\"", "[\"1\"]", "[0,4]"), 4, ": tensor \"t\": a size in shape is not a whole number"},
        {ENTRY("\"F32\"", "[1e300]", "[0,4]"), 4, ": tensor \"t\": a size in shape is not a whole number"},
        {ENTRY("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, ": tensor \"t\": more than 8 dimensions"},
        {ENTRY("\"F32\"", "[4294967296,4294967296]", "[0,0]"), 0, ": tensor \"t\": shape overflows"},
        {ENTRY("\"F32\"", "[0,4294967296,4294967296,4294967296]", "[0,4]"), 4,
         ": tensor \"t\": shape and dtype do not give the length in data_offsets"},
        {ENTRY("\"F64\"", "[9007199254740992,64]", "[0,0]"), 0, ": tensor \"t\": shape overflows"},
        {ENTRY("\"F32\"", "[1073741824,4294967296]", "[0,0]"), 0, ": tensor \"t\": shape overflows"},
        {ENTRY("\"F32\"", "[1]", "[0]"), 4, ": tensor \"t\": data_offsets is not two whole numbers"},
        {ENTRY("\"F32\"", "[1]", "[0,4,4]"), 4, ": tensor \"t\": data_offsets is not two whole numbers"},
        {ENTRY("\"F32\"", "[1]", "[0,\"4\"]"), 4, ": tensor \"t\": data_offsets is not two whole numbers"},
        {ENTRY("\"F32\"", "[1]", "[-4,0]"), 4, ": tensor \"t\": data_offsets is not two whole numbers"},
        {ENTRY("\"F32\"", "[1]", "null"), 4, ": tensor \"t\": data_offsets is not two whole numbers"},
        {ENTRY("\"F32\"", "[1]", "[4,0]"), 4, ": tensor \"t\": data_offsets run backwards"},
        {ENTRY("\"F32\"", "[1]", "[0,4]"), 3, ": tensor \"t\": data_offsets point past the end of the file"},
        {ENTRY("\"F32\"", "[1]", "[18014398509481984,18014398509481988]"), 4,
         ": tensor \"t\": data_offsets is not two whole numbers"},
        {ENTRY("\"F32\"", "[2]", "[0,4]"), 4, ": tensor \"t\": shape and dtype do not give the length in data_offsets"},
        {ENTRY("\"F16\"", "[1]", "[0,4]"), 4, ": tensor \"t\": shape and dtype do not give the length in data_offsets"},
        {ENTRY("\"F4\"", "[3]", "[0,1]"), 1, ": tensor \"t\": shape and dtype do not give the length in data_offsets"},
        {ENTRY("\"U8\"", "[4]", "[1,5]"), 5, ": tensor \"t\": unused bytes before its data"},
        {ENTRY("\"U8\"", "[4]", "[0,4]"), 6, " @65: 2 bytes after the last tensor"},
        {"{" TENSOR("a", 0, 4) ",\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[5,9]}}", 9,
         ": tensor \"b\": unused bytes before its data"},
        {"{" TENSOR("a", 0, 4) ",\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[3,7]}}", 7,
         ": tensor \"b\": data overlaps another tensor's"},
        {"{" TENSOR("a", 0, 4) "," TENSOR("b", 0, 4) "}", 4, ": tensor \"b\": data overlaps another tensor's"},
        {"{" TENSOR("a", 0, 4) ",\"b\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[2,2]}}", 4,
         ": tensor \"b\": data overlaps another tensor's"},
        {"{" TENSOR("a", 0, 4) "," TENSOR("a", 0, 4) "}", 4, ": header @53: duplicate key"},
        {"{\"__metadata__\":1}", 0, ": __metadata__ does not map strings to strings"},
        {"{\"__metadata__\":{\"a\":1}}", 0, ": __metadata__ does not map strings to strings"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make(cases[i].header, cases[i].data);
        expect_message(cases[i].message);
    }
}

static void test_refused_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        const char *message;
    } cases[] = {
        {"", 0, ": empty, not a safetensors file"},
        {"\2\0\0\0\0\0\0", 7, " @0: 7 bytes, too short for safetensors"},
        {"\2\0\0\0\0\0\0\0", 8, " @0: header of 2 bytes in a file of 8"},
        {"\2\0\0\0\0\0\0\0{", 9, " @0: header of 2 bytes in a file of 9"},
        {"\377\377\377\377\377\377\377\377{}", 10,
         " @0: header of 18446744073709551615 bytes, at most 100000000 allowed"},
        {"\1\341\365\5\0\0\0\0{}", 10, " @0: header of 100000001 bytes, at most 100000000 allowed"},
        {"\0\341\365\5\0\0\0\0{}", 10, " @0: header of 100000000 bytes in a file of 10"},
        {"version https://git-lfs.github.com/spec/v1\n", 43,
         ": a Git LFS pointer ('git lfs pull' fetches the file itself), not a safetensors file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(bc_file_write_in(&bc_working_dir, name, cases[i].bytes, cases[i].length, NULL, NULL),
                         BERTC_OK);
        expect_message(cases[i].message);
    }
    remove(name);
    expect_message(": cannot open: No such file or directory");
}

#define BYTES(text) text, sizeof text - 1

/* For a file of another format the message states the format. The first bytes are as the programs write them. */
static void test_other_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        const char *what;
    } cases[] = {
        /* torch.save of 2.13, and with _use_new_zipfile_serialization=False */
        {BYTES("PK\3\4\0\0\10\10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\12\0\30\0x/data.pklFB\24\0ZZ"),
         "weights of PyTorch (zip)"},
        {BYTES("\200\2\212\12l\374\234F\371 j\250P\31.\200\2M\351\3."), "weights of PyTorch (pickle)"},
        {BYTES("\200\4\225\20\0\0\0\0\0\0\0}"), "a pickle of Python"},
        {BYTES("PK\3\4\55\0\0\0\0\0\0\0!\0\0\0\0\0\377\377\377\377\377\377\377\377\5\0\24\0a.npy"),
         "arrays of NumPy (npz)"},
        {BYTES("PK\3\4......................"), "a zip archive"},
        {BYTES("PK\3\4"), "a zip archive"},
        {BYTES("\223NUMPY\1\0v\0{'descr'"), "an array of NumPy"},
        {BYTES("\211HDF\r\n\32\n\0\0"), "HDF5, as Keras and TensorFlow save weights"},
        {BYTES("\0\0\0\0\1bert/pooler\0\0\0\x57\xfb\x80\x8b\x24\x75\x47\xdb"), "the index of a TensorFlow checkpoint"},
        {BYTES("\201\244bert\201\252embeddings"), "msgpack, as Flax saves weights"},
        {BYTES("\10\7\22\7pytorch\32\0051.9"), "a model of ONNX"},
        {BYTES("GGUF\3\0\0\0\0\0\0\0"), "weights of llama.cpp (GGUF)"},
        {BYTES("\37\213\10\0\0\0\0\0\0\3"), "compressed with gzip"},
        {BYTES("<!DOCTYPE html>\n<html>"), "a web page (HTML) that begins with \"<!DOCTYPE html>\""},
        {BYTES("\r\n <HTML lang=en>"), "a web page (HTML) that begins with \"<HTML lang=en>\""},
        {BYTES("<?xml version='1.0'?><Error>"), "an XML document that begins with \"<?xml version='1.0'?><Error>\""},
        {BYTES("{\"error\":\"gated\"}"), "JSON that begins with \"{\"error\":\"gated\"}\""},
        {BYTES("Entry not found"), "a text that begins with \"Entry not found\""},
        {BYTES("d\xc3\xa9j\xc3\xa0 vu"), "a text that begins with \"d\xc3\xa9j\xc3\xa0 vu\""},
        {BYTES(" \n"), "blank"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char message[160];
        assert_int_equal(bc_file_write_in(&bc_working_dir, name, cases[i].bytes, cases[i].length, NULL, NULL),
                         BERTC_OK);
        snprintf(message, sizeof message, ": %s, not a safetensors file", cases[i].what);
        expect_message(message);
    }
    remove(name);
}

/* The signature of tar is far after the first file's name; a cut safetensors header is not taken for another format. */
static void test_kinds_at_length(void **state)
{
    (void)state;
    unsigned char bytes[600] = "weights/model.bin";
    memcpy(bytes + 257, "ustar", 5);
    assert_int_equal(bc_file_write_in(&bc_working_dir, name, bytes, sizeof bytes, NULL, NULL), BERTC_OK);
    expect_message(": an archive of tar, not a safetensors file");
    memcpy(bytes, "\201\244\0\0\0\0\0\0{", 9);
    assert_int_equal(bc_file_write_in(&bc_working_dir, name, bytes, sizeof bytes, NULL, NULL), BERTC_OK);
    expect_message(" @0: header of 42113 bytes in a file of 600");
    remove(name);
}

static const float values[6] = {1, -2, 3.5f, 0, INFINITY, 6e-45f};

/* One file with every kind of tensor: matrix, vector, empty, scalar. */
static void write_sample(void)
{
    static const int64_t ids[2] = {1, -1};
    static const char *const metadata[] = {"format", "pt", "a\"\n", "\xc3\xa9", NULL};
    const bc_tensor_out tensors[] = {
        {"w", BC_F32, 2, {2, 3}, values},    {"empty", BC_F32, 3, {4, 0, 2}, NULL},
        {"\xc3\xa9\"", BC_I64, 1, {2}, ids}, {"scalar", BC_F32, 0, {0}, values + 2},
        {"nothing", BC_BOOL, 1, {0}, NULL},
    };
    bertc_error err = {0};
    assert_int_equal(bc_safetensors_write(&bc_working_dir, name, tensors, 5, metadata, &err), BERTC_OK);
}

static void test_round_trip(void **state)
{
    (void)state;
    bc_weights file;
    bertc_error err = {0};
    write_sample();
    assert_int_equal(bc_safetensors_open(name, &file, &err), BERTC_OK);
    assert_int_equal(file.count, 5);
    assert_int_equal(file.tensors[0].position % 64, 0);
    static const char *const order[] = {"w", "empty", "\xc3\xa9\"", "nothing", "scalar"};
    for (size_t i = 0; i < 5; i++) assert_non_null(bc_weights_find(&file, order[i]));
    const bc_tensor *w = bc_weights_find(&file, "w");
    assert_int_equal(w->rank, 2);
    assert_int_equal(w->shape[0], 2);
    assert_int_equal(w->shape[1], 3);
    assert_int_equal(w->count, 6);
    float read[6];
    assert_int_equal(bc_tensor_floats(w, 0, 6, read, &err), BERTC_OK);
    assert_memory_equal(read, values, sizeof values);
    const bc_tensor *empty = bc_weights_find(&file, "empty");
    assert_int_equal(empty->count, 0);
    assert_int_equal(empty->bytes, 0);
    assert_int_equal(bc_tensor_floats(empty, 0, 0, read, &err), BERTC_OK);
    const bc_tensor *scalar = bc_weights_find(&file, "scalar");
    assert_int_equal(scalar->rank, 0);
    assert_int_equal(scalar->count, 1);
    assert_string_equal(bc_safetensors_metadata(&file, "format"), "pt");
    assert_string_equal(bc_safetensors_metadata(&file, "a\"\n"), "\xc3\xa9");
    assert_null(bc_safetensors_metadata(&file, "Format"));
    assert_null(bc_weights_find(&file, "W"));
    assert_null(bc_weights_find(&file, "__metadata__"));
    const bc_tensor *ids = bc_weights_find(&file, "\xc3\xa9\"");
    assert_int_equal(bc_tensor_floats(ids, 0, 1, read, &err), BERTC_INPUT);
    assert_string_equal(err.message, "formats_safetensors.tmp: tensor \"\xc3\xa9\"\": I64 values, "
                                     "expected floating point");
    bc_weights_close(&file);
    bc_weights_close(&file);
}

/* Tensors are listed in the order of the data, not of the header; metadata and tensors may be absent; padding. */
static void test_accepted(void **state)
{
    (void)state;
    bc_weights file;
    bertc_error err = {0};
    make("{\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8],\"extra\":[1]},"
         "\"c\":{\"shape\":[],\"data_offsets\":[8,9],\"dtype\":\"F8_E4M3\"}," TENSOR("a", 0, 4)
         ",\"d\":{\"dtype\":\"F4\",\"shape\":[6],\"data_offsets\":[9,12]}}   ", 12);
    assert_int_equal(bc_safetensors_open(name, &file, &err), BERTC_OK);
    for (size_t i = 0; i < 4; i++) assert_int_equal(file.tensors[i].name[0], 'a' + (int)i);
    assert_null(bc_safetensors_metadata(&file, "format"));
    bc_weights_close(&file);
    /* of two tensors at one offset the empty tensor comes first, whatever their names */
    make("{" TENSOR("a", 0, 4) ",\"z\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 4);
    assert_int_equal(bc_safetensors_open(name, &file, &err), BERTC_OK);
    assert_int_equal(file.tensors[0].name[0], 'z');
    bc_weights_close(&file);
    make("{}      ", 0);
    assert_int_equal(bc_safetensors_open(name, &file, &err), BERTC_OK);
    assert_int_equal(file.count, 0);
    bc_weights_close(&file);
    assert_int_equal(bc_safetensors_write(&bc_working_dir, name, NULL, 0, NULL, &err), BERTC_OK);
    assert_int_equal(bc_safetensors_open(name, &file, &err), BERTC_OK);
    bc_weights_close(&file);
}

/* Read every tensor of an open file, to show that none of it is outside the file. */
static void read_all(const bc_weights *file)
{
    float out[64];
    for (size_t i = 0; i < file->count; i++) {
        const bc_tensor *t = &file->tensors[i];
        char *bytes = bc_alloc(t->bytes, 1); /* no byte more */
        assert_int_equal(bc_tensor_bytes(t, 0, t->bytes, bytes, NULL), BERTC_OK);
        bc_free(bytes);
        if (t->count <= 64) bc_tensor_floats(t, 0, t->count, out, NULL);
        assert_ptr_equal(bc_weights_find(file, t->name), t);
    }
    bc_safetensors_metadata(file, "format");
}

static size_t opened, refused;

static void try_bytes(const char *bytes, size_t length)
{
    bc_weights file;
    bertc_error err = {0};
    FILE *stream = fopen(name, "wb"); /* not synced: many thousands of these */
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, length, stream), length);
    fclose(stream);
    bertc_status status = bc_safetensors_open(name, &file, &err);
    if (status == BERTC_OK) read_all(&file), opened++;
    else refused++;
    assert_true(status == BERTC_OK || (status == BERTC_INPUT && err.message[0]));
    bc_weights_close(&file);
}

static void test_truncated(void **state)
{
    (void)state;
    char *bytes;
    size_t length;
    write_sample();
    assert_int_equal(bc_file_read(name, BC_FILE_WORDS, &bytes, &length, NULL), BERTC_OK);
    opened = refused = 0;
    for (size_t n = 0; n < length; n++) try_bytes(bytes, n);
    assert_int_equal(opened, 0);
    assert_int_equal(refused, length);
    bc_free(bytes);
}

/* Flip every bit. A file in which only a name, a digit or the data changed may still open. */
static void test_flipped(void **state)
{
    (void)state;
    char *bytes;
    size_t length;
    write_sample();
    assert_int_equal(bc_file_read(name, BC_FILE_WORDS, &bytes, &length, NULL), BERTC_OK);
    opened = refused = 0;
    for (size_t at = 0; at < length; at++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[at] = (char)(bytes[at] ^ 1 << bit);
            try_bytes(bytes, length);
            bytes[at] = (char)(bytes[at] ^ 1 << bit);
        }
    assert_true(refused > 8 * 100);
    assert_true(opened > 8 * 44); /* any change of the 44 bytes of data is accepted */
    bc_free(bytes);
}

/* The value of a 16-bit float in double precision, from its sign, exponent and fraction. */
static double reference(uint32_t bits, int exponent_bits, int fraction_bits)
{
    int bias = (1 << (exponent_bits - 1)) - 1, max = (1 << exponent_bits) - 1;
    int exponent = (int)(bits >> fraction_bits) & max;
    double fraction = bits & ((1u << fraction_bits) - 1), scale = ldexp(1, -fraction_bits);
    double sign = bits >> (exponent_bits + fraction_bits) ? -1 : 1;
    if (exponent == max) return fraction == 0 ? sign * INFINITY : NAN;
    if (exponent == 0) return sign * ldexp(fraction * scale, 1 - bias);
    return sign * ldexp(1 + fraction * scale, exponent - bias);
}

/* Write values at an odd offset of a file, and read them at once and in two parts. */
static void read_floats(bc_dtype dtype, const void *values_of, size_t count, float *out)
{
    const bc_tensor_out tensors[] = {{"odd", BC_U8, 1, {1}, "x"}, {"t", dtype, 1, {count}, values_of}};
    bc_weights file;
    float *parts = bc_alloc(count, sizeof *parts);
    assert_non_null(parts);
    assert_int_equal(bc_safetensors_write(&bc_working_dir, name, tensors, 2, NULL, NULL), BERTC_OK);
    assert_int_equal(bc_safetensors_open(name, &file, NULL), BERTC_OK);
    const bc_tensor *t = bc_weights_find(&file, "t");
    assert_int_equal(t->position % 2, 1);
    assert_int_equal(bc_tensor_floats(t, 0, count, out, NULL), BERTC_OK);
    assert_int_equal(bc_tensor_floats(t, 0, 1, parts, NULL), BERTC_OK);
    assert_int_equal(bc_tensor_floats(t, 1, count - 1, parts + 1, NULL), BERTC_OK);
    assert_memory_equal(out, parts, count * sizeof *out);
    bc_weights_close(&file);
    bc_free(parts);
}

static void expect_all(bc_dtype dtype, int exponent_bits, int fraction_bits)
{
    enum { ALL = 65536 };
    static uint16_t bits[ALL];
    static float out[ALL];
    for (uint32_t i = 0; i < ALL; i++) bits[i] = (uint16_t)i;
    read_floats(dtype, bits, ALL, out);
    for (uint32_t i = 0; i < ALL; i++) {
        double expected = reference(i, exponent_bits, fraction_bits);
        assert_true(isnan(expected) ? isnan(out[i]) : (double)out[i] == expected);
        if (!isnan(expected)) assert_int_equal(!signbit(out[i]), !signbit(expected));
    }
}

static void test_f16_and_bf16(void **state)
{
    (void)state;
    expect_all(BC_F16, 5, 10);
    expect_all(BC_BF16, 8, 7);
}

static void test_double(void **state)
{
    (void)state;
    static const double doubles[] = {0, -0.0, 1.0 / 3, 1e300, -1e300, 1e-300, NAN, INFINITY, 3.4028234663852886e38};
    enum { N = sizeof doubles / sizeof *doubles };
    float out[N];
    read_floats(BC_F64, doubles, N, out);
    static const float expected[N] = {0, -0.0f, 1.0f / 3, INFINITY, -INFINITY, 0, NAN, INFINITY,
                                      3.4028234663852886e38f};
    for (size_t i = 0; i < N; i++) {
        assert_true(isnan(expected[i]) ? isnan(out[i]) : out[i] == expected[i]);
        if (!isnan(expected[i])) assert_int_equal(!signbit(out[i]), !signbit(expected[i]));
    }
}

/* A file that becomes shorter or changes after it was opened is an error that states the path. */
static void test_changed_meanwhile(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    static float many[COUNT], out[COUNT];
    const bc_tensor_out tensor = {"w", BC_F32, 1, {COUNT}, many};
    bc_weights file;
    bertc_error err = {0};
    assert_int_equal(bc_safetensors_write(&bc_working_dir, name, &tensor, 1, NULL, &err), BERTC_OK);
    assert_int_equal(bc_safetensors_open(name, &file, &err), BERTC_OK);
    assert_int_equal(bc_weights_check(&file, &err), BERTC_OK);
    assert_int_equal(truncate(name, (off_t)(file.tensors->position + file.tensors->bytes) - 4), 0);
    assert_int_equal(bc_tensor_floats(file.tensors, 0, COUNT - 1, out, &err), BERTC_OK);
    assert_int_equal(bc_tensor_floats(file.tensors, 0, COUNT, out, &err), BERTC_IO);
    assert_string_equal(err.message, "formats_safetensors.tmp: file shrank while it was read");
    err = (bertc_error){0};
    assert_int_equal(bc_weights_check(&file, &err), BERTC_IO);
    assert_string_equal(err.message, "formats_safetensors.tmp: file changed while it was read");
    bc_weights_close(&file);
    assert_int_equal(bc_safetensors_write(&bc_working_dir, name, &tensor, 1, NULL, NULL), BERTC_OK);
    assert_int_equal(bc_safetensors_open(name, &file, NULL), BERTC_OK);
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    assert_int_equal(utimensat(AT_FDCWD, name, times, 0), 0);
    assert_int_equal(bc_weights_check(&file, NULL), BERTC_IO);
    bc_weights_close(&file);
}

static void test_unwritable(void **state)
{
    (void)state;
    bertc_error err = {0};
    const bc_tensor_out tensor = {"w", BC_F32, 2, {2, 3}, values};
    assert_int_equal(bc_safetensors_write(&bc_working_dir, "no/such", &tensor, 1, NULL, &err), BERTC_IO);
    assert_string_equal(err.message, "no/such: cannot create: No such file or directory");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_teardown(test, clean)
    const struct CMUnitTest tests[] = {
        TEST(test_refused_headers), TEST(test_refused_prefix), TEST(test_other_kinds), TEST(test_kinds_at_length),
        TEST(test_round_trip),      TEST(test_accepted),       TEST(test_truncated),   TEST(test_flipped),
        TEST(test_f16_and_bf16),    TEST(test_double),         TEST(test_unwritable),  TEST(test_changed_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
