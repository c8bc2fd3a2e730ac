/* Tasks: one row per task, readers of their files, and metrics.
 *
 * 1. A task's row holds everything that is known of the task; readers, metrics, submission files, help and the default
 *    labels derive from it. The rows of the GLUE tasks are a constant table. A caller may make other rows, with any
 *    number of labels, and the library treats them alike. The caller owns such a row and keeps it unchanged as long as
 *    a data set uses it.
 * 2. Reading is exact. In the original TSV files a TAB separates columns and quotes are ordinary characters; CSV and
 *    quoted TSV follow RFC 4180; JSON lines have one object a line. A BOM, CR LF and gzip data are accepted, and
 *    columns are found by the names in the header.
 * 3. Class indices in examples follow the order of the row's `labels`. A model's own order is applied later, by name
 *    (bertc_task_match_labels).
 *
 * Threads: the table is constant, and a data set does not change after it is read; any number of threads may use both
 * at once, until the data set is freed. A null pointer or an invalid split or task gives BERTC_USAGE, or null or false
 * from a function without a status. */
#ifndef BERTC_TASK_H
#define BERTC_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum bertc_split { BERTC_TRAIN, BERTC_DEV, BERTC_TEST, BERTC_SPLITS } bertc_split;

/* Metrics, computed as by scikit-learn (zero_division=0) and scipy. A quotient 0/0 of classes is 0.
 *
 * macro     the mean over the classes that are the label or the prediction of an example
 * micro     from the counts summed over all classes
 * weighted  the mean over the classes, weighted by their numbers of examples
 *
 * AUC and average precision rank the examples by their scores for a class: for two classes by the log-odds of class 1,
 * for several classes by the softmax, each class against all others, and then they are the mean over all classes. AUC
 * is NaN if some class has no example or no other class has one. A correlation with a constant is NaN. */
typedef enum bertc_metric {
    BERTC_ACCURACY,
    BERTC_F1, /* F1 of class 1 */
    BERTC_MATTHEWS,
    BERTC_PEARSON,
    BERTC_SPEARMAN,
    BERTC_F1_MACRO,
    BERTC_F1_MICRO,
    BERTC_F1_WEIGHTED,
    BERTC_PRECISION, /* of class 1 */
    BERTC_PRECISION_MACRO,
    BERTC_PRECISION_MICRO,
    BERTC_RECALL, /* of class 1 */
    BERTC_RECALL_MACRO,
    BERTC_RECALL_MICRO,
    BERTC_AUC, /* area under the ROC curve */
    BERTC_AVERAGE_PRECISION,
    BERTC_SUBSET_ACCURACY, /* share of the examples whose predicted labels are exactly their labels */
    BERTC_MSE,
    BERTC_MAE,
    BERTC_R2,   /* NaN for a single example; 0 for constant targets that are not predicted exactly */
    BERTC_LOSS, /* cross-entropy or squared error, mean over the examples; of sets of labels also over the labels */
    BERTC_METRICS
} bertc_metric;

enum { BERTC_MAX_TASK_METRICS = BERTC_METRICS };

/* What a head predicts for an example. */
typedef enum bertc_kind {
    BERTC_CLASSIFICATION, /* one of several classes */
    BERTC_REGRESSION,     /* a number */
    BERTC_MULTILABEL,     /* any number of labels, each of which applies or not */
    BERTC_KINDS
} bertc_kind;

BERTC_API const char *bertc_kind_name(bertc_kind kind); /* "classification"; null if invalid */

/* The number of length quantiles in a task's row, and the length at which they are cut. */
enum { BERTC_LENGTH_QUANTILES = 21, BERTC_MAX_KNOWN_LENGTH = 128 };

/* The file of a split and its columns. In a file with a header, columns are found by name. In a file without a header,
 * they are found by number, from 0; the names then serve to detect an unexpected header. */
typedef struct bertc_columns {
    const char *file;       /* null: the task has no such split */
    bool header;
    bool skip_short;        /* true: rows with too few columns are skipped and counted; false: they are an error */
    const char *a_name, *b_name, *label_name; /* null: no such column */
    int a, b, label;        /* column numbers; -1: no such column, or found by name */
    const char *skip_label; /* rows with this label are skipped and counted: their raters disagree; null: none */
    bool class_label; /* a label is the number or the name of a class in `labels`, or spelled as in `file_labels` */
    /* Multi-label tasks: how a label column lists the labels of a row, if it is not a JSON list, which is always
     * understood; or a column for each label, with 1 if the label applies and 0 if not. */
    char label_separator;             /* between labels; 0: a cell is one label */
    const char *const *label_columns; /* (C) names of the columns, in the order of `labels`; null: one label column */
    const char *ids_file;   /* file that lists the dev rows of `file` by the ids in columns 1 and 2; null: none */
    bool quotes;            /* fields of a .tsv file may be in quotes, as in CSV */
    int width;              /* number of columns of a file without a header; 0: that of its first row */
    const char *keep;       /* other columns to keep with each example: names separated by commas, or "all" for every
                               column of the table; null: none */
} bertc_columns;

