/* Learning rates: the shapes of a schedule in both recipes. */
#ifndef BC_OPTIM_SCHEDULE_H
#define BC_OPTIM_SCHEDULE_H

#include <stdint.h>

#include "bertc/train.h"

typedef struct bc_schedule {
    bertc_schedule shape;
    bertc_recipe recipe;
    double lr;      /* the maximum */
    int64_t warmup; /* number of warm-up steps; may be larger than `steps` */
    int64_t steps;  /* steps of the whole run */
} bc_schedule;

/* The learning rate of `step`, counted from 0. It rises in the first `warmup` steps and then follows the shape:
 *
 *   warm-up   lr * step / warmup, so the first step has learning rate 0
 *   linear    lr * (1 - p)
 *   cosine    lr * (1 + cos(pi p)) / 2, half a cosine
 *   constant  lr
 *
 * p grows from 0 to 1. hf counts it from the end of the warm-up: (step - warmup) / (steps - warmup). google counts it
 * from the first step: step / steps, so that linear and cosine jump down at the end of the warm-up.
 *
 * Source: hf equals get_linear_, get_cosine_ and get_constant_schedule_with_warmup of transformers; google's linear
 * equals optimization.py of Google's BERT, which has no other shape. */
double bc_schedule_rate(const bc_schedule *schedule, int64_t step);

/* The number of warm-up steps: `ratio` of the total, rounded up (hf) or down (google). */
int64_t bc_schedule_warmup(bertc_recipe recipe, double ratio, int64_t total);

#endif
