/* Models of the first layers of another model: as a directory, as what a run trains, and as the features that a head
 * is trained on. */
#include "jobs_fixture.h"

static bool has_tensor(const char *path, const char *name)
{
    bc_weights file;
    assert_int_equal(bc_safetensors_open(path, &file, NULL), BERTC_OK);
    bool found = bc_weights_find(&file, name) != NULL;
    bc_weights_close(&file);
    return found;
}

static bool file_has(const char *path, const char *what)
{
    size_t length;
    char *text = fixture_read(path, &length, false);
    bool found = strstr(text, what) != NULL;
    bc_free(text);
    return found;
}

/* A directory with the first layer of model/. */
static void truncate_model(const char *out)
{
    bertc_error err = {0};
    assert_int_equal(mkdir(out, 0777), 0);
    if (bertc_model_truncate("model", 1, out, &err) != BERTC_OK) fail_msg("%s", err.message);
}

static void test_directory(void **unused)
{
    (void)unused;
    static const char *const kept[] = {"bert.embeddings.word_embeddings.weight",
                                       "bert.encoder.layer.0.output.LayerNorm.bias",
                                       "bert.pooler.dense.weight", "classifier.bias"};
    truncate_model("small");
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        assert_true(fixture_same_tensor("model/model.safetensors", "small/model.safetensors", kept[i]));
    assert_true(has_tensor("model/model.safetensors", "bert.encoder.layer.1.output.dense.weight"));
    assert_false(has_tensor("small/model.safetensors", "bert.encoder.layer.1.output.dense.weight"));
    fixture_same_file("model", "small", "vocab.txt");
    bertc_config was, is;
    assert_int_equal(bertc_config_load("model/config.json", &was, NULL), BERTC_OK);
    assert_int_equal(bertc_config_load("small/config.json", &is, NULL), BERTC_OK);
    assert_int_equal(was.num_hidden_layers, 2);
    assert_int_equal(is.num_hidden_layers, 1);
    assert_int_equal(is.intermediate_size, was.intermediate_size);
    assert_string_equal(is.labels[1], was.labels[1]);
    bertc_config_clear(&was);
    bertc_config_clear(&is);
}

/* A config.json that leaves the number of layers to its default, twelve, gets the number. */
static void test_directory_without_a_number(void **unused)
{
    (void)unused;
    bertc_config config;
    assert_int_equal(bertc_config_init(&config, NULL), BERTC_OK);
    config.vocab_size = 13;
    config.hidden_size = 8;
    config.num_attention_heads = 2;
    config.intermediate_size = 8;
    config.max_position_embeddings = 24;
    assert_int_equal(mkdir("three", 0777), 0);
    fixture_save(&config, "twelve");
    bertc_config_clear(&config);
    fixture_write("twelve/vocab.txt", fixture_words);
    fixture_write("twelve/config.json",
                  "{\"vocab_size\":13,\"hidden_size\":8,\"num_attention_heads\":2,\"intermediate_size\":8,"
                  "\"max_position_embeddings\":24}");
    assert_int_equal(bertc_model_truncate("twelve", 3, "three", NULL), BERTC_OK);
    assert_int_equal(bertc_config_load("three/config.json", &config, NULL), BERTC_OK);
    assert_int_equal(config.num_hidden_layers, 3);
    assert_int_equal(config.hidden_size, 8);
    bertc_config_clear(&config);
}

static void test_directories_that_are_refused(void **unused)
{
    (void)unused;
    static const struct {
        int32_t layers;
        const char *dir, *message;
        bertc_status status;
    } rows[] = {{3, "model", "--keep-layers 3: model/config.json allows 1 to 2", BERTC_USAGE},
                {0, "model", "--keep-layers 0: model/config.json allows 1 to 2", BERTC_USAGE},
                {3, "torn", "torn/model.safetensors: tensor \"bert.encoder.layer.2.attention.self.query.weight\" "
                            "is missing", BERTC_INPUT},
                {1, "no", "no: no such folder, and bertc downloads nothing: put the files of "
                            "that model (config.json, model.safetensors, vocab.txt and "
                            "tokenizer_config.json) into a folder and give that", BERTC_INPUT}};
    assert_int_equal(mkdir("refused", 0777), 0);
    assert_int_equal(mkdir("torn", 0777), 0);
    fixture_write("torn/config.json",
                  "{\"vocab_size\":13,\"hidden_size\":16,\"num_hidden_layers\":4,\"num_attention_heads\":2,"
                  "\"intermediate_size\":32,\"max_position_embeddings\":24}");
    fixture_write("torn/vocab.txt", fixture_words);
    assert_int_equal(symlink("../model/model.safetensors", "torn/model.safetensors"), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bertc_error err = {0};
        assert_int_equal(bertc_model_truncate(rows[i].dir, rows[i].layers, "refused", &err), rows[i].status);
        assert_string_equal(err.message, rows[i].message);
        assert_int_equal(fixture_entries("refused"), 0);
    }
}

