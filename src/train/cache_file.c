/* A cache file for later runs: DIR/KEY.cache, a header of one page, then all rows in the order of the data.
 *
 * 1. KEY is a hash of everything that the rows depend on.
 * 2. The rows determine every byte of the header: it contains a hash of the hashes of all examples' rows, taken before
 *    they are written. A file is used only if its header agrees with its rows, so every byte that changed or was not
 *    written is detected.
 * 3. Until the file is published its name ends in .tmp, and the process that writes it holds a lock on it (flock). A
 *    temporary file left by a killed process is never read; the next run overwrites it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "train/cache.h"

static void write_header(char page[BC_CACHE_HEADER], const bc_cache *cache)
{
    char hash[BC_HASH_HEX];
    const bc_hash_part hashes = {cache->hashes, cache->inputs->count * sizeof *cache->hashes};
    bc_hash(hash, &hashes, 1);
    memset(page, 0, BC_CACHE_HEADER);
    snprintf(page, BC_CACHE_HEADER, "%s\nkey %s\nrows %zu\nwidth %zu\nxxh3 %s\n", BC_CACHE_FORMAT, cache->key,
             cache->rows, cache->width, hash);
}

/* Set *same to whether the file starts with this header page. */
static bertc_status compare_header(const bc_cache *cache, const char page[BC_CACHE_HEADER], const char *path,
                                   bool *same, bertc_error *err)
{
    char there[BC_CACHE_HEADER];
    ssize_t n = bc_read_at(cache->fd, there, sizeof there, 0);
    *same = n == (ssize_t)sizeof there && memcmp(there, page, sizeof there) == 0;
    return n < 0 ? bc_fail_errno(err, path, "cannot read") : BERTC_OK;
}

/* Read an example's rows from the file, then compare their hash with the stored one, or store it. */
static bertc_status scan_example(const bc_cache *cache, size_t example, float *rows, bool compare, bertc_error *err)
{
    bertc_status status = rows ? bc_cache_read(cache, example, rows, err) : bc_fail_memory(err);
    if (status != BERTC_OK) return status;
    uint64_t hash = bc_cache_hash(cache, example, rows);
    if (!compare) cache->hashes[example] = hash;
    if (hash == cache->hashes[example]) return BERTC_OK;
    return bc_fail(err, BERTC_IO, "%s: content differs from what was written", bc_cache_name(cache));
}

/* Compare the hashes of all examples with the stored ones, or store them. */
static bertc_status scan(const bc_cache *cache, bool compare, bertc_error *err)
{
    bertc_error first = {0};
#pragma omp parallel
    {
        float *rows = bc_alloc(cache->by_token ? cache->inputs->longest : 1, cache->width * sizeof *rows);
#pragma omp for schedule(static)
        for (size_t i = 0; i < cache->inputs->count; i++) {
            bertc_error why = {0};
            if (scan_example(cache, i, rows, compare, &why) == BERTC_OK) continue;
#pragma omp critical
            bc_fail(&first, why.status, "%s", why.message);
        }
        bc_free(rows);
    }
    return first.status == BERTC_OK ? BERTC_OK : bc_fail(err, first.status, "%s", first.message);
}

/* ---- Finding ------------------------------------------------------------------------------- */

/* Check the size, rows and header of a found file, and store the hashes of its rows. */
static bertc_status check_found(const bc_cache *cache, size_t size, bertc_error *err)
{
    char page[BC_CACHE_HEADER];
    size_t expected = bc_cache_file_bytes(cache);
    bool same;
    if (size != expected)
        return bc_fail(err, BERTC_INPUT, "%s: %zu bytes, expected %zu; remove it", cache->path, size, expected);
    bertc_status status = scan(cache, false, err);
    if (status != BERTC_OK) return status;
    write_header(page, cache);
    status = compare_header(cache, page, cache->path, &same, err);
    if (status != BERTC_OK || same) return status;
    return bc_fail(err, BERTC_INPUT, "%s: damaged, the header does not match the content; remove it", cache->path);
}

