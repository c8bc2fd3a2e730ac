/* Detecting a wrong order of labels. */
#include <math.h>

#include "base/rng.h"
#include "unit/classes.h"
#include "unit/tasks_help.h"

/* Make a data set and logits with counts[label][prediction], and find a better order. */
static bool better_of(const bertc_task *task, const int *counts, int32_t *best, double *given, double *top)
{
    int classes = task->num_labels, n = 0;
    for (int i = 0; i < classes * classes; i++) n += counts[i];
    bertc_dataset *set = blank_set_of(task, (size_t)n);
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

static bool better(const char *task, const int *counts, int32_t best[3], double *given, double *top)
{
    return better_of(task_named(task), counts, best, given, top);
}

static void permutations_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *task;
        int counts[9], best[3];
        double given, top;
    } cases[] = {
        /* labels 0, 1, 2 are predicted as 1, 2, 0 */
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
        assert_near(given, cases[i].given);
        assert_near(top, cases[i].top);
        for (int c = 0; c < task_named(cases[i].task)->num_labels; c++) assert_int_equal(best[c], cases[i].best[c]);
    }
}

static void right_orders_are_kept(void **state)
{
    (void)state;
    static const struct {
        const char *task;
        int counts[9];
    } cases[] = {
        {"mnli", {80, 10, 10, 10, 80, 10, 10, 10, 80}}, /* a good model */
        {"mnli", {40, 35, 25, 30, 38, 32, 30, 35, 35}}, /* a poor one */
        {"mnli", {30, 40, 30, 36, 33, 31, 30, 35, 35}}, /* a random one */
        {"cola", {322, 0, 721, 0}},                     /* collapsed to the rarer class */
        {"sst2", {0, 400, 0, 444}},
        {"wnli", {10, 30, 26, 5}},                      /* WNLI below chance: 71 examples */
        {"sst2", {0, 10, 10, 0}},                       /* too few examples */
        {"sst2", {0, 100, 0, 0}},                       /* a class is missing */
        {"sst2", {4600, 5400, 5400, 4600}},             /* beyond chance, but with a small gain */
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

/* ---- Against all orders -------------------------------------------------------------------- */

enum { MAX = 6 };

/* A random number below `count`. */
static int drawn(uint32_t which, uint32_t place, int count)
{
    return (int)(bc_rng(7, which, place, 0, 0).word[0] % (uint32_t)count);
}

/* A user's task with this number of classes. */
static bertc_task made(int classes)
{
    static char spelled[1000][16];
    static const char *names[1000];
    for (int i = 0; i < 1000; i++) {
        snprintf(spelled[i], sizeof spelled[i], "c%d", i);
        names[i] = spelled[i];
    }
    return (bertc_task){.name = "made", .num_labels = classes, .labels = names, .file_labels = names};
}

/* Balanced accuracy and accuracy of an order, from the counts. */
static double balanced(const int *counts, int classes, const int *order, double *accuracy)
{
    double sum = 0, right = 0, all = 0;
    for (int i = 0; i < classes; i++) {
        double n = 0;
        for (int j = 0; j < classes; j++) n += counts[i * classes + j];
        sum += n > 0 ? counts[i * classes + order[i]] / (classes * n) : 0;
        right += counts[i * classes + order[i]];
        all += n;
    }
    *accuracy = right / all;
    return sum;
}

typedef struct found {
    double balanced, accuracy;
    int order[MAX];
} found;

/* The best order of all that begin with the first `fixed` of `order`. */
static void try_orders(const int *counts, int classes, int *order, int fixed, found *best)
{
    if (fixed == classes) {
        double accuracy, value = balanced(counts, classes, order, &accuracy);
        if (value <= best->balanced + 1e-12) return;
        *best = (found){.balanced = value, .accuracy = accuracy};
        memcpy(best->order, order, (size_t)classes * sizeof *order);
        return;
    }
    for (int k = fixed; k < classes; k++) {
        int kept = order[fixed];
        order[fixed] = order[k];
        order[k] = kept;
        try_orders(counts, classes, order, fixed + 1, best);
        order[k] = order[fixed];
        order[fixed] = kept;
    }
}

/* Whether the rule of tasks/label_order.c calls the best order better. */
static bool rule(const int *counts, int classes, const found *best, double given, double given_accuracy)
{
    double spread = 0, square = 36 + 2 * (lgamma(classes + 1) - log(classes > 2 ? 6 : 2));
    for (int i = 0; i < classes; i++) {
        double n = 0;
        for (int j = 0; j < classes; j++) n += counts[i * classes + j];
        if (n <= 0) return false;
        if (best->order[i] != i)
            spread += (counts[i * classes + i] + counts[i * classes + best->order[i]]) / (classes * n * classes * n);
    }
    double gain = best->balanced - given;
    return gain >= 0.15 && gain >= sqrt(square * spread) && given <= 1.0 / classes + 0.05 &&
           best->accuracy > given_accuracy;
}

/* Random counts, with a shift of the classes that may or may not be clear. */
static void draw_counts(int *counts, int classes, uint32_t which)
{
    int shift = drawn(which, 1, classes), strong = drawn(which, 2, 200);
    for (int i = 0; i < classes * classes; i++) counts[i] = drawn(which, (uint32_t)(10 + i), 40);
    for (int i = 0; i < classes; i++) counts[i * classes + (i + shift) % classes] += strong;
}

/* Whether more than half of every class is predicted as the order states. */
static bool clear(const int *counts, int classes, const found *best)
{
    for (int i = 0; i < classes; i++) {
        int n = 0;
        for (int j = 0; j < classes; j++) n += counts[i * classes + j];
        if (2 * counts[i * classes + best->order[i]] <= n) return false;
    }
    return true;
}

/* For up to three classes, and for more if the best order is clear, the result equals that of trying every order.
 * Otherwise an order is reported only if the best order satisfies the rule too. */
static void all_orders_agree(void **state)
{
    (void)state;
    int reports = 0;
    for (int classes = 2; classes <= MAX; classes++)
        for (uint32_t which = 0; which < 60; which++) {
            int counts[MAX * MAX], order[MAX] = {0, 1, 2, 3, 4, 5};
            int32_t got[MAX];
            double given, top, given_accuracy, accuracy;
            bertc_task task = made(classes);
            draw_counts(counts, classes, 1000 * (uint32_t)classes + which);
            found best = {.balanced = balanced(counts, classes, order, &given_accuracy)};
            double given_balanced = best.balanced;
            best.accuracy = given_accuracy;
            memcpy(best.order, order, sizeof order);
            try_orders(counts, classes, order, 0, &best);
            bool expected = rule(counts, classes, &best, given_balanced, given_accuracy);
            bool reported = better_of(&task, counts, got, &given, &top);
            assert_near(given, given_accuracy);
            found chosen = {0};
            for (int i = 0; i < classes; i++) chosen.order[i] = got[i];
            chosen.balanced = balanced(counts, classes, chosen.order, &accuracy);
            assert_near(top, accuracy);
            assert_true(chosen.balanced <= best.balanced + 1e-12);
            if (classes <= 3) {
                assert_int_equal(reported, expected);
                assert_near(chosen.balanced, best.balanced);
            }
            if (reported) assert_true(expected);
            if (clear(counts, classes, &best)) {
                assert_int_equal(reported, expected);
                assert_near(chosen.balanced, best.balanced);
            }
            reports += reported;
        }
    assert_in_range(reports, 50, 250);
}

/* ---- Many classes -------------------------------------------------------------------------- */

/* Find a better order for `each` examples of each class: the first `known` are predicted as the class `shift` further
 * on, the others as a random class. */
static bool better_of_many(int classes, int each, int known, int shift, int32_t *best)
{
    bertc_task task = made(classes);
    size_t n = (size_t)classes * (size_t)each, width = (size_t)classes;
    bertc_dataset *set = blank_set_of(&task, n);
    float *logits = calloc(n * width, sizeof *logits);
    for (size_t i = 0; i < n; i++) {
        int label = (int)(i % width);
        bool is_known = (int)(i / width) < known;
        set_class(&set->examples[i], label);
        logits[i * width + (size_t)(is_known ? (label + shift) % classes : drawn(3, (uint32_t)i, classes))] = 1;
    }
    set->labelled = true;
    double given, top;
    bool reported;
    assert_int_equal(bertc_task_better_order(set, logits, &reported, best, &given, &top, NULL), BERTC_OK);
    free(logits);
    bertc_dataset_free(set);
    return reported;
}

static void wrong_orders_of_many_classes_are_found(void **state)
{
    (void)state;
    static const struct {
        int classes, each, known;
    } cases[] = {{7, 20, 18}, {7, 100, 50}, {40, 12, 11}, {300, 20, 17}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t best[300];
        int c = cases[i].classes;
        assert_true(better_of_many(c, cases[i].each, cases[i].known, 1, best));
        for (int k = 0; k < c; k++) assert_int_equal(best[k], (k + 1) % c);
        assert_false(better_of_many(c, cases[i].each, cases[i].known, 0, best)); /* the right order */
    }
}

/* With many orders some order always fits random predictions. */
static void chance_is_not_reported(void **state)
{
    (void)state;
    static const int cases[][2] = {{7, 4}, {7, 30}, {40, 2}, {40, 5}, {300, 1}, {300, 2}, {300, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t best[300];
        bool seen[300] = {false};
        assert_false(better_of_many(cases[i][0], cases[i][1], 0, 0, best));
        for (int k = 0; k < cases[i][0]; k++) {
            assert_in_range(best[k], 0, cases[i][0] - 1);
            assert_false(seen[best[k]]); /* always a permutation */
            seen[best[k]] = true;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(permutations_are_found), cmocka_unit_test(right_orders_are_kept),
        cmocka_unit_test(all_orders_agree),  cmocka_unit_test(wrong_orders_of_many_classes_are_found),
        cmocka_unit_test(chance_is_not_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
