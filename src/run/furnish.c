#include "run/furnish.h"

#include "run/memory.h"
#include "run/prefix.h"
#include "run/prints.h"
#include "run/restore.h"
#include "run/survey.h"

bertc_status bc_run_furnish(bc_run *run, bertc_error *err)
{
    const bertc_train_options *o = &run->options;
    const bertc_model_options options = bc_run_model_options(run);
    const bc_trainer_options how = {.recipe = (bertc_recipe)o->recipe, .weight_decay = o->weight_decay,
                                    .max_grad_norm = o->max_grad_norm, .dropout = run->dropout, .seed = (uint64_t)o->seed,
                                    .pack = run->pack, .meter = &run->meter};
    bertc_error why = {0};
    bertc_status status = bc_model_read(bc_trainer_model(run->trainer), &options, err);
    if (status == BERTC_OK)
        status = bc_memory_explain(bc_trainer_open(run->trainer, &run->limits, &how, &why), &why, err);
    if (status == BERTC_OK) status = bc_prints_take(run, err);
    if (status == BERTC_OK && run->folder.fd >= 0) status = bc_run_mark(run, err);
    if (status == BERTC_OK) status = bc_prefix_open(run, err);
    return status;
}
