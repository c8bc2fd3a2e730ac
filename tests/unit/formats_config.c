/* config.json: defaults, refused values, and what a written file keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/writer.h"
#include "formats/config.h"

static const char name[] = "formats_config.tmp", copy[] = "formats_config_copy.tmp";

static int clean(void **state)
{
    (void)state;
    remove(name);
    remove(copy);
    return 0;
}

static void make(const char *text)
{
    assert_int_equal(bc_file_write_in(&bc_working_dir, name, text, strlen(text), NULL, NULL), BERTC_OK);
}

static void load(const char *text, bertc_config *config)
{
    bertc_error err = {0};
    make(text);
    assert_int_equal(bertc_config_load(name, config, &err), BERTC_OK);
}

static void expect_file(const char *path, const char *expected)
{
    char *text;
    size_t length;
    assert_int_equal(bc_file_read(path, BC_FILE_WORDS, &text, &length, NULL), BERTC_OK);
    assert_string_equal(text, expected);
    bc_free(text);
}

static void expect_defaults(const bertc_config *c)
{
    assert_int_equal(c->vocab_size, 30522);
    assert_int_equal(c->hidden_size, 768);
    assert_int_equal(c->num_hidden_layers, 12);
    assert_int_equal(c->num_attention_heads, 12);
    assert_int_equal(c->intermediate_size, 3072);
    assert_int_equal(c->max_position_embeddings, 512);
    assert_int_equal(c->type_vocab_size, 2);
    assert_int_equal(c->pad_token_id, 0);
    assert_int_equal(c->hidden_act, BERTC_GELU);
    assert_true(c->hidden_dropout_prob == 0.1);
    assert_true(c->attention_probs_dropout_prob == 0.1);
    assert_true(c->classifier_dropout < 0);
    assert_true(c->initializer_range == 0.02);
    assert_true(c->layer_norm_eps == 1e-12);
    assert_int_equal(c->num_labels, 2);
    assert_string_equal(c->labels[0], "LABEL_0");
    assert_string_equal(c->labels[1], "LABEL_1");
    assert_string_equal(c->hidden_act_name, "gelu");
}

static void test_defaults(void **state)
{
    (void)state;
    bertc_config config;
    assert_int_equal(bertc_config_init(&config, NULL), BERTC_OK);
    expect_defaults(&config);
    assert_null(config.json);
    assert_int_equal(bertc_config_check(&config, "x", NULL), BERTC_OK);
    bertc_config_clear(&config);
    bertc_config_clear(&config);
    load("{}", &config);
    expect_defaults(&config);
    assert_string_equal(config.json, "{}");
    bertc_config_clear(&config);
    load("{\"hidden_size\":null,\"hidden_act\":null,\"id2label\":null,\"problem_type\":null,"
         "\"classifier_dropout\":null,\"position_embedding_type\":null,\"num_labels\":null}", &config);
    expect_defaults(&config);
    bertc_config_clear(&config);
}

static void test_values(void **state)
{
    (void)state;
    bertc_config c;
    load("{\"vocab_size\":9,\"hidden_size\":6,\"num_hidden_layers\":1,\"num_attention_heads\":3,"
         "\"intermediate_size\":5,\"max_position_embeddings\":4,\"type_vocab_size\":1,"
         "\"pad_token_id\":8,\"hidden_act\":\"swish\",\"hidden_dropout_prob\":0,"
         "\"attention_probs_dropout_prob\":0.25,\"classifier_dropout\":0.5,"
         "\"initializer_range\":1,\"layer_norm_eps\":1e-5,\"chunk_size_feed_forward\":8,"
         "\"is_decoder\":false,\"add_cross_attention\":false,\"pruned_heads\":{},"
         "\"position_embedding_type\":\"absolute\",\"model_type\":\"bert\","
         "\"tie_word_embeddings\":false,\"torch_dtype\":\"float16\","
         "\"problem_type\":\"single_label_classification\","
         "\"id2label\":{\"2\":\"c\",\"0\":\"a\",\"1\":\"b\"},"
         "\"label2id\":{\"b\":1,\"LABEL_0\":0,\"c\":2}}", &c);
    assert_int_equal(c.vocab_size, 9);
    assert_int_equal(c.hidden_size, 6);
    assert_int_equal(c.num_hidden_layers, 1);
    assert_int_equal(c.num_attention_heads, 3);
    assert_int_equal(c.intermediate_size, 5);
    assert_int_equal(c.max_position_embeddings, 4);
    assert_int_equal(c.type_vocab_size, 1);
    assert_int_equal(c.pad_token_id, 8);
    assert_int_equal(c.hidden_act, BERTC_SILU);
    assert_true(c.hidden_dropout_prob == 0);
    assert_true(c.attention_probs_dropout_prob == 0.25);
    assert_true(c.classifier_dropout == 0.5);
    assert_true(c.initializer_range == 1);
    assert_true(c.layer_norm_eps == 1e-5);
    assert_int_equal(c.num_labels, 3);
    assert_string_equal(c.labels[0], "a");
    assert_string_equal(c.labels[1], "b");
    assert_string_equal(c.labels[2], "c");
    bertc_config_clear(&c);
    load("{\"num_labels\":1,\"problem_type\":\"regression\",\"pad_token_id\":null}", &c);
    assert_int_equal(c.num_labels, 1);
    assert_string_equal(c.labels[0], "LABEL_0");
    assert_true(c.pad_token_id < 0);
    bertc_config_clear(&c);
}

static void test_activations(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bertc_activation activation;
    } cases[] = {
        {"gelu", BERTC_GELU},
        {"gelu_python", BERTC_GELU},
        {"gelu_new", BERTC_GELU_TANH},
        {"gelu_pytorch_tanh", BERTC_GELU_TANH},
        {"gelu_python_tanh", BERTC_GELU_TANH},
        {"gelu_accurate", BERTC_GELU_TANH},
        {"gelu_fast", BERTC_GELU_TANH},
        {"quick_gelu", BERTC_QUICK_GELU},
        {"relu", BERTC_RELU},
        {"silu", BERTC_SILU},
        {"swish", BERTC_SILU},
        {"tanh", BERTC_TANH},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_config config;
        char text[64];
        snprintf(text, sizeof text, "{\"hidden_act\":\"%s\"}", cases[i].name);
        load(text, &config);
        assert_int_equal(config.hidden_act, cases[i].activation);
        assert_string_equal(config.hidden_act_name, cases[i].name);
        bertc_config_clear(&config);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", " @0: unexpected end"},
        {"{\"a\":1,}", " @7: member name expected"},
        {"[]", ": not a JSON object"},
        {"{\"model_type\":\"roberta\"}", ": \"model_type\" is \"roberta\", bertc supports only \"bert\""},
        {"{\"position_embedding_type\":\"relative_key\"}",
         ": \"position_embedding_type\" is \"relative_key\", bertc supports only \"absolute\""},
        {"{\"is_decoder\":true}", ": \"is_decoder\" is true, bertc supports only false"},
        {"{\"is_encoder_decoder\":true}", ": \"is_encoder_decoder\" is true, bertc supports only false"},
        {"{\"add_cross_attention\":true}", ": \"add_cross_attention\" is true, bertc supports only false"},
        {"{\"pruned_heads\":{\"1\":[0]}}", ": \"pruned_heads\" is {\"1\":[0]}, bertc supports only {}"},
        {"{\"quantization_config\":{}}", ": \"quantization_config\" is {}, bertc supports only null"},
        {"{\"hidden_act\":\"mish\"}",
         ": \"hidden_act\" is \"mish\", expected one of: gelu gelu_python gelu_new gelu_pytorch_tanh "
         "gelu_python_tanh gelu_accurate gelu_fast quick_gelu relu silu swish tanh"},
        {"{\"hidden_act\":1}", ": \"hidden_act\" is not a string"},
        {"{\"vocab_size\":0}", ": \"vocab_size\" is 0, expected a whole number from 1 to 2147483647"},
        {"{\"vocab_size\":2147483648}", ": \"vocab_size\" is 2147483648, expected a whole number from 1 to 2147483647"},
        {"{\"hidden_size\":-768}", ": \"hidden_size\" is -768, expected a whole number from 1 to 1048576"},
        {"{\"hidden_size\":768.5}", ": \"hidden_size\" is 768.5, expected a whole number from 1 to 1048576"},
        {"{\"hidden_size\":\"768\"}", ": \"hidden_size\" is \"768\", expected a whole number from 1 to 1048576"},
        {"{\"num_hidden_layers\":0}", ": \"num_hidden_layers\" is 0, expected a whole number from 1 to 4096"},
        {"{\"pad_token_id\":-2}", ": \"pad_token_id\" is -2, expected a whole number from 0 to 2147483647 or null"},
        {"{\"hidden_dropout_prob\":\"0.1\"}",
         ": \"hidden_dropout_prob\" is \"0.1\", expected a number from 0 to 0.999999"},
        {"{\"layer_norm_eps\":true}", ": \"layer_norm_eps\" is true, expected a number from 0 to 1"},
        {"{\"hidden_size\":100,\"num_attention_heads\":12}",
         ": \"hidden_size\" 100 is not a multiple of \"num_attention_heads\" 12"},
        {"{\"vocab_size\":10,\"pad_token_id\":10}", ": \"pad_token_id\" 10 is not below \"vocab_size\" 10"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_config config;
        bertc_error err = {0};
        char expected[512];
        make(cases[i].text);
        snprintf(expected, sizeof expected, "%s%s", name, cases[i].message);
        assert_int_equal(bertc_config_load(name, &config, &err), BERTC_INPUT);
        assert_string_equal(err.message, expected);
        assert_null(config.json);
        bertc_config_clear(&config);
    }
}

/* A fault in the description of the head does not prevent loading; it is kept in head_refusal. */
static void test_refused_heads(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"problem_type\":\"ranking\"}",
         ": \"problem_type\" is \"ranking\", expected \"single_label_classification\", "
         "\"multi_label_classification\" or \"regression\""},
        {"{\"problem_type\":7}",
         ": \"problem_type\" is not a string"},
        {"{\"problem_type\":\"regression\",\"num_labels\":3}", ": \"problem_type\" is \"regression\" with 3 labels"},
        {"{\"problem_type\":\"single_label_classification\",\"num_labels\":1}",
         ": \"problem_type\" is \"single_label_classification\" with 1 label"},
        {"{\"id2label\":{}}", ": \"id2label\" does not have 1 to 1048576 labels"},
        {"{\"id2label\":[\"a\"]}", ": \"id2label\" does not have 1 to 1048576 labels"},
        {"{\"id2label\":{\"0\":\"a\",\"2\":\"b\"}}", ": \"id2label\" has key \"2\", expected 0 to 1"},
        {"{\"id2label\":{\"0\":\"a\",\"01\":\"b\"}}", ": \"id2label\" has key \"01\", expected 0 to 1"},
        {"{\"id2label\":{\"a\":\"0\"}}", ": \"id2label\" has key \"a\", expected 0 to 0"},
        {"{\"id2label\":{\"\":\"0\"}}", ": \"id2label\" has key \"\", expected 0 to 0"},
        {"{\"id2label\":{\"99999999999999999999\":\"0\"}}",
         ": \"id2label\" has key \"99999999999999999999\", expected 0 to 0"},
        {"{\"id2label\":{\"0\":\"a\",\"1\":\"b\"},\"label2id\":{\"a\":1,\"b\":0}}",
         ": \"label2id\" contradicts \"id2label\" on \"a\""},
        {"{\"id2label\":{\"0\":\"a\",\"1\":\"b\"},\"label2id\":{\"a\":0,\"b\":2}}",
         ": \"label2id\" contradicts \"id2label\" on \"b\""},
        {"{\"id2label\":{\"0\":\"a\",\"1\":\"b\"},\"label2id\":{\"b\":\"0\"}}",
         ": \"label2id\" contradicts \"id2label\" on \"b\""},
        {"{\"id2label\":{\"0\":\"a\",\"1\":null}}", ": label 1 in \"id2label\" has no name"},
        {"{\"id2label\":{\"0\":[\"a\"]}}", ": label 0 in \"id2label\" has no name"},
        {"{\"id2label\":\"a\"}", ": \"id2label\" does not have 1 to 1048576 labels"},
        {"{\"num_labels\":0}", ": \"num_labels\" is not a whole number from 1 to 1048576"},
        {"{\"num_labels\":-1}", ": \"num_labels\" is not a whole number from 1 to 1048576"},
        {"{\"num_labels\":2.5}", ": \"num_labels\" is not a whole number from 1 to 1048576"},
        {"{\"num_labels\":\"3\"}", ": \"num_labels\" is not a whole number from 1 to 1048576"},
        {"{\"num_labels\":1048577}", ": \"num_labels\" is not a whole number from 1 to 1048576"},
        {"{\"architectures\":[\"BertForTokenClassification\"]}",
         ": \"architectures\" is BertForTokenClassification, whose head does not classify sentences"},
        {"{\"architectures\":[null,\"TFBertForMultipleChoice\"]}",
         ": \"architectures\" is TFBertForMultipleChoice, whose head does not classify sentences"},
        {"{\"architectures\":[\"BertForQuestionAnswering\"]}",
         ": \"architectures\" is BertForQuestionAnswering, whose head does not classify sentences"},
        {"{\"architectures\":[\"BertForNextSentencePrediction\"]}",
         ": \"architectures\" is BertForNextSentencePrediction, whose head does not classify sentences"},
    };
    static const char *const labels[] = {"x", "y"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_config config, other;
        char expected[512];
        load(cases[i].text, &config);
        snprintf(expected, sizeof expected, "%s%s", name, cases[i].message);
        assert_non_null(config.head_refusal);
        assert_string_equal(config.head_refusal, expected);
        assert_true(config.num_labels >= 1);
        assert_int_equal(bertc_config_copy(&other, &config, NULL), BERTC_OK);
        bertc_config_clear(&config);
        assert_string_equal(other.head_refusal, expected);
        assert_int_equal(bertc_config_set_labels(&other, labels, 2, NULL), BERTC_OK);
        assert_null(other.head_refusal);
        bertc_config_clear(&other);
    }
}