/* The runs' folders may differ; weights and losses do not. */
static void same_result(const char *a, const char *b)
{
    static const char *const files[] = {"config.json", "model.safetensors", "log.jsonl", "eval.json",
                                        "predictions.dev.jsonl"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) fixture_same_file(a, b, files[i]);
}

static void catch_line(void *user, const char *line)
{
    char *all = user;
    snprintf(all + strlen(all), 2048 - strlen(all), "%s\n", line);
}

/* The run has the same bits as a run from a directory of those layers; the other layers are not reported. */
static void test_run_of_first_layers(void **unused)
{
    (void)unused;
    truncate_model("one");
    bertc_train_options o = fixture_options("kept"), other = fixture_options("from");
    char lines[2048] = "";
    bertc_train_result result;
    const bertc_observer observer = {.notify = {catch_line, lines}};
    o.keep_layers = 1;
    other.model = "one";
    assert_int_equal(bertc_finetune(&o, &observer, &result, NULL), BERTC_OK);
    assert_non_null(strstr(lines, "in the file but not used: none"));
    fixture_run(other);
    same_result("kept", "from");
    assert_true(file_has("kept/config.json", "\"num_hidden_layers\": 1"));
    assert_true(file_has("kept/run.json", "\"keep-layers\":1"));
}

/* Both recipes and precisions and passes of any size: the layers do not change, the layers above are gone, pooler
 * and head are newly initialized and trained, and a stopped run resumes to the same result. */
static void test_feature_layer(void **unused)
{
    (void)unused;
    static const char *const frozen[] = {"bert.embeddings.word_embeddings.weight", "bert.embeddings.LayerNorm.bias",
                                         "bert.encoder.layer.0.attention.self.query.weight",
                                         "bert.encoder.layer.0.output.LayerNorm.bias"};
    for (int i = 0; i < 4; i++) {
        bertc_train_options o = fixture_options("feature");
        const char *a = "model/model.safetensors", *b = "feature/model.safetensors";
        o.feature_layer = 1;
        o.recipe = i % 2 ? BERTC_RECIPE_GOOGLE : BERTC_RECIPE_HF;
        o.precision = i / 2 ? BERTC_BF16 : BERTC_F32;
        o.micro_batch_tokens = i == 1 || i == 2 ? 16 : 8192;
        o.gradient_checkpointing = i == 3;
        fixture_remove("feature");
        fixture_run(o);
        for (size_t k = 0; k < sizeof frozen / sizeof *frozen; k++) assert_true(fixture_same_tensor(a, b, frozen[k]));
        assert_false(has_tensor(b, "bert.encoder.layer.1.output.LayerNorm.bias"));
        fixture_stop_twice(o, "feature");
    }
    assert_true(file_has("feature/run.json", "\"feature-layer\":1"));
}

/* Pooler and head are newly initialized, even if the model has a head with these labels, and then change. */
static void test_feature_layer_begins_anew(void **unused)
{
    (void)unused;
    static const char *const fresh[] = {"bert.pooler.dense.weight", "classifier.weight"};
    bertc_train_options done = fixture_options("done"), still = fixture_options("still");
    bertc_train_options moved = fixture_options("moved"), frozen = fixture_options("plain");
    fixture_run(done);
    still.model = moved.model = frozen.model = "done";
    still.feature_layer = moved.feature_layer = 2;
    frozen.freeze = "2";
    still.lr = frozen.lr = 0;
    fixture_run(still);
    fixture_run(moved);
    fixture_run(frozen);
    for (size_t i = 0; i < 2; i++) {
        assert_true(fixture_same_tensor("done/model.safetensors", "plain/model.safetensors", fresh[i]));
        assert_false(fixture_same_tensor("done/model.safetensors", "still/model.safetensors", fresh[i]));
        assert_false(fixture_same_tensor("still/model.safetensors", "moved/model.safetensors", fresh[i]));
    }
}

