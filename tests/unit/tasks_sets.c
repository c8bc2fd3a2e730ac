/* Multi-label tasks: sets of labels in tables, their scores by hand, and thresholds. */
#include <math.h>

#include "tasks/label_sets.h"
#include "unit/tasks_help.h"

static const char *const names[] = {"joy", "anger", "fear", "a, b"};
enum { C = 4 };

/* A task whose splits have a text and a label column. */
static bertc_task sets_task(char separator)
{
    const bertc_columns columns = {.file = "f.tsv", .header = true, .a_name = "text", .label_name = "labels", .a = -1,
                                   .b = -1, .label = -1, .label_separator = separator};
    return (bertc_task){.name = "feelings", .kind = BERTC_MULTILABEL, .num_labels = C, .labels = names,
                        .file_labels = names, .num_metrics = 1, .metrics = {BERTC_F1_MICRO},
                        .splits = {columns, columns, columns}};
}

static bertc_status read_text(const bertc_task *task, bertc_split split, const char *text, bertc_dataset **set,
                              bertc_error *err)
{
    return parse_by(task, split, &task->splits[split], text, strlen(text), 0, set, err);
}

/* Expect the labels of an example as digits; "-" for an unlabelled example. */
static void assert_set(const bertc_example *e, const char *expected)
{
    char found[16] = "-";
    if (e->labels) found[0] = '\0';
    for (size_t i = 0; i < e->num_labels; i++) snprintf(found + i, 2, "%d", (int)e->labels[i]);
    assert_string_equal(found, expected);
}

static void assert_sets(const bertc_task *task, bertc_split split, const char *text, const char *const *expected)
{
    bertc_dataset *set = NULL;
    bertc_error err = {0};
    if (read_text(task, split, text, &set, &err) != BERTC_OK) fail_msg("%s", err.message);
    for (size_t i = 0; i < set->count; i++) assert_set(&set->examples[i], expected[i]);
    assert_null(expected[set->count]);
    assert_int_equal(set->labelled, expected[0][0] != '-');
    bertc_dataset_free(set);
}

static void refuse(const bertc_task *task, const char *text, const char *message)
{
    bertc_dataset *set = NULL;
    bertc_error err = {0};
    assert_int_equal(read_text(task, BERTC_TRAIN, text, &set, &err), BERTC_INPUT);
    assert_null(set);
    assert_string_equal(err.message, message);
}

static void cells_are_read(void **state)
{
    (void)state;
    const bertc_task task = sets_task(';'), single = sets_task(0);
    static const char *const found[] = {"02", "", "1", "0", "3", "13", "", "02", "012", NULL};
    assert_sets(&task, BERTC_TRAIN,
                "text\tlabels\nt\tfear;joy\nt\t\nt\tanger\nt\tjoy; joy ;joy\nt\ta, b\nt\t[\"a, b\", \"anger\"]\nt\t[]\n"
                "t\t [ \"joy\" ,\"fear\",\"joy\"] \nt\tfear;anger;joy\n", found);
    static const char *const one[] = {"3", "02", NULL};
    assert_sets(&single, BERTC_DEV, "text\tlabels\nt\ta, b\nt\t[\"fear\",\"joy\"]\n", one);
    refuse(&task, "text\tlabels\nt\tjoy\nt\tjoy;sad\n", "f.tsv:3: label \"sad\" is not one of joy, anger, fear, a, b");
    refuse(&task, "text\tlabels\nt\tjoy;\n", "f.tsv:2: label \"\" is not one of joy, anger, fear, a, b");
    refuse(&single, "text\tlabels\nt\tjoy;fear\n", "f.tsv:2: label \"joy;fear\" is not one of joy, anger, fear, a, b");
    refuse(&task, "text\tlabels\nt\t[\"joy\"\n", "f.tsv:2: label \"[\"joy\"\" is not one of joy, anger, fear, a, b");
    refuse(&task, "text\tlabels\nt\t['joy']\n", "f.tsv:2: \"['joy']\" is not a JSON list of labels");
    refuse(&task, "text\tlabels\nt\t[[\"joy\"]]\n", "f.tsv:2: \"[[\"joy\"]]\" is not a JSON list of labels");
    refuse(&task, "text\tlabels\nt\t[null]\n", "f.tsv:2: \"[null]\" is not a JSON list of labels");
    refuse(&task, "text\tlabels\nt\t\nt\t[]\n", "f.tsv: no row has a label");
    refuse(&task, "text\tlabels\nt\tjoy\nt\t-1\n", "f.tsv:3: label \"-1\" is not one of joy, anger, fear, a, b");
}

