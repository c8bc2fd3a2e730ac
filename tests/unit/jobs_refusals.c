/* Errors before the first step: one line, the right exit code, and no files left. */
#include "jobs_fixture.h"

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
    o = fixture_options("refused");
    o.warmup_steps = 0;
    o.warmup_ratio = 0;
    refuse(o, BERTC_USAGE, "--warmup-steps cannot be combined with --warmup-ratio");
    o = fixture_options("refused");
    o.schedule = 3;
    refuse(o, BERTC_USAGE, "--schedule is out of range");
    o = fixture_options("refused");
    o.max_length = 25;
    refuse(o, BERTC_USAGE, "--max-length 25 is more than the model's max_position_embeddings 24");
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
    refuse(o, BERTC_INPUT, "model/model.safetensors: a text that begins with \"not one\", not a safetensors file");
    assert_int_equal(rename("weights.kept", "model/model.safetensors"), 0);
}

/* Replace the content of a file for one refusal. */
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
    refuse_text("data/SST-2/train.tsv", text, "data/SST-2/train.tsv:3: label \"2\" is not one of 0, 1");
    snprintf(text, sizeof text, "%sgood\t-1\nbad\t-1\n", head);
    refuse_text("data/SST-2/train.tsv", text, "data/SST-2/train.tsv: the train split has no labels to train on");
    refuse_text("data/SST-2/dev.tsv", text, "data/SST-2/dev.tsv: the dev split has no labels to score");
    refuse_text("data/SST-2/train.tsv", "sentence\nbad\n",
                "data/SST-2/train.tsv: the train split has no labels to train on; its header has no column "
                "\"label\", only \"sentence\"");
    refuse_text("data/SST-2/train.tsv", head, "data/SST-2/train.tsv: no rows after the header");
}

static void test_model_and_vocabulary(void **unused)
{
    (void)unused;
    char words[256];
    snprintf(words, sizeof words, "%sone\ntwo\n", fixture_words);
    refuse_text("model/vocab.txt", words, "model/vocab.txt: 15 words, the model's vocab_size is only 13");
}

static char notices[4096];

static void on_notice(void *user, const char *line)
{
    (void)user;
    snprintf(notices + strlen(notices), sizeof notices - strlen(notices), "%s\n", line);
}

static void test_smaller_vocabulary_and_length_are_reported(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("accepted");
    bertc_observer observer = {.notify = {on_notice, NULL}};
    bertc_train_result result;
    bertc_error err = {0};
    assert_int_equal(rename("model/vocab.txt", "kept"), 0);
    char words[sizeof fixture_words];
    snprintf(words, sizeof words, "%.*s", (int)(strlen(fixture_words) - strlen("and\n")), fixture_words);
    fixture_write("model/vocab.txt", words);
    o.max_steps = 1;
    notices[0] = '\0';
    assert_int_equal(bertc_finetune(&o, &observer, &result, &err), BERTC_OK);
    assert_non_null(strstr(notices, "model/vocab.txt: 12 words, the model's vocab_size is 13\n"));
    assert_non_null(strstr(notices, "texts are truncated to 24 tokens, the model's "
                                    "max_position_embeddings\n"));
    assert_int_equal(rename("kept", "model/vocab.txt"), 0);
}

/* An added token without a row in the word embedding table is reported, and a text that contains the token is an
 * error. */
static void test_token_without_row(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("rowless");
    bertc_observer observer = {.notify = {on_notice, NULL}};
    bertc_train_result result;
    bertc_error err = {0};
    fixture_write("model/added_tokens.json", "{\"fil\": 13}");
    o.max_steps = 1;
    notices[0] = '\0';
    assert_int_equal(bertc_finetune(&o, &observer, &result, &err), BERTC_INPUT);
    assert_int_equal(unlink("model/added_tokens.json"), 0);
    assert_non_null(strstr(notices, "model/vocab.txt: token fil has id 13, the model's vocab_size is 13: "
                                    "texts must not contain it\n"));
    assert_non_null(strstr(err.message, "token id 13, the model's vocab_size is 13"));
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
    assert_non_null(strstr(err.message, "which is not part of a run"));
    assert_int_equal(fixture_entries("model"), 3);
}

/* ---- Prediction ---------------------------------------------------------------------------- */

