/* The files of a result, with size and hash in run.json, so that a finished run can be checked.
 *
 * log.jsonl holds times, and run.json depends on none: of the log the number of lines is recorded. */
#ifndef BC_RUN_MANIFEST_H
#define BC_RUN_MANIFEST_H

#include <cjson/cJSON.h>

#include "base/text.h"
#include "bertc/status.h"
#include "run/run.h"

/* A file that a result has besides run.json and log.jsonl. */
typedef struct bc_result_file {
    char path[64];      /* in the run folder: "config.json", or of several tasks "sst2/config.json" */
    const char *folder; /* "sst2", or "." */
    const char *name;   /* "config.json" */
    bool optional;
} bc_result_file;

/* The index-th of them; false past the end. */
bool bc_manifest_file(const bc_run *run, size_t index, bc_result_file *member);

/* Append "files":{NAME:{"bytes":...,"xxh3":...},...},"log_lines":... for the result that lies in `folder` and the
 * log of the run's. Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
bertc_status bc_manifest_record(bc_text *out, const bc_run *run, const char *folder, bertc_error *err);

/* Compare a file of the run's folder with its member in "files". Errors: as bc_manifest_check's. */
bertc_status bc_manifest_check_file(const bc_run *run, const char *path, const cJSON *file, bertc_error *err);

/* Compare what lies in the run's folder with the record `record`. Errors: BERTC_INPUT naming the first
 * file that is missing or differs; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_manifest_check(const cJSON *record, const bc_run *run, bertc_error *err);

#endif
