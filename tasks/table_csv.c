/* CSV and quoted TSV by libcsv, in strict mode.
 *
 * libcsv is fed line by line, because it has no positions of its own: the number of the line and the number of bytes
 * that it accepted locate an error. It copies each field; a row's fields are collected in one block. The common row,
 * on one line and without doubled quotes, is split here, where its cells lie: libcsv gives the same in three times the
 * time. */
#include <csv.h>
#include <string.h>

#include "base/error.h"
#include "base/size.h"
#include "base/text.h"
#include "tasks/table.h"

enum { FIELD_BLOCK = 1 << 12 }; /* the least by which libcsv's memory for a field grows, in bytes */

typedef struct reader {
    struct csv_parser parser;
    bc_text text;                  /* the bytes of the row's cells */
    size_t *ends;                  /* (kept) the end of each cell in them */
    size_t ends_capacity, kept;
    size_t count;                  /* cells of the row */
    size_t width;                  /* cells to keep */
    size_t bytes;                  /* of the row in the file so far */
    size_t quote_line, quote_column; /* the place of the quote that opens the unfinished field; 0: none */
    bool row_ended, failed;
} reader;

static int no_space(unsigned char c)
{
    (void)c;
    return 0;
}

static void *grow(void *old, size_t size)
{
    return bc_realloc(old, size, 1);
}

