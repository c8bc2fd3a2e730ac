/* Tasks: a row each, their files read, their metrics computed.
 *
 * 1. Everything that is known of a task stands in its row; readers, metrics, submission files,
 *    help and the default labels derive from it. The rows of the GLUE tasks are a constant table; a caller may
 *    make others, with any number of labels, and nothing tells them apart. Such a row belongs to who made it: it
 *    stays, and does not change, as long as a data set of it is in use.
 * 2. Reading is exact: TAB separates, quotes are characters, a BOM and CRLF are accepted, columns
 *    are found by the names of the header.
 * 3. Class indices in examples follow the row's `labels`; a model's own order is applied later,
 *    by name (bertc_task_match_labels).
 *
 * Threads: the table is constant, and a data set does not change once it is read; any number of threads may use
 * both at once, until the data set is freed. Null pointers, splits and tasks that there are not:
 * BERTC_USAGE, and null or false where there is no status. */
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

typedef enum bertc_metric {
    BERTC_ACCURACY,
    BERTC_F1, /* of class 1 */
    BERTC_MATTHEWS,
    BERTC_PEARSON,
    BERTC_SPEARMAN,
    BERTC_METRICS
} bertc_metric;

enum { BERTC_MAX_TASK_METRICS = 2 };

/* What is predicted of an example, by which kind of head. */
typedef enum bertc_kind {
    BERTC_CLASSIFICATION, /* one of several classes */
    BERTC_REGRESSION,     /* a number */
    BERTC_KINDS
} bertc_kind;

/* Of the lengths of a task's texts: how many are stated, and where longer ones are cut. */
enum { BERTC_LENGTHS = 21, BERTC_KNOWN_LENGTH = 128 };

/* Where a split keeps its columns: by name in a file with a header, by number (from 0) in one without.
 * There the names say what a header would look like, which it should not have. */
typedef struct bertc_columns {
    const char *file;     /* null: the task has no such split */
    bool header;
    bool skip_short;      /* rows with too few columns are skipped and counted, not refused */
    const char *a_name, *b_name, *label_name; /* null: absent */
    int a, b, label;      /* -1: absent, or found by name */
    const char *no_gold;  /* label of rows without an agreed answer, skipped and counted; or null */
    const char *ids_file; /* lists the rows of `file` that belong to dev, by columns 1 and 2; or null */
} bertc_columns;

typedef struct bertc_task {
    const char *name;   /* "sst2" */
    const char *folder; /* "SST-2" */
    const char *old_folder; /* another name the folder is known by, or null */
    const char *title;  /* one line for people */
    bool pair;
    bertc_kind kind;
    int num_labels;     /* C, at least 2; 1 for regression, which has no names of them; 0: there are texts alone */
    const char *const *labels;      /* (C) as published with transformers, in id order, no two alike */
    const char *const *file_labels; /* (C) as spelled in the files, in the same order, no two alike */
    double low, high;   /* of a regression's values, low < high; infinite where there is no bound */
    int num_metrics;
    bertc_metric metrics[BERTC_MAX_TASK_METRICS]; /* the first is the primary one */
    const char *submission; /* file name in a GLUE submission; labels as in file_labels */
    const char *trained_as; /* the task whose training data these are, which a run of several takes; null: its own */
    bertc_columns splits[BERTC_SPLITS];
    bertc_columns old_splits[BERTC_SPLITS]; /* an older distribution, looked for second */
    long rows[BERTC_SPLITS]; /* official row counts; 0 unknown */
    /* Of the train split in word pieces of bert-base-uncased (MNLI: of dev_matched): the length, with [CLS] and
     * [SEP], of the shortest text, of that after each twentieth part of them, and of the longest, cut at
     * BERTC_KNOWN_LENGTH; and how many different pieces there are. 0: unknown, or all. */
    int lengths[BERTC_LENGTHS], words;
} bertc_task;

BERTC_API size_t bertc_task_count(void);
BERTC_API const bertc_task *bertc_task_at(size_t index); /* null: past the end */
BERTC_API const bertc_task *bertc_task_find(const char *name); /* null: unknown */

BERTC_API const char *bertc_metric_name(bertc_metric metric); /* "accuracy" */
BERTC_API const char *bertc_split_name(bertc_split split);    /* "train" */

/* What is to be predicted of an example stands in labels, of which an example that is not labelled has none, and
 * value. By the kind of its task:
 *
 *   classification  one label, its class
 *   regression      no label, a value
 *
 * and for the kinds to come: several labels at once are those of the set in rising order, possibly none; labels of
 * tokens are one a token, -100 where it has none; answers are pairs, the first token and the last. */
typedef struct bertc_example {
    const char *a, *b;  /* not NUL-terminated; b null for single sentences; owned by the data set */
    size_t na, nb;
    const int32_t *labels; /* (num_labels) in the task's order; owned by the data set */
    size_t num_labels;
    float value;        /* regression target; NaN where the file has none */
    size_t line;        /* 1-based line in the file, for messages */
    const char *index;  /* its column "index", or "id" where there is none; null: neither; owned by the data set */
    size_t nindex;
} bertc_example;

typedef struct bertc_dataset {
    const bertc_task *task;  /* not owned: it outlives the data set */
    bertc_split split;
    char *path;              /* the file it came from */
    size_t count;
    bertc_example *examples; /* (count) */
    size_t skipped;          /* short rows left out (QQP) */
    size_t unlabelled;         /* rows left out because they have no gold label (MNLI's "-") */
    bool labelled;           /* every example has a label */
    const char *no_label;    /* column of the labels that the header lacks; or null */
    char *columns;           /* those that it has, for messages, where no_label is set */
    char *text;              /* private: the file's bytes */
    int32_t *labels;         /* private: those of all examples, one after the other */
} bertc_dataset;

