/* Complete runs of a tiny model: stopped at every step and resumed, in micro-batches, diverging. */
#include "jobs_fixture.h"

#include <math.h>

#include "run/hashed_file.h"
#include "run/state.h"

/* An observer that stops after `polls` polls. */
typedef struct stopper {
    int left;
    bertc_status with;
    char notice[2048];
    int notices;
} stopper;

static bertc_status on_stop(void *user)
{
    stopper *s = user;
    return s->left-- > 0 ? BERTC_OK : s->with;
}

static void on_notice(void *user, const char *line)
{
    stopper *s = user;
    snprintf(s->notice, sizeof s->notice, "%s", line);
    s->notices++;
}

static bertc_status run_until(bertc_train_options o, int polls, bertc_train_result *result, bertc_error *err)
{
    stopper s = {.left = polls, .with = BERTC_INTERRUPTED};
    bertc_observer observer = {.stop = on_stop, .user = &s};
    return bertc_finetune(&o, &observer, result, err);
}

static void run(bertc_train_options o, bertc_train_result *result)
{
    bertc_error err = {0};
    if (bertc_finetune(&o, NULL, result, &err) != BERTC_OK) fail_msg("%s", err.message);
}

/* ---- Resume -------------------------------------------------------------------------------- */

/* Stop after `first` polls, then after `second`, then run to the end. The result must be that of an uninterrupted
 * run. */
static void stop_twice(bertc_train_options o, int first, int second, const char *whole)
{
    bertc_train_result result;
    bertc_error err = {0};
    fixture_remove("stopped");
    o.out = "stopped";
    assert_int_equal(run_until(o, first, &result, &err), BERTC_INTERRUPTED);
    assert_non_null(strstr(err.message, "continue with --resume"));
    o.resume = true;
    bertc_status status = run_until(o, second, &result, NULL);
    assert_true(status == BERTC_INTERRUPTED || status == BERTC_OK);
    run(o, &result);
    fixture_same_run(whole, "stopped");
}

static void compare_all_stops(bertc_train_options o)
{
    bertc_train_result result;
    o.out = "whole";
    fixture_remove("whole");
    run(o, &result);
    assert_int_equal(result.steps, 10);
    assert_int_equal(fixture_entries("whole"), 8);
    int polls = 0;
    fixture_remove("stopped");
    o.out = "stopped";
    while (run_until(o, polls, &result, NULL) != BERTC_OK) {
        fixture_remove("stopped");
        polls++;
    }
    assert_in_range(polls, 10, 40);
    for (int i = 0; i < polls; i++) stop_twice(o, i, i % 3, "whole");
}

static void test_stopped_anywhere(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("whole");
    o.eval_every = 3;
    o.dropout = 0.2;
    compare_all_stops(o);
}

static void test_stopped_anywhere_keeping_the_best(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("whole");
    o.eval_every = 2;
    o.save_every = "3";
    o.keep = BERTC_KEEP_BEST;
    o.recipe = BERTC_RECIPE_GOOGLE;
    o.eval_batch_size = 4;
    compare_all_stops(o);
}

/* The bf16 copies of the weights are made again from a checkpoint's weights, with the same bits. */
static void test_stopped_in_bf16(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("whole");
    o.eval_every = 3;
    o.keep = BERTC_KEEP_BEST;
    o.precision = BERTC_BF16;
    compare_all_stops(o);
}

static void test_stopped_with_onednn(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("whole");
    bertc_train_result result;
    o.backend = 0;
    fixture_remove("whole");
    run(o, &result);
    stop_twice(o, 4, 3, "whole");
}

/* Layers that are computed again in the backward pass give the same bits, in passes of any size, also if a run that
 * kept everything is resumed. */
static void test_checkpointing_layers(void **unused)
{
    (void)unused;
    static const char *const files[] = {"model.safetensors", "log.jsonl", "eval.json", "predictions.dev.jsonl"};
    bertc_train_options o = fixture_options("whole");
    bertc_train_result result;
    o.dropout = 0.2;
    for (int64_t tokens = 16; tokens <= 8192; tokens *= 512) {
        fixture_remove("whole");
        fixture_remove("stopped");
        o.micro_batch_tokens = tokens;
        o.out = "whole";
        run(o, &result);
        o.out = "stopped";
        assert_int_equal(run_until(o, 4, &result, NULL), BERTC_INTERRUPTED);
        o.resume = true;
        o.gradient_checkpointing = 1;
        run(o, &result);
        for (size_t i = 0; i < 4; i++) fixture_same_file("whole", "stopped", files[i]);
        o.resume = false;
        o.gradient_checkpointing = 0;
    }
}

