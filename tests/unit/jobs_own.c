/* Runs on users' own tasks: from a table to a model and back, resumed to the bit, next to a task of the table. */
#include "jobs_fixture.h"

#include <math.h>

static const char *const firsts[] = {"good", "bad", "very"};

/* Write `count` sentences of three classes, or with a value. */
static void put_table(const char *path, int first, int count, bool value)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs("id,text,team\n", file);
    for (int i = first; i < first + count; i++) {
        fprintf(file, "r%d,\"%s", i, firsts[i % 3]);
        for (int w = 0; w < i * 11 % 5; w++) fprintf(file, w == 1 ? ", %s" : " %s", w % 2 ? "film" : "plot");
        if (value) fprintf(file, "\",%.1f\n", 0.5 * (i % 3));
        else fprintf(file, "\",%s\n", firsts[i % 3]);
    }
    assert_int_equal(fclose(file), 0);
}

static int enter(void **state)
{
    if (fixture_enter(state) != 0) return -1;
    put_table("train.csv", 0, 40, false);
    put_table("dev.csv", 100, 12, false);
    put_table("value.csv", 0, 40, true);
    fixture_write("teams.json", "{\"train\":\"train.csv\",\"dev\":\"dev.csv\",\"label_column\":\"team\"}");
    fixture_write("value.json", "{\"train\":\"value.csv\",\"label_column\":\"team\",\"dev_share\":0.25,\"max_length\":7}");
    fixture_write("blind.json", "{\"train\":\"train.csv\",\"label_column\":\"team\",\"dev_share\":0}");
    return 0;
}

static bertc_train_options custom(const char *out)
{
    bertc_train_options o = fixture_options(out);
    o.task = "custom";
    o.data = NULL;
    o.own.train = "train.csv";
    o.own.label_column = "team";
    return o;
}

static char *read_text(const char *path)
{
    char *text;
    size_t length;
    assert_int_equal(bc_file_read(path, BC_FILE_WORDS, &text, &length, NULL), BERTC_OK);
    return text;
}

static void assert_same(const char *a, const char *b)
{
    char *x = read_text(a), *y = read_text(b);
    assert_string_equal(x, y);
    bc_free(x);
    bc_free(y);
}

/* The model knows the classes by their names, and task.json describes the task: both give the scores of the run. */
static void a_table_gives_a_model(void **state)
{
    (void)state;
    bertc_train_options o = custom("run");
    bertc_error err = {0};
    o.epochs = 6;
    bertc_train_result result = fixture_run_anew(o);
    assert_int_equal(result.eval_count, 1);
    assert_string_equal(result.evals[0].task->name, "custom");
    assert_true(result.scores.examples >= 4 && result.scores.examples < 10); /* equal texts stay together */
    assert_true(result.scores.value[BERTC_ACCURACY] > 0.7);
    bertc_config config;
    assert_int_equal(bertc_config_load("run/config.json", &config, NULL), BERTC_OK);
    assert_int_equal(config.num_labels, 3);
    assert_string_equal(config.labels[0], "bad");
    assert_string_equal(config.labels[2], "very");
    bertc_config_clear(&config);
    bertc_predict_options p = {.task = "run/task.json", .model = "run", .split = BERTC_DEV, .batch_size = 3, .threads = 1,
                               .backend = 2};
    bertc_predictions predictions;
    assert_int_equal(bertc_predict(&p, true, NULL, &predictions, &err), BERTC_OK);
    assert_int_equal(predictions.scores.examples, result.scores.examples);
    assert_true(predictions.scores.value[BERTC_ACCURACY] == result.scores.value[BERTC_ACCURACY]);
    assert_close(predictions.scores.value[BERTC_LOSS], result.scores.value[BERTC_LOSS], 1e-6);
    bertc_predictions_clear(&predictions);
    p.data = "dev.csv"; /* another table */
    assert_int_equal(bertc_predict(&p, true, NULL, &predictions, &err), BERTC_OK);
    assert_int_equal(predictions.scores.examples, 12);
    bertc_predictions_clear(&predictions);
    p.data = NULL;
    p.text = "good film\nbad\n";
    p.text_length = strlen(p.text);
    assert_int_equal(bertc_predict(&p, false, NULL, &predictions, &err), BERTC_OK);
    assert_int_equal(predictions.dataset->count, 2);
    bertc_predictions_clear(&predictions);
    bertc_train_result_clear(&result);
}

