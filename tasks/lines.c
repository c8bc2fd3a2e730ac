#include "tasks/lines.h"

#include <string.h>

#include "base/error.h"
#include "base/magic.h"
#include "base/memory.h"
#include "base/size.h"

enum { PIECE = 1 << 20 };

int bc_slice_order(const void *a, const void *b)
{
    const bc_slice *x = a, *y = b;
    int order = memcmp(x->at, y->at, x->n < y->n ? x->n : y->n);
    return order ? order : (x->n > y->n) - (x->n < y->n);
}

/* Whether a part of the text is not yet in memory. */
static bool has_more(const bc_lines *lines)
{
    if (lines->gzip) return !bc_gzip_ended(lines->gzip);
    return lines->input && lines->at < lines->input->size;
}

static bertc_status fail_line(bc_lines *lines, size_t line)
{
    return bc_fail(lines->err, BERTC_INPUT, "%s:%zu: a line of more than %d bytes", lines->path, line, BC_LONGEST_LINE);
}

/* Read more of the file after the unread bytes. Pointers into the window become invalid. */
static bertc_status fill(bc_lines *lines)
{
    size_t unread = (size_t)(lines->end - lines->next), n;
    bertc_status status;
    if (unread > BC_LONGEST_LINE) return fail_line(lines, lines->line + 1);
    if (unread > 0) memmove(lines->window, lines->next, unread);
    if (lines->size - unread < PIECE) {
        size_t size = 2 * lines->size + PIECE;
        char *window = bc_realloc(lines->window, size, 1);
        if (!window) return bc_fail_memory(lines->err);
        lines->window = window;
        lines->size = size;
    }
    lines->next = lines->window;
    lines->end = lines->window + unread;
    if (lines->gzip) {
        status = bc_gzip_read(lines->gzip, lines->window + unread, lines->size - unread, &n, lines->err);
    } else {
        n = bc_min(lines->input->size - lines->at, lines->size - unread);
        status = bc_input_read(lines->input, lines->window + unread, n, lines->at, lines->err);
        lines->at += n;
    }
    if (status == BERTC_OK) lines->end += n;
    return status;
}

bool bc_lines_take_raw(bc_lines *lines, bc_slice *line)
{
    const char *stop;
    for (size_t looked = 0;;) {
        size_t unread = (size_t)(lines->end - lines->next);
        stop = unread > looked ? memchr(lines->next + looked, '\n', unread - looked) : NULL;
        if (stop || !has_more(lines)) break;
        looked = unread;
        lines->status = fill(lines);
        if (lines->status != BERTC_OK) return false;
    }
    if (lines->next == lines->end) return false;
    const char *after = stop ? stop + 1 : lines->end;
    *line = (bc_slice){lines->next, (size_t)(after - lines->next)};
    lines->next = after;
    lines->line++;
    if (line->n > BC_LONGEST_LINE) lines->status = fail_line(lines, lines->line);
    return lines->status == BERTC_OK;
}

bool bc_lines_take(bc_lines *lines, bc_slice *line)
{
    if (!bc_lines_take_raw(lines, line)) return false;
    if (line->n > 0 && line->at[line->n - 1] == '\n') line->n--;
    if (line->n > 0 && line->at[line->n - 1] == '\r') line->n--;
    return true;
}

void bc_lines_skip_bom(bc_lines *lines)
{
    if (lines->end - lines->next >= 3 && memcmp(lines->next, "\xEF\xBB\xBF", 3) == 0) lines->next += 3;
}

/* Whether the text in memory has only line ends. */
static bool is_blank(const bc_lines *lines)
{
    for (const char *c = lines->next; c < lines->end; c++)
        if (*c != '\n' && *c != '\r') return false;
    return true;
}

bertc_status bc_lines_begin(bc_lines *lines)
{
    bertc_status status = has_more(lines) ? fill(lines) : BERTC_OK;
    if (status != BERTC_OK) return status;
    size_t n = (size_t)(lines->end - lines->next);
    if (n >= 2 && (memcmp(lines->next, "\xFF\xFE", 2) == 0 || memcmp(lines->next, "\xFE\xFF", 2) == 0))
        return bc_fail(lines->err, BERTC_INPUT, "%s: UTF-16 text, expected UTF-8", lines->path);
    if (lines->input && n > 0)
        status = bc_magic_refuse(lines->path, lines->next, n, "a table of text (CSV, TSV or JSON lines)", lines->err);
    bc_lines_skip_bom(lines);
    while (status == BERTC_OK && is_blank(lines)) {
        if (!has_more(lines)) return bc_fail(lines->err, BERTC_INPUT, "%s: empty file", lines->path);
        status = fill(lines);
    }
    return status;
}

void bc_lines_back(bc_lines *lines, bc_slice line)
{
    lines->next = line.at;
    lines->line--;
}

bool bc_lines_at_end(const bc_lines *lines)
{
    return lines->next == lines->end && !has_more(lines);
}

bc_lines bc_lines_of_bytes(const char *bytes, size_t length, const char *path, bertc_error *err)
{
    return (bc_lines){.path = path, .next = bytes, .end = bytes + length, .err = err};
}

bertc_status bc_lines_of_file(const bc_input *input, const char *path, bc_lines *lines, bertc_error *err)
{
    bool compressed;
    *lines = (bc_lines){.path = path, .input = input, .err = err};
    bertc_status status = bc_gzip_find(input, &compressed, err);
    return status == BERTC_OK && compressed ? bc_gzip_open(input, &lines->gzip, err) : status;
}

void bc_lines_clear(bc_lines *lines)
{
    bc_gzip_close(lines->gzip);
    bc_free(lines->window);
    lines->gzip = NULL;
    lines->window = NULL;
}
