/* Tasks that a user made, in memory: any number of classes, any range of values. */
#include <math.h>

#include "base/rng.h"
#include "unit/classes.h"
#include "unit/tasks_help.h"

enum { MANY = 300 };

/* The row of a task whose splits have two columns, "text" and "label". */
static bertc_task row(const char *name)
{
    static const bertc_columns columns = {.file = "f.tsv", .header = true, .a_name = "text", .label_name = "label",
                                          .a = -1, .b = -1, .label = -1};
    return (bertc_task){.name = name, .title = name, .num_metrics = 2, .metrics = {BERTC_ACCURACY, BERTC_MATTHEWS},
                        .splits = {columns, columns, columns}};
}

static const char *const feelings[] = {"anger", "boredom", "calm", "doubt", "envy", "fear", "joy"};
static const char *const letters[] = {"a", "b", "c", "d", "-1", "f", "a longer name than any other"};

static bertc_task seven(void)
{
    bertc_task task = row("feelings");
    task.num_labels = 7;
    task.labels = feelings;
    task.file_labels = letters;
    return task;
}

/* Label i is "c<i>" in files. */
static bertc_task many(void)
{
    static char spelled[MANY][16];
    static const char *names[MANY];
    bertc_task task = row("many");
    for (int i = 0; i < MANY; i++) {
        snprintf(spelled[i], sizeof spelled[i], "c%d", i);
        names[i] = spelled[i];
    }
    task.num_labels = MANY;
    task.labels = task.file_labels = names;
    return task;
}

static bertc_task temperature(void)
{
    bertc_task task = row("temperature");
    task.kind = BERTC_REGRESSION;
    task.num_labels = 1;
    task.low = -40;
    task.high = 2.5;
    task.metrics[0] = BERTC_PEARSON;
    task.metrics[1] = BERTC_SPEARMAN;
    return task;
}

static bertc_dataset *read_split(const bertc_task *task, bertc_split split, const char *text, bertc_error *err)
{
    bertc_dataset *set = NULL;
    parse_by(task, split, &task->splits[split], text, strlen(text), 0, &set, err);
    return set;
}

static bertc_dataset *read_good(const bertc_task *task, bertc_split split, const char *text)
{
    bertc_error err = {0};
    bertc_dataset *set = read_split(task, split, text, &err);
    assert_string_equal(err.message, "");
    assert_non_null(set);
    assert_ptr_equal(set->task, task);
    return set;
}

/* "-1" is a label if the task has a label of that name; else it means "unlabelled". */
static void seven_classes_are_read(void **state)
{
    (void)state;
    const bertc_task task = seven();
    static const int expected[] = {4, 6, 0, 5, 1, 3, 2};
    bertc_dataset *set = read_good(&task, BERTC_TRAIN,
                                   "text\tlabel\nt\t-1\nt\ta longer name than any other\nt\ta\nt\tf\n"
                                   "t\tb\nt\td\nt\tc\n");
    assert_true(set->labelled);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(set->examples[i].num_labels, 1);
        assert_int_equal(set->examples[i].labels[0], expected[i]);
        assert_true(isnan(set->examples[i].value));
    }
    bertc_dataset_free(set);
    const bertc_task other = many();
    set = read_good(&other, BERTC_DEV, "text\tlabel\nt\t-1\n");
    assert_false(set->labelled);
    assert_int_equal(set->examples[0].num_labels, 0);
    assert_null(set->examples[0].labels);
    bertc_dataset_free(set);
    bertc_error err = {0};
    assert_null(read_split(&other, BERTC_DEV, "text\tlabel\nt\tc1\nt\tc300\n", &err));
    assert_string_equal(err.message, "f.tsv:3: label \"c300\" is not one of c0, c1, c2, c3, c4, c5, c6, c7, ...");
}

