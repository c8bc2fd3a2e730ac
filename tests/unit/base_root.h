/* A folder that stands for "/", for tests of code that reads /proc and /sys. Include after cmocka.h. */
#ifndef BASE_ROOT_H
#define BASE_ROOT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/writer.h"

static char top[64];

static inline void write_text(const char *path, const char *text)
{
    char folder[256], name[256];
    bertc_error err = {0};
    snprintf(name, sizeof name, "%s%s", top, path);
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(name, '/') - name), name);
    assert_int_equal(bc_folder_create(folder, &err), BERTC_OK);
    if (bc_file_write_in(&bc_working_dir, name, text, strlen(text), NULL, &err) != BERTC_OK)
        fail_msg("%s", err.message);
}

static inline int enter(void **state)
{
    (void)state;
    snprintf(top, sizeof top, "root.XXXXXX");
    return mkdtemp(top) ? 0 : -1;
}

static inline int leave(void **state)
{
    (void)state;
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", top);
    return system(command);
}

#endif