/* Unusual labels of published models that are accepted. */
static void test_tolerated_labels(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int count;
        const char *first, *last;
    } cases[] = {
        {"{\"id2label\":{\"0\":0,\"1\":1}}", 2, "0", "1"},
        {"{\"id2label\":{\"0\":-1,\"1\":0.5}}", 2, "-1", "0.5"},
        {"{\"id2label\":{\"0\":false,\"1\":true}}", 2, "false", "true"},
        {"{\"id2label\":{\"0\":\"a\",\"1\":\"b\"},\"label2id\":{\"a\":\"0\",\"b\":\"1\"}}", 2, "a", "b"},
        {"{\"id2label\":{\"0\":\"a\",\"1\":\"b\"},\"label2id\":{\"a\":null,\"c\":7}}", 2, "a", "b"},
        {"{\"id2label\":{\"0\":\"a\",\"1\":\"b\"},\"label2id\":null}", 2, "a", "b"},
        {"{\"id2label\":{\"0\":\"a\",\"1\":\"b\"},\"num_labels\":3}", 2, "a", "b"},
        {"{\"id2label\":{\"0\":\"a\"},\"num_labels\":\"x\"}", 1, "a", "a"},
        {"{\"label2id\":{\"a\":1,\"b\":0}}", 2, "LABEL_0", "LABEL_1"},
        {"{\"num_labels\":3,\"label2id\":{\"LABEL_0\":2}}", 3, "LABEL_0", "LABEL_2"},
        {"{\"architectures\":[\"BertForMaskedLM\"]}", 2, "LABEL_0", "LABEL_1"},
        {"{\"architectures\":null}", 2, "LABEL_0", "LABEL_1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_config config;
        load(cases[i].text, &config);
        assert_null(config.head_refusal);
        assert_int_equal(config.num_labels, cases[i].count);
        assert_string_equal(config.labels[0], cases[i].first);
        assert_string_equal(config.labels[cases[i].count - 1], cases[i].last);
        bertc_config_clear(&config);
    }
}

