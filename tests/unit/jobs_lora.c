/* Runs that train adapters: frozen weights stay unchanged, and saved adapters can be loaded and trained again. */
#include "jobs_fixture.h"

#include "base/json.h"
#include "formats/adapter_config.h"
#include "run/lora_options.h"

static const char low_query[] = "bert.encoder.layer.0.attention.self.query.weight";
static const char high_query[] = "bert.encoder.layer.1.attention.self.query.weight";
static const char high_key[] = "bert.encoder.layer.1.attention.self.key.weight";
static const char high_down[] = "bert.encoder.layer.1.output.dense.weight";

static bertc_train_options lora_options(const char *out)
{
    bertc_train_options o = fixture_options(out);
    o.lora_rank = 3;
    o.lora_alpha = 6;
    fixture_remove(out);
    return o;
}

static bertc_predictions predict(const char *model, bertc_status status, bertc_error *err)
{
    bertc_predict_options o = {.task = "sst2", .model = model, .data = "data", .split = BERTC_DEV,
                               .batch_size = 4, .backend = 2, .threads = 1};
    bertc_predictions found;
    bertc_error none = {0};
    if (bertc_predict(&o, true, NULL, &found, err ? err : &none) != status)
        fail_msg("%s", err ? err->message : none.message);
    return found;
}

/* Check that the logits of two model directories differ by `max` at most. */
static void same_logits(const char *a, const char *b, double max)
{
    bertc_predictions x = predict(a, BERTC_OK, NULL), y = predict(b, BERTC_OK, NULL);
    assert_int_equal(x.dataset->count, 13);
    for (size_t i = 0; i < 26; i++) assert_close(x.logits[i], y.logits[i], max);
    bertc_predictions_clear(&x);
    bertc_predictions_clear(&y);
}

/* With every recipe, precision and pass size, a stopped and resumed run has the same result, and matrices without an
 * adapter stay unchanged, to the bit. */
static void test_runs(void **unused)
{
    (void)unused;
    static const struct {
        const char *freeze, *targets;
        bool low, key, down; /* whether these matrices have adapters */
    } cases[] = {{"none", "query,value", true, false, false}, {"embeddings", "all", true, true, true},
                 {"1", "output.dense,query", false, false, true}, {"1", "all", false, true, true}};
    for (int i = 0; i < 8; i++) {
        bertc_train_options o = lora_options("whole");
        o.freeze = cases[i % 4].freeze;
        o.lora_targets = cases[i % 4].targets;
        o.recipe = i % 2 ? BERTC_RECIPE_GOOGLE : BERTC_RECIPE_HF;
        o.precision = i % 3 == 1 ? BERTC_BF16 : BERTC_F32;
        o.micro_batch_tokens = i % 3 == 2 ? 16 : 8192;
        o.gradient_checkpointing = i / 2 % 2;
        o.lora_dropout = i >= 4 ? 0.2 : 0;
        o.keep = i % 4 > 1 ? BERTC_KEEP_BEST : BERTC_KEEP_LAST;
        o.lora_save = i >= 4 ? BERTC_LORA_ADAPTER : BERTC_LORA_MERGED;
        fixture_run(o);
        fixture_stop_twice(o, "whole");
        if (o.lora_save == BERTC_LORA_ADAPTER) continue;
        const char *a = "model/model.safetensors", *b = "whole/model.safetensors";
        assert_int_equal(fixture_same_tensor(a, b, low_query), !cases[i].low);
        assert_false(fixture_same_tensor(a, b, high_query));
        assert_int_equal(fixture_same_tensor(a, b, high_key), !cases[i].key);
        assert_int_equal(fixture_same_tensor(a, b, high_down), !cases[i].down);
        assert_true(fixture_same_tensor(a, b, "bert.embeddings.word_embeddings.weight"));
        assert_true(fixture_same_tensor(a, b, "bert.encoder.layer.1.attention.self.query.bias"));
        assert_true(fixture_same_tensor(a, b, "bert.encoder.layer.1.output.LayerNorm.weight"));
        assert_true(fixture_same_tensor(a, b, "bert.pooler.dense.weight"));
        assert_false(fixture_same_tensor(a, b, "classifier.weight"));
    }
}

