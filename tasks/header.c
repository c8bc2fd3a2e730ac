#include "tasks/header.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

enum { LISTED = 20 }; /* names that a message shows */

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

bool bc_is_name(bc_slice text, const char *name)
{
    return name && text.at && compare(trim(text), (bc_slice){name, strlen(name)}) == 0;
}

bertc_status bc_header_read(bc_header *header, const bc_slice *names, size_t count, const char *path, size_t line,
                            bertc_error *err)
{
    size_t bytes = 0, used = 0;
    for (size_t i = 0; i < count; i++) bytes += names[i].n;
    *header = (bc_header){bc_alloc(count, sizeof *header->names), bc_alloc(count, sizeof *header->sorted), count,
                          bc_alloc(bytes, 1)};
    if (!header->names || !header->sorted || !header->bytes) {
        bc_header_clear(header);
        return bc_fail_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        bc_slice name = {header->bytes + used, names[i].n};
        if (name.n > 0) memcpy(header->bytes + used, names[i].at, name.n);
        used += name.n;
        header->names[i] = name;
        header->sorted[i] = (bc_heading){trim(name), i};
    }
    qsort(header->sorted, count, sizeof *header->sorted, by_name);
    for (size_t i = 1; i < count; i++) {
        bc_slice name = header->sorted[i].name;
        if (name.n == 0 || compare(header->sorted[i - 1].name, name) != 0) continue;
        bertc_status status = bc_fail(err, BERTC_INPUT, "%s:%zu: two columns of the header are named \"%.*s\"", path,
                                      line, bc_slice_shown(name), name.at);
        bc_header_clear(header);
        return status;
    }
    return BERTC_OK;
}

size_t bc_header_find_slice(const bc_header *header, bc_slice name)
{
    const bc_heading key = {trim(name), 0};
    if (header->count == 0) return BC_NO_COLUMN;
    const bc_heading *found = bsearch(&key, header->sorted, header->count, sizeof key, by_name);
    return found ? found->at : BC_NO_COLUMN;
}

size_t bc_header_find(const bc_header *header, const char *name)
{
    return name ? bc_header_find_slice(header, (bc_slice){name, strlen(name)}) : BC_NO_COLUMN;
}

char *bc_header_list(const bc_header *header)
{
    bc_text list = {0};
    bc_text_put(&list, "", 0);
    for (size_t i = 0; i < header->count && i < LISTED; i++)
        bc_text_printf(&list, "%s\"%.*s\"", i ? ", " : "", bc_slice_shown(header->names[i]), header->names[i].at);
    if (header->count > LISTED) bc_text_printf(&list, ", ...");
    if (list.failed) bc_text_clear(&list);
    return list.bytes;
}

void bc_header_clear(bc_header *header)
{
    bc_free(header->names);
    bc_free(header->sorted);
    bc_free(header->bytes);
    *header = (bc_header){0};
}
