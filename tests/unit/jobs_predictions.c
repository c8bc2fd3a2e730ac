/* The predictions that a finished run leaves, against bertc_predict with the model of the result; and the command line
 * in run.json. */
#include "jobs_fixture.h"

#include "base/json.h"
#include "base/text.h"
#include "run/predictions.h"
#include "tasks/tasks.h"

static int enter(void **state)
{
    if (fixture_enter(state) != 0 || mkdir("data/STS-B", 0777) != 0) return -1;
    fixture_write("data/STS-B/train.tsv", "index\tsentence1\tsentence2\tscore\n0\tgood film\tgood\t4.8\n"
                                          "1\tbad film\tnot bad\t3.1\n2\tgood\tbad plot\t0.4\n"
                                          "3\tvery good\ta plot\t1\n");
    fixture_write("data/STS-B/dev.tsv", "index\tsentence1\tsentence2\tscore\n7\tgood\tgood film\t3.8\n"
                                        "a \"b\"\\\tbad\tnot good\t2.25\n9\ta film\tvery bad\t0\n");
    fixture_split("data/SST-2/test.tsv", 300, 40);
    return 0;
}

/* The lines of a file of predictions, as an array. */
static cJSON *read_lines(const char *path)
{
    size_t length;
    char *text = fixture_read(path, &length, false);
    cJSON *array = cJSON_CreateArray(), *line;
    for (char *p = text, *end; p < text + length; p = end + 1) {
        bertc_error err = {0};
        end = strchr(p, '\n');
        assert_non_null(end);
        if (bc_json_parse(p, (size_t)(end - p), path, &line, &err) != BERTC_OK) fail_msg("%s", err.message);
        cJSON_AddItemToArray(array, line);
    }
    bc_free(text);
    return array;
}

static void expect_target(const cJSON *item, const bertc_task *task, int label, float value)
{
    if (task->kind == BERTC_REGRESSION) assert_true(cJSON_IsNumber(item) && (float)item->valuedouble == value);
    else assert_string_equal(cJSON_GetStringValue(item), task->labels[label]);
}

/* The file has the rows, labels, predictions and logits that the model in `folder` gives. */
static void expect_predictions(const char *folder, const char *name, const char *task_name, bertc_split split)
{
    char path[600];
    bertc_predict_options o = {.task = task_name, .model = folder, .data = "data", .split = split, .batch_size = 32,
                               .backend = 2, .threads = 1};
    bertc_predictions p;
    bertc_error err = {0};
    if (bertc_predict(&o, true, NULL, &p, &err) != BERTC_OK) fail_msg("%s", err.message);
    const bertc_task *task = p.dataset->task;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    cJSON *lines = read_lines(path);
    assert_int_equal((size_t)cJSON_GetArraySize(lines), p.dataset->count);
    for (size_t i = 0; i < p.dataset->count; i++) {
        const cJSON *line = cJSON_GetArrayItem(lines, (int)i), *logits = bc_json_get(line, "logits");
        const bertc_example *e = &p.dataset->examples[i];
        const float *want = p.logits + i * (size_t)task->num_labels;
        const char *index = cJSON_GetStringValue(bc_json_get(line, "index"));
        assert_int_equal((int)bc_json_get(line, "row")->valuedouble, i);
        assert_true(!index == !e->index);
        if (index) assert_memory_equal(index, e->index, e->nindex);
        expect_target(bc_json_get(line, "label"), task, bc_example_class(e), e->value);
        expect_target(bc_json_get(line, "prediction"), task, bc_argmax(want, task->num_labels), want[0]);
        assert_int_equal(cJSON_GetArraySize(logits), task->num_labels);
        for (int c = 0; c < task->num_labels; c++)
            assert_true((float)cJSON_GetArrayItem(logits, c)->valuedouble == want[c]);
    }
    cJSON_Delete(lines);
    bertc_predictions_clear(&p);
}

static long kept_step(const char *path)
{
    size_t length;
    char *text = fixture_read(path, &length, false);
    long step = (long)fixture_number(text, "\"kept_step\":");
    bc_free(text);
    return step;
}

/* The learning rate is so high that the last weights are not the best. */
static bertc_train_options restless(const char *out)
{
    bertc_train_options o = fixture_options(out);
    o.lr = 0.05;
    o.epochs = 4;
    o.eval_every = 2;
    o.best_metric = BERTC_BEST_PRIMARY;
    return o;
}

