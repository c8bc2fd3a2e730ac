/* Multi-label tasks from their table to a trained, saved and loaded model; their weights, shares and thresholds; and
 * 20,000 classes, which must not take quadratic time. */
#include "jobs_fixture.h"

#include <math.h>

#include "data/epoch.h"
#include "data/stratify.h"
#include "nn/model_load.h"
#include "run/fingerprints.h"
#include "run/model_source.h"
#include "run/objective.h"
#include "run/thresholds.h"
#include "tasks/tasks.h"
#include "train/evaluate.h"
#include "train/trainer.h"

enum { C = 4, ROWS = 96, BATCH = 16 };

/* An example has a label if its text has the word; the model has the labels in another order. */
static const char *const words[] = {"good", "bad", "film", "plot"}, *const heads[] = {"plot", "good", "film", "bad"};
static const bertc_columns columns = {.file = "f.tsv", .header = true, .a_name = "text", .label_name = "labels",
                                      .a = -1, .b = -1, .label = -1, .label_separator = ','};
static const bertc_task sets_task = {.name = "words", .kind = BERTC_MULTILABEL, .num_labels = C, .labels = words,
                                     .file_labels = words, .num_metrics = 1, .metrics = {BERTC_F1_MICRO},
                                     .splits = {{.file = NULL}}};

static bertc_dataset *parse(const bertc_task *task, const char *text)
{
    bertc_dataset *set;
    bertc_error err = {0};
    if (bc_dataset_parse(task, BERTC_TRAIN, &columns, NULL, text, strlen(text), "f.tsv", 0, &set, &err) != BERTC_OK)
        fail_msg("%s", err.message);
    return set;
}

/* Row i has the labels whose bits are set in i. */
static bertc_dataset *read_sets(size_t count)
{
    bc_text text = {0};
    bc_text_printf(&text, "text\tlabels\n");
    for (size_t i = 0; i < count; i++) {
        for (int c = 0; c < C; c++) bc_text_printf(&text, "%s ", i >> c & 1 ? words[c] : "very");
        bc_text_printf(&text, "\t");
        for (int c = 0, n = 0; c < C; c++)
            if (i >> c & 1) bc_text_printf(&text, "%s%s", n++ ? "," : "", words[c]);
        bc_text_printf(&text, "\n");
    }
    assert_false(text.failed);
    bertc_dataset *set = parse(&sets_task, text.bytes);
    bc_text_clear(&text);
    return set;
}

typedef struct trial {
    bc_model_source source;
    bertc_dataset *set;
    bc_trainer *trainer;
    bc_eval eval; /* owns the inputs and the map of labels */
    bc_epoch epoch;
    uint64_t *scratch;
} trial;

/* Open the model with the labels of a task for its own data set. */
static void begin(trial *t, bertc_dataset *set, const char *const *labels)
{
    const bertc_task *task = set->task;
    int32_t count = task->num_labels;
    bertc_inputs *inputs;
    bertc_model *model;
    bool by_name;
    *t = (trial){.set = set};
    assert_int_equal(bc_model_source_open(&t->source, "model", 0, NULL, NULL), BERTC_OK);
    const bertc_model_options options = {.labels = labels, .num_labels = count, .trainable = true, .seed = 5,
                                         .multi_label = task->kind == BERTC_MULTILABEL, .threads = 1};
    assert_int_equal(bertc_model_load("model", &options, &model, NULL), BERTC_OK);
    int32_t *map = bc_alloc((size_t)count, sizeof *map);
    assert_int_equal(bertc_task_match_labels(task, bertc_model_config(model)->labels, count, map, &by_name, NULL),
                     BERTC_OK);
    assert_true(by_name);
    assert_int_equal(bertc_inputs_create(t->source.tokenizer, set, 16, map, &inputs, NULL), BERTC_OK);
    const bc_pack pack = {BATCH, 4096};
    assert_int_equal(bc_eval_open(&t->eval, inputs, map, (size_t)count, pack, NULL), BERTC_OK);
    t->scratch = bc_alloc(set->count, 2 * sizeof *t->scratch);
    assert_int_equal(bc_epoch_create(&t->epoch, inputs, BATCH, 1, t->scratch, NULL), BERTC_OK);
    const bertc_limits limits = {.tokens = BATCH * 16, .sequences = BATCH, .longest = 16, .training = true};
    const bc_trainer_options how = {.seed = 1, .pack = pack, .max_grad_norm = 1,
                                    .max_labels = bc_pack_max_labels(inputs, BATCH)};
    assert_int_equal(bc_trainer_create(model, &t->trainer, NULL), BERTC_OK);
    assert_int_equal(bc_trainer_open(t->trainer, &limits, &how, NULL), BERTC_OK);
}

