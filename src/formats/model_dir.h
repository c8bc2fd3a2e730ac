/* A Hugging Face model directory: config.json, model.safetensors and the tokenizer's files. */
#ifndef BC_FORMATS_MODEL_DIR_H
#define BC_FORMATS_MODEL_DIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/writer.h"
#include "bertc/status.h"

/* The names of the files that a tokenizer may have; null past the end. */
const char *bc_model_dir_tokenizer_file(size_t index);

/* Copy the tokenizer's files that are in folder `from` (vocab.txt, tokenizer_config.json,
 * tokenizer.json, special_tokens_map.json, added_tokens.json) into the open folder `to`, byte
 * for byte, each atomically. Where `from` has neither of the two that state the case, a
 * tokenizer_config.json with BertTokenizer's default (lower case) is written, so that
 * AutoTokenizer reads the text as bertc did. Without a tokenizer_class there AutoTokenizer asks the model_type of
 * the config.json beside it: it is added where that says something else in `to`, which has a config.json of
 * bertc's, or none (`alone`). What is written is noted in `ledger` unless that is null.
 * Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
bertc_status bc_model_dir_copy_tokenizer(const char *from, const bc_dir *to, bool alone, bc_file_hashes *hashes,
                                         bertc_error *err);

/* Where a fine-tuning run keeps its mark in its folder; its record comes when it is done. */
#define BC_RUN_WORK "checkpoint"
#define BC_RUN_JOURNAL "journal.jsonl"
#define BC_RUN_RECORD "run.json"

/* Is the model in `dir` whole? That of a run which has not come to its end, or of one of its tasks, may lack
 * any of its files. Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
bertc_status bc_model_dir_check_finished(const char *dir, bertc_error *err);

#endif
