/* Tasks that a caller defines, from their text to a trained model: seven classes, three hundred classes, another
 * range of values. */
#include "jobs_fixture.h"

#include <math.h>

#include "data/epoch.h"
#include "data/stratify.h"
#include "run/objective.h"
#include "run/model_source.h"
#include "tasks/tasks.h"
#include "train/evaluate.h"
#include "train/trainer.h"

enum { MANY = 300, BATCH = 28 };

static const char *const firsts[] = {"good", "bad", "a", "film", "very", "not", "plot"};

/* A task with one split of two columns. The model's order of classes is the reverse of the task's. */
typedef struct made {
    bertc_task task;
    char spelled[MANY][24];
    const char *names[MANY], *files[MANY], *heads[MANY];
} made;

static void make(made *m, int classes)
{
    static const bertc_columns columns = {.file = "f.tsv", .header = true, .a_name = "text", .label_name = "label",
                                          .a = -1, .b = -1, .label = -1};
    for (int i = 0; i < classes; i++) {
        snprintf(m->spelled[i], sizeof m->spelled[i], "kind %d", i);
        m->names[i] = m->heads[classes - 1 - i] = m->spelled[i];
        m->files[i] = m->spelled[i] + 5;
    }
    m->task = (bertc_task){.name = "made", .num_labels = classes, .labels = m->names, .file_labels = m->files,
                           .num_metrics = 1, .metrics = {BERTC_ACCURACY}, .splits = {columns, columns, columns}};
    if (classes > 1) return;
    m->task.kind = BERTC_REGRESSION;
    m->task.labels = m->task.file_labels = NULL;
    m->task.low = -2;
    m->task.high = 1.9;
    m->task.metrics[0] = BERTC_PEARSON;
    m->heads[0] = "LABEL_0";
}

/* Write `count` sentences with random endings. The first word gives the label: class i in base seven, or a value
 * from -1.8 to 1.8. */
static bertc_dataset *read_made(const made *m, size_t count)
{
    char *text = malloc(64 * (count + 1)), *p = text;
    bertc_dataset *set;
    bertc_error err = {0};
    assert_non_null(text);
    p += sprintf(p, "text\tlabel\n");
    for (size_t i = 0; i < count; i++) {
        size_t classes = (size_t)m->task.num_labels, c = i % (classes > 1 ? classes : 7);
        p += sprintf(p, "%s", firsts[c % 7]);
        for (size_t rest = c / 7; rest > 0; rest /= 7) p += sprintf(p, " %s", firsts[rest % 7]);
        for (size_t w = 0; w < i * 5 % 3; w++) p += sprintf(p, " and");
        p += sprintf(p, classes > 1 ? "\t%.0f\n" : "\t%.1f\n", classes > 1 ? (double)c : 0.6 * ((double)c - 3));
    }
    if (bc_dataset_parse(&m->task, BERTC_TRAIN, &m->task.splits[BERTC_TRAIN], NULL, text, (size_t)(p - text), "f.tsv",
                         0, &set, &err) != BERTC_OK)
        fail_msg("%s", err.message);
    free(text);
    return set;
}

/* A data set, the evaluation of a model on it, and the model. */
typedef struct trial {
    made m;
    bc_model_source source;
    bertc_dataset *set;
    bc_trainer *trainer;
    bc_eval eval; /* owns the inputs and the map of labels */
    bc_epoch epoch;
    uint64_t *scratch;
} trial;

