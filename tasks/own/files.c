/* Find and read the splits of any task: those of the table in their folders, those of a user's own task in its files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "tasks/glue/glue.h"
#include "tasks/own/own.h"
#include "tasks/scan.h"
#include "tasks/table_files.h"

/* The names of a split's table in a folder. */
enum { STEMS = 4 };
static const char *const stems[BERTC_SPLITS][STEMS] = {{"train"}, {"dev", "validation", "valid", "val"}, {"test"}};

static size_t count_stems(bertc_split split)
{
    size_t count = 0;
    while (count < STEMS && stems[split][count]) count++;
    return count;
}

/* Find the table of a split in a folder. *path is null if there is none. */
static bertc_status find_in_folder(const char *folder, bertc_split split, char **path, bertc_error *err)
{
    bertc_status status = bc_table_file_find(folder, stems[split], count_stems(split), false, path, err);
    if (status == BERTC_OK && !*path)
        status = bc_table_file_find(folder, stems[split], count_stems(split), true, path, err);
    return status;
}

bertc_status bc_own_find_files(struct bertc_own_task *own, const char *folder, bertc_error *err)
{
    struct stat info;
    bool any = false;
    if (stat(folder, &info) != 0) return bc_fail_errno(err, folder, "cannot open folder");
    if (!S_ISDIR(info.st_mode)) return bc_fail(err, BERTC_INPUT, "%s: not a folder", folder);
    for (int split = 0; split < BERTC_SPLITS; split++) {
        char *path;
        bertc_status status = find_in_folder(folder, (bertc_split)split, &path, err);
        if (status != BERTC_OK) return status;
        if (path && !(own->files[split] = bc_own_keep(own, path, strlen(path)))) status = bc_fail_memory(err);
        any = any || path;
        bc_free(path);
        if (status != BERTC_OK) return status;
    }
    own->from_folder = any;
    if (any) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s: there is neither train.csv nor dev.csv nor test.csv (or .tsv, .jsonl, .json)",
                   folder);
}

bertc_status bc_own_check_file(const struct bertc_own_task *own, const char *path, bertc_error *err)
{
    bc_table *table;
    bc_table_format format = bc_table_format_of(path);
    if (format == BC_TABLE_FORMATS) { /* a file of another kind is refused by its bytes */
        bertc_status status = bc_table_open(path, (bc_table_form){BC_TABLE_TSV, false, false}, &table, err);
        bc_table_close(table);
        if (status != BERTC_OK) return status;
        return bc_fail(err, BERTC_INPUT,
                       "%s: the name does not state the format of the table: .csv, .tsv, .jsonl or .json, "
                       "maybe followed by .gz",
                       path);
    }
    if (own->quotes == BERTC_QUOTES_OFF && format == BC_TABLE_CSV)
        return bc_fail(err, BERTC_USAGE,
                       "%s: a .csv file is read with quotes; name it .tsv if TABs separate its columns", path);
    if (own->no_header && format == BC_TABLE_JSON)
        return bc_fail(err, BERTC_USAGE, "%s: the keys of JSON lines are the header", path);
    return BERTC_OK;
}

/* ---- Reading ------------------------------------------------------------------------------- */

static bertc_status check(const bertc_task *task, const char *data, bertc_split split, const char *caller,
                          bertc_error *err)
{
    bertc_status status = bc_task_check(task, err);
    if (status != BERTC_OK) return status;
    if (!data && !task->own) return bc_fail_null(err, caller, "data");
    if ((unsigned)split >= BERTC_SPLITS)
        return bc_fail(err, BERTC_USAGE, "task %s has no split %d", task->name, (int)split);
    if (!task->splits[split].file && !(data && task->own))
        return bc_fail(err, BERTC_USAGE, "task %s has no %s split", task->name, bertc_split_name(split));
    return BERTC_OK;
}

/* Find the file of a split of an own task: in the folder `data`, or the table `data`, or the task's own file. *missing:
 * the error is that there is no such file. */
static bertc_status locate(const bertc_task *task, const char *data, bertc_split split, char **path, bool *missing,
                           bertc_error *err)
{
    struct stat info;
    bertc_status status = BERTC_OK;
    *path = NULL;
    *missing = false;
    if (data && stat(data, &info) != 0) return bc_fail_errno(err, data, "cannot open");
    if (data && S_ISDIR(info.st_mode)) {
        status = find_in_folder(data, split, path, err);
        if (status != BERTC_OK || *path) return status;
        *missing = true;
        return bc_fail(err, BERTC_INPUT, "%s: there is no %s.csv (or .tsv, .jsonl, .json)", data, stems[split][0]);
    }
    const char *file = data ? data : task->splits[split].file;
    *path = bc_strndup(file, strlen(file));
    return *path ? BERTC_OK : bc_fail_memory(err);
}

static bertc_status find_path(const bertc_task *task, const char *data, bertc_split split, char **path, bool *missing,
                              bertc_error *err)
{
    return (task->own ? locate : bc_glue_path)(task, data, split, path, missing, err);
}

