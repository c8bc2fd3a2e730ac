/* Find the files of GLUE and read a split from them.
 *
 * 1. The official file of a split is tried first, then the file of the older distribution, each in DATA/FOLDER,
 *    DATA/OLD_FOLDER and DATA. Next to MRPC's older training file is a list of its dev rows.
 * 2. If there is no such file, the tables of `datasets` are tried in the same folders and in DATA/NAME (DATA/sst2),
 *    under the split's name in `datasets` (validation) and in GLUE (dev), with each ending of a table. So an original
 *    file takes precedence over a table. Two tables of a split in one folder are an error. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "tasks/glue/glue.h"
#include "tasks/table_files.h"
#include "tasks/tasks.h"

typedef struct place {
    char *path;
    char *ids;                    /* path of columns->ids_file, or null */
    const bertc_columns *columns; /* the description of the file */
} place;

enum { FOLDERS = 3, DISTRIBUTIONS = 2, TABLE_FOLDERS = 4, STEMS = 2 };

typedef struct search {
    /* Folders below DATA, the last one only for tables; "": DATA is the task's own folder; null: no such folder. */
    const char *folders[TABLE_FOLDERS];
    const bertc_columns *distributions[DISTRIBUTIONS]; /* in order of preference */
} search;

static char *join(const char *data, const char *folder, const char *file)
{
    if (!*folder) return bc_path_join(data, file);
    char *inner = bc_path_join(data, folder);
    char *path = inner ? bc_path_join(inner, file) : NULL;
    bc_free(inner);
    return path;
}

/* Set *at to a file and its list of dev rows, if the file exists. */
static bertc_status try_file(const char *data, const char *folder, place *at, bertc_error *err)
{
    char *path = join(data, folder, at->columns->file);
    if (!path) return bc_fail_memory(err);
    bool found;
    bertc_status status = bc_file_find(path, &found, err);
    if (status != BERTC_OK || !found) {
        bc_free(path);
        return status;
    }
    at->path = path;
    if (!at->columns->ids_file) return BERTC_OK;
    at->ids = join(data, folder, at->columns->ids_file);
    if (!at->ids) return bc_fail_memory(err);
    status = bc_file_find(at->ids, &found, err);
    if (status != BERTC_OK || found) return status;
    return bc_fail(err, BERTC_INPUT, "%s: the list of its dev rows, %s, is not in the same folder", path,
                   at->columns->ids_file);
}

/* Append the names of the original files that were tried; return the number of names. */
static int list_names(const search *s, const char *separator, bc_text *names)
{
    int count = 0;
    for (int i = 0; i < DISTRIBUTIONS * FOLDERS; i++) {
        const char *folder = s->folders[i % FOLDERS], *file = s->distributions[i / FOLDERS]->file;
        if (!folder || !file) continue;
        bc_text_printf(names, "%s%s%s%s", count++ > 0 ? separator : "", folder, *folder ? "/" : "", file);
    }
    return count;
}

static bertc_status fail_missing(const search *s, const char *table, const char *data, bertc_error *err)
{
    bc_text two = {0}, more = {0}, tables = {0};
    bool neither = list_names(s, " nor ", &two) == 2;
    list_names(s, ", ", &more);
    bc_text_put(&tables, "", 0);
    if (table) bc_text_printf(&tables, ", nor %s/%s.csv (or .tsv, .jsonl, .json)", s->folders[FOLDERS], table);
    bertc_status status = two.failed || more.failed || tables.failed
                              ? bc_fail_memory(err)
                              : bc_fail(err, BERTC_INPUT, "%s: there is %s %s%s", data, neither ? "neither" : "none of",
                                        neither ? two.bytes : more.bytes, tables.bytes);
    bc_text_clear(&two);
    bc_text_clear(&more);
    bc_text_clear(&tables);
    return status;
}

static void clear(place *at)
{
    bc_free(at->path);
    bc_free(at->ids);
    *at = (place){NULL, NULL, NULL};
}

