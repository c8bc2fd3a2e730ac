/* Which evaluation is the best, when --patience ends a run, and which splits are evaluated. */
#include "jobs_fixture.h"

#include <math.h>

#include "base/json.h"

/* The evaluations of the first split in a run's log, followed by the rule of --patience. */
typedef struct story {
    int evaluations;
    long best, last, in_vain; /* steps of the best and the last evaluation; evaluations since the best */
} story;

static story follow(const char *log, bertc_metric metric)
{
    size_t length;
    char *text = fixture_read(log, &length, false);
    double best = NAN;
    char key[32];
    story s = {0};
    snprintf(key, sizeof key, "\"%s\":", bertc_metric_name(metric));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        const char *eval = strstr(line, "\"eval\":");
        if (!eval) continue;
        double value = fixture_number(eval, key) * (bertc_metric_smaller_is_better(metric) ? -1 : 1);
        s.last = (long)fixture_number(line, "{\"step\":");
        s.evaluations++;
        s.in_vain++;
        if (value <= best) continue;
        best = value;
        s.best = s.last;
        s.in_vain = 0;
    }
    bc_free(text);
    return s;
}

static long kept_step(const char *out)
{
    size_t length;
    char path[64];
    snprintf(path, sizeof path, "%s/run.json", out);
    char *text = fixture_read(path, &length, false);
    long step = (long)fixture_number(text, "\"kept_step\":");
    bc_free(text);
    return step;
}

/* The learning rate is so high that scores go up and down. */
static bertc_train_options restless(const char *out)
{
    bertc_train_options o = fixture_options(out);
    o.lr = 0.05;
    o.epochs = 6;
    o.eval_every = 2;
    return o;
}

/* Without patience the log has all evaluations; with patience the run ends where the rule says. */
static void test_patience(void **unused)
{
    (void)unused;
    int early = 0, stopped = 0;
    for (int i = 0; i < 12; i++) {
        bertc_train_options o = restless("whole");
        o.best_metric = i % 2 ? BERTC_BEST_METRIC + BERTC_LOSS : BERTC_BEST_METRIC + BERTC_ACCURACY;
        o.recipe = i % 4 > 1 ? BERTC_RECIPE_GOOGLE : BERTC_RECIPE_HF;
        o.keep = i % 3 ? BERTC_KEEP_BEST : BERTC_KEEP_LAST;
        o.precision = i % 5 == 0 ? BERTC_BF16 : BERTC_F32;
        o.save_every = i % 2 ? "2" : "0";
        o.patience = 1 + i / 4;
        bertc_train_result result = fixture_run_anew(o);
        story s = follow("whole/log.jsonl", i % 2 ? BERTC_LOSS : BERTC_ACCURACY);
        assert_int_equal(result.planned_steps, 30);
        assert_int_equal(result.steps, s.last);
        assert_true(s.in_vain == o.patience || (s.in_vain < o.patience && s.last == 30));
        assert_int_equal(kept_step("whole"), o.keep == BERTC_KEEP_BEST ? s.best : s.last);
        early += s.last < 30;
        bool long_enough = s.last >= 6; /* enough evaluations to end early twice */
        if (long_enough) fixture_stop_twice(o, "whole");
        stopped += long_enough && s.last < 30;
        /* a finished run returns the same result again */
        bertc_train_result again;
        o.resume = true;
        assert_int_equal(bertc_finetune(&o, NULL, &again, NULL), BERTC_OK);
        assert_int_equal(again.steps, result.steps);
        assert_int_equal(again.planned_steps, result.planned_steps);
        assert_true(again.scores.value[BERTC_LOSS] == result.scores.value[BERTC_LOSS]);
    }
    assert_in_range(early, 4, 12); /* else this test checks little */
    assert_in_range(stopped, 4, 12);
}

/* Any metric that fits decides, and is reported if it is listed. The scores of a resumed run are those of the
 * uninterrupted run, also those that only --metrics asks for, and so is a finished run's result. */