typedef struct bertc_task {
    const char *name;       /* "sst2" */
    const char *folder;     /* "SST-2" */
    const char *old_folder; /* an older name of the folder, or null */
    const char *title;      /* one line for people */
    bool pair;
    bertc_kind kind;
    int num_labels;         /* C: at least 2 classes, or at least 1 label of a multi-label task; 1 for regression, which
                               has no label names; 0: texts without labels */
    const char *const *labels;      /* (C) as published with transformers, in id order, all different */
    const char *const *file_labels; /* (C) as spelled in the files, in the same order, all different */
    double low, high;       /* the range of a regression's values, low < high; infinite: no bound */
    int num_metrics;
    bertc_metric metrics[BERTC_MAX_TASK_METRICS]; /* the first is the primary one */
    const char *submission; /* file name in a GLUE submission; labels are spelled as in file_labels */
    const char *trained_as; /* the task to train instead, which has the training data; null: this task */
    bertc_columns splits[BERTC_SPLITS];
    bertc_columns old_splits[BERTC_SPLITS]; /* the files of an older distribution, tried after those of `splits` */
    /* The tables that `datasets` of Hugging Face writes, tried after the original files. `file` lacks the ending of the
     * file's name, which is .csv, .tsv, .jsonl or .json, maybe followed by .gz. */
    bertc_columns tables[BERTC_SPLITS];
    long rows[BERTC_SPLITS]; /* official row counts; 0: unknown */
    /* Quantiles of the text lengths of the train split (MNLI: of dev_matched), in steps of 5 %, from the shortest text
     * to the longest; all 0: unknown. A length counts the word pieces of bert-base-uncased, [CLS] and [SEP], and is cut
     * at BERTC_MAX_KNOWN_LENGTH. */
    int length_quantiles[BERTC_LENGTH_QUANTILES];
    int distinct_pieces;     /* different word pieces in the quantiles' split; 0: unknown, or all of the vocabulary */
    struct bertc_own_task *own; /* private: the description of a user's own task (bertc/own_task.h); null: none */
} bertc_task;

BERTC_API size_t bertc_task_count(void);
BERTC_API const bertc_task *bertc_task_at(size_t index); /* null: past the end */
BERTC_API const bertc_task *bertc_task_find(const char *name); /* null: unknown */

BERTC_API const char *bertc_metric_name(bertc_metric metric); /* "accuracy" */
BERTC_API bool bertc_metric_smaller_is_better(bertc_metric metric);

/* Whether the metric has a meaning for the task's kind and number of labels. */
BERTC_API bool bertc_metric_fits(bertc_metric metric, const bertc_task *task);

/* Metrics in the order in which they are reported, each once. */
typedef struct bertc_metric_list {
    int count;
    bertc_metric metrics[BERTC_METRICS];
} bertc_metric_list;

/* Parse names separated by commas. "own" stands for the task's own metrics, "all" for every metric that fits the task.
 * Errors: BERTC_USAGE for a name that is unknown or listed twice, and for a metric that does not fit the task. */
BERTC_API bertc_status bertc_metric_list_parse(const char *names, const bertc_task *task, bertc_metric_list *list,
                                               bertc_error *err);

BERTC_API const char *bertc_split_name(bertc_split split);    /* "train" */

/* An example and its target:
 *
 *   classification  one label, its class; none if the example is unlabelled
 *   regression      no label; the target is `value`
 *   multi-label     its labels in rising order; `labels` is null if the example is unlabelled, and not null for an
 *                   example to which no label applies
 *
 * Kinds to come: an example of token classification has one label for each token, -100 for a token without a label. An
 * example of extractive question answering has the first and the last token of each answer. */
