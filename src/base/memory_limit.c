#include "base/memory_limit.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/size.h"

/* Read the number after `key`, which begins a line; false if there is no such line. */
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

/* a - b, or 0 if b is larger. */
static size_t difference(size_t a, size_t b)
{
    return a > b ? a - b : 0;
}

/* Apply the limit `name`, under which `left` more bytes may be allocated. */
static void tighten(bc_memory_limit *limit, size_t left, const char *name)
{
    size_t total;
    if (!bc_size_add(limit->resident, left, &total) || total >= limit->available) return;
    limit->available = total;
    limit->name = name;
}

/* Read how much of the address space and of the memory this process uses. More address space will be reserved than
 * written: malloc reserves 64 MB for each thread, and alignment and libraries leave up to 160 MB unused, as measured
 * with models of 12 layers of 768 features. */
static void read_self(bc_memory_limit *limit, const char *root, size_t *address)
{
    enum { UNUSED = 160 << 20, THREAD = 64 << 20 };
    char text[BC_CGROUP_TEXT], *end = text;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), threads = 0;
    if (!bc_cgroup_read(text, root, "/proc/self", "statm")) return;
    *address = strtoull(text, &end, 10) * page + UNUSED;
    limit->resident = strtoull(end, NULL, 10) * page;
    if (bc_cgroup_read(text, root, "/proc/self", "status") && find_number(text, "Threads:", &threads))
        *address += threads * THREAD;
}

/* ---- Control groups ------------------------------------------------------------------------ */

/* Versions 2 and 1 of control groups: the controller that /proc/self/cgroup lists, and the names of the files. */
static const struct version {
    const char *controller, *limit, *usage;
} versions[] = {
    {"", "memory.max", "memory.current"},
    {"memory", "memory.limit_in_bytes", "memory.usage_in_bytes"},
};

typedef struct reader {
    bc_memory_limit *limit;
    const struct version *version;
} reader;

/* Apply the limit of one group; "max" means no limit. */
static void read_group(void *context, const char *root, const char *folder)
{
    char text[BC_CGROUP_TEXT];
    size_t max, usage, inactive = 0, active = 0;
    const reader *r = context;
    if (!bc_cgroup_read(text, root, folder, r->version->limit) || !find_number(text, "", &max)) return;
    if (!bc_cgroup_read(text, root, folder, r->version->usage) || !find_number(text, "", &usage)) return;
    if (bc_cgroup_read(text, root, folder, "memory.stat")) {
        find_number(text, "inactive_file", &inactive);
        find_number(text, "active_file", &active);
    }
    tighten(r->limit, difference(max, difference(usage, inactive + active)), r->version->limit);
}

/* ---- All limits ---------------------------------------------------------------------------- */

bc_memory_limit bc_memory_limit_read_at(const char *root, size_t address_limit)
{
    bc_memory_limit limit = {.available = SIZE_MAX, .name = "no limit"};
    char text[BC_CGROUP_TEXT];
    size_t address = 0, kilobytes;
    read_self(&limit, root, &address);
    if (bc_cgroup_read(text, root, "/proc", "meminfo") && find_number(text, "MemAvailable:", &kilobytes) &&
        kilobytes < SIZE_MAX / 1024)
        tighten(&limit, kilobytes * 1024, "MemAvailable");
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        reader r = {&limit, &versions[i]};
        bc_cgroups_walk(root, versions[i].controller, read_group, &r);
    }
    if (address_limit < SIZE_MAX)
        tighten(&limit, difference(address_limit, address), "ulimit -v, less 64 MB a thread and 160 MB for libraries");
    return limit;
}

bc_memory_limit bc_memory_limit_read(void)
{
    struct rlimit limit;
    bool limited = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return bc_memory_limit_read_at("", limited ? (size_t)limit.rlim_cur : SIZE_MAX);
}
