/* Every quirk of the files that the reader accepts, and every error with its exact message. */
#include <math.h>

#include "unit/tasks_help.h"

/* ---- Accepted files ------------------------------------------------------------------------ */

static void reads_single_sentences(void **state)
{
    (void)state;
    bertc_dataset *set = parse_good("sst2", BERTC_DEV, "sentence\tlabel\ngood \t1\nbad\t0\n");
    assert_int_equal(set->count, 2);
    assert_true(set->labelled);
    assert_string_equal(set->path, "f.tsv");
    assert_text(set->examples[0].a, set->examples[0].na, "good ");
    assert_null(set->examples[0].b);
    assert_int_equal(bc_example_class(&set->examples[0]), 1);
    assert_int_equal(bc_example_class(&set->examples[1]), 0);
    assert_int_equal(set->examples[1].line, 3);
    assert_true(isnan(set->examples[1].value));
    bertc_dataset_free(set);
}

static void quotes_are_characters(void **state)
{
    (void)state;
    bertc_dataset *set = parse_good("mrpc", BERTC_TRAIN,
                                    "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n"
                                    "1\t1\t2\t\" He said .\tShe \"said\" 'it' .\n"
                                    "0\t3\t4\tnext\t\"\n");
    assert_int_equal(set->count, 2);
    assert_text(set->examples[0].a, set->examples[0].na, "\" He said .");
    assert_text(set->examples[0].b, set->examples[0].nb, "She \"said\" 'it' .");
    assert_text(set->examples[1].b, set->examples[1].nb, "\"");
    bertc_dataset_free(set);
}

static void bom_crlf_and_no_last_newline(void **state)
{
    (void)state;
    bertc_dataset *set = parse_good("sst2", BERTC_DEV, "\xEF\xBB\xBFsentence\tlabel\r\na\rb\t1\r\nc\t0\r\nd\t1");
    assert_int_equal(set->count, 3);
    assert_text(set->examples[0].a, set->examples[0].na, "a\rb");
    assert_int_equal(bc_example_class(&set->examples[2]), 1);
    bertc_dataset_free(set);
    set = parse_good("cola", BERTC_DEV, "\xEF\xBB\xBFs\t1\t\ttext\r\n\r\n\n");
    assert_int_equal(set->count, 1);
    assert_text(set->examples[0].a, set->examples[0].na, "text");
    bertc_dataset_free(set);
}

static void nul_and_foreign_line_ends_are_text(void **state)
{
    (void)state;
    static const char text[] = "sentence\tlabel\na\0b\xC2\x85""c\xE2\x80\xA8\v\fd\t1\n";
    bertc_dataset *set = NULL;
    bertc_error err = {0};
    assert_int_equal(parse_bytes("sst2", BERTC_DEV, text, sizeof text - 1, 0, &set, &err), BERTC_OK);
    assert_int_equal(set->count, 1);
    assert_int_equal(set->examples[0].na, 12);
    assert_memory_equal(set->examples[0].a, "a\0b\xC2\x85""c\xE2\x80\xA8\v\fd", 12);
    bertc_dataset_free(set);
}

static void columns_by_name_in_any_order(void **state)
{
    (void)state;
    bertc_dataset *set = parse_good("rte", BERTC_TRAIN,
                                    "label\tindex\tsentence2\tx\tsentence1\n"
                                    "not_entailment\t0\tB\t\tA\n");
    assert_text(set->examples[0].a, set->examples[0].na, "A");
    assert_text(set->examples[0].b, set->examples[0].nb, "B");
    assert_int_equal(bc_example_class(&set->examples[0]), 1);
    bertc_dataset_free(set);
}

/* Column names match in any case and without blanks around them. */
static void names_match_in_any_case(void **state)
{
    (void)state;
    static const char *const heads[] = {"Sentence\tLABEL", "sentence \t label", "SENTENCE\tlabel\r",
                                        ("\xEF\xBB\xBF" "Sentence\tLabel ")};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s\n a \t1\n", heads[i]);
        bertc_dataset *set = parse_good("sst2", BERTC_TRAIN, text);
        assert_int_equal(set->count, 1);
        assert_text(set->examples[0].a, set->examples[0].na, " a ");
        assert_int_equal(bc_example_class(&set->examples[0]), 1);
        assert_null(set->missing_label_column);
        bertc_dataset_free(set);
    }
}

