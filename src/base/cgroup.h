/* The control groups that this process is in, and the texts of its files below /proc and /sys. */
#ifndef BC_BASE_CGROUP_H
#define BC_BASE_CGROUP_H

#include <stdbool.h>

enum { BC_CGROUP_TEXT = 8192 };

/* The beginning of ROOT/FOLDER/NAME as a text; false where it cannot be read. These files have no size. */
bool bc_cgroup_read(char text[BC_CGROUP_TEXT], const char *root, const char *folder, const char *name);

/* Shown one group after the other: `folder` is where its files lie, below `root`. */
typedef void bc_cgroup_visit(void *context, const char *root, const char *folder);

/* Visit the process's group of a controller of version 1 ("memory", "cpu"), or that of version 2 where it is "", and
 * all groups above it. Inside a container the path of the group may be one that is not seen there; then only the
 * root of what is seen has files. */
void bc_cgroups_walk(const char *root, const char *controller, bc_cgroup_visit *visit, void *context);

#endif
