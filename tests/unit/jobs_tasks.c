/* Runs of several tasks on one encoder: each task has a valid result, also if the run is stopped anywhere and
 * resumed, and its own best weights; and what such a run shares with runs of one task. */
#include "jobs_fixture.h"

#include <math.h>

#include "data/task_sampling.h"

enum { TASKS = 3 };
static const char *const names[TASKS] = {"sst2", "cola", "stsb"};

/* CoLA and STS-B from the words of the fixture: whether the first word is "good", and how similar two words are. */
static void write_cola(const char *path, int first, int count)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (int i = first; i < first + count; i++)
        fprintf(file, "x\t%d\t\t%s film %s\n", i % 3 > 0, i % 3 > 0 ? "good" : "bad", i % 2 ? "and plot" : "a");
    assert_int_equal(fclose(file), 0);
}

static void write_stsb(const char *path, int first, int count)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs("index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n", file);
    for (int i = first; i < first + count; i++)
        fprintf(file, "%d\tg\tf\ty\t%d\ts\ts\tgood film\t%s\t%d.5\n", i, i, i % 2 ? "bad plot and" : "good",
                i % 2 ? 1 : 4);
    assert_int_equal(fclose(file), 0);
}

static int enter(void **state)
{
    if (fixture_enter(state) != 0 || mkdir("data/CoLA", 0777) != 0 || mkdir("data/STS-B", 0777) != 0) return -1;
    write_cola("data/CoLA/train.tsv", 0, 17);
    write_cola("data/CoLA/dev.tsv", 50, 12);
    write_stsb("data/STS-B/train.tsv", 0, 11);
    write_stsb("data/STS-B/dev.tsv", 50, 8);
    return 0;
}

static bertc_train_options options(const char *out)
{
    bertc_train_options o = fixture_options(out);
    o.task = "sst2,cola,stsb";
    return o;
}

static void join(char path[256], const char *folder, const char *name)
{
    assert_true(snprintf(path, 256, "%s/%s", folder, name) < 256);
}

/* The folders of two runs, with those of their tasks, have the same content. */
static void same_runs(const char *a, const char *b)
{
    static const char *const files[] = {"eval.json", "run.json", "log.jsonl"};
    char x[256], y[256];
    assert_int_equal(fixture_entries(a), TASKS + 3);
    assert_int_equal(fixture_entries(b), TASKS + 3);
    for (int i = 0; i < 3; i++) fixture_same_file(a, b, files[i]);
    for (int t = 0; t < TASKS; t++) {
        join(x, a, names[t]);
        join(y, b, names[t]);
        fixture_same_run(x, y);
    }
}

/* ---- Results ------------------------------------------------------------------------------- */

static bertc_scores predict(const char *model, const char *task)
{
    bertc_predict_options o = {.task = task, .model = model, .data = "data", .split = BERTC_DEV,
                               .batch_size = 32, .threads = 1, .backend = 2};
    bertc_predictions p;
    bertc_error err = {0};
    if (bertc_predict(&o, true, NULL, &p, &err) != BERTC_OK) fail_msg("%s: %s", model, err.message);
    bertc_scores scores = p.scores;
    bertc_predictions_clear(&p);
    return scores;
}

/* The best evaluation of a task in the log. */
static double best_in_log(const char *path, const char *task, const char *metric)
{
    char mark[64], key[64];
    size_t length;
    double best = -INFINITY;
    char *text = fixture_read(path, &length, false);
    snprintf(mark, sizeof mark, "\"eval\":{\"task\":\"%s\"", task);
    snprintf(key, sizeof key, "\"%s\":", metric);
    for (char *p = text; (p = strstr(p, mark)) != NULL; p++) {
        double value = strtod(strstr(p, key) + strlen(key), NULL);
        best = value > best ? value : best;
    }
    bc_free(text);
    return best;
}

/* Each task's folder is a model with the task's labels and the scores of the result; with --keep best it has the
 * task's best weights, which come from different steps. */
