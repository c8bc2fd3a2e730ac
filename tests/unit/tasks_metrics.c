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

static void averages(void **state)
{
    (void)state;
    /* as in three_classes: precision 2/3, 1, 1/2; recall 1, 1/2, 1/2; F1 4/5, 2/3, 1/2; 2 examples of each class */
    bertc_scores s = score_classes("ax", "001122", "001202");
    assert_near(s.value[BERTC_PRECISION_MACRO], (2.0 / 3 + 1 + 0.5) / 3);
    assert_near(s.value[BERTC_RECALL_MACRO], 2.0 / 3);
    assert_near(s.value[BERTC_F1_MACRO], (0.8 + 2.0 / 3 + 0.5) / 3);
    assert_near(s.value[BERTC_F1_WEIGHTED], s.value[BERTC_F1_MACRO]);
    static const bertc_metric micro[] = {BERTC_PRECISION_MICRO, BERTC_RECALL_MICRO, BERTC_F1_MICRO,
                                         BERTC_SUBSET_ACCURACY};
    for (int i = 0; i < 4; i++) assert_near(s.value[micro[i]], s.value[BERTC_ACCURACY]);
    /* A class that is neither a label nor a prediction does not count; one that is only a prediction counts 0. */
    s = score_classes("ax", "0011", "0010");
    assert_near(s.value[BERTC_F1_MACRO], (0.8 + 2.0 / 3) / 2);
    s = score_classes("ax", "0011", "0012");
    assert_near(s.value[BERTC_F1_MACRO], (1 + 2.0 / 3) / 3);
    assert_near(s.value[BERTC_F1_WEIGHTED], (1 + 2.0 / 3) / 2);
    s = score_classes("mrpc", "11100", "11010");
    assert_near(s.value[BERTC_PRECISION], 2.0 / 3);
    assert_near(s.value[BERTC_RECALL], 2.0 / 3);
}

static bertc_scores score_logits(const char *task, const char *labels, const float *logits)
{
    size_t n = strlen(labels);
    bertc_dataset *set = blank_set(task, n);
    for (size_t i = 0; i < n; i++) set_class(&set->examples[i], labels[i] - '0');
    set->labelled = true;
    bertc_scores scores;
    assert_int_equal(bertc_task_score(set, logits, &scores, NULL), BERTC_OK);
    bertc_dataset_free(set);
    return scores;
}

static void areas(void **state)
{
    (void)state;
    /* Log-odds of class 1: 3, 2, 2, 1, 0; the labels 1, 0, 1, 1, 0. Of the 6 pairs the positives win 1 + 1, 0.5 + 1 and
     * 0 + 1. Precision at 3: 1/1, at 2: 2/3, at 1: 3/4. */
    static const float five[] = {0, 3, -1, 1, 5, 7, 0, 1, 2, 2};
    bertc_scores s = score_logits("sst2", "10110", five);
    assert_near(s.value[BERTC_AUC], 4.5 / 6);
    assert_near(s.value[BERTC_AVERAGE_PRECISION], (1 + 2.0 / 3 + 0.75) / 3);
    /* Log-odds that no probability of 53 bits tells apart */
    static const float far[] = {0, 1000, 0, 2000};
    assert_near(score_logits("sst2", "01", far).value[BERTC_AUC], 1);
    assert_near(score_logits("sst2", "10", far).value[BERTC_AUC], 0);
    /* One class has no example, or every example. */
    s = score_logits("sst2", "00", far);
    assert_true(isnan(s.value[BERTC_AUC]));
    assert_near(s.value[BERTC_AVERAGE_PRECISION], 0);
    s = score_logits("sst2", "11", far);
    assert_true(isnan(s.value[BERTC_AUC]));
    assert_near(s.value[BERTC_AVERAGE_PRECISION], 1);
    /* Three classes by their probabilities: class 0 is ranked well, class 1 wrong, class 2 tied. */
    static const float three[] = {9, 0, 0, 0, 0, 0, 0, 0, 0};
    s = score_logits("ax", "012", three);
    assert_near(s.value[BERTC_AUC], (1 + 0.75 + 0.75) / 3);
    assert_near(s.value[BERTC_AVERAGE_PRECISION], (1 + 0.5 + 0.5) / 3);
    assert_true(isnan(score_logits("ax", "010", three).value[BERTC_AUC]));
}

