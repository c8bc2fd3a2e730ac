#include "nn/ops/touched.h"

#include <assert.h>

#include "base/error.h"
#include "base/memory.h"

bertc_status bc_touched_create(bc_touched *touched, size_t table, size_t most, bertc_error *err)
{
    *touched = (bc_touched){.table = table, .most = most};
    touched->rows = bc_alloc(most, sizeof *touched->rows);
    touched->slot = bc_alloc(table, sizeof *touched->slot);
    if (!touched->rows || !touched->slot) {
        bc_touched_clear(touched);
        return bc_fail_memory(err);
    }
    for (size_t i = 0; i < table; i++) touched->slot[i] = -1;
    return BERTC_OK;
}

void bc_touched_clear(bc_touched *touched)
{
    bc_free(touched->rows);
    bc_free(touched->slot);
    *touched = (bc_touched){0};
}

size_t bc_touched_bytes(const bc_touched *touched)
{
    return touched->most * sizeof *touched->rows + touched->table * sizeof *touched->slot;
}

void bc_touched_reset(bc_touched *touched)
{
    for (size_t i = 0; i < touched->count; i++) touched->slot[touched->rows[i]] = -1;
    touched->count = 0;
}

void bc_touched_add(bc_touched *touched, const int32_t *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int32_t row = rows[i];
        assert(row >= 0 && (size_t)row < touched->table);
        if (touched->slot[row] >= 0) continue;
        assert(touched->count < touched->most);
        touched->slot[row] = (int32_t)touched->count;
        touched->rows[touched->count++] = row;
    }
}
