/* The task table: one entry for each GLUE task, with everything that is known of the task.
 *
 * 1. `labels` are in the order of the data sets that transformers publishes; class indices in examples follow this
 *    order. `file_labels` are the same classes, as spelled in the files.
 * 2. An entry states the label column even if the official file lacks the column: some copies of the test files have
 *    it, with -1 or with true labels.
 *
 * The table has GLUE tasks only. */
#include <string.h>

#include "bertc/task.h"

/* A file with a header: the names of a, b and the label. */
#define PAIR(file_, a_, b_, label_)                                                              \
    .file = (file_), .header = true, .a_name = (a_), .b_name = (b_), .label_name = (label_),     \
    .a = -1, .b = -1, .label = -1
#define SINGLE(file_) PAIR(file_, "sentence", NULL, "label")
#define SENTENCES(file_, label_) PAIR(file_, "sentence1", "sentence2", label_)
#define QUESTIONS(file_) PAIR(file_, "question1", "question2", "is_duplicate")
#define ANSWERS(file_) PAIR(file_, "question", "sentence", "label")
#define STRINGS(file_) PAIR(file_, "#1 String", "#2 String", "Quality")
#define DIAGNOSTIC_FULL PAIR("diagnostic-full.tsv", "Premise", "Hypothesis", "Label")

/* A file without a header: the numbers of its columns, and the names that a header would have. */
#define COLA(file_)                                                                              \
    .file = (file_), .a_name = "sentence", .label_name = "label", .a = 3, .b = -1, .label = 1,     \
    .width = 4

/* The tables of `datasets`, whose labels are numbers or names of classes. */
#define TABLE(file_, a_, b_) {PAIR(file_, a_, b_, "label"), .class_label = true}
#define TABLES(dev_, test_, a_, b_)                                                              \
    .tables = {TABLE("train", a_, b_), TABLE(dev_, a_, b_), TABLE(test_, a_, b_)}

/* A list of labels. */
#define LABELS(...) (const char *const[]){__VA_ARGS__}
#define ZERO_ONE LABELS("0", "1")
#define NLI LABELS("entailment", "neutral", "contradiction")
#define MNLI_LENGTHS                                                                             \
    {6, 15, 18, 21, 23, 26, 28, 30, 32, 34, 36, 38, 41, 43, 46, 49, 53, 57, 63, 72, 128}
#define NLI_OR_NOT LABELS("entailment", "not_entailment")