static bertc_predict_options apply(const char *model)
{
    return (bertc_predict_options){.task = "sst2", .model = model, .data = "data",
                                   .split = BERTC_DEV, .batch_size = 4, .backend = 2, .threads = 1};
}

static void refuse_predict(bertc_predict_options o, bool score, bertc_status status, const char *message)
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
    refuse_predict(o, true, BERTC_INPUT, "data: there is neither MNLI/dev_matched.tsv nor dev_matched.tsv, "
                   "nor mnli/validation_matched.csv (or .tsv, .jsonl, .json)");
    fixture_write("data/SST-2/test.tsv", "index\tsentence\n0\tgood\n1\tbad film\n");
    o = apply("model");
    o.split = BERTC_TEST;
    assert_int_equal(rename("model/model.safetensors", "later"), 0); /* reported before the file is needed */
    refuse_predict(o, true, BERTC_INPUT, "data/SST-2/test.tsv: the test split has no labels to score; "
                                          "its header has no column \"label\", only \"index\", \"sentence\"");
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

/* A model with the labels in another order than the task: matched by name; without names the wrong order is found by
 * the scores. */
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
    /* same weights, other names: now the names are wrong and are trusted */
    assert_int_equal(bertc_config_set_labels(config, swapped, 2, NULL), BERTC_OK);
    assert_int_equal(bertc_model_save(model, "ordered", NULL), BERTC_OK);
    bertc_predict_options lying = apply("ordered");
    assert_int_equal(bertc_predict(&lying, true, NULL, &p, &err), BERTC_OK);
    assert_true(p.scores.value[BERTC_ACCURACY] < 0.05);
    bertc_predictions_clear(&p);
    /* fine-tuning that starts from this head keeps its order, and is scored by name */
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
    /* the same without names: matched in order, and the wrong order is found */
    assert_int_equal(bertc_config_set_labels(config, unnamed, 2, NULL), BERTC_OK);
    assert_int_equal(bertc_model_save(model, "reordered", NULL), BERTC_OK);
    bertc_model_free(model);
    assert_int_equal(bertc_predict(&lying, true, NULL, &p, &err), BERTC_INPUT);
    assert_memory_equal(err.message, "reordered: the label order is wrong: accuracy 0.0", 49);
    assert_non_null(strstr(err.message, "if the model's labels are positive, negative; name them"));
    assert_int_equal(bertc_predict(&lying, false, NULL, &p, NULL), BERTC_OK);
    bertc_predictions_clear(&p);
}

/* Labels without names are matched by number, which is reported. Other labels are refused, or with --any-labels matched
 * in order if their number is the same. */