static void test_each_task_has_its_model(void **unused)
{
    (void)unused;
    static const char *const primary[] = {"accuracy", "matthews", "pearson"};
    for (int keep = BERTC_KEEP_LAST; keep <= BERTC_KEEP_BEST; keep++) {
        bertc_train_options o = options("each");
        bertc_train_result result;
        o.keep = keep;
        o.eval_every = 2;
        o.epochs = 3;
        fixture_remove("each");
        assert_int_equal(bertc_finetune(&o, NULL, &result, NULL), BERTC_OK);
        assert_int_equal(result.eval_count, TASKS);
        for (int t = 0; t < TASKS; t++) {
            char path[256];
            join(path, "each", names[t]);
            assert_string_equal(result.evals[t].task->name, names[t]);
            bertc_scores got = predict(path, names[t]), said = result.evals[t].scores;
            bertc_metric metric = result.evals[t].task->metrics[0];
            assert_true(got.value[BERTC_LOSS] == said.value[BERTC_LOSS] && got.value[metric] == said.value[metric]);
            if (keep == BERTC_KEEP_BEST)
                assert_true(said.value[metric] == best_in_log("each/log.jsonl", names[t], primary[t]));
        }
    }
}

/* The number of steps is the sum over the tasks, and a finished run returns its scores again. */
static void test_steps_and_finished_run(void **unused)
{
    (void)unused;
    bertc_train_options o = options("each");
    bertc_train_result result, again;
    fixture_remove("each");
    assert_int_equal(bertc_finetune(&o, NULL, &result, NULL), BERTC_OK);
    assert_int_equal(result.steps, 2 * (5 + 4 + 3)); /* two epochs of 22, 17 and 11 examples in batches of five */
    o.resume = true;
    assert_int_equal(bertc_finetune(&o, NULL, &again, NULL), BERTC_OK);
    assert_int_equal(again.eval_count, TASKS);
    for (int t = 0; t < TASKS; t++) assert_true(again.evals[t].scores.value[BERTC_LOSS] == result.evals[t].scores.value[BERTC_LOSS]);
    remove("each/cola/model.safetensors");
    fixture_refuse(o, BERTC_INPUT, "each/cola/model.safetensors: cannot open: No such file or directory");
}

/* ---- Stopped and resumed ------------------------------------------------------------------- */

static void compare_stops(bertc_train_options o, int every)
{
    o.out = "whole";
    fixture_remove("whole");
    fixture_run(o);
    for (int polls = 0; polls < 40; polls += every) {
        int left = polls;
        bertc_train_result result;
        bertc_observer observer = {.stop = fixture_on_stop, .user = &left};
        o.out = "stopped";
        o.resume = false;
        fixture_remove("stopped");
        bertc_status status = bertc_finetune(&o, &observer, &result, NULL);
        assert_true(status == BERTC_INTERRUPTED || status == BERTC_OK);
        o.resume = true;
        fixture_run(o);
        same_runs("whole", "stopped");
    }
}

static void test_stopped_anywhere(void **unused)
{
    (void)unused;
    static const struct {
        int recipe, precision, sampling, keep;
        int64_t micro;
        const char *freeze, *schedule;
    } ways[] = {
        {BERTC_RECIPE_HF, BERTC_F32, BERTC_PROPORTIONAL, BERTC_KEEP_BEST, 8192, "none", "none"},
        {BERTC_RECIPE_GOOGLE, BERTC_F32, BERTC_ANNEALED, BERTC_KEEP_BEST, 16, "1", "none"},
        {BERTC_RECIPE_HF, BERTC_BF16, BERTC_UNIFORM, BERTC_KEEP_LAST, 8192, "all", "none"},
        {BERTC_RECIPE_GOOGLE, BERTC_BF16, BERTC_UNIFORM, BERTC_KEEP_BEST, 8192, "all", "each-epoch"},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        bertc_train_options o = options("whole");
        o.recipe = ways[i].recipe;
        o.precision = ways[i].precision;
        o.task_sampling = ways[i].sampling;
        o.keep = ways[i].keep;
        o.micro_batch_tokens = ways[i].micro;
        o.freeze = ways[i].freeze;
        o.unfreeze_schedule = ways[i].schedule;
        o.dropout = 0.1;
        o.eval_every = 5;
        o.save_every = "4";
        o.head_lr = i == 2 ? 3e-2 : -1;
        o.layer_lr_decay = i == 1 ? 0.9 : 1;
        compare_stops(o, i == 0 ? 1 : 7);
    }
}

/* All other options can be combined with several tasks: adapters, merged or not, class weights of each task, several
 * splits, patience, cached outputs of frozen layers. */