static void test_resume_of_a_finished_run(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("finished");
    bertc_train_result first, second;
    bertc_error err = {0};
    run(o, &first);
    struct stat before, after;
    assert_int_equal(stat("finished", &before), 0);
    o.resume = true;
    stopper s = {0};
    bertc_observer observer = {.notify = {on_notice, &s}};
    assert_int_equal(bertc_finetune(&o, &observer, &second, &err), BERTC_OK);
    assert_string_equal(s.notice, "finished: the run is already finished");
    assert_int_equal(second.steps, first.steps);
    assert_true(second.train_loss == first.train_loss);
    assert_true(second.scores.value[BERTC_ACCURACY] == first.scores.value[BERTC_ACCURACY]);
    assert_int_equal(stat("finished", &after), 0);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    o.lr = 1e-3;
    assert_int_equal(bertc_finetune(&o, NULL, &second, &err), BERTC_USAGE);
    assert_string_equal(err.message, "finished: --lr was 0.01 in this run and is 0.001 now");
}

/* Killed after its last file was written and before its checkpoints were removed. */
static void test_a_finished_run_is_tidied(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("untidy");
    bertc_train_result result;
    fixture_killed_late(o);
    fixture_write("untidy/checkpoint/step-3.safetensors.tmp", "");
    fixture_write("untidy/checkpoint/lock", "1\n");
    o.resume = true;
    run(o, &result);
    assert_int_equal(fixture_entries("untidy"), 8);
}

static void test_resume_with_other_options(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("other");
    bertc_train_result result;
    bertc_error err = {0};
    assert_int_equal(run_until(o, 4, &result, NULL), BERTC_INTERRUPTED);
    o.resume = true;
    bertc_train_options changed = o;
    changed.no_shuffle = true;
    assert_int_equal(bertc_finetune(&changed, NULL, &result, &err), BERTC_USAGE);
    assert_string_equal(err.message, "other: --no-shuffle was not given in this run and is given now");
    changed = o;
    changed.dropout = 0.3;
    err = (bertc_error){0};
    assert_int_equal(bertc_finetune(&changed, NULL, &result, &err), BERTC_USAGE);
    assert_string_equal(err.message, "other: --dropout was unset in this run and is 0.3 now");

    assert_int_equal(rename("data/SST-2/train.tsv", "kept.tsv"), 0);
    fixture_split("data/SST-2/train.tsv", 1, 22);
    err = (bertc_error){0};
    assert_int_equal(bertc_finetune(&o, NULL, &result, &err), BERTC_USAGE);
    assert_string_equal(err.message, "other: this run began with other training data");
    assert_int_equal(rename("kept.tsv", "data/SST-2/train.tsv"), 0);

    assert_int_equal(rename("model", "moved"), 0);
    o.model = "moved";
    o.threads = 2;
    o.save_every = "2";
    run(o, &result); /* none of these changes the result */
    assert_int_equal(rename("moved", "model"), 0);
}

static void test_damaged_checkpoint(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("damaged");
    bertc_train_result result;
    bertc_error err = {0};
    run(fixture_options("intact"), &result);
    o.save_every = "3";
    assert_int_equal(run_until(o, 7, &result, NULL), BERTC_INTERRUPTED);
    assert_int_equal(fixture_entries("damaged/checkpoint"), 3); /* with the journal */
    FILE *file = fopen("damaged/checkpoint/step-7.safetensors", "r+b");
    assert_non_null(file);
    fseek(file, 5000, SEEK_SET);
    fputs("x!", file);
    fclose(file);
    stopper s = {0};
    bertc_observer observer = {.notify = {on_notice, &s}};
    o.resume = true;
    assert_int_equal(bertc_finetune(&o, &observer, &result, &err), BERTC_OK);
    assert_string_equal(s.notice, "warning: damaged/checkpoint/step-7.safetensors: its content does not "
                                  "match its hash; going on from the checkpoint of step 6");
    fixture_same_file("intact", "damaged", "model.safetensors");
    fixture_same_file("intact", "damaged", "log.jsonl");
}

