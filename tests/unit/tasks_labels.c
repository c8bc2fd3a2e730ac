/* Matching a model's labels to a task's, and noticing an order that lies. */
#include "unit/classes.h"
#include "unit/tasks_help.h"

static void match(const char *task, const char *const *labels, int32_t count, const int *expected,
                  bool by_name)
{
    int32_t map[3] = {-1, -1, -1};
    bool named = !by_name;
    bertc_error err = {0};
    bertc_status status = bertc_task_match_labels(task_named(task), (char *const *)labels, count,
                                                  map, &named, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, BERTC_OK);
    assert_int_equal(named, by_name);
    for (int i = 0; i < count; i++) assert_int_equal(map[i], expected[i]);
}

#define NAMES(...) (const char *const[]){__VA_ARGS__}
#define MAP(...) (const int[]){__VA_ARGS__}

static void names_decide(void **state)
{
    (void)state;
    match("mnli", NAMES("entailment", "neutral", "contradiction"), 3, MAP(0, 1, 2), true);
    match("mnli", NAMES("CONTRADICTION", "Entailment", "NEUTRAL"), 3, MAP(1, 2, 0), true);
    match("ax", NAMES("neutral", "entailment", "contradiction"), 3, MAP(1, 0, 2), true);
    match("sst2", NAMES("POSITIVE", "NEGATIVE"), 2, MAP(1, 0), true);
    match("sst2", NAMES("neg", "pos"), 2, MAP(0, 1), true);
    match("mrpc", NAMES("equivalent", "not-equivalent"), 2, MAP(1, 0), true);
    match("mrpc", NAMES("not paraphrase", "Paraphrase"), 2, MAP(0, 1), true);
    match("rte", NAMES("not_entailment", "entailment"), 2, MAP(1, 0), true);
    match("wnli", NAMES("not_entailment", "entailment"), 2, MAP(0, 1), true);
    match("cola", NAMES("acceptable", "unacceptable"), 2, MAP(1, 0), true);
    match("qqp", NAMES("duplicate", "not_duplicate"), 2, MAP(1, 0), true);
    match("stsb", NAMES("LABEL_0"), 1, MAP(0), true);
}

static void names_that_say_nothing_keep_the_order(void **state)
{
    (void)state;
    match("mnli", NAMES("LABEL_0", "LABEL_1", "LABEL_2"), 3, MAP(0, 1, 2), false);
    match("mnli", NAMES("label_2", "label_0", "label_1"), 3, MAP(1, 2, 0), false);
    match("sst2", NAMES("0", "1"), 2, MAP(0, 1), false);
    match("sst2", NAMES("1", "0"), 2, MAP(1, 0), false);
    match("sst2", NULL, 2, MAP(0, 1), false);
}

