/* A reader of tables while it reads: the state that reader.c (columns, rows, files) and reader_labels.c share. */
#ifndef BC_TASKS_READER_H
#define BC_TASKS_READER_H

#include <string.h>

#include "tasks/label_sets.h"
#include "tasks/table.h"
#include "tasks/tasks.h"

typedef struct bc_file_label {
    bc_slice name;
    int32_t label;
} bc_file_label;

typedef struct bc_reader {
    bertc_dataset *set;
    const bertc_columns *columns; /* null: plain lines */
    const bc_dev_rows *dev;
    bc_table *table;
    size_t line;                  /* of the row */
    size_t a, b, label, index;    /* column indices; BC_NO_COLUMN: absent */
    size_t width;                 /* columns in every row */
    size_t *kept;                 /* (set->num_kept) columns to keep */
    const bc_row *cells;          /* the row */
    size_t kept_capacity;         /* kept cells allocated */
    bool plain;                   /* the cells have no line ends and no TABs, as in files without quotes */
    bc_file_label *names;            /* (num_names) the file's label names, sorted; null: labels are not read by name */
    size_t num_names;
    size_t capacity, labels_capacity; /* examples and labels allocated */
    size_t labels_used;
    bc_label_set cell;            /* names of the last row's labels */
    size_t *flags;                /* (C) columns of the labels; null: one label column */
    size_t rows;                           /* rows of the file so far */
    size_t labelled_line, unlabelled_line; /* last line with a label, and without a label; 0: no such line yet */
    bertc_error *err;
} bc_reader;

static inline bool bc_slice_equals(bc_slice value, const char *text)
{
    return value.n == strlen(text) && memcmp(value.at, text, value.n) == 0;
}

/* The cell in a column; no text if the row has no such cell. */
static inline bc_slice bc_cell_of(const bc_row *from, size_t column, size_t width)
{
    return column < from->count && column < width ? from->cells[column] : (bc_slice){NULL, 0};
}

/* Whether a label column of the file is to be read. */
bool bc_reader_has_labels(const bc_reader *r);

/* List the labels of the task's files, sorted by their bytes; if the columns have class_label, the names of the classes
 * too. Errors: BERTC_NOMEM. */
bertc_status bc_reader_sort_names(bc_reader *r);

/* Read the label, the set of labels or the value of a row. value: the cell of the label column. Errors: BERTC_INPUT,
 * BERTC_NOMEM. */
bertc_status bc_reader_read_label(bc_reader *r, const bc_row *cells, bc_slice value, bertc_example *example);

#endif