static void test_other_metrics_decide(void **unused)
{
    (void)unused;
    static const bertc_metric metrics[] = {BERTC_AUC, BERTC_F1_MACRO, BERTC_AVERAGE_PRECISION, BERTC_RECALL};
    bool differs = false;
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        bertc_train_options o = restless("whole");
        o.metrics = "own,auc,f1_macro,average_precision,recall";
        o.best_metric = BERTC_BEST_METRIC + (int)metrics[i];
        o.keep = BERTC_KEEP_BEST;
        o.save_every = "2";
        bertc_train_result result = fixture_run_anew(o), again;
        story s = follow("whole/log.jsonl", metrics[i]);
        assert_int_equal(s.evaluations, 15);
        assert_int_equal(kept_step("whole"), s.best);
        differs = differs || s.best != follow("whole/log.jsonl", BERTC_ACCURACY).best;
        assert_int_equal(result.evals[0].metrics.count, 5);
        fixture_stop_twice(o, "whole");
        o.resume = true;
        assert_int_equal(bertc_finetune(&o, NULL, &again, NULL), BERTC_OK);
        for (int m = 0; m < 5; m++) {
            bertc_metric metric = result.evals[0].metrics.metrics[m];
            assert_true(again.scores.value[metric] == result.scores.value[metric]);
        }
        bertc_error err = {0};
        o.metrics = "own";
        assert_int_equal(bertc_finetune(&o, NULL, &again, &err), BERTC_USAGE);
        assert_string_equal(err.message, "whole: --metrics was own,auc,f1_macro,average_precision,recall in this run "
                                         "and is own now");
    }
    assert_true(differs); /* else this test checks little */
}

/* Up to its end the run is the same as without patience: the schedule is the same. */
static void test_the_schedule_is_not_shortened(void **unused)
{
    (void)unused;
    size_t length[2];
    bertc_train_options o = restless("patient");
    fixture_run_anew(o);
    o.out = "whole";
    o.patience = 1;
    bertc_train_result result = fixture_run_anew(o);
    assert_in_range(result.steps, 1, 29);
    char *whole = fixture_read("patient/log.jsonl", &length[0], true);
    char *part = fixture_read("whole/log.jsonl", &length[1], true);
    assert_true(length[1] < length[0]);
    assert_memory_equal(whole, part, length[1]);
    bc_free(whole);
    bc_free(part);
}

/* By default there is an evaluation after each epoch. The first one is the best of a run that changes nothing. */
static void test_patience_by_epochs(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("whole");
    o.lr = 0;
    o.epochs = 9;
    o.patience = 2;
    bertc_train_result result = fixture_run_anew(o);
    assert_int_equal(result.steps, 15);
    assert_int_equal(kept_step("whole"), 15);
    o.keep = BERTC_KEEP_BEST;
    fixture_run_anew(o);
    assert_int_equal(kept_step("whole"), 5);
    fixture_stop_twice(o, "whole");
}

static bertc_status put_in_the_way(void *user)
{
    int *left = user;
    if ((*left)-- == 0) mkdir("failing/eval.json", 0777);
    return BERTC_OK;
}

/* If the result of a run that patience ended cannot be written, the resumed run writes it. */
static void test_a_failed_result(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("whole");
    int left = 3;
    bertc_observer observer = {.stop = put_in_the_way, .user = &left};
    bertc_train_result result;
    o.lr = 0;
    o.epochs = 9;
    o.patience = 1;
    o.keep = BERTC_KEEP_BEST;
    fixture_run_anew(o);
    o.out = "failing";
    fixture_remove("failing");
    assert_int_equal(bertc_finetune(&o, &observer, &result, NULL), BERTC_IO);
    assert_true(bc_file_exists("failing/checkpoint/step-10.safetensors"));
    assert_int_equal(rmdir("failing/eval.json"), 0);
    o.resume = true;
    assert_int_equal(bertc_finetune(&o, NULL, &result, NULL), BERTC_OK);
    assert_int_equal(result.steps, 10);
    fixture_same_run("whole", "failing");
}

/* ---- Splits -------------------------------------------------------------------------------- */

static bertc_scores scores_of(const char *model, bertc_split split, int64_t limit)
{
    bertc_predict_options o = {.task = "sst2", .model = model, .data = "data", .split = split,
                               .batch_size = 32, .limit = limit, .backend = 2, .threads = 1};
    bertc_predictions p;
    bertc_error err = {0};
    if (bertc_predict(&o, true, NULL, &p, &err) != BERTC_OK) fail_msg("%s", err.message);
    bertc_scores scores = p.scores;
    bertc_predictions_clear(&p);
    return scores;
}

/* A run that is stopped after any poll, also between two splits of an evaluation, resumes to the same result. */
static void stop_at(bertc_train_options o, int stop)
{
    o.out = "stopped";
    fixture_remove("stopped");
    fixture_interrupt(o, stop);
    o.resume = true;
    fixture_run(o);
    fixture_same_run("whole", "stopped");
}

