/* A stratified part of a data set: shares by hand, the drawn examples, and a run with it. */
#include "jobs_fixture.h"

#include "data/stratify.h"
#include "unit/classes.h"

enum { MAX = 1000 };
static bertc_example examples[MAX];

static void expect_shares(const size_t *sizes, size_t strata, size_t count, const size_t *want)
{
    size_t got[3], scratch[3];
    bc_stratify_share(sizes, strata, count, got, scratch);
    for (size_t i = 0; i < strata; i++) assert_int_equal(got[i], want[i]);
}

static void test_shares(void **unused)
{
    (void)unused;
    static const size_t thirds[] = {5, 5, 5}, skewed[] = {90, 9, 1}, gap[] = {6, 0, 4};
    expect_shares(thirds, 3, 6, (size_t[]){2, 2, 2});
    expect_shares(thirds, 3, 7, (size_t[]){3, 2, 2}); /* equal remainders: the first class */
    expect_shares(skewed, 3, 20, (size_t[]){17, 2, 1}); /* 18, 1.8, 0.2: at least one of each */
    expect_shares(skewed, 3, 10, (size_t[]){8, 1, 1}); /* 9, 0.9, 0.1 */
    expect_shares(skewed, 3, 3, (size_t[]){1, 1, 1});
    expect_shares(skewed, 3, 2, (size_t[]){2, 0, 0}); /* too few for one of each */
    expect_shares(skewed, 3, 100, skewed);
    expect_shares(gap, 3, 5, (size_t[]){3, 0, 2});
    for (size_t count = 1; count <= 100; count++) {
        size_t got[3], scratch[3];
        bc_stratify_share(skewed, 3, count, got, scratch);
        assert_int_equal(got[0] + got[1] + got[2], count);
        for (int i = 0; i < 3; i++) assert_true(got[i] <= skewed[i]);
    }
}

/* Line numbers identify the examples. Every tenth example is of class 2, every other tenth of class 1. */
static bertc_dataset make(const char *task, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        examples[i] = (bertc_example){.line = i + 1, .value = (float)(i * 7 % count) / 250.0f};
        set_class(&examples[i], i % 10 == 0 ? 2 : i % 10 == 5);
    }
    return (bertc_dataset){.task = bertc_task_find(task), .count = count, .examples = examples, .labelled = true};
}

static void test_classes_are_drawn_in_their_shares(void **unused)
{
    (void)unused;
    static size_t first[100];
    for (uint64_t seed = 1; seed <= 4; seed++) {
        bertc_dataset set = make("mnli", MAX);
        size_t counts[3] = {0}, same = 0;
        assert_int_equal(bc_stratify(&set, 100, seed % 4, NULL), BERTC_OK);
        assert_int_equal(set.count, 100);
        for (size_t i = 0; i < set.count; i++) {
            counts[bc_example_class(&set.examples[i])]++;
            if (i > 0) assert_true(set.examples[i].line > set.examples[i - 1].line);
            if (seed == 1) first[i] = set.examples[i].line;
            same += set.examples[i].line == first[i];
        }
        assert_int_equal(counts[0], 80);
        assert_int_equal(counts[1], 10);
        assert_int_equal(counts[2], 10);
        if (seed > 1) assert_true(same < 20);
    }
    bertc_dataset again = make("mnli", MAX);
    assert_int_equal(bc_stratify(&again, 100, 1, NULL), BERTC_OK);
    for (size_t i = 0; i < again.count; i++) assert_int_equal(again.examples[i].line, first[i]);
}

/* Each tenth by target gets the same number; one more example goes to one tenth. */
static void test_targets_are_drawn_by_tenths(void **unused)
{
    (void)unused;
    for (size_t count = 50; count <= 51; count++) {
        bertc_dataset set = make("stsb", MAX);
        size_t counts[10] = {0};
        assert_int_equal(bc_stratify(&set, count, 3, NULL), BERTC_OK);
        assert_int_equal(set.count, count);
        for (size_t i = 0; i < set.count; i++) counts[(size_t)((double)set.examples[i].value * 250 + 0.5) / 100]++;
        for (size_t t = 0; t < 10; t++) assert_int_equal(counts[t], 5 + (count == 51 && t == 0));
    }
}

static void test_no_more_than_there_are(void **unused)
{
    (void)unused;
    for (size_t count = 30; count < 32; count++) {
        bertc_dataset set = make("stsb", 30);
        assert_int_equal(bc_stratify(&set, count, 3, NULL), BERTC_OK);
        assert_int_equal(set.count, 30);
    }
}

/* 9 of 22 examples are good: of 11 examples, 4.5 of one class and 6.5 of the other. */
static void test_a_run(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("whole");
    size_t length;
    o.limit_train = 11;
    o.stratified = true;
    o.epochs = 4;
    o.class_weights = "balanced";
    fixture_run(o);
    char *text = fixture_read("whole/run.json", &length, false);
    assert_non_null(strstr(text, "\"train\":{\"examples\":11,"));
    assert_true(fixture_number(text, "\"class_weights\":[") == 11.0 / (2 * 7));
    bc_free(text);
    fixture_stop_twice(o, "whole");
    o.out = "refused";
    o.limit_train = 0;
    fixture_refuse(o, BERTC_USAGE, "--stratified has no effect without --limit-train");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_classes_are_drawn_in_their_shares),
        cmocka_unit_test(test_targets_are_drawn_by_tenths),
        cmocka_unit_test(test_no_more_than_there_are),
        cmocka_unit_test(test_a_run),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
