/* Fine-tuning, evaluation and prediction: whole jobs over a model directory and a GLUE folder.
 *
 * 1. A run is a function of its options, its data and the initial weights. Killed at any moment
 *    and resumed it gives the same bits.
 * 2. All input is checked before the first step; nothing is written before that.
 * 3. What a run folder holds is described in docs/run-folder.md.
 *
 * Threads: jobs may run in several threads at once, each with options, observer and results of its own, and with
 * run folders of their own: a second run in one folder is BERTC_LOCKED. A job takes options.threads threads of
 * its own, and calls its observer in the thread that called it. Null pointers but those that may be null, and
 * options out of the range of their row: BERTC_USAGE. */
#ifndef BERTC_TRAIN_H
#define BERTC_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/model.h"
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

/* One option: the parser, the help, the man page and run.json are made from this row. */
typedef struct bertc_option {
    const char *name;      /* "batch-size" */
    bertc_option_kind kind;
    size_t offset;         /* of the field in its struct */
    const char *initial;   /* default as text; null: none, the option is required or stays unset */
    double min, max;    /* range of INT and REAL */
    const bertc_choice *choices; /* of CHOICE; else null */
    const char *argument;  /* "STEPS", for help; null for flags */
    const char *help;      /* one line */
    unsigned commands;     /* private to the owner of the table */
} bertc_option;

typedef enum bertc_recipe { BERTC_RECIPE_HF, BERTC_RECIPE_GOOGLE } bertc_recipe;
typedef enum bertc_train_only { BERTC_TRAIN_ALL, BERTC_TRAIN_BIASES } bertc_train_only;
typedef enum bertc_task_sampling {
    BERTC_PROPORTIONAL, /* by the number of training examples */
    BERTC_ANNEALED,     /* by a power of it that falls from 1 in the first epoch to 0.2 in the last */
    BERTC_UNIFORM
} bertc_task_sampling;
typedef enum bertc_lora_save { BERTC_LORA_MERGED, BERTC_LORA_ADAPTER } bertc_lora_save;
typedef enum bertc_keep { BERTC_KEEP_LAST, BERTC_KEEP_BEST } bertc_keep;

/* What makes an evaluation the best: the task's first metric, a bertc_metric in its order, the loss. */
typedef enum bertc_best {
    BERTC_BEST_PRIMARY,
    BERTC_BEST_ACCURACY,
    BERTC_BEST_LOSS = BERTC_BEST_ACCURACY + BERTC_METRICS
} bertc_best;

/* Everything a fine-tuning run depends on. Fill with bertc_train_defaults, then set fields. A
 * negative warmup_ratio or weight_decay means the recipe's own; a negative dropout the model's; a
 * max_length of 0 means 128, or the model's most where that is less. */
typedef struct bertc_train_options {
    const char *task; /* or several, separated by commas: one encoder, a head each */
    const char *model, *data, *out;
    const char *freeze; /* "none", "embeddings", "all", or a number of layers */
    const char *unfreeze_schedule; /* "EPOCH:FREEZE,..." or "each-epoch", or "none" */
    int64_t keep_layers, feature_layer, reinit_layers; /* 0: all, none, none */
    int64_t lora_rank; /* 0: no adapters */
    double lora_alpha, lora_dropout;
    const char *lora_targets; /* "query,value" */
    double head_lr, layer_lr_decay; /* head_lr negative: lr */
    const char *class_weights; /* "W,W,..." in the task's label order, "balanced" or "none" */
    double label_smoothing;
    const char *eval_splits;   /* "dev,mnli-mm": splits of the task, dev splits of other tasks */
    int64_t patience;          /* evaluations; 0: none */
    double epochs;
    int64_t batch_size;
    double lr;
    int64_t max_length;
    double warmup_ratio, weight_decay, max_grad_norm, dropout;
    int64_t seed;
    int64_t threads;
    int64_t micro_batch_tokens; /* most tokens in one forward/backward pass */
    int64_t gradient_checkpointing; /* bertc_limits.checkpointing */
    int64_t eval_batch_size;
    const char *save_every; /* steps "500", minutes "10m", "0": never, "auto": 10m where the disk has room */
    const char *cache_dir; /* a folder, or "none" */
    int64_t cache_memory, cache_disk; /* MB */
    int64_t eval_every, limit_train, limit_eval, max_steps; /* 0: none */
    int recipe;    /* bertc_recipe */
    int precision; /* bertc_precision */
    int backend;   /* index of bertc_backend_name */
    int keep;      /* bertc_keep */
    int train_only; /* bertc_train_only */
    int task_sampling; /* bertc_task_sampling */
    int best_metric; /* bertc_best */
    int lora_save; /* bertc_lora_save */
    bool no_shuffle, resume, stratified;
} bertc_train_options;

/* The rows for bertc_train_options, in the order of help. */
BERTC_API const bertc_option *bertc_train_option_table(size_t *count);
BERTC_API void bertc_train_defaults(bertc_train_options *options);

/* ---- Jobs ---------------------------------------------------------------------------------- */

typedef struct bertc_progress {
    const char *phase;      /* "train" or "eval" */
    int64_t step, steps;    /* done and in all, of this phase */
    double epoch;           /* fraction of epochs done */
    double loss;            /* of the last step; NaN in evaluation */
    double lr;
    double tokens_per_second, seconds, eta_seconds;
} bertc_progress;