bertc_status bc_cache_find(bc_cache *cache, const char *folder, bertc_error *err)
{
    bc_entry entry;
    bc_input input;
    char name[BC_HASH_HEX + sizeof ".cache"];
    snprintf(name, sizeof name, "%s.cache", cache->key);
    if (!cache->path) cache->path = bc_path_join(folder, name);
    if (!cache->path) return bc_fail_memory(err);
    if (!bc_folder_exists(folder)) return BERTC_OK;
    bertc_status status = bc_dir_entry(&bc_working_dir, cache->path, &entry, err);
    if (status != BERTC_OK || entry == BC_ENTRY_NONE) return status;
    if (entry != BC_ENTRY_FILE) return bc_fail(err, BERTC_INPUT, "%s: not a regular file; remove it", cache->path);
    status = bc_input_open(cache->path, &input, err);
    if (status != BERTC_OK) return status;
    cache->fd = input.fd;
    cache->is_stored = bc_alloc(cache->inputs->count, sizeof *cache->is_stored);
    cache->hashes = bc_alloc(cache->inputs->count, sizeof *cache->hashes);
    if (!cache->is_stored || !cache->hashes) return bc_fail_memory(err);
    memset(cache->is_stored, true, cache->inputs->count * sizeof *cache->is_stored);
    cache->memory_rows = 0;
    cache->file_rows = cache->rows;
    return check_found(cache, input.size, err);
}

/* ---- Creating ------------------------------------------------------------------------------ */

/* Lock and empty the file cache->fd. Sets *ours to false if another run holds the lock or has replaced the file. */
static bertc_status lock(const bc_cache *cache, const char *path, bool *ours, bertc_error *err)
{
    struct stat open_file, named_file;
    int done;
    do done = flock(cache->fd, LOCK_EX | LOCK_NB);
    while (done != 0 && errno == EINTR);
    *ours = done == 0 && fstat(cache->fd, &open_file) == 0 && lstat(path, &named_file) == 0 &&
            open_file.st_dev == named_file.st_dev && open_file.st_ino == named_file.st_ino;
    if (done != 0 && errno != EWOULDBLOCK) return bc_fail_errno(err, path, "cannot lock");
    if (*ours && ftruncate(cache->fd, 0) != 0) return bc_fail_errno(err, path, "cannot truncate");
    return BERTC_OK;
}

bertc_status bc_cache_create(bc_cache *cache, const char *folder, bertc_error *err)
{
    size_t size = strlen(cache->path) + sizeof ".tmp";
    bool ours = false;
    bertc_status status = bc_folder_create(folder, err);
    if (status != BERTC_OK) return status;
    char *path = bc_realloc(NULL, size, 1);
    if (!path) return bc_fail_memory(err);
    snprintf(path, size, "%s.tmp", cache->path);
    status = bc_dir_file(&bc_working_dir, path, O_RDWR | O_CREAT, &cache->fd, err);
    if (status == BERTC_OK) status = lock(cache, path, &ours, err);
    if (ours) {
        cache->temporary = path;
        cache->is_writable = true;
        return status;
    }
    if (cache->fd >= 0) close(cache->fd);
    cache->fd = -1;
    if (status == BERTC_OK)
        bc_notify(cache->notify, "%s: another run is writing this file; this run writes none", path);
    bc_free(path);
    return status;
}

/* Check that all rows are on the disk as they were written, then write the header. */
static bertc_status complete(const bc_cache *cache, bertc_error *err)
{
    char page[BC_CACHE_HEADER];
    const char *path = cache->temporary;
    struct stat info;
    bool same;
    bertc_status status = scan(cache, true, err);
    if (status != BERTC_OK) return status;
    write_header(page, cache);
    if (!bc_write_at(cache->fd, page, sizeof page, 0)) return bc_fail_errno(err, path, "cannot write");
    if (fsync(cache->fd) != 0) return bc_fail_errno(err, path, "cannot flush");
    if (fstat(cache->fd, &info) != 0) return bc_fail_errno(err, path, "cannot stat");
    if ((size_t)info.st_size != bc_cache_file_bytes(cache))
        return bc_fail(err, BERTC_IO, "%s: has %lld bytes, but %zu were written", path, (long long)info.st_size,
                       bc_cache_file_bytes(cache));
    status = compare_header(cache, page, path, &same, err);
    if (status != BERTC_OK || same) return status;
    return bc_fail(err, BERTC_IO, "%s: content differs from what was written", path);
}

void bc_cache_publish(bc_cache *cache)
{
    bertc_error err = {0};
    if (!cache->temporary || cache->missing_count > 0) return;
    bertc_status status = complete(cache, &err);
    if (status == BERTC_OK && rename(cache->temporary, cache->path) != 0)
        status = bc_fail_errno(&err, cache->path, "cannot rename");
    if (status == BERTC_OK) status = bc_dir_sync_parent(&bc_working_dir, cache->path, &err);
    if (status == BERTC_OK)
        bc_notify(cache->notify, "%s: outputs of the frozen layers, for later runs", cache->path);
    else
        bc_notify(cache->notify, "warning: %s; later runs will compute the frozen stages again", err.message);
    if (status != BERTC_OK) unlink(cache->temporary);
    bc_free(cache->temporary);
    cache->temporary = NULL;
    cache->is_writable = false;
}
