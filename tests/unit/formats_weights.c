/* Weight sources: what all readers have in common, tested with tensors in memory and with a set of parts; and the file
 * of a folder that is opened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "formats/readers.h"
#include "formats/safetensors.h"
#include "memory_weights.h"

enum { ROWS = 3, COLUMNS = 50000, COUNT = ROWS * COLUMNS }; /* more than one piece of any type */

static float numbers[COUNT], out[COUNT];

/* Numbers that every floating-point type represents exactly. */
static int make_numbers(void **unused)
{
    (void)unused;
    for (int i = 0; i < COUNT; i++) numbers[i] = (float)(i % 251 - 125) / 4;
    return 0;
}

/* The numbers as values of a type, not converted by the functions under test: a bf16 is the upper half of a float, an
 * f16 is made from fraction and exponent. */
static void *stored_as(bc_dtype dtype)
{
    size_t width = bc_dtype_bits(dtype) / 8;
    char *bytes = malloc(COUNT * width);
    for (int i = 0; i < COUNT; i++) {
        float x = numbers[i];
        double wide = (double)x;
        int exponent;
        double fraction = frexp(fabs(wide), &exponent);
        int f16 = (wide < 0 ? 1 << 15 : 0) + ((exponent + 14) << 10) + (int)ldexp(2 * fraction - 1, 10);
        uint16_t bits = wide == 0 ? (uint16_t)0 : (uint16_t)f16;
        const void *value = dtype == BC_F32    ? (const void *)&x
                            : dtype == BC_F64  ? (const void *)&wide
                            : dtype == BC_BF16 ? (const void *)((const char *)&x + 2)
                                               : (const void *)&bits;
        memcpy(bytes + (size_t)i * width, value, width);
    }
    return bytes;
}

static void open_one(bc_weights *weights, memory_weights *m, bc_dtype dtype, bool transposed)
{
    const bc_tensor like = {.name = "w", .dtype = dtype, .rank = 2, .shape = {ROWS, COLUMNS}, .count = COUNT,
                            .bytes = COUNT * bc_dtype_bits(dtype) / 8};
    void *bytes = stored_as(dtype);
    memory_open(weights, m, 1);
    memory_put(weights, 0, &like, bytes, transposed);
    free(bytes);
}

/* Read at once, and in parts of any length; also a matrix that is stored column by column. */
static void test_values_of_every_type(void **unused)
{
    (void)unused;
    static const bc_dtype types[] = {BC_F32, BC_F16, BC_BF16, BC_F64};
    static const size_t ends[] = {0, 1, 16384, 16385, COUNT - 1, COUNT};
    for (int i = 0; i < 8; i++) {
        bc_weights weights;
        memory_weights m;
        open_one(&weights, &m, types[i / 2], i % 2);
        const bc_tensor *w = bc_weights_find(&weights, "w");
        memset(out, 0xff, sizeof out);
        assert_int_equal(bc_tensor_floats(w, 0, COUNT, out, NULL), BERTC_OK);
        assert_memory_equal(out, numbers, sizeof out);
        memset(out, 0xff, sizeof out);
        for (size_t e = 0; e + 1 < sizeof ends / sizeof *ends; e++)
            assert_int_equal(bc_tensor_floats(w, ends[e], ends[e + 1] - ends[e], out + ends[e], NULL), BERTC_OK);
        assert_memory_equal(out, numbers, sizeof out);
        bc_weights_close(&weights);
    }
}

/* f32 is read in one call straight into the caller's memory, without a second copy of the tensor. */
static void test_f32_is_read_directly(void **unused)
{
    (void)unused;
    bc_weights weights;
    memory_weights m;
    open_one(&weights, &m, BC_F32, false);
    assert_int_equal(bc_tensor_floats(weights.tensors, 7, COUNT - 7, out + 7, NULL), BERTC_OK);
    assert_int_equal(m.reads, 1);
    assert_ptr_equal(m.to, out + 7);
    bc_weights_close(&weights);
    open_one(&weights, &m, BC_F16, false);
    assert_int_equal(bc_tensor_floats(weights.tensors, 0, COUNT, out, NULL), BERTC_OK);
    assert_true(m.reads > 4); /* other types in pieces */
    bc_weights_close(&weights);
}

