/* The labels of a table: which labels its rows have, how often, and the hash of each row's texts. A scan is the first
 * of two passes over a training file: it finds the kind and the labels of a user's own task, and its dev share. */
#ifndef BC_TASKS_SCAN_H
#define BC_TASKS_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/task.h"

typedef struct bc_scanned_row {
    uint64_t hash;  /* of the texts */
    int32_t label;  /* number of the label in bc_scan.labels */
} bc_scanned_row;

typedef struct bc_scan {
    bc_scanned_row *rows; /* (num_rows) in the order of the file */
    size_t num_rows;
    char **labels;        /* (num_labels) all different: by value if all are whole numbers, else by bytes */
    size_t num_labels;
    bool numbers;         /* all labels are finite numbers */
    bool whole;           /* all labels are whole numbers */
    bool lists;           /* all labels look like JSON lists */
} bc_scan;

/* Scan a table. `pair`: a row has two texts. `sets`: a row has a set of labels, as `columns` describes it, and its
 * label in the scan is 0; else every row must have a label. bc_scan_clear releases the scan, also after an
 * error.
 * Errors: BERTC_INPUT for a row with another number of columns than the header, and for a label that is empty, absent,
 * longer than 1000 bytes or not printable UTF-8; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_scan_table(const char *path, const bertc_columns *columns, bool pair, bool sets, bc_scan *scan,
                           bertc_error *err);
void bc_scan_clear(bc_scan *scan);

/* Choose the dev rows of a scanned table: in each stratum a share of its rows, those with the smallest hashes. Rows
 * with one hash are chosen together, and a row of each stratum is left. The sizes are rounded so that their sum is
 * right. A class is a stratum; if `classes` is false, all rows are one.
 *
 * limits  (num_labels, or 1) out: the rows of the stratum whose hash is smaller are dev rows
 * chosen  out: the number of dev rows
 *
 * Errors: BERTC_NOMEM. */
bertc_status bc_scan_choose_dev(const bc_scan *scan, double share, bool classes, uint64_t *limits, size_t *chosen,
                                bertc_error *err);

#endif
