/* The files of a result, with size and hash in run.json, so that a finished run can be checked.
 *
 * log.jsonl holds times, and run.json depends on none: of the log the number of lines is recorded. */
#ifndef BC_TRAIN_MANIFEST_H
#define BC_TRAIN_MANIFEST_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "base/text.h"
#include "bertc/status.h"

/* The names that a result may have besides run.json and log.jsonl; null past the end. */
const char *bc_manifest_name(size_t index);

/* Append "files":{NAME:{"bytes":...,"xxh3":...},...},"log_lines":... for what lies in `folder`, a
 * whole model or an adapter. Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
bertc_status bc_manifest_record(bc_text *out, const char *folder, bool adapter, bertc_error *err);

/* Compare what lies in `folder` with the record `run`. Errors: BERTC_INPUT naming the first file that
 * is missing or differs; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_manifest_check(const cJSON *run, const char *folder, bertc_error *err);

#endif