static void test_labels_of_another_task(void **unused)
{
    (void)unused;
    static const struct {
        const char *task, *labels[3], *message; /* message: the refusal, or the notice */
        int32_t count;
        bool any, good;
    } cases[] = {
        {"sst2", {"negative", "positive"}, "", 2, false, true},
        {"sst2", {"POS", "neg"}, "", 2, true, true},
        {"sst2", {"LABEL_0", "LABEL_1"}, "applied/config.json: the labels have no names, their order is assumed: "
         "LABEL_0 is negative, LABEL_1 is positive\n", 2, false, true},
        {"sst2", {"1", "0"}, "applied/config.json: the labels have no names, their order is assumed: "
         "0 is negative, 1 is positive\n", 2, false, true},
        {"cola", {"negative", "positive"}, "applied/config.json: the model's 2 labels (negative, positive) match "
         "none of the 2 labels of task cola (unacceptable, acceptable); --any-labels takes them in their order",
         2, false, false},
        {"cola", {"negative", "positive"}, "applied/config.json: the labels are not those of the task, their order "
         "is assumed: negative is unacceptable, positive is acceptable\n", 2, true, true},
        {"sst2", {"positive", "neutral"}, "applied/config.json: the model's 2 labels (positive, neutral) match only "
         "some of the 2 labels of task sst2 (negative, positive); --any-labels takes them in their order",
         2, false, false},
        {"sst2", {"positive", "neutral"}, "applied/config.json: the labels are not those of the task, their order "
         "is assumed: positive is negative, neutral is positive\n", 2, true, true},
        {"sst2", {"a", "b", "c"}, "applied/config.json: the model's 3 labels (a, b, c) differ in number from the "
         "2 labels of task sst2 (negative, positive)", 3, true, false},
        {"rte", {"entailment", "neutral", "contradiction"}, "applied/config.json: the model's 3 labels (entailment, "
         "neutral, contradiction) differ in number from the 2 labels of task rte (entailment, not_entailment)",
         3, true, false},
        {"mnli", {"LABEL_2", "LABEL_0", "LABEL_1"}, "applied/config.json: the labels have no names, their order is "
         "assumed: LABEL_0 is entailment, LABEL_1 is neutral, LABEL_2 is contradiction\n", 3, false, true},
        {"stsb", {"LABEL_0", "LABEL_1"}, "applied/config.json: the model has 2 labels, but task stsb needs one value",
         2, true, false},
        {"stsb", {"LABEL_0"}, "", 1, false, true},
        {"sst2", {"LABEL_0"}, "applied/config.json: the model's 1 label (LABEL_0) differs in number from the 2 "
         "labels of task sst2 (negative, positive)", 1, true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static const char *const names[] = {"x", "y", "z"};
        bertc_model_options how = {.backend = "reference", .threads = 1, .num_labels = cases[i].count, .labels = names};
        bertc_model *model;
        assert_int_equal(bertc_model_load("model", &how, &model, NULL), BERTC_OK);
        bertc_config *config = (bertc_config *)(uintptr_t)bertc_model_config(model);
        assert_int_equal(bertc_config_set_labels(config, cases[i].labels, cases[i].count, NULL), BERTC_OK);
        fixture_remove("applied");
        assert_int_equal(mkdir("applied", 0777), 0);
        assert_int_equal(bertc_model_save(model, "applied", NULL), BERTC_OK);
        bertc_model_free(model);
        fixture_write("applied/vocab.txt", fixture_words);
        bertc_predict_options o = apply("applied");
        bool pair = bertc_task_find(cases[i].task)->pair;
        o.task = cases[i].task;
        o.data = NULL;
        o.text = pair ? "good\tbad\n" : "good\n";
        o.text_length = strlen(o.text);
        o.any_labels = cases[i].any;
        bertc_observer observer = {.notify = {on_notice, NULL}};
        bertc_predictions p;
        bertc_error err = {0};
        notices[0] = '\0';
        assert_int_equal(bertc_predict(&o, false, &observer, &p, &err), cases[i].good ? BERTC_OK : BERTC_INPUT);
        bertc_predictions_clear(&p);
        char *said = strstr(notices, "applied/config.json");
        if (said) strchr(said, '\n')[1] = '\0';
        assert_string_equal(cases[i].good ? (said ? said : "") : err.message, cases[i].message);
    }
}

/* A token classifier, as transformers writes it, without a pooler, whether config.json names its class or not. */
static void save_token_classifier(void)
{
    bc_weights file;
    assert_int_equal(bc_safetensors_open("model/model.safetensors", &file, NULL), BERTC_OK);
    bc_tensor_out *kept = bc_calloc(file.count, sizeof *kept);
    size_t count = 0;
    for (size_t i = 0; i < file.count; i++) {
        const bc_tensor *t = &file.tensors[i];
        if (strstr(t->name, "pooler")) continue;
        void *data = bc_alloc(t->bytes, 1);
        assert_int_equal(bc_tensor_bytes(t, 0, t->bytes, data, NULL), BERTC_OK);
        kept[count] = (bc_tensor_out){.name = t->name, .dtype = t->dtype, .rank = t->rank, .data = data};
        memcpy(kept[count++].shape, t->shape, sizeof t->shape);
    }
    assert_int_equal(count, file.count - 2);
    assert_int_equal(mkdir("tokens", 0777), 0);
    assert_int_equal(bc_safetensors_write(&bc_working_dir, "tokens/model.safetensors", kept, count, NULL, NULL),
                     BERTC_OK);
    for (size_t i = 0; i < count; i++) bc_free((void *)(uintptr_t)kept[i].data);
    bc_free(kept);
    bc_weights_close(&file);
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
        cmocka_unit_test(test_smaller_vocabulary_and_length_are_reported),
        cmocka_unit_test(test_token_without_row),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_prediction),
        cmocka_unit_test(test_label_order),
        cmocka_unit_test(test_labels_of_another_task),
        cmocka_unit_test(test_token_classifier),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