static void end(trial *t)
{
    bc_trainer_free(t->trainer);
    bc_epoch_clear(&t->epoch);
    bc_eval_close(&t->eval);
    bertc_dataset_free(t->set);
    bc_model_source_close(&t->source);
    bc_free(t->scratch);
}

/* Train `steps` steps; return the loss of the first. */
static double train(trial *t, int64_t steps, double rate)
{
    double first = 0;
    for (int64_t s = 0; s < steps; s++) {
        const bc_examples examples = bc_epoch_batch(&t->epoch, s);
        const bc_step step = {.number = s, .examples = examples, .divisor = (double)examples.count, .lr = rate};
        bc_step_result outcome;
        bertc_error err = {0};
        if (bc_trainer_step(t->trainer, &step, &outcome, &err) != BERTC_OK) fail_msg("%s", err.message);
        if (s == 0) first = outcome.loss;
    }
    return first;
}

static bertc_scores score(trial *t)
{
    bertc_scores scores;
    bc_meter meter;
    bc_meter_start(&meter, NULL);
    assert_int_equal(bc_eval_run(&t->eval, bc_trainer_model(t->trainer), 0, bc_trainer_workspace(t->trainer),
                                 bc_trainer_batch(t->trainer), &meter, NULL), BERTC_OK);
    assert_int_equal(bertc_task_score(t->set, t->eval.logits, &scores, NULL), BERTC_OK);
    return scores;
}

/* ---- Training and saving ------------------------------------------------------------------- */

static void copy_notice(void *to, const char *line)
{
    if (strstr(line, "head ")) snprintf(to, 512, "%s", strstr(line, "head "));
}

/* Load the saved model with labels; expect this notice about its head. */
static void expect_head(const char *const *labels, int32_t count, bool multi_label, const char *expected)
{
    char notice[512] = "";
    bertc_model *model;
    const bertc_model_options options = {.labels = labels, .num_labels = count, .multi_label = multi_label,
                                         .threads = 1, .notify = {copy_notice, notice}};
    assert_int_equal(bertc_model_load("sets", &options, &model, NULL), BERTC_OK);
    assert_string_equal(notice, expected);
    assert_true(bertc_model_config(model)->multi_label == multi_label);
    bertc_model_free(model);
}

static void test_a_head_of_sets(void **unused)
{
    (void)unused;
    trial t;
    begin(&t, read_sets(ROWS), heads);
    for (size_t i = 0; i < ROWS; i++) { /* rising in the model's order: plot, good, film, bad */
        static const int bits[] = {3, 0, 2, 1};
        size_t at = t.eval.inputs->label_starts[i];
        for (int c = 0; c < C; c++)
            if (i >> bits[c] & 1) assert_int_equal(t.eval.inputs->labels[at++], c);
        assert_int_equal(at, t.eval.inputs->label_starts[i + 1]);
    }
    assert_close(train(&t, 120, 1e-2), log(2), 0.2);
    bertc_scores scores = score(&t);
    assert_true(scores.value[BERTC_F1_MICRO] > 0.95 && scores.value[BERTC_SUBSET_ACCURACY] > 0.9);
    assert_true(scores.value[BERTC_AUC] > 0.98);
    assert_int_equal(bc_folder_create("sets", NULL), BERTC_OK);
    assert_int_equal(bertc_model_save(bc_trainer_model(t.trainer), "sets", NULL), BERTC_OK);
    size_t length;
    char *config = fixture_read("sets/config.json", &length, false);
    assert_non_null(strstr(config, "\"problem_type\": \"multi_label_classification\""));
    bc_free(config);
    expect_head(words, C, true, "head kept: it has labels plot, good, film, bad (multi-label)");
    expect_head(words, C, false, "head replaced: it has labels plot, good, film, bad (multi-label), not labels good, bad, "
                "film, plot");
    expect_head(words, 3, true, "head replaced: it has labels plot, good, film, bad (multi-label), not labels good, bad, "
                "film (multi-label)");
    expect_head(words, 1, true, "head replaced: it has labels plot, good, film, bad (multi-label), not labels good "
                "(multi-label)");
    expect_head(words, 1, false, "head replaced: it has labels plot, good, film, bad (multi-label), not one value");
    end(&t);
}