static void test_bytes_and_other_types(void **unused)
{
    (void)unused;
    static const int64_t ids[4] = {1, 2, 3, 4};
    const bc_tensor like = {.name = "ids", .dtype = BC_I64, .rank = 2, .shape = {2, 2}, .count = 4, .bytes = 32};
    int64_t read[4] = {0};
    bc_weights weights;
    memory_weights m;
    bertc_error err = {0};
    memory_open(&weights, &m, 1);
    memory_put(&weights, 0, &like, ids, true);
    assert_int_equal(bc_tensor_bytes(weights.tensors, 0, 32, read, &err), BERTC_OK);
    assert_memory_equal(read, ids, sizeof ids);
    assert_int_equal(bc_tensor_bytes(weights.tensors, 9, 14, (char *)read + 9, &err), BERTC_OK);
    assert_memory_equal(read, ids, sizeof ids);
    int reads = m.reads;
    assert_int_equal(bc_tensor_floats(weights.tensors, 0, 1, out, &err), BERTC_INPUT);
    assert_string_equal(err.message, "memory: tensor \"ids\": I64 values, expected floating point");
    assert_int_equal(m.reads, reads);
    m.bad = "ids";
    err = (bertc_error){0};
    assert_int_equal(bc_tensor_bytes(weights.tensors, 0, 32, read, &err), BERTC_IO);
    assert_string_equal(err.message, "ids: lost");
    bc_weights_close(&weights);
}

static void test_types(void **unused)
{
    (void)unused;
    const bc_weights weights = {.path = (char[]){"w"}};
    for (int d = 0; d < BC_DTYPES; d++) {
        bc_dtype dtype = (bc_dtype)d, found = BC_DTYPES;
        const bc_tensor tensor = {.weights = &weights, .name = "t", .dtype = dtype};
        bool ok = bc_tensor_check_float(&tensor, NULL) == BERTC_OK;
        assert_int_equal(ok, bc_dtype_is_float(dtype));
        assert_int_equal(ok, d < 4);
        assert_true(bc_dtype_bits(dtype) > 0);
        assert_true(bc_dtype_find(bc_dtype_name(dtype), &found));
        assert_int_equal(found, dtype);
    }
    bc_dtype none;
    assert_false(bc_dtype_find("F33", &none));
    assert_false(bc_dtype_find("", &none));
}

static void test_values_that_are_not_finite(void **unused)
{
    (void)unused;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    static float x[1000];
    static char name[300];
    const bc_weights weights = {.path = (char[]){"model"}};
    const bc_tensor tensor = {.weights = &weights, .name = memset(name, 'n', sizeof name - 1)};
    char expected[300];
    snprintf(expected, sizeof expected, "model: tensor \"%.200s\": a value is not finite", name);
    for (size_t count = 0; count <= 1000; count += 250)
        assert_int_equal(bc_tensor_check_finite(&tensor, x, count, NULL), BERTC_OK);
    x[3] = 3.4e38f;
    x[4] = -1e-45f;
    assert_int_equal(bc_tensor_check_finite(&tensor, x, 1000, NULL), BERTC_OK);
    for (size_t at = 0; at < 1000; at += 333)
        for (int b = 0; b < 3; b++) {
            bertc_error err = {0};
            x[at] = bad[b];
            assert_int_equal(bc_tensor_check_finite(&tensor, x, 1000, &err), BERTC_INPUT);
            assert_string_equal(err.message, expected);
            assert_int_equal(bc_tensor_check_finite(&tensor, x, at, &err), BERTC_OK);
            x[at] = 0;
        }
}

static void test_names_and_closing(void **unused)
{
    (void)unused;
    bc_weights weights = {0};
    memory_weights m;
    const bc_tensor like = {.name = "a", .rank = 1, .shape = {1}, .count = 1, .bytes = 4};
    assert_null(bc_weights_find(&weights, "a")); /* a closed source has no tensors */
    bc_weights_close(&weights);
    memory_open(&weights, &m, 2);
    memory_put(&weights, 0, &like, numbers, false);
    memory_put(&weights, 1, &(bc_tensor){.name = "b", .bytes = 4, .count = 1}, numbers, false);
    assert_ptr_equal(bc_weights_find(&weights, "b"), weights.tensors + 1);
    assert_null(bc_weights_find(&weights, "B"));
    assert_null(bc_weights_find(&weights, ""));
    assert_int_equal(bc_weights_check(&weights, NULL), BERTC_OK);
    m.changed = true;
    bertc_error err = {0};
    assert_int_equal(bc_weights_check(&weights, &err), BERTC_IO);
    assert_string_equal(err.message, "memory: changed");
    bc_weights_close(&weights);
    bc_weights_close(&weights);
    assert_int_equal(m.closes, 1);
    assert_null(weights.tensors);
}

/* ---- A set of parts ------------------------------------------------------------------------ */

enum { PARTS = 2 };

static bertc_status check_parts(const bc_weights *weights, bertc_error *err)
{
    const bc_weights *parts = weights->state;
    bertc_status status = BERTC_OK;
    for (int i = 0; i < PARTS && status == BERTC_OK; i++) status = bc_weights_check(&parts[i], err);
    return status;
}