typedef struct bertc_example {
    const char *a, *b;  /* not NUL-terminated; b null for single sentences; owned by the data set */
    size_t na, nb;      /* bytes of a and b */
    const int32_t *labels; /* (num_labels) in the task's order; owned by the data set */
    size_t num_labels;
    float value;        /* regression target; NaN if unlabelled */
    size_t line;        /* 1-based line in the file, for messages */
    const char *index;  /* value of the column "idx", "index" or "id"; null: no such column; owned by the data set */
    size_t nindex;      /* bytes of index */
} bertc_example;

/* The text of a table's cell. */
typedef struct bertc_cell {
    const char *text; /* not NUL-terminated; null: the row has no such cell, or null in JSON */
    size_t length;
} bertc_cell;

typedef struct bertc_dataset {
    const bertc_task *task;  /* not owned: it outlives the data set */
    bertc_split split;
    char *path;              /* the input file */
    size_t count;
    bertc_example *examples; /* (count) */
    size_t skipped_short;    /* rows skipped because they have too few columns (QQP) */
    size_t skipped_label;    /* rows skipped because their raters disagree (MNLI's "-") */
    bool labelled;           /* every example has a label */
    const char *missing_label_column; /* name of the label column that the header lacks; or null */
    char *header_columns;    /* the columns of the header, for messages; null without a header */
    size_t num_kept;         /* number of columns that were kept (bertc_columns.keep) */
    char **kept_names;       /* (num_kept) as spelled in the header */
    bertc_cell *kept;        /* (count,num_kept) */
    struct bertc_text_block *text; /* private: the bytes of the texts and indices */
    double *thresholds;      /* private: see bertc_dataset_set_thresholds */
    int32_t *labels;         /* private: the labels of all examples, in order */
} bertc_dataset;

/* Find the file of a split. `data` is the GLUE root or the task's own folder; the caller owns `*path` (free()). For a
 * user's own task `data` is null, or a table or a folder of tables that is read in place of the task's files.
 * Errors: BERTC_INPUT with the names that were tried. */
BERTC_API bertc_status bertc_task_path(const bertc_task *task, const char *data, bertc_split split,
                                       char **path, bertc_error *err);

/* Find out whether a task has a split and the data have its file. Errors: those of bertc_task_path, except for a file
 * that does not exist. */
BERTC_API bertc_status bertc_task_has_split(const bertc_task *task, const char *data, bertc_split split, bool *found,
                                            bertc_error *err);

/* Read a split. limit 0: all rows. A split whose labels are absent or all -1 is read with labelled = false; the caller
 * must not train on it.
 * Errors: BERTC_INPUT with file and line; BERTC_IO; BERTC_NOMEM. */
BERTC_API bertc_status bertc_dataset_read(const bertc_task *task, const char *data, bertc_split split, size_t limit,
                                          bertc_dataset **dataset, bertc_error *err);

/* Read the texts of a split without its labels, to predict: one unlabelled example per row, whatever the label column
 * contains.
 * Errors: as bertc_dataset_read; in every split, BERTC_INPUT for a row that is short or has an empty index. */
BERTC_API bertc_status bertc_dataset_read_texts(const bertc_task *task, const char *data, bertc_split split,
                                                size_t limit, bertc_dataset **dataset, bertc_error *err);

/* Make unlabelled examples from lines of plain text (`a`, or `a TAB b` for pairs); a blank line is an example too.
 * `text` is copied; messages name it `place`. Errors: BERTC_INPUT; BERTC_NOMEM. */
BERTC_API bertc_status bertc_dataset_from_lines(const bertc_task *task, const char *text, size_t length,
                                                const char *place, bertc_dataset **dataset, bertc_error *err);

/* The same for a part of a longer text, which begins at line `line` (from 1) of `place`. */
BERTC_API bertc_status bertc_dataset_from_part(const bertc_task *task, const char *text, size_t length,
                                               const char *place, size_t line, bertc_dataset **dataset,
                                               bertc_error *err);

BERTC_API void bertc_dataset_free(bertc_dataset *dataset);

/* Two rows by their lines; 0: there are none. */
typedef struct bertc_row_pair {
    size_t first, second;
} bertc_row_pair;

/* Texts of a split that occur more than once. Texts are equal if their bytes are, pairs if both of their texts are. */
typedef struct bertc_repeats {
    size_t duplicates;        /* rows whose texts occur on an earlier line of the split */
    size_t conflicts;         /* different texts that occur with different labels in the split */
    bertc_row_pair duplicate; /* the first row that is a duplicate, and the first row with its texts */
    bertc_row_pair conflict;  /* the first row with another label than the first row with its texts, and that row */
    size_t shared[BERTC_SPLITS];             /* by another split: rows of this split whose texts occur there */
    bertc_row_pair shared_row[BERTC_SPLITS]; /* the first of these rows, and the first row there with its texts */
} bertc_repeats;

