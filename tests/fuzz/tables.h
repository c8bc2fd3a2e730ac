/* What the fuzz targets of tables share. */
#ifndef BC_FUZZ_TABLES_H
#define BC_FUZZ_TABLES_H

#include "base/text.h"
#include "fuzz.h"
#include "tasks/table.h"

/* Copy bytes to a block of exactly their length, so that the sanitizer sees a byte read past the end. */
static inline char *fuzz_exact(const uint8_t *data, size_t size)
{
    char *bytes = malloc(size ? size : 1);
    FUZZ_CHECK(bytes);
    memcpy(bytes, data, size);
    return bytes;
}

/* Append a row with all cells in quotes; if `more`, with a cell that is a quote at the end. */
static inline void fuzz_put_row(bc_text *out, const bc_slice *cells, size_t count, char separator, bool more)
{
    for (size_t i = 0; i < count; i++) {
        bc_text_put(out, i ? (char[]){separator, '"'} : "\"", i ? 2 : 1);
        for (size_t k = 0; k < cells[i].n; k++) {
            bc_text_put(out, cells[i].at + k, 1);
            if (cells[i].at[k] == '"') bc_text_put(out, "\"", 1);
        }
        bc_text_put(out, "\"", 1);
    }
    if (more) bc_text_put(out, (char[]){separator, '"', '"', '"', '"'}, 5);
    bc_text_put(out, "\n", 1);
}

/* Read a table and write it as fuzz_put_row does; null, after a check of the error, if it is not a table. A row of
 * another width than the header's ends the text, because the table does not hold all of its cells. */
static inline char *fuzz_table(const char *bytes, size_t size, bc_table_form form, bool more,
                               size_t *length)
{
    bc_table *table;
    const bc_row *row = NULL;
    bertc_error err = {0};
    bc_text out = {0};
    bool ragged = false;
    size_t line = 0;
    char separator = form.format == BC_TABLE_CSV ? ',' : '\t';
    bertc_status status = bc_table_of_bytes(bytes, size, "f", form, &table, &err);
    const bc_header *header = table ? bc_table_header(table) : NULL;
    if (status == BERTC_OK && header->count) fuzz_put_row(&out, header->names, header->count, separator, more);
    while (status == BERTC_OK && (status = bc_table_next(table, &row)) == BERTC_OK && row) {
        FUZZ_CHECK(row->line > line && (form.format != BC_TABLE_JSON || row->count == header->count));
        line = row->line;
        ragged = ragged || (header->count && row->count != header->count);
        if (ragged || form.format == BC_TABLE_JSON) {
            size_t sum = 0; /* every byte of the cells can be read */
            for (size_t i = 0; i < row->count && i < header->count; i++)
                for (size_t k = 0; k < row->cells[i].n; k++) sum += (unsigned char)row->cells[i].at[k];
            FUZZ_CHECK(sum < SIZE_MAX);
            continue;
        }
        fuzz_put_row(&out, row->cells, row->count, separator, more);
    }
    bc_table_close(table);
    FUZZ_CHECK(!out.failed);
    *length = out.length;
    if (status == BERTC_OK) return out.bytes ? out.bytes : calloc(1, 1);
    FUZZ_CHECK(status == BERTC_INPUT && err.message[0] == 'f' && !strchr(err.message, '\n'));
    bc_text_clear(&out);
    return NULL;
}

#endif
