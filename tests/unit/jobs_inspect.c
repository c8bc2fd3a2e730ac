/* inspect: every bertc_fit occurs once. */
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
#include "bertc/inspect.h"
#include "bertc/model.h"
#include "formats/safetensors.h"

static const char folder[] = "jobs_inspect.tmp", weights[] = "jobs_inspect.tmp/model.safetensors",
                  config[] = "jobs_inspect.tmp/config.json";
static const char tiny[] = "{\"vocab_size\":5,\"hidden_size\":2,\"num_hidden_layers\":1,"
                           "\"num_attention_heads\":1,\"intermediate_size\":3,"
                           "\"max_position_embeddings\":4,\"num_labels\":3}";

/* A tiny model has 25 parameters: 5 + 16 + 2 + 2. */
enum { PARAMETERS = 25 };

static int enter(void **state)
{
    (void)state;
    static const float values[10];
    const bc_tensor_out tensors[] = {
        {"embeddings.word_embeddings.weight", BC_F16, 2, {5, 2}, values},
        {"bert.embeddings.LayerNorm.weight", BC_F32, 1, {2}, values},
        {"bert.embeddings.LayerNorm.gamma", BC_F32, 1, {2}, values},
        {"bert.embeddings.LayerNorm.bias", BC_I32, 1, {2}, values},
        {"bert.embeddings.position_ids", BC_I64, 2, {1, 4}, values},
        {"bert.pooler.dense.weight", BC_F32, 2, {2, 2}, values},
        {"classifier.weight", BC_F32, 2, {2, 2}, values},
        {"classifier.bias", BC_F32, 2, {3, 1}, values},
    };
    if (bc_folder_create(folder, NULL) != BERTC_OK) return -1;
    return bc_safetensors_write(&bc_working_dir, weights, tensors, 8, NULL, NULL) == BERTC_OK ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    unlink(weights);
    unlink(config);
    return rmdir(folder);
}

static const bertc_tensor_info *find(const bertc_inspection *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->tensors[i].name, name) == 0) return &all->tensors[i];
    fail_msg("%s is not listed", name);
    return NULL;
}

static void expect_fit(const bertc_inspection *all, const char *name, const char *parameter, bertc_fit fit)
{
    const bertc_tensor_info *info = find(all, name);
    assert_string_equal(bertc_fit_name(info->fit), bertc_fit_name(fit));
    if (parameter) assert_string_equal(info->parameter, parameter);
    else assert_null(info->parameter);
}

static void expect_all(const char *path)
{
    bertc_inspection all;
    bertc_error err = {0};
    assert_int_equal(bertc_inspect(path, &all, &err), BERTC_OK);
    assert_string_equal(all.weights, weights);
    assert_true(all.has_config);
    assert_int_equal(all.config.num_labels, 3);
    expect_fit(&all, "embeddings.word_embeddings.weight", "bert.embeddings.word_embeddings.weight", BERTC_FIT_RENAMED);
    expect_fit(&all, "bert.embeddings.LayerNorm.bias", "bert.embeddings.LayerNorm.bias", BERTC_FIT_WRONG_TYPE);
    expect_fit(&all, "bert.embeddings.position_ids", NULL, BERTC_FIT_IGNORED);
    expect_fit(&all, "bert.pooler.dense.weight", "bert.pooler.dense.weight", BERTC_FIT_MATCHES);
    expect_fit(&all, "classifier.weight", "classifier.weight", BERTC_FIT_WRONG_SHAPE);
    expect_fit(&all, "classifier.bias", "classifier.bias", BERTC_FIT_WRONG_SHAPE);
    expect_fit(&all, "bert.encoder.layer.0.output.dense.weight",
               "bert.encoder.layer.0.output.dense.weight", BERTC_FIT_MISSING);
    /* of two tensors for one parameter, the tensor with the current name is used */
    expect_fit(&all, "bert.embeddings.LayerNorm.weight", "bert.embeddings.LayerNorm.weight", BERTC_FIT_MATCHES);
    expect_fit(&all, "bert.embeddings.LayerNorm.gamma", NULL, BERTC_FIT_IGNORED);
    const size_t tally[BERTC_FITS] = {2, 1, 2, 2, 1, PARAMETERS - 6, 0};
    assert_memory_equal(all.tally, tally, sizeof tally);
    assert_int_equal(all.count, 8 + PARAMETERS - 6);
    assert_int_equal(all.bytes, 20 + 8 + 8 + 8 + 32 + 16 + 16 + 12);
    bertc_inspection_clear(&all);
    bertc_inspection_clear(&all);
}

