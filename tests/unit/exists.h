/* For tests that ask what lies on the disk. */
#ifndef BC_TESTS_EXISTS_H
#define BC_TESTS_EXISTS_H

#include <stdbool.h>
#include <sys/stat.h>

/* Anything of that name, a link to nothing too. */
static inline bool bc_file_exists(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

#endif
