/* Fine-tuning, evaluation and prediction: complete jobs on a model directory and a data folder.
 *
 * 1. A run is a function of its options, its data and the initial weights. A run that is killed at any moment and
 *    resumed gives the same bits.
 * 2. All input is checked before the first step; nothing is written before that.
 * 3. The content of a run folder is described in docs/run-folder.md.
 *
 * Threads: several threads may run jobs at the same time. Each job needs its own options, observer, result and run
 * folder; a second run in one folder is BERTC_LOCKED. A job uses options.threads threads, and calls its observer in the
 * thread that called the job. Null pointers where null is not allowed, and options out of the range of their rows, are
 * BERTC_USAGE. */
#ifndef BERTC_TRAIN_H
#define BERTC_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/batch.h"
#include "bertc/model.h"
#include "bertc/own_task.h"
#include "bertc/status.h"
#include "bertc/task.h"
#include "bertc/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Options: one table -------------------------------------------------------------------- */

typedef enum bertc_option_kind {
    BERTC_OPTION_FLAG,   /* bool */
    BERTC_OPTION_INT,    /* int64_t */
    BERTC_OPTION_REAL,   /* double */
    BERTC_OPTION_TEXT,   /* const char * */
    BERTC_OPTION_CHOICE  /* int: one of the values in `choices` */
} bertc_option_kind;

/* The name of a value of a CHOICE. A list of choices ends with a null name. */
typedef struct bertc_choice {
    const char *name; /* "hf" */
    int value;        /* BERTC_RECIPE_HF */
} bertc_choice;

/* One option. The parser, the help, the man page and run.json derive from this row. */
typedef struct bertc_option {
    const char *name;      /* "batch-size" */
    bertc_option_kind kind;
    size_t offset;         /* offset of the field in its struct */
    const char *initial;   /* default as text; null: the option is required or stays unset */
    double min, max;       /* range of INT and REAL */
    const bertc_choice *choices; /* values of CHOICE; else null */
    const char *argument;  /* "STEPS", for help; null for flags */
    const char *help;      /* one line: what the option sets, then its values */
    unsigned commands;     /* private to the owner of the table */
} bertc_option;

typedef enum bertc_recipe { BERTC_RECIPE_HF, BERTC_RECIPE_GOOGLE } bertc_recipe;
typedef enum bertc_schedule {
    BERTC_SCHEDULE_LINEAR, /* falls in a line to 0 at the end of the run */
    BERTC_SCHEDULE_COSINE, /* falls along half a cosine to 0 at the end of the run */
    BERTC_SCHEDULE_CONSTANT
} bertc_schedule;
typedef enum bertc_train_only { BERTC_TRAIN_ALL, BERTC_TRAIN_BIASES } bertc_train_only;
typedef enum bertc_task_sampling {
    BERTC_PROPORTIONAL, /* proportional to the number of training examples */
    BERTC_ANNEALED,     /* proportional to a power of that number; the power falls from 1 to 0.2 over the epochs */
    BERTC_UNIFORM       /* all tasks equally often */
} bertc_task_sampling;
typedef enum bertc_lora_save { BERTC_LORA_MERGED, BERTC_LORA_ADAPTER } bertc_lora_save;
typedef enum bertc_keep { BERTC_KEEP_LAST, BERTC_KEEP_BEST } bertc_keep;

/* The metric that decides which evaluation is best. */
typedef enum bertc_best {
    BERTC_BEST_PRIMARY, /* the task's first metric */
    BERTC_BEST_METRIC   /* BERTC_BEST_METRIC + m: the bertc_metric m */
} bertc_best;

/* The options of a fine-tuning run. Call bertc_train_defaults first, then set fields. A negative warmup_ratio or
 * weight_decay means the default of the recipe, a negative dropout the probabilities of the model. A negative
 * warmup_steps means that warmup_ratio decides. A max_length of 0 means 128, or the model's maximum if that is
 * smaller. A negative window_overlap means a quarter of max_length. */