/* Invalid values that only training uses are loaded; bertc_config_check refuses them. */
static void test_training_values(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"hidden_dropout_prob\":1}", "x: \"hidden_dropout_prob\" is 1, expected a number from 0 to 0.999999"},
        {"{\"attention_probs_dropout_prob\":-0.5}",
         "x: \"attention_probs_dropout_prob\" is -0.5, expected a number from 0 to 0.999999"},
        {"{\"classifier_dropout\":-0.5}",
         "x: \"classifier_dropout\" is -0.5, expected a number from 0 to 0.999999 or null"},
        {"{\"initializer_range\":1e6}", "x: \"initializer_range\" is 1000000, expected a number from 0 to 1000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_config config;
        bertc_error err = {0};
        load(cases[i].text, &config);
        assert_int_equal(bc_config_check_encoder(&config, "x", NULL), BERTC_OK);
        assert_int_equal(bertc_config_check(&config, "x", &err), BERTC_INPUT);
        assert_string_equal(err.message, cases[i].message);
        bertc_config_clear(&config);
    }
}

/* A configuration that a program filled in is checked like one from a file. */
static void test_check(void **state)
{
    (void)state;
    bertc_config c;
    bertc_error err = {0};
    assert_int_equal(bertc_config_init(&c, NULL), BERTC_OK);
    c.hidden_size = 0;
    assert_int_equal(bertc_config_check(&c, "the new model", &err), BERTC_INPUT);
    assert_string_equal(err.message, "the new model: \"hidden_size\" is 0, expected a whole number "
                                     "from 1 to 1048576");
    c.hidden_size = 768;
    c.hidden_dropout_prob = 0.0 / 0.0;
    err = (bertc_error){0};
    assert_int_equal(bertc_config_check(&c, "m", &err), BERTC_INPUT);
    assert_string_equal(err.message, "m: \"hidden_dropout_prob\" is not a number, expected a "
                                     "number from 0 to 0.999999");
    c.hidden_dropout_prob = -0.5; /* -1 is valid only for nullable fields */
    assert_int_equal(bertc_config_check(&c, "m", NULL), BERTC_INPUT);
    c.hidden_dropout_prob = 0;
    c.hidden_act = BERTC_RELU; /* hidden_act_name is still gelu */
    assert_int_equal(bertc_config_check(&c, "m", NULL), BERTC_INPUT);
    c.hidden_act = BERTC_GELU;
    assert_int_equal(bertc_config_check(&c, "m", NULL), BERTC_OK);
    err = (bertc_error){0};
    assert_int_equal(bertc_config_set_labels(&c, NULL, 0, &err), BERTC_USAGE);
    assert_string_equal(err.message, "0 labels, expected 1 to 1048576");
    assert_int_equal(c.num_labels, 2);
    bertc_config_clear(&c);
}

