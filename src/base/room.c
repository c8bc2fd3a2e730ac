#include "base/room.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/size.h"

enum { TEXT = 8192 };

/* The beginning of a file, as a text; false where it cannot be read. These files have no size. */
static bool read_text(char text[TEXT], const char *root, const char *path)
{
    char name[PATH_MAX];
    if ((size_t)snprintf(name, sizeof name, "%s%s", root, path) >= sizeof name) return false;
    FILE *file = fopen(name, "re");
    if (!file) return false;
    text[fread(text, 1, TEXT - 1, file)] = '\0';
    fclose(file);
    return true;
}

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

static void tighten(bc_room *room, size_t left, const char *limit)
{
    size_t most;
    if (!bc_size_add(room->resident, left, &most) || most >= room->most) return;
    room->most = most;
    room->limit = limit;
}

/* Pages of the address space and in memory. Of the former more will be taken than is written to: 64 MB for what
 * each thread allocates, and what alignment leaves out, measured with models of 12 x 768. */
static void read_self(bc_room *room, const char *root, size_t *address)
{
    enum { LEFT_OUT = 160 << 20, THREAD = 64 << 20 };
    char text[TEXT], *end = text;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), threads = 0;
    if (!read_text(text, root, "/proc/self/statm")) return;
    *address = strtoull(text, &end, 10) * page + LEFT_OUT;
    room->resident = strtoull(end, NULL, 10) * page;
    if (read_text(text, root, "/proc/self/status") && find_number(text, "Threads:", &threads))
        *address += threads * THREAD;
}

static void read_system(bc_room *room, const char *root)
{
    char text[TEXT];
    size_t kilobytes;
    if (read_text(text, root, "/proc/meminfo") &&
        find_number(text, "MemAvailable:", &kilobytes) && kilobytes < SIZE_MAX / 1024)
        tighten(room, kilobytes * 1024, "MemAvailable");
}

/* ---- Control groups ------------------------------------------------------------------------ */

/* Both versions: how /proc/self/cgroup names the group, where its files lie. */
static const struct version {
    const char *mark, *folder, *limit, *usage;
} versions[] = {
    {"0::", "/sys/fs/cgroup", "memory.max", "memory.current"},
    {":memory:", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"},
};

static bool read_member(char text[TEXT], const char *root, const char *group, const char *name)
{
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", group, name) >= sizeof path) return false;
    return read_text(text, root, path);
}

/* The limit of one group; "max" is none. */
static void read_group(bc_room *room, const char *root, const struct version *v, const char *group)
{
    char text[TEXT];
    size_t limit, usage, file = 0, more = 0;
    if (!read_member(text, root, group, v->limit) || !find_number(text, "", &limit)) return;
    if (!read_member(text, root, group, v->usage) || !find_number(text, "", &usage)) return;
    if (read_member(text, root, group, "memory.stat")) {
        find_number(text, "inactive_file", &file);
        find_number(text, "active_file", &more);
    }
    tighten(room, difference(limit, difference(usage, file + more)), v->limit);
}

/* A group and all above it. Inside a container the path may be one that is not seen there; then
 * only the root of what is seen counts. */
static void read_groups(bc_room *room, const char *root, const struct version *v)
{
    char text[TEXT], group[PATH_MAX];
    if (!read_text(text, root, "/proc/self/cgroup")) return;
    const char *found = strstr(text, v->mark);
    if (!found) return;
    found += strlen(v->mark);
    int length = snprintf(group, sizeof group, "%s%.*s", v->folder, (int)strcspn(found, "\n"), found);
    if (length < 0 || (size_t)length >= sizeof group) return;
    for (size_t least = strlen(v->folder); strlen(group) >= least; *strrchr(group, '/') = '\0')
        read_group(room, root, v, group);
}

/* ---- All together -------------------------------------------------------------------------- */

bc_room bc_room_read_at(const char *root, size_t address_limit)
{
    bc_room room = {.most = SIZE_MAX, .limit = "no limit"};
    size_t address = 0;
    read_self(&room, root, &address);
    read_system(&room, root);
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++)
        read_groups(&room, root, &versions[i]);
    if (address_limit < SIZE_MAX) tighten(&room, difference(address_limit, address), "ulimit -v");
    return room;
}

bc_room bc_room_read(void)
{
    struct rlimit limit;
    bool limited = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return bc_room_read_at("", limited ? (size_t)limit.rlim_cur : SIZE_MAX);
}