static void test_several_splits(void **unused)
{
    (void)unused;
    static const bertc_split order[2][3] = {{BERTC_DEV, BERTC_TRAIN, BERTC_TEST}, {BERTC_TRAIN, BERTC_TEST, BERTC_DEV}};
    fixture_split("data/SST-2/test.tsv", 300, 40);
    for (int i = 0; i < 2; i++) {
        bertc_train_options o = restless("whole");
        size_t length;
        cJSON *tree;
        o.eval_splits = i ? "train,test,dev" : "dev,train,test";
        o.limit_eval = i ? 0 : 15;
        o.keep = BERTC_KEEP_BEST;
        o.best_metric = BERTC_BEST_METRIC + BERTC_LOSS;
        o.patience = 4;
        bertc_train_result result = fixture_run_anew(o), again;
        story s = follow("whole/log.jsonl", BERTC_LOSS);
        assert_int_equal(result.eval_count, 3);
        assert_int_equal(s.evaluations % 3, 0);
        char *text = fixture_read("whole/eval.json", &length, false);
        assert_int_equal(bc_json_parse(text, length, "eval.json", &tree, NULL), BERTC_OK);
        assert_int_equal(cJSON_GetArraySize(tree), 3);
        for (int k = 0; k < 3; k++) {
            bertc_scores want = scores_of("whole", order[i][k], o.limit_eval);
            const bertc_split_scores *got = &result.evals[k];
            assert_ptr_equal(got->task, bertc_task_find("sst2"));
            assert_int_equal(got->split, order[i][k]);
            assert_true(got->scores.value[BERTC_LOSS] == want.value[BERTC_LOSS]);
            assert_int_equal(got->scores.examples, want.examples);
            const cJSON *item = cJSON_GetArrayItem(tree, k);
            assert_string_equal(bc_json_get(item, "split")->valuestring, bertc_split_name(order[i][k]));
            assert_true(bc_json_get(item, "loss")->valuedouble == want.value[BERTC_LOSS]);
        }
        assert_true(result.scores.value[BERTC_LOSS] == result.evals[0].scores.value[BERTC_LOSS]);
        cJSON_Delete(tree);
        bc_free(text);
        for (int stop = 1; stop < 9; stop++) stop_at(o, stop);
        o.resume = true;
        assert_int_equal(bertc_finetune(&o, NULL, &again, NULL), BERTC_OK);
        assert_memory_equal(&again.evals[2].scores.value[BERTC_LOSS], &result.evals[2].scores.value[BERTC_LOSS], sizeof(double));
        assert_int_equal(again.eval_count, 3);
    }
}

/* Other data of any evaluation split are other data of the run. */
static void test_another_split_is_refused(void **unused)
{
    (void)unused;
    bertc_train_options o = restless("other");
    o.eval_splits = "dev,test";
    fixture_interrupt(o, 4);
    fixture_split("data/SST-2/test.tsv", 301, 40);
    o.resume = true;
    fixture_refuse(o, BERTC_USAGE, "other: this run began with other dev data");
    fixture_split("data/SST-2/test.tsv", 300, 40);
    fixture_run(o);
}

/* The best step by the first split, from a log in which its line comes before those of the other splits. */
static long best_of_split(const char *log, const char *split)
{
    size_t length;
    char *text = fixture_read(log, &length, false), mark[32];
    double best = INFINITY;
    long step = 0;
    snprintf(mark, sizeof mark, "\"split\":\"%s\"", split);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (!strstr(line, mark)) continue;
        double loss = fixture_number(line, "\"loss\":");
        if (loss >= best) continue;
        best = loss;
        step = (long)fixture_number(line, "{\"step\":");
    }
    bc_free(text);
    return step;
}

static void test_the_first_split_decides(void **unused)
{
    (void)unused;
    static const char *const lists[] = {"dev,train", "train,dev"};
    long best[2];
    for (int i = 0; i < 2; i++) {
        bertc_train_options o = restless("whole");
        o.eval_splits = lists[i];
        o.keep = BERTC_KEEP_BEST;
        o.best_metric = BERTC_BEST_METRIC + BERTC_LOSS;
        o.eval_every = 1;
        o.seed = 1;
        fixture_run_anew(o);
        best[i] = best_of_split("whole/log.jsonl", i ? "train" : "dev");
        assert_int_equal(kept_step("whole"), best[i]);
    }
    assert_true(best[0] != best[1]); /* else this test checks nothing */
}

static size_t planned(bertc_train_options o, const char *part)
{
    bertc_plan_result plan;
    assert_int_equal(bertc_plan(&o, NULL, &plan, NULL), BERTC_OK);
    for (int i = 0; i < BERTC_MEMORY_PARTS; i++)
        if (strcmp(plan.parts[i].name, part) == 0) return plan.parts[i].bytes;
    fail_msg("no part %s", part);
    return 0;
}

