/* A Hugging Face model directory: its tokenizer files, and whether a run has finished writing it. */
#ifndef BC_FORMATS_MODEL_DIR_H
#define BC_FORMATS_MODEL_DIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "base/writer.h"
#include "bertc/status.h"

/* The names of the files that a tokenizer may have; null after the last. */
const char *bc_model_dir_tokenizer_file(size_t index);

/* Copy the tokenizer files in folder `from` (vocab.txt, tokenizer_config.json, tokenizer.json, special_tokens_map.json,
 * added_tokens.json) into the open folder `to`, each atomically and byte for byte. Two exceptions make AutoTokenizer
 * tokenize in `to` as bertc does in `from`:
 *
 *   - If neither tokenizer_config.json nor tokenizer.json states whether text is lower-cased, write a
 *     tokenizer_config.json with BertTokenizer's default, which is lower-casing.
 *   - If tokenizer_config.json has no tokenizer_class, AutoTokenizer takes the class from config.json. In `to` that is
 *     a config.json written by bertc, or there is no config.json (`alone`). If AutoTokenizer would choose another class
 *     in `to`, add the class of `from` to tokenizer_config.json.
 *
 * Add the written files to `hashes` unless that is null. Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
bertc_status bc_model_dir_copy_tokenizer(const char *from, const bc_dir *to, bool alone, bc_file_hashes *hashes,
                                         bertc_error *err);

/* A fine-tuning run's work folder, the journal in it, and the file that the run writes last. */
#define BC_RUN_WORK "checkpoint"
#define BC_RUN_JOURNAL "journal.jsonl"
#define BC_RUN_RECORD "run.json"

/* Read a JSON file of `dir` if it exists; *tree is null if it does not. The caller releases *path (bc_free), the file's
 * path, and *tree (cJSON_Delete), also after an error. Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
bertc_status bc_model_dir_read_json(const char *dir, const char *name, char **path, cJSON **tree, bertc_error *err);

/* Fail if `dir` holds the model of an unfinished fine-tuning run, or of a task of such a run: any of the model's files
 * may be missing. Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
bertc_status bc_model_dir_check_finished(const char *dir, bertc_error *err);

#endif
