#include "base/cgroup.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

bool bc_cgroup_read(char text[BC_CGROUP_TEXT], const char *root, const char *folder, const char *name)
{
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof path, "%s%s/%s", root, folder, name) >= sizeof path) return false;
    FILE *file = fopen(path, "re");
    if (!file) return false;
    text[fread(text, 1, BC_CGROUP_TEXT - 1, file)] = '\0';
    fclose(file);
    return true;
}

/* Whether a list such as "cpu,cpuacct" of `length` bytes contains `name`. The empty list contains the empty name. */
static bool list_contains(const char *list, size_t length, const char *name)
{
    for (const char *end = list + length;;) {
        size_t n = strcspn(list, ",:");
        if (n == strlen(name) && memcmp(list, name, n) == 0) return true;
        list += n + 1;
        if (list >= end) return false;
    }
}

/* Find the path of the controller's group in a text of lines "NUMBER:CONTROLLERS:PATH"; null if absent. */
static const char *find_path(const char *text, const char *controller, size_t *length)
{
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *list = line + strcspn(line, ":\n");
        if (*list != ':') continue;
        list++;
        const char *path = list + strcspn(list, ":\n");
        if (*path != ':' || !list_contains(list, (size_t)(path - list), controller)) continue;
        path++;
        *length = strcspn(path, "\n");
        return path;
    }
    return NULL;
}

void bc_cgroups_walk(const char *root, const char *controller, bc_cgroup_visit *visit, void *context)
{
    char text[BC_CGROUP_TEXT], group[PATH_MAX];
    size_t length;
    const char *path = bc_cgroup_read(text, root, "/proc/self", "cgroup") ? find_path(text, controller, &length) : NULL;
    if (!path) return;
    int mount = snprintf(group, sizeof group, "/sys/fs/cgroup%s%s", *controller ? "/" : "", controller);
    size_t left = sizeof group - (size_t)mount;
    if ((size_t)snprintf(group + mount, left, "%.*s", (int)length, path) >= left) return;
    for (; strlen(group) >= (size_t)mount; *strrchr(group, '/') = '\0') visit(context, root, group);
}
