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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_network),
        cmocka_unit_test(test_another_tokenizer),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
