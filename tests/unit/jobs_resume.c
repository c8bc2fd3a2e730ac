/* What --resume refuses or repairs: another model, a damaged result, a changed log. */
#include "jobs_fixture.h"

/* Replace `from` by `to` in a file; return the old content, released by bc_free. */
static char *change(const char *path, const char *from, const char *to)
{
    size_t length, size = strlen(from);
    char changed[4096], *text = fixture_read(path, &length, false);
    size_t at = 0;
    while (at < length && strncmp(text + at, from, size) != 0) at++;
    if (at == length) fail_msg("%s has no %s", path, from);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)at, text, to, text + at + size);
    fixture_write(path, changed);
    return text;
}

static void test_another_network(void **unused)
{
    (void)unused;
    static const char *const changes[][2] = {
        {"\"hidden_act\": \"gelu\"", "\"hidden_act\": \"relu\""},
        {"\"num_attention_heads\": 2", "\"num_attention_heads\": 4"},
        {"\"hidden_dropout_prob\": 0.1", "\"hidden_dropout_prob\": 0.2"},
        {"\"attention_probs_dropout_prob\": 0.1", "\"attention_probs_dropout_prob\": 0.2"},
        {"\"classifier_dropout\": null", "\"classifier_dropout\": 0.1"},
        {"\"layer_norm_eps\": 1e-12", "\"layer_norm_eps\": 1e-11"},
        {"\"1\": \"LABEL_1\"", "\"1\": \"LABEL_2\""},
    };
    bertc_train_options o = fixture_options("network");
    fixture_interrupt(o, 4);
    o.resume = true;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char *text = change("model/config.json", changes[i][0], changes[i][1]);
        fixture_refuse(o, BERTC_USAGE, "network: this run began with another config.json");
        fixture_write("model/config.json", text);
        bc_free(text);
    }
    fixture_run(o);
}

static void test_another_tokenizer(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("tokenizer");
    fixture_interrupt(o, 4);
    o.resume = true;
    fixture_write("model/tokenizer_config.json", "{\"do_lower_case\": false}");
    fixture_refuse(o, BERTC_USAGE, "tokenizer: this run began with other tokenizer settings");
    fixture_remove("model/tokenizer_config.json");
    fixture_run(o);
}

static char notice[1024];

static void on_notice(void *user, const char *line)
{
    (void)user;
    snprintf(notice, sizeof notice, "%s", line);
}

/* A log that was changed or truncated does not match the checkpoint; the older checkpoint may still be valid. */
static void test_another_log(void **unused)
{
    (void)unused;
    static const struct {
        const char *from, *to, *notice;
    } changes[] = {
        {"\"step\":5,", "\"step\":7,", "changed since the checkpoint was saved; going on from the "
                                       "checkpoint of step 3"},
        {"\"step\":1,", "\"step\":7,",
         "changed since the checkpoint was saved; starting from the beginning"},
    };
    bertc_observer observer = {.notify = {on_notice, NULL}};
    fixture_run(fixture_options("untouched"));
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        bertc_train_options o = fixture_options("touched");
        bertc_train_result result;
        o.save_every = "3";
        fixture_interrupt(o, 5);
        bc_free(change("touched/log.jsonl", changes[i].from, changes[i].to));
        o.resume = true;
        assert_int_equal(bertc_finetune(&o, &observer, &result, NULL), BERTC_OK);
        if (!strstr(notice, changes[i].notice)) fail_msg("%s", notice);
        fixture_same_file("untouched", "touched", "log.jsonl");
        fixture_remove("touched");
    }
}

/* ---- A finished run ------------------------------------------------------------------------ */

static void cut(const char *path, off_t less)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, info.st_size - less), 0);
}

static void test_a_file_of_a_finished_run_is_gone(void **unused)
{
    (void)unused;
    static const char *const names[] = {"model.safetensors", "config.json", "vocab.txt",
                                        "tokenizer_config.json", "eval.json", "predictions.dev.jsonl", "log.jsonl"};
    bertc_train_options o = fixture_options("gone");
    fixture_run(o);
    o.resume = true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[64], message[128];
        snprintf(path, sizeof path, "gone/%s", names[i]);
        snprintf(message, sizeof message, "%s: cannot open: No such file or directory", path);
        assert_int_equal(rename(path, "kept"), 0);
        fixture_refuse(o, BERTC_INPUT, message);
        assert_int_equal(rename("kept", path), 0);
    }
    fixture_run(o);
}

static void test_a_file_of_a_finished_run_is_damaged(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("hurt");
    fixture_run(o);
    o.resume = true;
    bc_free(change("hurt/vocab.txt", "film", "fils"));
    fixture_refuse(o, BERTC_INPUT, "hurt/vocab.txt: its content does not match its hash in run.json");
    bc_free(change("hurt/vocab.txt", "fils", "film"));
    cut("hurt/log.jsonl", 1);
    fixture_refuse(o, BERTC_INPUT, "hurt/log.jsonl: 10 lines, run.json recorded 11");
    cut("hurt/model.safetensors", 4);
    bertc_train_result result;
    bertc_error err = {0};
    assert_int_equal(bertc_finetune(&o, NULL, &result, &err), BERTC_INPUT);
    assert_memory_equal(err.message, "hurt/model.safetensors: ", 24);
    assert_non_null(strstr(err.message, " bytes, run.json recorded "));
}