static void test_folder_and_file(void **state)
{
    (void)state;
    assert_int_equal(bc_file_write_in(&bc_working_dir, config, tiny, strlen(tiny), NULL, NULL), BERTC_OK);
    expect_all(weights);
    expect_all(folder);
}

static void test_details(void **state)
{
    (void)state;
    bertc_inspection all;
    assert_int_equal(bc_file_write_in(&bc_working_dir, config, tiny, strlen(tiny), NULL, NULL), BERTC_OK);
    assert_int_equal(bertc_inspect(folder, &all, NULL), BERTC_OK);
    const bertc_tensor_info *word = find(&all, "embeddings.word_embeddings.weight");
    assert_string_equal(word->dtype, "F16");
    assert_int_equal(word->rank, 2);
    assert_int_equal(word->shape[0], 5);
    assert_int_equal(word->bytes, 20);
    const bertc_tensor_info *head = find(&all, "classifier.weight");
    assert_int_equal(head->shape[0], 2);
    assert_int_equal(head->wanted_rank, 2);
    assert_int_equal(head->wanted_shape[0], 3);
    assert_int_equal(head->wanted_shape[1], 2);
    const bertc_tensor_info *up = find(&all, "bert.encoder.layer.0.intermediate.dense.weight");
    assert_string_equal(up->dtype, "");
    assert_int_equal(up->rank, 0);
    assert_int_equal(up->wanted_shape[0], 3);
    bertc_inspection_clear(&all);
}

static void test_no_config(void **state)
{
    (void)state;
    bertc_inspection all;
    assert_int_equal(bertc_inspect(folder, &all, NULL), BERTC_OK);
    assert_false(all.has_config);
    assert_int_equal(all.count, 8);
    assert_int_equal(all.tally[BERTC_FIT_UNKNOWN], 8);
    bertc_inspection_clear(&all);
}

/* With a refused configuration the tensors are still listed. */
static void test_refused_config(void **state)
{
    (void)state;
    bertc_inspection all;
    bertc_error err = {0};
    assert_int_equal(bc_file_write_in(&bc_working_dir, config, "{}{", 3, NULL, NULL), BERTC_OK);
    assert_int_equal(bertc_inspect(folder, &all, &err), BERTC_OK);
    assert_int_equal(all.refusal.status, BERTC_INPUT);
    assert_string_equal(all.refusal.message, "jobs_inspect.tmp/config.json @2: text after the end of the document");
    assert_false(all.has_config);
    assert_int_equal(all.tally[BERTC_FIT_UNKNOWN], all.count);
    assert_true(all.count > 0);
    bertc_inspection_clear(&all);
}

static void test_errors(void **state)
{
    (void)state;
    bertc_inspection all;
    bertc_error err = {0};
    assert_int_equal(bertc_inspect("no/such", &all, &err), BERTC_INPUT);
    assert_string_equal(err.message, 
                        "no/such: no such folder, and bertc downloads nothing: put the files of that model "
                        "(config.json, model.safetensors, vocab.txt and tokenizer_config.json) into a folder and "
                        "give that");
    unlink(weights);
    err = (bertc_error){0};
    assert_int_equal(bertc_inspect(folder, &all, &err), BERTC_INPUT);
    assert_string_equal(err.message, "jobs_inspect.tmp/model.safetensors: no such file; "
                        "a model is a folder with config.json, model.safetensors, vocab.txt and tokenizer_config.json");
}

static void test_misuse(void **state)
{
    (void)state;
    bertc_inspection all;
    bertc_error err = {0};
    assert_int_equal(bertc_inspect(NULL, &all, &err), BERTC_USAGE);
    assert_non_null(strstr(err.message, "must not be null"));
    assert_int_equal(bertc_inspect("x", NULL, NULL), BERTC_USAGE);
    assert_int_equal(bertc_model_truncate(NULL, 1, "x", NULL), BERTC_USAGE);
    assert_int_equal(bertc_model_truncate("x", 1, NULL, NULL), BERTC_USAGE);
    assert_null(bertc_fit_name((bertc_fit)99));
    bertc_inspection_clear(NULL);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, enter, leave)
    const struct CMUnitTest tests[] = {TEST(test_folder_and_file), TEST(test_details), TEST(test_no_config),
                                       TEST(test_refused_config),  TEST(test_errors),  TEST(test_misuse)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