/* The file of a split: `data` is the GLUE root or the task's own folder; `*path` is owned by the
 * caller (free()). Errors: BERTC_INPUT naming what was looked for. */
BERTC_API bertc_status bertc_task_path(const bertc_task *task, const char *data, bertc_split split,
                                       char **path, bertc_error *err);

/* Read a split. limit 0: all rows. A split whose labels are absent or all -1 is read with
 * labelled = false; it is for the caller not to train on it.
 * Errors: BERTC_INPUT with file and line; BERTC_IO; BERTC_NOMEM. */
BERTC_API bertc_status bertc_dataset_read(const bertc_task *task, const char *data, bertc_split split, size_t limit,
                                          bertc_dataset **dataset, bertc_error *err);

/* The same for the texts alone, to predict: as many examples as the split has rows, none of them
 * labelled, whatever stands where labels would be.
 * Errors: as above; a short row, or one whose index is empty, is BERTC_INPUT in every split. */
BERTC_API bertc_status bertc_dataset_read_texts(const bertc_task *task, const char *data, bertc_split split,
                                                size_t limit, bertc_dataset **dataset, bertc_error *err);

/* Examples from lines of plain text (`a`, or `a TAB b` for pairs), unlabelled; a blank line is an
 * example too. `text` is copied; `place` names it in messages. Errors: BERTC_INPUT; BERTC_NOMEM. */
BERTC_API bertc_status bertc_dataset_from_lines(const bertc_task *task, const char *text, size_t length,
                                                const char *place, bertc_dataset **dataset, bertc_error *err);

BERTC_API void bertc_dataset_free(bertc_dataset *dataset);

/* Map the task's label order to a model's: map (C of the task) out, map[i] is the model's index of the task's label
 * i. Names that are the same are found first, then those that are without case, '-' and ' ' counting as '_', then
 * common synonyms ("POS" for "positive"); no two labels are found in one place. A model whose names are numbers from
 * 0 ("LABEL_1", "1") maps by them with *by_name = false; null `labels` do in their order.
 * Errors: BERTC_INPUT where the numbers of labels differ, or not all names are those of the task. */
BERTC_API bertc_status bertc_task_match_labels(const bertc_task *task, char *const *labels, int32_t num_labels,
                                               int32_t *map, bool *by_name, bertc_error *err);

typedef struct bertc_scores {
    double value[BERTC_METRICS]; /* only those of the task's row are set */
    double loss;                 /* mean over examples; NaN where not computed */
    size_t examples;
    size_t constant; /* where the predictions are all alike though the data are not (see tasks/metrics.c):
                     1, or 1 + the class that is always predicted; else 0 */
} bertc_scores;

/* Metrics of predictions. For classification logits is (count,C) in the *task's* label order; for
 * regression (count,1). A correlation with a constant is NaN; Matthews and F1 are 0 where they are
 * undefined. Errors: BERTC_INPUT where the data set is empty or not labelled; BERTC_DIVERGED
 * where a logit is not finite; BERTC_NOMEM. */
BERTC_API bertc_status bertc_task_score(const bertc_dataset *dataset, const float *logits,
                                        bertc_scores *scores, bertc_error *err);

/* Write the scores of a split as one JSON object without a line end:
 *
 *   {"task":"sst2","split":"dev","examples":872,"loss":0.21,"metrics":{"accuracy":0.9243}}
 *
 * Numbers read back to the same bits; a number that is not finite is null. *json is released by free(); null after an
 * error. Errors: BERTC_USAGE, BERTC_NOMEM. */
BERTC_API bertc_status bertc_scores_json(const bertc_task *task, bertc_split split, const bertc_scores *scores,
                                         char **json, bertc_error *err);

/* Find out whether another order of the labels scores far better than the given one (a model whose
 * id2label lies): *better. best (C) out: best[i] is then the column of logits that behaves as the
 * task's label i. Best and the accuracies are set whenever the data set is a labelled classification.
 * The rule is in tasks/label_order.c; it needs examples of every class and at least 36 in all.
 * Errors: BERTC_NOMEM. */
BERTC_API bertc_status bertc_task_better_order(const bertc_dataset *dataset, const float *logits,
                                               bool *better, int32_t *best, double *given_accuracy,
                                               double *best_accuracy, bertc_error *err);

/* Write a submission file (header "index<TAB>prediction") atomically, each prediction under the index
 * that the data have, else its number from 0. logits as in score.
 * Errors: BERTC_DIVERGED where a logit is not finite; BERTC_IO; BERTC_NOMEM. */
BERTC_API bertc_status bertc_task_write_submission(const bertc_dataset *dataset, const float *logits, const char *path,
                                                   bertc_error *err);

/* One prediction as it stands in a submission file ("entailment", "1", "3.250") into `out`, cut where it does not
 * fit; nothing where there are no logits or no task with labels. */
BERTC_API void bertc_task_format_prediction(const bertc_task *task, const float *logits, char *out, size_t size);

/* Write a miniature GLUE to `dir` (see docs/sample.md): all task folders, corpus.txt, vocab.txt.
 * Deterministic in `seed`. The folder is made where it is missing. Each file appears whole, in place of one that is
 * there, vocab.txt last: a new folder without it is unfinished. Where it fails, what was written stays.
 * Errors: BERTC_IO, BERTC_NOMEM. */
BERTC_API bertc_status bertc_sample_write(const char *dir, uint64_t seed, bertc_error *err);

#ifdef __cplusplus
}
#endif
#endif