/* At any moment, every checkpoint on disk is valid, and so are the best weights that it refers to. */
static int check_complete(const char *out)
{
    int found = 0;
    for (int step = 1; step <= 10; step++) {
        char path[128];
        bc_weights file;
        bc_state state;
        snprintf(path, sizeof path, "%s/checkpoint/step-%d.safetensors", out, step);
        if (!bc_file_exists(path)) continue;
        assert_int_equal(bc_hashed_file_open(path, &file, NULL), BERTC_OK);
        assert_int_equal(bc_state_parse(bc_safetensors_metadata(&file, "state"), path, &state, NULL), BERTC_OK);
        bc_weights_close(&file);
        snprintf(path, sizeof path, "%s/checkpoint/best-%d.safetensors", out, (int)state.task[0].best_step);
        if (state.task[0].best_step > 0) assert_int_equal(bc_hashed_file_open(path, &file, NULL), BERTC_OK);
        bc_weights_close(&file);
        found++;
    }
    return found;
}

static bertc_status stop_and_check(void *user)
{
    int *found = user;
    int now = check_complete("stopped");
    if (now > *found) *found = now;
    return BERTC_OK;
}

/* Change one byte of the newest checkpoint; false if there is none. */
static bool damage_newest(void)
{
    for (int step = 10; step > 0; step--) {
        char path[64];
        snprintf(path, sizeof path, "stopped/checkpoint/step-%d.safetensors", step);
        FILE *file = fopen(path, "r+b");
        if (!file) continue;
        fseek(file, 6000, SEEK_SET);
        int byte = fgetc(file);
        fseek(file, 6000, SEEK_SET);
        fputc(byte ^ 1, file);
        fclose(file);
        return true;
    }
    return false;
}

static bertc_train_options changing_best(void)
{
    bertc_train_options o = fixture_options("stopped");
    o.eval_every = 1; /* the best steps are 1, 6, 7 and 8 */
    o.save_every = "2";
    o.keep = BERTC_KEEP_BEST;
    return o;
}

static void test_checkpoints_are_complete_at_any_time(void **unused)
{
    (void)unused;
    for (int polls = 2; polls < 20; polls += 2) {
        bertc_train_options o = changing_best();
        bertc_train_result result;
        int found = 0;
        bertc_observer observer = {.stop = stop_and_check, .user = &found};
        fixture_remove("stopped");
        assert_int_equal(run_until(o, polls, &result, NULL), BERTC_INTERRUPTED);
        o.resume = true;
        assert_int_equal(bertc_finetune(&o, &observer, &result, NULL), BERTC_OK);
        assert_int_equal(found, polls < 18 ? 2 : found);
    }
}

/* If the newest checkpoint is damaged, the older one gives the same result. */
static void test_the_older_checkpoint_will_do(void **unused)
{
    (void)unused;
    bertc_train_options o = changing_best();
    bertc_train_result result;
    o.out = "whole";
    fixture_remove("whole");
    run(o, &result);
    o.out = "stopped";
    for (int polls = 2; polls < 20; polls += 2) {
        fixture_remove("stopped");
        o.resume = false;
        assert_int_equal(run_until(o, polls, &result, NULL), BERTC_INTERRUPTED);
        assert_true(damage_newest());
        o.resume = true;
        stopper s = {0};
        bertc_observer observer = {.notify = {on_notice, &s}};
        assert_int_equal(bertc_finetune(&o, &observer, &result, NULL), BERTC_OK);
        if (polls > 4) assert_non_null(strstr(s.notice, "going on from the checkpoint of step"));
        fixture_same_run("whole", "stopped");
    }
}

/* ---- What a step computes ------------------------------------------------------------------ */

static double last_loss(const char *out)
{
    char path[256];
    size_t length;
    snprintf(path, sizeof path, "%s/log.jsonl", out);
    char *text = fixture_read(path, &length, true), *at = text;
    double loss = NAN;
    for (char *p; (p = strstr(at, "\"loss\":")) != NULL; at = p + 1)
        if (strncmp(p - 20, "examples", 8) != 0) loss = strtod(p + 7, NULL);
    bc_free(text);
    return loss;
}