static void test_with_every_other_option(void **unused)
{
    (void)unused;
    bertc_train_options o = options("whole");
    o.lora_rank = 2;
    o.lora_save = BERTC_LORA_ADAPTER;
    o.lora_dropout = 0.1;
    o.freeze = "1";
    o.eval_splits = "dev,train";
    o.keep = BERTC_KEEP_BEST;
    o.eval_every = 5;
    compare_stops(o, 11);
    o = options("whole");
    o.task = "cola,sst2";
    o.class_weights = "balanced";
    o.label_smoothing = 0.1;
    o.patience = 2;
    o.eval_every = 2;
    o.best_metric = BERTC_BEST_METRIC + BERTC_LOSS;
    o.keep = BERTC_KEEP_BEST;
    o.epochs = 20; /* more than either task improves */
    bertc_train_result result;
    fixture_remove("whole");
    assert_int_equal(bertc_finetune(&o, NULL, &result, NULL), BERTC_OK);
    assert_true(result.steps < result.planned_steps);
    o.class_weights = "1,2";
    o.out = "refused";
    fixture_refuse(o, BERTC_USAGE, "--class-weights: with several tasks only balanced or none is allowed");
    o.class_weights = "balanced";
    o.task = "cola,stsb";
    o.label_smoothing = 0;
    o.best_metric = BERTC_BEST_METRIC + BERTC_LOSS;
    fixture_refuse(o, BERTC_USAGE, "--class-weights: task stsb is a regression, it has no classes");
    o.class_weights = "none";
    o.best_metric = BERTC_BEST_METRIC + BERTC_ACCURACY;
    fixture_refuse(o, BERTC_USAGE, "--best-metric: task stsb has no metric accuracy, its metrics are pearson, spearman, mse, mae, r2, loss");
}

/* The adapter of each task is a model like any other, with the scores of the run. */
static void test_adapters_of_each_task(void **unused)
{
    (void)unused;
    bertc_train_options o = options("each");
    bertc_train_result result;
    o.lora_rank = 2;
    o.lora_save = BERTC_LORA_ADAPTER;
    fixture_remove("each");
    assert_int_equal(bertc_finetune(&o, NULL, &result, NULL), BERTC_OK);
    for (int t = 0; t < TASKS; t++) {
        char path[256];
        join(path, "each", names[t]);
        double said = result.evals[t].scores.value[BERTC_LOSS];
        assert_close(predict(path, names[t]).value[BERTC_LOSS], said, 1e-5 * said);
    }
}

/* Cached outputs of frozen layers change nothing, whichever task is drawn. */
static void test_cached_outputs(void **unused)
{
    (void)unused;
    for (int all = 0; all < 2; all++) {
        bertc_train_options o = options("whole"), bare = options("bare");
        o.freeze = bare.freeze = all ? "all" : "1";
        o.task_sampling = bare.task_sampling = BERTC_ANNEALED;
        o.eval_every = bare.eval_every = 3;
        bare.cache_memory = bare.cache_disk = 0;
        fixture_remove("whole");
        fixture_remove("bare");
        fixture_run(o);
        fixture_run(bare);
        fixture_same_file("whole", "bare", "log.jsonl");
        for (int t = 0; t < TASKS; t++) {
            char x[256], y[256];
            join(x, "whole", names[t]);
            join(y, "bare", names[t]);
            fixture_same_file(x, y, "model.safetensors");
        }
    }
}

/* ---- What is trained ----------------------------------------------------------------------- */

/* A seed whose first steps are all of the first task. */
static bool begins_with_first(int64_t seed, int steps)
{
    bc_task_sampler mix = {.tasks = 3, .seed = (uint64_t)seed, .sizes = {22, 17, 11}, .epoch_steps = 12, .epochs = 2};
    for (int i = 0; i < steps; i++)
        if (bc_task_sampler_draw(&mix, i) != 0) return false;
    return bc_task_sampler_draw(&mix, steps) != 0;
}

/* As long as one task is drawn, the run is the same as that task's own run, to the bit. Heads of tasks that were not
 * drawn do not change, with or without weight decay. */
