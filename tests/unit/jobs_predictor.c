/* Predictors: the same logits, to the bit, however the texts are divided; the task of a run and of a plain model. */
#include "jobs_fixture.h"

#include <math.h>

static const char texts[] = "good film\nbad plot and a film\n\nvery good\nnot a bad film and a very good plot\nplot\nbad\n"
                            "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a\n";

enum { TEXTS = 8 };

static bertc_predictor *open_predictor(int backend, int64_t batch, int64_t threads)
{
    bertc_predict_options o = {.model = "run", .batch_size = batch, .backend = backend, .threads = threads};
    bertc_predictor *predictor;
    bertc_error err = {0};
    if (bertc_predictor_open(&o, NULL, &predictor, &err) != BERTC_OK) fail_msg("%s", err.message);
    return predictor;
}

/* Apply a predictor to the texts in parts of `lines` lines. logits (TEXTS,2) out */
static void apply(bertc_predictor *predictor, size_t lines, float *logits)
{
    const char *at = texts;
    bertc_error err = {0};
    for (size_t line = 1; *at; line += lines) {
        const char *end = at;
        for (size_t i = 0; i < lines && *end; i++) end = strchr(end, '\n') + 1;
        bertc_dataset *set;
        assert_int_equal(bertc_dataset_from_part(bertc_predictor_task(predictor), at, (size_t)(end - at), "texts", line,
                                                 &set, &err), BERTC_OK);
        assert_int_equal(set->examples[0].line, line);
        if (bertc_predictor_apply(predictor, set, logits + 2 * (line - 1), &err) != BERTC_OK) fail_msg("%s", err.message);
        bertc_dataset_free(set);
        at = end;
    }
}

static void test_any_division(void **unused)
{
    (void)unused;
    fixture_run_anew(fixture_options("run"));
    for (int backend = 0; backend < 3; backend++) {
        float first[2 * TEXTS], other[2 * TEXTS];
        for (int64_t batch = 1; batch <= 8; batch++) {
            bertc_predictor *predictor = open_predictor(backend, batch, 2);
            for (size_t lines = 1; lines <= TEXTS; lines++) {
                bool is_first = batch == 1 && lines == 1;
                apply(predictor, lines, is_first ? first : other);
                if (!is_first) assert_memory_equal(first, other, sizeof first);
            }
            bertc_predictor_close(predictor);
        }
    }
}

/* A data set that is computed at once has the same logits, but for rounding. */
static void test_at_once(void **unused)
{
    (void)unused;
    float parts[2 * TEXTS];
    bertc_predictor *predictor = open_predictor(2, 3, 1);
    apply(predictor, 2, parts);
    bertc_predict_options o = {.model = "run", .batch_size = 3, .backend = 2, .threads = 1, .text = texts,
                               .text_length = sizeof texts - 1};
    bertc_predictions p, none;
    assert_int_equal(bertc_predict(&o, false, NULL, &p, NULL), BERTC_OK);
    assert_int_equal(p.dataset->count, TEXTS);
    assert_string_equal(p.dataset->task->name, "sst2");
    for (size_t i = 0; i < 2 * TEXTS; i++) assert_close((double)p.logits[i], (double)parts[i], 1e-5);
    bertc_error err = {0};
    assert_int_equal(bertc_predictor_run(predictor, false, &none, &err), BERTC_USAGE);
    bertc_predictions_clear(&p);
    bertc_predictor_close(predictor);
}

static void expect_task(const char *model, const char *name, int labels)
{
    bertc_predict_options o = {.model = model, .batch_size = 2, .backend = 2, .threads = 1, .text = texts,
                               .text_length = sizeof texts - 1};
    bertc_predictions p;
    bertc_error err = {0};
    if (bertc_predict(&o, false, NULL, &p, &err) != BERTC_OK) fail_msg("%s", err.message);
    assert_string_equal(p.dataset->task->name, name);
    assert_int_equal(p.dataset->task->num_labels, labels);
    bertc_predictions_clear(&p);
}

