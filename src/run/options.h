/* What derives from the option table of a fine-tuning run (the fields: bertc/train.h; the rows: options.c). */
#ifndef BC_RUN_OPTIONS_H
#define BC_RUN_OPTIONS_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/text.h"
#include "bertc/train.h"

/* Tokens of a text: the default, and the range of --max-length ([CLS], a word piece and [SEP] are the minimum). */
enum { BC_DEFAULT_LENGTH = 128, BC_MIN_LENGTH = 3, BC_MAX_LENGTH = 1000000 };

/* Tokens of a pass of inference: twice those of a batch of 32 sequences of 128 tokens. */
enum { BC_PASS_TOKENS = 8192 };

/* Every field in its row's range; what goes with what is checked by bc_run_open, run/lora_options.h, run/freeze.h,
 * run/objective.h and run/eval_splits.h. Errors: BERTC_USAGE naming the option. */
bertc_status bc_options_check(const bertc_train_options *options, bertc_error *err);

/* The same for a model that is applied. */
bertc_status bc_options_check_predict(const bertc_predict_options *options, bertc_error *err);

/* bertc_precision_resolve for --precision and --backend. Errors: BERTC_USAGE naming the option that is at fault. */
bertc_status bc_options_precision(const char *backend, bertc_precision *precision, bertc_error *err);

/* Make *layers, of the model, those that the run keeps. Errors: BERTC_USAGE. */
bertc_status bc_options_kept_layers(const bertc_train_options *options, int32_t *layers, bertc_error *err);

/* Check what is trained against a model of so many layers; *frozen: how many stages
 * (bertc_model_options) are frozen from the first step to the last. Errors: BERTC_USAGE. */
bertc_status bc_options_frozen_stages(const bertc_train_options *options, int32_t layers, int32_t *frozen, bertc_error *err);

/* When checkpoints are saved: every so many steps, or seconds; both 0: only where the run is interrupted. */
typedef struct bc_save_interval {
    int64_t steps;
    double seconds;
    bool is_auto; /* to be chosen; a save for which there is no room is then left out, with a line */
} bc_save_interval;

/* What --save-every says. Errors: BERTC_USAGE. */
bertc_status bc_options_parse_save_interval(const bertc_train_options *options, bc_save_interval *interval, bertc_error *err);

/* Append the options as a JSON object by option name; what is unset is null. --out and --resume
 * are left out: they say where the record lies and how the run got there, not what it computed. */
void bc_options_record(bc_text *out, const bertc_train_options *options);

/* Compare with a record. Options that do not change the result may differ.
 * Errors: BERTC_USAGE naming the first option that differs and both values. */
bertc_status bc_options_compare(const bertc_train_options *options, const cJSON *stored,
                                const char *place, bertc_error *err);

#endif