/* What a job tells its caller. Every member may be null. */
typedef struct bertc_observer {
    bertc_notify notify;
    void (*progress)(void *user, const bertc_progress *progress);
    /* Asked once a step and between evaluation batches: 0 to go on, or the status to end with
     * (BERTC_HUNG_UP, BERTC_INTERRUPTED, BERTC_USER_SIGNAL, BERTC_TERMINATED) after saving a resumable state. */
    bertc_status (*stop)(void *user);
    void *user;
} bertc_observer;

/* The most tasks of a run, and more splits than a task has to be scored by. */
enum { BERTC_MAX_TASKS = 16, BERTC_MAX_EVALS = 8 };

/* Scores of one split. */
typedef struct bertc_split_scores {
    const bertc_task *task;
    bertc_split split;
    bertc_scores scores;
} bertc_split_scores;

typedef struct bertc_train_result {
    int64_t steps;
    int64_t planned_steps; /* more than `steps` where --patience ended the run */
    double train_loss;     /* mean over the steps of this run */
    bertc_scores scores;   /* of the weights that were kept, on the first task's first split */
    bertc_split_scores evals[BERTC_MAX_TASKS * BERTC_MAX_EVALS]; /* and on all, task by task */
    size_t eval_count;
    int warnings;          /* signs that the run did not learn; each was a notice, and is in run.json */
    int64_t steps_now;     /* of `steps` those that this call did */
    double seconds;        /* that this call took */
    double tokens_per_second; /* of the steps that this call did, evaluations and saving left out; 0: none */
} bertc_train_result;

BERTC_API bertc_status bertc_finetune(const bertc_train_options *options, const bertc_observer *observer,
                                      bertc_train_result *result, bertc_error *err);

/* A part of the memory of a run. */
typedef struct bertc_memory_part {
    const char *name; /* "weights" */
    size_t bytes;
} bertc_memory_part;

enum { BERTC_MEMORY_PARTS = 9 };

/* What to say where no size of passes makes a run fit. */
#define BERTC_NO_ADVICE \
    "smaller passes are not enough; training less of the model takes less (--freeze, --lora-rank)"

/* What a run will need. Memory is that at its fullest, with the largest batch that its data can
 * make; it comes from the same plan that the run allocates by. */
typedef struct bertc_plan_result {
    bertc_memory_part parts[BERTC_MEMORY_PARTS];
    size_t peak;            /* sum of the parts */
    size_t available;       /* what the process may have in memory; SIZE_MAX: no limit known */
    const char *limit;      /* what says so: "MemAvailable", "memory.max", "ulimit -v" */
    bool fits;
    char advice[96];        /* where it does not fit, the options with which it would; or empty */
    int64_t steps;
    double tokens_per_step; /* mean over the training data */
    int measured;           /* steps that were timed; 0: it does not fit, and the two below are NaN */
    double step_seconds;    /* of a step of that many tokens, in the first epoch */
    double seconds;         /* all steps and evaluations, steps of later epochs as fast as kept outputs of
                               the frozen part make them, evaluations taken for a third of a step's
                               work on the same tokens */
} bertc_plan_result;

/* What bertc_finetune with these options would need, without writing anything; `out` and `resume`
 * are ignored. Where the run fits, a few steps are run and timed. Where `data` is null, texts of usual lengths
 * stand in for it. Errors: as bertc_finetune; BERTC_USAGE where usual lengths are not known. */
BERTC_API bertc_status bertc_plan(const bertc_train_options *options, const bertc_observer *observer,
                                  bertc_plan_result *result, bertc_error *err);

/* A max_length of 0 means the value that the run was trained with if `model` is a run folder, else 128, or the model's
 * maximum if that is smaller. */
typedef struct bertc_predict_options {
    const char *task, *model, *data; /* data null: `text` holds lines */
    bertc_split split;
    const char *text;
    size_t text_length;
    int64_t max_length, batch_size, limit, threads;
    int backend;
    bertc_precision precision;
    bool any_labels; /* where the model's labels are as many as the task's but others, take them in order */
} bertc_predict_options;

/* The rows that every command which applies a model has for bertc_predict_options: length, sizes, precision, backend,
 * threads. */
BERTC_API const bertc_option *bertc_predict_option_table(size_t *count);

/* A model applied to a split. `logits` (count,C) is in the task's label order. */
typedef struct bertc_predictions {
    bertc_dataset *dataset;
    float *logits;
    bertc_scores scores; /* meaningful where the data set is labelled */
} bertc_predictions;

/* Run a model over a split, or over the lines of `text`. Where `score` is set, its examples with labels: a
 * split without any is refused, and a label order that scores far worse than another is an error that names
 * the better one. Else all rows of the split, whose labels are not looked at. A model whose labels are not
 * those of the task is refused unless `any_labels` is set, one whose labels are not as many always. */
BERTC_API bertc_status bertc_predict(const bertc_predict_options *options, bool score, const bertc_observer *observer,
                                     bertc_predictions *predictions, bertc_error *err);
BERTC_API void bertc_predictions_clear(bertc_predictions *predictions);

#ifdef __cplusplus
}
#endif
#endif
