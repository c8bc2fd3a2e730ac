/* The options of LoRA adapters (nn/lora.h), and which other options they can be combined with. */
#ifndef BC_RUN_LORA_OPTIONS_H
#define BC_RUN_LORA_OPTIONS_H

#include "run/run.h"

/* Check the --lora options and their combination with other options, for a model of `layers` layers whose first
 * `frozen` stages are frozen for the whole run. Sets *lora to the description of the adapters. Errors: BERTC_USAGE
 * naming the option. */
bertc_status bc_lora_options_check(const bertc_train_options *options, int32_t layers, int32_t frozen,
                                   bertc_lora *lora, bertc_error *err);

/* Parse --lora-targets, a list such as "query,value". A name stands for every linear layer that peft matches with it,
 * so "output.dense" includes "attention.output.dense". "all" stands for all six. Errors: BERTC_USAGE. */
bertc_status bc_lora_targets_parse(const char *list, uint32_t *targets, bertc_error *err);

/* Check that users of the adapter can load the weights that training starts from. Errors: BERTC_USAGE if --model is
 * itself an adapter; BERTC_INPUT if the model lacks a part of the encoder. */
bertc_status bc_lora_options_check_base(const bc_run *run, bertc_error *err);

static inline bool bc_lora_options_saves_adapter(const bertc_train_options *options)
{
    return options->lora_rank > 0 && options->lora_save == BERTC_LORA_ADAPTER;
}

#endif
