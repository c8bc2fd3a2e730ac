/* Class weights and label smoothing in complete runs: the loss of a step computed from its logits, balanced weights
 * by hand, micro-batches, resuming, refusals. */
#include "jobs_fixture.h"

#include <math.h>

#include "base/json.h"
#include "tasks/tasks.h"

enum { COUNT = 22, CLASSES = 2 };

/* One step over all examples with learning rate 0: the loss of the result is that of its own logits. */
static bertc_train_options one_step(void)
{
    bertc_train_options o = fixture_options("still");
    o.batch_size = COUNT;
    o.max_steps = 1;
    o.lr = 0;
    o.dropout = 0;
    return o;
}

static double log_softmax(const float *z, size_t c)
{
    return (double)z[c] - log(exp((double)z[0]) + exp((double)z[1]));
}

/* torch.nn.functional.cross_entropy of the logits in `p`, with weights in the task's order. */
static double reference(const bertc_predictions *p, const double *w, double smoothing)
{
    double label = 0, all = 0, divisor = 0;
    for (size_t i = 0; i < p->dataset->count; i++) {
        const float *z = p->logits + i * CLASSES;
        size_t y = (size_t)bc_example_class(&p->dataset->examples[i]);
        divisor += w[y];
        label -= w[y] * log_softmax(z, y);
        for (size_t c = 0; c < CLASSES; c++) all -= w[c] * log_softmax(z, c);
    }
    return ((1 - smoothing) * label + smoothing / CLASSES * all) / divisor;
}

static double reference_of(const char *model, const double *w, double smoothing)
{
    bertc_predict_options o = {.task = "sst2", .model = model, .data = "data", .split = BERTC_TRAIN,
                               .batch_size = 4, .backend = 2, .threads = 1};
    bertc_predictions p;
    bertc_error err = {0};
    if (bertc_predict(&o, true, NULL, &p, &err) != BERTC_OK) fail_msg("%s", err.message);
    double loss = reference(&p, w, smoothing);
    bertc_predictions_clear(&p);
    return loss;
}

/* 9 of the 22 examples are good. */
static const struct way {
    const char *weights;
    double smoothing, resolved[CLASSES];
} ways[] = {
    {"none", 0, {1, 1}},
    {"0.25,3", 0, {0.25, 3}},
    {"none", 0.1, {1, 1}},
    {"0.25,3", 0.3, {0.25, 3}},
    {"balanced", 0, {22.0 / (2 * 13), 22.0 / (2 * 9)}},
    {"0,1", 0.5, {0, 1}},
};

enum { WAYS = sizeof ways / sizeof *ways };

/* A model whose labels are in the other order. */
static void swap_labels(const char *dir)
{
    static const char *const swapped[] = {"positive", "negative"};
    bertc_model_options keep = {.backend = "reference", .threads = 1};
    bertc_model *model;
    assert_int_equal(bertc_model_load(dir, &keep, &model, NULL), BERTC_OK);
    bertc_config *config = (bertc_config *)(uintptr_t)bertc_model_config(model);
    assert_int_equal(bertc_config_set_labels(config, swapped, CLASSES, NULL), BERTC_OK);
    assert_int_equal(bertc_model_save(model, dir, NULL), BERTC_OK);
    bertc_model_free(model);
}

static void test_the_loss_is_that_of_the_formula(void **unused)
{
    (void)unused;
    bertc_train_options o = one_step();
    o.out = "swapped";
    fixture_run_anew(o);
    swap_labels("swapped");
    for (int i = 0; i < WAYS; i++)
        for (int variant = 0; variant < 3; variant++) {
            o = one_step();
            o.class_weights = ways[i].weights;
            o.label_smoothing = ways[i].smoothing;
            if (variant == 1) o.micro_batch_tokens = 16;
            if (variant == 2) o.model = "swapped";
            double loss = fixture_run_anew(o).train_loss;
            double want = reference_of("still", ways[i].resolved, ways[i].smoothing);
            assert_close(loss / want, 1, 1e-6);
        }
}

/* Scores have the plain loss, so that runs can be compared by them. */
static void test_evaluation_is_plain(void **unused)
{
    (void)unused;
    bertc_train_options o = one_step();
    bertc_train_result plain, other;
    o.eval_splits = "train";
    assert_int_equal(bertc_finetune(&o, NULL, &plain, NULL), BERTC_USAGE); /* "still" is not empty */
    fixture_remove("still");
    assert_int_equal(bertc_finetune(&o, NULL, &plain, NULL), BERTC_OK);
    fixture_remove("still");
    o.class_weights = "1,5";
    o.label_smoothing = 0.2;
    assert_int_equal(bertc_finetune(&o, NULL, &other, NULL), BERTC_OK);
    assert_true(plain.scores.value[BERTC_LOSS] == other.scores.value[BERTC_LOSS]);
    assert_close(plain.scores.value[BERTC_LOSS], plain.train_loss, 1e-6);
    assert_true(fabs(other.train_loss - plain.train_loss) > 1e-3);
}