static void test_runs_that_are_refused(void **unused)
{
    (void)unused;
    static const char contradiction[] = "--feature-layer cannot be combined with --";
    bertc_train_options o = fixture_options("refused-run");
    o.keep_layers = 3;
    fixture_refuse(o, BERTC_USAGE, "--keep-layers 3: the model has 2 layers");
    o.keep_layers = 1;
    o.freeze = "2";
    fixture_refuse(o, BERTC_USAGE, "--freeze 2: the model has 1 layer");
    o = fixture_options("refused-run");
    o.feature_layer = 3;
    fixture_refuse(o, BERTC_USAGE, "--feature-layer 3: the model has 2 layers");
    for (int i = 0; i < 5; i++) {
        static const char *const names[] = {"keep-layers", "freeze", "unfreeze-schedule", "reinit-layers",
                                            "train-only"};
        char message[128];
        snprintf(message, sizeof message, "%s%s", contradiction, names[i]);
        o = fixture_options("refused-run");
        o.feature_layer = 1;
        if (i == 0) o.keep_layers = 1;
        if (i == 1) o.freeze = "embeddings";
        if (i == 2) o.unfreeze_schedule = "each-epoch";
        if (i == 3) o.reinit_layers = 1;
        if (i == 4) o.train_only = BERTC_TRAIN_BIASES;
        fixture_refuse(o, BERTC_USAGE, message);
    }
    assert_false(bc_file_exists("refused-run"));
    o = fixture_options("changed");
    o.keep_layers = 1;
    fixture_interrupt(o, 3);
    o.resume = true;
    o.keep_layers = 0;
    bertc_train_result result;
    bertc_error err = {0};
    assert_int_equal(bertc_finetune(&o, NULL, &result, &err), BERTC_USAGE);
    assert_non_null(strstr(err.message, "--keep-layers was 1 in this run and is 0 now"));
}

/* A bare encoder: names without "bert.", neither pooler nor head. */
static void test_bare_encoder(void **unused)
{
    (void)unused;
    bc_weights file;
    bc_tensor_out tensors[64];
    size_t count = 0;
    assert_int_equal(bc_safetensors_open("model/model.safetensors", &file, NULL), BERTC_OK);
    for (size_t i = 0; i < file.count; i++) {
        const bc_tensor *t = &file.tensors[i];
        if (strncmp(t->name, "bert.", 5) != 0 || strstr(t->name, "pooler")) continue;
        assert_true(count < 64);
        tensors[count] = (bc_tensor_out){.name = t->name + 5, .dtype = t->dtype, .rank = t->rank,
                                          .data = fixture_bytes(t)};
        memcpy(tensors[count++].shape, t->shape, sizeof t->shape);
    }
    assert_int_equal(mkdir("bare", 0777), 0);
    assert_int_equal(bc_safetensors_write(&bc_working_dir, "bare/model.safetensors", tensors, count, NULL, NULL),
                     BERTC_OK);
    for (size_t i = 0; i < count; i++) bc_free((void *)(uintptr_t)tensors[i].data);
    bc_weights_close(&file);
    size_t length;
    char *text = fixture_read("model/config.json", &length, false);
    fixture_write("bare/config.json", text);
    fixture_write("bare/vocab.txt", fixture_words);
    bc_free(text);
    bertc_model *models[2];
    const bertc_model_options options = {.backend = "reference", .threads = 1, .encoder_only = true, .keep_layers = 1};
    assert_int_equal(bertc_model_load("bare", &options, &models[0], NULL), BERTC_OK);
    assert_int_equal(bertc_model_load("model", &options, &models[1], NULL), BERTC_OK);
    assert_int_equal(bertc_model_parameters(models[0]), bertc_model_parameters(models[1]));
    for (int i = 0; i < 2; i++) bertc_model_free(models[i]);
    assert_int_equal(mkdir("barer", 0777), 0);
    assert_int_equal(bertc_model_truncate("bare", 1, "barer", NULL), BERTC_OK);
    assert_true(has_tensor("barer/model.safetensors", "encoder.layer.0.output.dense.bias"));
    assert_false(has_tensor("barer/model.safetensors", "encoder.layer.1.output.dense.bias"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directory),
        cmocka_unit_test(test_directory_without_a_number),
        cmocka_unit_test(test_directories_that_are_refused),
        cmocka_unit_test(test_run_of_first_layers),
        cmocka_unit_test(test_feature_layer),
        cmocka_unit_test(test_feature_layer_begins_anew),
        cmocka_unit_test(test_runs_that_are_refused),
        cmocka_unit_test(test_bare_encoder),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
