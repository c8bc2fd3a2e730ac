/* The fingerprints of a run: hashes of weights, data, vocabulary and settings that identify it, besides its options. */
#ifndef BC_RUN_FINGERPRINTS_H
#define BC_RUN_FINGERPRINTS_H

#include <cjson/cJSON.h>

#include "base/text.h"
#include "run/run.h"

/* Hash the content of a tokenised data set: lengths, ids, types, labels and values. */
void bc_hash_inputs(char out[BC_HASH_HEX], const bertc_inputs *inputs);

/* Hash the tokenised examples of a task, and its kind. */
void bc_hash_examples(char out[BC_HASH_HEX], const bertc_task *task, const bertc_inputs *inputs);

/* Compute the fingerprints of a run after its weights and data were read and before its first step. Errors:
 * BERTC_NOMEM. */
bertc_status bc_fingerprints_take(bc_run *run, bertc_error *err);

/* Append {"weights":...,"train":...,"dev":...,"vocab":...,"tokenizer":...,"config":...}. */
void bc_fingerprints_record(bc_text *out, const bc_fingerprints *hashes);

/* Compare the fingerprints with recorded fingerprints. Messages name the run folder, `place`. Errors: BERTC_USAGE. */
bertc_status bc_fingerprints_compare(const bc_fingerprints *hashes, const cJSON *stored, const char *place,
                                     bertc_error *err);

#endif
