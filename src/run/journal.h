/* checkpoint/journal.jsonl: the identity of a run, and the names of the files that it writes.
 *
 *   {"format":"bertc-run-1","options":{...},"prints":{...},"command":[...],"xxh3":"..."}
 *   {"writes":"../log.jsonl"}
 *   {"writes":"step-100.safetensors"}
 *
 * 1. The first line is the run's fingerprint line. It is on disk completely when the file appears; its hash covers the
 *    bytes before the hash.
 * 2. The name of a file is on disk in the journal before the file is created. If the last line is incomplete, its file
 *    was not created yet, and the line is overwritten. */
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
#define BC_RUN_TASK "task.json" /* the description of a user's own task */
#define BC_RUN_STAGING "result" /* in checkpoint/: the staging folder of the result */
#define BC_RUN_LOCK "lock"      /* in checkpoint/ */

/* An open run folder (run/folder.h). */
typedef struct bc_folder {
    char *path;      /* the run folder, without a slash at the end */
    char *work_path; /* path/checkpoint */
    char *staging_path; /* path/checkpoint/result */
    bc_dir root, work;
    size_t found;    /* length of the part of `path` that existed before this run */
    int fd;          /* descriptor of the lock; -1: not held */
    bc_text journal; /* complete lines of the journal; empty: no journal */
    bool tried;      /* an attempt to lock was made, so folders may have been created */
    bool joined;     /* the journal belongs to this run */
    bool torn;       /* the journal's file also has incomplete lines */
    char before[32]; /* old content of the lock file, restored if the journal belongs to another run */
    const bertc_notify *notify; /* receives warnings about files that could not be removed; or null */
} bc_folder;

/* Read the journal into folder->journal, which stays empty if journal.jsonl is missing or not a regular file. Errors:
 * BERTC_USAGE if the journal is damaged; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_journal_read(bc_folder *folder, bertc_error *err);

/* Create the journal. `options` and `fingerprints` are JSON objects, `command` is an array or null.
 * Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_journal_begin(bc_folder *folder, const char *options, const char *fingerprints, const char *command,
                              bertc_error *err);

/* Add a name in folder->root or folder->work to the journal, unless the journal lists it already. Errors: BERTC_IO,
 * also if the name is taken by a file that does not belong to the run; BERTC_NOMEM. */
bertc_status bc_folder_claim(bc_folder *folder, const bc_dir *in, const char *name, bertc_error *err);

/* Whether the journal lists a name; a temporary name counts as its final name. "../NAME" is in the run folder, other
 * names are in checkpoint/. */
bool bc_folder_owns(const bc_folder *folder, const char *name);

#endif
