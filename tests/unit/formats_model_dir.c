/* Copying the tokenizer files of a model, and converting old tensor names to current names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/writer.h"
#include "formats/model_dir.h"
#include "formats/tensor_names.h"
#include "unit/exists.h"

static const char from[] = "formats_from.tmp", to[] = "formats_to.tmp";
static const char *const files[] = {"vocab.txt",      "tokenizer_config.json",   "config.json",
                                    "tokenizer.json", "special_tokens_map.json", "added_tokens.json"};
enum { FILES = sizeof files / sizeof *files };

static int enter(void **state)
{
    (void)state;
    return bc_folder_create(from, NULL) == BERTC_OK && bc_folder_create(to, NULL) == BERTC_OK ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    for (size_t i = 0; i < FILES; i++) {
        char *a = bc_path_join(from, files[i]), *b = bc_path_join(to, files[i]);
        unlink(a);
        unlink(b);
        bc_free(a);
        bc_free(b);
    }
    return rmdir(from) | rmdir(to);
}

static void put(const char *file, const char *bytes, size_t length)
{
    char *path = bc_path_join(from, file);
    assert_int_equal(bc_file_write_in(&bc_working_dir, path, bytes, length, NULL, NULL), BERTC_OK);
    bc_free(path);
}

/* Check the content of a file in `to`; bytes null: the file must not exist. */
static void expect(const char *file, const char *bytes, size_t length)
{
    char *path = bc_path_join(to, file), *found;
    size_t size;
    assert_int_equal(bc_file_exists(path), bytes != NULL);
    if (bytes) {
        assert_int_equal(bc_file_read(path, BC_FILE_WORDS, &found, &size, NULL), BERTC_OK);
        assert_int_equal(size, length);
        assert_memory_equal(found, bytes, length);
        bc_free(found);
    }
    bc_free(path);
}

static bertc_status copy(const char *source, const char *target, bool alone, bc_file_hashes *hashes, bertc_error *err)
{
    bc_dir dir;
    bertc_status status = bc_dir_open(&dir, target, false, err);
    if (status == BERTC_OK) status = bc_model_dir_copy_tokenizer(source, &dir, alone, hashes, err);
    bc_dir_close(&dir);
    return status;
}

static void test_copied(void **state)
{
    (void)state;
    static const char odd[] = "a\r\n\0\xff";
    put("vocab.txt", odd, sizeof odd);
    put("tokenizer_config.json", "not even JSON", 13);
    put("tokenizer.json", "", 0);
    put("added_tokens.json", "{}", 2);
    put("config.json", "{}", 2);
    assert_int_equal(copy(from, to, false, NULL, NULL), BERTC_OK);
    expect("vocab.txt", odd, sizeof odd);
    expect("tokenizer_config.json", "not even JSON", 13);
    expect("tokenizer.json", "", 0);
    expect("added_tokens.json", "{}", 2);
    expect("special_tokens_map.json", NULL, 0);
    expect("config.json", NULL, 0);
    assert_int_equal(copy(to, to, false, NULL, NULL), BERTC_OK);
    expect("vocab.txt", odd, sizeof odd);
}

static void test_default(void **state)
{
    (void)state;
    static const char plain[] = "{\n  \"do_lower_case\": true,\n  \"tokenizer_class\": \"BertTokenizer\"\n}\n";
    static const char limited[] = "{\n  \"do_lower_case\": true,\n  \"model_max_length\": 77,\n"
                                  "  \"tokenizer_class\": \"BertTokenizer\"\n}\n";
    put("vocab.txt", "a\n", 2);
    assert_int_equal(copy(from, to, false, NULL, NULL), BERTC_OK);
    expect("tokenizer_config.json", plain, sizeof plain - 1);
    put("config.json", "{\"max_position_embeddings\":77}", 30);
    assert_int_equal(copy(from, to, false, NULL, NULL), BERTC_OK);
    expect("tokenizer_config.json", limited, sizeof limited - 1);
}

