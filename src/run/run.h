/* A run: the state that all files of this folder share. The files do the parts of a run in this order:
 *
 *   prepare     check options, tasks and configuration; lock the folder; read data; open the model; match labels;
 *               tokenise; plan steps and passes; check memory and disk; read weights; allocate; begin the journal, or
 *               compare it with this run
 *   restore     continue from the newest valid checkpoint, if there is one
 *   step        draw examples, call the trainer, write the log
 *   evaluation  score the evaluation splits; record whether the score on the first split is the best so far
 *   checkpoint  save the state
 *   result      write the result and remove the checkpoints */
#ifndef BC_RUN_RUN_H
#define BC_RUN_RUN_H

#include "base/hash.h"
#include "base/text.h"
#include "base/writer.h"
#include "data/task_sampling.h"
#include "optim/schedule.h"
#include "run/folder.h"
#include "run/log.h"
#include "run/options.h"
#include "run/eval_splits.h"
#include "run/model_source.h"
#include "run/state.h"
#include "run/task_list.h"
#include "train/evaluate.h"
#include "train/meter.h"
#include "train/trainer.h"

/* Hashes that identify a run, besides its options. */
typedef struct bc_fingerprints {
    char weights[BC_HASH_HEX];   /* initial weights */
    char train[BC_HASH_HEX];     /* tokenised training data */
    char dev[BC_HASH_HEX];       /* tokenised data of all evaluation splits */
    char vocab[BC_HASH_HEX];
    char tokenizer[BC_HASH_HEX]; /* settings of the tokenizer */
    char config[BC_HASH_HEX];    /* config.json of --model, before --dropout and a new head */
    char task[BC_HASH_HEX];      /* descriptions of the users' own tasks; empty: none */
} bc_fingerprints;

/* Numbers of examples and texts of a split, for run.json. */
typedef struct bc_counts {
    size_t examples, skipped, unlabelled, truncated, invalid;
    size_t windows; /* number of windows of all texts; 0: no text was cut */
} bc_counts;

/* A task of a run and its data. The model has a head for each task, in the same order. */
typedef struct bc_run_task {
    const bertc_task *spec;
    bertc_inputs *train;
    bc_cache cache;             /* outputs of the frozen stages for `train` */
    bc_objective objective;
    double *class_weights;      /* (C) in the model's order; null: equal weights */
    bc_eval_split eval_splits[BERTC_MAX_EVALS]; /* the first split decides which evaluation is best */
    bertc_dataset *eval_sets[BERTC_MAX_EVALS];  /* data of each evaluation split */
    bc_eval evals[BERTC_MAX_EVALS];             /* tokenised inputs and logits of each evaluation split */
    size_t eval_count;
    double *thresholds;         /* (C) tuned thresholds in the model's order; null: not tuned */
    bertc_scores tuned_scores[BERTC_MAX_EVALS]; /* scores of the result with these thresholds */
    char train_fingerprint[BC_HASH_HEX], dev_fingerprint[BC_HASH_HEX];
    bc_counts train_counts, eval_counts[BERTC_MAX_EVALS];
    bc_epoch epoch;             /* order of the training examples, batch by batch */
} bc_run_task;

/* The cached outputs of stages that stay frozen for the whole run (run/frozen_cache.h). */
typedef struct bc_frozen_cache {
    int stage;                  /* the first stage that is computed in every step; 0: nothing is cached */
    bertc_batch *missing_batch; /* scratch to compute outputs that are not cached yet */
    uint32_t *order;            /* scratch for the same purpose */
} bc_frozen_cache;

/* Numbers that are known before the first step. */
typedef struct bc_plan {
    int64_t epoch_steps;   /* steps of one epoch of all tasks */
    int64_t steps;
    bc_schedule schedule;  /* of the learning rate */
    int64_t eval_every;    /* steps between evaluations; 0: only at the end */
    bertc_limits limits;   /* limits of training and evaluation passes */
    bc_pack pack;          /* maximum size of a training pass */
    size_t batch_tokens;   /* tokens of the largest batch */
    int32_t max_labels;    /* labels of the largest training or evaluation pass; 0: one for each sequence */
    size_t distinct_words; /* different words in the training data */
} bc_plan;

/* The checkpoints of a run. */
typedef struct bc_saving {
    bc_save_interval interval;
    double clock;     /* time of the last checkpoint, saved or skipped; at first the start of training */
    int64_t steps[2]; /* steps of the kept checkpoints, newest first; 0: no checkpoint */
    int64_t best[2][BERTC_MAX_TASKS]; /* for each kept checkpoint, the step of each task's best weights */
} bc_saving;

typedef struct bc_run {
    bertc_train_options options; /* resolved */
    bc_task_list list;           /* owns the tasks; those in the evals of a result are the result's */
    bool has_result;             /* the tasks of all evaluation splits are passed on in a result */
    bc_run_task tasks[BERTC_MAX_TASKS];
    int num_tasks;
    uint32_t needed_metrics;     /* union of all tasks' bc_needed_metrics */
    bool synthetic;              /* without --data, synthetic texts of the usual lengths are used */
    bc_task_sampler sampler;     /* chooses the task of each step if there are several */
    bc_example_source examples;  /* draws the examples of each step */
    bc_meter meter;
    bc_folder folder;
    bc_log log;
    bc_file_hashes result_files; /* size and hash of each file of the result */
    bc_text command;             /* the command line that began the run, as a JSON array; or "null" */
    bc_model_source source;

    int32_t frozen;            /* number of stages that stay frozen for the whole run */
    bertc_lora lora;
    bc_trainer *trainer;       /* owns the model */
    bc_dropout_rates dropout;  /* rates of training passes: --dropout, or the model's own */
    bc_frozen_cache frozen_cache;
    bc_fingerprints fingerprints;

    size_t resident;   /* resident bytes of the process before the vocabulary was read */
    size_t vocabulary; /* bytes that the vocabulary took */
    uint64_t *scratch; /* (2 count) to shuffle the task with the most examples */

    bc_plan plan;
    bc_state state;
    int64_t scored;    /* step of the weights that computed the logits of all evaluation splits; 0: none */
    bc_saving saving;
    size_t placed;     /* the first `placed` files of the result, in the manifest's order, may be in the run folder */
} bc_run;

/* Start a run with these options; nothing is opened. */
bc_run bc_run_begin(const bertc_train_options *options, const bertc_observer *observer);
void bc_run_close(bc_run *run);

/* Whether the last step is done or --patience is exhausted. */
bool bc_run_is_over(const bc_run *run);

/* Return the last step at which some task reached a new best score; 0: never. */
int64_t bc_run_best_step(const bc_run *run);

/* Return the step whose weights are the result of a task, and the scores (eval_count) of these weights, with tuned
 * thresholds if the task has them. */
int64_t bc_run_result_step(const bc_run *run, int task);
const bertc_scores *bc_run_result_scores(const bc_run *run, int task);

/* Check that the weights (scalars) are finite. Errors: BERTC_DIVERGED. */
bertc_status bc_run_check_weights(const bc_run *run, const float *values, bertc_error *err);

/* Estimate the seconds of `steps` more steps and of the evaluations during and after them, at the meter's speed. */
double bc_run_seconds(const bc_run *run, int64_t steps, double step_seconds);

/* Return the number of epochs that are done after `step` steps. */
double bc_run_epochs(const bc_run *run, int64_t step);

#endif
