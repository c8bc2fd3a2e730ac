/* The option table: it agrees with the library's lists and defaults; its checks, record and comparison. */
#include "jobs_fixture.h"

#include "base/json.h"
#include "run/options.h"

static const bertc_option *find(const char *name)
{
    size_t count;
    const bertc_option *rows = bertc_train_option_table(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, name) == 0) return &rows[i];
    fail_msg("no option %s", name);
    return NULL;
}

static const char *name_of(const bertc_option *row, int value)
{
    for (const bertc_choice *choice = row->choices; choice->name; choice++)
        if (choice->value == value) return choice->name;
    return NULL;
}

static void test_metrics_are_those_of_the_library(void **unused)
{
    (void)unused;
    for (int m = 0; m < BERTC_METRICS; m++)
        assert_string_equal(name_of(find("best-metric"), BERTC_BEST_METRIC + m), bertc_metric_name((bertc_metric)m));
}

static void test_backends_are_those_of_the_library(void **unused)
{
    (void)unused;
    const bertc_choice *choice = find("backend")->choices;
    for (; choice->name; choice++) assert_string_equal(choice->name, bertc_backend_name((size_t)choice->value));
    assert_null(bertc_backend_name((size_t)(choice - find("backend")->choices)));
}

static void test_defaults_are_those_of_the_rows(void **unused)
{
    (void)unused;
    bertc_train_options o;
    bertc_train_defaults(&o);
    size_t count;
    const bertc_option *rows = bertc_train_option_table(&count);
    for (size_t i = 0; i < count; i++) {
        const void *field = (const char *)&o + rows[i].offset;
        const char *initial = rows[i].initial;
        if (!initial) continue;
        if (rows[i].kind == BERTC_OPTION_INT) assert_int_equal(*(const int64_t *)field, strtoll(initial, NULL, 10));
        if (rows[i].kind == BERTC_OPTION_REAL) assert_true(*(const double *)field == strtod(initial, NULL));
        if (rows[i].kind == BERTC_OPTION_CHOICE) assert_string_equal(name_of(&rows[i], *(const int *)field), initial);
    }
}

/* Every field but `command`. */
static void test_every_field_has_one_row(void **unused)
{
    (void)unused;
    static const size_t sizes[] = {[BERTC_OPTION_FLAG] = sizeof(bool),
                                   [BERTC_OPTION_INT] = sizeof(int64_t),
                                   [BERTC_OPTION_REAL] = sizeof(double),
                                   [BERTC_OPTION_TEXT] = sizeof(char *),
                                   [BERTC_OPTION_CHOICE] = sizeof(int)};
    unsigned char seen[sizeof(bertc_train_options)] = {0};
    size_t count, gap = 0;
    const bertc_option *rows = bertc_train_option_table(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sizes[rows[i].kind]; k++) assert_int_equal(seen[rows[i].offset + k]++, 0);
    memset(seen + offsetof(bertc_train_options, command), 1, sizeof((bertc_train_options){0}.command));
    for (size_t k = 0; k < sizeof seen; k++) {
        gap = seen[k] ? 0 : gap + 1;
        assert_true(gap < sizeof(int64_t)); /* padding at most */
    }
}

static void test_checks_name_the_option(void **unused)
{
    (void)unused;
    bertc_error err = {0};
    bertc_train_options o = fixture_options("out");
    assert_int_equal(bc_options_check(&o, &err), BERTC_OK);
    o.batch_size = 0;
    assert_int_equal(bc_options_check(&o, &err), BERTC_USAGE);
    assert_string_equal(err.message, "--batch-size is out of range");
    o = fixture_options("out");
    o.precision = 3;
    err = (bertc_error){0};
    assert_int_equal(bc_options_check(&o, &err), BERTC_USAGE);
    assert_string_equal(err.message, "--precision is out of range");
    o = fixture_options(NULL);
    err = (bertc_error){0};
    assert_int_equal(bc_options_check(&o, &err), BERTC_USAGE);
    assert_string_equal(err.message, "--out is missing");
}

static void test_a_record_compares_with_its_options(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("out");
    bc_text text = {0};
    cJSON *tree;
    bertc_error err = {0};
    o.lr = 0.1 + 0.2; /* no short decimal */
    bc_options_record(&text, &o);
    assert_int_equal(bc_json_parse(text.bytes, text.length, "record", &tree, &err), BERTC_OK);
    assert_null(strstr(text.bytes, "\"resume\""));
    assert_non_null(strstr(text.bytes, "\"dropout\":null"));
    assert_non_null(strstr(text.bytes, "\"recipe\":\"hf\""));
    assert_non_null(strstr(text.bytes, "\"lr\":0.30000000000000004"));
    assert_int_equal(bc_options_compare(&o, tree, "run", &err), BERTC_OK);
    o.resume = true;
    o.threads = 5;
    o.save_every = "9";
    assert_int_equal(bc_options_compare(&o, tree, "run", &err), BERTC_OK);
    o.lr = 0.3; /* differs in the last bit only */
    assert_int_equal(bc_options_compare(&o, tree, "run", &err), BERTC_USAGE);
    assert_string_equal(err.message, "run: --lr was 0.30000000000000004 in this run and is 0.3 now");
    o.lr = 0.1 + 0.2;
    o.recipe = BERTC_RECIPE_GOOGLE;
    err = (bertc_error){0};
    assert_int_equal(bc_options_compare(&o, tree, "run", &err), BERTC_USAGE);
    assert_string_equal(err.message, "run: --recipe was hf in this run and is google now");
    o.recipe = BERTC_RECIPE_HF;
    o.metrics = "own,auc";
    err = (bertc_error){0};
    assert_int_equal(bc_options_compare(&o, tree, "run", &err), BERTC_USAGE);
    assert_string_equal(err.message, "run: --metrics was own in this run and is own,auc now");
    /* A run of an earlier version, which did not have the option, ran with the option's default. */
    o.metrics = "own";
    cJSON_DeleteItemFromObjectCaseSensitive(tree, "metrics");
    cJSON_DeleteItemFromObjectCaseSensitive(tree, "schedule");
    cJSON_DeleteItemFromObjectCaseSensitive(tree, "warmup-steps");
    err = (bertc_error){0};
    assert_int_equal(bc_options_compare(&o, tree, "run", &err), BERTC_OK);
    o.warmup_steps = 0;
    assert_int_equal(bc_options_compare(&o, tree, "run", &err), BERTC_USAGE);
    assert_string_equal(err.message, "run: --warmup-steps was unset in this run and is 0 now");
    o.warmup_steps = -1;
    o.schedule = BERTC_SCHEDULE_COSINE;
    err = (bertc_error){0};
    assert_int_equal(bc_options_compare(&o, tree, "run", &err), BERTC_USAGE);
    assert_string_equal(err.message, "run: --schedule was linear in this run and is cosine now");
    cJSON_Delete(tree);
    bc_text_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_are_those_of_the_library),
        cmocka_unit_test(test_backends_are_those_of_the_library),
        cmocka_unit_test(test_defaults_are_those_of_the_rows),
        cmocka_unit_test(test_every_field_has_one_row),
        cmocka_unit_test(test_checks_name_the_option),
        cmocka_unit_test(test_a_record_compares_with_its_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
