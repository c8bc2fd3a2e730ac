/* TSV as GLUE has it: a TAB separates columns, LF or CR LF ends a row, and every other byte is text. */
#include <string.h>

#include "base/error.h"
#include "tasks/table.h"

typedef struct tsv {
    size_t blank;      /* blank lines that were read ahead and are rows */
    size_t blank_line; /* number of the first of them */
} tsv;

/* Whether a line has no text, apart from CRs. */
static bool is_blank(bc_slice line)
{
    while (line.n > 0 && line.at[line.n - 1] == '\r') line.n--;
    return line.n == 0;
}

/* Count the blank lines up to the next line with a text: they are rows only if such a line follows. */
static bool has_text_after(bc_table *t, tsv *s, bc_slice line)
{
    s->blank = 0;
    s->blank_line = t->lines.line;
    do s->blank++;
    while (bc_lines_take(&t->lines, &line) && is_blank(line));
    if (t->lines.status != BERTC_OK || is_blank(line)) return false;
    bc_lines_back(&t->lines, line);
    return true;
}

static bertc_status next(bc_table *t, bool *taken)
{
    tsv *s = t->state;
    bc_slice line = {"", 0};
    if (s->blank > 0) {
        s->blank--;
        bc_table_begin_row(t, s->blank_line++);
        *taken = true;
        return bc_table_put(t, line) ? BERTC_OK : bc_fail_memory(t->err);
    }
    if (!bc_lines_take(&t->lines, &line)) return t->lines.status;
    bool keeps_blank = t->form.blank_rows || t->header.count == 1;
    bool is_header = t->form.header && t->header.count == 0;
    if (!keeps_blank && !is_header && is_blank(line)) {
        if (has_text_after(t, s, line)) return next(t, taken);
        s->blank = 0;
        return t->lines.status;
    }
    bc_table_begin_row(t, t->lines.line);
    *taken = true;
    for (;;) {
        const char *tab = line.n > 0 ? memchr(line.at, '\t', line.n) : NULL;
        bc_slice cell = {line.at, tab ? (size_t)(tab - line.at) : line.n};
        if (!bc_table_put(t, cell)) return bc_fail_memory(t->err);
        if (!tab) return BERTC_OK;
        line.n -= cell.n + 1;
        line.at = tab + 1;
    }
}

const bc_table_reader bc_table_tsv = {.state_size = sizeof(tsv), .next = next};