static void check_record(bertc_train_options o, double negative, double positive)
{
    size_t length;
    char numbers[2][BC_JSON_DOUBLE], want[128];
    fixture_run_anew(o);
    char *text = fixture_read("still/run.json", &length, false);
    bc_json_double(numbers[0], negative);
    bc_json_double(numbers[1], positive);
    snprintf(want, sizeof want, "\"class_weights\":[%s,%s]", numbers[0], numbers[1]);
    assert_non_null(strstr(text, want));
    bc_free(text);
}

/* n / (C n[c]), for the examples that are used. */
static void test_balanced_weights(void **unused)
{
    (void)unused;
    bertc_train_options o = one_step();
    o.class_weights = "balanced";
    check_record(o, 22.0 / 26, 22.0 / 18);
    o.limit_train = 5; /* good bad bad good bad */
    check_record(o, 5.0 / 6, 5.0 / 4);
    o.out = "refused";
    o.limit_train = 1;
    fixture_refuse(o, BERTC_INPUT, "data/SST-2/train.tsv: no example of class negative, "
                                   "--class-weights balanced needs an example of each class");
    assert_false(bc_file_exists("refused"));
}

/* Both recipes and precisions, passes of any size: the parts of a batch add up to its loss, and a stopped run
 * resumes to the same result. */
static void test_parts_and_resume(void **unused)
{
    (void)unused;
    for (int i = 1; i < WAYS - 1; i++)
        for (int google = 0; google < 2; google++) {
            bertc_train_options o = fixture_options("whole");
            o.class_weights = ways[i].weights;
            o.label_smoothing = ways[i].smoothing;
            o.recipe = google ? BERTC_RECIPE_GOOGLE : BERTC_RECIPE_HF;
            o.precision = i % 2 ? BERTC_BF16 : BERTC_F32;
            o.lr = 1e-3;
            double whole = fixture_run_anew(o).train_loss;
            o.micro_batch_tokens = 16;
            double parts = fixture_run_anew(o).train_loss;
            assert_close(parts / whole, 1, o.precision == BERTC_F32 ? 1e-5 : 1e-3);
            fixture_stop_twice(o, "whole");
        }
}

static void test_a_batch_without_weight(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("empty");
    o.class_weights = "0,1";
    o.batch_size = 1;
    o.no_shuffle = true; /* the first example is good */
    fixture_refuse(o, BERTC_DIVERGED,
                   "step 2: the loss is undefined, every example of the batch has the class weight 0");
}

static void test_refusals(void **unused)
{
    (void)unused;
    static const struct {
        const char *task, *weights;
        double smoothing;
        const char *message;
    } cases[] = {
        {"sst2", "1", 0, "--class-weights: 1 weight, task sst2 has 2 classes: negative, positive"},
        {"sst2", "1,2,3,4,5", 0, "--class-weights: 5 weights, task sst2 has 2 classes: negative, positive"},
        {"sst2", "1,-2", 0, "--class-weights: '-2' is not a number of 0 or more"},
        {"sst2", "1,", 0, "--class-weights: '' is not a number of 0 or more"},
        {"sst2", "1,inf", 0, "--class-weights: 'inf' is not a number of 0 or more"},
        {"sst2", "nan,1", 0, "--class-weights: 'nan' is not a number of 0 or more"},
        {"sst2", "even", 0, "--class-weights: 'even' is not a number of 0 or more"},
        {"sst2", "0,0", 0, "--class-weights: every weight is 0"},
        {"stsb", "1", 0, "--class-weights: task stsb is a regression, it has no classes"},
        {"stsb", "balanced", 0, "--class-weights: task stsb is a regression, it has no classes"},
        {"stsb", "none", 0.1, "--label-smoothing: task stsb is a regression, it has no classes"},
        {"sst2", "none", 1.5, "--label-smoothing is out of range"},
        {"sst2", "none", -0.5, "--label-smoothing is out of range"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_train_options o = fixture_options("refused");
        o.task = cases[i].task;
        o.class_weights = cases[i].weights;
        o.label_smoothing = cases[i].smoothing;
        fixture_refuse(o, BERTC_USAGE, cases[i].message);
        assert_false(bc_file_exists("refused"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_loss_is_that_of_the_formula),
        cmocka_unit_test(test_evaluation_is_plain),
        cmocka_unit_test(test_balanced_weights),
        cmocka_unit_test(test_parts_and_resume),
        cmocka_unit_test(test_a_batch_without_weight),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
