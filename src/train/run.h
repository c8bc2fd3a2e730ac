/* A fine-tuning run from its options to its result: what all of its parts share.
 *
 *   bc_run_open      options, task, configuration, vocabulary
 *   bc_run_survey    read data -> open model -> match labels -> tokenise -> plan steps and passes
 *   bc_run_furnish   read weights -> allocate what was planned
 *   bc_run_restore   go on from the newest whole checkpoint, where there is one
 *   bc_run_step      batch -> forward -> loss -> backward -> clip -> AdamW
 *   bc_run_evaluate  the dev split, and whether it is the best so far
 *   bc_run_save      a checkpoint
 *   bc_run_finish    the result, and the checkpoints away */
#ifndef BC_TRAIN_RUN_H
#define BC_TRAIN_RUN_H

#include "formats/safetensors.h"
#include "nn/model.h"
#include "train/evaluate.h"
#include "train/folder.h"
#include "train/hash.h"
#include "train/log.h"
#include "train/meter.h"
#include "train/optim.h"
#include "train/state.h"

/* What a run is told apart by besides its options. */
typedef struct bc_prints {
    char weights[BC_HASH_HEX]; /* initial */
    char train[BC_HASH_HEX], dev[BC_HASH_HEX], vocab[BC_HASH_HEX];
    char tokenizer[BC_HASH_HEX]; /* its settings */
    char config[BC_HASH_HEX];    /* as the model came, before --dropout and a new head */
} bc_prints;

/* What was read, for run.json. */
typedef struct bc_counts {
    size_t examples, skipped, ungraded, truncated, invalid;
} bc_counts;

typedef struct bc_run {
    bertc_train_options options; /* resolved */
    const bertc_task *task;
    bc_meter meter;
    bc_folder folder;
    bc_log log;
    bc_source source;

    int32_t frozen;     /* stages of the model that are never trained */
    bertc_lora lora;    /* adapters beside it */
    bertc_model *model;
    double dropout[3];  /* the model's own, put back before it is saved */
    bertc_inputs *train;
    bc_eval dev;
    bc_prints prints;
    bc_counts train_counts, dev_counts;

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
    uint32_t *order;    /* (count) of `epoch` */
    uint64_t *scratch;  /* (2 count) for shuffling */
    int64_t epoch;      /* whose order that is; -1: none yet */

    int64_t epoch_steps, steps, warmup;
    int64_t eval_every; /* resolved; 0: only at the end */
    bc_state state;
    int64_t saved[2], saved_best[2]; /* steps of the checkpoints that are kept, newest first, and
                                        of the weights that were best then; 0: none */
} bc_run;

/* What one step did, for the log. */
typedef struct bc_report {
    double loss, lr, norm, seconds;
    int64_t tokens;
} bc_report;

bertc_status bc_run_open(bc_run *run, bertc_error *err);
bertc_status bc_run_survey(bc_run *run, bertc_error *err);
bertc_status bc_run_furnish(bc_run *run, bertc_error *err);
void bc_run_close(bc_run *run);

/* The examples of a step, until the next call. */
const uint32_t *bc_run_batch(bc_run *run, int64_t step, size_t *count);

/* Set the most tokens of a pass, trained on or not, where passes are limited to so many; after
 * bc_run_survey's plan. */
void bc_run_limit_passes(const bc_run *run, size_t tokens, bertc_limits *limits);

bertc_status bc_run_restore(bc_run *run, bertc_error *err);
bertc_status bc_run_update(bc_run *run, bc_report *report, bertc_error *err);
bertc_status bc_run_step(bc_run *run, bc_report *report, bertc_error *err); /* and log it */
bertc_status bc_run_evaluate(bc_run *run, bertc_error *err);
bertc_status bc_run_save(bc_run *run, bertc_error *err);
bertc_status bc_run_save_best(bc_run *run, bertc_error *err);
/* Map the best weights, a block in table order; `file` is to be closed, also after an error. */
bertc_status bc_run_open_best(const bc_run *run, bc_safetensors *file, const float **values,
                              bertc_error *err);
bertc_status bc_run_finish(bc_run *run, bertc_error *err);

/* The first scalar of a block of weights that is not finite: its parameter; null: none. */
const bc_param *bc_run_find_bad(const bc_run *run, const float *values);

/* The step whose weights are the result. */
int64_t bc_run_kept_step(const bc_run *run);

/* Seconds that `steps` more steps take and the evaluations up to the end, at the meter's speed. */
double bc_run_seconds(const bc_run *run, int64_t steps, double step_seconds);

/* Fraction of epochs that `step` steps are. */
double bc_run_epochs(const bc_run *run, int64_t step);

#endif
