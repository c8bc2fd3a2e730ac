/* A user's own task while it is open: what its description states, what its tables add, and the row made of both. */
#ifndef BC_TASKS_OWN_OWN_H
#define BC_TASKS_OWN_OWN_H

#include "bertc/own_task.h"
#include "tasks/scan.h"
#include "tasks/tasks.h"

/* The default share of the dev rows. */
#define BC_DEV_SHARE 0.1

/* Columns of a table by their names or, without a header, by their numbers from 1. Null: not stated. */
typedef struct bc_own_columns {
    const char *text, *pair, *label;
} bc_own_columns;

struct bertc_own_task {
    bertc_task row;
    char **texts;              /* (num_texts) every string of this struct */
    size_t num_texts, texts_capacity;
    const char *place;         /* the task file, or the task's name, for messages */
    const char *name, *title;
    const char *files[BERTC_SPLITS];
    bool from_folder;          /* the files were found in a data folder */
    bc_own_columns columns;
    bool no_header;
    const char **header;       /* (header_count) names of the columns of files without a header */
    int header_count;
    int quotes;                /* bertc_quotes */
    int kind;                  /* as in bertc_own_options */
    const char **labels;       /* (num_labels) */
    int num_labels;
    bool label_numbers;        /* the files may have the number of a label in `labels` in place of its name */
    const char *label_separator; /* one character between the labels of a row */
    const char **label_columns;  /* (label_columns_count) a column of 0 and 1 for each label */
    int label_columns_count;
    bertc_metric metrics[BERTC_MAX_TASK_METRICS];
    int num_metrics;
    int64_t max_length;        /* 0: not stated */
    double dev_share;          /* negative: not stated */
    uint64_t *limits;          /* of the dev share (bc_dev_rows); null: not chosen */
};

/* Copy a string; it lives as long as the task. Null if memory runs out. */
const char *bc_own_keep(struct bertc_own_task *own, const char *text, size_t length);

void bc_own_free(struct bertc_own_task *own); /* null: no effect */

/* Whether the dev split is a share of the train file, and that share. */
bool bc_own_shares(const struct bertc_own_task *own);
double bc_own_share(const struct bertc_own_task *own);

/* Choose the limits of the dev share by a scan of the train file. limits (C of a classification, else 1) out.
 * Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
bertc_status bc_own_choose_dev(const struct bertc_own_task *own, const bc_scan *scan, uint64_t *limits, size_t *chosen,
                               bertc_error *err);

/* Read a task file into an empty description. Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
bertc_status bc_own_read_file(struct bertc_own_task *own, const char *path, bertc_error *err);

/* Find the tables of a folder: the files of the splits. Errors: BERTC_INPUT if there are two of a split, if one of them
 * is no table, or if there is none; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_own_find_files(struct bertc_own_task *own, const char *folder, bertc_error *err);

/* Check that the name of a table states its format. Errors: BERTC_INPUT; BERTC_USAGE if the format contradicts `quotes`
 * or the missing header. */
bertc_status bc_own_check_file(const struct bertc_own_task *own, const char *path, bertc_error *err);

/* Find the columns of a table that are not stated, by their usual names, and check those that are. `labelled`: the
 * table must have a label column. The found names point into `own`. Errors: BERTC_INPUT with the table's columns;
 * BERTC_IO, BERTC_NOMEM. */
bertc_status bc_own_find_columns(struct bertc_own_task *own, const char *path, bool labelled, bertc_error *err);

/* Describe the columns of a file of the task. */
bertc_columns bc_own_columns_of(const struct bertc_own_task *own, const char *file);

#endif