static void errors_of_values(void **state)
{
    (void)state;
    static const float x[] = {1, 2, 3, 4}, mixed[] = {2, 1, 4, 3}, same[] = {3, 3, 3, 3};
    bertc_scores s = score_values(x, mixed, 4);
    assert_near(s.value[BERTC_MSE], 1);
    assert_near(s.value[BERTC_MAE], 1);
    assert_near(s.value[BERTC_R2], 1 - 4.0 / 5);
    assert_near(score_values(same, same, 4).value[BERTC_R2], 1);
    assert_near(score_values(same, x, 4).value[BERTC_R2], 0);
    assert_true(isnan(score_values(x, x, 1).value[BERTC_R2]));
}

static void lists_of_metrics(void **state)
{
    (void)state;
    bertc_metric_list list;
    bertc_error err = {0};
    assert_int_equal(bertc_metric_list_parse("auc,own,loss", task_named("mrpc"), &list, &err), BERTC_OK);
    assert_int_equal(list.count, 4);
    static const bertc_metric wanted[] = {BERTC_AUC, BERTC_F1, BERTC_ACCURACY, BERTC_LOSS};
    assert_memory_equal(list.metrics, wanted, sizeof wanted);
    assert_int_equal(bertc_metric_list_parse("accuracy,own,own", task_named("mrpc"), &list, &err), BERTC_OK);
    assert_int_equal(list.count, 2);
    static const char *const tasks[] = {"mrpc", "mnli", "stsb"};
    for (int t = 0; t < 3; t++) {
        int fitting = 0;
        for (int m = 0; m < BERTC_METRICS; m++) fitting += bertc_metric_fits((bertc_metric)m, task_named(tasks[t]));
        assert_int_equal(bertc_metric_list_parse("all", task_named(tasks[t]), &list, &err), BERTC_OK);
        assert_int_equal(list.count, fitting);
        assert_int_equal(fitting, t == 0 ? 16 : t == 1 ? 13 : 6);
    }
    static const struct {
        const char *names, *message;
    } bad[] = {{"auc,f1,auc", "auc is listed twice"},
               {"auc,", "the name of a metric is empty"},
               {"", "the name of a metric is empty"},
               {"own,mse", "task mrpc has no metric mse, its metrics are accuracy, f1, matthews, f1_macro, f1_micro, "
                           "f1_weighted, precision, precision_macro, precision_micro, recall, recall_macro, "
                           "recall_micro, auc, average_precision, subset_accuracy, loss"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err = (bertc_error){0};
        assert_int_equal(bertc_metric_list_parse(bad[i].names, task_named("mrpc"), &list, &err), BERTC_USAGE);
        assert_string_equal(err.message, bad[i].message);
    }
    assert_true(bertc_metric_smaller_is_better(BERTC_LOSS) && bertc_metric_smaller_is_better(BERTC_MAE));
    assert_true(!bertc_metric_smaller_is_better(BERTC_R2) && !bertc_metric_smaller_is_better(BERTC_METRICS));
}

/* A report of `labels` and `predictions` (digits) as JSON, behind the scores. */
static char *report_json(const bertc_task *task, const char *labels, const char *predictions)
{
    size_t n = strlen(labels), classes = (size_t)task->num_labels;
    bertc_dataset *set = blank_set_of(task, n);
    float *logits = calloc(n * classes, sizeof *logits);
    for (size_t i = 0; i < n; i++) {
        set_class(&set->examples[i], labels[i] - '0');
        logits[i * classes + (size_t)(predictions[i] - '0')] = 1;
    }
    set->labelled = true;
    bertc_class_report report;
    const bertc_scores scores = {.examples = n};
    const bertc_metric_list none = {0};
    char *json;
    assert_int_equal(bertc_task_report_classes(set, logits, &report, NULL), BERTC_OK);
    for (size_t i = 0; i < report.num_confusions; i++) {
        const bertc_confusion *c = &report.confusions[i];
        assert_near(c->share * (double)report.classes[c->label].examples, (double)c->count);
    }
    assert_int_equal(bertc_scores_json(task, BERTC_DEV, &scores, &none, &report, &json, NULL), BERTC_OK);
    bertc_class_report_clear(&report);
    free(logits);
    bertc_dataset_free(set);
    return json;
}

static void reports_by_class(void **state)
{
    (void)state;
    char *json = report_json(task_named("ax"), "001100", "001002");
    assert_string_equal(json, "{\"task\":\"ax\",\"split\":\"dev\",\"examples\":6,\"loss\":0,\"metrics\":{},\"classes\":["
                              "{\"label\":\"entailment\",\"precision\":0.75,\"recall\":0.75,\"f1\":0.75,\"support\":4},"
                              "{\"label\":\"neutral\",\"precision\":1,\"recall\":0.5,\"f1\":0.6666666666666666,"
                              "\"support\":2},"
                              "{\"label\":\"contradiction\",\"precision\":0,\"recall\":0,\"f1\":0,\"support\":0}],"
                              "\"confusion\":[[3,0,1],[1,1,0],[0,0,0]]}");
    free(json);
    /* 21 classes: only the confusions, the most frequent first, then by label and prediction. */
    static char spelled[21][16];
    const char *names[21];
    for (int c = 0; c < 21; c++) snprintf(spelled[c], sizeof spelled[c], "c%d", c);
    for (int c = 0; c < 21; c++) names[c] = spelled[c];
    bertc_task task = {.name = "many", .kind = BERTC_CLASSIFICATION, .num_labels = 21, .labels = names,
                       .file_labels = names};
    json = report_json(&task, "2222113", "2221033");
    assert_non_null(strstr(json, "{\"label\":\"c2\",\"precision\":1,\"recall\":0.75,\"f1\":0.8571428571428571,\"support\":4}"));
    assert_string_equal(strstr(json, ",\"confusions\""),
                        ",\"confusions\":[{\"label\":\"c1\",\"predicted\":\"c0\",\"count\":1},"
                        "{\"label\":\"c1\",\"predicted\":\"c3\",\"count\":1},"
                        "{\"label\":\"c2\",\"predicted\":\"c1\",\"count\":1}]}");
    free(json);
    json = report_json(&task, "221113", "110001");
    assert_string_equal(strstr(json, ",\"confusions\""),
                        ",\"confusions\":[{\"label\":\"c1\",\"predicted\":\"c0\",\"count\":3},"
                        "{\"label\":\"c2\",\"predicted\":\"c1\",\"count\":2},"
                        "{\"label\":\"c3\",\"predicted\":\"c1\",\"count\":1}]}");
    free(json);
    bertc_dataset *set = blank_set("stsb", 1);
    const float value = 1;
    bertc_class_report report;
    bertc_error err = {0};
    set->labelled = true;
    assert_int_equal(bertc_task_report_classes(set, &value, &report, &err), BERTC_USAGE);
    assert_string_equal(err.message, "task stsb is a regression, it has no classes");
    bertc_class_report_clear(&report);
    bertc_dataset_free(set);
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
    assert_near(s.value[BERTC_LOSS], (log(2) + 0 + 2000 + log1p(exp(-1))) / 4);
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
    assert_near(score_values(x, mixed, 4).value[BERTC_LOSS], 1);
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
    assert_true(score_values(x, constant, 1000).value[BERTC_LOSS] > 0);
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
        assert_true(isnan(s.value[BERTC_LOSS]));
    }
    bertc_dataset_free(set);
}

