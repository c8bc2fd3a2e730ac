/* Texts that repeat within splits and between them, counted by hand and by comparing all pairs of rows. */
#include "base/rng.h"
#include "unit/tasks_help.h"

static const char *const labels[] = {"no", "yes"};

static bertc_task row(bool pair)
{
    const bertc_columns columns = {.file = "f.tsv", .header = true, .a_name = "a", .b_name = pair ? "b" : NULL,
                                   .label_name = "label", .a = -1, .b = -1, .label = -1};
    return (bertc_task){.name = "made", .title = "made", .pair = pair, .num_labels = 2, .labels = labels,
                        .file_labels = labels, .num_metrics = 1, .splits = {columns, columns, columns}};
}

static bertc_dataset *read_rows(const bertc_task *task, bertc_split split, const char *text)
{
    bertc_dataset *set = NULL;
    bertc_error err = {0};
    parse_by(task, split, &task->splits[split], text, strlen(text), 0, &set, &err);
    assert_string_equal(err.message, "");
    return set;
}

static void assert_pair(bertc_row_pair pair, size_t first, size_t second)
{
    assert_int_equal(pair.first, first);
    assert_int_equal(pair.second, second);
}

static void test_by_hand(void **state)
{
    (void)state;
    const bertc_task task = row(false);
    bertc_dataset *sets[BERTC_SPLITS] = {
        read_rows(&task, BERTC_TRAIN, "a\tlabel\nx\tno\ny\tyes\nx\tno\nz\tno\nz\tyes\nx\tyes\n"),
        read_rows(&task, BERTC_DEV, "a\tlabel\nw\tno\ny\tno\ny\tno\n"), NULL};
    bertc_repeats r[BERTC_SPLITS];
    bertc_error err = {0};
    const bertc_dataset *const given[BERTC_SPLITS] = {sets[0], sets[1], NULL};
    assert_int_equal(bertc_dataset_repeats(given, r, &err), BERTC_OK);
    assert_int_equal(r[BERTC_TRAIN].duplicates, 3);
    assert_int_equal(r[BERTC_TRAIN].conflicts, 2);
    assert_pair(r[BERTC_TRAIN].duplicate, 2, 4);
    assert_pair(r[BERTC_TRAIN].conflict, 5, 6);
    assert_int_equal(r[BERTC_TRAIN].shared[BERTC_DEV], 1);
    assert_pair(r[BERTC_TRAIN].shared_row[BERTC_DEV], 3, 3);
    assert_int_equal(r[BERTC_DEV].duplicates, 1);
    assert_int_equal(r[BERTC_DEV].conflicts, 0); /* another label in another split is no conflict */
    assert_int_equal(r[BERTC_DEV].shared[BERTC_TRAIN], 2);
    assert_pair(r[BERTC_DEV].shared_row[BERTC_TRAIN], 3, 3);
    assert_int_equal(r[BERTC_TEST].duplicates + r[BERTC_TEST].shared[BERTC_TRAIN], 0);
    bertc_dataset_free(sets[0]);
    bertc_dataset_free(sets[1]);
}

static bool equal_texts(const bertc_example *x, const bertc_example *y)
{
    return x->na == y->na && x->nb == y->nb && memcmp(x->a, y->a, x->na) == 0 && memcmp(x->b, y->b, x->nb) == 0;
}

/* Pairs whose texts are equal only together: "ab" "c" is not "a" "bc", nor "c" "ab". */
static void test_pairs_against_all_comparisons(void **state)
{
    (void)state;
    static const char *const texts[] = {"a", "ab", "b", "bc", "c", ""};
    enum { ROWS = 60 };
    const bertc_task task = row(true);
    bertc_dataset *sets[BERTC_SPLITS];
    for (int s = 0; s < BERTC_SPLITS; s++) {
        char text[ROWS * 16] = "a\tb\tlabel\n";
        for (int i = 0; i < ROWS; i++) {
            uint32_t at = bc_rng(7, (uint32_t)s, (uint32_t)i, 0, 0).word[0];
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s\t%s\t%s\n", texts[at % 6], texts[at / 6 % 6],
                     labels[at / 36 % 8 == 0]);
        }
        sets[s] = read_rows(&task, (bertc_split)s, text);
    }
    bertc_repeats r[BERTC_SPLITS];
    const bertc_dataset *const given[BERTC_SPLITS] = {sets[0], sets[1], sets[2]};
    assert_int_equal(bertc_dataset_repeats(given, r, NULL), BERTC_OK);
    for (int s = 0; s < BERTC_SPLITS; s++) {
        size_t duplicates = 0, conflicts = 0, shared[BERTC_SPLITS] = {0};
        for (size_t i = 0; i < ROWS; i++) {
            const bertc_example *x = &sets[s]->examples[i];
            bool before = false, other = false;
            for (size_t k = 0; k < ROWS; k++) {
                const bertc_example *y = &sets[s]->examples[k];
                before = before || (k < i && equal_texts(x, y));
                other = other || (equal_texts(x, y) && x->labels[0] != y->labels[0]);
            }
            duplicates += before;
            conflicts += !before && other;
            for (int t = 0; t < BERTC_SPLITS; t++) {
                bool found = false;
                for (size_t k = 0; k < ROWS; k++) found = found || equal_texts(x, &sets[t]->examples[k]);
                shared[t] += t != s && found;
            }
        }
        assert_true(duplicates > 0 && conflicts > 0);
        assert_int_equal(r[s].duplicates, duplicates);
        assert_int_equal(r[s].conflicts, conflicts);
        for (int t = 0; t < BERTC_SPLITS; t++) assert_int_equal(r[s].shared[t], shared[t]);
    }
    for (int s = 0; s < BERTC_SPLITS; s++) bertc_dataset_free(sets[s]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_pairs_against_all_comparisons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