static void test_a_task_alone(void **unused)
{
    (void)unused;
    static const char *const head = "classifier.weight", *const weights = "model.safetensors";
    bertc_train_options o = options("each"), alone = fixture_options("alone"), none = options("start");
    o.max_steps = alone.max_steps = 4;
    o.max_grad_norm = alone.max_grad_norm = 0; /* the norm's sum has other terms, all 0 */
    o.weight_decay = alone.weight_decay = 0.1;
    while (!begins_with_first(o.seed, 4)) o.seed++;
    alone.seed = none.seed = o.seed;
    none.max_steps = 1;
    none.lr = 0;
    fixture_remove("each");
    fixture_remove("alone");
    fixture_remove("start");
    fixture_run(o);
    fixture_run(alone);
    fixture_run(none);
    fixture_same_file("each/sst2", "alone", weights);
    fixture_same_file("each/sst2", "alone", "config.json");
    fixture_same_file("each/sst2", "alone", "eval.json");
    fixture_same_file("each/sst2", "alone", "predictions.dev.jsonl");
    assert_true(fixture_same_tensor("each/cola/model.safetensors", "start/cola/model.safetensors", head));
    assert_true(fixture_same_tensor("each/stsb/model.safetensors", "start/stsb/model.safetensors", head));
    assert_false(fixture_same_tensor("each/sst2/model.safetensors", "start/sst2/model.safetensors", head));
    assert_true(fixture_same_tensor("each/sst2/model.safetensors", "each/stsb/model.safetensors",
                            "bert.pooler.dense.weight"));
}

/* AdamW's first step changes a scalar by its learning rate, also for a head whose task is drawn late. */
static void test_a_head_counts_its_own_steps(void **unused)
{
    (void)unused;
    bertc_train_options o = options("each"), before = options("start");
    while (!begins_with_first(o.seed, 3)) o.seed++;
    before.seed = o.seed;
    o.max_steps = 4;
    before.max_steps = 3;
    o.warmup_ratio = before.warmup_ratio = 0;
    o.lr = before.lr = 1e-2;
    fixture_remove("each");
    fixture_remove("start");
    fixture_run(o);
    fixture_run(before);
    double moved[TASKS] = {0};
    for (int t = 0; t < TASKS; t++) {
        char paths[2][256];
        bc_weights files[2];
        const bc_tensor *w[2];
        for (int i = 0; i < 2; i++) {
            snprintf(paths[i], sizeof paths[i], "%s/%s/model.safetensors", i ? "each" : "start", names[t]);
            assert_int_equal(bc_safetensors_open(paths[i], &files[i], NULL), BERTC_OK);
            w[i] = bc_weights_find(&files[i], "classifier.weight");
        }
        moved[t] = fixture_distance(w);
        for (int i = 0; i < 2; i++) bc_weights_close(&files[i]);
    }
    int late = moved[1] > 0 ? 1 : 2; /* the fourth step: its rate is a quarter of the maximum */
    assert_true(moved[late] > 0 && moved[3 - late] == 0);
    assert_close(moved[late], 1e-2 / 4, 1e-2 / 4 * 1e-3);
}

/* ---- The model's own head ------------------------------------------------------------------ */

typedef struct notices {
    char text[8192];
} notices;

static void on_notice(void *user, const char *line)
{
    notices *n = user;
    size_t used = strlen(n->text);
    snprintf(n->text + used, sizeof n->text - used, "%s\n", line);
}

/* Run without changing a weight; collect the notices. */
static void watch(const char *task, const char *model, const char *out, notices *n)
{
    bertc_train_options o = fixture_options(out);
    bertc_train_result result;
    bertc_error err = {0};
    *n = (notices){0};
    bertc_observer observer = {.notify = {on_notice, n}};
    o.task = task;
    o.model = model;
    o.lr = 0;
    o.max_steps = 1;
    fixture_remove(out);
    if (bertc_finetune(&o, &observer, &result, &err) != BERTC_OK) fail_msg("%s", err.message);
}

static void rename_labels(const char *model, const char *a, const char *b)
{
    bertc_model *m;
    bertc_model_options o = {.backend = "reference", .threads = 1};
    const char *const labels[] = {a, b};
    assert_int_equal(bertc_model_load(model, &o, &m, NULL), BERTC_OK);
    assert_int_equal(bertc_config_set_labels((bertc_config *)(uintptr_t)bertc_model_config(m), labels, 2, NULL),
                     BERTC_OK);
    assert_int_equal(bertc_model_save(m, model, NULL), BERTC_OK);
    bertc_model_free(m);
}

static void expect_head(const notices *n, const char *line)
{
    if (!strstr(n->text, line)) fail_msg("no '%s' in:\n%s", line, n->text);
}

/* The head of an earlier run is kept if its labels are the task's, by name or synonym. Else the head is newly
 * initialized, and a notice gives the reason. */