static void test_copy(void **state)
{
    (void)state;
    static const char *const labels[] = {"x", "y", "z"};
    bertc_config from, to;
    load("{\"hidden_act\":\"relu\",\"hidden_size\":24}", &from);
    assert_int_equal(bertc_config_copy(&to, &from, NULL), BERTC_OK);
    assert_int_equal(bertc_config_set_labels(&from, labels, 3, NULL), BERTC_OK);
    assert_int_equal(from.num_labels, 3);
    assert_string_equal(from.labels[2], "z");
    bertc_config_clear(&from);
    assert_int_equal(to.hidden_size, 24);
    assert_string_equal(to.hidden_act_name, "relu");
    assert_int_equal(to.num_labels, 2);
    assert_string_equal(to.labels[1], "LABEL_1");
    assert_string_equal(to.json, "{\"hidden_act\":\"relu\",\"hidden_size\":24}");
    bertc_config_clear(&to);
}

static const char written[] =
    "{\n"
    "  \"\": [1,  2 ],\n"
    "  \"architectures\": [\n    \"BertForSequenceClassification\"\n  ],\n"
    "  \"attention_probs_dropout_prob\": 0.1,\n"
    "  \"classifier_dropout\": null,\n"
    "  \"hidden_act\": \"gelu_new\",\n"
    "  \"hidden_dropout_prob\": 0.0,\n"
    "  \"hidden_size\": 24,\n"
    "  \"id2label\": {\n    \"0\": \"n\\\"o\",\n    \"1\": \"\xc3\xa9\",\n    \"2\": \"n\\\"o\"\n  },\n"
    "  \"initializer_range\": 1.0,\n"
    "  \"intermediate_size\": 3072,\n"
    "  \"label2id\": {\n    \"n\\\"o\": 2,\n    \"\xc3\xa9\": 1\n  },\n"
    "  \"layer_norm_eps\": 1e-05,\n"
    "  \"max_position_embeddings\": 512,\n"
    "  \"model_type\": \"bert\",\n"
    "  \"num_attention_heads\": 12,\n"
    "  \"num_hidden_layers\": 12,\n"
    "  \"pad_token_id\": null,\n"
    "  \"problem_type\": \"single_label_classification\",\n"
    "  \"torch_dtype\": \"float32\",\n"
    "  \"type_vocab_size\": 2,\n"
    "  \"vocab_size\": 30522,\n"
    "  \"x_big\": 12345678901234567890123,\n"
    "  \"x_deep\": {\"b\": [ 1.50, {\"a\": \"\\u00e9\"} ]},\n"
    "  \"x_small\": 1E-400\n"
    "}\n";

