/* Learning rates of both recipes. */
#ifndef BC_OPTIM_SCHEDULE_H
#define BC_OPTIM_SCHEDULE_H

#include <stdint.h>

#include "bertc/train.h"

/* The learning rate of `step`, counted from 0, of `total` steps. It rises in the first `warmup` steps, then falls:
 *
 *   warm-up  lr * step / warmup, so the first step has learning rate 0
 *   hf       lr * (total - step) / (total - warmup)
 *   google   lr * (1 - step / total), which jumps down at the end of the warm-up */
double bc_schedule_rate(bertc_recipe recipe, double lr, int64_t step, int64_t warmup, int64_t total);

/* The number of warm-up steps: `ratio` of the total, rounded up (hf) or down (google). */
int64_t bc_schedule_warmup(bertc_recipe recipe, double ratio, int64_t total);

#endif
