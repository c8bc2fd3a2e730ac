#include "train/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/size.h"

/* ---- Plan ---------------------------------------------------------------------------------- */

static size_t bytes_of(const bc_cache *cache, size_t rows)
{
    size_t bytes;
    return bc_size_mul(rows, cache->width * sizeof(float), &bytes) ? bytes : SIZE_MAX;
}

/* The rows of an example: index of the first among all rows, and their number. */
typedef struct span {
    size_t first, count;
} span;

static span span_of(const bc_cache *cache, size_t example)
{
    const size_t *starts = cache->inputs->starts;
    if (!cache->by_token) return (span){example, 1};
    return (span){starts[example], starts[example + 1] - starts[example]};
}

/* Take whole examples from row `from` on until the next example does not fit into `budget` (bytes), and subtract their
 * size from `budget`. Returns the end of their rows. */
static size_t assign_rows(const bc_cache *cache, size_t from, size_t *budget)
{
    size_t capacity = *budget / (cache->width * sizeof(float)), rows = cache->rows, end = from;
    if (capacity >= rows - from) end = rows;
    for (uint32_t i = 0; end < rows; i++) {
        span s = span_of(cache, i);
        if (s.first + s.count > from + capacity) break;
        if (s.first >= from) end = s.first + s.count;
    }
    *budget -= bytes_of(cache, end - from);
    return end;
}

void bc_cache_plan(bc_cache *cache, const bertc_inputs *inputs, const bertc_model *model, int head, int stage,
                   size_t *memory, size_t *disk)
{
    cache->inputs = inputs;
    cache->fd = -1;
    cache->stage = stage;
    cache->by_token = bc_model_stage_reads_all_rows(model, head, stage);
    cache->width = (size_t)model->config.hidden_size;
    cache->rows = cache->by_token ? inputs->starts[inputs->count] : inputs->count;
    cache->memory_rows = assign_rows(cache, 0, memory);
    cache->file_rows = assign_rows(cache, cache->memory_rows, disk);
}

size_t bc_cache_memory(const bc_cache *cache)
{
    size_t bytes = bytes_of(cache, cache->memory_rows);
    if (cache->rows == 0) return 0;
    size_t example = sizeof *cache->is_stored + sizeof *cache->hashes;
    return bc_size_add(bytes, cache->inputs->count * example, &bytes) ? bytes : SIZE_MAX;
}

size_t bc_cache_file_bytes(const bc_cache *cache)
{
    size_t bytes = bytes_of(cache, cache->rows);
    return bc_size_add(bytes, BC_CACHE_HEADER, &bytes) ? bytes : SIZE_MAX;
}

/* ---- Opening and closing ------------------------------------------------------------------- */

bertc_status bc_cache_open(bc_cache *cache, const bc_dir *folder, bertc_error *err)
{
    bertc_error why = {0};
    cache->is_stored = bc_calloc(cache->inputs->count, sizeof *cache->is_stored);
    cache->hashes = bc_alloc(cache->inputs->count, sizeof *cache->hashes);
    cache->memory = bc_alloc(cache->memory_rows, cache->width * sizeof *cache->memory);
    if (!cache->is_stored || !cache->hashes || !cache->memory) return bc_fail_memory(err);
    cache->missing_count = cache->inputs->count;
    if (!folder || cache->is_writable) return BERTC_OK;
    bertc_status status = bc_dir_remove(folder, BC_CACHE_FILE, &why);
    if (status == BERTC_OK) status = bc_dir_file(folder, BC_CACHE_FILE, O_RDWR | O_CREAT | O_EXCL, &cache->fd, &why);
    if (status == BERTC_OK) status = bc_dir_remove(folder, BC_CACHE_FILE, &why);
    cache->is_writable = status == BERTC_OK;
    if (!cache->is_writable)
        bc_notify(cache->notify, "%s; frozen outputs that do not fit in memory are computed again", why.message);
    return BERTC_OK;
}