static void test_micro_batches_add_up(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("one-pass");
    bertc_train_result whole, parts;
    o.dropout = 0.1;
    o.lr = 1e-3;
    run(o, &whole);
    o.out = "many-passes";
    o.micro_batch_tokens = 7; /* less than the longest sequence */
    run(o, &parts);
    assert_close(parts.train_loss, whole.train_loss, 1e-5 * whole.train_loss);
    assert_close(last_loss("many-passes"), last_loss("one-pass"), 1e-4);
    assert_close(parts.scores.value[BERTC_LOSS], whole.scores.value[BERTC_LOSS], 1e-4);
}

static void test_dropout_is_not_saved(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("dropped");
    bertc_train_result result;
    bertc_config config;
    o.dropout = 0.35;
    o.max_steps = 2;
    run(o, &result);
    assert_int_equal(bertc_config_load("dropped/config.json", &config, NULL), BERTC_OK);
    assert_true(config.hidden_dropout_prob == 0.1 && config.classifier_dropout < 0);
    assert_string_equal(config.labels[1], "positive");
    bertc_config_clear(&config);
}

static void test_words_of_tokenizer_json_become_vocab_txt(void **unused)
{
    (void)unused;
    static const char json[] =
        "{\"model\": {\"type\": \"WordPiece\", \"vocab\": {\"[PAD]\": 0, \"[UNK]\": 1, \"[CLS]\": 2,"
        " \"[SEP]\": 3, \"[MASK]\": 4, \"good\": 5, \"bad\": 6, \"a\": 7, \"film\": 8, \"very\": 9,"
        " \"not\": 10, \"plot\": 11, \"and\": 12}}}";
    bertc_train_options o = fixture_options("from-words");
    fixture_run(o);
    fixture_model("json");
    fixture_remove("json/vocab.txt");
    fixture_write("json/tokenizer.json", json);
    o.model = "json";
    o.out = "from-json";
    fixture_run(o);
    fixture_same_file("json", "from-json", "tokenizer.json");
    fixture_same_file("from-words", "from-json", "vocab.txt");
    fixture_same_file("from-words", "from-json", "model.safetensors");
    o.model = "from-json"; /* both files, with the same vocabulary */
    o.out = "again";
    fixture_run(o);
}

static bertc_predict_options on_dev(const char *model)
{
    return (bertc_predict_options){.task = "sst2", .model = model, .data = "data",
                                   .split = BERTC_DEV, .batch_size = 32, .backend = 2};
}

static void test_best_is_the_best(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("best");
    bertc_train_result result;
    o.keep = BERTC_KEEP_BEST;
    o.eval_every = 1;
    o.lr = 0.05;
    run(o, &result);
    size_t length;
    double max = -1;
    int evaluation = 0, kept = 0;
    char *text = fixture_read("best/log.jsonl", &length, false), want[64];
    for (char *p = text; (p = strstr(p, "\"accuracy\":")) != NULL; p++) {
        double accuracy = strtod(p + strlen("\"accuracy\":"), NULL);
        evaluation++;
        if (accuracy > max) kept = evaluation;
        max = fmax(max, accuracy);
    }
    bc_free(text);
    assert_true(result.scores.value[BERTC_ACCURACY] == max);
    assert_in_range(kept, 1, evaluation - 1); /* else this test checks nothing */
    text = fixture_read("best/run.json", &length, false);
    snprintf(want, sizeof want, "\"kept_step\":%d,", kept);
    assert_non_null(strstr(text, want)); /* the earliest of equal values */
    bc_free(text);
    bertc_predictions p;
    bertc_predict_options apply = on_dev("best");
    assert_int_equal(bertc_predict(&apply, true, NULL, &p, NULL), BERTC_OK);
    assert_true(p.scores.value[BERTC_ACCURACY] == max);
    assert_true(p.scores.value[BERTC_LOSS] == result.scores.value[BERTC_LOSS]);
    bertc_predictions_clear(&p);
}

