/* A cache that later runs find: DIR/KEY.cache, a page of header and all rows in the order of the data.
 *
 * 1. KEY is a hash of everything that the rows depend on.
 * 2. The header is text that is known to the last byte once the rows are: it holds their hash. A file is
 *    used where both are as they must be, so that any byte that changed is noticed.
 * 3. While it is made its name ends in .tmp, and the process that makes it holds a lock on it (flock). What
 *    a killed process left there is used by none, and overwritten. */
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

static const char format[] = "bertc-cache-1";

static void write_header(char page[BC_CACHE_HEADER], const bc_cache *cache, const char *hash)
{
    memset(page, 0, BC_CACHE_HEADER);
    snprintf(page, BC_CACHE_HEADER, "%s\nkey %s\nrows %zu\nwidth %zu\nxxh3 %s\n", format, cache->key,
             cache->rows, cache->width, hash);
}

static bertc_status name_file(bc_cache *cache, const char *folder, bertc_error *err)
{
    char name[BC_HASH_HEX + sizeof ".cache.tmp"];
    snprintf(name, sizeof name, "%s.cache", cache->key);
    if (!cache->path) cache->path = bc_path_join(folder, name);
    return cache->path ? BERTC_OK : bc_fail_memory(err);
}

/* ---- Finding ------------------------------------------------------------------------------- */

static bertc_status check(const bc_cache *cache, const bc_map *map, bertc_error *err)
{
    char page[BC_CACHE_HEADER], hash[BC_HASH_HEX];
    size_t whole = bc_cache_whole(cache);
    if (map->length != whole)
        return bc_fail(err, BERTC_INPUT, "%s: %zu bytes, expected %zu; remove it", cache->path,
                       map->length, whole);
    bertc_status status =
        bc_hash_block(hash, map->bytes + BC_CACHE_HEADER, whole - BC_CACHE_HEADER, err);
    if (status != BERTC_OK) return status;
    write_header(page, cache, hash);
    if (memcmp(page, map->bytes, sizeof page) == 0) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s: damaged, header and content do not fit; remove it",
                   cache->path);
}

bertc_status bc_cache_find(bc_cache *cache, const char *folder, bertc_error *err)
{
    bc_map map = {0};
    bool found = false;
    bertc_status status = name_file(cache, folder, err);
    if (status == BERTC_OK && bc_folder_exists(folder)) status = bc_file_find(cache->path, &found, err);
    if (status != BERTC_OK || !found) return status;
    status = bc_map_open(cache->path, &map, err);
    if (status != BERTC_OK) return status;
    status = check(cache, &map, err);
    bc_map_close(&map);
    if (status != BERTC_OK) return status;
    cache->fd = open(cache->path, O_RDONLY | O_CLOEXEC);
    if (cache->fd < 0) return bc_fail_errno(err, cache->path, "cannot open");
    cache->has = bc_alloc(cache->inputs->count, sizeof *cache->has);
    if (!cache->has) return bc_fail_memory(err);
    memset(cache->has, true, cache->inputs->count * sizeof *cache->has);
    cache->memory_rows = 0;
    cache->file_rows = cache->rows;
    return BERTC_OK;
}

/* ---- Making -------------------------------------------------------------------------------- */

/* Does the path still name the file that is locked? */
static bool is_current(const char *path, int fd)
{
    struct stat ours, there;
    return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_dev == there.st_dev &&
           ours.st_ino == there.st_ino;
}

/* Take over cache->fd: lock and empty it. *ours false: another run has it. */
static bertc_status lock(const bc_cache *cache, const char *path, bool *ours, bertc_error *err)
{
    int done;
    do done = flock(cache->fd, LOCK_EX | LOCK_NB);
    while (done != 0 && errno == EINTR);
    *ours = done == 0 && is_current(path, cache->fd);
    if (done != 0 && errno != EWOULDBLOCK) return bc_fail_errno(err, path, "cannot lock");
    if (*ours && ftruncate(cache->fd, 0) != 0) return bc_fail_errno(err, path, "cannot truncate");
    return BERTC_OK;
}

bertc_status bc_cache_make(bc_cache *cache, const char *folder, bertc_error *err)
{
    size_t room = strlen(cache->path) + sizeof ".tmp";
    bool ours = false;
    bertc_status status = bc_folder_create(folder, err);
    if (status != BERTC_OK) return status;
    char *path = bc_realloc(NULL, room, 1);
    if (!path) return bc_fail_memory(err);
    snprintf(path, room, "%s.tmp", cache->path);
    cache->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    status = cache->fd < 0 ? bc_fail_errno(err, path, "cannot create") : lock(cache, path, &ours, err);
    if (ours) {
        cache->temporary = path;
        cache->writes = true;
        return status;
    }
    if (cache->fd >= 0) close(cache->fd);
    cache->fd = -1;
    if (status == BERTC_OK)
        bc_notify(cache->notify, "%s: another run is making it; this one keeps nothing there", path);
    bc_free(path);
    return status;
}

/* The header, when all rows are on the disk, then the name. */
static bertc_status finish(bc_cache *cache, const char *folder, bertc_error *err)
{
    char page[BC_CACHE_HEADER], hash[BC_HASH_HEX];
    bc_map map;
    bertc_status status = bc_map_open(cache->temporary, &map, err);
    if (status != BERTC_OK) return status;
    if (map.length != bc_cache_whole(cache))
        status = bc_fail(err, BERTC_IO, "%s: %zu bytes after %zu were written", cache->temporary,
                         map.length, bc_cache_whole(cache));
    else
        status = bc_hash_block(hash, map.bytes + BC_CACHE_HEADER, map.length - BC_CACHE_HEADER, err);
    bc_map_close(&map);
    if (status != BERTC_OK) return status;
    write_header(page, cache, hash);
    if (pwrite(cache->fd, page, sizeof page, 0) != (ssize_t)sizeof page)
        return bc_fail_errno(err, cache->temporary, "cannot write");
    if (fsync(cache->fd) != 0) return bc_fail_errno(err, cache->temporary, "cannot flush");
    if (rename(cache->temporary, cache->path) != 0)
        return bc_fail_errno(err, cache->path, "cannot rename");
    return bc_folder_sync(folder, err);
}

void bc_cache_keep(bc_cache *cache)
{
    bertc_error err = {0};
    if (!cache->temporary || cache->lacking > 0) return;
    char *folder = bc_strndup(cache->path, (size_t)(strrchr(cache->path, '/') - cache->path) + 1);
    bertc_status status = folder ? finish(cache, folder, &err) : bc_fail_memory(&err);
    if (status == BERTC_OK)
        bc_notify(cache->notify, "%s: outputs of the frozen part, for later runs", cache->path);
    else
        bc_notify(cache->notify, "warning: %s; later runs will compute the frozen part again",
                  err.message);
    if (status != BERTC_OK) unlink(cache->temporary);
    bc_free(cache->temporary);
    bc_free(folder);
    cache->temporary = NULL;
    cache->writes = false;
}