/* More rows than the first block of labels holds, so the block moves. */
static void many_classes_are_read(void **state)
{
    (void)state;
    enum { ROWS = 2000 };
    const bertc_task task = many();
    char *text = malloc(16 * (ROWS + 2)), *p = text;
    assert_non_null(text);
    p += sprintf(p, "text\tlabel\n");
    for (int i = 0; i < ROWS; i++) p += sprintf(p, "t\tc%d\n", i * 7 % MANY);
    bertc_dataset *set = read_good(&task, BERTC_TRAIN, text);
    assert_int_equal(set->count, ROWS);
    for (int i = 0; i < ROWS; i++) assert_int_equal(bc_example_class(&set->examples[i]), i * 7 % MANY);
    bertc_dataset_free(set);
    free(text);
}

/* -1 is a value if it is within the range; else it means "unlabelled". */
static void a_range_is_the_tasks_own(void **state)
{
    (void)state;
    bertc_task task = temperature();
    bertc_error err = {0};
    bertc_dataset *set = read_good(&task, BERTC_TEST, "text\tlabel\nt\t-40\nt\t2.5\nt\t-1\nt\t-1.0e0\n");
    static const float values[] = {-40, 2.5f, -1, -1};
    assert_true(set->labelled);
    for (size_t i = 0; i < 4; i++) {
        assert_true(set->examples[i].value == values[i]);
        assert_int_equal(set->examples[i].num_labels, 0);
    }
    bertc_dataset_free(set);
    assert_null(read_split(&task, BERTC_TRAIN, "text\tlabel\nt\t2.51\n", &err));
    assert_string_equal(err.message, "f.tsv:2: score \"2.51\" is not between -40 and 2.5");
    task.low = 0;
    task.high = INFINITY;
    set = read_good(&task, BERTC_TRAIN, "text\tlabel\nt\t-1\n");
    assert_false(set->labelled);
    bertc_dataset_free(set);
    set = read_good(&task, BERTC_TRAIN, "text\tlabel\nt\t1e30\n");
    assert_true(set->examples[0].value == 1e30f);
    bertc_dataset_free(set);
    task.low = -INFINITY; /* any value, also -1 */
    set = read_good(&task, BERTC_TRAIN, "text\tlabel\nt\t-1\nt\t-1000000\nt\t3.4028234e38\n");
    assert_true(set->labelled);
    assert_true(set->examples[0].value == -1 && set->examples[1].value == -1e6f);
    bertc_dataset_free(set);
    static const struct {
        const char *text, *message;
    } bad[] = {{"text\tlabel\nt\t1\nt\t3.5e38\n", "f.tsv:3: score \"3.5e38\" is beyond the range of a 32-bit float"},
               {"text\tlabel\nt\t-1e999\n", "f.tsv:2: score \"-1e999\" is not finite"},
               {"text\tlabel\nt\tnan\n", "f.tsv:2: score \"nan\" is not finite"},
               {"text\tlabel\nt\t1.2.3\n", "f.tsv:2: score \"1.2.3\" is not a number"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bertc_error why = {0};
        assert_null(read_split(&task, BERTC_TRAIN, bad[i].text, &why));
        assert_string_equal(why.message, bad[i].message);
    }
}

/* ---- Scores -------------------------------------------------------------------------------- */

/* The Matthews coefficient as a correlation of indicators, summed over pairs of examples. */
static double correlation(const int *labels, const int *called, size_t n)
{
    double both = 0, by_label = 0, by_call = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            bool same_label = labels[i] == labels[k], same_call = called[i] == called[k];
            both += (labels[i] == called[i]) - (labels[i] == called[k]);
            by_label += 1 - same_label;
            by_call += 1 - same_call;
        }
    return both / sqrt(by_label * by_call);
}