/* Labels that are numbers, as `datasets` writes them; the numbers of a list are spelled as in the cell. */
static void numbers_are_read(void **state)
{
    (void)state;
    static const char *const digits[] = {"10", "2.50", "true", "x\"y]"};
    bertc_task task = sets_task(0);
    static const char *const by_name[] = {"01", "23", NULL}, *const by_class[] = {"02", NULL};
    task.labels = task.file_labels = digits;
    assert_sets(&task, BERTC_TRAIN, "text\tlabels\nt\t[2.50, 10]\nt\t[\"x\\\"y]\",true]\n", by_name);
    task.labels = task.file_labels = names;
    for (int s = 0; s < BERTC_SPLITS; s++) task.splits[s].class_label = true;
    assert_sets(&task, BERTC_TRAIN, "text\tlabels\nt\t[2, 0]\n", by_class);
    refuse(&task, "text\tlabels\nt\t[4]\n", "f.tsv:2: label \"4\" is not one of joy, anger, fear, a, b, nor a number from "
           "0 to 3");
}

/* The rows of a test file without any label are not labelled. */
static void test_files(void **state)
{
    (void)state;
    const bertc_task task = sets_task(',');
    static const char *const some[] = {"", "0", NULL}, *const none[] = {"-", "-", NULL};
    assert_sets(&task, BERTC_TEST, "text\tlabels\nt\t\nt\tjoy\n", some);
    assert_sets(&task, BERTC_TEST, "text\tlabels\nt\t\nt\t[]\n", none);
    assert_sets(&task, BERTC_TEST, "text\tlabels\nt\t-1\nt\t-1\n", none);
    assert_sets(&task, BERTC_TEST, "text\tother\nt\t\nt\t\n", none);
}

static void columns_are_read(void **state)
{
    (void)state;
    static const char *const columns[] = {"joy", "ANGER", "fear", "a, b"};
    bertc_task task = sets_task(0);
    for (int s = 0; s < BERTC_SPLITS; s++) {
        task.splits[s].label_name = NULL;
        task.splits[s].label_columns = columns;
    }
    static const char *const found[] = {"02", "", "1", "0123", NULL}, *const none[] = {"-", "-", NULL};
    assert_sets(&task, BERTC_TRAIN, "fear\ttext\tjoy\tanger\ta, b\n1\tt\t1\t0\t0\n0\tt\t0\t0\t0\n"
                "0.0\tt\tFalse\tTRUE\tfalse\n1.0\tt\ttrue\t1\t1\n", found);
    assert_sets(&task, BERTC_TEST, "fear\ttext\tjoy\tanger\ta, b\n-1\tt\t-1\t-1\t-1\n\tt\t\t\t\n", none);
    assert_sets(&task, BERTC_TEST, "text\tid\nt\t1\nt\t2\n", none);
    refuse(&task, "fear\ttext\tjoy\tanger\ta, b\n1\tt\t1\t2\t0\n",
           "f.tsv:2: column \"ANGER\" is \"2\", expected 0 or 1");
    refuse(&task, "fear\ttext\tjoy\tanger\ta, b\n1\tt\t1\t0\t0\n1\tt\t\t0\t0\n",
           "f.tsv:3: column \"joy\" is \"\", expected 0 or 1");
    refuse(&task, "fear\ttext\tjoy\tanger\n1\tt\t1\t0\n",
           "f.tsv:1: there is a column of label \"fear\", but none of label \"a, b\"");
    task.splits[BERTC_TRAIN].header = false;
    task.splits[BERTC_TRAIN].a = 0;
    bertc_error err = {0};
    bertc_dataset *set;
    assert_int_equal(read_text(&task, BERTC_TRAIN, "t\t1\t0\t0\t0\n", &set, &err), BERTC_USAGE);
    assert_string_equal(err.message, "task feelings: a column for each label needs a header");
}

