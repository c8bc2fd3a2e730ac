/* When the parts of a model are trained: --freeze at the start, then --unfreeze-schedule.
 *
 * A schedule is "EPOCH:FREEZE,..." with what stays frozen from that epoch on, in the words of
 * --freeze, or "each-epoch": one more layer at the end of each epoch, from the last one down, the
 * pooler with the last (gradual unfreezing, Howard and Ruder 2018, section 3.3). Stages are those of
 * bertc_model_options.frozen.
 *
 * 1. A parameter is trained from the step `since` on. Its AdamW counts from there, as PyTorch's does
 *    for one that had no gradient before.
 * 2. What no entry unfreezes is frozen for good: it has no gradient and no moments. */
#ifndef BC_RUN_FREEZE_H
#define BC_RUN_FREEZE_H

#include "bertc/train.h"
#include "nn/model.h"

/* Check the schedule. *first: stages frozen in the first step; *last: those that are frozen for good.
 * Errors: BERTC_USAGE. */
bertc_status bc_freeze_check(const bertc_train_options *options, int32_t layers, int32_t *first,
                           int32_t *last, bertc_error *err);

/* Set `since` of every parameter of a run of so many steps; the options are checked. Errors: BERTC_USAGE
 * where an entry lies past the end. */
bertc_status bc_freeze_plan(const bertc_train_options *options, bertc_model *model,
                          int64_t epoch_steps, int64_t steps, bertc_error *err);

#endif
