/* The options of low-rank adaptation (nn/lora.h) and what they go with. */
#ifndef BC_RUN_LORA_OPTIONS_H
#define BC_RUN_LORA_OPTIONS_H

#include "run/run.h"

/* Check the --lora options alone and against others; `frozen` stages of a model of so many layers are
 * never trained. *lora: what they ask for. Errors: BERTC_USAGE naming the option. */
bertc_status bc_lora_options_check(const bertc_train_options *options, int32_t layers, int32_t frozen,
                            bertc_lora *lora, bertc_error *err);

/* The targets of --lora-targets, a list such as "query,value". A name stands for every matrix that peft takes it for:
 * "output.dense" for "attention.output.dense" too; "all" for all six. Errors: BERTC_USAGE. */
bertc_status bc_lora_targets_parse(const char *list, uint32_t *targets, bertc_error *err);

/* Can what this opened model is trained from be had again by those who load its adapter? Errors:
 * BERTC_USAGE where --model is an adapter itself; BERTC_INPUT where it lacks a part of the encoder. */
bertc_status bc_lora_options_check_base(const bc_run *run, bertc_error *err);

static inline bool bc_lora_options_saves_adapter(const bertc_train_options *options)
{
    return options->lora_rank > 0 && options->lora_save == BERTC_LORA_ADAPTER;
}

#endif