/* A run saved merged and the same run saved as an adapter give the same model for inference and for training. */
static void test_merged_and_adapter(void **unused)
{
    (void)unused;
    bertc_train_options o = lora_options("merged");
    o.lora_targets = "all";
    fixture_run(o);
    o = lora_options("adapter");
    o.lora_targets = "all";
    o.lora_save = BERTC_LORA_ADAPTER;
    fixture_run(o);
    fixture_same_file("merged", "adapter", "log.jsonl");
    fixture_same_file("merged", "adapter", "vocab.txt");
    assert_false(bc_file_exists("adapter/model.safetensors"));
    assert_false(bc_file_exists("adapter/config.json"));
    assert_false(bc_file_exists("merged/adapter_config.json"));
    same_logits("merged", "adapter", 0);
    for (int i = 0; i < 2; i++) {
        o = fixture_options(i ? "from-adapter" : "from-merged");
        fixture_remove(o.out);
        o.model = i ? "adapter" : "merged";
        fixture_run(o);
    }
    fixture_same_file("from-merged", "from-adapter", "model.safetensors");
    fixture_same_file("from-merged", "from-adapter", "config.json");
    fixture_same_file("from-merged", "from-adapter", "log.jsonl");
    o = lora_options("again"); /* train adapters on an adapter, and merge them */
    o.model = "adapter";
    fixture_run(o);
    o.out = "refused";
    o.lora_save = BERTC_LORA_ADAPTER;
    fixture_refuse(o, BERTC_USAGE,
                   "--lora-save adapter: adapter is itself an adapter, and an adapter needs a complete model; use "
                   "--lora-save merged");
    assert_false(bc_file_exists("refused"));
}

/* --keep-layers of a merged model and of an adapter gives the same model, and requires --lora-save merged. */
static void test_kept_layers(void **unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) {
        bertc_train_options o = lora_options(i ? "adapter" : "merged");
        o.lora_save = i ? BERTC_LORA_ADAPTER : BERTC_LORA_MERGED;
        fixture_run(o);
        o = lora_options(i ? "from-adapter" : "from-merged");
        o.model = i ? "adapter" : "merged";
        o.keep_layers = 1;
        fixture_run(o);
    }
    fixture_same_file("from-merged", "from-adapter", "model.safetensors");
    bertc_train_options o = lora_options("out");
    o.keep_layers = 1;
    o.lora_save = BERTC_LORA_ADAPTER;
    fixture_refuse(o, BERTC_USAGE,
                   "--lora-save adapter: with --keep-layers the adapter would not fit --model; use --lora-save "
                   "merged");
    assert_false(bc_file_exists("out"));
}

/* A finished run of adapters is checked like any finished run. */
static void test_finished(void **unused)
{
    (void)unused;
    bertc_train_options o = lora_options("whole");
    o.lora_save = BERTC_LORA_ADAPTER;
    fixture_run(o);
    o.resume = true;
    fixture_run(o);
    o.lora_alpha = 7;
    fixture_refuse(o, BERTC_USAGE, "whole: --lora-alpha was 6 in this run and is 7 now");
    o.lora_alpha = 6;
    fixture_write("whole/adapter_config.json", "{}");
    bertc_train_result result;
    bertc_error err = {0};
    assert_int_equal(bertc_finetune(&o, NULL, &result, &err), BERTC_INPUT);
    assert_non_null(strstr(err.message, "whole/adapter_config.json: 2 bytes, run.json recorded "));
}

/* ---- Files of other programs --------------------------------------------------------------- */