/* Keys of bertc_config get their current values; all others keep their spelling. Writing twice gives the same file. */
static void test_write(void **state)
{
    (void)state;
    static const char *const labels[] = {"n\"o", "\xc3\xa9", "n\"o"};
    bertc_config config;
    load("{\"x_small\":1E-400, \"architectures\": [\"BertModel\"], \"num_labels\": 2,\n"
         " \"x_deep\" : {\"b\": [ 1.50, {\"a\": \"\\u00e9\"} ]}, \"hidden_act\": \"gelu_new\",\n"
         " \"x_big\": 12345678901234567890123, \"torch_dtype\":\"float16\", \"initializer_range\": 1,"
         " \"hidden_dropout_prob\":0, \"layer_norm_eps\":0.00001, \"pad_token_id\":null,"
         " \"problem_type\":null, \"\": [1,  2 ]}", &config);
    config.hidden_size = 24;
    assert_int_equal(bertc_config_set_labels(&config, labels, 3, NULL), BERTC_OK);
    assert_int_equal(bc_config_write(&config, &bc_working_dir, copy, NULL, NULL), BERTC_OK);
    bertc_config_clear(&config);
    expect_file(copy, written);
    assert_int_equal(bertc_config_load(copy, &config, NULL), BERTC_OK);
    assert_int_equal(bc_config_write(&config, &bc_working_dir, copy, NULL, NULL), BERTC_OK);
    bertc_config_clear(&config);
    expect_file(copy, written);
}

