/* Which of several tasks a step trains.
 *
 * Each step is drawn by itself, with a chance that is a power of the task's number of training
 * examples: N for proportional sampling, 1 for uniform, and N^a for annealed, where
 *
 *   a = 1 - 0.8 (e - 1) / (E - 1)   in epoch e of E; 1 where E is 1
 *
 * so that large tasks come first and all are alike in the end. The draw is a function of (seed, step);
 * how often each task came before a step is counted from there, so there is no state to save.
 * Source: Stickland and Murray 2019 (BERT and PALs), section 3.4 */
#ifndef BC_DATA_TASK_SAMPLING_H
#define BC_DATA_TASK_SAMPLING_H

#include "bertc/train.h"
#include "data/epoch.h"

typedef struct bc_task_sampler {
    int tasks;
    bertc_task_sampling sampling;
    uint64_t seed;
    bc_epoch *datasets[BERTC_MAX_TASKS]; /* the data of each */
    double sizes[BERTC_MAX_TASKS]; /* training examples */
    int64_t epoch_steps;           /* of all tasks together */
    int64_t epochs;                /* E, a part counting as one */
    int64_t step;                  /* where it stands, */
    int64_t steps_before[BERTC_MAX_TASKS]; /* and of the steps before that, those of each task */
} bc_task_sampler;

/* The chance of each task in a step; they add up to 1. */
void bc_task_sampler_chances(const bc_task_sampler *sampler, int64_t step, double chances[BERTC_MAX_TASKS]);

/* The task of a step. */
int bc_task_sampler_draw(const bc_task_sampler *sampler, int64_t step);

/* Go to a step, forward or from the beginning. */
void bc_task_sampler_seek(bc_task_sampler *sampler, int64_t step);

/* The examples of each step: the next batch of the task that is drawn for it. */
bc_example_source bc_task_sampler_source(bc_task_sampler *sampler);

#endif
