/* Learning rates of both recipes. */
#ifndef BC_OPTIM_SCHEDULE_H
#define BC_OPTIM_SCHEDULE_H

#include <stdint.h>

#include "bertc/train.h"

/* The learning rate of `step` (from 0) of `total`, of which the first `warmup` rise.
 *
 *   rising   lr * step / warmup, so that the first step has rate 0
 *   hf       lr * (total - step) / (total - warmup)
 *   google   lr * (1 - step / total), which jumps down where the warm-up ends */
double bc_schedule_rate(bertc_recipe recipe, double lr, int64_t step, int64_t warmup, int64_t total);

/* Steps of warm-up: a fraction of the total, rounded up (hf) or down (google). */
int64_t bc_schedule_warmup(bertc_recipe recipe, double ratio, int64_t total);

#endif