static void test_the_head_of_an_earlier_run(void **unused)
{
    (void)unused;
    static const char *const head = "classifier.weight";
    notices n;
    watch("sst2", "model", "first", &n);
    expect_head(&n, "model/model.safetensors: head kept: it has 2 unnamed labels\n");
    watch("sst2", "first", "same", &n);
    expect_head(&n, "first/model.safetensors: head kept: it has labels negative, positive\n");
    assert_true(fixture_same_tensor("first/model.safetensors", "same/model.safetensors", head));
    watch("cola", "first", "other", &n);
    expect_head(&n, "first/model.safetensors: head replaced: it has labels negative, positive, not labels "
                    "unacceptable, acceptable\n");
    assert_false(fixture_same_tensor("first/model.safetensors", "other/model.safetensors", head));
    watch("stsb", "first", "value", &n);
    expect_head(&n, "first/model.safetensors: head replaced: it has labels negative, positive, not one value\n");
    watch("stsb", "value", "again", &n);
    expect_head(&n, "value/model.safetensors: head kept: it has one value\n");
    assert_true(fixture_same_tensor("value/model.safetensors", "again/model.safetensors", head));
    watch("sst2", "value", "back", &n);
    expect_head(&n, "value/model.safetensors: head replaced: it has one value, not labels negative, positive\n");
    rename_labels("same", "POS", "NEG");
    watch("sst2", "same", "spelled", &n);
    expect_head(&n, "same/model.safetensors: head kept: it has labels POS, NEG\n");
    assert_true(fixture_same_tensor("same/model.safetensors", "spelled/model.safetensors", head));
}

/* With several tasks, the task with the model's labels gets the model's head. */
static void test_the_head_goes_to_its_task(void **unused)
{
    (void)unused;
    static const char *const head = "classifier.weight";
    notices n;
    watch("cola", "model", "first", &n);
    watch("stsb,sst2,cola", "first", "each", &n);
    expect_head(&n, "first/model.safetensors: head kept for cola: it has labels unacceptable, acceptable\n");
    assert_true(fixture_same_tensor("first/model.safetensors", "each/cola/model.safetensors", head));
    assert_false(fixture_same_tensor("first/model.safetensors", "each/sst2/model.safetensors", head));
    watch("stsb,sst2", "first", "each", &n);
    expect_head(&n,
                "first/model.safetensors: head replaced: it has labels unacceptable, acceptable, which no task has\n");
    watch("cola,stsb", "each/stsb", "more", &n);
    expect_head(&n, "each/stsb/model.safetensors: head kept for stsb: it has one value\n");
}

/* ---- Refusals ------------------------------------------------------------------------------ */

static void test_refusals(void **unused)
{
    (void)unused;
    static const struct {
        const char *task, *message;
    } cases[] = {{"sst2,sst2", "--task: sst2 is listed twice"},
                 {"sst2,mnli-mm", "--task: mnli-mm is trained on the data of mnli; list only one of them"},
                 {"sst2,nothing", "unknown task 'nothing'"}};
    bertc_train_options o = fixture_options("refused");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        o.task = cases[i].task;
        fixture_refuse(o, BERTC_USAGE, cases[i].message);
    }
    o.task = "sst2";
    o.task_sampling = BERTC_UNIFORM;
    fixture_refuse(o, BERTC_USAGE, "--task-sampling has no effect with one task, sst2");
    assert_int_equal(access("refused", F_OK), -1);
    o = options("refused");
    fixture_interrupt(o, 3);
    o.resume = true;
    o.task = "cola,sst2,stsb";
    fixture_refuse(o, BERTC_USAGE, "refused: --task was sst2,cola,stsb in this run and is cola,sst2,stsb now");
    o.task = "sst2";
    fixture_refuse(o, BERTC_USAGE, "refused: --task was sst2,cola,stsb in this run and is sst2 now");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_task_has_its_model),
        cmocka_unit_test(test_steps_and_finished_run),
        cmocka_unit_test(test_stopped_anywhere),
        cmocka_unit_test(test_with_every_other_option),
        cmocka_unit_test(test_adapters_of_each_task),
        cmocka_unit_test(test_cached_outputs),
        cmocka_unit_test(test_a_task_alone),
        cmocka_unit_test(test_a_head_counts_its_own_steps),
        cmocka_unit_test(test_the_head_of_an_earlier_run),
        cmocka_unit_test(test_the_head_goes_to_its_task),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, enter, fixture_leave);
}
