#include "tasks/header.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

enum { LISTED = 20 }; /* names that a message shows */

bool bc_take_column(bc_slice *rest, bc_slice *column)
{
    if (!rest->at) return false;
    const char *tab = memchr(rest->at, '\t', rest->n);
    if (!tab) {
        *column = *rest;
        *rest = (bc_slice){NULL, 0};
        return true;
    }
    *column = (bc_slice){rest->at, (size_t)(tab - rest->at)};
    rest->n -= column->n + 1;
    rest->at = tab + 1;
    return true;
}

static bc_slice trim(bc_slice name)
{
    for (; name.n > 0 && name.at[0] == ' '; name.n--) name.at++;
    while (name.n > 0 && name.at[name.n - 1] == ' ') name.n--;
    return name;
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static int compare(bc_slice x, bc_slice y)
{
    for (size_t i = 0; i < x.n && i < y.n; i++) {
        int order = lower(x.at[i]) - lower(y.at[i]);
        if (order != 0) return order;
    }
    return (x.n > y.n) - (x.n < y.n);
}

static int by_name(const void *a, const void *b)
{
    const bc_heading *x = a, *y = b;
    return compare(x->name, y->name);
}

bool bc_is_name(bc_slice column, const char *name)
{
    return name && column.at && compare(trim(column), (bc_slice){name, strlen(name)}) == 0;
}

bertc_status bc_header_read(bc_header *header, bc_slice line, const char *path, bertc_error *err)
{
    size_t capacity = 1;
    bc_slice column;
    for (size_t i = 0; i < line.n; i++) capacity += line.at[i] == '\t';
    *header = (bc_header){bc_alloc(capacity, sizeof *header->sorted), 0};
    if (!header->sorted) return bc_fail_memory(err);
    for (; bc_take_column(&line, &column); header->count++)
        header->sorted[header->count] = (bc_heading){trim(column), header->count};
    qsort(header->sorted, header->count, sizeof *header->sorted, by_name);
    for (size_t i = 1; i < header->count; i++) {
        bc_slice name = header->sorted[i].name;
        if (name.n == 0 || compare(header->sorted[i - 1].name, name) != 0) continue;
        bc_header_clear(header);
        return bc_fail(err, BERTC_INPUT, "%s:1: two columns of the header are named \"%.*s\"", path,
                       bc_slice_shown(name), name.at);
    }
    return BERTC_OK;
}

size_t bc_header_find(const bc_header *header, const char *name)
{
    if (!name) return BC_NO_COLUMN;
    const bc_heading key = {{name, strlen(name)}, 0};
    const bc_heading *found = bsearch(&key, header->sorted, header->count, sizeof key, by_name);
    return found ? found->at : BC_NO_COLUMN;
}

char *bc_header_list(bc_slice line)
{
    bc_text list = {0};
    bc_slice column;
    for (size_t count = 0; count < LISTED && bc_take_column(&line, &column); count++)
        bc_text_printf(&list, "%s\"%.*s\"", count ? ", " : "", bc_slice_shown(column), column.at);
    if (line.at) bc_text_printf(&list, ", ...");
    if (list.failed) bc_text_clear(&list);
    return list.bytes;
}

void bc_header_clear(bc_header *header)
{
    bc_free(header->sorted);
    *header = (bc_header){0};
}
