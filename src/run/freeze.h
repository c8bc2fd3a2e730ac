/* Which parts of a model are frozen: --freeze sets the parts at the start, --unfreeze-schedule the parts in later
 * epochs.
 *
 * A schedule is "EPOCH:FREEZE,...": from the epoch EPOCH on, only the parts FREEZE (a value of --freeze) stay frozen.
 * "each-epoch" unfreezes one more layer at the end of each epoch, from the last layer down, and the pooler together
 * with the last layer (gradual unfreezing, Howard and Ruder 2018, section 3.3). Stages are those of
 * bertc_model_options.frozen.
 *
 * 1. A parameter is trained from its first_step on. AdamW counts its updates from that step, like PyTorch for a
 *    parameter that had no gradient before.
 * 2. A parameter that no entry unfreezes is frozen for the whole run: it has no gradient and no moments. */
#ifndef BC_RUN_FREEZE_H
#define BC_RUN_FREEZE_H

#include "bertc/train.h"
#include "nn/model.h"

/* Check both options for a model of `layers` layers. Sets *first to the number of stages that are frozen in the first
 * step, *last to the number that are frozen for the whole run. Errors: BERTC_USAGE. */
bertc_status bc_freeze_check(const bertc_train_options *options, int32_t layers, int32_t *first, int32_t *last,
                             bertc_error *err);

/* Set first_step of every parameter for a run of `steps` steps. The options must have been checked. Errors: BERTC_USAGE
 * if an entry is past the end of the run. */
bertc_status bc_freeze_plan(const bertc_train_options *options, bertc_model *model, int64_t epoch_steps, int64_t steps,
                            bertc_error *err);

#endif