/* A run that is interrupted and resumed leaves the same files, to the bit. */
static void resumed_to_the_bit(void **state)
{
    (void)state;
    static const char *const files[] = {"model.safetensors", "config.json", "eval.json", "task.json",
                                        "predictions.dev.jsonl"};
    for (int several = 0; several < 2; several++) {
        bertc_train_options o = custom("whole");
        o.eval_every = 3;
        o.keep = BERTC_KEEP_BEST;
        o.class_weights = "balanced";
        if (several) {
            o = fixture_options("whole");
            o.task = "teams.json,sst2,value.json";
            o.eval_every = 3;
        }
        bertc_train_result result = fixture_run_anew(o);
        bertc_train_result_clear(&result);
        fixture_remove("parts");
        o.out = "parts";
        fixture_interrupt(o, 4);
        o.resume = true;
        result = fixture_run(o);
        bertc_train_result_clear(&result);
        for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
            char a[96], b[96];
            snprintf(a, sizeof a, "whole/%s%s", several ? "teams/" : "", files[i]);
            snprintf(b, sizeof b, "parts/%s%s", several ? "teams/" : "", files[i]);
            assert_same(a, b);
        }
        result = fixture_run(o); /* finished already: the scores are read back */
        assert_string_equal(result.evals[0].task->name, several ? "teams" : "custom");
        assert_true(result.scores.examples > 0);
        bertc_train_result_clear(&result);
    }
    assert_same("whole/value/task.json", "parts/value/task.json");
    char *json = read_text("whole/value/task.json");
    assert_non_null(strstr(json, "\"kind\":\"regression\""));
    bc_free(json);
    assert_false(bc_file_exists("whole/sst2/task.json"));
}

/* Another description or other rows than at the beginning are refused by name. */
static void changed_tasks_are_refused(void **state)
{
    (void)state;
    bertc_train_options o = fixture_options("parts");
    o.task = "teams.json";
    o.data = NULL;
    fixture_remove("parts");
    fixture_interrupt(o, 4);
    o.resume = true;
    fixture_write("teams.json", "{\"train\":\"train.csv\",\"dev\":\"dev.csv\",\"label_column\":\"team\",\"labels\":"
                                "[\"good\",\"very\",\"bad\"]}");
    fixture_refuse(o, BERTC_USAGE, "parts: this run began with another description of a task");
    put_table("other.csv", 1, 40, false);
    fixture_write("teams.json", "{\"train\":\"other.csv\",\"dev\":\"dev.csv\",\"label_column\":\"team\"}");
    fixture_refuse(o, BERTC_USAGE, "parts: this run began with other training data");
    assert_int_equal(rename("train.csv", "moved.csv"), 0); /* the same rows elsewhere are the same data */
    fixture_write("teams.json", "{\"train\":\"moved.csv\",\"dev\":\"dev.csv\",\"label_column\":\"team\"}");
    bertc_train_result result = fixture_run(o);
    bertc_train_result_clear(&result);
    assert_int_equal(rename("moved.csv", "train.csv"), 0);
    fixture_write("teams.json", "{\"train\":\"train.csv\",\"dev\":\"dev.csv\",\"label_column\":\"team\"}");
}

/* Without a dev split a run is not evaluated; with a second task, only that one is. */
static void runs_without_a_dev_split(void **state)
{
    (void)state;
    bertc_train_options o = custom("run");
    o.own.dev_share = 0;
    o.save_every = "2";
    bertc_train_result result = fixture_run_anew(o);
    assert_int_equal(result.eval_count, 0);
    assert_int_equal(result.evaluated_tasks, 0);
    char *json = read_text("run/eval.json");
    assert_string_equal(json, "[]\n");
    bc_free(json);
    o.resume = true;
    result = fixture_run(o);
    assert_int_equal(result.eval_count, 0);
    o.resume = false;
    o.out = "other";
    fixture_interrupt(o, 5);
    o.resume = true;
    result = fixture_run(o);
    assert_same("run/model.safetensors", "other/model.safetensors");
    o = fixture_options("several");
    o.task = "blind.json,sst2";
    result = fixture_run_anew(o);
    assert_int_equal(result.eval_count, 1);
    assert_int_equal(result.evaluated_tasks, 1);
    assert_string_equal(result.evals[0].task->name, "sst2");
    o = custom("never");
    o.own.dev_share = 0;
    o.keep = BERTC_KEEP_BEST;
    fixture_refuse(o, BERTC_USAGE, "--keep best needs a dev split, which task custom does not have");
    o.keep = BERTC_KEEP_LAST;
    o.patience = 1;
    fixture_refuse(o, BERTC_USAGE, "--patience needs a dev split, which task custom does not have");
    o.patience = 0;
    o.eval_every = 1;
    fixture_refuse(o, BERTC_USAGE, "--eval-every needs a dev split, which task custom does not have");
    o.eval_every = 0;
    o.eval_splits = "train"; /* this split is there */
    result = fixture_run_anew(o);
    assert_int_equal(result.scores.examples, 40);
    bertc_train_result_clear(&result);
}