/* A kind is part of the fingerprint: these examples could be those of a classification. */
static void test_fingerprints(void **unused)
{
    (void)unused;
    char of[2][BC_HASH_HEX];
    bertc_task task = sets_task;
    for (int k = 0; k < 2; k++) {
        trial t;
        task.kind = k ? BERTC_MULTILABEL : BERTC_CLASSIFICATION;
        begin(&t, parse(&task, "text\tlabels\na\tgood\nb\tbad\n"), heads);
        bc_hash_examples(of[k], &task, t.eval.inputs);
        end(&t);
    }
    assert_string_not_equal(of[0], of[1]);
}

/* ---- Weights and shares -------------------------------------------------------------------- */

/* Label 0 has 2 of 202 examples, label 1 has 50, label 2 all and label 3 none. */
static bertc_dataset *read_uneven(void)
{
    bc_text text = {0};
    bc_text_printf(&text, "text\tlabels\n");
    for (int i = 0; i < 202; i++) bc_text_printf(&text, "t\tfilm%s%s\n", i < 2 ? ",good" : "", i < 50 ? ",bad" : "");
    bertc_dataset *set = parse(&sets_task, text.bytes);
    bc_text_clear(&text);
    return set;
}

static void test_weights(void **unused)
{
    (void)unused;
    static const int32_t map[] = {1, 3, 2, 0};
    static const double balanced[] = {100, 152.0 / 50, 0, 1}, given[] = {0.5, 2, 3, 4};
    bertc_dataset *set = read_uneven();
    bertc_train_options o = fixture_options("out");
    for (int k = 0; k < 2; k++) {
        o.class_weights = k ? "0.5,2,3,4" : "balanced";
        bc_run run = bc_run_begin(&o, NULL);
        run.num_tasks = 1;
        run.tasks->spec = &sets_task;
        assert_int_equal(bc_objective_parse(&o, run.tasks, NULL), BERTC_OK);
        assert_int_equal(bc_objective_resolve(&run, run.tasks, set, map, NULL), BERTC_OK);
        for (int c = 0; c < C; c++)
            assert_true(run.tasks->objective.weights[map[c]] == (k ? given : balanced)[c]);
        assert_true(bc_objective_divisor(run.tasks, &(bc_examples){.count = 7}) == 7);
        bc_run_close(&run);
    }
    const struct {
        const char *weights;
        double smoothing;
        const char *message;
    } bad[] = {{"1,2", 0, "--class-weights: 2 weights, task words has 4 labels: good, bad, film, plot"},
               {"none", 0.1, "--label-smoothing: task words is multi-label, its loss has no label smoothing"}};
    for (size_t i = 0; i < 2; i++) {
        bertc_error err = {0};
        bc_run_task task = {.spec = &sets_task};
        o.class_weights = bad[i].weights;
        o.label_smoothing = bad[i].smoothing;
        assert_int_equal(bc_objective_parse(&o, &task, &err), BERTC_USAGE);
        assert_string_equal(err.message, bad[i].message);
        bc_free(task.class_weights);
    }
    bertc_dataset_free(set);
}

/* A rare label keeps its share. */
static void test_shares(void **unused)
{
    (void)unused;
    for (uint64_t seed = 0; seed < 8; seed++) {
        bertc_dataset *set = read_uneven();
        size_t counts[C] = {0};
        assert_int_equal(bc_stratify(set, 101, seed, NULL), BERTC_OK);
        assert_int_equal(set->count, 101);
        for (size_t i = 0; i < set->count; i++)
            for (size_t k = 0; k < set->examples[i].num_labels; k++) counts[set->examples[i].labels[k]]++;
        assert_int_equal(counts[0], 1);
        assert_int_equal(counts[1], 25);
        bertc_dataset_free(set);
    }
}

static void test_constant_sets(void **unused)
{
    (void)unused;
    const bc_eval_split split = {.task = &sets_task, .split = BERTC_DEV};
    char text[BC_CONSTANT_TEXT];
    bertc_scores scores = {.examples = 30, .same_prediction = 1};
    assert_true(bc_scores_describe_constant(split, &scores, text));
    assert_string_equal(text, "words dev: no label is predicted for all 30 examples");
    scores.same_prediction = 2;
    assert_true(bc_scores_describe_constant(split, &scores, text));
    assert_string_equal(text, "words dev: the same set of labels is predicted for all 30 examples");
}

/* ---- thresholds.json ----------------------------------------------------------------------- */

