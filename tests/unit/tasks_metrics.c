/* Metrics against numbers worked out by hand, degenerate cases as scikit-learn and scipy have them.
 * tests/parity/metrics_parity.py compares random vectors. */
#include <math.h>

#include "unit/classes.h"
#include "unit/tasks_help.h"

/* Score `predictions` against `labels` (strings of digits); logits are 1 for the predicted class. */
static bertc_scores score_classes(const char *task, const char *labels, const char *predictions)
{
    size_t n = strlen(labels), classes = (size_t)task_named(task)->num_labels;
    bertc_dataset *set = blank_set(task, n);
    float *logits = calloc(n * classes, sizeof *logits);
    for (size_t i = 0; i < n; i++) {
        set_class(&set->examples[i], labels[i] - '0');
        logits[i * classes + (size_t)(predictions[i] - '0')] = 1;
    }
    set->labelled = true;
    bertc_scores scores;
    assert_int_equal(bertc_task_score(set, logits, &scores, NULL), BERTC_OK);
    assert_int_equal(scores.examples, n);
    free(logits);
    bertc_dataset_free(set);
    return scores;
}

static bertc_scores score_values(const float *targets, const float *values, size_t n)
{
    bertc_dataset *set = blank_set("stsb", n);
    for (size_t i = 0; i < n; i++) set->examples[i].value = targets[i];
    set->labelled = true;
    bertc_scores scores;
    assert_int_equal(bertc_task_score(set, values, &scores, NULL), BERTC_OK);
    bertc_dataset_free(set);
    return scores;
}

static void two_classes(void **state)
{
    (void)state;
    /* TP 2, FN 1, FP 1, TN 1 */
    bertc_scores s = score_classes("mrpc", "11100", "11010");
    assert_near(s.value[BERTC_ACCURACY], 3.0 / 5);
    assert_near(s.value[BERTC_F1], 4.0 / 6);
    /* (2*1 - 1*1) / sqrt(3 * 3 * 2 * 2) */
    assert_near(s.value[BERTC_MATTHEWS], 1.0 / 6);
    s = score_classes("cola", "1100", "0011");
    assert_near(s.value[BERTC_MATTHEWS], -1);
    s = score_classes("cola", "1100", "1100");
    assert_near(s.value[BERTC_MATTHEWS], 1);
    assert_near(s.value[BERTC_F1], 1);
}

/* same_prediction for `n` examples of class `c` and `m` of class `d`, all predicted as one class but the last. */
static size_t same_prediction_of(const char *task, size_t n, char c, size_t m, char d, char predicted, char last)
{
    char labels[128] = "", predictions[128] = "";
    memset(labels, c, n);
    memset(labels + n, d, m);
    memset(predictions, predicted, n + m);
    predictions[n + m - 1] = last;
    return score_classes(task, labels, predictions).same_prediction;
}

static void same_class_is_reported(void **state)
{
    (void)state;
    assert_int_equal(same_prediction_of("cola", 60, '1', 20, '0', '1', '1'), 2);
    assert_int_equal(same_prediction_of("cola", 20, '1', 60, '0', '0', '0'), 1);
    assert_int_equal(same_prediction_of("mnli", 40, '0', 40, '1', '2', '2'), 3);
    assert_int_equal(same_prediction_of("cola", 60, '1', 20, '0', '1', '0'), 0); /* not all predictions */
    assert_int_equal(same_prediction_of("cola", 60, '1', 19, '0', '1', '1'), 0); /* too few of the other class */
    assert_int_equal(same_prediction_of("cola", 4, '1', 4, '0', '1', '1'), 0);
    assert_int_equal(same_prediction_of("cola", 50, '1', 50, '1', '1', '1'), 0); /* the data have one class */
    assert_int_equal(same_prediction_of("cola", 50, '1', 50, '1', '0', '0'), 1);
}

static void same_value_is_reported(void **state)
{
    (void)state;
    float targets[40], values[40], near[40], far[40], same[40];
    for (int i = 0; i < 40; i++) {
        targets[i] = (float)(i % 6);
        values[i] = 2.5f;
        same[i] = 3;
        near[i] = 2.5f + 0.0009f * (float)(i % 6); /* 0.0009 times the deviation of the targets */
        far[i] = 2.5f + 0.0011f * (float)(i % 6);
    }
    assert_int_equal(score_values(targets, values, 40).same_prediction, 1);
    assert_int_equal(score_values(targets, near, 40).same_prediction, 1);
    assert_int_equal(score_values(targets, far, 40).same_prediction, 0);
    assert_int_equal(score_values(targets, values, 19).same_prediction, 0);
    assert_int_equal(score_values(same, values, 40).same_prediction, 0);
    assert_int_equal(score_values(targets, targets, 40).same_prediction, 0);
}

static void three_classes(void **state)
{
    (void)state;
    /* confusion rows (2,0,0) (0,1,1) (1,0,1): 4 right of 6; labels 2,2,2; predictions 3,1,2 */
    bertc_scores s = score_classes("ax", "001122", "001202");
    assert_near(s.value[BERTC_ACCURACY], 4.0 / 6);
    assert_near(s.value[BERTC_MATTHEWS], (4.0 * 6 - 12) / sqrt((36.0 - 12) * (36 - 14)));
}

static void undefined_class_metrics_are_zero(void **state)
{
    (void)state;
    bertc_scores s = score_classes("cola", "0000", "0000");
    assert_near(s.value[BERTC_ACCURACY], 1);
    assert_near(s.value[BERTC_MATTHEWS], 0);
    assert_near(s.value[BERTC_F1], 0);
    assert_near(score_classes("cola", "0110", "1111").value[BERTC_MATTHEWS], 0);
    assert_near(score_classes("cola", "1111", "0110").value[BERTC_MATTHEWS], 0);
}

