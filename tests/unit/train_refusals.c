/* What is refused before the first step: one line, the right code, nothing left behind. */
#include "train_fixture.h"

#include <math.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void refuse(bertc_train_options o, bertc_status status, const char *message)
{
    bertc_train_result result;
    bertc_error err = {0};
    double began = now();
    assert_int_equal(bertc_finetune(&o, NULL, &result, &err), status);
    assert_true(now() - began < 1);
    assert_string_equal(err.message, message);
    assert_false(bc_file_exists("refused"));
}

static void test_options(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("refused");
    o.task = "sst3";
    refuse(o, BERTC_USAGE, "unknown task 'sst3'");
    o.task = "ax";
    refuse(o, BERTC_USAGE, "task ax has no training data");
    o = fixture_options("refused");
    o.epochs = 0;
    refuse(o, BERTC_USAGE, "--epochs is out of range");
    o = fixture_options("refused");
    o.epochs = NAN;
    refuse(o, BERTC_USAGE, "--epochs is out of range");
    o.epochs = 1;
    o.max_length = 25;
    refuse(o, BERTC_USAGE,
           "--max-length 25 is more than the model's max_position_embeddings 24");
}

#define FOLDER "a model is a folder with config.json, model.safetensors, vocab.txt and tokenizer_config.json"

static void test_missing_files(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("refused");
    o.model = "nowhere";
    refuse(o, BERTC_INPUT, 
           "nowhere: no such folder, and bertc downloads nothing: put the files of that model "
           "(config.json, model.safetensors, vocab.txt and tokenizer_config.json) into a folder and "
           "give that");
    assert_int_equal(rename("model/vocab.txt", "vocab.kept"), 0);
    o = fixture_options("refused");
    refuse(o, BERTC_INPUT, "model/vocab.txt: no such file; " FOLDER);
    assert_int_equal(rename("vocab.kept", "model/vocab.txt"), 0);
    assert_int_equal(rename("model/model.safetensors", "weights.kept"), 0);
    refuse(o, BERTC_INPUT, "model/model.safetensors: no such file; " FOLDER);
    fixture_write("model/model.safetensors", "not one");
    refuse(o, BERTC_INPUT, "model/model.safetensors: a text that begins \"not one\", not a safetensors file");
    assert_int_equal(rename("weights.kept", "model/model.safetensors"), 0);
}

/* Put `text` in the place of a file for one refusal. */
static void refuse_text(const char *path, const char *text, const char *message)
{
    assert_int_equal(rename(path, "kept"), 0);
    fixture_write(path, text);
    refuse(fixture_options("refused"), BERTC_INPUT, message);
    assert_int_equal(rename("kept", path), 0);
}

static void test_data(void **unused)
{
    (void)unused;
    static const char head[] = "sentence\tlabel\n";
    char text[256];
    snprintf(text, sizeof text, "%sgood\t1\nbad\t2\n", head);
    refuse_text("data/SST-2/train.tsv", text,
                "data/SST-2/train.tsv:3: label \"2\" is not one of 0, 1");
    snprintf(text, sizeof text, "%sgood\t-1\nbad\t-1\n", head);
    refuse_text("data/SST-2/train.tsv", text,
                "data/SST-2/train.tsv: the train split has no labels to train on");
    refuse_text("data/SST-2/dev.tsv", text,
                "data/SST-2/dev.tsv: the dev split has no labels to score");
    refuse_text("data/SST-2/train.tsv", "sentence\nbad\n",
                "data/SST-2/train.tsv: the train split has no labels to train on; its header has no column "
                "\"label\"");
    refuse_text("data/SST-2/train.tsv", head, "data/SST-2/train.tsv: no rows after the header");
}

static void test_model_and_vocabulary(void **unused)
{
    (void)unused;
    char words[256];
    snprintf(words, sizeof words, "%sone\ntwo\n", fixture_words);
    refuse_text("model/vocab.txt", words,
                "model/vocab.txt: 15 words, the model's vocab_size is only 13");
}

static char notices[4096];

static void on_notice(void *user, const char *line)
{
    (void)user;
    snprintf(notices + strlen(notices), sizeof notices - strlen(notices), "%s\n", line);
}