typedef struct bertc_train_options {
    const char *task; /* one task, or several separated by commas: one encoder with a head for each (bertc_task_open) */
    const char *model, *data, *out; /* data null: every task has its own files */
    bertc_own_options own; /* the description of the task "custom" */
    const char *freeze; /* "none", "embeddings", "all", or a number of layers */
    const char *unfreeze_schedule; /* "EPOCH:FREEZE,..." or "each-epoch", or "none" */
    int64_t keep_layers;   /* 0: all layers */
    int64_t feature_layer; /* 0: off */
    int64_t reinit_layers; /* 0: no layer is newly initialized */
    int64_t lora_rank;     /* 0: no adapters */
    double lora_alpha, lora_dropout;
    const char *lora_targets; /* "query,value" */
    double head_lr;    /* negative: lr */
    double layer_lr_decay;
    const char *class_weights; /* "W,W,..." in the task's label order, "balanced" or "none" */
    double label_smoothing;
    const char *eval_splits;   /* "dev,mnli-mm": splits of the task, dev splits of other tasks */
    const char *metrics;       /* "own,f1_macro": the reported metrics (bertc_metric_list_parse) */
    int64_t patience;          /* evaluations without a new best; 0: no early end */
    double epochs;
    int64_t batch_size;
    double lr;
    int64_t max_length;
    int64_t window_overlap; /* word pieces that two windows of a text share */
    double warmup_ratio, weight_decay, max_grad_norm, dropout;
    int64_t seed;
    int64_t threads;
    int64_t micro_batch_tokens; /* maximum tokens of a micro-batch, the part of a batch that is computed at once */
    int64_t gradient_checkpointing; /* bertc_limits.checkpointing */
    int64_t eval_batch_size;
    const char *save_every; /* "500" steps; "10m" minutes; "0": only when interrupted; "auto": 10m if the disk allows */
    const char *cache_dir;  /* a folder, or "none" */
    int64_t cache_memory, cache_disk; /* MB */
    int64_t eval_every;                         /* steps; 0: only at the end, or as --keep and --patience need it */
    int64_t limit_train, limit_eval, max_steps; /* 0: no limit */
    int64_t warmup_steps;
    int recipe;    /* bertc_recipe */
    int schedule;  /* bertc_schedule */
    int precision; /* bertc_precision */
    int backend;   /* index for bertc_backend_name */
    int keep;      /* bertc_keep */
    int long_texts; /* bertc_long: what happens to texts that are longer than max_length */
    int train_only; /* bertc_train_only */
    int task_sampling; /* bertc_task_sampling */
    int best_metric; /* bertc_best */
    int lora_save; /* bertc_lora_save */
    bool no_shuffle, resume, stratified, tune_thresholds;
    const char *const *command; /* the command line for run.json, null-terminated; null: not known. It has no row: a
                                   resumed run keeps the one it began with. */
} bertc_train_options;

/* The bit of `commands` in the rows that describe a user's own task (bertc_train_options.own). */
enum { BERTC_OPTION_OWN = 8 };

/* The rows of bertc_train_options, in the order of the help. */
BERTC_API const bertc_option *bertc_train_option_table(size_t *count);

/* Set every field to its default. */
BERTC_API void bertc_train_defaults(bertc_train_options *options);

/* ---- Jobs ---------------------------------------------------------------------------------- */

typedef struct bertc_progress {
    const char *phase;      /* "train", "eval", "predict" or "embed" */
    const char *unit;       /* what a step is, if it needs a name: "texts"; or null */
    int64_t step, steps;    /* steps done and total steps of this phase; total 0: not known */
    double epoch;           /* epochs done, with a fraction */
    double loss;            /* loss of the last step; NaN in evaluation */
    double lr;
    double tokens_per_second, seconds, eta_seconds;
} bertc_progress;

/* Functions that a job calls. Every member may be null. */
typedef struct bertc_observer {
    bertc_notify notify;
    void (*progress)(void *user, const bertc_progress *progress);
    /* Called once each step and between the batches of an evaluation. Return 0 to continue, or a status to stop with
     * (BERTC_HUNG_UP, BERTC_INTERRUPTED, BERTC_USER_SIGNAL, BERTC_TERMINATED); a run saves its state first. */
    bertc_status (*stop)(void *user);
    void *user;
} bertc_observer;

/* Maximum numbers of tasks of a run and of evaluation splits of a task. */
enum { BERTC_MAX_TASKS = 16, BERTC_MAX_EVALS = 8 };