static void first_of_equal_logits_is_predicted(void **state)
{
    (void)state;
    float logits[] = {0.5f, 0.5f, 0.25f};
    assert_int_equal(bc_argmax(logits, 3), 0);
    assert_int_equal(bc_argmax(logits + 1, 2), 0);
    logits[2] = 1;
    assert_int_equal(bc_argmax(logits, 3), 2);
}

static void cross_entropy_is_stable(void **state)
{
    (void)state;
    static const float logits[] = {0, 0, 1000, -1000, -1000, 1000, 1, 2};
    bertc_dataset *set = blank_set("sst2", 4);
    for (int i = 0; i < 4; i++) set_class(&set->examples[i], i == 3);
    set->labelled = true;
    bertc_scores s;
    assert_int_equal(bertc_task_score(set, logits, &s, NULL), BERTC_OK);
    assert_near(s.loss, (log(2) + 0 + 2000 + log1p(exp(-1))) / 4);
    bertc_dataset_free(set);
}

static void correlations(void **state)
{
    (void)state;
    static const float x[] = {1, 2, 3, 4}, line[] = {3, 5, 7, 9}, down[] = {4, 3, 2, 1};
    static const float bent[] = {1, 2, 3, 100}, mixed[] = {2, 1, 4, 3}, tied[] = {1, 1, 2, 3};
    assert_near(score_values(x, line, 4).value[BERTC_PEARSON], 1);
    assert_near(score_values(x, down, 4).value[BERTC_PEARSON], -1);
    assert_near(score_values(x, bent, 4).value[BERTC_SPEARMAN], 1);
    /* dx = -1.5 -.5 .5 1.5, dy = -.5 -1.5 1.5 .5: sums 3 / sqrt(5 * 5) */
    assert_near(score_values(x, mixed, 4).value[BERTC_PEARSON], 0.6);
    assert_near(score_values(x, mixed, 4).value[BERTC_SPEARMAN], 0.6);
    /* ranks of tied: 1.5 1.5 3 4: sums 4.5 / sqrt(5 * 4.5) */
    assert_near(score_values(x, tied, 4).value[BERTC_SPEARMAN], 4.5 / sqrt(5 * 4.5));
    assert_near(score_values(x, mixed, 4).loss, 1);
}

static void correlation_with_a_constant_is_nan(void **state)
{
    (void)state;
    /* 0.1f summed 1000 times is not 1000 * 0.1f: a mean alone would not see the constant. */
    float x[1000], constant[1000];
    for (int i = 0; i < 1000; i++) {
        x[i] = (float)(i % 6) * 0.7f;
        constant[i] = 0.1f;
    }
    assert_true(isnan(score_values(x, constant, 1000).value[BERTC_PEARSON]));
    assert_true(isnan(score_values(constant, x, 1000).value[BERTC_SPEARMAN]));
    assert_true(isnan(score_values(x, x, 1).value[BERTC_PEARSON]));
    assert_true(score_values(x, constant, 1000).loss > 0);
}

static void other_metrics_are_nan(void **state)
{
    (void)state;
    assert_true(isnan(score_classes("sst2", "01", "01").value[BERTC_PEARSON]));
    static const float x[] = {1, 2};
    assert_true(isnan(score_values(x, x, 2).value[BERTC_ACCURACY]));
}

static void logits_must_be_finite(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    bertc_dataset *set = blank_set("sst2", 3);
    for (int i = 0; i < 3; i++) set_class(&set->examples[i], 0);
    set->labelled = true;
    for (int i = 0; i < 3; i++) {
        float logits[6] = {0};
        logits[3] = bad[i];
        bertc_scores s;
        bertc_error err = {0};
        assert_int_equal(bertc_task_score(set, logits, &s, &err), BERTC_DIVERGED);
        assert_string_equal(err.message, "f.tsv:2: the model's output is not finite");
        assert_true(isnan(s.loss));
    }
    bertc_dataset_free(set);
}

static void scores_are_one_json_object(void **state)
{
    (void)state;
    bertc_scores scores = {.loss = NAN, .examples = 3};
    char *json;
    scores.value[BERTC_ACCURACY] = 0.1 + 0.2; /* no short decimal */
    scores.value[BERTC_F1] = 1;
    assert_int_equal(bertc_scores_json(task_named("mrpc"), BERTC_DEV, &scores, &json, NULL), BERTC_OK);
    assert_string_equal(json, "{\"task\":\"mrpc\",\"split\":\"dev\",\"examples\":3,\"loss\":null,"
                              "\"metrics\":{\"f1\":1,\"accuracy\":0.30000000000000004}}");
    free(json);
    assert_int_equal(bertc_scores_json(NULL, BERTC_DEV, &scores, &json, NULL), BERTC_USAGE);
    assert_int_equal(bertc_scores_json(task_named("mrpc"), BERTC_SPLITS, &scores, &json, NULL), BERTC_USAGE);
    assert_null(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_classes),
        cmocka_unit_test(same_class_is_reported),
        cmocka_unit_test(same_value_is_reported),
        cmocka_unit_test(three_classes),
        cmocka_unit_test(undefined_class_metrics_are_zero),
        cmocka_unit_test(first_of_equal_logits_is_predicted),
        cmocka_unit_test(cross_entropy_is_stable),
        cmocka_unit_test(correlations),
        cmocka_unit_test(correlation_with_a_constant_is_nan),
        cmocka_unit_test(other_metrics_are_nan),
        cmocka_unit_test(logits_must_be_finite),
        cmocka_unit_test(scores_are_one_json_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