/* Find texts that repeat within splits and between them. sets: (BERTC_SPLITS), null for an absent split; repeats:
 * (BERTC_SPLITS) out, {0} for an absent split. Takes time n log n for n rows. Errors: BERTC_USAGE, BERTC_NOMEM. */
BERTC_API bertc_status bertc_dataset_repeats(const bertc_dataset *const sets[BERTC_SPLITS],
                                             bertc_repeats repeats[BERTC_SPLITS], bertc_error *err);

/* Map the task's label order to a model's: map (C of the task) out, map[i] is the model's index of the task's label i.
 * Exact names are matched first, then names equal in any case with '-' and ' ' counting as '_', then common synonyms
 * ("POS" for "positive"); two labels never map to the same index. Names that are numbers from 0 ("LABEL_1", "1") map by
 * number with *by_name = false; null `labels` map in order.
 * Errors: BERTC_INPUT if the numbers of labels differ, or only some of the names match. */
BERTC_API bertc_status bertc_task_match_labels(const bertc_task *task, char *const *labels, int32_t num_labels,
                                               int32_t *map, bool *by_name, bertc_error *err);

/* Set the thresholds of the labels of a multi-label task, which decide the predictions for the data set. thresholds (C)
 * are copied probabilities above 0 and below 1; null: 0.5 each. Errors: BERTC_USAGE for another kind of task or a
 * threshold out of range; BERTC_NOMEM. */
BERTC_API bertc_status bertc_dataset_set_thresholds(bertc_dataset *dataset, const double *thresholds, bertc_error *err);

/* Decide which labels of a multi-label task are predicted for an example: label c if the probability sigmoid(logits[c])
 * is at least the label's threshold. labels (C) out, in rising order; returns their number. */
BERTC_API int bertc_dataset_decide(const bertc_dataset *dataset, const float *logits, int32_t *labels);

/* Choose the threshold of each label of a multi-label task that gives its largest F1 on a labelled data set, from 1e-7
 * to 1 - 1e-7. thresholds (C) out. The rule for ties, and for labels without an example, is in tasks/thresholds.c.
 * Errors: as bertc_task_score; BERTC_USAGE if the task is not multi-label. */
BERTC_API bertc_status bertc_task_tune_thresholds(const bertc_dataset *dataset, const float *logits, double *thresholds,
                                                  bertc_error *err);

typedef struct bertc_scores {
    double value[BERTC_METRICS]; /* by metric; NaN for metrics that do not fit the kind of the task */
    size_t examples;
    size_t same_prediction; /* 0: predictions differ; else all are the same: 1 + the class; 1 for a regression; 1 for
                             * the empty set of labels, 2 for another set (the rule is in tasks/metrics.c) */
} bertc_scores;

/* Compute all metrics of predictions. logits are (count,C) in the *task's* label order, or (count,1) for regression.
 * The labels of a multi-label task are decided by the thresholds of the data set. F1, precision and recall of class 1
 * are computed for several classes too. Takes time count C, with the logarithm of the number of examples of a class.
 * Errors: BERTC_INPUT if the data set is empty or unlabelled; BERTC_DIVERGED if a logit is not finite; BERTC_NOMEM. */
BERTC_API bertc_status bertc_task_score(const bertc_dataset *dataset, const float *logits,
                                        bertc_scores *scores, bertc_error *err);

/* Scores of one class. */
typedef struct bertc_class_scores {
    size_t examples; /* examples of the class, its support */
    double precision, recall, f1;
} bertc_class_scores;

/* A cell of the confusion matrix. */
typedef struct bertc_confusion {
    int32_t label, predicted;
    size_t count; /* examples of class `label` that are predicted as `predicted` */
    double share; /* count / examples of class `label` */
} bertc_confusion;

/* Predictions by class. */
typedef struct bertc_class_report {
    int num_classes;
    bertc_class_scores *classes; /* (num_classes) in the task's label order */
    bertc_confusion *confusions; /* (num_confusions) every cell that is not 0, the largest count first; null for sets of
                                  * labels, which have no confusion matrix */
    size_t num_confusions;
} bertc_class_report;