/* With a tokenizer.json no default is written, since it states the case. */
static void test_no_default(void **state)
{
    (void)state;
    put("vocab.txt", "a\n", 2);
    put("tokenizer.json", "{}", 2);
    assert_int_equal(copy(from, to, false, NULL, NULL), BERTC_OK);
    expect("tokenizer_config.json", NULL, 0);
}

/* In a folder without config.json, tokenizer_config.json states the class that AutoTokenizer takes in the source
 * folder. */
static void test_named_class(void **state)
{
    (void)state;
    static const struct {
        const char *config, *tokenizer, *expected;
    } cases[] = {
        {"{\"model_type\":\"bert\"}", "{ \"do_lower_case\":false, \"x\": 1.50 }",
         "{\n  \"tokenizer_class\": \"BertTokenizer\",\n  \"do_lower_case\": false,\n  \"x\": 1.50\n}\n"},
        {"{\"model_type\":\"bert\",\"tokenizer_class\":\"BertTokenizerFast\"}", "{\"tokenizer_class\":null}",
         "{\n  \"tokenizer_class\": \"BertTokenizerFast\"\n}\n"},
        {"{}", "{}", "{\n  \"tokenizer_class\": \"PreTrainedTokenizerFast\"\n}\n"},
        {"{\"model_type\":\"bert\"}", "{\"tokenizer_class\":\"Own\" }", "{\"tokenizer_class\":\"Own\" }"},
        {"{\"model_type\":\"bert\"}", NULL, "{\n  \"tokenizer_class\": \"BertTokenizer\"\n}\n"},
    };
    put("tokenizer.json", "{}", 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        remove("formats_from.tmp/tokenizer_config.json");
        remove("formats_to.tmp/tokenizer_config.json");
        put("config.json", cases[i].config, strlen(cases[i].config));
        if (cases[i].tokenizer) put("tokenizer_config.json", cases[i].tokenizer, strlen(cases[i].tokenizer));
        assert_int_equal(copy(from, to, true, NULL, NULL), BERTC_OK);
        expect("tokenizer_config.json", cases[i].expected, strlen(cases[i].expected));
    }
}

static void test_errors(void **state)
{
    (void)state;
    bertc_error err = {0};
    put("vocab.txt", "a\n", 2);
    assert_int_equal(copy(from, "no/such", false, NULL, &err), BERTC_IO);
    assert_string_equal(err.message, "no/such: cannot open folder: No such file or directory");
    put("config.json", "{", 1);
    err = (bertc_error){0};
    assert_int_equal(copy(from, to, false, NULL, &err), BERTC_INPUT);
    assert_string_equal(err.message, "formats_from.tmp/config.json @1: unexpected end");
}

static void test_names(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"bert.pooler.dense.weight", "bert.pooler.dense.weight"},
        {"pooler.dense.bias", "bert.pooler.dense.bias"},
        {"embeddings.LayerNorm.gamma", "bert.embeddings.LayerNorm.weight"},
        {"bert.encoder.layer.0.output.LayerNorm.beta", "bert.encoder.layer.0.output.LayerNorm.bias"},
        {"encoder.layer.11.attention.self.query.weight", "bert.encoder.layer.11.attention.self.query.weight"},
        {"classifier.weight", "classifier.weight"},
        {"cls.predictions.transform.LayerNorm.gamma", "cls.predictions.transform.LayerNorm.weight"},
        {"gamma", "gamma"},
        {"x.gamma", "x.gamma"},
        {"encoders.a", "encoders.a"},
        {"", ""},
    };
    char out[64], tiny[9];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bc_name_current(cases[i][0], out, sizeof out);
        assert_string_equal(out, cases[i][1]);
    }
    bc_name_current("encoder.layer", tiny, sizeof tiny);
    assert_string_equal(tiny, "bert.enc");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, enter, leave)
    const struct CMUnitTest tests[] = {
        TEST(test_copied),      TEST(test_default), TEST(test_no_default),
        TEST(test_named_class), TEST(test_errors),  cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
