/* A fine-tuning run from its options to its result: what all of its parts share.
 *
 *   bc_run_open      options, task, configuration, vocabulary
 *   bc_run_survey    read data -> open model -> match labels -> tokenise -> plan steps and passes
 *   bc_run_furnish   read weights -> allocate what was planned
 *   bc_run_mark      the folder is this run's, or was already
 *   bc_run_restore   go on from the newest whole checkpoint, where there is one
 *   bc_run_step      batch -> forward -> loss -> backward -> clip -> AdamW
 *   bc_run_evaluate  the splits to score, and whether the first is the best so far
 *   bc_run_save      a checkpoint
 *   bc_run_finish    the result, and the checkpoints away */
#ifndef BC_RUN_RUN_H
#define BC_RUN_RUN_H

#include "formats/safetensors.h"
#include "nn/model.h"
#include "run/evaluate.h"
#include "run/folder.h"
#include "run/hash.h"
#include "run/log.h"
#include "train/meter.h"
#include "data/mix.h"
#include "optim/optim.h"
#include "run/options.h"
#include "run/prefix.h"
#include "run/scored.h"
#include "run/state.h"

/* What a run is told apart by besides its options. */
typedef struct bc_prints {
    char weights[BC_HASH_HEX]; /* initial */
    char train[BC_HASH_HEX], dev[BC_HASH_HEX], vocab[BC_HASH_HEX]; /* dev: all that is scored */
    char tokenizer[BC_HASH_HEX]; /* its settings */
    char config[BC_HASH_HEX];    /* as the model came, before --dropout and a new head */
} bc_prints;

/* What was read, for run.json. */
typedef struct bc_counts {
    size_t examples, skipped, ungraded, truncated, invalid;
} bc_counts;

/* A task of a run: its data and where in them its steps are. A run of one task has one of these, a
 * run of several the same number of heads, in the same order. */
typedef struct bc_lane {
    const bertc_task *task;
    bertc_inputs *train;
    bc_cache cache;      /* what the frozen stages gave for them */
    bc_objective objective;
    double class_weights[BERTC_MAX_LABELS]; /* in the model's order */
    bc_scored scored[BERTC_MAX_EVALS]; /* the first decides what is best */
    bc_eval evals[BERTC_MAX_EVALS];
    size_t eval_count;
    char train_print[BC_HASH_HEX], dev_print[BC_HASH_HEX];
    bc_counts train_counts, eval_counts[BERTC_MAX_EVALS];
    uint32_t *order;     /* (count) of `epoch` */
    int64_t epoch;       /* of its own, whose order that is; -1: none yet */
    int64_t epoch_steps; /* batches that its examples make */
} bc_lane;

typedef struct bc_run {
    bertc_train_options options; /* resolved */
    bc_lane lanes[BERTC_MAX_TASKS];
    int num_lanes;
    bool made_up;       /* texts of usual lengths stand in for data that is not given */
    bc_mix mix;         /* which of them a step trains */
    bc_meter meter;
    bc_folder folder;
    bc_log log;
    bc_ledger written;  /* the files of the result */
    bc_source source;

    int32_t frozen;     /* stages of the model that are never trained */
    bertc_lora lora;    /* adapters beside it */
    bertc_model *model;
    bc_rates dropout;   /* of training passes: the model's own, or --dropout */
    bc_prefix prefix;   /* what the frozen stages gave for the examples of all splits */
    bc_prints prints;

    size_t resident;    /* bytes in memory before the vocabulary was read */
    size_t vocabulary;  /* and those that it took */
    bertc_limits limits;
    bertc_workspace *workspace;
    bertc_batch *batch;
    bc_pack pack;       /* limits of a training pass */
    size_t batch_tokens; /* of the run's largest batch */
    size_t named;       /* different words in the training data */
    bc_touched words;   /* rows of the word table that the step's batch names */
    bc_optim optim;
    uint64_t *scratch;  /* (2 count) for shuffling the lane of most examples */

    int64_t epoch_steps; /* those of all lanes */
    int64_t steps, warmup;
    int64_t eval_every; /* resolved; 0: only at the end */
    bc_state state;
    bc_pace pace;       /* of saving */
    double save_clock;  /* when the training began, or a checkpoint was last saved or left out */
    int64_t saved[2];   /* steps of the checkpoints that are kept, newest first; 0: none */
    int64_t saved_best[2][BERTC_MAX_TASKS]; /* and of each lane's weights that were best then */
    size_t placed;      /* members of the result, in the manifest's order, that lie in the folder or may */
} bc_run;

/* What one step did, for the log. */
typedef struct bc_report {
    const char *task; /* where there are several */
    double loss, lr, norm, seconds;
    int64_t tokens;
} bc_report;

bertc_status bc_run_open(bc_run *run, bertc_error *err);
bertc_status bc_run_survey(bc_run *run, bertc_error *err);
bertc_status bc_run_furnish(bc_run *run, bertc_error *err);
void bc_run_close(bc_run *run);

/* The lane of a step and its examples, until the next call. */
bc_lane *bc_run_batch(bc_run *run, int64_t step, const uint32_t **examples, size_t *count);

/* Set the most tokens of a pass, trained on or not, where passes are limited to so many; after
 * bc_run_survey's plan. */
void bc_run_limit_passes(const bc_run *run, size_t tokens, bertc_limits *limits);

bertc_status bc_run_restore(bc_run *run, bertc_error *err);
bertc_status bc_run_update(bc_run *run, bc_report *report, bertc_error *err);
bertc_status bc_run_step(bc_run *run, bc_report *report, bertc_error *err); /* and log it */
bertc_status bc_run_evaluate(bc_run *run, bertc_error *err);
bertc_status bc_run_save(bc_run *run, bertc_error *err);
bertc_status bc_run_save_best(bc_run *run, bertc_error *err);
/* Open a lane's best weights, a block in table order; `file` is to be closed, also after an error. */
bertc_status bc_run_open_best(const bc_run *run, int lane, bc_safetensors *file, bc_values *values,
                              bertc_error *err);
bertc_status bc_run_finish(bc_run *run, bertc_error *err);

/* Mark the run's folder, or compare the mark that it bears with this run and take back what an earlier process
 * put there of a result. Before any other file. Errors: BERTC_USAGE naming what differs, or a file that is in the
 * way of the result; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_run_mark(bc_run *run, bertc_error *err);
bertc_status bc_run_take_back(bc_run *run, bertc_error *err);

/* A finished run needs nothing in checkpoint/. */
void bc_run_clear(bc_run *run);

/* The first scalar of a block of weights that is not finite: its parameter; null: none. */
const bc_param *bc_run_find_bad(const bc_run *run, const float *values);

/* Whether the last step is done, or patience at an end. */
bool bc_run_is_over(const bc_run *run);

/* The step whose weights are a lane's result, and their scores (eval_count). */
int64_t bc_run_kept_step(const bc_run *run, int lane);
const bertc_scores *bc_run_kept_scores(const bc_run *run, int lane);

/* Tokens in all that is scored. */
size_t bc_run_eval_tokens(const bc_run *run);

/* Seconds that `steps` more steps take and the evaluations up to the end, at the meter's speed. */
double bc_run_seconds(const bc_run *run, int64_t steps, double step_seconds);

/* Fraction of epochs that `step` steps are. */
double bc_run_epochs(const bc_run *run, int64_t step);

#endif
