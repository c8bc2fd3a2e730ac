/* Submission files byte by byte. */
#include <locale.h>
#include <math.h>

#include "unit/tasks_help.h"

static void assert_written(const char *task, const float *logits, size_t n, const char *expected)
{
    char folder[64], path[96];
    make_folder(folder);
    snprintf(path, sizeof path, "%s/out.tsv", folder);
    bertc_dataset *set = blank_set(task, n);
    assert_int_equal(bertc_task_write_submission(set, logits, path, NULL), BERTC_OK);
    char *text;
    size_t length;
    assert_int_equal(bc_file_read(path, BC_FILE_WORDS, &text, &length, NULL), BERTC_OK);
    assert_text(text, length, expected);
    bc_free(text);
    bertc_dataset_free(set);
    remove_folder(folder);
}

static void classes_as_the_server_wants_them(void **state)
{
    (void)state;
    static const float two[] = {1, 0, 0, 1, -3, -2}, three[] = {0, 1, 0, 2, 1, 0, 0, 0, 1};
    static const char numbers[] = "index\tprediction\n0\t0\n1\t1\n2\t1\n";
    static const char names[] = "index\tprediction\n0\tentailment\n1\tnot_entailment\n"
                                "2\tnot_entailment\n";
    static const char nli[] = "index\tprediction\n0\tneutral\n1\tentailment\n2\tcontradiction\n";
    assert_written("cola", two, 3, numbers);
    assert_written("sst2", two, 3, numbers);
    assert_written("mrpc", two, 3, numbers);
    assert_written("qqp", two, 3, numbers);
    assert_written("wnli", two, 3, numbers);
    assert_written("qnli", two, 3, names);
    assert_written("rte", two, 3, names);
    assert_written("mnli", three, 3, nli);
    assert_written("mnli-mm", three, 3, nli);
    assert_written("ax", three, 3, nli);
}

/* The index is taken from the data if they have an index. */
static void predictions_have_the_index_of_the_data(void **state)
{
    (void)state;
    static const float logits[] = {1, 0, 0, 1, 0, 1};
    char folder[64], path[96], *text;
    size_t length;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/out.tsv", folder);
    bertc_dataset *set = parse_good("sst2", BERTC_TEST, "index\tsentence\n7\ta\n2\tb\n12\tc\n");
    assert_int_equal(bertc_task_write_submission(set, logits, path, NULL), BERTC_OK);
    assert_int_equal(bc_file_read(path, BC_FILE_WORDS, &text, &length, NULL), BERTC_OK);
    assert_text(text, length, "index\tprediction\n7\t0\n2\t1\n12\t1\n");
    bc_free(text);
    bertc_dataset_free(set);
    remove_folder(folder);
}

static void scores_have_three_places_within_range(void **state)
{
    (void)state;
    static const float values[] = {-1.5f, -0.0f, 0.0004f, 2.0625f, 3.25f, 4.9996f, 17};
    static const char text[] = "index\tprediction\n0\t0.000\n1\t0.000\n2\t0.000\n3\t2.062\n"
                               "4\t3.250\n5\t5.000\n6\t5.000\n";
    assert_written("stsb", values, 7, text);
    if (!setlocale(LC_ALL, "de_DE.UTF-8")) {
        print_message("no locale with a decimal comma at hand: skipped\n");
        return;
    }
    assert_written("stsb", values, 7, text);
    setlocale(LC_ALL, "C");
}

/* Thousandths and the values between them are rounded as by printf. */
static void scores_round_as_printf(void **state)
{
    (void)state;
    for (float v = 0; v <= 5; v += 0.00007f) {
        char ours[32], theirs[32];
        bertc_task_format_prediction(task_named("stsb"), &v, ours, sizeof ours);
        snprintf(theirs, sizeof theirs, "%.3f", (double)v);
        assert_string_equal(ours, theirs);
    }
}

static void logits_that_are_not_finite_are_refused(void **state)
{
    (void)state;
    char folder[64], path[96], shown[8];
    make_folder(folder);
    snprintf(path, sizeof path, "%s/out.tsv", folder);
    static const float logits[] = {0, 0, 0, NAN};
    bertc_dataset *set = blank_set("sst2", 2);
    bertc_error err = {0};
    assert_int_equal(bertc_task_write_submission(set, logits, path, &err), BERTC_DIVERGED);
    assert_string_equal(err.message, "f.tsv:2: the model's output is not finite");
    assert_false(bc_file_exists(path));
    bertc_task_format_prediction(set->task, logits + 2, shown, sizeof shown);
    assert_string_equal(shown, "nan");
    bertc_task_format_prediction(task_named("stsb"), logits + 3, shown, sizeof shown);
    assert_string_equal(shown, "nan");
    bertc_dataset_free(set);
    remove_folder(folder);
}

static void unwritable_paths_are_named(void **state)
{
    (void)state;
    static const float logits[] = {0, 0};
    bertc_dataset *set = blank_set("sst2", 1);
    bertc_error err = {0};
    assert_int_equal(bertc_task_write_submission(set, logits, "no/such/folder/x.tsv", &err), BERTC_IO);
    assert_string_equal(err.message, "no/such/folder/x.tsv: cannot create: No such file or directory");
    bertc_dataset_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_as_the_server_wants_them),
        cmocka_unit_test(predictions_have_the_index_of_the_data),
        cmocka_unit_test(scores_have_three_places_within_range),
        cmocka_unit_test(scores_round_as_printf),
        cmocka_unit_test(logits_that_are_not_finite_are_refused),
        cmocka_unit_test(unwritable_paths_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