/* A run folder is scored with the max_length that it was trained with, unless another is given. */
static void test_the_length_of_the_run_is_the_default(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("short");
    bertc_train_result result;
    bertc_predictions p;
    o.max_length = 5;
    run(o, &result);
    bertc_predict_options apply = on_dev("short");
    assert_int_equal(bertc_predict(&apply, true, NULL, &p, NULL), BERTC_OK);
    assert_true(p.scores.value[BERTC_LOSS] == result.scores.value[BERTC_LOSS]);
    bertc_predictions_clear(&p);
    apply.max_length = 24;
    assert_int_equal(bertc_predict(&apply, true, NULL, &p, NULL), BERTC_OK);
    assert_true(p.scores.value[BERTC_LOSS] != result.scores.value[BERTC_LOSS]);
    bertc_predictions_clear(&p);
}

static void test_divergence_stops_before_the_update(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("diverged");
    bertc_train_result result;
    bertc_error err = {0};
    o.lr = 1e30;
    o.save_every = "1";
    assert_int_equal(bertc_finetune(&o, NULL, &result, &err), BERTC_DIVERGED);
    assert_string_equal(err.message, "step 2: the loss is not finite; first in the gradient of "
                                     "bert.embeddings.word_embeddings.weight; no update was made");
    assert_int_equal(check_complete("diverged"), 1);
}

/* A value of the gain of the embeddings' LayerNorm. */
static void plant(float value)
{
    uint64_t header;
    long at = (13 + 24 + 2) * 16 + 3;
    FILE *file = fopen("planted/model.safetensors", "r+b");
    assert_non_null(file);
    assert_int_equal(fread(&header, sizeof header, 1, file), 1);
    fseek(file, (long)header + 8 + at * 4, SEEK_SET);
    assert_int_equal(fwrite(&value, sizeof value, 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

static void test_weights_that_are_not_finite_are_refused(void **unused)
{
    (void)unused;
    static const char message[] = "planted/model.safetensors: tensor "
                                  "\"bert.embeddings.LayerNorm.weight\": a value is not finite";
    static const float values[] = {NAN, INFINITY, -INFINITY};
    fixture_model("planted");
    bertc_train_options o = fixture_options("poisoned");
    o.model = "planted";
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        bertc_predictions p;
        bertc_error err = {0};
        bertc_predict_options apply = on_dev("planted");
        plant(values[i]);
        fixture_refuse(o, BERTC_INPUT, message);
        assert_false(bc_file_exists("poisoned"));
        assert_int_equal(bertc_predict(&apply, true, NULL, &p, &err), BERTC_INPUT);
        assert_string_equal(err.message, message);
    }
    plant(1);
    fixture_run(o);
}

static void count_progress(void *user, const bertc_progress *p)
{
    int *calls = user;
    assert_true(p->step >= 1 && p->step <= p->steps && p->seconds >= 0);
    calls[strcmp(p->phase, "train") != 0]++;
}

static void test_progress_is_first_and_last_at_least(void **unused)
{
    (void)unused;
    int calls[2] = {0};
    bertc_observer observer = {.progress = count_progress, .user = calls};
    bertc_train_options o = fixture_options("watched");
    bertc_train_result result;
    assert_int_equal(bertc_finetune(&o, &observer, &result, NULL), BERTC_OK);
    assert_in_range(calls[0], 2, 10);
    assert_in_range(calls[1], 1, 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stopped_anywhere),
        cmocka_unit_test(test_stopped_anywhere_keeping_the_best),
        cmocka_unit_test(test_stopped_in_bf16),
        cmocka_unit_test(test_stopped_with_onednn),
        cmocka_unit_test(test_checkpointing_layers),
        cmocka_unit_test(test_resume_of_a_finished_run),
        cmocka_unit_test(test_a_finished_run_is_tidied),
        cmocka_unit_test(test_resume_with_other_options),
        cmocka_unit_test(test_damaged_checkpoint),
        cmocka_unit_test(test_checkpoints_are_complete_at_any_time),
        cmocka_unit_test(test_the_older_checkpoint_will_do),
        cmocka_unit_test(test_micro_batches_add_up),
        cmocka_unit_test(test_dropout_is_not_saved),
        cmocka_unit_test(test_words_of_tokenizer_json_become_vocab_txt),
        cmocka_unit_test(test_best_is_the_best),
        cmocka_unit_test(test_the_length_of_the_run_is_the_default),
        cmocka_unit_test(test_divergence_stops_before_the_update),
        cmocka_unit_test(test_weights_that_are_not_finite_are_refused),
        cmocka_unit_test(test_progress_is_first_and_last_at_least),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
