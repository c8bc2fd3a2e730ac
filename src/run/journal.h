/* checkpoint/journal.jsonl: the mark of a run, and the names that it writes under.
 *
 *   {"format":"bertc-run-1","options":{...},"prints":{...},"xxh3":"..."}
 *   {"writes":"../log.jsonl"}
 *   {"writes":"step-100.safetensors"}
 *
 * 1. The file appears with its first line, whole. That line's hash covers all before it in the line.
 * 2. A name is on the disk here before there is a file of that name. A last line without its end was not yet
 *    followed by a file, and is overwritten. */
#ifndef BC_RUN_JOURNAL_H
#define BC_RUN_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/dir.h"
#include "base/text.h"
#include "bertc/status.h"
#include "formats/model_dir.h"

#define BC_JOURNAL_START "{\"format\":\"bertc-run-1\","

/* More names in a run folder, besides those of formats/model_dir.h. */
#define BC_RUN_LOG "log.jsonl"
#define BC_RUN_EVAL "eval.json"
#define BC_RUN_STAGING "result" /* in checkpoint/: the staging folder of the result */
#define BC_RUN_LOCK "lock"      /* in checkpoint/ */

/* A run folder, and whose it is (run/folder.h opens it). */
typedef struct bc_folder {
    char *path;      /* the run folder, without a slash at the end */
    char *work_path; /* path/checkpoint */
    char *staging_path; /* path/checkpoint/result */
    bc_dir root, work;
    size_t found;    /* length of the part of `path` that existed before */
    int fd;          /* of the lock; -1: not held */
    bc_text journal; /* its whole lines; empty: there is none */
    bool tried;      /* to lock it: folders may have been made */
    bool joined;     /* the journal is that of this run */
    bool torn;       /* its file holds more than its whole lines */
    char before[32]; /* what the lock's file held; a run that is refused puts it back */
    const bertc_notify *notify; /* what could not be removed; or null */
} bc_folder;

/* Read checkpoint/'s journal into folder->journal; empty where there is none, or a name of another kind. Errors:
 * BERTC_USAGE where it is damaged; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_journal_read(bc_folder *folder, bertc_error *err);

/* Begin it: `options` and `prints` are JSON. Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_journal_begin(bc_folder *folder, const char *options, const char *hashes, bertc_error *err);

/* From now on `name` is the run's, in the folder's root or work. Errors: BERTC_IO, also where something is
 * there that is not; BERTC_NOMEM. */
bertc_status bc_folder_claim(bc_folder *folder, const bc_dir *in, const char *name, bertc_error *err);

/* Is a name in checkpoint/ the run's? So is the temporary name of such a file; "../NAME": one beside it. */
bool bc_folder_owns(const bc_folder *folder, const char *name);

#endif