static void test_smaller_vocabulary_and_length_are_said(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("accepted");
    bertc_observer observer = {.notify = {on_notice, NULL}};
    bertc_train_result result;
    bertc_error err = {0};
    assert_int_equal(rename("model/vocab.txt", "kept"), 0);
    char words[sizeof fixture_words];
    snprintf(words, sizeof words, "%.*s", (int)(strlen(fixture_words) - strlen("and\n")),
             fixture_words);
    fixture_write("model/vocab.txt", words);
    o.max_steps = 1;
    notices[0] = '\0';
    assert_int_equal(bertc_finetune(&o, &observer, &result, &err), BERTC_OK);
    assert_non_null(strstr(notices, "model/vocab.txt: 12 words, the model has room for 13\n"));
    assert_non_null(strstr(notices, "texts are truncated to 24 tokens, the model's "
                                    "max_position_embeddings\n"));
    assert_int_equal(rename("kept", "model/vocab.txt"), 0);
}

static void test_output(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("data/SST-2/dev.tsv");
    refuse(o, BERTC_IO, "data/SST-2/dev.tsv: cannot be a folder, a file is in the way");
    o.out = "model";
    o.resume = true;
    bertc_train_result result;
    bertc_error err = {0};
    assert_int_equal(bertc_finetune(&o, NULL, &result, &err), BERTC_USAGE);
    assert_non_null(strstr(err.message, "which no run left there"));
    assert_int_equal(fixture_entries("model"), 3);
}

/* ---- Prediction ------------------------------------------------------------------------------ */

static bertc_predict_options apply(const char *model)
{
    return (bertc_predict_options){.task = "sst2", .model = model, .data = "data",
                                   .split = BERTC_DEV, .batch_size = 4, .backend = 2, .threads = 1};
}

static void refuse_predict(bertc_predict_options o, bool score, bertc_status status,
                           const char *message)
{
    bertc_predictions p;
    bertc_error err = {0};
    assert_int_equal(bertc_predict(&o, score, NULL, &p, &err), status);
    assert_string_equal(err.message, message);
    bertc_predictions_clear(&p);
}

static void test_prediction(void **unused)
{
    (void)unused;
    bertc_predict_options o = apply("model");
    o.task = "none";
    refuse_predict(o, true, BERTC_USAGE, "unknown task 'none'");
    o = apply("model");
    o.task = "mnli";
    refuse_predict(o, true, BERTC_INPUT, "data: there is neither MNLI/dev_matched.tsv nor dev_matched.tsv");
    fixture_write("data/SST-2/test.tsv", "index\tsentence\n0\tgood\n1\tbad film\n");
    o = apply("model");
    o.split = BERTC_TEST;
    assert_int_equal(rename("model/model.safetensors", "later"), 0); /* said before it is needed */
    refuse_predict(o, true, BERTC_INPUT, "data/SST-2/test.tsv: split has no labels to score");
    assert_int_equal(rename("later", "model/model.safetensors"), 0);
    bertc_predictions p;
    assert_int_equal(bertc_predict(&o, false, NULL, &p, NULL), BERTC_OK);
    assert_int_equal(p.dataset->count, 2);
    bertc_predictions_clear(&p);
    o.data = NULL;
    o.text = "good\nbad\nfilm film\n";
    o.text_length = strlen(o.text);
    assert_int_equal(bertc_predict(&o, false, NULL, &p, NULL), BERTC_OK);
    assert_int_equal(p.dataset->count, 3);
    bertc_predictions_clear(&p);
    o.text = "";
    o.text_length = 0;
    refuse_predict(o, false, BERTC_INPUT, "standard input: no lines to read");
}

/* A model whose labels stand in another order than the task's: found by name; and found out, where
 * the names say nothing. */