static trial *begin(int classes, size_t count)
{
    trial *t = calloc(1, sizeof *t);
    bertc_inputs *inputs;
    bertc_model *model;
    bool by_name;
    assert_non_null(t);
    make(&t->m, classes);
    assert_int_equal(bc_model_source_open(&t->source, "model", 0, NULL, NULL), BERTC_OK);
    t->set = read_made(&t->m, count);
    const bertc_model_options options = {.labels = t->m.heads, .num_labels = classes, .trainable = true, .seed = 5,
                                         .threads = 1};
    assert_int_equal(bertc_model_load("model", &options, &model, NULL), BERTC_OK);
    int32_t *map = bc_alloc((size_t)classes, sizeof *map);
    assert_int_equal(bertc_task_match_labels(&t->m.task, bertc_model_config(model)->labels, classes, map, &by_name,
                                             NULL), BERTC_OK);
    assert_true(by_name);
    for (int i = 0; i < classes; i++) assert_int_equal(map[i], classes - 1 - i);
    assert_int_equal(bertc_inputs_create(t->source.tokenizer, t->set, 16, map, &inputs, NULL), BERTC_OK);
    const bc_pack pack = {BATCH, 4096};
    assert_int_equal(bc_eval_open(&t->eval, inputs, map, (size_t)classes, pack, NULL), BERTC_OK);
    t->scratch = bc_alloc(count, 2 * sizeof *t->scratch);
    assert_int_equal(bc_epoch_create(&t->epoch, inputs, BATCH, 1, t->scratch, NULL), BERTC_OK);
    const bertc_limits limits = {.tokens = BATCH * 16, .sequences = BATCH, .longest = 16, .training = true};
    const bc_trainer_options how = {.seed = 1, .pack = pack, .max_grad_norm = 1};
    assert_int_equal(bc_trainer_create(model, &t->trainer, NULL), BERTC_OK);
    assert_int_equal(bc_trainer_open(t->trainer, &limits, &how, NULL), BERTC_OK);
    return t;
}

