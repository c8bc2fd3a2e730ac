/* A model source: the configuration, vocabulary and tokenizer of a model directory, checked against each other before
 * the weights are read. */
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
    int long_texts;         /* bertc_long */
    int64_t window_overlap; /* used only with windows */
    char *base; /* directory of the base model if the source is an adapter; else null */
    char *tokenizer_dir; /* directory of the tokenizer's files: the source itself, or the base */
} bc_model_source;

/* Open a model source, which starts as {0} besides long_texts and window_overlap; close it also after an error. If
 * max_length is 0, it becomes the default, or the model's maximum if that is smaller. A negative window_overlap becomes
 * the default. Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM; BERTC_USAGE if max_length is more than the model's
 * positions, or if windows of this overlap have no other tokens. */
bertc_status bc_model_source_open(bc_model_source *source, const char *dir, int64_t max_length,
                                  const bertc_notify *notify, bertc_error *err);
void bc_model_source_close(bc_model_source *source);

/* Check the options, and open the model source options->model. task: null if it is not known yet. Errors: BERTC_USAGE;
 * those of bc_model_source_open. */
bertc_status bc_model_source_open_model(bc_model_source *source, const bertc_predict_options *options,
                                        const bertc_task *task, const bertc_notify *notify, bertc_error *err);

/* Read the texts that a model is applied to: a split of `task`, a file, or lines of text. With `labels`, only the
 * labelled examples are read, with their labels; else all rows. Errors: those of reading data; BERTC_USAGE if the
 * options give neither data nor text. */
bertc_status bc_model_source_read_texts(const bertc_predict_options *options, const bertc_task *task, bool labels,
                                        const bertc_notify *notify, bertc_dataset **dataset, bertc_error *err);

/* Tokenise a data set and check that its ids and types fit the model. map: the model's class for each class of the
 * task; null if both have the same order. Errors: BERTC_INPUT, BERTC_NOMEM. */
bertc_status bc_model_source_tokenize(const bc_model_source *source, const bertc_dataset *set, const int32_t *map,
                                      bertc_inputs **inputs, bertc_error *err);

/* Check that a split has the labels that are needed to `purpose` ("score"). Errors: BERTC_INPUT; if the label column is
 * missing, the message lists the columns of the file. */
bertc_status bc_model_source_check_labels(const bertc_dataset *set, const char *purpose, bertc_error *err);

/* Report how many rows of a data set were left out. */
void bc_model_source_notify_rows(const bertc_dataset *set, const bertc_notify *notify);

/* Report invalid UTF-8, truncated texts and windows of a data set. */
void bc_model_source_notify_inputs(const bertc_dataset *set, const bertc_inputs *inputs, const bertc_notify *notify);

#endif
