/* Control groups of this process, and the small text files below /proc and /sys that describe them. */
#ifndef BC_BASE_CGROUP_H
#define BC_BASE_CGROUP_H

#include <stdbool.h>

enum { BC_CGROUP_TEXT = 8192 };

/* Read the beginning of the file ROOT/FOLDER/NAME; false if it cannot be read. Such files report the size 0. */
bool bc_cgroup_read(char text[BC_CGROUP_TEXT], const char *root, const char *folder, const char *name);

/* Callback of bc_cgroups_walk, called for each group: ROOT/FOLDER holds the group's files. */
typedef void bc_cgroup_visit(void *context, const char *root, const char *folder);

/* Visit the process's group and all groups above it. `controller` is a controller of version 1 ("memory", "cpu"), or ""
 * for version 2. A container may not see the path of its own group; then only the visible root has files. */
void bc_cgroups_walk(const char *root, const char *controller, bc_cgroup_visit *visit, void *context);

#endif