/* Scores of one split. */
typedef struct bertc_split_scores {
    const bertc_task *task;
    bertc_split split;
    bertc_scores scores;
    bertc_metric_list metrics; /* reported metrics */
} bertc_split_scores;

typedef struct bertc_train_result {
    int64_t steps;
    int64_t planned_steps; /* more than `steps` if --patience ended the run */
    double train_loss;     /* mean over all steps */
    bertc_scores scores;   /* the same as evals[0].scores */
    bertc_split_scores evals[BERTC_MAX_TASKS * BERTC_MAX_EVALS]; /* scores of the result, task by task */
    size_t eval_count;
    int evaluated_tasks; /* tasks with evaluation splits; all of them have the same number of splits */
    int warnings;          /* number of warnings about a run that did not learn; each was reported and is in run.json */
    int64_t steps_now;     /* number of steps done by this call, without those before a resume */
    double seconds;        /* duration of this call */
    double tokens_per_second; /* speed of the steps of this call, without evaluation and saving; 0: no step */
} bertc_train_result;

/* Fine-tune a model and leave it in the run folder options->out. bertc_train_result_clear releases the result. Errors:
 * BERTC_USAGE, BERTC_INPUT, BERTC_IO, BERTC_NOMEM, BERTC_DIVERGED, BERTC_LOCKED, or the status that observer->stop
 * returned. */
BERTC_API bertc_status bertc_finetune(const bertc_train_options *options, const bertc_observer *observer,
                                      bertc_train_result *result, bertc_error *err);
BERTC_API void bertc_train_result_clear(bertc_train_result *result); /* closes the own tasks in `evals` */

/* A part of the memory of a run. */
typedef struct bertc_memory_part {
    const char *name; /* "weights" */
    size_t bytes;
} bertc_memory_part;

enum { BERTC_MEMORY_PARTS = 9 };

/* The advice if a run does not fit with micro-batches of any size. */
#define BERTC_NO_ADVICE \
    "smaller micro-batches are not enough; training fewer parameters needs less memory (--freeze, --lora-rank)"

/* The memory and time that a run needs. Memory is the peak, with the largest batch of its data; it is
 * computed from the plan that the run uses to allocate. */
typedef struct bertc_plan_result {
    bertc_memory_part parts[BERTC_MEMORY_PARTS];
    size_t peak;            /* sum of the parts */
    size_t available;       /* memory that the process may use; SIZE_MAX: no limit is known */
    const char *limit;      /* source of that limit: "MemAvailable", "memory.max", "ulimit -v" */
    bool fits;
    char advice[96];        /* if the run does not fit: options with which it would; or empty */
    int64_t steps;
    double tokens_per_step; /* mean over the training data */
    int measured;           /* number of steps that were timed; 0: the run does not fit, both times are NaN */
    double step_seconds;    /* duration of a step of tokens_per_step tokens in the first epoch */
    double seconds;         /* duration of all steps and evaluations. Steps of later epochs use cached outputs of frozen
                               layers. An evaluation takes a third of the time of training on the same tokens. */
} bertc_plan_result;

/* Compute what bertc_finetune with these options needs, without writing anything; `out` and `resume` are ignored. If
 * the run fits, a few steps are run and timed. If `data` is null, synthetic texts of the usual lengths are used.
 * Errors: the errors of bertc_finetune; BERTC_USAGE if the usual lengths are not known. */
BERTC_API bertc_status bertc_plan(const bertc_train_options *options, const bertc_observer *observer,
                                  bertc_plan_result *result, bertc_error *err);

/* A max_length of 0 means the value that the run was trained with if `model` is a run folder, else 128, or the model's
 * maximum if that is smaller. A long_texts of BERTC_LONG_DEFAULT means the value that the run was trained with, with
 * its window_overlap unless max_length is given; else BERTC_LONG_HEAD. The field window_overlap is used only with
 * BERTC_LONG_WINDOWS; a negative value means a quarter of max_length. */
