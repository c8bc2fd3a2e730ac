#include "tasks/lines.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

enum { PIECE = 1 << 20, LONGEST_LINE = 64 << 20 };

int bc_slice_order(const void *a, const void *b)
{
    const bc_slice *x = a, *y = b;
    int order = memcmp(x->at, y->at, x->n < y->n ? x->n : y->n);
    return order ? order : (x->n > y->n) - (x->n < y->n);
}

/* Whether a part of the file is not yet in memory. */
static bool has_more(const bc_lines *lines)
{
    return lines->input && lines->at < lines->stop;
}

static bertc_status fail_line(bc_lines *lines, size_t line)
{
    return bc_fail(lines->err, BERTC_INPUT, "%s:%zu: a line of more than %d bytes", lines->path, line, LONGEST_LINE);
}

/* Read more of the file after the unread bytes. Pointers into the window become invalid. */
static bertc_status fill(bc_lines *lines)
{
    size_t unread = (size_t)(lines->end - lines->next), left = lines->stop - lines->at;
    if (unread > LONGEST_LINE) return fail_line(lines, lines->line + 1);
    if (unread > 0) memmove(lines->window, lines->next, unread);
    if (lines->size - unread < PIECE) {
        size_t size = 2 * lines->size + PIECE;
        char *window = bc_realloc(lines->window, size, 1);
        if (!window) return bc_fail_memory(lines->err);
        lines->window = window;
        lines->size = size;
    }
    size_t n = left < lines->size - unread ? left : lines->size - unread;
    bertc_status status = bc_input_read(lines->input, lines->window + unread, n, lines->at, lines->err);
    if (status != BERTC_OK) return status;
    lines->at += n;
    lines->next = lines->window;
    lines->end = lines->window + unread + n;
    return BERTC_OK;
}

bool bc_lines_take(bc_lines *lines, bc_slice *line)
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
    if (!stop) stop = lines->end;
    if (stop > lines->next && stop[-1] == '\r') stop--;
    *line = (bc_slice){lines->next, (size_t)(stop - lines->next)};
    lines->next = after;
    lines->line++;
    if (line->n > LONGEST_LINE) lines->status = fail_line(lines, lines->line);
    return lines->status == BERTC_OK;
}

void bc_lines_skip_bom(bc_lines *lines)
{
    if (lines->end - lines->next >= 3 && memcmp(lines->next, "\xEF\xBB\xBF", 3) == 0) lines->next += 3;
}

/* Return the offset of `next` in the text. */
static size_t position(const bc_lines *lines)
{
    return lines->at - (size_t)(lines->end - lines->next);
}

void bc_lines_stop_at(bc_lines *lines, size_t stop)
{
    if (stop < position(lines)) stop = position(lines);
    if (lines->at > stop) {
        lines->end -= lines->at - stop;
        lines->at = stop;
    }
    lines->stop = stop;
}

static size_t without_line_ends(const char *bytes, size_t length)
{
    while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r')) length--;
    return length;
}

/* Find the end of the last line that is not blank, and read the beginning of the file into memory. */
static bertc_status begin_file(bc_lines *lines, size_t *last)
{
    enum { TAIL = 4096 };
    char tail[TAIL];
    size_t kept = 0, at = lines->stop;
    while (at > 0 && kept == 0) {
        size_t n = at < TAIL ? at : TAIL;
        at -= n;
        bertc_status status = bc_input_read(lines->input, tail, n, at, lines->err);
        if (status != BERTC_OK) return status;
        kept = without_line_ends(tail, n);
    }
    *last = at + kept;
    return has_more(lines) ? fill(lines) : BERTC_OK;
}

bertc_status bc_lines_begin(bc_lines *lines, size_t *last)
{
    bertc_status status = BERTC_OK;
    if (lines->input) status = begin_file(lines, last);
    else *last = without_line_ends(lines->next, lines->at);
    if (status != BERTC_OK) return status;
    if (lines->end - lines->next >= 2 &&
        (memcmp(lines->next, "\xFF\xFE", 2) == 0 || memcmp(lines->next, "\xFE\xFF", 2) == 0))
        return bc_fail(lines->err, BERTC_INPUT, "%s: UTF-16 text, expected UTF-8", lines->path);
    bc_lines_skip_bom(lines);
    if (position(lines) >= *last) return bc_fail(lines->err, BERTC_INPUT, "%s: empty file", lines->path);
    return BERTC_OK;
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
    return (bc_lines){.path = path, .next = bytes, .end = bytes + length, .at = length, .err = err};
}

bc_lines bc_lines_of_file(const bc_input *input, const char *path, bertc_error *err)
{
    return (bc_lines){.path = path, .input = input, .stop = input->size, .err = err};
}

void bc_lines_clear(bc_lines *lines)
{
    bc_free(lines->window);
    lines->window = NULL;
}