/* Look for a table of the split in all folders, and if there is none for a file of another kind. */
static bertc_status locate_table(const bertc_task *task, const char *data, const search *s, bertc_split split,
                                 place *at, bertc_error *err)
{
    const char *official = task->splits[split].file, *dot = strrchr(official, '.');
    char *own = bc_strndup(official, dot ? (size_t)(dot - official) : strlen(official));
    if (!own) return bc_fail_memory(err);
    const char *const stems[STEMS] = {task->tables[split].file, own};
    bertc_status status = BERTC_OK;
    at->columns = &task->splits[split]; /* the reader chooses between these columns and those of the table */
    for (int i = 0; i < 2 * TABLE_FOLDERS && status == BERTC_OK && !at->path; i++) {
        const char *folder = s->folders[i % TABLE_FOLDERS];
        if (!folder) continue;
        char *inner = *folder ? bc_path_join(data, folder) : NULL;
        size_t count = strcmp(own, stems[0]) == 0 ? 1 : STEMS;
        status = *folder && !inner ? bc_fail_memory(err)
                                   : bc_table_file_find(inner ? inner : data, stems, count, i >= TABLE_FOLDERS,
                                                        &at->path, err);
        bc_free(inner);
    }
    bc_free(own);
    return status;
}

/* Find the file of a split; *missing: the error is that there is none. After success, release *at with clear(). */
static bertc_status locate(const bertc_task *task, const char *data, bertc_split split, place *at, bool *missing,
                           bertc_error *err)
{
    bertc_status status = BERTC_OK;
    *at = (place){NULL, NULL, NULL};
    *missing = false;
    const char *name = task->trained_as ? task->trained_as : task->name, *table = task->tables[split].file;
    const search s = {.folders = {task->folder, task->old_folder, "", name},
                      .distributions = {&task->splits[split], &task->old_splits[split]}};
    struct stat info;
    if (stat(data, &info) != 0) return bc_fail_errno(err, data, "cannot open folder");
    if (!S_ISDIR(info.st_mode)) return bc_fail(err, BERTC_INPUT, "%s: not a folder", data);
    for (int i = 0; i < DISTRIBUTIONS * FOLDERS && status == BERTC_OK && !at->path; i++) {
        const char *folder = s.folders[i % FOLDERS];
        at->columns = s.distributions[i / FOLDERS];
        if (folder && at->columns->file) status = try_file(data, folder, at, err);
    }
    if (status == BERTC_OK && !at->path && table) status = locate_table(task, data, &s, split, at, err);
    *missing = status == BERTC_OK && !at->path;
    if (*missing) status = fail_missing(&s, table, data, err);
    if (status != BERTC_OK) clear(at);
    return status;
}

bertc_status bc_glue_path(const bertc_task *task, const char *data, bertc_split split, char **path, bool *missing,
                          bertc_error *err)
{
    place at;
    bertc_status status = locate(task, data, split, &at, missing, err);
    if (status != BERTC_OK) return status;
    *path = at.path;
    at.path = NULL;
    clear(&at);
    return BERTC_OK;
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* Read a list of dev rows, one "id TAB id" per line, and sort it. The slices in *ids point into *text. */
static bertc_status read_ids(const char *path, char **text, bc_dev_rows *ids, bertc_error *err)
{
    size_t length = 0;
    bertc_status status = bc_file_read(path, BC_FILE_WORDS, text, &length, err);
    if (status != BERTC_OK) return status;
    bc_lines lines = bc_lines_of_bytes(*text, length, path, err);
    bc_lines_skip_bom(&lines);
    bc_slice line;
    for (size_t capacity = 0; bc_lines_take(&lines, &line);) {
        void *larger = bc_grow(ids->sorted, &capacity, ids->count, sizeof line);
        if (!larger) return bc_fail_memory(err);
        ids->sorted = larger;
        ids->sorted[ids->count++] = line;
    }
    if (lines.status != BERTC_OK) return lines.status;
    if (ids->count == 0) return bc_fail(err, BERTC_INPUT, "%s: empty file", path);
    qsort(ids->sorted, ids->count, sizeof line, bc_slice_order);
    return BERTC_OK;
}

bertc_status bc_glue_read(const bertc_task *task, const char *data, bertc_split split, bool texts, size_t limit,
                          bertc_dataset **dataset, bertc_error *err)
{
    place at;
    char *text = NULL;
    bc_dev_rows dev = {0};
    bool missing;
    bertc_status status = locate(task, data, split, &at, &missing, err);
    if (status != BERTC_OK) return status;
    const bertc_columns alone = bc_columns_of_texts(at.columns);
    if (texts) at.columns = &alone;
    if (at.ids) status = read_ids(at.ids, &text, &dev, err);
    if (status == BERTC_OK)
        status = bc_dataset_read_file(task, split, at.columns, at.ids ? &dev : NULL, at.path, limit, dataset, err);
    bc_free(dev.sorted);
    bc_free(text);
    clear(&at);
    return status;
}