void bc_cache_close(bc_cache *cache)
{
    if (!cache->inputs) return;
    if (cache->temporary) unlink(cache->temporary);
    if (cache->fd >= 0) close(cache->fd);
    bc_free(cache->path);
    bc_free(cache->temporary);
    bc_free(cache->memory);
    bc_free(cache->is_stored);
    bc_free(cache->hashes);
    *cache = (bc_cache){0};
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static off_t offset_of(const bc_cache *cache, span s)
{
    return (off_t)(BC_CACHE_HEADER + bytes_of(cache, s.first));
}

const char *bc_cache_name(const bc_cache *cache)
{
    return cache->temporary ? cache->temporary : cache->path ? cache->path : "the file of cached outputs";
}

bertc_status bc_cache_read(const bc_cache *cache, size_t example, float *rows, bertc_error *err)
{
    span s = span_of(cache, example);
    size_t bytes = bytes_of(cache, s.count);
    ssize_t n = bc_read_at(cache->fd, rows, bytes, offset_of(cache, s));
    if (n >= 0 && (size_t)n == bytes) return BERTC_OK;
    return bc_fail(err, BERTC_IO, "%s: cannot read: %s", bc_cache_name(cache),
                   n < 0 ? strerror(errno) : "the file became shorter");
}

uint64_t bc_cache_hash(const bc_cache *cache, size_t example, const float *rows)
{
    return bc_hash64(rows, bytes_of(cache, span_of(cache, example).count));
}

/* Load the rows (n,H) of a stored example. */
static bertc_status load_rows(const bc_cache *cache, uint32_t example, float *to, bertc_error *err)
{
    span s = span_of(cache, example);
    if (s.first + s.count <= cache->memory_rows) {
        memcpy(to, cache->memory + s.first * cache->width, bytes_of(cache, s.count));
        return BERTC_OK;
    }
    bertc_status status = bc_cache_read(cache, example, to, err);
    if (status != BERTC_OK || bc_cache_hash(cache, example, to) == cache->hashes[example]) return status;
    return bc_fail(err, BERTC_IO, "%s: content differs from what was written", bc_cache_name(cache));
}

/* Stop writing to the file after an error. This run can still read what was written; later runs cannot. */
static void stop_writing(bc_cache *cache)
{
    bc_notify(cache->notify, "the file of cached outputs: %s; outputs that are not in it are computed again",
              strerror(errno));
    cache->is_writable = false;
    if (!cache->temporary) return;
    unlink(cache->temporary);
    bc_free(cache->temporary);
    cache->temporary = NULL;
}

/* Store the rows (n,H) of an example if there is capacity. */
static void store_rows(bc_cache *cache, uint32_t example, const float *rows)
{
    span s = span_of(cache, example);
    bool in_memory = s.first + s.count <= cache->memory_rows, stored = in_memory;
    if (cache->is_stored[example]) return;
    if (in_memory) memcpy(cache->memory + s.first * cache->width, rows, bytes_of(cache, s.count));
    if (cache->is_writable && (cache->temporary || (!in_memory && s.first + s.count <= cache->file_rows))) {
        cache->hashes[example] = bc_cache_hash(cache, example, rows);
        if (bc_write_at(cache->fd, rows, bytes_of(cache, s.count), offset_of(cache, s))) stored = true;
        else stop_writing(cache);
    }
    cache->is_stored[example] = stored;
    cache->missing_count -= stored;
}

/* ---- Forward ------------------------------------------------------------------------------- */

/* Arrange the rows of a batch in the order of its sequences. On entry, `rows` starts with the `left` rows of the n
 * examples that were just computed. Moving from the last to the first, no row is overwritten before it is moved. */
static bertc_status arrange_rows(const bc_cache *cache, const bertc_batch *batch, float *rows, size_t n,
                          size_t left, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    for (int32_t s = batch->sequences; s-- > 0 && status == BERTC_OK;) {
        uint32_t example = batch->examples[s];
        float *to = rows + (size_t)(cache->by_token ? batch->starts[s] : s) * cache->width;
        if (n == 0 || cache->missing[n - 1] != example) {
            status = load_rows(cache, example, to, err);
            continue;
        }
        size_t count = span_of(cache, example).count;
        left -= count;
        n--;
        memmove(to, rows + left * cache->width, bytes_of(cache, count));
    }
    return status;
}

bertc_status bc_cached_fwd(bc_cache *cache, const bertc_model *model, bertc_workspace *workspace,
                          const bertc_batch *batch, bc_pass pass, bertc_error *err)
{
    if (!cache || !cache->is_stored) {
        bc_model_fwd(model, workspace, batch, pass);
        return BERTC_OK;
    }
    float *rows = bc_model_stage_input(model, workspace, pass.head, cache->stage);
    size_t n = 0, computed = 0; /* number of missing examples, and of their rows */
    for (int32_t s = 0; s < batch->sequences; s++)
        if (!cache->is_stored[batch->examples[s]]) cache->missing[n++] = batch->examples[s];
    if (n > 0) {
        bertc_status status = bertc_batch_fill(cache->missing_batch, cache->inputs, cache->missing, n, err);
        if (status != BERTC_OK) return status;
        bc_model_fwd_to(model, workspace, cache->missing_batch, pass.head, cache->stage);
        status = bc_workspace_status(workspace, err);
        if (status != BERTC_OK) return status;
        for (size_t i = 0; i < n; i++) {
            store_rows(cache, cache->missing[i], rows + computed * cache->width);
            computed += span_of(cache, cache->missing[i]).count;
        }
    }
    bertc_status status = arrange_rows(cache, batch, rows, n, computed, err);
    if (status == BERTC_OK) bc_model_fwd_from(model, workspace, batch, pass, cache->stage);
    return status;
}