static void splits_of_other_tasks(void **state)
{
    (void)state;
    bertc_train_options o = fixture_options("run");
    o.task = "teams.json";
    o.data = NULL;
    fixture_write("more.json", "{\"dev\":\"dev.csv\",\"label_column\":\"team\",\"labels\":[\"very\",\"good\",\"bad\"]}");
    o.eval_splits = "dev,more.json,train";
    bertc_train_result result = fixture_run_anew(o);
    assert_int_equal(result.eval_count, 3);
    assert_string_equal(result.evals[1].task->name, "more");
    assert_close(result.evals[1].scores.value[BERTC_LOSS], result.scores.value[BERTC_LOSS], 1e-6);
    assert_true(bc_file_exists("run/predictions.more.dev.jsonl"));
    bertc_train_result_clear(&result);
    o.out = "never";
    o.eval_splits = "value.json";
    fixture_refuse(o, BERTC_USAGE, "--eval-splits: task value has other labels than teams");
}

static void options_without_effect(void **state)
{
    (void)state;
    bertc_train_options o = fixture_options("never");
    o.task = "teams.json";
    fixture_refuse(o, BERTC_USAGE, "--data has no effect: task teams has its own files");
    o.data = NULL;
    o.own.train = "train.csv";
    fixture_refuse(o, BERTC_USAGE, "--train has no effect without --task custom");
    o.own.train = NULL;
    o.own.dev_share = 0.2;
    fixture_refuse(o, BERTC_USAGE, "--dev-share has no effect without --task custom");
    o.own.dev_share = -1;
    o.own.header = BERTC_HEADER_OFF;
    fixture_refuse(o, BERTC_USAGE, "--header has no effect without --task custom");
    o.own.header = BERTC_HEADER_ON;
    o.task = "teams.json,teams.json";
    fixture_refuse(o, BERTC_USAGE, "--task: teams is listed twice");
    o.task = "teams.json,sst2";
    fixture_refuse(o, BERTC_USAGE, "--data is missing");
    o.task = "custom";
    fixture_refuse(o, BERTC_USAGE, "--task custom needs --train or --data");
    o.own.train = "train.csv";
    o.own.quotes = BERTC_QUOTES_ON;
    fixture_refuse(o, BERTC_USAGE, "--task custom: quotes has no effect without a .tsv file");
}

/* The task file's length is the default of --max-length. */
static void lengths_and_plans(void **state)
{
    (void)state;
    bertc_train_options o = fixture_options("run");
    bertc_plan_result plan;
    bertc_error err = {0};
    o.task = "value.json";
    o.data = NULL;
    bertc_train_result result = fixture_run_anew(o);
    bertc_train_result_clear(&result);
    char *json = read_text("run/run.json");
    assert_non_null(strstr(json, "\"max-length\":7,"));
    bc_free(json);
    assert_int_equal(bertc_plan(&o, NULL, &plan, &err), BERTC_OK);
    assert_string_equal(err.message, "");
    assert_int_equal(plan.steps, 12);
    o.task = "value.json,sst2"; /* synthetic texts for one of the two */
    assert_int_equal(bertc_plan(&o, NULL, &plan, &err), BERTC_OK);
    assert_string_equal(err.message, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_gives_a_model),     cmocka_unit_test(resumed_to_the_bit),
        cmocka_unit_test(changed_tasks_are_refused), cmocka_unit_test(runs_without_a_dev_split),
        cmocka_unit_test(splits_of_other_tasks),     cmocka_unit_test(options_without_effect),
        cmocka_unit_test(lengths_and_plans),
    };
    return cmocka_run_group_tests(tests, enter, fixture_leave);
}