/* The number type of the weights is written under the key that the file had. */
static void test_dtype(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool torch_dtype, dtype;
    } cases[] = {
        {"{}", false, true},
        {"{\"dtype\":\"bfloat16\"}", false, true},
        {"{\"torch_dtype\":null}", true, false},
        {"{\"torch_dtype\":\"float16\",\"dtype\":\"float16\"}", true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_config config;
        cJSON *tree;
        load(cases[i].text, &config);
        assert_int_equal(bc_config_write(&config, &bc_working_dir, copy, NULL, NULL), BERTC_OK);
        assert_int_equal(bc_json_read(copy, BC_FILE_SETTINGS, &tree, NULL), BERTC_OK);
        const char *torch_dtype = cJSON_GetStringValue(bc_json_get(tree, "torch_dtype"));
        const char *dtype = cJSON_GetStringValue(bc_json_get(tree, "dtype"));
        assert_int_equal(torch_dtype != NULL, cases[i].torch_dtype);
        assert_int_equal(dtype != NULL, cases[i].dtype);
        if (torch_dtype) assert_string_equal(torch_dtype, "float32");
        if (dtype) assert_string_equal(dtype, "float32");
        cJSON_Delete(tree);
        bertc_config_clear(&config);
    }
}

static void test_regression(void **state)
{
    (void)state;
    static const char *const labels[] = {"similarity"};
    bertc_config config;
    cJSON *tree;
    assert_int_equal(bertc_config_init(&config, NULL), BERTC_OK);
    assert_int_equal(bertc_config_set_labels(&config, labels, 1, NULL), BERTC_OK);
    assert_int_equal(bc_config_write(&config, &bc_working_dir, copy, NULL, NULL), BERTC_OK);
    bertc_config_clear(&config);
    assert_int_equal(bc_json_read(copy, BC_FILE_SETTINGS, &tree, NULL), BERTC_OK);
    assert_string_equal(cJSON_GetStringValue(bc_json_get(tree, "problem_type")), "regression");
    cJSON_Delete(tree);
    assert_int_equal(bertc_config_load(copy, &config, NULL), BERTC_OK);
    assert_int_equal(config.num_labels, 1);
    bertc_error err = {0};
    assert_int_equal(bc_config_write(&config, &bc_working_dir, "no/such", NULL, &err), BERTC_IO);
    assert_string_equal(err.message, "no/such: cannot create: No such file or directory");
    bertc_config_clear(&config);
}

