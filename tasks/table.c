#include "tasks/table.h"

#include <string.h>

#include "base/error.h"

static const bc_table_reader *const readers[BC_TABLE_FORMATS] = {
    [BC_TABLE_TSV] = &bc_table_tsv,
    [BC_TABLE_CSV] = &bc_table_csv,
    [BC_TABLE_QUOTED_TSV] = &bc_table_csv,
    [BC_TABLE_JSON] = &bc_table_json,
};

/* Whether the first `length` bytes of `path` end with `ending`. */
static bool ends_with(const char *path, size_t length, const char *ending)
{
    size_t n = strlen(ending);
    return length > n && memcmp(path + length - n, ending, n) == 0;
}

bc_table_format bc_table_format_of(const char *path)
{
    static const struct {
        const char *ending;
        bc_table_format format;
    } endings[] = {
        {".tsv", BC_TABLE_TSV}, {".csv", BC_TABLE_CSV}, {".jsonl", BC_TABLE_JSON}, {".json", BC_TABLE_JSON}};
    size_t length = strlen(path);
    if (ends_with(path, length, ".gz")) length -= strlen(".gz");
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_with(path, length, endings[i].ending)) return endings[i].format;
    return BC_TABLE_FORMATS;
}

/* Make the names of the columns from the first row. In JSON lines, `next` has set the header already. */
static bertc_status read_header(bc_table *t)
{
    const bc_row *row;
    bertc_status status = bc_table_next(t, &row);
    if (status != BERTC_OK) return status;
    if (!row) return bc_fail(t->err, BERTC_INPUT, "%s: empty file", t->path);
    if (t->form.format == BC_TABLE_JSON) {
        bc_table_back(t);
        return BERTC_OK;
    }
    status = bc_header_read(&t->header, row->cells, row->count, t->path, row->line, t->err);
    t->width = t->header.count;
    return status;
}

/* Read the beginning of a table whose lines are open. On failure the table is closed. */
static bertc_status begin(bc_table *t, bertc_status status, bc_table **table)
{
    t->reader = readers[t->form.format];
    t->width = BC_MOST_COLUMNS;
    t->state = bc_calloc(1, t->reader->state_size);
    if (status == BERTC_OK && !t->state) status = bc_fail_memory(t->err);
    if (status == BERTC_OK && t->form.blank_rows) bc_lines_skip_bom(&t->lines);
    else if (status == BERTC_OK) status = bc_lines_begin(&t->lines);
    if (status == BERTC_OK && t->reader->begin) status = t->reader->begin(t);
    if (status == BERTC_OK && (t->form.header || t->form.format == BC_TABLE_JSON)) status = read_header(t);
    if (status == BERTC_OK) *table = t;
    else bc_table_close(t);
    return status;
}

static bc_table *create(const char *path, bc_table_form form, bertc_error *err)
{
    bc_table *t = bc_calloc(1, sizeof *t);
    if (!t) return NULL;
    t->form = form;
    t->input.fd = -1;
    t->err = err;
    t->path = bc_strndup(path, strlen(path));
    if (t->path) return t;
    bc_free(t);
    return NULL;
}

bertc_status bc_table_open(const char *path, bc_table_form form, bc_table **table, bertc_error *err)
{
    *table = NULL;
    bc_table *t = create(path, form, err);
    if (!t) return bc_fail_memory(err);
    bertc_status status = bc_input_open(t->path, &t->input, err);
    if (status == BERTC_OK) status = bc_lines_of_file(&t->input, t->path, &t->lines, err);
    return begin(t, status, table);
}

bertc_status bc_table_of_bytes(const char *bytes, size_t length, const char *path, bc_table_form form,
                               bc_table **table, bertc_error *err)
{
    *table = NULL;
    bc_table *t = create(path, form, err);
    if (!t) return bc_fail_memory(err);
    t->lines = bc_lines_of_bytes(bytes, length, t->path, err);
    return begin(t, BERTC_OK, table);
}

void bc_table_close(bc_table *table)
{
    if (!table) return;
    if (table->state && table->reader->end) table->reader->end(table);
    bc_free(table->state);
    bc_lines_clear(&table->lines);
    bc_input_close(&table->input);
    bc_header_clear(&table->header);
    bc_free(table->cells);
    bc_free(table->absent);
    bc_free(table->path);
    bc_free(table);
}

const bc_header *bc_table_header(const bc_table *table)
{
    return &table->header;
}

size_t bc_table_find(bc_table *table, const char *name)
{
    size_t column = bc_header_find(&table->header, name);
    if (column != BC_NO_COLUMN || !name || table->form.format != BC_TABLE_JSON) return column;
    void *names = bc_grow(table->absent, &table->absent_capacity, table->absent_count, sizeof *table->absent);
    if (!names) {
        table->lines.status = bc_fail_memory(table->err);
        return column;
    }
    table->absent = names;
    table->absent[table->absent_count++] = name;
    return column;
}

bertc_status bc_table_next(bc_table *table, const bc_row **row)
{
    bool taken = table->again;
    *row = NULL;
    table->again = false;
    bertc_status status = taken ? BERTC_OK : table->lines.status;
    if (!taken && status == BERTC_OK) status = table->reader->next(table, &taken);
    if (status == BERTC_OK) status = table->lines.status;
    if (status != BERTC_OK || !taken) return status;
    if (table->row.count > BC_MOST_COLUMNS && table->width == BC_MOST_COLUMNS)
        return bc_fail(table->err, BERTC_INPUT, "%s:%zu: %zu columns, expected at most %d", table->path,
                       table->row.line, table->row.count, BC_MOST_COLUMNS);
    table->row.cells = table->cells;
    *row = &table->row;
    return BERTC_OK;
}

void bc_table_back(bc_table *table)
{
    table->again = true;
}

bertc_status bc_table_check_width(const bc_table *table, size_t width)
{
    size_t count = table->row.count;
    if (count == width) return BERTC_OK;
    return bc_fail(table->err, BERTC_INPUT, "%s:%zu: %zu column%s, expected %zu", table->path, table->row.line, count,
                   count == 1 ? "" : "s", width);
}

bertc_status bc_table_check(const bc_table *table)
{
    return table->input.fd >= 0 ? bc_input_check(&table->input, table->err) : BERTC_OK;
}