/* ---- Scores -------------------------------------------------------------------------------- */

/* A data set with these sets of labels, as digits. */
static bertc_dataset *labelled(const bertc_task *task, const char *const *sets, size_t count)
{
    static int32_t labels[64];
    size_t used = 0;
    bertc_dataset *set = blank_set_of(task, count);
    for (size_t i = 0; i < count; i++) {
        set->examples[i].labels = &labels[used];
        set->examples[i].num_labels = strlen(sets[i]);
        for (const char *p = sets[i]; *p; p++) labels[used++] = *p - '0';
    }
    set->labelled = true;
    return set;
}

/* Labels {0,1} {} {2} {0} {1}, predicted {0} {3} {2} {0,1} {}. */
static const char *const sets[] = {"01", "", "2", "0", "1"};
static const float logits[] = {2, -1, -2, -3, -1, -2, -3, 1, -1, -1, 0, -1, 3, 1, -2, -2, -1, -1, -1, -1};
enum { N = 5 };

static void scores_by_hand(void **state)
{
    (void)state;
    const bertc_task task = sets_task(0);
    bertc_dataset *set = labelled(&task, sets, N);
    bertc_scores s;
    assert_int_equal(bertc_task_score(set, logits, &s, NULL), BERTC_OK);
    /* label: examples, predicted, both: 0: 2 2 2; 1: 2 1 0; 2: 1 1 1; 3: 0 1 0 */
    assert_near(s.value[BERTC_SUBSET_ACCURACY], 1.0 / 5);
    assert_near(s.value[BERTC_F1_MICRO], 6.0 / 10);
    assert_near(s.value[BERTC_F1_MACRO], 2.0 / 4);
    assert_near(s.value[BERTC_F1_WEIGHTED], (2.0 + 1) / 5);
    assert_near(s.value[BERTC_PRECISION_MICRO], 3.0 / 5);
    assert_near(s.value[BERTC_PRECISION_MACRO], 2.0 / 4);
    assert_near(s.value[BERTC_RECALL_MICRO], 3.0 / 5);
    assert_near(s.value[BERTC_RECALL_MACRO], 2.0 / 4);
    assert_true(isnan(s.value[BERTC_AUC])); /* no example has label 3 */
    assert_true(isnan(s.value[BERTC_ACCURACY]) && isnan(s.value[BERTC_F1]) && isnan(s.value[BERTC_MATTHEWS]));
    double loss = 0;
    for (size_t i = 0; i < N; i++)
        for (size_t c = 0; c < C; c++) {
            bool has = strchr(sets[i], (int)('0' + c)) != NULL;
            loss -= log(has ? 1 / (1 + exp(-(double)logits[i * C + c])) : 1 / (1 + exp((double)logits[i * C + c])));
        }
    assert_near(s.value[BERTC_LOSS], loss / (N * C));
    assert_int_equal(s.same_prediction, 0);
    bertc_class_report report;
    assert_int_equal(bertc_task_report_classes(set, logits, &report, NULL), BERTC_OK);
    assert_int_equal(report.num_classes, C);
    assert_null(report.confusions);
    assert_int_equal(report.classes[1].examples, 2);
    assert_near(report.classes[0].f1, 1);
    assert_near(report.classes[1].precision, 0);
    assert_near(report.classes[3].recall, 0);
    char *json;
    assert_int_equal(bertc_scores_json(&task, BERTC_DEV, &s, NULL, &report, &json, NULL), BERTC_OK);
    assert_non_null(strstr(json, "{\"label\":\"fear\",\"precision\":1,\"recall\":1,\"f1\":1,\"support\":1}"));
    assert_null(strstr(json, "confusion"));
    free(json);
    bertc_class_report_clear(&report);
    bertc_dataset_free(set);
}