static void many_classes_are_scored(void **state)
{
    (void)state;
    enum { N = 500 };
    const bertc_task tasks[] = {seven(), many()};
    for (size_t t = 0; t < 2; t++) {
        const bertc_task *task = &tasks[t];
        size_t c = (size_t)task->num_labels;
        bertc_dataset *set = blank_set_of(task, N);
        float *logits = calloc(N * c, sizeof *logits);
        int labels[N], called[N];
        double right = 0, loss = 0, one[3] = {0}; /* of class 1: predicted and labelled, predicted, labelled */
        for (size_t i = 0; i < N; i++) {
            bc_rng_block r = bc_rng(1, (uint32_t)t, (uint32_t)i, 0, 0);
            labels[i] = (int)(r.word[0] % c);
            called[i] = r.word[1] % 3 ? labels[i] : (int)(r.word[2] % c);
            set_class(&set->examples[i], labels[i]);
            logits[i * c + (size_t)called[i]] = 2;
            right += labels[i] == called[i];
            loss += log(exp(2) + (double)c - 1) - (labels[i] == called[i] ? 2 : 0);
            one[0] += labels[i] == 1 && called[i] == 1;
            one[1] += called[i] == 1;
            one[2] += labels[i] == 1;
        }
        set->labelled = true;
        bertc_scores scores;
        assert_int_equal(bertc_task_score(set, logits, &scores, NULL), BERTC_OK);
        assert_near(scores.value[BERTC_ACCURACY], right / N);
        assert_near(scores.value[BERTC_F1], 2 * one[0] / (one[1] + one[2]));
        assert_near(scores.value[BERTC_MATTHEWS], correlation(labels, called, N));
        assert_true(fabs(scores.value[BERTC_LOSS] - loss / N) < 1e-9);
        assert_int_equal(scores.same_prediction, 0);
        memset(logits, 0, N * c * sizeof *logits);
        for (size_t i = 0; i < N; i++) logits[i * c + c - 1] = 1;
        assert_int_equal(bertc_task_score(set, logits, &scores, NULL), BERTC_OK);
        assert_int_equal(scores.same_prediction, c);
        free(logits);
        bertc_dataset_free(set);
    }
}

/* ---- Predictions --------------------------------------------------------------------------- */

static void assert_prediction(const bertc_task *task, const float *logits, const char *expected)
{
    char text[64];
    bertc_task_format_prediction(task, logits, text, sizeof text);
    assert_string_equal(text, expected);
}

static void predictions_are_spelled(void **state)
{
    (void)state;
    bertc_task task = temperature();
    task.submission = "T.tsv";
    static const struct {
        float value;
        const char *text;
    } cases[] = {{-40.5f, "-40.000"}, {-0.5f, "-0.500"}, {-0.0001f, "0.000"}, {-0.0f, "0.000"}, {3, "2.500"},
                 {-39.9996f, "-40.000"}, {0.0625f, "0.062"}, {0.1875f, "0.188"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) assert_prediction(&task, &cases[i].value, cases[i].text);
    task.low = -INFINITY;
    task.high = INFINITY;
    assert_prediction(&task, (const float[]){-3e38f}, "-300000000549775575777803994281145270272.000");
    assert_prediction(&task, (const float[]){1048576.5f}, "1048576.500");
    task = temperature(); /* a task that is not GLUE's: the value as it is */
    static const struct {
        float value;
        const char *text;
    } exact[] = {{-40.5f, "-40.5"}, {3, "3"}, {-3e38f, "-3e+38"}, {1e6f, "1e+06"}, {1234567.9f, "1234567.9"},
                 {0.1f, "0.1"}, {-0.0f, "-0"}, {1e-42f, "1e-42"}};
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        assert_prediction(&task, &exact[i].value, exact[i].text);
        assert_true((float)strtod(exact[i].text, NULL) == exact[i].value);
    }
    const bertc_task classes = seven();
    static const float logits[14] = {[6] = 1, [7 + 4] = 1};
    assert_prediction(&classes, logits, letters[6]);
    char cut[4];
    bertc_task_format_prediction(&classes, logits, cut, sizeof cut);
    assert_string_equal(cut, "a l");
    char folder[64], path[96], *text;
    size_t length;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/out.tsv", folder);
    bertc_dataset *set = blank_set_of(&classes, 2);
    assert_int_equal(bertc_task_write_submission(set, logits, path, NULL), BERTC_OK);
    assert_int_equal(bc_file_read(path, BC_FILE_WORDS, &text, &length, NULL), BERTC_OK);
    assert_text(text, length, "index\tprediction\n0\ta longer name than any other\n1\t-1\n");
    bc_free(text);
    bertc_dataset_free(set);
    remove_folder(folder);
}