static bertc_status read_thresholds(const char *json, const bertc_config *config, double **t, bertc_error *err)
{
    assert_int_equal(bc_folder_create("t", NULL), BERTC_OK);
    assert_int_equal(bc_file_write_in(&bc_working_dir, "t/" BC_THRESHOLDS_FILE, json, strlen(json), NULL, NULL),
                     BERTC_OK);
    return bc_thresholds_read("t", config, t, err);
}

static void test_thresholds_file(void **unused)
{
    (void)unused;
    static const struct {
        const char *json, *message;
    } bad[] = {
        {"{}", "t/thresholds.json: no object \"thresholds\""},
        {"{\"thresholds\": {\"a\": 0.5}}", "t/thresholds.json: no threshold of label \"b\""},
        {"{\"thresholds\": {\"a\": 0.5, \"c\": 0.5}}", "t/thresholds.json: the model has no label \"c\""},
        {"{\"thresholds\": {\"a\": 0.5, \"b\": 1}}",
         "t/thresholds.json: the threshold of \"b\" is not a number between 0 and 1"},
        {"{\"thresholds\": {\"a\": 0.5, \"b\": \"0.5\"}}",
         "t/thresholds.json: the threshold of \"b\" is not a number between 0 and 1"},
        {"{\"thresholds\": {\"a\": 0.5, \"a\": 0.5}}", "t/thresholds.json"},
        {"{\"thresholds\": ", "t/thresholds.json"},
    };
    static const char *const labels[] = {"b", "a"};
    bertc_config config;
    double *t;
    bertc_config_init(&config, NULL);
    assert_int_equal(bertc_config_set_labels(&config, labels, 2, NULL), BERTC_OK);
    assert_int_equal(bc_thresholds_read("model", &config, &t, NULL), BERTC_OK);
    assert_null(t);
    assert_int_equal(read_thresholds("{\"thresholds\": {\"a\": 0.25, \"b\": 0.75}}", &config, &t, NULL), BERTC_OK);
    assert_true(t[0] == 0.75 && t[1] == 0.25);
    bc_free(t);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bertc_error err = {0};
        assert_int_equal(read_thresholds(bad[i].json, &config, &t, &err), BERTC_INPUT);
        if (strncmp(err.message, bad[i].message, strlen(bad[i].message)) != 0) fail_msg("%s", err.message);
        bc_free(t);
    }
    bertc_config_clear(&config);
}

/* ---- 20,000 classes ------------------------------------------------------------------------ */

static void test_twenty_thousand_classes(void **unused)
{
    (void)unused;
    enum { MANY = 20000 };
    static char spelled[MANY][24];
    static const char *names[MANY], *reversed[MANY];
    bc_text text = {0};
    for (int i = 0; i < MANY; i++) {
        snprintf(spelled[i], sizeof spelled[i], "%s%d", i % 2 ? "Class " : "class-", i);
        names[i] = reversed[MANY - 1 - i] = spelled[i];
    }
    bc_text_printf(&text, "text\tlabels\n");
    for (int i = 0; i < 64; i++) bc_text_printf(&text, "good film\t%s\n", names[i * 300]);
    const bertc_task task = {.name = "many", .num_labels = MANY, .labels = names, .file_labels = names,
                             .num_metrics = 1, .metrics = {BERTC_ACCURACY}};
    trial t;
    begin(&t, parse(&task, text.bytes), reversed);
    bc_text_clear(&text);
    for (int i = 0; i < 64; i++) assert_int_equal(t.eval.inputs->labels[i], MANY - 1 - i * 300);
    assert_close(train(&t, 2, 1e-3), log(MANY), 1);
    assert_true(score(&t).value[BERTC_LOSS] < 11);
    assert_int_equal(bc_folder_create("many", NULL), BERTC_OK);
    assert_int_equal(bertc_model_save(bc_trainer_model(t.trainer), "many", NULL), BERTC_OK);
    end(&t);
    bertc_model *model;
    const bertc_model_options options = {.labels = names, .num_labels = MANY, .threads = 1};
    assert_int_equal(bertc_model_load("many", &options, &model, NULL), BERTC_OK);
    assert_string_equal(bertc_model_config(model)->labels[0], names[MANY - 1]); /* the head is kept in its order */
    bertc_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_head_of_sets),  cmocka_unit_test(test_fingerprints),
        cmocka_unit_test(test_weights),         cmocka_unit_test(test_shares),
        cmocka_unit_test(test_constant_sets),   cmocka_unit_test(test_thresholds_file),
        cmocka_unit_test(test_twenty_thousand_classes),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