static void scores_are_one_json_object(void **state)
{
    (void)state;
    bertc_scores scores = {.value[BERTC_LOSS] = NAN, .examples = 3};
    char *json;
    scores.value[BERTC_ACCURACY] = 0.1 + 0.2; /* no short decimal */
    scores.value[BERTC_F1] = 1;
    assert_int_equal(bertc_scores_json(task_named("mrpc"), BERTC_DEV, &scores, NULL, NULL, &json, NULL), BERTC_OK);
    assert_string_equal(json, "{\"task\":\"mrpc\",\"split\":\"dev\",\"examples\":3,\"loss\":null,"
                              "\"metrics\":{\"f1\":1,\"accuracy\":0.30000000000000004}}");
    free(json);
    assert_int_equal(bertc_scores_json(NULL, BERTC_DEV, &scores, NULL, NULL, &json, NULL), BERTC_USAGE);
    assert_int_equal(bertc_scores_json(task_named("mrpc"), BERTC_SPLITS, &scores, NULL, NULL, &json, NULL), BERTC_USAGE);
    assert_null(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_classes),
        cmocka_unit_test(same_class_is_reported),
        cmocka_unit_test(same_value_is_reported),
        cmocka_unit_test(three_classes),
        cmocka_unit_test(averages),
        cmocka_unit_test(areas),
        cmocka_unit_test(errors_of_values),
        cmocka_unit_test(lists_of_metrics),
        cmocka_unit_test(reports_by_class),
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