typedef struct bertc_predict_options {
    const char *task;  /* null: the task of the run in `model`, or without a run.json the labels of its config.json */
    const char *model;
    const char *data;  /* a folder of the task; or one file: a table with the task's columns, or .txt for lines of text;
                          null: the texts are the lines of `text` or, without them, the task's own files */
    const bertc_task *opened; /* the task, if the caller has opened it; null: the job finds it */
    bertc_split split; /* of a folder; of a file, the split whose columns it has */
    const char *text;
    size_t text_length;
    bool pair;         /* each line has two texts, separated by a TAB; only if the task comes from config.json */
    const char *keep_columns; /* columns of the table to keep (bertc_columns.keep); null: none */
    int64_t max_length, window_overlap, batch_size, limit, threads;
    int long_texts; /* bertc_long */
    int backend;
    bertc_precision precision;
    bool any_labels; /* if the model has the same number of labels as the task but other names, match them in order */
} bertc_predict_options;

/* The rows of bertc_predict_options that eval, predict and embed share: length, sizes, precision, backend, threads. */
BERTC_API const bertc_option *bertc_predict_option_table(size_t *count);

/* The predictions of a model for a split or for lines of text. */
typedef struct bertc_predictions {
    const bertc_task *task;  /* the task that the job opened, or null; closed with the predictions */
    bertc_dataset *dataset;
    float *logits;       /* (count,C) in the task's label order */
    bertc_scores scores; /* set only if scoring was asked for */
} bertc_predictions;

/* Apply a model to a split, or to the lines of `text`.
 *
 * score true   the labelled examples of a split are read and scored. A split without labels is an
 *              error. So are labels of the model that score far better in another order; the message states that order.
 * score false  all rows are read, and labels are ignored.
 *
 * It is an error if the model has another number of labels than the task, or other label names without `any_labels`.
 * Errors: BERTC_USAGE, BERTC_INPUT, BERTC_IO, BERTC_NOMEM, or the status that observer->stop returned. */
BERTC_API bertc_status bertc_predict(const bertc_predict_options *options, bool score, const bertc_observer *observer,
                                     bertc_predictions *predictions, bertc_error *err);
BERTC_API void bertc_predictions_clear(bertc_predictions *predictions);

/* A model that is opened once and applied to any number of texts.
 *
 * Its logits do not depend on how texts are divided into calls, to the bit (batch invariance), so they may differ in
 * the last bits from those of bertc_predict, which computes a whole data set at once. A predictor is used by one thread
 * at a time. */
typedef struct bertc_predictor bertc_predictor;

/* Find the task, and read configuration and tokenizer. The weights are not read yet. The strings of
 * `options` and the observer must outlive the predictor; `data`, `split`, `text` and `limit` are used by
 * bertc_predictor_run only.
 * Errors: those of bertc_predict; *predictor is then null. */
BERTC_API bertc_status bertc_predictor_open(const bertc_predict_options *options, const bertc_observer *observer,
                                            bertc_predictor **predictor, bertc_error *err);
BERTC_API const bertc_task *bertc_predictor_task(const bertc_predictor *predictor); /* valid until it is closed */

/* Return the thresholds of a multi-label model (C), in the order of the task's labels; null: it has none. */
BERTC_API const double *bertc_predictor_thresholds(const bertc_predictor *predictor);

/* Do the work of bertc_predict, once. The predictor must outlive the predictions. Errors: as bertc_predict. */
BERTC_API bertc_status bertc_predictor_run(bertc_predictor *predictor, bool score, bertc_predictions *predictions,
                                           bertc_error *err);

/* Match the labels, read the weights, and allocate the memory of passes. The first bertc_predictor_apply does it,
 * unless this function was called before. Errors: as bertc_predict. */
BERTC_API bertc_status bertc_predictor_load(bertc_predictor *predictor, bertc_error *err);

/* Compute the logits of texts: logits (count,C) out, in the order of the task's labels. The data set has the
 * predictor's task. Memory is allocated for the texts of this call only. Errors: BERTC_USAGE for a data set of another
 * task; those of bertc_predict. */
BERTC_API bertc_status bertc_predictor_apply(bertc_predictor *predictor, const bertc_dataset *dataset, float *logits,
                                             bertc_error *err);

/* Report the number of applied texts, and of those that were truncated or had invalid UTF-8, and release the
 * predictor. */
BERTC_API void bertc_predictor_close(bertc_predictor *predictor); /* null: no effect */

#ifdef __cplusplus
}
#endif
#endif