/* A multi-label head may have any number of labels, also one. */
static void test_multi_label(void **state)
{
    (void)state;
    static const char *const labels[] = {"joy", "anger", "fear"};
    for (int32_t count = 1; count <= 3; count++) {
        bertc_config config, same;
        assert_int_equal(bertc_config_init(&config, NULL), BERTC_OK);
        assert_string_equal(bertc_config_problem_type(&config), "single_label_classification");
        assert_int_equal(bertc_config_set_labels(&config, labels, count, NULL), BERTC_OK);
        config.multi_label = true;
        assert_string_equal(bertc_config_problem_type(&config), "multi_label_classification");
        assert_int_equal(bertc_config_copy(&same, &config, NULL), BERTC_OK);
        assert_true(same.multi_label);
        bertc_config_clear(&same);
        assert_int_equal(bc_config_write(&config, &bc_working_dir, copy, NULL, NULL), BERTC_OK);
        bertc_config_clear(&config);
        assert_int_equal(bertc_config_load(copy, &config, NULL), BERTC_OK);
        assert_null(config.head_refusal);
        assert_true(config.multi_label);
        assert_int_equal(config.num_labels, count);
        assert_string_equal(config.labels[count - 1], labels[count - 1]);
        bertc_config_clear(&config);
    }
}

/* Hundreds of thousands of labels must not take quadratic time. */
static void test_many_labels(void **state)
{
    (void)state;
    enum { LABELS = 200000 };
    bc_text text = {0};
    bertc_config config;
    for (int i = 0; i < LABELS; i++) bc_text_printf(&text, "%s\"%d\":\"l%d\"", i ? "," : "{\"id2label\":{", i, i);
    for (int i = 0; i < LABELS; i++) bc_text_printf(&text, "%s\"l%d\":%d", i ? "," : "},\"label2id\":{", i, i);
    bc_text_printf(&text, "}}");
    load(text.bytes, &config);
    assert_int_equal(config.num_labels, LABELS);
    assert_int_equal(bc_config_write(&config, &bc_working_dir, copy, NULL, NULL), BERTC_OK);
    bertc_config_clear(&config);
    bc_text_clear(&text);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_teardown(test, clean)
    const struct CMUnitTest tests[] = {
        TEST(test_defaults), TEST(test_values), TEST(test_activations), TEST(test_refused),
        TEST(test_check),    TEST(test_copy),   TEST(test_write),       TEST(test_dtype),
        TEST(test_regression), TEST(test_multi_label), TEST(test_many_labels), TEST(test_refused_heads),
        TEST(test_tolerated_labels), TEST(test_training_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