static void end(trial *t)
{
    bc_trainer_free(t->trainer);
    bc_epoch_clear(&t->epoch);
    bc_eval_close(&t->eval);
    bertc_dataset_free(t->set);
    bc_model_source_close(&t->source);
    bc_free(t->scratch);
    free(t);
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

static void test_seven_classes(void **unused)
{
    (void)unused;
    trial *t = begin(7, 140);
    for (size_t i = 0; i < t->set->count; i++) {
        assert_int_equal(t->eval.inputs->label_starts[i], i);
        assert_int_equal(t->eval.inputs->labels[i], 6 - i % 7);
    }
    assert_true(score(t).value[BERTC_ACCURACY] < 0.5);
    assert_close(train(t, 60, 1e-2), log(7), 0.7);
    bertc_scores scores = score(t);
    assert_true(scores.value[BERTC_ACCURACY] == 1);
    assert_true(scores.value[BERTC_LOSS] < 0.3);
    /* a wrong order of labels is reported, with the right one */
    int32_t best[7];
    double given, top;
    bool better;
    assert_int_equal(bertc_task_better_order(t->set, t->eval.logits, &better, best, &given, &top, NULL), BERTC_OK);
    assert_false(better);
    for (float *row = t->eval.logits; row < t->eval.logits + 7 * t->set->count; row += 7) {
        float last = row[6];
        memmove(row + 1, row, 6 * sizeof *row);
        row[0] = last;
    }
    assert_int_equal(bertc_task_better_order(t->set, t->eval.logits, &better, best, &given, &top, NULL), BERTC_OK);
    assert_true(better && given == 0 && top == 1);
    for (int i = 0; i < 7; i++) assert_int_equal(best[i], (i + 1) % 7);
    end(t);
}

static void test_three_hundred_classes(void **unused)
{
    (void)unused;
    trial *t = begin(MANY, 2 * MANY);
    assert_close(train(t, 150, 5e-3), log(MANY), 1.5);
    bertc_scores scores = score(t);
    assert_true(scores.value[BERTC_LOSS] < 5 && scores.value[BERTC_ACCURACY] >= 0.02); /* of ln 300 = 5.7 and 0.003 */
    assert_int_equal(bertc_task_write_submission(t->set, t->eval.logits, "many.tsv", NULL), BERTC_OK);
    size_t length;
    char *text = fixture_read("many.tsv", &length, false);
    int index, predicted, at = 0, n;
    char *line = strchr(text, '\n') + 1;
    for (; sscanf(line, "%d\t%d\n%n", &index, &predicted, &n) == 2; line += n, at++) {
        const float *row = t->eval.logits + at * MANY;
        assert_int_equal(index, at);
        assert_in_range(predicted, 0, MANY - 1);
        for (int c = 0; c < MANY; c++) assert_true(row[c] <= row[predicted]);
    }
    assert_int_equal(at, 2 * MANY);
    bc_free(text);
    end(t);
}

static void test_another_range(void **unused)
{
    (void)unused;
    trial *t = begin(1, 140);
    assert_int_equal(t->eval.inputs->label_starts[t->set->count], 0);
    train(t, 150, 1e-2);
    assert_true(score(t).value[BERTC_PEARSON] > 0.9);
    char low[64], high[64];
    bertc_task_format_prediction(&t->m.task, (const float[]){-2.5f}, low, sizeof low);
    bertc_task_format_prediction(&t->m.task, (const float[]){3}, high, sizeof high);
    assert_string_equal(low, "-2.5");
    assert_string_equal(high, "3");
    end(t);
}

/* A message shows a long name only up to a whole character, and keeps its own end. */
static void test_a_long_name_in_a_message(void **unused)
{
    (void)unused;
    static const char *const labels[] = {"a", "0123456789012345678901234567890123456789012345\xC3\xA9\xC3\xA9\xC3\xA9"};
    const bertc_task task = {.name = "made", .num_labels = 2, .labels = labels, .file_labels = labels};
    const bertc_scores scores = {.same_prediction = 2, .examples = 77};
    char text[BC_CONSTANT_TEXT];
    assert_true(bc_scores_describe_constant((bc_eval_split){.task = &task, .split = BERTC_DEV}, &scores, text));
    assert_string_equal(text,
                        "made dev: 0123456789012345678901234567890123456789012345\xC3\xA9 is predicted for all 77 "
                        "examples");
}

/* ---- Shares and weights -------------------------------------------------------------------- */

/* Each class gets the same number of examples, also with more classes than a byte can count. */
static void test_strata(void **unused)
{
    (void)unused;
    static made m;
    make(&m, MANY);
    bertc_dataset *set = read_made(&m, 10 * MANY);
    size_t counts[MANY] = {0};
    assert_int_equal(bc_stratify(set, 3 * MANY, 9, NULL), BERTC_OK);
    assert_int_equal(set->count, 3 * MANY);
    for (size_t i = 0; i < set->count; i++) counts[bc_example_class(&set->examples[i])]++;
    for (size_t c = 0; c < MANY; c++) assert_int_equal(counts[c], 3);
    bertc_dataset_free(set);
}

static void test_weights(void **unused)
{
    (void)unused;
    static made m;
    static const int32_t map[] = {6, 5, 4, 3, 2, 1, 0};
    make(&m, 7);
    bertc_dataset *set = read_made(&m, 9); /* two examples of classes 0 and 1, one of each other class */
    bertc_train_options o = fixture_options("out");
    for (int given = 0; given < 2; given++) {
        o.class_weights = given ? "1,2,3,4,5,6,7" : "balanced";
        bc_run run = bc_run_begin(&o, NULL);
        run.num_tasks = 1;
        bc_run_task *task = run.tasks;
        task->spec = &m.task;
        assert_int_equal(bc_objective_parse(&o, task, NULL), BERTC_OK);
        assert_int_equal(bc_objective_resolve(&run, task, set, map, NULL), BERTC_OK);
        for (int c = 0; c < 7; c++)
            assert_true(task->objective.weights[6 - c] == (given ? c + 1 : 9.0 / (7 * (c < 2 ? 2 : 1))));
        bc_run_close(&run);
    }
    bertc_error err = {0};
    bc_run_task task = {.spec = &m.task};
    o.class_weights = "1,2,3,4,5,6,7,8";
    assert_int_equal(bc_objective_parse(&o, &task, &err), BERTC_USAGE);
    assert_non_null(strstr(err.message, "8 weights, task made has 7 classes"));
    bc_free(task.class_weights);
    bertc_dataset_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seven_classes), cmocka_unit_test(test_three_hundred_classes),
        cmocka_unit_test(test_another_range), cmocka_unit_test(test_a_long_name_in_a_message),
        cmocka_unit_test(test_strata),        cmocka_unit_test(test_weights),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