/* A task with one label has the metrics of a task with many. */
static void one_label(void **state)
{
    (void)state;
    bertc_task task = sets_task(0);
    static const char *const some[] = {"0", "", "0", ""};
    static const float z[] = {1, 1, -1, -1};
    task.num_labels = 1;
    bertc_dataset *set = labelled(&task, some, 4);
    bertc_scores s;
    assert_int_equal(bertc_task_score(set, z, &s, NULL), BERTC_OK);
    assert_near(s.value[BERTC_SUBSET_ACCURACY], 0.5);
    assert_near(s.value[BERTC_F1_MACRO], 0.5);
    assert_near(s.value[BERTC_AUC], 0.5);
    bertc_dataset_free(set);
}

static void same_sets_are_reported(void **state)
{
    (void)state;
    enum { COUNT = 40 };
    const bertc_task task = sets_task(0);
    const char *labels[COUNT];
    float z[COUNT * C];
    for (int predicted = 0; predicted < 2; predicted++)
        for (int right = 20; right <= 21; right++) {
            for (int i = 0; i < COUNT; i++) labels[i] = i < right ? (predicted ? "1" : "") : "03";
            for (int i = 0; i < COUNT * C; i++) z[i] = predicted && i % C == 1 ? 1 : -1;
            bertc_dataset *set = labelled(&task, labels, COUNT);
            bertc_scores s;
            assert_int_equal(bertc_task_score(set, z, &s, NULL), BERTC_OK);
            assert_int_equal(s.same_prediction, right == 20 ? predicted + 1 : 0);
            z[1] = -z[1];
            assert_int_equal(bertc_task_score(set, z, &s, NULL), BERTC_OK);
            assert_int_equal(s.same_prediction, 0);
            bertc_dataset_free(set);
        }
}

static void invalid_sets_are_refused(void **state)
{
    (void)state;
    const bertc_task task = sets_task(0);
    static const char *const bad[] = {"10", "4", "00"};
    for (size_t i = 0; i < 3; i++) {
        bertc_dataset *set = labelled(&task, &bad[i], 1);
        bertc_scores s;
        bertc_error err = {0};
        assert_int_equal(bertc_task_score(set, logits, &s, &err), BERTC_USAGE);
        assert_string_equal(err.message, "f.tsv:1: the labels are not rising numbers from 0 to 3");
        bertc_dataset_free(set);
    }
}

/* ---- Thresholds ---------------------------------------------------------------------------- */

static void assert_decided(const bertc_dataset *set, const float *z, const char *expected)
{
    int32_t labels[C];
    char found[C + 1] = "";
    int count = bertc_dataset_decide(set, z, labels);
    for (int i = 0; i < count; i++) snprintf(found + i, 2, "%d", (int)labels[i]);
    assert_string_equal(found, expected);
}

static void thresholds_decide(void **state)
{
    (void)state;
    const bertc_task task = sets_task(0);
    bertc_dataset *set = labelled(&task, sets, N);
    static const float z[] = {0, -1e-7f, 1.0f, -3};
    const double thresholds[] = {0.6, 0.1, 1 / (1 + exp(-1.0)), 0.04};
    assert_decided(set, z, "02");
    assert_int_equal(bertc_dataset_set_thresholds(set, thresholds, NULL), BERTC_OK);
    assert_decided(set, z, "123");
    bc_text out = {0};
    bc_put_prediction(&out, set, 0, z);
    const char *line = "{\"row\":0,\"label\":[\"joy\",\"anger\"],\"prediction\":[\"anger\",\"fear\",\"a, b\"],\"logits\":"
                       "[0,-1e-07,1,-3]}\n";
    assert_text(out.bytes, out.length, line);
    bc_text_clear(&out);
    assert_int_equal(bertc_dataset_set_thresholds(set, NULL, NULL), BERTC_OK);
    assert_decided(set, z, "02");
    static const double bad[][C] = {{0.5, 0, 0.5, 0.5}, {0.5, 1, 0.5, 0.5}, {0.5, (double)NAN, 0.5, 0.5}};
    for (size_t i = 0; i < 3; i++) assert_int_equal(bertc_dataset_set_thresholds(set, bad[i], NULL), BERTC_USAGE);
    bertc_dataset_free(set);
    set = blank_set("sst2", 1);
    bertc_error err = {0};
    assert_int_equal(bertc_dataset_set_thresholds(set, NULL, &err), BERTC_USAGE);
    assert_string_equal(err.message, "task sst2 is not multi-label, it has no thresholds");
    bertc_dataset_free(set);
}

