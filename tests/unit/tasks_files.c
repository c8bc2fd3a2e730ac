/* Finding the files of a task, the older distributions, and the official data if available. */

#include "unit/tasks_help.h"

static bertc_dataset *read_good(const char *name, const char *data, bertc_split split)
{
    bertc_dataset *set = NULL;
    bertc_error err = {0};
    bertc_status status = bertc_dataset_read(task_named(name), data, split, 0, &set, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, BERTC_OK);
    return set;
}

/* Compare the message of a failed read with `expected`, in which '@' is the folder. */
static void read_bad(const char *name, const char *data, bertc_split split, bertc_status status, const char *expected)
{
    bertc_dataset *set = NULL;
    bertc_error err = {0};
    assert_int_equal(bertc_dataset_read(task_named(name), data, split, 0, &set, &err), status);
    assert_null(set);
    char full[512];
    size_t at = 0;
    for (const char *c = expected; *c; c++)
        at += (size_t)snprintf(full + at, sizeof full - at, "%.*s", *c == '@' ? 64 : 1,
                               *c == '@' ? data : c);
    assert_string_equal(err.message, full);
}

static void root_or_own_folder(void **state)
{
    (void)state;
    char root[64], own[80], wanted[96];
    make_folder(root);
    put_file(root, "SST-2/dev.tsv", "sentence\tlabel\na\t1\n");
    snprintf(own, sizeof own, "%s/SST-2/", root);
    snprintf(wanted, sizeof wanted, "%s/SST-2/dev.tsv", root);
    const char *data[] = {root, own};
    for (int i = 0; i < 2; i++) {
        char *path = NULL;
        assert_int_equal(bertc_task_path(task_named("sst2"), data[i], BERTC_DEV, &path, NULL), BERTC_OK);
        assert_string_equal(path, wanted);
        free(path);
        bertc_dataset *set = read_good("sst2", data[i], BERTC_DEV);
        assert_int_equal(set->count, 1);
        assert_string_equal(set->path, wanted);
        bertc_dataset_free(set);
    }
    remove_folder(root);
}

static void missing_files_are_named(void **state)
{
    (void)state;
    char root[64];
    make_folder(root);
    read_bad("sst2", root, BERTC_DEV, BERTC_INPUT, "@: there is neither SST-2/dev.tsv nor dev.tsv, "
             "nor sst2/validation.csv (or .tsv, .jsonl, .json)");
    read_bad("mrpc", root, BERTC_TEST, BERTC_INPUT,
             "@: there is none of MRPC/test.tsv, test.tsv, MRPC/msr_paraphrase_test.txt, "
             "msr_paraphrase_test.txt, nor mrpc/test.csv (or .tsv, .jsonl, .json)");
    read_bad("ax", root, BERTC_TEST, BERTC_INPUT,
             "@: there is none of AX/diagnostic.tsv, diagnostic/diagnostic.tsv, diagnostic.tsv, "
             "AX/diagnostic-full.tsv, diagnostic/diagnostic-full.tsv, diagnostic-full.tsv, "
             "nor ax/test.csv (or .tsv, .jsonl, .json)");
    read_bad("ax", root, BERTC_TRAIN, BERTC_USAGE, "task ax has no train split");
    put_file(root, "SST-2/dev.tsv", "");
    read_bad("sst2", root, BERTC_DEV, BERTC_INPUT, "@/SST-2/dev.tsv: empty file");
    put_file(root, "RTE/dev.tsv/x", "");
    read_bad("rte", root, BERTC_DEV, BERTC_INPUT, "@/RTE/dev.tsv: not a regular file");
    char file[96];
    snprintf(file, sizeof file, "%s/SST-2/dev.tsv", root);
    read_bad("sst2", file, BERTC_DEV, BERTC_INPUT, "@: not a folder");
    remove_folder(root);
    read_bad("sst2", root, BERTC_DEV, BERTC_INPUT, "@: cannot open folder: No such file or directory");
}

#define MSR "\xEF\xBB\xBFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n"