static bertc_status begin(bc_table *t)
{
    reader *r = t->state;
    csv_init(&r->parser, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_delim(&r->parser, t->form.format == BC_TABLE_CSV ? CSV_COMMA : CSV_TAB);
    csv_set_space_func(&r->parser, no_space); /* blanks around a field are part of it */
    csv_set_realloc_func(&r->parser, grow);
    csv_set_free_func(&r->parser, bc_free);
    return BERTC_OK;
}

static void end(bc_table *t)
{
    reader *r = t->state;
    csv_free(&r->parser);
    bc_text_clear(&r->text);
    bc_free(r->ends);
}

static void end_field(void *bytes, size_t length, void *data)
{
    reader *r = data;
    r->quote_line = 0;
    if (r->count++ >= r->width) return;
    size_t *ends = r->kept < r->ends_capacity ? r->ends : bc_grow(r->ends, &r->ends_capacity, r->kept, sizeof *ends);
    if (!ends) {
        r->failed = true;
        return;
    }
    r->ends = ends;
    if (length > 0) bc_text_put(&r->text, bytes, length);
    r->ends[r->kept++] = r->text.length;
}

static void end_row(int c, void *data)
{
    (void)c;
    reader *r = data;
    r->row_ended = true;
}

static bertc_status fail_memory(bc_table *t)
{
    return t->lines.status = bc_fail_memory(t->err);
}

/* Refuse the byte at `column` of the last line. */
static bertc_status fail_byte(bc_table *t, const reader *r, bc_slice line, size_t column)
{
    if (line.at[column - 1] == CSV_QUOTE)
        return bc_fail(t->err, BERTC_INPUT, "%s:%zu:%zu: a quote inside a field that does not begin with a quote",
                       t->path, t->lines.line, column);
    if (r->quote_line > 0)
        return bc_fail(t->err, BERTC_INPUT, "%s:%zu:%zu: text after the closing quote of the field that begins at line "
                       "%zu, column %zu", t->path, t->lines.line, column, r->quote_line, r->quote_column);
    return bc_fail(t->err, BERTC_INPUT, "%s:%zu:%zu: text after a closing quote", t->path, t->lines.line, column);
}

/* Give libcsv a line. A CR ends a row for libcsv, so a line is given in parts that end with its CRs. */
static bertc_status feed(bc_table *t, reader *r, bc_slice line)
{
    csv_set_blk_size(&r->parser, bc_max(FIELD_BLOCK, r->bytes)); /* no field is longer than its row */
    for (size_t from = 0, to; from < line.n; from = to) {
        const char *cr = memchr(line.at + from, '\r', line.n - from);
        to = cr && cr + 1 < line.at + line.n && cr[1] != '\n' ? (size_t)(cr + 1 - line.at) : line.n;
        size_t n = csv_parse(&r->parser, line.at + from, to - from, end_field, end_row, r);
        if (r->failed || r->text.failed) return fail_memory(t);
        if (n != to - from && csv_error(&r->parser) == CSV_EPARSE) return fail_byte(t, r, line, from + n + 1);
        if (n != to - from) return fail_memory(t);
        if (r->row_ended && to < line.n)
            return bc_fail(t->err, BERTC_INPUT, "%s:%zu:%zu: a CR without LF outside quotes", t->path, t->lines.line,
                           to);
    }
    return BERTC_OK;
}

/* Find the quote that opens the unfinished field at the end of the line: count the field's bytes backwards, each quote
 * in them twice. A field that began on an earlier line keeps its place. */
static void find_quote(const bc_table *t, reader *r, bc_slice line)
{
    size_t at = line.n, left = r->parser.entry_pos;
    if (r->quote_line > 0 || !r->parser.quoted) return;
    for (; left > 0 && at > 1; left--) at -= line.at[at - 1] == CSV_QUOTE ? 2 : 1;
    r->quote_line = t->lines.line;
    r->quote_column = at;
}

/* Read the last field of a file that does not end with LF. */
static bertc_status finish(bc_table *t, reader *r)
{
    if (csv_fini(&r->parser, end_field, end_row, r) == 0)
        return r->failed || r->text.failed ? fail_memory(t) : BERTC_OK;
    return bc_fail(t->err, BERTC_INPUT, "%s:%zu:%zu: a quote that is not closed", t->path, r->quote_line,
                   r->quote_column);
}

static bool is_blank(bc_slice line)
{
    while (line.n > 0 && (line.at[line.n - 1] == '\n' || line.at[line.n - 1] == '\r')) line.n--;
    return line.n == 0;
}

/* Split a line into cells where it lies; *failed: out of memory. False if the line is left to libcsv: it has a doubled
 * quote, a quoted field that does not end on the line, or an error. */
static bool split_in_place(bc_table *t, bc_slice line, char separator, bool *failed)
{
    if (line.n > 0 && line.at[line.n - 1] == '\n') line.n--;
    if (line.n > 0 && line.at[line.n - 1] == '\r') line.n--;
    const char *at = line.at, *end = line.at + line.n, *stop;
    for (bc_slice cell;; at = stop + 1) {
        if (at < end && *at == CSV_QUOTE) {
            const char *quote = memchr(at + 1, CSV_QUOTE, (size_t)(end - at) - 1);
            if (!quote || (quote + 1 < end && quote[1] != separator)) return false;
            cell = (bc_slice){at + 1, (size_t)(quote - at) - 1};
            stop = quote + 1;
        } else {
            stop = memchr(at, separator, (size_t)(end - at));
            if (!stop) stop = end;
            cell = (bc_slice){at, (size_t)(stop - at)};
            if (memchr(at, CSV_QUOTE, cell.n) || memchr(at, '\r', cell.n)) return false;
        }
        *failed = !bc_table_put(t, cell);
        if (*failed || stop == end) return true;
    }
}

static bertc_status next(bc_table *t, bool *taken)
{
    reader *r = t->state;
    bc_slice line;
    r->row_ended = false;
    r->count = r->kept = r->text.length = r->bytes = 0;
    r->width = t->width;
    bc_table_begin_row(t, 0);
    while (!r->row_ended && bc_lines_take_raw(&t->lines, &line)) {
        if (r->bytes == 0 && is_blank(line)) continue;
        if (r->bytes == 0) t->row.line = t->lines.line;
        bool failed = false;
        if (r->bytes == 0 && split_in_place(t, line, (char)csv_get_delim(&r->parser), &failed)) {
            *taken = !failed;
            return failed ? fail_memory(t) : BERTC_OK;
        }
        t->row.count = 0;
        r->bytes += line.n;
        if (r->bytes > BC_LONGEST_LINE)
            return bc_fail(t->err, BERTC_INPUT, "%s:%zu:%zu: a row of more than %d bytes in which this quote is not "
                           "closed", t->path, r->quote_line, r->quote_column, BC_LONGEST_LINE);
        bertc_status status = feed(t, r, line);
        if (status != BERTC_OK) return status;
        if (!r->row_ended) find_quote(t, r, line);
    }
    if (t->lines.status != BERTC_OK) return t->lines.status;
    bertc_status status = r->row_ended || r->bytes == 0 ? BERTC_OK : finish(t, r);
    if (status != BERTC_OK || !r->row_ended) return status;
    *taken = true;
    for (size_t i = 0, from = 0; i < r->kept; from = r->ends[i++])
        if (!bc_table_put(t, (bc_slice){r->text.bytes ? r->text.bytes + from : "", r->ends[i] - from}))
            return fail_memory(t);
    t->row.count = r->count;
    return BERTC_OK;
}

const bc_table_reader bc_table_csv = {sizeof(reader), begin, next, end};