static const bertc_task table[] = {
    {
        .name = "cola", .folder = "CoLA", .title = "is the sentence grammatical English",
        .num_labels = 2, .labels = LABELS("unacceptable", "acceptable"), .file_labels = ZERO_ONE,
        .num_metrics = 2, .metrics = {BERTC_MATTHEWS, BERTC_ACCURACY}, .submission = "CoLA.tsv",
        .splits = {{COLA("train.tsv")},
                   {COLA("dev.tsv")},
                   {SINGLE("test.tsv")}},
        TABLES("validation", "test", "sentence", NULL),
        .rows = {8551, 1043, 1063},
        .length_quantiles = {4, 6, 7, 8, 8, 9, 9, 9, 10, 10, 10, 11, 11, 12, 12, 13, 14, 15, 17, 20, 47},
        .distinct_pieces = 5587,
    },
    {
        .name = "sst2", .folder = "SST-2", .title = "does the review praise or blame",
        .num_labels = 2, .labels = LABELS("negative", "positive"), .file_labels = ZERO_ONE,
        .num_metrics = 1, .metrics = {BERTC_ACCURACY}, .submission = "SST-2.tsv",
        .splits = {{SINGLE("train.tsv")},
                   {SINGLE("dev.tsv")},
                   {SINGLE("test.tsv")}},
        TABLES("validation", "test", "sentence", NULL),
        .rows = {67349, 872, 1821},
        .length_quantiles = {3, 4, 4, 5, 6, 6, 7, 8, 8, 9, 10, 11, 13, 14, 16, 18, 20, 23, 27, 33, 66},
        .distinct_pieces = 11572,
    },
    {
        .name = "mrpc", .folder = "MRPC", .title = "do two news sentences say the same",
        .pair = true, .num_labels = 2, .labels = LABELS("not_equivalent", "equivalent"),
        .file_labels = ZERO_ONE,
        .num_metrics = 2, .metrics = {BERTC_F1, BERTC_ACCURACY}, .submission = "MRPC.tsv",
        .splits = {{STRINGS("train.tsv")}, {STRINGS("dev.tsv")}, {STRINGS("test.tsv")}},
        .old_splits = {{STRINGS("msr_paraphrase_train.txt"), .ids_file = "dev_ids.tsv"},
                       {STRINGS("msr_paraphrase_train.txt"), .ids_file = "dev_ids.tsv"},
                       {STRINGS("msr_paraphrase_test.txt")}},
        TABLES("validation", "test", "sentence1", "sentence2"),
        .rows = {3668, 408, 1725},
        .length_quantiles = {19, 32, 36, 39, 41, 44, 45, 47, 50, 51, 53, 55, 57, 59, 61, 62, 64, 67, 70, 74, 103},
        .distinct_pieces = 11563,
    },
    {
        .name = "stsb", .folder = "STS-B", .title = "how similar are two sentences, 0 to 5",
        .pair = true, .kind = BERTC_REGRESSION, .num_labels = 1, .low = 0, .high = 5,
        .num_metrics = 2, .metrics = {BERTC_PEARSON, BERTC_SPEARMAN}, .submission = "STS-B.tsv",
        .splits = {{SENTENCES("train.tsv", "score")},
                   {SENTENCES("dev.tsv", "score")},
                   {SENTENCES("test.tsv", "score")}},
        TABLES("validation", "test", "sentence1", "sentence2"),
        .rows = {5749, 1500, 1379},
        .length_quantiles = {10, 15, 16, 17, 18, 19, 19, 20, 21, 22, 23, 24, 25, 26, 28, 31, 35, 42, 51, 60, 125},
        .distinct_pieces = 10796,
    },
    {
        .name = "qqp", .folder = "QQP", .title = "do two questions ask the same",
        .pair = true, .num_labels = 2, .labels = LABELS("not_duplicate", "duplicate"),
        .file_labels = ZERO_ONE,
        .num_metrics = 2, .metrics = {BERTC_F1, BERTC_ACCURACY}, .submission = "QQP.tsv",
        .splits = {{QUESTIONS("train.tsv"), .skip_short = true},
                   {QUESTIONS("dev.tsv"), .skip_short = true},
                   {QUESTIONS("test.tsv")}},
        TABLES("validation", "test", "question1", "question2"),
        .rows = {363846, 40430, 390965},
    },
    {
        .name = "mnli", .folder = "MNLI", .title = "does the premise entail the hypothesis",
        .pair = true, .num_labels = 3, .labels = NLI, .file_labels = NLI,
        .num_metrics = 1, .metrics = {BERTC_ACCURACY}, .submission = "MNLI-m.tsv",
        .splits = {{SENTENCES("train.tsv", "gold_label"), .skip_label = "-"},
                   {SENTENCES("dev_matched.tsv", "gold_label"), .skip_label = "-"},
                   {SENTENCES("test_matched.tsv", "gold_label")}},
        TABLES("validation_matched", "test_matched", "premise", "hypothesis"),
        .rows = {392702, 9815, 9796},
        .length_quantiles = MNLI_LENGTHS,
    },
    {
        .name = "mnli-mm", .folder = "MNLI", .title = "mnli, evaluated on unseen genres", .trained_as = "mnli",
        .pair = true, .num_labels = 3, .labels = NLI, .file_labels = NLI,
        .num_metrics = 1, .metrics = {BERTC_ACCURACY}, .submission = "MNLI-mm.tsv",
        .splits = {{SENTENCES("train.tsv", "gold_label"), .skip_label = "-"},
                   {SENTENCES("dev_mismatched.tsv", "gold_label"), .skip_label = "-"},
                   {SENTENCES("test_mismatched.tsv", "gold_label")}},
        TABLES("validation_mismatched", "test_mismatched", "premise", "hypothesis"),
        .rows = {392702, 9832, 9847},
        .length_quantiles = MNLI_LENGTHS,
    },
    {
        .name = "qnli", .folder = "QNLI", .title = "does the sentence answer the question",
        .pair = true, .num_labels = 2, .labels = NLI_OR_NOT, .file_labels = NLI_OR_NOT,
        .num_metrics = 1, .metrics = {BERTC_ACCURACY}, .submission = "QNLI.tsv",
        .splits = {{ANSWERS("train.tsv")},
                   {ANSWERS("dev.tsv")},
                   {ANSWERS("test.tsv")}},
        TABLES("validation", "test", "question", "sentence"),
        .rows = {104743, 5463, 5463},
    },
    {
        .name = "rte", .folder = "RTE", .title = "does the text entail the hypothesis",
        .pair = true, .num_labels = 2, .labels = NLI_OR_NOT, .file_labels = NLI_OR_NOT,
        .num_metrics = 1, .metrics = {BERTC_ACCURACY}, .submission = "RTE.tsv",
        .splits = {{SENTENCES("train.tsv", "label")},
                   {SENTENCES("dev.tsv", "label")},
                   {SENTENCES("test.tsv", "label")}},
        TABLES("validation", "test", "sentence1", "sentence2"),
        .rows = {2490, 277, 3000},
    },
    {
        .name = "wnli", .folder = "WNLI", .title = "is the pronoun resolved as stated",
        .pair = true, .num_labels = 2, .labels = LABELS("not_entailment", "entailment"),
        .file_labels = ZERO_ONE,
        .num_metrics = 1, .metrics = {BERTC_ACCURACY}, .submission = "WNLI.tsv",
        .splits = {{SENTENCES("train.tsv", "label")},
                   {SENTENCES("dev.tsv", "label")},
                   {SENTENCES("test.tsv", "label")}},
        TABLES("validation", "test", "sentence1", "sentence2"),
        .rows = {635, 71, 146},
    },
    {
        /* One file is both dev and test. The official file has no labels; the older file has labels. */
        .name = "ax", .folder = "AX", .old_folder = "diagnostic",
        .title = "mnli's diagnostic set, no training data",
        .pair = true, .num_labels = 3, .labels = NLI, .file_labels = NLI,
        .num_metrics = 1, .metrics = {BERTC_MATTHEWS}, .submission = "AX.tsv",
        .splits = {[BERTC_DEV] = {SENTENCES("diagnostic.tsv", "label")},
                   [BERTC_TEST] = {SENTENCES("diagnostic.tsv", "label")}},
        .old_splits = {[BERTC_DEV] = {DIAGNOSTIC_FULL, .skip_label = ""}, [BERTC_TEST] = {DIAGNOSTIC_FULL}},
        .tables = {[BERTC_DEV] = TABLE("test", "premise", "hypothesis"),
                   [BERTC_TEST] = TABLE("test", "premise", "hypothesis")},
        .rows = {0, 1104, 1104},
    },
};

size_t bertc_task_count(void)
{
    return sizeof table / sizeof *table;
}

const bertc_task *bertc_task_at(size_t index)
{
    return index < bertc_task_count() ? &table[index] : NULL;
}

const bertc_task *bertc_task_find(const char *name)
{
    for (size_t i = 0; name && i < bertc_task_count(); i++)
        if (strcmp(table[i].name, name) == 0) return &table[i];
    return NULL;
}