static void mismatches_name_both_lists(void **state)
{
    (void)state;
    static const struct {
        const char *task, *labels[9], *message;
        int32_t count;
    } cases[] = {
        {"sst2", {"negative", "neutral"}, "the model's 2 labels (negative, neutral) match only in "
         "part the 2 of task sst2 (negative, positive)", 2},
        {"mnli", {"entailment", "contradiction", "x"}, "the model's 3 labels (entailment, "
         "contradiction, x) match only in part the 3 of task mnli (entailment, neutral, "
         "contradiction)", 3},
        {"sst2", {"positive", "positive"}, "the model's 2 labels (positive, positive) match only "
         "in part the 2 of task sst2 (negative, positive)", 2},
        {"sst2", {"LABEL_0", "LABEL_1", "LABEL_2"}, "the model's 3 labels (LABEL_0, LABEL_1, "
         "LABEL_2) are not as many as the 2 of task sst2 (negative, positive)", 3},
        {"sst2", {"a", "b", "c", "d", "e", "f", "g", "h", "i"}, "the model's 9 labels (a, b, c, d, "
         "e, f, g, h, ...) are not as many as the 2 of task sst2 (negative, positive)", 9},
        {"sst2", {"joy", "anger"}, "the model's 2 labels (joy, anger) are none of the 2 of task sst2 "
         "(negative, positive)", 2},
        {"cola", {"negative", "positive"}, "the model's 2 labels (negative, positive) are none of the 2 of "
         "task cola (unacceptable, acceptable)", 2},
        {"sst2", {"1", "1"}, "the model's 2 labels (1, 1) are none of the 2 of task sst2 (negative, positive)",
         2},
        {"sst2", {"1", "2"}, "the model's 2 labels (1, 2) are none of the 2 of task sst2 (negative, positive)",
         2},
        {"sst2", {"negative", "LABEL_1"}, "the model's 2 labels (negative, LABEL_1) match only in part the 2 of "
         "task sst2 (negative, positive)", 2},
        {"rte", {"entailment", "neutral", "contradiction"}, "the model's 3 labels (entailment, neutral, "
         "contradiction) are not as many as the 2 of task rte (entailment, not_entailment)", 3},
        {"stsb", {"LABEL_0", "LABEL_1"}, "the model has 2 labels, task stsb needs one value", 2},
        {"rte", {"x"}, "the model's 1 label (x) is not as many as the 2 of task rte "
         "(entailment, not_entailment)", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t map[3];
        bool named;
        bertc_error err = {0};
        assert_int_equal(bertc_task_match_labels(task_named(cases[i].task),
                                                 (char *const *)cases[i].labels, cases[i].count,
                                                 map, &named, &err), BERTC_INPUT);
        assert_string_equal(err.message, cases[i].message);
    }
}

/* ---- Orders -------------------------------------------------------------------------------- */

/* A data set and logits with counts[label][prediction]. */
static bool better(const char *task, const int *counts, int32_t best[3], double *given, double *top)
{
    int classes = task_named(task)->num_labels, n = 0;
    for (int i = 0; i < classes * classes; i++) n += counts[i];
    bertc_dataset *set = blank_set(task, (size_t)n);
    float *logits = calloc((size_t)(n * classes), sizeof *logits);
    int at = 0;
    for (int i = 0; i < classes * classes; i++)
        for (int k = 0; k < counts[i]; k++, at++) {
            set_class(&set->examples[at], i / classes);
            logits[at * classes + i % classes] = 1;
        }
    set->labelled = true;
    bool found;
    assert_int_equal(bertc_task_better_order(set, logits, &found, best, given, top, NULL), BERTC_OK);
    free(logits);
    bertc_dataset_free(set);
    return found;
}

static void permutations_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *task;
        int counts[9], best[3];
        double given, top;
    } cases[] = {
        /* contradiction, entailment, neutral called entailment, neutral, contradiction */
        {"mnli", {5, 90, 5, 5, 5, 90, 90, 5, 5}, {1, 2, 0}, .05, .9},
        {"mnli", {5, 5, 90, 90, 5, 5, 5, 90, 5}, {2, 0, 1}, .05, .9},
        {"mnli", {10, 10, 80, 10, 80, 10, 80, 10, 10}, {2, 1, 0}, 1. / 3, .8},
        {"mnli", {10, 80, 10, 80, 10, 10, 10, 10, 80}, {1, 0, 2}, 1. / 3, .8},
        {"sst2", {10, 90, 90, 10}, {1, 0}, .1, .9},
        {"rte", {40, 100, 98, 39}, {1, 0}, 79. / 277, 198. / 277},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t best[3];
        double given, top;
        assert_true(better(cases[i].task, cases[i].counts, best, &given, &top));
        assert_float_equal(given, cases[i].given, 1e-12);
        assert_float_equal(top, cases[i].top, 1e-12);
        for (int c = 0; c < task_named(cases[i].task)->num_labels; c++)
            assert_int_equal(best[c], cases[i].best[c]);
    }
}

static void honest_orders_are_left_alone(void **state)
{
    (void)state;
    static const struct {
        const char *task;
        int counts[9];
    } cases[] = {
        {"mnli", {80, 10, 10, 10, 80, 10, 10, 10, 80}}, /* a good model */
        {"mnli", {40, 35, 25, 30, 38, 32, 30, 35, 35}}, /* a poor one */
        {"mnli", {30, 40, 30, 36, 33, 31, 30, 35, 35}}, /* none at all */
        {"cola", {322, 0, 721, 0}},                     /* collapsed to the rarer class */
        {"sst2", {0, 400, 0, 444}},
        {"wnli", {10, 30, 26, 5}},                      /* WNLI below chance: 71 examples */
        {"sst2", {0, 10, 10, 0}},                       /* too few to tell */
        {"sst2", {0, 100, 0, 0}},                       /* a class is missing */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t best[3];
        double given, top;
        assert_false(better(cases[i].task, cases[i].counts, best, &given, &top));
    }
    int32_t best[3];
    double given, top;
    bertc_dataset *set = blank_set("sst2", 100);
    float logits[200] = {0};
    bool found = true;
    assert_int_equal(bertc_task_better_order(set, logits, &found, best, &given, &top, NULL), BERTC_OK);
    assert_false(found); /* not labelled */
    bertc_dataset_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_decide),
        cmocka_unit_test(names_that_say_nothing_keep_the_order),
        cmocka_unit_test(mismatches_name_both_lists),
        cmocka_unit_test(permutations_are_found),
        cmocka_unit_test(honest_orders_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