/* Replace a text in a file. */
static void change(const char *path, const char *from, const char *to)
{
    size_t length;
    char *text = fixture_read(path, &length, false), *at = strstr(text, from);
    assert_non_null(at);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fprintf(file, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    assert_int_equal(fclose(file), 0);
    bc_free(text);
}

static void make_adapter(const char *out)
{
    bertc_train_options o = lora_options(out);
    o.lora_save = BERTC_LORA_ADAPTER;
    fixture_run(o);
}

/* An adapter as peft writes it, without labels and tokenizer, loads; its base is found relative to the adapter's
 * folder. */
static void test_bare_adapter(void **unused)
{
    (void)unused;
    static const char *const extra[] = {"bertc_labels.json", "vocab.txt", "tokenizer_config.json", "run.json"};
    make_adapter("whole");
    make_adapter("bare");
    for (size_t i = 0; i < sizeof extra / sizeof *extra; i++) {
        char *path = bc_path_join("bare", extra[i]);
        assert_int_equal(unlink(path), 0);
        bc_free(path);
    }
    same_logits("whole", "bare", 0);
    assert_int_equal(rename("model", "whole/base"), 0);
    change("whole/adapter_config.json", "\"model\"", "\"base\"");
    predict("bare", BERTC_INPUT, &(bertc_error){0});
    bertc_predictions found = predict("whole", BERTC_OK, NULL);
    bertc_predictions_clear(&found);
    assert_int_equal(rename("whole/base", "model"), 0);
}

/* An adapter's labels come from bertc_labels.json, or from a config.json that an earlier version wrote, or without
 * either from the base model. */
static void test_labels(void **unused)
{
    (void)unused;
    static const char old[] = "{\"model_type\":\"bert\",\"vocab_size\":%d,\"hidden_size\":16,\"num_hidden_layers\":2,"
                              "\"num_attention_heads\":2,\"intermediate_size\":32,\"max_position_embeddings\":24,"
                              "\"id2label\":{\"0\":\"negative\",\"1\":\"positive\"}}";
    bertc_config config, base;
    make_adapter("named");
    assert_int_equal(bc_config_load_dir("named", &config, NULL), BERTC_OK);
    assert_string_equal(config.labels[1], "positive");
    assert_int_equal(bertc_config_load("model/config.json", &base, NULL), BERTC_OK);
    assert_string_equal(base.labels[1], "LABEL_1");
    assert_int_equal(config.hidden_size, base.hidden_size);
    bertc_config_clear(&config);
    make_adapter("old");
    char text[512];
    snprintf(text, sizeof text, old, (int)base.vocab_size);
    fixture_write("old/config.json", text);
    assert_int_equal(unlink("old/bertc_labels.json"), 0);
    same_logits("named", "old", 0);
    bertc_config_clear(&base);
    assert_int_equal(unlink("old/config.json"), 0);
    assert_int_equal(bc_config_load_dir("old", &config, NULL), BERTC_OK);
    assert_string_equal(config.labels[1], "LABEL_1");
    bertc_config_clear(&config);
    bertc_error err = {0};
    fixture_write("named/bertc_labels.json", "{\"id2label\":{\"0\":\"a\",\"1\":\"b\",\"2\":\"c\"}}");
    predict("named", BERTC_INPUT, &err);
    assert_string_equal(err.message, "named/bertc_labels.json: 3 labels, but the classifier in "
                                     "adapter_model.safetensors has 2 rows");
}

/* An adapter's classifier replaces the base's head of another class; peft's task_type states what it classifies. */
static void test_head_kinds(void **unused)
{
    (void)unused;
    bertc_error err = {0};
    make_adapter("kinds");
    assert_int_equal(unlink("kinds/bertc_labels.json"), 0);
    change("model/config.json", "BertForSequenceClassification", "BertForTokenClassification");
    bertc_predictions found = predict("kinds", BERTC_OK, NULL);
    bertc_predictions_clear(&found);
    predict("model", BERTC_INPUT, &err);
    assert_string_equal(err.message, "model/config.json: \"architectures\" is BertForTokenClassification, whose head "
                                     "does not classify sentences");
    change("model/config.json", "BertForTokenClassification", "BertForSequenceClassification");
    change("kinds/adapter_config.json", "SEQ_CLS", "TOKEN_CLS");
    err = (bertc_error){0};
    predict("kinds", BERTC_INPUT, &err);
    assert_string_equal(err.message, "kinds/adapter_config.json: \"task_type\" is TOKEN_CLS, whose head does not "
                                     "classify sentences");
}

static void expect_refused(const char *from, const char *to, const char *message)
{
    char wanted[512];
    bertc_error err = {0};
    make_adapter("bad");
    change("bad/adapter_config.json", from, to);
    predict("bad", BERTC_INPUT, &err);
    snprintf(wanted, sizeof wanted, "bad/adapter_config.json: %s", message);
    assert_string_equal(err.message, wanted);
}

static void test_refused_adapters(void **unused)
{
    (void)unused;
    expect_refused("\"LORA\"", "\"IA3\"", "\"peft_type\" is \"IA3\", bertc supports only \"LORA\"");
    expect_refused("\"alpha_pattern\": {}", "\"alpha_pattern\": {\"query\": 2}",
                   "\"alpha_pattern\" is set, bertc does not support it");
    expect_refused("\"bias\": \"none\"", "\"bias\": \"all\"", "\"bias\" is set, bertc does not support it");
    expect_refused("\"revision\": null", "\"use_dora\": true", "\"use_dora\" is set, bertc does not support it");
    expect_refused("\"init_lora_weights\": true", "\"init_lora_weights\": \"pissa\"",
                   "\"init_lora_weights\" is a method that changes the base weights, bertc does not support it");
    expect_refused("\"lora_alpha\": 6", "\"lora_alpha\": \"6\"", "\"lora_alpha\" is not a number");
    expect_refused("\"model\"", "null", "\"base_model_name_or_path\" is missing");
    expect_refused("\"model\"", "\"nowhere\"",
                   "the base model \"nowhere\" is not a folder with a config.json, neither in the current folder "
                   "nor in bad");
    make_adapter("whole");
    expect_refused("\"model\"", "\"whole\"", "the base model \"whole\" is itself an adapter");
}

/* Settings by which peft would not read tensors that the adapter has. */
static void test_settings_against_tensors(void **unused)
{
    (void)unused;
    static const struct {
        const char *from, *to, *setting;
    } cases[] = {
        {"\"query\"", "\"key\"", "target_modules"},
        {"\"layers_to_transform\": null", "\"layers_to_transform\": [0]", "layers_to_transform"},
        {"\"layers_to_transform\": null", "\"layers_to_transform\": 1", "layers_to_transform"},
        {"\"r\": 3", "\"r\": 4", "r"},
        {"\"layers_to_transform\": null", "\"layers_to_transform\": [1, 0]", NULL},
        {"\"query\"", "\"attention.self.query\"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_error err = {0};
        char end[64];
        make_adapter("bad");
        change("bad/adapter_config.json", cases[i].from, cases[i].to);
        bertc_predictions found = predict("bad", cases[i].setting ? BERTC_INPUT : BERTC_OK, &err);
        bertc_predictions_clear(&found);
        if (!cases[i].setting) continue;
        snprintf(end, sizeof end, " contradicts %s in adapter_config.json", cases[i].setting);
        if (!strstr(err.message, end)) fail_msg("%s", err.message);
    }
    expect_refused("\"revision\": null", "\"exclude_modules\": [\"query\"]",
                   "\"exclude_modules\" is set, bertc does not support it");
}

/* Tensors that do not fit the base model. */
static void test_refused_tensors(void **unused)
{
    (void)unused;
    static const struct {
        const char *name, *other, *message;
    } cases[] = {
        {"layer.0.attention.self.value.lora_A", "layer.7.attention.self.value.lora_A",
         "belongs to no parameter of the model"},
        {"layer.1.attention.self.value.lora_B", "layer.1.attention.self.value.lora_C", "is not a matrix of 16 x 16"},
        {"classifier.weight", "classifyer.weight", "belongs to no parameter of the model"},
        {"attention.self.query.lora_A.weight\":{\"dtype\":\"F32\",\"shape\":[3,16]",
         "attention.self.query.lora_A.weight\":{\"dtype\":\"F32\",\"shape\":[16,3]", "is not a matrix of 16 x 16"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_error err = {0};
        size_t length;
        make_adapter("bad");
        char *bytes = fixture_read("bad/adapter_model.safetensors", &length, false);
        size_t from = sizeof(uint64_t), size = strlen(cases[i].name); /* the header begins after its length */
        while (from + size < length && memcmp(bytes + from, cases[i].name, size) != 0) from++;
        assert_true(from + size < length);
        memcpy(bytes + from, cases[i].other, size);
        assert_int_equal(bc_file_write_in(&bc_working_dir, "bad/adapter_model.safetensors", bytes, length, NULL, NULL),
                         BERTC_OK);
        bc_free(bytes);
        predict("bad", BERTC_INPUT, &err);
        if (!strstr(err.message, "bad/adapter_model.safetensors: tensor") || !strstr(err.message, cases[i].message))
            fail_msg("%s", err.message);
    }
}

/* ---- Options ------------------------------------------------------------------------------- */

static void test_target_lists(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        uint32_t targets;
    } good[] = {{"query,value", 5},
                {"key", 2},
                {"attention.self.key,self.query", 3},
                {"attention.output.dense", 8},
                {"intermediate.dense", 16},
                {"output.dense", 40},
                {"all", 63}};
    static const char *const bad[] = {"", "query,", ",query", "dense", "uery", "pooler.dense", "query value"};
    uint32_t targets;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(bc_lora_targets_parse(good[i].list, &targets, NULL), BERTC_OK);
        assert_int_equal(targets, good[i].targets);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(bc_lora_targets_parse(bad[i], &targets, NULL), BERTC_USAGE);
}

static void test_refused_options(void **unused)
{
    (void)unused;
    static const char together[] = "with adapters the encoder itself is not trained";
    char message[256];
    bertc_train_options o = lora_options("out");
    o.lora_targets = "query,pooler";
    fixture_refuse(o, BERTC_USAGE,
                   "--lora-targets: 'pooler' is not query, key, value, attention.output.dense, "
                   "intermediate.dense, output.dense or all");
    o = lora_options("out");
    o.freeze = "2";
    fixture_refuse(o, BERTC_USAGE, "--lora-rank: --freeze 2 leaves no layer to adapt");
    o = lora_options("out");
    o.reinit_layers = 1;
    snprintf(message, sizeof message, "--lora-rank and --reinit-layers exclude each other: %s", together);
    fixture_refuse(o, BERTC_USAGE, message);
    o = lora_options("out");
    o.train_only = BERTC_TRAIN_BIASES;
    snprintf(message, sizeof message, "--lora-rank and --train-only exclude each other: %s", together);
    fixture_refuse(o, BERTC_USAGE, message);
    o = lora_options("out");
    o.lora_rank = 0;
    fixture_refuse(o, BERTC_USAGE, "--lora-alpha has no effect without --lora-rank");
    assert_false(bc_file_exists("out"));
}

/* Only adapters and head have gradients and moments. */
static void test_plan(void **unused)
{
    (void)unused;
    bertc_plan_result plan;
    bertc_train_options o = lora_options("out");
    assert_int_equal(bertc_plan(&o, NULL, &plan, NULL), BERTC_OK);
    const size_t pair = 3 * 16 + 16 * 3, adapters = 2 * 2 * pair, head = 2 * 16 + 2;
    assert_string_equal(plan.parts[1].name, "gradients");
    assert_int_equal(plan.parts[1].bytes, (adapters + head) * sizeof(float));
    assert_int_equal(plan.parts[2].bytes, 2 * (adapters + head) * sizeof(float));
    size_t weights = plan.parts[0].bytes;
    o.lora_rank = 0;
    o.lora_alpha = 8;
    assert_int_equal(bertc_plan(&o, NULL, &plan, NULL), BERTC_OK);
    assert_int_equal(weights, plan.parts[0].bytes + (adapters + 16 * 16 + pair) * sizeof(float));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_merged_and_adapter),
        cmocka_unit_test(test_kept_layers),
        cmocka_unit_test(test_finished),
        cmocka_unit_test(test_bare_adapter),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_head_kinds),
        cmocka_unit_test(test_refused_adapters),
        cmocka_unit_test(test_settings_against_tensors),
        cmocka_unit_test(test_refused_tensors),
        cmocka_unit_test(test_target_lists),
        cmocka_unit_test(test_refused_options),
        cmocka_unit_test(test_plan),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