static void test_they_are_those_of_the_result(void **unused)
{
    (void)unused;
    for (int keep = BERTC_KEEP_LAST; keep <= BERTC_KEEP_BEST; keep++) {
        bertc_train_options o = restless("whole");
        o.keep = keep;
        o.eval_splits = "dev,train,test";
        fixture_run_anew(o);
        if (keep == BERTC_KEEP_BEST) assert_in_range(kept_step("whole/run.json"), 1, 19);
        assert_int_equal(fixture_entries("whole"), 10);
        expect_predictions("whole", "predictions.dev.jsonl", "sst2", BERTC_DEV);
        expect_predictions("whole", "predictions.train.jsonl", "sst2", BERTC_TRAIN);
        expect_predictions("whole", "predictions.test.jsonl", "sst2", BERTC_TEST);
        fixture_stop_twice(o, "whole");
    }
}

static void test_a_regression(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("whole");
    size_t length;
    o.task = "stsb";
    fixture_run_anew(o);
    expect_predictions("whole", "predictions.dev.jsonl", "stsb", BERTC_DEV);
    char *text = fixture_read("whole/predictions.dev.jsonl", &length, false);
    static const char first[] = "{\"row\":0,\"index\":\"7\",\"label\":3.8,\"prediction\":";
    assert_memory_equal(text, first, sizeof first - 1);
    assert_non_null(strstr(text, "\n{\"row\":1,\"index\":\"a \\\"b\\\"\\\\\",\"label\":2.25,\"prediction\":"));
    bc_free(text);
}

/* Each task's folder has its own; the best steps of the tasks differ. */
static void test_several_tasks(void **unused)
{
    (void)unused;
    bertc_train_options o = restless("whole");
    o.task = "sst2,stsb";
    o.keep = BERTC_KEEP_BEST;
    o.eval_splits = "dev,train";
    o.eval_every = 1;
    fixture_run_anew(o);
    assert_false(bc_file_exists("whole/predictions.dev.jsonl"));
    assert_true(kept_step("whole/sst2/run.json") != kept_step("whole/stsb/run.json"));
    expect_predictions("whole/sst2", "predictions.dev.jsonl", "sst2", BERTC_DEV);
    expect_predictions("whole/sst2", "predictions.train.jsonl", "sst2", BERTC_TRAIN);
    expect_predictions("whole/stsb", "predictions.dev.jsonl", "stsb", BERTC_DEV);
    expect_predictions("whole/stsb", "predictions.train.jsonl", "stsb", BERTC_TRAIN);
    o.resume = true;
    fixture_run(o);
    bertc_train_result result;
    fixture_write("whole/stsb/predictions.train.jsonl", "{}\n");
    bertc_error err = {0};
    assert_int_equal(bertc_finetune(&o, NULL, &result, &err), BERTC_INPUT);
    assert_non_null(strstr(err.message, "whole/stsb/predictions.train.jsonl: 3 bytes, run.json recorded "));
}

/* Splits of other tasks have the task in the name. */
static void test_names(void **unused)
{
    (void)unused;
    const bertc_task *mnli = bertc_task_find("mnli");
    bc_run_task task = {.spec = mnli};
    static const char *const want[] = {"predictions.dev.jsonl", "predictions.mnli-mm.dev.jsonl",
                                       "predictions.train.jsonl", "predictions.ax.dev.jsonl"};
    char name[BC_PREDICTIONS_NAME];
    assert_int_equal(bc_eval_splits_parse("dev,mnli-mm,train,ax", mnli, task.eval_splits, &task.eval_count, NULL), 0);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        bc_predictions_name(&task, i, name);
        assert_string_equal(name, want[i]);
    }
}

