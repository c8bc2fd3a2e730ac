/* Checks, record and comparison of options, derived from the option tables in options.c (fields: bertc/train.h). */
#ifndef BC_RUN_OPTIONS_H
#define BC_RUN_OPTIONS_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/text.h"
#include "bertc/train.h"

/* Numbers of tokens of a text: the default and the range of --max-length. The minimum is [CLS], a word piece and
 * [SEP]. */
enum { BC_DEFAULT_LENGTH = 128, BC_MIN_LENGTH = 3, BC_MAX_LENGTH = 1000000 };

/* The default of --window-overlap is --max-length divided by this number. */
enum { BC_OVERLAP_PART = 4 };

/* Maximum number of tokens of an inference pass: twice the number in a batch of 32 sequences of 128 tokens. */
enum { BC_PASS_TOKENS = 8192 };

/* Check that every field is in the range that its entry in the table states. Combinations of options are checked by
 * bc_run_open, run/lora_options.h, run/freeze.h, run/objective.h and run/eval_splits.h. Errors: BERTC_USAGE naming the
 * option. */
bertc_status bc_options_check(const bertc_train_options *options, bertc_error *err);

/* Return the name of the first option that is given of those that describe a user's own task; null if none is. */
const char *bc_options_of_own_task(const bertc_train_options *options);

/* Check the options of inference in the same way. */
bertc_status bc_options_check_predict(const bertc_predict_options *options, bertc_error *err);

/* Check that a window overlap is given only with windows. `given`: whether it is. Errors: BERTC_USAGE. */
bertc_status bc_options_check_windows(int long_texts, bool given, bertc_error *err);

/* Read --long and --window-overlap from recorded options. What is not recorded does not change. Errors: BERTC_INPUT
 * naming `place`. */
bertc_status bc_options_read_long(const cJSON *recorded, const char *place, int *long_texts, int64_t *overlap,
                                  bertc_error *err);

/* Call bertc_precision_resolve for --precision and --backend. Errors: BERTC_USAGE naming the option to change. */
bertc_status bc_options_precision(const char *backend, bertc_precision *precision, bertc_error *err);

/* Reduce *layers, the number of layers of the model, to the number that the run keeps. Errors: BERTC_USAGE. */
bertc_status bc_options_kept_layers(const bertc_train_options *options, int32_t *layers, bertc_error *err);

/* Check the options that choose the trained parts, for a model of `layers` layers. Sets *frozen to the number of stages
 * (bertc_model_options) that are frozen for the whole run. Errors: BERTC_USAGE. */
bertc_status bc_options_frozen_stages(const bertc_train_options *options, int32_t layers, int32_t *frozen,
                                      bertc_error *err);

/* The interval between checkpoints, in steps or in seconds; both 0: only when the run is interrupted. */
typedef struct bc_save_interval {
    int64_t steps;
    double seconds;
    bool is_auto; /* the run chooses; if a checkpoint does not fit on the disk, it is skipped with a notice */
} bc_save_interval;

/* Parse --save-every. Errors: BERTC_USAGE. */
bertc_status bc_options_parse_save_interval(const bertc_train_options *options, bc_save_interval *interval,
                                            bertc_error *err);

/* Append the options as a JSON object by option name; the value of an unset option is null. --out and --resume are left
 * out: the run computes the same in another folder and after an interruption. */
void bc_options_record(bc_text *out, const bertc_train_options *options);

/* Compare the options with recorded options. Options that do not change the result may differ. An option that is not
 * recorded had its default, because the version that recorded the others did not have it. Messages name the run folder,
 * `place`. Errors: BERTC_USAGE naming the first option that differs and both values. */
bertc_status bc_options_compare(const bertc_train_options *options, const cJSON *stored, const char *place,
                                bertc_error *err);

#endif
