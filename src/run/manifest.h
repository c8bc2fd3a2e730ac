/* The files of a result. run.json lists them with size and hash, so that a finished run can be checked.
 *
 * log.jsonl contains times, on which run.json must not depend. So run.json records only the number of lines of
 * log.jsonl. */
#ifndef BC_RUN_MANIFEST_H
#define BC_RUN_MANIFEST_H

#include <cjson/cJSON.h>

#include "base/text.h"
#include "bertc/status.h"
#include "run/run.h"

/* A file of a result, other than run.json and log.jsonl. */
typedef struct bc_result_file {
    char path[512];     /* relative to the run folder: "config.json", or with several tasks "sst2/config.json" */
    const char *folder; /* "sst2", or "." */
    char name[256];     /* "config.json" */
    bool optional;
} bc_result_file;

/* Get the index-th file of the result; return false past the end. */
bool bc_manifest_file(const bc_run *run, size_t index, bc_result_file *file);

/* Append "files":{NAME:{"bytes":...,"xxh3":...},...},"log_lines":... for the result in `folder` and the log in the run
 * folder. Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
bertc_status bc_manifest_record(bc_text *out, const bc_run *run, const char *folder, bertc_error *err);

/* Compare a file in the run folder with its recorded size and hash. Errors: those of bc_manifest_check. */
bertc_status bc_manifest_check_file(const bc_run *run, const char *path, const cJSON *recorded, bertc_error *err);

/* Compare the files in the run folder with the content of run.json. Errors: BERTC_INPUT naming the first file that is
 * missing or differs; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_manifest_check(const cJSON *record, const bc_run *run, bertc_error *err);

#endif
