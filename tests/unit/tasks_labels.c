/* Matching a model's labels to a task's. */
#include "unit/tasks_help.h"

static void match_of(const bertc_task *task, const char *const *labels, int32_t count, const int *expected,
                     bool by_name)
{
    int32_t map[12];
    bool named = !by_name;
    bertc_error err = {0};
    bertc_status status = bertc_task_match_labels(task, (char *const *)labels, count, map, &named, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, BERTC_OK);
    assert_int_equal(named, by_name);
    for (int i = 0; i < count; i++) assert_int_equal(map[i], expected[i]);
}

static void match(const char *task, const char *const *labels, int32_t count, const int *expected, bool by_name)
{
    match_of(task_named(task), labels, count, expected, by_name);
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

static void numbers_as_names_keep_the_order(void **state)
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
        {"sst2", {"negative", "neutral"}, "the model's 2 labels (negative, neutral) match only "
         "some of the 2 labels of task sst2 (negative, positive)", 2},
        {"mnli", {"entailment", "contradiction", "x"}, "the model's 3 labels (entailment, "
         "contradiction, x) match only some of the 3 labels of task mnli (entailment, neutral, "
         "contradiction)", 3},
        {"sst2", {"positive", "positive"}, "the model's 2 labels (positive, positive) match only "
         "some of the 2 labels of task sst2 (negative, positive)", 2},
        {"sst2", {"LABEL_0", "LABEL_1", "LABEL_2"}, "the model's 3 labels (LABEL_0, LABEL_1, "
         "LABEL_2) differ in number from the 2 labels of task sst2 (negative, positive)", 3},
        {"sst2", {"a", "b", "c", "d", "e", "f", "g", "h", "i"}, "the model's 9 labels (a, b, c, d, "
         "e, f, g, h, ...) differ in number from the 2 labels of task sst2 (negative, positive)", 9},
        {"sst2", {"joy", "anger"}, "the model's 2 labels (joy, anger) match none of the 2 labels of task sst2 "
         "(negative, positive)", 2},
        {"cola", {"negative", "positive"}, "the model's 2 labels (negative, positive) match none of the 2 labels of "
         "task cola (unacceptable, acceptable)", 2},
        {"sst2", {"1", "1"}, "the model's 2 labels (1, 1) match none of the 2 labels of task sst2 (negative, positive)",
         2},
        {"sst2", {"1", "2"}, "the model's 2 labels (1, 2) match none of the 2 labels of task sst2 (negative, positive)",
         2},
        {"sst2", {"negative", "LABEL_1"}, "the model's 2 labels (negative, LABEL_1) match only some of the 2 labels of "
         "task sst2 (negative, positive)", 2},
        {"rte", {"entailment", "neutral", "contradiction"}, "the model's 3 labels (entailment, neutral, "
         "contradiction) differ in number from the 2 labels of task rte (entailment, not_entailment)", 3},
        {"stsb", {"LABEL_0", "LABEL_1"}, "the model has 2 labels, but task stsb needs one value", 2},
        {"rte", {"x"}, "the model's 1 label (x) differs in number from the 2 labels of task rte "
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

/* A user's task with these labels, which its files spell alike. */
static bertc_task made(const char *const *labels, int count)
{
    return (bertc_task){.name = "made", .num_labels = count, .labels = labels, .file_labels = labels};
}

/* If names are similar, the closest name is matched. No two labels map to the same label. */
static void the_closest_name_is_matched(void **state)
{
    (void)state;
    bertc_task cases = made(NAMES("Yes", "yes", "YES"), 3);
    match_of(&cases, NAMES("yes", "YES", "Yes"), 3, MAP(2, 0, 1), true);
    match_of(&cases, NAMES("yEs", "YES", "yes"), 3, MAP(0, 2, 1), true);
    bertc_task blanks = made(NAMES("a b", "a-b"), 2);
    match_of(&blanks, NAMES("a-b", "a_b"), 2, MAP(1, 0), true);
    bertc_task synonyms = made(NAMES("paraphrase", "equivalent"), 2);
    match_of(&synonyms, NAMES("equivalent", "paraphrase"), 2, MAP(1, 0), true);
    bertc_task twice = made(NAMES("entailment", "entail"), 2);
    match_of(&twice, NAMES("entail", "entailment"), 2, MAP(1, 0), true);
    match_of(&twice, NAMES("entail", "entails"), 2, MAP(1, 0), true);
}

static void numbers_may_have_many_digits(void **state)
{
    (void)state;
    bertc_task task = made(NAMES("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"), 12);
    match_of(&task, NAMES("LABEL_11", "LABEL_1", "LABEL_10", "LABEL_0", "2", "3", "4", "5", "6", "7", "8", "9"), 12,
             MAP(3, 1, 4, 5, 6, 7, 8, 9, 10, 11, 2, 0), false);
    static const char *const bad[] = {"LABEL_12", "LABEL_011", "LABEL_", "", "99999999999999999999", "1x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *labels[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", bad[i]};
        int32_t map[12];
        bool by_name;
        bertc_error err = {0};
        assert_int_equal(bertc_task_match_labels(&task, (char *const *)labels, 12, map, &by_name, &err), BERTC_INPUT);
        assert_non_null(strstr(err.message, "match none of the 12 labels of task made (a, b, c, d, e, f, g, h, ...)"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_decide),
        cmocka_unit_test(numbers_as_names_keep_the_order),
        cmocka_unit_test(mismatches_name_both_lists),
        cmocka_unit_test(the_closest_name_is_matched),
        cmocka_unit_test(numbers_may_have_many_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