/* Compute the scores of each class and the confusion matrix, in time count log count besides the reading of the logits.
 * logits as in bertc_task_score; bertc_class_report_clear releases the report, also after an error.
 * Errors: as bertc_task_score; BERTC_USAGE if the task is a regression. */
BERTC_API bertc_status bertc_task_report_classes(const bertc_dataset *dataset, const float *logits,
                                                 bertc_class_report *report, bertc_error *err);
BERTC_API void bertc_class_report_clear(bertc_class_report *report);

/* With up to 20 classes the confusion matrix is shown as a whole, with more classes the 20 most frequent confusions. */
enum { BERTC_SHOWN_CONFUSIONS = 20 };

/* Write the scores of a split as one JSON object without a line end:
 *
 *   {"task":"sst2","split":"dev","examples":872,"loss":0.21,"metrics":{"accuracy":0.9243}}
 *
 * metrics  the reported metrics; null: the task's own
 * report   null, or scores by class, which add the members "classes", with an object for each class, and "confusion",
 *          a row of counts for each label; with more than BERTC_SHOWN_CONFUSIONS classes "confusions" in place of that;
 *          neither for sets of labels
 *
 * Numbers read back to the same bits; a number that is not finite is null. *json is released by free(); null after an
 * error. Errors: BERTC_USAGE, BERTC_NOMEM. */
BERTC_API bertc_status bertc_scores_json(const bertc_task *task, bertc_split split, const bertc_scores *scores,
                                         const bertc_metric_list *metrics, const bertc_class_report *report,
                                         char **json, bertc_error *err);

/* Set *better if another order of the labels scores far better than the given order, as happens if a model's id2label
 * is wrong. best (C) out: best[i] is then the column of logits that predicts the task's label i. `best` and both
 * accuracies are set for every labelled classification data set. The rule is in tasks/label_order.c; it needs examples
 * of every class and at least 36 in all.
 * Errors: BERTC_NOMEM. */
BERTC_API bertc_status bertc_task_better_order(const bertc_dataset *dataset, const float *logits,
                                               bool *better, int32_t *best, double *given_accuracy,
                                               double *best_accuracy, bertc_error *err);

/* Compute the probabilities of the labels from logits (C): the softmax, or for labels that apply independently of each
 * other the sigmoid of each. probabilities (C) out. No effect for a regression. */
BERTC_API void bertc_task_probabilities(const bertc_task *task, const float *logits, double *probabilities);

/* Choose the predicted labels of an example from its logits (C): labels (C) out, in rising order. Return their number.
 *
 *   classes             the class with the largest logit, the first of several; no class if its probability is below
 *                       its threshold
 *   independent labels  those whose probability is at least their threshold
 *
 * thresholds (C); null: none for classes, 0.5 for each of independent labels. A regression has no labels. */
BERTC_API size_t bertc_task_decide(const bertc_task *task, const float *logits, const double *thresholds,
                                   int32_t *labels);

/* Sort the labels by falling logit, equal logits by rising label. labels (C) out. Errors: BERTC_USAGE for a regression;
 * BERTC_NOMEM. */
BERTC_API bertc_status bertc_task_rank(const bertc_task *task, const float *logits, int32_t *labels, bertc_error *err);

/* Write a submission file (header "index<TAB>prediction") atomically. Each prediction has the index of its example, or
 * the example's number from 0 if the data have no index. logits as in bertc_task_score.
 * Errors: BERTC_DIVERGED if a logit is not finite; BERTC_IO; BERTC_NOMEM. */
BERTC_API bertc_status bertc_task_write_submission(const bertc_dataset *dataset, const float *logits, const char *path,
                                                   bertc_error *err);

/* Write one prediction, spelled as in a submission file ("entailment", "1", "3.250"), to `out`, cut to `size`. Without
 * logits or for a task without labels `out` becomes empty. The prediction of a multi-label task is a JSON list of
 * labels, decided by thresholds of 0.5. */
BERTC_API void bertc_task_format_prediction(const bertc_task *task, const float *logits, char *out, size_t size);

/* Write a miniature GLUE to `dir` (see docs/sample.md): all task folders, corpus.txt and vocab.txt. The content depends
 * only on `seed`. A missing folder is created. Each file is written atomically, replacing an existing one, and
 * vocab.txt last: a new folder without it is unfinished. After an error the files written so far remain.
 * Errors: BERTC_IO, BERTC_NOMEM. */
BERTC_API bertc_status bertc_sample_write(const char *dir, uint64_t seed, bertc_error *err);

#ifdef __cplusplus
}
#endif
#endif