/* The F1 of a label with a threshold in log-odds. */
static double f1_of(const bertc_dataset *set, const float *z, size_t label, double cutoff)
{
    double both = 0, sum = 0;
    for (size_t i = 0; i < set->count; i++) {
        const bertc_example *e = &set->examples[i];
        bool has = false, called = (double)z[i * C + label] >= cutoff;
        for (size_t k = 0; k < e->num_labels; k++) has = has || e->labels[k] == (int32_t)label;
        both += has && called;
        sum += has + called;
    }
    return sum > 0 ? 2 * both / sum : 0;
}

/* No threshold of a fine grid has a larger F1 than the tuned one, which is 0.5 if that has the largest F1. */
static void tuned_thresholds_are_best(void **state)
{
    (void)state;
    enum { COUNT = 12 };
    const bertc_task task = sets_task(0);
    for (uint32_t seed = 0; seed < 300; seed++) {
        char spelled[COUNT][C + 1] = {{0}};
        const char *labels[COUNT];
        float z[COUNT * C];
        double t[C];
        for (uint32_t i = 0; i < COUNT; i++) {
            labels[i] = spelled[i];
            for (uint32_t c = 0, n = 0; c < C; c++) {
                uint32_t r = (seed * 7919 + i * 104729 + c * 15485863) * 2654435761u;
                z[i * C + c] = (float)((int)(r >> 28) - 8) * (seed % 3 ? 0.75f : 3.0f); /* many are equal */
                if (c < 3 && (r >> 8) % 3 == 0) spelled[i][n++] = (char)('0' + c);
            }
        }
        bertc_dataset *set = labelled(&task, labels, COUNT);
        assert_int_equal(bertc_task_tune_thresholds(set, z, t, NULL), BERTC_OK);
        assert_true(t[3] == 0.5); /* no example has label 3 */
        for (size_t c = 0; c < C; c++) {
            double cutoff = log(t[c] / (1 - t[c])), best = f1_of(set, z, c, cutoff);
            assert_true(fabs(cutoff) <= 16);
            for (double other = -15.9; other < 16; other += 0.1) {
                double f1 = f1_of(set, z, c, other);
                if (f1 > best + 1e-12) fail_msg("F1 %g with %g, but %g with %g", f1, other, best, cutoff);
            }
            if (f1_of(set, z, c, 0) >= best) assert_true(t[c] == 0.5);
        }
        bertc_dataset_free(set);
    }
}

static void tuning_by_hand(void **state)
{
    (void)state;
    const bertc_task task = sets_task(0);
    static const char *const labels[] = {"0123", "12", "2", "3"};
    /* label 0: one positive above all; label 1: positives below 0.5; label 2: beyond the limit; label 3: the same F1 with
     * the first one and with all, which includes 0.5 */
    static const float z[] = {3, -1, 40, 15, 1, -2, 30, 14, -5, -4, 20, 13, -9, -6, 20, 1};
    double t[C];
    bertc_dataset *set = labelled(&task, labels, 4);
    assert_int_equal(bertc_task_tune_thresholds(set, z, t, NULL), BERTC_OK);
    assert_near(t[0], 1 / (1 + exp(-2.0)));
    assert_near(t[1], 1 / (1 + exp(3.0)));
    assert_near(t[2], 0.5);
    assert_near(t[3], 0.5);
    bertc_dataset_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_read),         cmocka_unit_test(numbers_are_read),
        cmocka_unit_test(test_files),             cmocka_unit_test(columns_are_read),
        cmocka_unit_test(scores_by_hand),         cmocka_unit_test(one_label),
        cmocka_unit_test(same_sets_are_reported), cmocka_unit_test(invalid_sets_are_refused),
        cmocka_unit_test(thresholds_decide),      cmocka_unit_test(tuned_thresholds_are_best),
        cmocka_unit_test(tuning_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