/* The estimate is not too small, and no more than a few times too large. */
static void test_the_estimated_size(void **unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) {
        const bertc_task *spec = bertc_task_find(i ? "stsb" : "sst2");
        bertc_inputs inputs = {0};
        bc_run_task task = {.spec = spec, .eval_splits = {{.task = spec, .split = BERTC_DEV}}};
        bc_text text = {0};
        const float logits[] = {-1.17549435e-38f, -1.23456789e-10f};
        assert_int_equal(bertc_dataset_read(spec, "data", BERTC_DEV, 0, &task.eval_sets[0], NULL), BERTC_OK);
        inputs.count = task.eval_sets[0]->count;
        task.evals[0] = (bc_eval){.inputs = &inputs, .classes = (size_t)spec->num_labels};
        for (size_t k = 0; k < inputs.count; k++) bc_put_prediction(&text, task.eval_sets[0], k, logits);
        assert_in_range((size_t)bc_predictions_bytes(&task, 0), text.length, 3 * text.length);
        bc_text_clear(&text);
        bertc_dataset_free(task.eval_sets[0]);
    }
}

static bertc_status put_in_the_way(void *user)
{
    int *left = user;
    if ((*left)-- == 0) mkdir("failing/eval.json", 0777);
    return BERTC_OK;
}

/* If the result of a run cannot be written, the resumed run computes the logits of its last evaluation again. The best
 * weights may be the last ones, which are saved in no file of their own. */
static void test_a_failed_result(void **unused)
{
    (void)unused;
    for (int keep = BERTC_KEEP_LAST; keep <= BERTC_KEEP_BEST; keep++) {
        bertc_train_options o = fixture_options("whole");
        bertc_train_result result;
        int left = 4;
        bertc_observer observer = {.stop = put_in_the_way, .user = &left};
        o.keep = keep;
        o.lr = 1e-3; /* the loss falls from evaluation to evaluation */
        o.eval_splits = "dev,train";
        o.best_metric = keep == BERTC_KEEP_BEST ? BERTC_BEST_METRIC + BERTC_LOSS : BERTC_BEST_PRIMARY;
        o.save_every = "2";
        fixture_run_anew(o);
        assert_int_equal(kept_step("whole/run.json"), 10);
        o.out = "failing";
        fixture_remove("failing");
        assert_int_equal(bertc_finetune(&o, &observer, &result, NULL), BERTC_IO);
        assert_int_equal(rmdir("failing/eval.json"), 0);
        o.resume = true;
        assert_int_equal(bertc_finetune(&o, NULL, &result, NULL), BERTC_OK);
        assert_int_equal(result.steps_now, 0); /* it goes on from the checkpoint of the last step */
        fixture_same_run("whole", "failing");
    }
}

/* ---- The command line ---------------------------------------------------------------------- */

static char *recorded_command(const char *path)
{
    size_t length;
    char *text = fixture_read(path, &length, false), *at = strstr(text, "\"command\":");
    assert_non_null(at);
    at += strlen("\"command\":");
    size_t n = strcspn(at, "\n");
    memmove(text, at, n);
    text[n] = '\0';
    return text;
}

static void expect_command(const char *path, const char *want)
{
    char *text = recorded_command(path);
    assert_string_equal(text, want);
    bc_free(text);
}

/* A resumed run keeps the first one; its files are those of a run with that command that was not stopped. */
static void test_the_command(void **unused)
{
    (void)unused;
    static const char *const typed[] = {"finetune", "--out", "a \"b\"\\\n\xc3\xa4\xff", "", NULL};
    static const char *const other[] = {"finetune", "--resume", NULL}, *const empty[] = {NULL};
    static const char recorded[] = "[\"finetune\",\"--out\",\"a \\\"b\\\"\\\\\\n\xc3\xa4\xef\xbf\xbd\",\"\"],";
    bertc_train_options o = fixture_options("whole");
    fixture_run_anew(o);
    expect_command("whole/run.json", "null,");
    o.command = empty;
    fixture_run_anew(o);
    expect_command("whole/run.json", "[],");
    o.command = typed;
    fixture_run_anew(o);
    expect_command("whole/run.json", recorded);
    o.out = "stopped";
    fixture_remove("stopped");
    fixture_interrupt(o, 4);
    o.command = other;
    o.resume = true;
    fixture_interrupt(o, 2);
    o.command = NULL;
    fixture_run(o);
    fixture_same_run("whole", "stopped");
    fixture_run(o); /* finished */
    expect_command("stopped/run.json", recorded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_they_are_those_of_the_result),
        cmocka_unit_test(test_a_regression),
        cmocka_unit_test(test_several_tasks),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_the_estimated_size),
        cmocka_unit_test(test_a_failed_result),
        cmocka_unit_test(test_the_command),
    };
    return cmocka_run_group_tests(tests, enter, fixture_leave);
}
