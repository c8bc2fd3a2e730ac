#include "tasks/kept.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

static bertc_status fail_absent(const bertc_dataset *set, bc_table *table, bc_slice name, bertc_error *err)
{
    char *all = bc_header_list(bc_table_header(table));
    bertc_status status = all ? bc_fail(err, BERTC_INPUT, "%s: there is no column \"%.*s\" to keep, only %s", set->path,
                                        bc_slice_shown(name), name.at, all)
                              : bc_fail_memory(err);
    bc_free(all);
    return status;
}

/* Append a column to the kept ones. */
static bertc_status add(bertc_dataset *set, const bc_header *header, size_t at, size_t *columns, bertc_error *err)
{
    bc_slice name = header->names[at];
    for (size_t i = 0; i < set->num_kept; i++)
        if (columns[i] == at)
            return bc_fail(err, BERTC_USAGE, "column \"%.*s\" is to be kept twice", bc_slice_shown(name), name.at);
    set->kept_names[set->num_kept] = bc_strndup(name.at, name.n);
    if (!set->kept_names[set->num_kept]) return bc_fail_memory(err);
    columns[set->num_kept++] = at;
    return BERTC_OK;
}

bertc_status bc_kept_choose(bertc_dataset *set, bc_table *table, const char *keep, size_t **columns, bertc_error *err)
{
    const bc_header *header = bc_table_header(table);
    if (header->count == 0)
        return bc_fail(err, BERTC_INPUT, "%s: its columns have no names, none can be kept", set->path);
    *columns = bc_alloc(header->count, sizeof **columns);
    set->kept_names = bc_calloc(header->count, sizeof *set->kept_names);
    if (!*columns || !set->kept_names) return bc_fail_memory(err);
    bertc_status status = BERTC_OK;
    if (strcmp(keep, "all") == 0) {
        for (size_t i = 0; i < header->count && status == BERTC_OK; i++) status = add(set, header, i, *columns, err);
        return status;
    }
    for (const char *at = keep; at && status == BERTC_OK;) {
        const bc_slice name = {at, strcspn(at, ",")};
        size_t column = bc_header_find_slice(header, name);
        status = column == BC_NO_COLUMN ? fail_absent(set, table, name, err) : add(set, header, column, *columns, err);
        at = at[name.n] == ',' ? at + name.n + 1 : NULL;
    }
    return status;
}
