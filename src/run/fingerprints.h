/* What a run is told apart by besides its options: hashes of weights, data, vocabulary and settings. */
#ifndef BC_RUN_FINGERPRINTS_H
#define BC_RUN_FINGERPRINTS_H

#include <cjson/cJSON.h>

#include "base/text.h"
#include "run/run.h"

/* Everything a tokenised data set holds: lengths, ids, types, labels, values. */
void bc_hash_inputs(char out[BC_HASH_HEX], const bertc_inputs *inputs);

/* Of a run whose weights and data are there, before its first step. Errors: BERTC_NOMEM. */
bertc_status bc_fingerprints_take(bc_run *run, bertc_error *err);

/* {"weights":...,"train":...,"dev":...,"vocab":...,"tokenizer":...,"config":...} */
void bc_fingerprints_record(bc_text *out, const bc_fingerprints *hashes);

/* Compare with a record. Errors: BERTC_USAGE naming the first that differs. */
bertc_status bc_fingerprints_compare(const bc_fingerprints *hashes, const cJSON *stored, const char *place,
                                     bertc_error *err);

#endif
