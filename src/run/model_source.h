/* What a model directory says before its weights are read: configuration, vocabulary, tokenizer,
 * and whether they fit each other. */
#ifndef BC_RUN_MODEL_SOURCE_H
#define BC_RUN_MODEL_SOURCE_H

#include "bertc/batch.h"
#include "bertc/config.h"
#include "bertc/train.h"

typedef struct bc_model_source {
    bertc_config config;
    bertc_vocab *vocab;
    bertc_tokenizer *tokenizer;
    size_t max_length;
    char *base; /* of an adapter: the directory of the model that it is for; else null */
    char *home; /* the directory that has the tokenizer's files: this one, or the base */
} bc_model_source;

/* max_length 0: the default, or the model's most where that is less. Starts as {0}; close in any
 * case. Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM; BERTC_USAGE where max_length is more than the
 * model has positions for. */
bertc_status bc_model_source_open(bc_model_source *source, const char *dir, int64_t max_length,
                            const bertc_notify *notify, bertc_error *err);
void bc_model_source_close(bc_model_source *source);

/* What a model is applied to: its source, and the texts of a split or of lines, as `task` reads them;
 * where `labels` is set a split's examples with their labels, else all of its rows.
 * Errors: as those of bc_model_source_open and of reading data; BERTC_USAGE where options say nothing. */
bertc_status bc_model_source_open_texts(bc_model_source *source, const bertc_predict_options *options,
                                  const bertc_task *task, bool labels, const bertc_notify *notify,
                                  bertc_dataset **dataset, bertc_error *err);

/* Tokenise a data set; its ids and types fit the model. `map`: the task's class -> the model's; null keeps it.
 * Errors: BERTC_INPUT, BERTC_NOMEM. */
bertc_status bc_model_source_tokenize(const bc_model_source *source, const bertc_dataset *set, const int32_t *map,
                                bertc_inputs **inputs, bertc_error *err);

/* Refuse a split without labels; they are needed to `purpose` ("score").
 * Errors: BERTC_INPUT, with the columns that the file has where that of the labels is missing. */
bertc_status bc_model_source_check_labels(const bertc_dataset *set, const char *purpose, bertc_error *err);

/* Say what of a data set was left out, and what of its text was not as it should be. */
void bc_model_source_notify_rows(const bertc_dataset *set, const bertc_notify *notify);
void bc_model_source_notify_inputs(const bertc_dataset *set, const bertc_inputs *inputs, const bertc_notify *notify);

#endif
