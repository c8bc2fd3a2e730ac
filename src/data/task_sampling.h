/* Task sampling: which of several tasks a step trains.
 *
 * Each step samples one task, independently of all other steps. The probability of a task with N training examples is
 * proportional to N (proportional sampling), to 1 (uniform) or to N^a (annealed), where
 *
 *   a = 1 - 0.8 (e - 1) / (E - 1)   in epoch e of E; a = 1 if E = 1
 *
 * so large tasks are frequent at first, and the probabilities become more equal in later epochs. The sampled task is a
 * function of (seed, step). The steps of each task before a step are counted by repeating the draws, so there is no
 * state to save.
 * Source: Stickland and Murray 2019 (BERT and PALs), section 3.4 */
#ifndef BC_DATA_TASK_SAMPLING_H
#define BC_DATA_TASK_SAMPLING_H

#include "bertc/train.h"
#include "data/epoch.h"

typedef struct bc_task_sampler {
    int tasks; /* number of tasks */
    bertc_task_sampling sampling;
    uint64_t seed;
    bc_epoch *datasets[BERTC_MAX_TASKS];   /* training data of each task */
    double sizes[BERTC_MAX_TASKS];         /* number of training examples of each task */
    int64_t epoch_steps;                   /* steps per epoch of all tasks together */
    int64_t epochs;                        /* E, rounded up */
    int64_t step;                          /* the current step */
    int64_t steps_before[BERTC_MAX_TASKS]; /* number of steps of each task before the current step */
} bc_task_sampler;

/* Compute the probability of each task in a step; they add up to 1. */
void bc_task_sampler_probabilities(const bc_task_sampler *sampler, int64_t step, double p[BERTC_MAX_TASKS]);

/* Sample the task of a step. */
int bc_task_sampler_draw(const bc_task_sampler *sampler, int64_t step);

/* Make `step` the current step: count forward, or from the beginning if `step` is an earlier step. */
void bc_task_sampler_seek(bc_task_sampler *sampler, int64_t step);

/* A source whose examples of each step are the next batch of the sampled task. */
bc_example_source bc_task_sampler_source(bc_task_sampler *sampler);

#endif