/* ---- Invalid rows -------------------------------------------------------------------------- */

static void refuse(bertc_task task, const char *words)
{
    bertc_error err = {0};
    bertc_dataset *set;
    assert_int_equal(bertc_dataset_from_lines(&task, "t\n", 2, "f", &set, &err), BERTC_USAGE);
    assert_null(set);
    if (!strstr(err.message, words)) fail_msg("\"%s\", expected \"%s\"", err.message, words);
}

static void rows_that_contradict_themselves_are_refused(void **state)
{
    (void)state;
    static const char *const hole[] = {"a", NULL};
    bertc_task task = seven();
    task.name = NULL;
    refuse(task, "without a name");
    task = seven();
    task.num_labels = 1;
    refuse(task, "task feelings: a classification needs at least 2 labels");
    task.num_labels = -7;
    refuse(task, "at least 2 labels");
    task = seven();
    task.labels = NULL;
    refuse(task, "at least 2 labels, each with a name");
    task = seven();
    task.num_labels = 2;
    task.file_labels = hole;
    refuse(task, "at least 2 labels, each with a name");
    task = seven();
    task.kind = BERTC_KINDS;
    refuse(task, "kind 3 is not valid");
    task = seven();
    task.num_metrics = BERTC_METRICS + 1;
    refuse(task, "22 metrics");
    task = seven();
    task.metrics[1] = BERTC_METRICS;
    refuse(task, "metric 21 is not valid");
    task = temperature();
    task.high = task.low;
    refuse(task, "one value and low < high");
    task.high = NAN;
    refuse(task, "one value and low < high");
    task = temperature();
    task.num_labels = 2;
    refuse(task, "one value");
}

/* A column has one use: the first text, the second, or the index. */
static void columns_have_one_use(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool pair;
        const char *message; /* null: the file is read */
    } cases[] = {{"text", "text", true, "task feelings: both texts are the same column"},
                 {"text", NULL, true, "task feelings: its texts are pairs, but its columns have only one text"},
                 {NULL, NULL, false, "task feelings: its columns have no text"},
                 {"id", NULL, false, NULL},
                 {"text", "id", true, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_task task = seven();
        bertc_error err = {0};
        task.pair = cases[i].pair;
        task.splits[BERTC_TRAIN].a_name = cases[i].a;
        task.splits[BERTC_TRAIN].b_name = cases[i].b;
        bertc_dataset *set = read_split(&task, BERTC_TRAIN, "id\ttext\tlabel\nseven\tthe text\ta\n", &err);
        assert_string_equal(err.message, cases[i].message ? cases[i].message : "");
        if (set) assert_null(set->examples->index);
        bertc_dataset_free(set);
    }
}

/* A task without labels has nothing to predict or to score. */
static void tasks_without_labels(void **state)
{
    (void)state;
    const bertc_task task = {.name = "text"};
    bertc_dataset *set = blank_set_of(&task, 2);
    bertc_error err = {0};
    bertc_scores scores;
    const float logits[2] = {0};
    char text[8] = "x";
    assert_int_equal(bertc_task_score(set, logits, &scores, &err), BERTC_INPUT);
    err = (bertc_error){0};
    assert_int_equal(bertc_task_write_submission(set, logits, "x", &err), BERTC_USAGE);
    assert_string_equal(err.message, "task text has no labels to predict");
    bertc_task_format_prediction(&task, logits, text, sizeof text);
    assert_string_equal(text, "");
    set->labelled = true;
    assert_int_equal(bertc_task_score(set, logits, &scores, NULL), BERTC_USAGE);
    set->count = 0;
    assert_int_equal(bertc_task_score(set, logits, &scores, NULL), BERTC_INPUT);
    bertc_dataset_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seven_classes_are_read),   cmocka_unit_test(many_classes_are_read),
        cmocka_unit_test(a_range_is_the_tasks_own), cmocka_unit_test(many_classes_are_scored),
        cmocka_unit_test(predictions_are_spelled),  cmocka_unit_test(rows_that_contradict_themselves_are_refused),
        cmocka_unit_test(columns_have_one_use),       cmocka_unit_test(tasks_without_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