/* If the header has no label column, no other column is read as labels. */
static void a_missing_label_column_is_reported(void **state)
{
    (void)state;
    bertc_dataset *set = parse_good("rte", BERTC_DEV, "index\tsentence1\tsentence2\tgold\n0\tA\tB\tentailment\n");
    assert_false(set->labelled);
    assert_string_equal(set->missing_label_column, "label");
    assert_string_equal(set->header_columns, "\"index\", \"sentence1\", \"sentence2\", \"gold\"");
    bertc_dataset_free(set);
    set = parse_good("rte", BERTC_DEV, "index\tsentence1\tsentence2\tlabel\n0\tA\tB\tentailment\n");
    assert_true(set->labelled);
    assert_null(set->missing_label_column);
    bertc_dataset_free(set);
}

/* ---- Only texts ---------------------------------------------------------------------------- */

#define RTE_TEST "index\tsentence1\tsentence2\tlabel\n"

/* Every row is an example with its index, whatever its label. */
static void every_row_is_an_example(void **state)
{
    (void)state;
    static const struct {
        const char *task, *text, *indices; /* indices: one per row, '.': none */
        bertc_split split;
    } cases[] = {
        {"rte", RTE_TEST "0\ta\tb\thidden\n1\tc\td\t-\n2\te\tf\t\n3\tg\th\t-1\n4\ti\tj\t?\n", "0 1 2 3 4", BERTC_TEST},
        {"rte", RTE_TEST "7\ta\tb\tentailment\n3\tc\td\thidden\n11\te\tf\tx\n", "7 3 11", BERTC_DEV},
        {"mnli", "index\tsentence1\tsentence2\tgold_label\n4\ta\tb\t-\n5\tc\td\tneutral\n", "4 5", BERTC_DEV},
        {"mnli-mm", "sentence1\tsentence2\tgold_label\na\tb\t-\nc\td\t-\n", ". .", BERTC_DEV},
        {"ax", "index\tsentence1\tsentence2\n9\ta\tb\n", "9", BERTC_TEST},
        {"sst2", "index\tsentence\n5\ta\n2\t\n", "5 2", BERTC_TEST},
        {"sst2", "sentence\na\n\nb\n\n", ". . . .", BERTC_TEST},
        {"sst2", "sentence\tlabel\na\t1\nb\thidden\n\n", ". .", BERTC_DEV},
        {"sst2", "id\tsentence\nx-1\ta\n", "x-1", BERTC_TEST},
        {"sst2", "ID\tindex\tsentence\n8\t3\ta\n", "3", BERTC_TEST},
        {"cola", "s\thidden\t\ta\ns\t1\t\tb\n", ". .", BERTC_DEV},
        {"cola", "index\tsentence\n3\ta\n", "3", BERTC_TEST},
        {"qqp", "id\tquestion1\tquestion2\n1\ta\tb\n0\tc\td\n", "1 0", BERTC_TEST},
        {"qqp", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n70\t1\t2\ta\tb\t\n", "70", BERTC_DEV},
        {"qnli", "index\tquestion\tsentence\n6\ta\tb\n", "6", BERTC_TEST},
        {"wnli", "index\tsentence1\tsentence2\n6\ta\tb\n", "6", BERTC_TEST},
        {"mrpc", "index\t#1 ID\t#2 ID\t#1 String\t#2 String\n5\t1\t2\ta\tb\n", "5", BERTC_TEST},
        {"mrpc", "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n?\t1\t2\ta\tb\n", ".", BERTC_DEV},
        {"stsb", "index\tsentence1\tsentence2\tscore\n1\ta\tb\thidden\n2\ta\tb\t9\n", "1 2", BERTC_TEST},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_dataset *set = NULL;
        bertc_error err = {0};
        char indices[64] = "";
        parse_texts(cases[i].task, cases[i].split, cases[i].text, &set, &err);
        assert_string_equal(err.message, "");
        for (size_t n = 0; n < set->count; n++) {
            const bertc_example *e = &set->examples[n];
            snprintf(indices + strlen(indices), sizeof indices - strlen(indices), "%s%.*s", n ? " " : "",
                     e->index ? (int)e->nindex : 1, e->index ? e->index : ".");
            assert_int_equal(bc_example_class(e), -1);
            assert_true(isnan(e->value));
        }
        assert_string_equal(indices, cases[i].indices);
        assert_false(set->labelled);
        assert_int_equal(set->skipped_short + set->skipped_label, 0);
        assert_null(set->missing_label_column);
        bertc_dataset_free(set);
    }
}

static void no_row_is_skipped_silently(void **state)
{
    (void)state;
    static const struct {
        const char *task, *text, *message;
        bertc_split split;
    } cases[] = {
        {"qqp", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\ta\tb\t1\n4\t5\n",
         "f.tsv:3: 2 columns, expected 6", BERTC_TRAIN},
        {"qqp", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n4\t5\n",
         "f.tsv:2: 2 columns, expected 6", BERTC_DEV},
        {"sst2", "index\tsentence\n0\ta\n\tb\n", "f.tsv:3: the row's index is empty", BERTC_TEST},
        {"sst2", "index\tsentence\n0\ta\n\n1\tb\n", "f.tsv:3: 1 column, expected 2", BERTC_TEST},
        {"cola", "source\tlabel\tmark\tsentence\ns\t1\t\ta\n", "f.tsv:1: a header, expected a row of data", BERTC_DEV},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_dataset *set = NULL;
        bertc_error err = {0};
        assert_int_equal(parse_texts(cases[i].task, cases[i].split, cases[i].text, &set, &err), BERTC_INPUT);
        assert_string_equal(err.message, cases[i].message);
        assert_null(set);
    }
}

static void mnli_dev_has_four_more_columns(void **state)
{
    (void)state;
    static const char head[] = "index\tpromptID\tpairID\tgenre\tp1\tp2\tq1\tq2\tsentence1\tsentence2"
                               "\tlabel1\t";
    static const char row[] = "0\t1\t1n\tg\t(p)\t(p)\t(q)\t(q)\tA\tB\tneutral\t";
    char text[512];
    snprintf(text, sizeof text, "%sgold_label\n%sneutral\n", head, row);
    bertc_dataset *set = parse_good("mnli", BERTC_TRAIN, text);
    assert_int_equal(bc_example_class(&set->examples[0]), 1);
    bertc_dataset_free(set);
    snprintf(text, sizeof text,
             "%slabel2\tlabel3\tlabel4\tlabel5\tgold_label\n%sa\tb\tc\td\tcontradiction\n"
             "%sa\tb\tc\td\t-\n%sa\tb\tc\td\tentailment\n", head, row, row, row);
    set = parse_good("mnli-mm", BERTC_DEV, text);
    assert_int_equal(set->count, 2);
    assert_int_equal(set->skipped_label, 1);
    assert_int_equal(set->skipped_short, 0);
    assert_int_equal(bc_example_class(&set->examples[0]), 2);
    assert_int_equal(bc_example_class(&set->examples[1]), 0);
    assert_int_equal(set->examples[1].line, 4);
    assert_text(set->examples[1].a, set->examples[1].na, "A");
    bertc_dataset_free(set);
}

static void qqp_skips_short_rows_outside_test(void **state)
{
    (void)state;
    static const char text[] = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
                               "1\t2\t3\tA\tB\t1\n"
                               "\" \tWas it?\t0\n"
                               "4\t5\t6\tC\t\t0\n";
    for (bertc_split split = BERTC_TRAIN; split <= BERTC_DEV; split++) {
        bertc_dataset *set = parse_good("qqp", split, text);
        assert_int_equal(set->count, 2);
        assert_int_equal(set->skipped_short, 1);
        assert_int_equal(set->examples[1].line, 4);
        assert_int_equal(set->examples[1].nb, 0);
        bertc_dataset_free(set);
    }
}

static void scores_are_numbers(void **state)
{
    (void)state;
    bertc_dataset *set = parse_good("stsb", BERTC_DEV,
                                    "sentence1\tsentence2\tscore\n"
                                    "a\tb\t3.800\na\tb\t0\na\tb\t5.000\na\tb\t2.5e0\na\tb\t.25\n");
    static const float values[] = {3.8f, 0, 5, 2.5f, .25f};
    for (size_t i = 0; i < 5; i++) assert_true(set->examples[i].value == values[i]);
    assert_int_equal(bc_example_class(&set->examples[0]), -1);
    assert_true(set->labelled);
    bertc_dataset_free(set);
}

static void empty_sentences_are_data(void **state)
{
    (void)state;
    bertc_dataset *set = parse_good("sst2", BERTC_DEV, "sentence\tlabel\n\t1\n");
    assert_int_equal(set->count, 1);
    assert_int_equal(set->examples[0].na, 0);
    assert_non_null(set->examples[0].a);
    bertc_dataset_free(set);
}

static void limit_stops_early(void **state)
{
    (void)state;
    static const char text[] = "sentence\tlabel\na\t1\nb\t0\nwrong\n";
    bertc_dataset *set = NULL;
    bertc_error err = {0};
    assert_int_equal(parse_bytes("sst2", BERTC_DEV, text, strlen(text), 2, &set, &err), BERTC_OK);
    assert_int_equal(set->count, 2);
    assert_true(set->labelled);
    bertc_dataset_free(set);
}

static void many_rows_grow_the_set(void **state)
{
    (void)state;
    enum { ROWS = 5000 };
    char *text = malloc(ROWS * 16 + 32);
    size_t at = (size_t)sprintf(text, "sentence\tlabel\n");
    for (int i = 0; i < ROWS; i++) at += (size_t)sprintf(text + at, "s%d\t%d\n", i, i % 2);
    bertc_dataset *set = parse_good("sst2", BERTC_TRAIN, text);
    assert_int_equal(set->count, ROWS);
    for (int i = 0; i < ROWS; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        assert_text(set->examples[i].a, set->examples[i].na, name);
        assert_int_equal(bc_example_class(&set->examples[i]), i % 2);
    }
    bertc_dataset_free(set);
    free(text);
}

/* ---- Splits without labels ----------------------------------------------------------------- */

static void unlabelled_splits_are_reported(void **state)
{
    (void)state;
    static const struct {
        const char *task, *text;
        bertc_split split;
        bool labelled;
    } cases[] = {
        {"sst2", "index\tsentence\n0\ta\n", BERTC_TEST, false},
        {"sst2", "index\tsentence\n0\ta\n", BERTC_DEV, false},
        {"sst2", "sentence\tlabel\na\t-1\nb\t-1\n", BERTC_DEV, false},
        {"sst2", "index\tsentence\tlabel\n0\ta\t1\n1\tb\t0\n", BERTC_TEST, true},
        {"sst2", "index\tsentence\tlabel\n0\ta\t\n1\tb\t0\n", BERTC_TEST, false},
        {"sst2", "index\tsentence\tlabel\n0\ta\t-1\n1\tb\t-1\n", BERTC_TEST, false},
        {"stsb", "sentence1\tsentence2\tscore\na\tb\t-1.000\n", BERTC_DEV, false},
        {"stsb", "sentence1\tsentence2\tscore\na\tb\t-1\n", BERTC_TEST, false},
        {"cola", "index\tsentence\n0\ta\n", BERTC_TEST, false},
        {"ax", "index\tsentence1\tsentence2\n0\ta\tb\n", BERTC_DEV, false},
        {"ax", "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tneutral\n", BERTC_TEST, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_dataset *set = parse_good(cases[i].task, cases[i].split, cases[i].text);
        assert_int_equal(set->labelled, cases[i].labelled);
        if (!set->labelled) {
            float logits[6] = {0};
            bertc_scores scores;
            bertc_error err = {0};
            assert_int_equal(bertc_task_score(set, logits, &scores, &err), BERTC_INPUT);
            assert_string_equal(err.message, "f.tsv: the split has no labels to score");
        }
        bertc_dataset_free(set);
    }
}

/* ---- Errors -------------------------------------------------------------------------------- */

#define SST2 "sentence\tlabel\n"
#define STSB "sentence1\tsentence2\tscore\n"
#define QQP "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
#define LONG60 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void errors_name_place_and_reason(void **state)
{
    (void)state;
    static const struct {
        const char *task;
        bertc_split split;
        const char *text, *message;
    } cases[] = {
        {"cola", BERTC_TRAIN, "s\t1\t\ta\ns\t1\tb\n", "f.tsv:2: 3 columns, expected 4"},
        {"cola", BERTC_TRAIN, "s\t1\t\ta\n\ns\t1\t\tb\n", "f.tsv:2: 1 column, expected 4"},
        {"cola", BERTC_TRAIN, "s\t1\t\ta\tb\n", "f.tsv:1: 5 columns, expected 4"},
        {"cola", BERTC_DEV, "source\tlabel\tmark\tsentence\n", "f.tsv:1: a header, expected a row of data"},
        {"cola", BERTC_TRAIN, "x\tLabel\ty\tz\n", "f.tsv:1: a header, expected a row of data"},
        {"sst2", BERTC_TRAIN, SST2 "a\tb\t1\n", "f.tsv:2: 3 columns, expected 2"},
        {"sst2", BERTC_TRAIN, SST2 "a\t1\nb\t2\n", "f.tsv:3: label \"2\" is not one of 0, 1"},
        {"sst2", BERTC_TRAIN, SST2 "a\t1\nb\t\n", "f.tsv:3: label \"\" is not one of 0, 1"},
        {"sst2", BERTC_TRAIN, SST2 "a\t1 \n", "f.tsv:2: label \"1 \" is not one of 0, 1"},
        {"sst2", BERTC_TRAIN, SST2 "a\t\x01\n", "f.tsv:2: label \"?\" is not one of 0, 1"},
        {"sst2", BERTC_TRAIN, SST2 "a\t" LONG60 "yyy\n", "f.tsv:2: label \"" LONG60 "\" is not one of 0, 1"},
        {"sst2", BERTC_TRAIN, SST2 "a\t1\nb\t-1\n", "f.tsv:3: label \"-1\" is not one of 0, 1"},
        {"sst2", BERTC_DEV, SST2 "a\t-1\nb\t1\n", "f.tsv:3: a label, but line 2 has none"},
        {"sst2", BERTC_TEST, "index\tsentence\tlabel\n0\ta\tx\n", "f.tsv:2: label \"x\" is not one of 0, 1"},
        {"rte", BERTC_TRAIN, "index\tsentence1\tsentence2\tlabel\n0\ta\tb\t1\n",
         "f.tsv:2: label \"1\" is not one of entailment, not_entailment"},
        {"mnli", BERTC_DEV, "sentence1\tsentence2\tgold_label\na\tb\tEntailment\n",
         "f.tsv:2: label \"Entailment\" is not one of entailment, neutral, contradiction"},
        {"mnli", BERTC_DEV, "sentence1\tsentence2\tgold_label\na\tb\t-\n", "f.tsv: no row is a complete example"},
        {"stsb", BERTC_DEV, STSB "a\tb\tx\n", "f.tsv:2: score \"x\" is not a number"},
        {"stsb", BERTC_DEV, STSB "a\tb\t3,8\n", "f.tsv:2: score \"3,8\" is not a number"},
        {"stsb", BERTC_DEV, STSB "a\tb\t2e0x\n", "f.tsv:2: score \"2e0x\" is not a number"},
        {"stsb", BERTC_DEV, STSB "a\tb\t2e\n", "f.tsv:2: score \"2e\" is not a number"},
        {"stsb", BERTC_DEV, STSB "a\tb\t.\n", "f.tsv:2: score \".\" is not a number"},
        {"stsb", BERTC_DEV, STSB "a\tb\t1.2.3\n", "f.tsv:2: score \"1.2.3\" is not a number"},
        {"stsb", BERTC_DEV, STSB "a\tb\t\n", "f.tsv:2: score \"\" is not a number"},
        {"stsb", BERTC_DEV, STSB "a\tb\tnan\n", "f.tsv:2: score \"nan\" is not finite"},
        {"stsb", BERTC_DEV, STSB "a\tb\t-inf\n", "f.tsv:2: score \"-inf\" is not finite"},
        {"stsb", BERTC_DEV, STSB "a\tb\t1e999\n", "f.tsv:2: score \"1e999\" is not finite"},
        {"stsb", BERTC_DEV, STSB "a\tb\t5.001\n", "f.tsv:2: score \"5.001\" is not between 0 and 5"},
        {"stsb", BERTC_DEV, STSB "a\tb\t-0.5\n", "f.tsv:2: score \"-0.5\" is not between 0 and 5"},
        {"qqp", BERTC_TRAIN, QQP "1\t2\t3\ta\tb\tc\t1\n", "f.tsv:2: 7 columns, expected 6"},
        {"qqp", BERTC_TRAIN, QQP "1\t2\t3\n", "f.tsv: no row is a complete example"},
        {"qqp", BERTC_TEST, "id\tquestion1\tquestion2\n0\ta\tb\n1\tc\n", "f.tsv:3: 2 columns, expected 3"},
        {"sst2", BERTC_DEV, "", "f.tsv: empty file"},
        {"sst2", BERTC_DEV, "\n\r\n\n", "f.tsv: empty file"},
        {"sst2", BERTC_DEV, "\xEF\xBB\xBF", "f.tsv: empty file"},
        {"cola", BERTC_DEV, "", "f.tsv: empty file"},
        {"sst2", BERTC_DEV, SST2, "f.tsv: no rows after the header"},
        {"sst2", BERTC_DEV, "sentence\tlabel", "f.tsv: no rows after the header"},
        {"sst2", BERTC_TEST, "text\nabc\n", "f.tsv:1: the header has no column \"sentence\", only \"text\""},
        {"sst2", BERTC_TRAIN, "id\ttext\tlabel\n0\ta\t1\n",
         "f.tsv:1: the header has no column \"sentence\", only \"id\", \"text\", \"label\""},
        {"sst2", BERTC_TRAIN, "label\ttext\n1\ta\n",
         "f.tsv:1: the header has no column \"sentence\", only \"label\", \"text\""},
        {"sst2", BERTC_TRAIN, "\"sentence\"\t\"label\"\na\t1\n",
         "f.tsv:1: the header has no column \"sentence\", only \"\"sentence\"\", \"\"label\"\""},
        {"qnli", BERTC_DEV, "x\ty\n1\t2\n",
         "f.tsv:1: the header has no columns \"question\" and \"sentence\", only \"x\", \"y\""},
        {"rte", BERTC_DEV, "index\tsentence1\thypothesis\tlabel\n0\ta\tb\tentailment\n",
         "f.tsv:1: the header has no column \"sentence2\", only \"index\", \"sentence1\", \"hypothesis\", \"label\""},
        {"rte", BERTC_DEV, "index\tpremise\tsentence2\tlabel\n0\ta\tb\tentailment\n",
         "f.tsv:1: the header has no column \"sentence1\", only \"index\", \"premise\", \"sentence2\", \"label\""},
        {"sst2", BERTC_TRAIN, "good\t1\nbad\t0\n",
         "f.tsv:1: the header has no column \"sentence\", only \"good\", \"1\""},
        {"sst2", BERTC_TEST, "0\tgood\n1\tbad\n",
         "f.tsv:1: the header has no column \"sentence\", only \"0\", \"good\""},
        {"sst2", BERTC_DEV, "a\ta b\tc\td\te\tf\tg\th\ti\tj\tk\tl\tm\tn\to\tp\tq\tr\ts\tt\tu\n",
         "f.tsv:1: the header has no column \"sentence\", only \"a\", \"a b\", \"c\", \"d\", \"e\", \"f\", \"g\", "
         "\"h\", \"i\", \"j\", \"k\", \"l\", \"m\", \"n\", \"o\", \"p\", \"q\", \"r\", \"s\", \"t\", ..."},
        {"sst2", BERTC_TRAIN, "sentence\tsentence\tlabel\na\tb\t1\n",
         "f.tsv:1: two columns of the header are named \"sentence\""},
        {"sst2", BERTC_TRAIN, "label\tsentence\tLABEL\n1\tb\t1\n",
         "f.tsv:1: two columns of the header are named \"LABEL\""},
        {"sst2", BERTC_TEST, "index\tnote\tsentence\tnote \n1\tb\tc\td\n",
         "f.tsv:1: two columns of the header are named \"note\""},
        {"sst2", BERTC_DEV, "\xFF\xFEs", "f.tsv: UTF-16 text, expected UTF-8"},
        {"sst2", BERTC_DEV, "\xFE\xFFs", "f.tsv: UTF-16 text, expected UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_dataset *set = NULL;
        bertc_error err = {0};
        bertc_status status = parse_bytes(cases[i].task, cases[i].split, cases[i].text,
                                          strlen(cases[i].text), 0, &set, &err);
        assert_string_equal(err.message, cases[i].message);
        assert_int_equal(status, BERTC_INPUT);
        assert_null(set);
        assert_int_equal(parse_bytes(cases[i].task, cases[i].split, cases[i].text,
                                     strlen(cases[i].text), 0, &set, NULL), BERTC_INPUT);
    }
}

/* ---- Plain lines --------------------------------------------------------------------------- */

static void lines_are_examples(void **state)
{
    (void)state;
    bertc_dataset *set = NULL;
    bertc_error err = {0};
    static const char single[] = "\xEF\xBB\xBFone\r\n\ntwo \"";
    assert_int_equal(bertc_dataset_from_lines(task_named("sst2"), single, strlen(single), "stdin",
                                              &set, &err), BERTC_OK);
    assert_int_equal(set->count, 3);
    assert_text(set->examples[0].a, set->examples[0].na, "one");
    assert_text(set->examples[1].a, set->examples[1].na, "");
    assert_text(set->examples[2].a, set->examples[2].na, "two \"");
    assert_false(set->labelled);
    bertc_dataset_free(set);
    assert_int_equal(bertc_dataset_from_lines(task_named("rte"), "a\tb\n\tc\n", 7, "stdin", &set, &err), BERTC_OK);
    assert_int_equal(set->count, 2);
    assert_text(set->examples[1].b, set->examples[1].nb, "c");
    bertc_dataset_free(set);
}

static void lines_have_errors_too(void **state)
{
    (void)state;
    static const struct {
        const char *task, *text, *message;
    } cases[] = {
        {"sst2", "a\nb\tc\n", "stdin:2: 2 columns, expected 1"},
        {"rte", "a\tb\na\n", "stdin:2: 1 column, expected 2"},
        {"rte", "", "stdin: no lines to read"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_dataset *set = NULL;
        bertc_error err = {0};
        assert_int_equal(bertc_dataset_from_lines(task_named(cases[i].task), cases[i].text,
                                                  strlen(cases[i].text), "stdin", &set, &err),
                         BERTC_INPUT);
        assert_string_equal(err.message, cases[i].message);
        assert_null(set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_single_sentences),
        cmocka_unit_test(quotes_are_characters),
        cmocka_unit_test(bom_crlf_and_no_last_newline),
        cmocka_unit_test(nul_and_foreign_line_ends_are_text),
        cmocka_unit_test(columns_by_name_in_any_order),
        cmocka_unit_test(names_match_in_any_case),
        cmocka_unit_test(a_missing_label_column_is_reported),
        cmocka_unit_test(every_row_is_an_example),
        cmocka_unit_test(no_row_is_skipped_silently),
        cmocka_unit_test(mnli_dev_has_four_more_columns),
        cmocka_unit_test(qqp_skips_short_rows_outside_test),
        cmocka_unit_test(scores_are_numbers),
        cmocka_unit_test(empty_sentences_are_data),
        cmocka_unit_test(limit_stops_early),
        cmocka_unit_test(many_rows_grow_the_set),
        cmocka_unit_test(unlabelled_splits_are_reported),
        cmocka_unit_test(errors_name_place_and_reason),
        cmocka_unit_test(lines_are_examples),
        cmocka_unit_test(lines_have_errors_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