/* The checkpoints of a run that was killed at its very end are removed when its result is checked. */
static void test_checkpoints_outlive_a_damaged_result(void **unused)
{
    (void)unused;
    static const char checkpoint[] = "late/checkpoint/step-3.safetensors";
    bertc_train_options o = fixture_options("late");
    fixture_killed_late(o);
    assert_int_equal(rename("late/vocab.txt", "kept"), 0);
    o.resume = true;
    fixture_refuse(o, BERTC_INPUT, "late/vocab.txt: cannot open: No such file or directory");
    assert_true(bc_file_exists(checkpoint));
    assert_int_equal(rename("kept", "late/vocab.txt"), 0);
    fixture_run(o);
    assert_false(bc_file_exists("late/checkpoint"));
}

/* ---- A stop within a step ------------------------------------------------------------------ */

static bertc_status count_calls(void *user)
{
    ++*(int *)user;
    return BERTC_OK;
}

/* A batch in several passes: if the run stops between two of them, the step has no effect. */
static void test_stopped_between_passes(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("parts");
    bertc_train_result result;
    int calls = 0;
    bertc_observer observer = {.stop = count_calls, .user = &calls};
    o.micro_batch_tokens = 12;
    o.save_every = "3";
    assert_int_equal(bertc_finetune(&o, &observer, &result, NULL), BERTC_OK);
    assert_true(calls > 2 * 10); /* ten steps */
    for (int left = 0; left < calls; left++) {
        bertc_train_options stopped = o;
        stopped.out = "stopped";
        fixture_same_resumed(stopped, left, "parts");
    }
}

/* ---- A result that cannot be written ------------------------------------------------------- */

/* Before the last step, create a folder with the name of a file of the result. */
typedef struct obstacle {
    int left;
    const char *path, *other;
} obstacle;

static bertc_status on_stop(void *user)
{
    obstacle *o = user;
    if (o->left-- > 0) return BERTC_OK;
    mkdir(o->path, 0777);
    if (o->other) mkdir(o->other, 0777);
    return BERTC_OK;
}

static void fail_at_the_end(bertc_train_options o, obstacle *way, const char *message)
{
    bertc_observer observer = {.stop = on_stop, .user = way};
    bertc_train_result result;
    bertc_error err = {0};
    assert_int_equal(bertc_finetune(&o, &observer, &result, &err), BERTC_IO);
    assert_string_equal(err.message, message);
}

static void test_a_failed_result_leaves_a_checkpoint(void **unused)
{
    (void)unused;
    for (int keep = BERTC_KEEP_LAST; keep <= BERTC_KEEP_BEST; keep++) {
        bertc_train_options o = fixture_options("unfailing");
        o.keep = keep;
        if (keep == BERTC_KEEP_BEST) o.lr = 0.05, o.eval_every = 1; /* the last step is not the best */
        fixture_remove("unfailing");
        fixture_run(o);
        o.out = "failing";
        obstacle way = {9, "failing/model.safetensors", NULL};
        fail_at_the_end(o, &way, "failing/model.safetensors: in the way, this run did not write it; move "
                                 "it elsewhere; the training is saved, go on with --resume");
        assert_true(bc_file_exists("failing/checkpoint/step-10.safetensors"));
        assert_false(bc_file_exists("failing/config.json"));
        assert_int_equal(rmdir("failing/model.safetensors"), 0);
        o.resume = true;
        fixture_run(o);
        fixture_same_run("unfailing", "failing");
        fixture_remove("failing");
    }
}

static void test_a_failed_result_leaves_nothing(void **unused)
{
    (void)unused;
    obstacle way = {9, "lost/eval.json", "lost/checkpoint/step-10.safetensors"};
    fail_at_the_end(fixture_options("lost"), &way,
                    "lost/eval.json: in the way, this run did not write it; move it elsewhere");
    assert_int_equal(rmdir("lost/eval.json"), 0);
    assert_int_equal(rmdir("lost/checkpoint/step-10.safetensors"), 0);
    assert_int_equal(fixture_entries("lost"), 1);
    assert_int_equal(fixture_entries("lost/checkpoint"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_network),
        cmocka_unit_test(test_another_tokenizer),
        cmocka_unit_test(test_another_log),
        cmocka_unit_test(test_a_file_of_a_finished_run_is_gone),
        cmocka_unit_test(test_a_file_of_a_finished_run_is_damaged),
        cmocka_unit_test(test_checkpoints_outlive_a_damaged_result),
        cmocka_unit_test(test_stopped_between_passes),
        cmocka_unit_test(test_a_failed_result_leaves_a_checkpoint),
        cmocka_unit_test(test_a_failed_result_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