bertc_status bertc_task_path(const bertc_task *task, const char *data, bertc_split split, char **path, bertc_error *err)
{
    bool missing;
    if (!path) return bc_fail_null(err, __func__, "path");
    *path = NULL;
    bertc_status status = check(task, data, split, __func__, err);
    return status == BERTC_OK ? find_path(task, data, split, path, &missing, err) : status;
}

bertc_status bertc_task_has_split(const bertc_task *task, const char *data, bertc_split split, bool *found,
                                  bertc_error *err)
{
    bertc_error why = {0};
    char *path = NULL;
    bool missing = false;
    if (!task || !found) return bc_fail_null(err, __func__, "task and found");
    *found = false;
    if ((unsigned)split < BERTC_SPLITS && !task->splits[split].file && !(data && task->own)) return BERTC_OK;
    bertc_status status = check(task, data, split, __func__, err);
    if (status != BERTC_OK) return status;
    status = find_path(task, data, split, &path, &missing, &why);
    *found = status == BERTC_OK;
    bc_free(path);
    return status == BERTC_OK || missing ? BERTC_OK : bc_fail(err, status, "%s", why.message);
}

/* Scan the train file again to choose the dev share. */
static bertc_status choose_limits(const struct bertc_own_task *own, uint64_t **limits, bertc_error *err)
{
    bc_scan scan;
    size_t chosen;
    *limits = bc_calloc((size_t)own->row.num_labels, sizeof **limits);
    if (!*limits) return bc_fail_memory(err);
    bertc_status status =
        bc_scan_table(own->files[BERTC_TRAIN], &own->row.splits[BERTC_TRAIN], own->row.pair,
                      own->row.kind == BERTC_MULTILABEL, &scan, err);
    if (status == BERTC_OK) status = bc_own_choose_dev(own, &scan, *limits, &chosen, err);
    bc_scan_clear(&scan);
    return status;
}

/* Remove all labels: the rows of a dev share are chosen by their labels too. */
static void forget_labels(bertc_dataset *set)
{
    set->labelled = false;
    for (size_t i = 0; i < set->count; i++) {
        set->examples[i].labels = NULL;
        set->examples[i].num_labels = 0;
        set->examples[i].value = NAN;
    }
}

/* Read the train or dev split of the train file. */
static bertc_status read_share(const bertc_task *task, bertc_split split, bool texts, size_t limit,
                               bertc_dataset **dataset, bertc_error *err)
{
    const struct bertc_own_task *own = task->own;
    uint64_t *chosen = NULL;
    bertc_status status = own->limits ? BERTC_OK : choose_limits(own, &chosen, err);
    const bc_dev_rows dev = {.limits = own->limits ? own->limits : chosen};
    if (status == BERTC_OK)
        status = bc_dataset_read_file(task, split, &task->splits[split], &dev, own->files[BERTC_TRAIN], limit, dataset,
                                      err);
    bc_free(chosen);
    if (status == BERTC_OK && texts) forget_labels(*dataset);
    return status;
}

static bertc_status read_own(const bertc_task *task, const char *data, bertc_split split, bool texts, size_t limit,
                             bertc_dataset **dataset, bertc_error *err)
{
    char *path = NULL;
    if (!data && split != BERTC_TEST && bc_own_shares(task->own))
        return read_share(task, split, texts, limit, dataset, err);
    struct bertc_own_task own = *task->own; /* with the columns of this file if none are stated */
    bool missing;
    bertc_status status = locate(task, data, split, &path, &missing, err);
    if (status == BERTC_OK) status = bc_own_check_file(&own, path, err);
    if (status == BERTC_OK && !own.columns.text) status = bc_own_find_columns(&own, path, false, err);
    bertc_columns columns = bc_own_columns_of(&own, NULL);
    columns.keep = task->splits[split].keep;
    if (texts) columns = bc_columns_of_texts(&columns);
    if (status == BERTC_OK) status = bc_dataset_read_file(task, split, &columns, NULL, path, limit, dataset, err);
    bc_free(path);
    return status;
}

static bertc_status read_split(const bertc_task *task, const char *data, bertc_split split, bool texts, size_t limit,
                               const char *caller, bertc_dataset **dataset, bertc_error *err)
{
    if (!dataset) return bc_fail_null(err, caller, "dataset");
    *dataset = NULL;
    bertc_status status = check(task, data, split, caller, err);
    if (status != BERTC_OK) return status;
    return (task->own ? read_own : bc_glue_read)(task, data, split, texts, limit, dataset, err);
}

bertc_status bertc_dataset_read(const bertc_task *task, const char *data, bertc_split split, size_t limit,
                                bertc_dataset **dataset, bertc_error *err)
{
    return read_split(task, data, split, false, limit, __func__, dataset, err);
}

bertc_status bertc_dataset_read_texts(const bertc_task *task, const char *data, bertc_split split, size_t limit,
                                      bertc_dataset **dataset, bertc_error *err)
{
    return read_split(task, data, split, true, limit, __func__, dataset, err);
}
