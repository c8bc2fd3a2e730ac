/* What --resume refuses or repairs: another network, a damaged result, a changed log. */
#include "train_fixture.h"

/* Put `to` in the place of `from` in a file; released by bc_free: what was there before. */
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
        fixture_refuse(o, BERTC_USAGE,
                       "network: the model's config.json is not the one that this run began with");
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
    fixture_refuse(o, BERTC_USAGE, "tokenizer: the settings of the tokenizer are not those that "
                                   "this run began with");
    fixture_remove("model/tokenizer_config.json");
    fixture_run(o);
}

/* ---- A finished run -------------------------------------------------------------------------- */

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
                                        "tokenizer_config.json", "eval.json", "log.jsonl"};
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
    fixture_refuse(o, BERTC_INPUT,
                   "hurt/vocab.txt: its content does not match its hash in run.json");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_network),
        cmocka_unit_test(test_another_tokenizer),
        cmocka_unit_test(test_a_file_of_a_finished_run_is_gone),
        cmocka_unit_test(test_a_file_of_a_finished_run_is_damaged),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
