/* Tables: a file of rows and columns, read row by row in pieces of 1 MB.
 *
 *   TSV         a TAB separates columns, LF or CR LF ends a row; quotes and every other byte (NUL too) are text
 *   CSV         RFC 4180: a comma separates columns; a field in quotes may contain commas, doubled quotes and line ends
 *   quoted TSV  as CSV, with a TAB in place of the comma
 *   JSON lines  one object a line; its keys are the columns
 *
 * 1. The first row of TSV and CSV names the columns, unless the form has no header. In JSON lines the keys of the first
 *    object do. Two columns must not have the same name.
 * 2. A row has its cells and the number of its first line. The reader of a table checks the number of cells
 *    (bc_table_check_width).
 * 3. JSON lines: a string is its text; a number, true, false, a list and an object are cells with the text of the file.
 *    null and an absent key are cells without a text (at is null). A key that the first object lacks is ignored, unless
 *    bc_table_find was asked for its name: then it is an error, because its values so far would be lost.
 * 4. Blank lines at the end of a TSV file are ignored, except in files of one column. CSV and JSON lines ignore all
 *    blank lines.
 * 5. A UTF-8 BOM is skipped. Files may be gzip data, whatever their name. A file that is not a text is refused with a
 *    message that states its kind. Invalid UTF-8 is not the table's concern, except in JSON, which forbids it.
 * 6. CSV is read strictly (libcsv): a quote in a field that does not begin with one, text after a closing quote, a
 *    quote that is not closed and a CR without LF outside quotes are errors.
 *
 * Errors are BERTC_INPUT "PATH:LINE:COLUMN: REASON" or "PATH:LINE: REASON"; a column counts bytes from 1. */
#ifndef BC_TASKS_TABLE_H
#define BC_TASKS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "bertc/status.h"
#include "tasks/header.h"
#include "tasks/lines.h"

/* The maximum number of a table's columns. */
enum { BC_MOST_COLUMNS = 1 << 16 };

typedef enum bc_table_format {
    BC_TABLE_TSV,
    BC_TABLE_CSV,
    BC_TABLE_QUOTED_TSV,
    BC_TABLE_JSON,
    BC_TABLE_FORMATS /* as a result: not known */
} bc_table_format;

typedef struct bc_table_form {
    bc_table_format format;
    bool header;     /* the first row names the columns; no effect on JSON lines */
    bool blank_rows; /* TSV: all lines are rows, also blank lines at the end, and an empty text is a table */
} bc_table_form;

typedef struct bc_row {
    const bc_slice *cells; /* (min(count, columns of the table)) valid until the next row is taken */
    size_t count;          /* number of cells of the row in the file */
    size_t line;           /* number of its first line, from 1 */
} bc_row;

typedef struct bc_table bc_table;

/* Return the format that the name of a file states by its ending .tsv, .csv, .jsonl or .json, each maybe followed by
 * .gz; BC_TABLE_FORMATS for every other name. */
bc_table_format bc_table_format_of(const char *path);

/* Open a file, or bytes in memory, which must outlive the table, and read the header. `path` is copied. `err` outlives
 * the table.
 * Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM; *table is then null. */
bertc_status bc_table_open(const char *path, bc_table_form form, bc_table **table, bertc_error *err);
bertc_status bc_table_of_bytes(const char *bytes, size_t length, const char *path, bc_table_form form,
                               bc_table **table, bertc_error *err);
void bc_table_close(bc_table *table); /* null: no effect */

/* The names of the columns; no names without a header. */
const bc_header *bc_table_header(const bc_table *table);

/* Return the number of the column with this name, which must outlive the table; BC_NO_COLUMN if there is no such column
 * or `name` is null. */
size_t bc_table_find(bc_table *table, const char *name);

/* Take the next row; *row is null after the last row. Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
bertc_status bc_table_next(bc_table *table, const bc_row **row);

/* Push the last row back, to be taken again. */
void bc_table_back(bc_table *table);

/* Check that the last row has `width` cells. Errors: BERTC_INPUT. */
bertc_status bc_table_check_width(const bc_table *table, size_t width);

/* Check that the file was not changed since it was opened. Errors: BERTC_IO. */
bertc_status bc_table_check(const bc_table *table);

/* ---- For the formats: table_tsv.c, table_csv.c, table_json.c ------------------------------- */

/* A format. A function takes the table's lines and fills in table->row, whose cells bc_table_put appends. */
typedef struct bc_table_reader {
    size_t state_size;                                   /* bytes of the format's own state, cleared at first */
    bertc_status (*begin)(bc_table *table);              /* null: nothing to prepare */
    bertc_status (*next)(bc_table *table, bool *taken);  /* *taken is false at first; stays so after the last row */
    void (*end)(bc_table *table);                        /* null: nothing to release */
} bc_table_reader;

extern const bc_table_reader bc_table_tsv, bc_table_csv, bc_table_json;

struct bc_table {
    bc_table_form form;
    const bc_table_reader *reader;
    void *state;      /* of the format */
    char *path;
    bc_input input;   /* fd -1: the text is in memory */
    bc_lines lines;
    bc_header header;
    bc_row row;       /* the last row */
    bool again;       /* the last row is to be taken again */
    bc_slice *cells;  /* (capacity) those of the row */
    size_t capacity;
    size_t width;     /* cells of a row that are stored; more are counted only */
    const char **absent; /* (absent_count) names that were asked for and not found */
    size_t absent_count, absent_capacity;
    bertc_error *err;
};

/* Begin a row at line `line`. */
static inline void bc_table_begin_row(bc_table *table, size_t line)
{
    table->row = (bc_row){NULL, 0, line};
}

/* Append a cell to the row; false if out of memory. */
static inline bool bc_table_put(bc_table *table, bc_slice cell)
{
    if (table->row.count >= table->width) {
        table->row.count++;
        return true;
    }
    if (table->row.count == table->capacity) {
        bc_slice *cells = bc_grow(table->cells, &table->capacity, table->row.count, sizeof cell);
        if (!cells) return false;
        table->cells = cells;
    }
    table->cells[table->row.count++] = cell;
    return true;
}

#endif