static void mrpc_as_microsoft_ships_it(void **state)
{
    (void)state;
    char root[64];
    make_folder(root);
    put_file(root, "MRPC/msr_paraphrase_train.txt",
             MSR "1\t10\t11\ta\tA\r\n0\t20\t21\tb\tB\r\n1\t30\t31\tc\tC\r\n1\t10\t12\td\tD\r\n");
    put_file(root, "MRPC/msr_paraphrase_test.txt", MSR "1\t40\t41\te\tE\r\n");
    read_bad("mrpc", root, BERTC_TRAIN, BERTC_INPUT,
             "@/MRPC/msr_paraphrase_train.txt: the list of its dev rows, dev_ids.tsv, is not in "
             "the same folder");
    put_file(root, "MRPC/dev_ids.tsv", "");
    read_bad("mrpc", root, BERTC_DEV, BERTC_INPUT, "@/MRPC/dev_ids.tsv: empty file");
    put_file(root, "MRPC/dev_ids.tsv", "30\t31\n10\t11\n");
    static const char *const expected[] = {"bd", "ac", "e"};
    for (bertc_split split = BERTC_TRAIN; split < BERTC_SPLITS; split++) {
        bertc_dataset *set = read_good("mrpc", root, split);
        assert_int_equal(set->count, strlen(expected[split]));
        assert_true(set->labelled);
        for (size_t i = 0; i < set->count; i++)
            assert_text(set->examples[i].a, set->examples[i].na, (char[]){expected[split][i], '\0'});
        bertc_dataset_free(set);
    }
    bertc_dataset *texts = NULL; /* the rows of dev */
    assert_int_equal(bertc_dataset_read_texts(task_named("mrpc"), root, BERTC_DEV, 0, &texts, NULL), BERTC_OK);
    assert_int_equal(texts->count, 2);
    assert_null(texts->examples[0].index);
    assert_text(texts->examples[1].a, texts->examples[1].na, "c");
    assert_false(texts->labelled);
    bertc_dataset_free(texts);
    put_file(root, "MRPC/train.tsv", MSR "1\t50\t51\tready\tmade\n");
    bertc_dataset *set = read_good("mrpc", root, BERTC_TRAIN);
    assert_int_equal(set->count, 1);
    bertc_dataset_free(set);
    remove_folder(root);
}

static void ax_as_it_used_to_be(void **state)
{
    (void)state;
    char root[64];
    make_folder(root);
    put_file(root, "diagnostic/diagnostic-full.tsv",
             "Lexical Semantics\tPredicate-Argument Structure\tLogic\tKnowledge\tDomain\tPremise\t"
             "Hypothesis\tLabel\n"
             "\t\tNegation\t\tArtificial\tA cat.\tNo cat.\tcontradiction\n"
             "\t\t\t\t\tA cat.\tA dog.\t\n"
             "\t\t\t\t\tA cat.\tAn animal.\tentailment\n");
    bertc_dataset *set = read_good("ax", root, BERTC_DEV);
    assert_int_equal(set->count, 2);
    assert_int_equal(set->skipped_label, 1);
    assert_true(set->labelled);
    assert_int_equal(bc_example_class(&set->examples[0]), 2);
    assert_text(set->examples[0].b, set->examples[0].nb, "No cat.");
    bertc_dataset_free(set);
    for (bertc_split split = BERTC_DEV; split <= BERTC_TEST; split++) {
        assert_int_equal(bertc_dataset_read_texts(task_named("ax"), root, split, 0, &set, NULL), BERTC_OK);
        assert_int_equal(set->count, 3);
        bertc_dataset_free(set);
    }
    remove_folder(root);
}

/* ---- Official files ------------------------------------------------------------------------ */

static void check_labels(const bertc_dataset *set)
{
    for (size_t i = 0; i < set->count; i++) {
        const bertc_example *e = &set->examples[i];
        assert_true(set->task->pair == (e->b != NULL));
        if (!set->labelled) continue;
        assert_true(set->task->kind == BERTC_REGRESSION ? e->value >= 0 && e->value <= 5
                                          : bc_example_class(e) >= 0 && bc_example_class(e) < set->task->num_labels);
    }
}

/* Check that all rows are there, and that an index counts them. */
static void check_texts(const bertc_task *task, const char *glue, bertc_split split)
{
    bertc_dataset *set = NULL;
    assert_int_equal(bertc_dataset_read_texts(task, glue, split, 0, &set, NULL), BERTC_OK);
    assert_int_equal(set->count, task->rows[split]);
    bool has_index = split == BERTC_TEST || strcmp(task->name, "ax") == 0;
    for (size_t i = 0; i < set->count && has_index; i++) {
        char number[32];
        snprintf(number, sizeof number, "%zu", i);
        assert_text(set->examples[i].index, set->examples[i].nindex, number);
    }
    bertc_dataset_free(set);
}

static void official_files_have_official_rows(void **state)
{
    (void)state;
    char glue[512];
    if (!official_data("glue", glue)) skip();
    int files = 0;
    for (size_t t = 0; t < bertc_task_count(); t++)
        for (bertc_split split = BERTC_TRAIN; split < BERTC_SPLITS; split++) {
            const bertc_task *task = bertc_task_at(t);
            char *path = NULL;
            if (bertc_task_path(task, glue, split, &path, NULL) != BERTC_OK) continue;
            free(path);
            bertc_dataset *set = read_good(task->name, glue, split);
            assert_int_equal(set->count, task->rows[split]);
            assert_int_equal(set->skipped_short + set->skipped_label, 0);
            assert_int_equal(set->labelled, split != BERTC_TEST && strcmp(task->name, "ax") != 0);
            check_labels(set);
            bertc_dataset_free(set);
            check_texts(task, glue, split);
            files++;
        }
    print_message("%d official files read, row counts as published\n", files);
    assert_true(files > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_or_own_folder),
        cmocka_unit_test(missing_files_are_named),
        cmocka_unit_test(mrpc_as_microsoft_ships_it),
        cmocka_unit_test(ax_as_it_used_to_be),
        cmocka_unit_test(official_files_have_official_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
