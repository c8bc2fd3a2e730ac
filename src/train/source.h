/* What a model directory says before its weights are read: configuration, vocabulary, tokenizer,
 * and whether they fit each other. */
#ifndef BC_TRAIN_SOURCE_H
#define BC_TRAIN_SOURCE_H

#include "bertc/batch.h"
#include "bertc/config.h"
#include "bertc/tokenizer.h"

typedef struct bc_source {
    bertc_config config;
    bertc_vocab *vocab;
    bertc_tokenizer *tokenizer;
    size_t max_length;
} bc_source;

/* max_length 0: the default, or the model's most where that is less. Starts as {0}; close in any
 * case. Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM; BERTC_USAGE where max_length is more than the
 * model has positions for. */
bertc_status bc_source_open(bc_source *source, const char *dir, int64_t max_length,
                            const bertc_notify *notify, bertc_error *err);
void bc_source_close(bc_source *source);

/* The max_length that a run folder was trained with, so that its scores can be had again without saying
 * it; 0 where `dir` is none or its record says nothing. */
int64_t bc_source_trained_length(const char *dir);

/* Say what of a data set was left out, and what of its text was not as it should be. */
void bc_source_notify_rows(const bertc_dataset *set, const bertc_notify *notify);
void bc_source_notify_inputs(const bertc_dataset *set, const bertc_inputs *inputs,
                             const bertc_notify *notify);

#endif