/* The plan counts the data of every split, and passes over more and longer sequences than those of the first split. */
static void test_the_plan_counts_all(void **unused)
{
    (void)unused;
    bertc_train_options one = fixture_options("whole"), two = one;
    fixture_write("data/SST-2/dev.tsv", "sentence\tlabel\ngood\t1\nbad\t0\n");
    one.batch_size = two.batch_size = 1;
    one.limit_train = two.limit_train = 2;
    two.eval_splits = "dev,test";
    assert_true(planned(two, "workspace") > planned(one, "workspace"));
    fixture_run_anew(two);
    one.eval_batch_size = two.eval_batch_size = 1; /* the batch has no more sequences */
    assert_true(planned(two, "data") >= planned(one, "data") + 40 * sizeof(bertc_example));
    fixture_split("data/SST-2/dev.tsv", 100, 13);
}

static void test_refusals(void **unused)
{
    (void)unused;
    static const struct {
        const char *task, *splits, *message;
        int metric, keep;
        int64_t patience;
    } cases[] = {
        {"sst2", "dev,", "--eval-splits: '' is not train, dev, test or a task", 0, 0, 0},
        {"sst2", "dev,devel", "--eval-splits: 'devel' is not train, dev, test or a task", 0, 0, 0},
        {"sst2", "dev,train,dev", "--eval-splits: 'dev' is listed twice", 0, 0, 0},
        {"sst2", "dev,sst2", "--eval-splits: 'sst2' is listed twice", 0, 0, 0},
        {"sst2", "dev,cola", "--eval-splits: task cola has other labels than sst2", 0, 0, 0},
        {"mnli", "dev,rte", "--eval-splits: task rte has other labels than mnli", 0, 0, 0},
        {"sst2", "stsb", "--eval-splits: task stsb has other labels than sst2", 0, 0, 0},
        {"mnli", "dev", "--best-metric: task mnli has no metric f1, its metrics are accuracy, matthews, f1_macro, "
         "f1_micro, f1_weighted, precision_macro, precision_micro, recall_macro, recall_micro, auc, "
         "average_precision, subset_accuracy, loss", BERTC_BEST_METRIC + BERTC_F1, BERTC_KEEP_BEST, 0},
        {"stsb", "dev", "--best-metric: task stsb has no metric auc, its metrics are pearson, spearman, mse, mae, r2, "
         "loss", BERTC_BEST_METRIC + BERTC_AUC, 0, 3},
        {"mnli", "ax,dev", "--best-metric: task ax has no metric recall, its metrics are accuracy, matthews, f1_macro, "
         "f1_micro, f1_weighted, precision_macro, precision_micro, recall_macro, recall_micro, auc, "
         "average_precision, subset_accuracy, loss", BERTC_BEST_METRIC + BERTC_RECALL, 0, 3},
        {"sst2", "dev", "--best-metric has no effect without --keep best or --patience",
         BERTC_BEST_METRIC + BERTC_LOSS, 0, 0},
        {"sst2", "dev", "--best-metric is out of range", BERTC_BEST_METRIC + BERTC_LOSS + 1, 0, 1},
        {"sst2", "dev", "--patience is out of range", 0, 0, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_train_options o = fixture_options("refused");
        o.task = cases[i].task;
        o.eval_splits = cases[i].splits;
        o.best_metric = cases[i].metric;
        o.keep = cases[i].keep;
        o.patience = cases[i].patience;
        fixture_refuse(o, BERTC_USAGE, cases[i].message);
        assert_false(bc_file_exists("refused"));
    }
    bertc_train_options o = fixture_options("refused");
    fixture_write("data/SST-2/test.tsv", "index\tsentence\n0\tgood\n");
    o.eval_splits = "dev,test";
    fixture_refuse(o, BERTC_INPUT, "data/SST-2/test.tsv: the test split has no labels to score; its header "
                                   "has no column \"label\", only \"index\", \"sentence\"");
    assert_false(bc_file_exists("refused"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patience),
        cmocka_unit_test(test_other_metrics_decide),
        cmocka_unit_test(test_the_schedule_is_not_shortened),
        cmocka_unit_test(test_patience_by_epochs),
        cmocka_unit_test(test_a_failed_result),
        cmocka_unit_test(test_several_splits),
        cmocka_unit_test(test_another_split_is_refused),
        cmocka_unit_test(test_the_first_split_decides),
        cmocka_unit_test(test_the_plan_counts_all),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
