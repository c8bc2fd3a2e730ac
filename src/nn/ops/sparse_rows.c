#include "nn/ops/sparse_rows.h"

#include <assert.h>

#include "base/error.h"
#include "base/memory.h"

bertc_status bc_sparse_rows_create(bc_sparse_rows *sparse_rows, size_t table, size_t max, bertc_error *err)
{
    *sparse_rows = (bc_sparse_rows){.table = table, .max = max};
    sparse_rows->rows = bc_alloc(max, sizeof *sparse_rows->rows);
    sparse_rows->slot = bc_alloc(table, sizeof *sparse_rows->slot);
    if (!sparse_rows->rows || !sparse_rows->slot) {
        bc_sparse_rows_clear(sparse_rows);
        return bc_fail_memory(err);
    }
    for (size_t i = 0; i < table; i++) sparse_rows->slot[i] = -1;
    return BERTC_OK;
}

void bc_sparse_rows_clear(bc_sparse_rows *sparse_rows)
{
    bc_free(sparse_rows->rows);
    bc_free(sparse_rows->slot);
    *sparse_rows = (bc_sparse_rows){0};
}

size_t bc_sparse_rows_bytes(const bc_sparse_rows *sparse_rows)
{
    return sparse_rows->max * sizeof *sparse_rows->rows + sparse_rows->table * sizeof *sparse_rows->slot;
}

void bc_sparse_rows_reset(bc_sparse_rows *sparse_rows)
{
    for (size_t i = 0; i < sparse_rows->count; i++) sparse_rows->slot[sparse_rows->rows[i]] = -1;
    sparse_rows->count = 0;
}

void bc_sparse_rows_add(bc_sparse_rows *sparse_rows, const int32_t *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int32_t row = rows[i];
        assert(row >= 0 && (size_t)row < sparse_rows->table);
        if (sparse_rows->slot[row] >= 0) continue;
        assert(sparse_rows->count < sparse_rows->max);
        sparse_rows->slot[row] = (int32_t)sparse_rows->count;
        sparse_rows->rows[sparse_rows->count++] = row;
    }
}