static void close_parts(bc_weights *weights)
{
    bc_weights *parts = weights->state;
    for (int i = 0; i < PARTS; i++) bc_weights_close(&parts[i]);
}

/* A set has no read function: its tensors point to the parts. */
static const bc_weights_methods parts_methods = {NULL, check_parts, close_parts};

static void test_a_set_of_parts(void **unused)
{
    (void)unused;
    bc_weights parts[PARTS];
    memory_weights m[PARTS];
    bertc_error err = {0};
    open_one(&parts[0], &m[0], BC_F32, false);
    open_one(&parts[1], &m[1], BC_BF16, true);
    parts[1].tensors[0].name = "v";
    parts[1].path[0] = 'M';
    bc_weights set = {.methods = &parts_methods, .path = bc_strndup("set", 3), .count = PARTS, .state = parts,
                      .tensors = bc_alloc(PARTS, sizeof(bc_tensor))};
    for (int i = 0; i < PARTS; i++) set.tensors[i] = parts[i].tensors[0];
    const bc_tensor *v = bc_weights_find(&set, "v");
    assert_ptr_equal(v->weights, &parts[1]);
    assert_string_equal(v->weights->path, "Memory");
    for (int i = 0; i < PARTS; i++) {
        memset(out, 0xff, sizeof out);
        assert_int_equal(bc_tensor_floats(&set.tensors[i], 0, COUNT, out, &err), BERTC_OK);
        assert_memory_equal(out, numbers, sizeof out);
    }
    m[1].bad = "v";
    assert_int_equal(bc_tensor_floats(v, 0, COUNT, out, &err), BERTC_IO);
    m[1].changed = true;
    err = (bertc_error){0};
    assert_int_equal(bc_weights_check(&set, &err), BERTC_IO);
    assert_string_equal(err.message, "Memory: changed");
    bc_weights_close(&set);
    assert_int_equal(m[0].closes + m[1].closes, 2);
}

/* ---- Folders ------------------------------------------------------------------------------- */

static const char folder[] = "formats_weights.tmp";

static void write_file(const char *name, float value)
{
    char path[128];
    const bc_tensor_out tensor = {"w", BC_F32, 1, {1}, &value};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(bc_safetensors_write(&bc_working_dir, path, &tensor, 1, NULL, NULL), BERTC_OK);
}

static void expect_source(bertc_status status, bc_weights *weights, const char *path, float value)
{
    float x = 0;
    assert_int_equal(status, BERTC_OK);
    assert_string_equal(weights->path, path);
    assert_int_equal(bc_tensor_floats(bc_weights_find(weights, "w"), 0, 1, &x, NULL), BERTC_OK);
    assert_true(x == value);
    bc_weights_close(weights);
}

static void test_folders(void **unused)
{
    (void)unused;
    bc_weights weights;
    bertc_error err = {0};
    bc_folder_create(folder, NULL);
    assert_int_equal(bc_weights_open_in(folder, BC_ROLE_MODEL, &weights, &err), BERTC_INPUT);
    assert_non_null(strstr(err.message, "formats_weights.tmp/model.safetensors: no such file; "));
    bc_weights_close(&weights);
    write_file(BC_MODEL_WEIGHTS, 1);
    write_file(BC_ADAPTER_WEIGHTS, 2);
    write_file("other", 3);
    expect_source(bc_weights_open_in(folder, BC_ROLE_MODEL, &weights, &err), &weights,
                  "formats_weights.tmp/model.safetensors", 1);
    expect_source(bc_weights_open_in(folder, BC_ROLE_ADAPTER, &weights, &err), &weights,
                  "formats_weights.tmp/adapter_model.safetensors", 2);
    expect_source(bc_weights_open("formats_weights.tmp/other", &weights, &err), &weights, "formats_weights.tmp/other",
                  3);
    err = (bertc_error){0};
    assert_int_equal(bc_weights_open("formats_weights.tmp/none", &weights, &err), BERTC_INPUT);
    assert_non_null(strstr(err.message, "formats_weights.tmp/none"));
    bc_weights_close(&weights);
}

static int clean(void **unused)
{
    static const char *const names[] = {"model.safetensors", "adapter_model.safetensors", "other"};
    (void)unused;
    for (int i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_values_of_every_type, make_numbers),
        cmocka_unit_test_setup(test_f32_is_read_directly, make_numbers),
        cmocka_unit_test(test_bytes_and_other_types),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_values_that_are_not_finite),
        cmocka_unit_test(test_names_and_closing),
        cmocka_unit_test_setup(test_a_set_of_parts, make_numbers),
        cmocka_unit_test_teardown(test_folders, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
