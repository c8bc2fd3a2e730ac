/* Helpers of the tests of tasks: data sets from text, temporary folders. */
#ifndef BC_TESTS_TASKS_HELP_H
#define BC_TESTS_TASKS_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/writer.h"
#include "tasks/tasks.h"
#include "unit/exists.h"

static inline const bertc_task *task_named(const char *name)
{
    const bertc_task *task = bertc_task_find(name);
    assert_non_null(task);
    return task;
}

/* Parse `length` bytes by a description of columns, from a buffer of exactly that length. */
static inline bertc_status parse_by(const bertc_task *task, bertc_split split, const bertc_columns *columns,
                                    const char *bytes, size_t length, size_t limit,
                                    bertc_dataset **set, bertc_error *err)
{
    char *exact = malloc(length ? length : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, length);
    bertc_status status = bc_dataset_parse(task, split, columns, NULL, exact, length, "f.tsv", limit, set, err);
    free(exact);
    return status;
}

/* Parse `length` bytes as a split of a task. */
static inline bertc_status parse_bytes(const char *name, bertc_split split, const char *bytes, size_t length,
                                       size_t limit, bertc_dataset **set, bertc_error *err)
{
    return parse_by(task_named(name), split, &task_named(name)->splits[split], bytes, length, limit, set, err);
}

/* Parse a split, reading only its texts. */
static inline bertc_status parse_texts(const char *name, bertc_split split, const char *text,
                                       bertc_dataset **set, bertc_error *err)
{
    const bertc_columns texts = bc_columns_of_texts(&task_named(name)->splits[split]);
    return parse_by(task_named(name), split, &texts, text, strlen(text), 0, set, err);
}

static inline bertc_dataset *parse_good(const char *name, bertc_split split, const char *text)
{
    bertc_dataset *set = NULL;
    bertc_error err = {0};
    bertc_status status = parse_bytes(name, split, text, strlen(text), 0, &set, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, BERTC_OK);
    assert_non_null(set);
    return set;
}

/* An unlabelled data set of `count` examples, for the test to label. */
static inline bertc_dataset *blank_set_of(const bertc_task *task, size_t count)
{
    char *text = malloc(4 * count);
    assert_non_null(text);
    bool pair = task->pair;
    size_t each = pair ? 4 : 2;
    for (size_t i = 0; i < count; i++) memcpy(text + i * each, pair ? "a\tb\n" : "a\n", each);
    bertc_dataset *set = NULL;
    assert_int_equal(bertc_dataset_from_lines(task, text, count * each, "f.tsv", &set, NULL), BERTC_OK);
    free(text);
    return set;
}

static inline bertc_dataset *blank_set(const char *name, size_t count)
{
    return blank_set_of(task_named(name), count);
}

static inline void assert_near(double value, double expected)
{
    if (!(value - expected <= 1e-12 && expected - value <= 1e-12)) fail_msg("%.17g, expected %.17g", value, expected);
}

static inline void assert_text(const char *text, size_t length, const char *expected)
{
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(text, expected, length);
}

/* Create a new folder with a unique name, in $TMPDIR or in the working directory. */
static inline void make_folder(char path[64])
{
    const char *parent = getenv("TMPDIR");
    if (!parent || strlen(parent) > 40) parent = ".";
    snprintf(path, 64, "%s/bertc-tasks-XXXXXX", parent);
    assert_non_null(mkdtemp(path));
}

static inline void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char *inner = bc_path_join(path, entry->d_name);
        if (unlink(inner) != 0) remove_folder(inner);
        bc_free(inner);
    }
    closedir(folder);
    assert_int_equal(rmdir(path), 0);
}

/* Write FOLDER/name, creating the folders on its path. */
static inline void put_file(const char *folder, const char *name, const char *text)
{
    char *path = bc_path_join(folder, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(bc_folder_create(path, NULL), BERTC_OK);
    *slash = '/';
    assert_int_equal(bc_file_write_in(&bc_working_dir, path, text, strlen(text), NULL, NULL), BERTC_OK);
    bc_free(path);
}

/* Find `name` in the folder of official data: $BERTC_TEST_DATA, else shared/data next to the repository. False, with a
 * message, if it is absent. */
static inline bool official_data(const char *name, char path[512])
{
    const char *places[] = {getenv("BERTC_TEST_DATA"), "../../shared/data", "../shared/data"};
    for (int i = 0; i < 3; i++) {
        if (!places[i]) continue;
        snprintf(path, 512, "%s/%s", places[i], name);
        if (bc_file_exists(path)) return true;
    }
    print_message("no official data (BERTC_TEST_DATA): skipped\n");
    return false;
}

#endif
