#include "optim/lazy.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

_Static_assert(BC_LAZY_STEPS <= UINT16_MAX, "done counts the stored steps");

bertc_status bc_lazy_create(bc_lazy *lazy, const bc_param *param, float *m, float *v, int threads, bertc_error *err)
{
    assert(param->sparse_rows && param->grad && !param->bf16);
    *lazy = (bc_lazy){.param = param, .m = m, .v = v, .threads = threads};
    lazy->done = bc_calloc(param->shape[0], sizeof *lazy->done);
    return lazy->done ? BERTC_OK : bc_fail_memory(err);
}

void bc_lazy_clear(bc_lazy *lazy)
{
    bc_free(lazy->done);
    *lazy = (bc_lazy){0};
}

size_t bc_lazy_bytes(size_t rows)
{
    return rows * sizeof(uint16_t);
}

/* Replay the steps that a row missed. */
static void catch_up(bc_lazy *lazy, size_t row)
{
    size_t h = lazy->param->shape[1], at = row * h, done = lazy->done[row];
    bc_adamw_idle(lazy->param->value + at, lazy->m + at, lazy->v + at, h, lazy->steps + done, lazy->count - done);
    lazy->done[row] = (uint16_t)lazy->count;
}

/* Rows missed different numbers of steps, so their cost differs and threads take them dynamically. */
void bc_lazy_catch_up(bc_lazy *lazy)
{
    if (!lazy->param || lazy->count == 0) return;
    const bc_sparse_rows *sparse_rows = lazy->param->sparse_rows;
#pragma omp parallel for schedule(dynamic, 4) num_threads(lazy->threads)
    for (size_t i = 0; i < sparse_rows->count; i++) catch_up(lazy, (size_t)sparse_rows->rows[i]);
}

void bc_lazy_flush(bc_lazy *lazy)
{
    if (!lazy->param || lazy->count == 0) return;
    size_t rows = lazy->param->shape[0];
#pragma omp parallel for schedule(dynamic, 16) num_threads(lazy->threads)
    for (size_t row = 0; row < rows; row++) catch_up(lazy, row);
    memset(lazy->done, 0, rows * sizeof *lazy->done);
    lazy->count = 0;
}

void bc_lazy_step(bc_lazy *lazy, bc_update update)
{
    const bc_param *param = lazy->param;
    const bc_sparse_rows *sparse_rows = param->sparse_rows;
    size_t h = param->shape[1];
#pragma omp parallel for schedule(static) num_threads(lazy->threads)
    for (size_t i = 0; i < sparse_rows->count; i++) {
        size_t row = (size_t)sparse_rows->rows[i], at = row * h;
        assert(lazy->done[row] == lazy->count);
        bc_adamw(param->value + at, lazy->m + at, lazy->v + at, param->grad + i * h, NULL, h, update);
        lazy->done[row]++;
    }
    lazy->steps[lazy->count++] = update;
    if (lazy->count == BC_LAZY_STEPS) bc_lazy_flush(lazy);
}