/* Without a task in the options: that of run.json, or of the folder in a run of several tasks, or of config.json. */
static void test_task(void **unused)
{
    (void)unused;
    bertc_error err = {0};
    bertc_predictor *predictor;
    bertc_train_options options = fixture_options("several");
    fixture_remove("data/CoLA");
    assert_int_equal(mkdir("data/CoLA", 0777), 0);
    fixture_write("data/CoLA/train.tsv", "s\t1\t\ta film\ns\t0\t*\tfilm a\n");
    fixture_write("data/CoLA/dev.tsv", "s\t1\t\ta film\ns\t0\t*\tfilm a\n");
    options.task = "sst2,cola";
    options.epochs = 1;
    fixture_run_anew(options);
    expect_task("run", "sst2", 2);
    expect_task("several/cola", "cola", 2);
    expect_task("several/sst2", "sst2", 2);
    expect_task("model", "model", 2);
    assert_int_equal(rename("several/cola", "renamed"), 0);
    const bertc_predict_options renamed = {.model = "renamed", .batch_size = 2, .backend = 2, .threads = 1};
    assert_int_equal(bertc_predictor_open(&renamed, NULL, &predictor, &err), BERTC_INPUT);
    assert_non_null(strstr(err.message, "a run of the tasks sst2,cola"));
    const bertc_predict_options pair = {.model = "run", .batch_size = 2, .backend = 2, .threads = 1, .pair = true};
    err = (bertc_error){0};
    assert_int_equal(bertc_predictor_open(&pair, NULL, &predictor, &err), BERTC_USAGE);
    assert_non_null(strstr(err.message, "--pair has no effect on task sst2"));
}

/* A file is a table with the task's columns; other columns are kept on request. */
static void test_table(void **unused)
{
    (void)unused;
    bertc_predictions p;
    bertc_error err = {0};
    fixture_write("films.csv", "price,sentence,name\n3,good film,\"a,b\"\n4,bad,\n");
    fixture_write("films.jsonl", "{\"sentence\": \"good film\", \"price\": 3}\n{\"sentence\": \"bad\", \"price\": null}\n");
    fixture_write("films.txt", "good film\nbad\n");
    bertc_predict_options o = {.model = "run", .data = "films.csv", .split = BERTC_TEST, .batch_size = 2, .backend = 2,
                               .threads = 1, .keep_columns = "name,price"};
    assert_int_equal(bertc_predict(&o, false, NULL, &p, NULL), BERTC_OK);
    assert_int_equal(p.dataset->num_kept, 2);
    assert_string_equal(p.dataset->kept_names[0], "name");
    assert_memory_equal(p.dataset->kept[0].text, "a,b", 3);
    assert_memory_equal(p.dataset->kept[3].text, "4", 1);
    bertc_predictions_clear(&p);
    o.keep_columns = "all";
    assert_int_equal(bertc_predict(&o, false, NULL, &p, NULL), BERTC_OK);
    assert_int_equal(p.dataset->num_kept, 3);
    bertc_predictions_clear(&p);
    o.keep_columns = "colour";
    assert_int_equal(bertc_predict(&o, false, NULL, &p, &err), BERTC_INPUT);
    assert_string_equal(err.message, "films.csv: there is no column \"colour\" to keep, only \"price\", \"sentence\", \"name\"");
    o.keep_columns = "name,name";
    err = (bertc_error){0};
    assert_int_equal(bertc_predict(&o, false, NULL, &p, &err), BERTC_USAGE);
    o.data = "films.jsonl";
    o.keep_columns = "price";
    assert_int_equal(bertc_predict(&o, false, NULL, &p, NULL), BERTC_OK);
    assert_null(p.dataset->kept[1].text);
    bertc_predictions_clear(&p);
    o.data = "films.txt";
    assert_int_equal(bertc_predict(&o, false, NULL, &p, NULL), BERTC_USAGE);
    o.keep_columns = NULL;
    assert_int_equal(bertc_predict(&o, false, NULL, &p, NULL), BERTC_OK);
    assert_int_equal(p.dataset->count, 2);
    bertc_predictions_clear(&p);
    assert_int_equal(bertc_predict(&o, true, NULL, &p, NULL), BERTC_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_division), cmocka_unit_test(test_at_once),
                                       cmocka_unit_test(test_task), cmocka_unit_test(test_table)};
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