static void test_label_order(void **unused)
{
    (void)unused;
    static const char *const swapped[] = {"positive", "negative"};
    static const char *const unnamed[] = {"LABEL_0", "LABEL_1"};
    bertc_train_options o = fixture_options("ordered");
    bertc_train_result result;
    bertc_error err = {0};
    fixture_split("data/SST-2/dev.tsv", 100, 80);
    o.epochs = 20;
    assert_int_equal(bertc_finetune(&o, NULL, &result, &err), BERTC_OK);
    assert_true(result.scores.value[BERTC_ACCURACY] > 0.95);
    bertc_model_options keep = {.backend = "reference", .threads = 1};
    bertc_model *model;
    assert_int_equal(bertc_model_load("ordered", &keep, &model, NULL), BERTC_OK);
    bertc_config *config = (bertc_config *)(uintptr_t)bertc_model_config(model);
    bertc_predictions p;
    /* Same weights, other names: now the names lie and are believed. */
    assert_int_equal(bertc_config_set_labels(config, swapped, 2, NULL), BERTC_OK);
    assert_int_equal(bertc_model_save(model, "ordered", NULL), BERTC_OK);
    bertc_predict_options lying = apply("ordered");
    assert_int_equal(bertc_predict(&lying, true, NULL, &p, &err), BERTC_OK);
    assert_true(p.scores.value[BERTC_ACCURACY] < 0.05);
    bertc_predictions_clear(&p);
    /* A fine-tuning that starts from that head learns it in its order, and it is scored by name. */
    o.model = "ordered";
    o.out = "reordered";
    assert_int_equal(bertc_finetune(&o, NULL, &result, &err), BERTC_OK);
    assert_true(result.scores.value[BERTC_ACCURACY] > 0.95);
    bertc_model_free(model);
    assert_int_equal(bertc_model_load("reordered", &keep, &model, NULL), BERTC_OK);
    config = (bertc_config *)(uintptr_t)bertc_model_config(model);
    assert_string_equal(config->labels[0], "positive");
    lying = apply("reordered");
    assert_int_equal(bertc_predict(&lying, true, NULL, &p, &err), BERTC_OK);
    assert_true(p.scores.value[BERTC_ACCURACY] > 0.95);
    bertc_predictions_clear(&p);
    /* The same without names: taken in order, and found out. */
    assert_int_equal(bertc_config_set_labels(config, unnamed, 2, NULL), BERTC_OK);
    assert_int_equal(bertc_model_save(model, "reordered", NULL), BERTC_OK);
    bertc_model_free(model);
    assert_int_equal(bertc_predict(&lying, true, NULL, &p, &err), BERTC_INPUT);
    assert_memory_equal(err.message, "reordered: the label order is wrong: accuracy 0.0", 49);
    assert_non_null(strstr(err.message, "if the model's labels are positive, negative; name them"));
    assert_int_equal(bertc_predict(&lying, false, NULL, &p, NULL), BERTC_OK);
    bertc_predictions_clear(&p);
}

/* A classifier over tokens: as transformers writes it, without a pooler, whether the class is named or not. */
static void save_token_classifier(void)
{
    bc_safetensors file;
    assert_int_equal(bc_safetensors_open("model/model.safetensors", &file, NULL), BERTC_OK);
    bc_tensor_out *kept = bc_calloc(file.count, sizeof *kept);
    size_t count = 0;
    for (size_t i = 0; i < file.count; i++) {
        const bc_tensor *t = &file.tensors[i];
        if (strstr(t->name, "pooler")) continue;
        kept[count] = (bc_tensor_out){.name = t->name, .dtype = t->dtype, .rank = t->rank, .data = t->data};
        memcpy(kept[count++].shape, t->shape, sizeof t->shape);
    }
    assert_int_equal(count, file.count - 2);
    assert_int_equal(mkdir("tokens", 0777), 0);
    assert_int_equal(bc_safetensors_write("tokens/model.safetensors", kept, count, NULL, NULL), BERTC_OK);
    bc_free(kept);
    bc_safetensors_close(&file);
    static const char *const names[] = {"config.json", "vocab.txt"};
    for (size_t i = 0; i < 2; i++) {
        char *from = bc_path_join("model", names[i]), *to = bc_path_join("tokens", names[i]);
        size_t length;
        char *text = fixture_read(from, &length, false);
        fixture_write(to, text);
        bc_free(text);
        bc_free(from);
        bc_free(to);
    }
}

static void keep_head_line(void *user, const char *line)
{
    if (strstr(line, ": head ")) snprintf(user, 256, "%s", line);
}

static void test_token_classifier(void **unused)
{
    (void)unused;
    char line[256] = "";
    bertc_train_result result;
    bertc_error err = {0};
    bertc_observer observer = {.notify = {.line = keep_head_line, .user = line}};
    bertc_train_options o = fixture_options("retrained");
    save_token_classifier();
    refuse_predict(apply("tokens"), true, BERTC_INPUT,
                   "tokens/model.safetensors: its head cannot be used: a classifier without a pooler reads tokens, "
                   "not sentences");
    o.model = "tokens";
    o.max_steps = 1;
    assert_int_equal(bertc_finetune(&o, &observer, &result, &err), BERTC_OK);
    assert_string_equal(line, "tokens/model.safetensors: head replaced: a classifier without a pooler reads tokens, "
                              "not sentences");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_missing_files),
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_model_and_vocabulary),
        cmocka_unit_test(test_smaller_vocabulary_and_length_are_said),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_prediction),
        cmocka_unit_test(test_label_order),
        cmocka_unit_test(test_token_classifier),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
