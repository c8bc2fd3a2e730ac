/* The task table agrees with what GLUE publishes, and is consistent. */
#include "unit/tasks_help.h"

/* Columns a, b and label, and the row counts of train, dev and test, from the documentation of the data. */
static const struct {
    const char *name, *folder, *submission;
    int labels;
    const char *columns[3];
    long rows[3];
} expected[] = {
    {"cola", "CoLA", "CoLA.tsv", 2, {"sentence", NULL, "label"}, {8551, 1043, 1063}},
    {"sst2", "SST-2", "SST-2.tsv", 2, {"sentence", NULL, "label"}, {67349, 872, 1821}},
    {"mrpc", "MRPC", "MRPC.tsv", 2, {"#1 String", "#2 String", "Quality"}, {3668, 408, 1725}},
    {"stsb", "STS-B", "STS-B.tsv", 1, {"sentence1", "sentence2", "score"}, {5749, 1500, 1379}},
    {"qqp", "QQP", "QQP.tsv", 2, {"question1", "question2", "is_duplicate"}, {363846, 40430, 390965}},
    {"mnli", "MNLI", "MNLI-m.tsv", 3, {"sentence1", "sentence2", "gold_label"}, {392702, 9815, 9796}},
    {"mnli-mm", "MNLI", "MNLI-mm.tsv", 3, {"sentence1", "sentence2", "gold_label"}, {392702, 9832, 9847}},
    {"qnli", "QNLI", "QNLI.tsv", 2, {"question", "sentence", "label"}, {104743, 5463, 5463}},
    {"rte", "RTE", "RTE.tsv", 2, {"sentence1", "sentence2", "label"}, {2490, 277, 3000}},
    {"wnli", "WNLI", "WNLI.tsv", 2, {"sentence1", "sentence2", "label"}, {635, 71, 146}},
    {"ax", "AX", "AX.tsv", 3, {"sentence1", "sentence2", "label"}, {0, 1104, 1104}},
};

static void assert_name(const char *name, const char *expected_name)
{
    if (expected_name) assert_string_equal(name, expected_name);
    else assert_null(name);
}

static void check_columns(const bertc_columns *columns, const char *const names[3])
{
    if (!columns->file) return;
    assert_name(columns->a_name, names[0]);
    assert_name(columns->b_name, names[1]);
    assert_name(columns->label_name, names[2]);
}

static void table_is_glue(void **state)
{
    (void)state;
    size_t count = sizeof expected / sizeof *expected;
    assert_int_equal(bertc_task_count(), count);
    for (size_t i = 0; i < count; i++) {
        const bertc_task *task = bertc_task_at(i);
        assert_ptr_equal(task, task_named(expected[i].name));
        assert_string_equal(task->folder, expected[i].folder);
        assert_string_equal(task->submission, expected[i].submission);
        assert_int_equal(task->num_labels, expected[i].labels);
        for (int s = 0; s < BERTC_SPLITS; s++) check_columns(&task->splits[s], expected[i].columns);
        for (int s = 0; s < BERTC_SPLITS; s++) assert_int_equal(task->rows[s], expected[i].rows[s]);
    }
}

static void rows_are_consistent(void **state)
{
    (void)state;
    for (size_t i = 0; i < bertc_task_count(); i++) {
        const bertc_task *task = bertc_task_at(i);
        assert_true(task->num_metrics >= 1 && task->num_metrics <= BERTC_MAX_TASK_METRICS);
        assert_true((task->kind == BERTC_REGRESSION) == (task->labels == NULL));
        assert_true((task->kind == BERTC_REGRESSION) == (task->low < task->high));
        assert_non_null(task->title);
        for (int c = 0; c < task->num_labels && task->kind == BERTC_CLASSIFICATION; c++) {
            assert_non_null(task->labels[c]);
            assert_non_null(task->file_labels[c]);
        }
        for (int s = 0; s < BERTC_SPLITS; s++) {
            const bertc_columns *sets[] = {&task->splits[s], &task->old_splits[s]};
            for (int o = 0; o < 2; o++) {
                if (!sets[o]->file) continue;
                assert_true(task->pair == (sets[o]->b_name != NULL));
                assert_true(sets[o]->a_name && sets[o]->label_name);
                /* Only CoLA's files without a header have column numbers. */
                bool numbered = strcmp(task->name, "cola") == 0 && s != BERTC_TEST;
                assert_true(sets[o]->header == !numbered);
                assert_int_equal(sets[o]->a, numbered ? 3 : -1);
                assert_int_equal(sets[o]->b, -1);
                assert_int_equal(sets[o]->label, numbered ? 1 : -1);
            }
        }
    }
}

static void unknown_names_are_null(void **state)
{
    (void)state;
    assert_null(bertc_task_find("sst"));
    assert_null(bertc_task_find("SST2"));
    assert_null(bertc_task_find(""));
    assert_null(bertc_task_at(bertc_task_count()));
    assert_null(bertc_metric_name(BERTC_METRICS));
    assert_null(bertc_split_name(BERTC_SPLITS));
    assert_string_equal(bertc_metric_name(BERTC_SPEARMAN), "spearman");
    assert_string_equal(bertc_split_name(BERTC_DEV), "dev");
    assert_null(task_named("ax")->splits[BERTC_TRAIN].file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_glue),
        cmocka_unit_test(rows_are_consistent),
        cmocka_unit_test(unknown_names_are_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
