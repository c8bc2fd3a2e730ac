/* A run: what all of its parts share, and what anybody may ask it. Its course, with the files of this room:
 *
 *   prepare  options, tasks, configuration -> the folder is locked -> read data -> open model -> match labels ->
 *            tokenise -> plan steps and passes -> memory and disk -> read weights -> allocate what was planned ->
 *            the folder is marked as this run's, or was already
 *   restore  go on from the newest whole checkpoint, where there is one
 *   step     examples -> the trainer's step -> log
 *   score    the splits to score, and whether the first is the best so far
 *   checkpoint
 *   result   the result, and the checkpoints away */
#ifndef BC_RUN_RUN_H
#define BC_RUN_RUN_H

#include "base/hash.h"
#include "base/writer.h"
#include "data/task_sampling.h"
#include "run/folder.h"
#include "run/log.h"
#include "run/options.h"
#include "run/eval_splits.h"
#include "run/model_source.h"
#include "run/state.h"
#include "train/evaluate.h"
#include "train/meter.h"
#include "train/trainer.h"

/* What a run is told apart by besides its options. */
typedef struct bc_fingerprints {
    char weights[BC_HASH_HEX]; /* initial */
    char train[BC_HASH_HEX], dev[BC_HASH_HEX], vocab[BC_HASH_HEX]; /* dev: all that is scored */
    char tokenizer[BC_HASH_HEX]; /* its settings */
    char config[BC_HASH_HEX];    /* as the model came, before --dropout and a new head */
} bc_fingerprints;

/* What was read, for run.json. */
typedef struct bc_counts {
    size_t examples, skipped, unlabelled, truncated, invalid;
} bc_counts;

/* A task of a run: its data and where in them its steps are. A run of one task has one of these, a
 * run of several the same number of heads, in the same order. */
typedef struct bc_run_task {
    const bertc_task *task;
    bertc_inputs *train;
    bc_cache cache;      /* what the frozen stages gave for them */
    bc_objective objective;
    double *class_weights; /* (C) in the model's order; null: none */
    bc_eval_split eval_splits[BERTC_MAX_EVALS]; /* the first decides what is best */
    bertc_dataset *eval_sets[BERTC_MAX_EVALS];
    bc_eval evals[BERTC_MAX_EVALS]; /* of those */
    size_t eval_count;
    char train_fingerprint[BC_HASH_HEX], dev_fingerprint[BC_HASH_HEX];
    bc_counts train_counts, eval_counts[BERTC_MAX_EVALS];
    bc_epoch epoch;      /* its examples, batch by batch */
} bc_run_task;

/* The outputs of the stages that are frozen for good, kept for the examples of all splits (run/frozen_cache.h). */
typedef struct bc_frozen_cache {
    int stage;            /* the first that is not in it; 0: nothing is kept */
    bertc_batch *missing_batch; /* of any cache, while they are computed */
    uint32_t *order;
} bc_frozen_cache;

/* What is known before the first step. */
typedef struct bc_plan {
    int64_t epoch_steps; /* those of all lanes */
    int64_t steps, warmup;
    int64_t eval_every;  /* resolved; 0: only at the end */
    bertc_limits limits; /* of all passes */
    bc_pack pack;        /* of a training pass */
    size_t batch_tokens; /* of the largest batch */
    size_t distinct_words;        /* different words in the training data */
} bc_plan;

/* The checkpoints of a run. */
typedef struct bc_saving {
    bc_save_interval interval;
    double clock;     /* when the training began, or one was last saved or left out */
    int64_t steps[2]; /* of those that are kept, newest first; 0: none */
    int64_t best[2][BERTC_MAX_TASKS]; /* and of each lane's weights that were best then */
} bc_saving;

typedef struct bc_run {
    bertc_train_options options; /* resolved */
    bc_run_task tasks[BERTC_MAX_TASKS];
    int num_tasks;
    bool synthetic;       /* texts of usual lengths stand in for data that is not given */
    bc_task_sampler sampler;         /* which of them a step trains, where there are several */
    bc_example_source examples; /* of each step */
    bc_meter meter;
    bc_folder folder;
    bc_log log;
    bc_file_hashes result_files;  /* the files of the result */
    bc_model_source source;

    int32_t frozen;     /* stages of the model that are never trained */
    bertc_lora lora;    /* adapters beside it */
    bc_trainer *trainer; /* and the model */
    bc_dropout_rates dropout;   /* of training passes: the model's own, or --dropout */
    bc_frozen_cache frozen_cache;
    bc_fingerprints fingerprints;

    size_t resident;    /* bytes in memory before the vocabulary was read */
    size_t vocabulary;  /* and those that it took */
    uint64_t *scratch;  /* (2 count) for shuffling the lane of most examples */

    bc_plan plan;
    bc_state state;
    bc_saving saving;
    size_t placed;      /* members of the result, in the manifest's order, that lie in the folder or may */
} bc_run;

/* The run that options ask for, with nothing open. */
bc_run bc_run_begin(const bertc_train_options *options, const bertc_observer *observer);
void bc_run_close(bc_run *run);

/* Whether the last step is done, or patience at an end. */
bool bc_run_is_over(const bc_run *run);

/* The last step at which a task was better than before; 0: none. */
int64_t bc_run_best_step(const bc_run *run);

/* The step whose weights are a lane's result, and their scores (eval_count). */
int64_t bc_run_result_step(const bc_run *run, int task);
const bertc_scores *bc_run_result_scores(const bc_run *run, int task);

/* Refuse weights (scalars) that are not finite. Errors: BERTC_DIVERGED. */
bertc_status bc_run_check_weights(const bc_run *run, const float *values, bertc_error *err);

/* Seconds that `steps` more steps take and the evaluations up to the end, at the meter's speed. */
double bc_run_seconds(const bc_run *run, int64_t steps, double step_seconds);

/* Fraction of epochs that `step` steps are. */
double bc_run_epochs(const bc_run *run, int64_t step);

#endif
