#include "base/memory_limit.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/size.h"

/* The number after `key` where that begins a line. */
static bool find_number(const char *text, const char *key, size_t *value)
{
    const char *line = text;
    while (strncmp(line, key, strlen(key)) != 0) {
        line = strchr(line, '\n');
        if (!line) return false;
        line++;
    }
    const char *digits = line + strlen(key) + strspn(line + strlen(key), " \t");
    *value = strtoull(digits, NULL, 10);
    return *digits >= '0' && *digits <= '9';
}

static size_t difference(size_t a, size_t b)
{
    return a > b ? a - b : 0;
}

static void tighten(bc_memory_limit *capacity, size_t left, const char *limit)
{
    size_t max;
    if (!bc_size_add(capacity->resident, left, &max) || max >= capacity->available) return;
    capacity->available = max;
    capacity->name = limit;
}

/* Pages of the address space and in memory. Of the former more will be taken than is written to: 64 MB for what
 * each thread allocates, and what alignment leaves out, measured with models of 12 x 768. */
static void read_self(bc_memory_limit *capacity, const char *root, size_t *address)
{
    enum { LEFT_OUT = 160 << 20, THREAD = 64 << 20 };
    char text[BC_CGROUP_TEXT], *end = text;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), threads = 0;
    if (!bc_cgroup_read(text, root, "/proc/self", "statm")) return;
    *address = strtoull(text, &end, 10) * page + LEFT_OUT;
    capacity->resident = strtoull(end, NULL, 10) * page;
    if (bc_cgroup_read(text, root, "/proc/self", "status") && find_number(text, "Threads:", &threads))
        *address += threads * THREAD;
}

static void read_system(bc_memory_limit *capacity, const char *root)
{
    char text[BC_CGROUP_TEXT];
    size_t kilobytes;
    if (bc_cgroup_read(text, root, "/proc", "meminfo") &&
        find_number(text, "MemAvailable:", &kilobytes) && kilobytes < SIZE_MAX / 1024)
        tighten(capacity, kilobytes * 1024, "MemAvailable");
}

/* ---- Control groups ------------------------------------------------------------------------ */

/* Both versions: the controller by which /proc/self/cgroup names the group, and its files. */
static const struct version {
    const char *controller, *limit, *usage;
} versions[] = {
    {"", "memory.max", "memory.current"},
    {"memory", "memory.limit_in_bytes", "memory.usage_in_bytes"},
};

typedef struct reader {
    bc_memory_limit *capacity;
    const struct version *version;
} reader;

/* The limit of one group; "max" is none. */
static void read_group(void *context, const char *root, const char *folder)
{
    char text[BC_CGROUP_TEXT];
    size_t limit, usage, file = 0, more = 0;
    const reader *r = context;
    if (!bc_cgroup_read(text, root, folder, r->version->limit) || !find_number(text, "", &limit)) return;
    if (!bc_cgroup_read(text, root, folder, r->version->usage) || !find_number(text, "", &usage)) return;
    if (bc_cgroup_read(text, root, folder, "memory.stat")) {
        find_number(text, "inactive_file", &file);
        find_number(text, "active_file", &more);
    }
    tighten(r->capacity, difference(limit, difference(usage, file + more)), r->version->limit);
}

/* ---- All together -------------------------------------------------------------------------- */

bc_memory_limit bc_memory_limit_read_at(const char *root, size_t address_limit)
{
    bc_memory_limit capacity = {.available = SIZE_MAX, .name = "no limit"};
    size_t address = 0;
    read_self(&capacity, root, &address);
    read_system(&capacity, root);
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        reader r = {&capacity, &versions[i]};
        bc_cgroups_walk(root, versions[i].controller, read_group, &r);
    }
    if (address_limit < SIZE_MAX)
        tighten(&capacity, difference(address_limit, address),
                "ulimit -v, less 64 MB a thread and 160 MB for libraries");
    return capacity;
}

bc_memory_limit bc_memory_limit_read(void)
{
    struct rlimit limit;
    bool limited = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return bc_memory_limit_read_at("", limited ? (size_t)limit.rlim_cur : SIZE_MAX);
}
