#include "tasks/locate.h"

#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

/* A task's file is looked for below these; "" is the task's own folder given as --data. */
enum { FOLDERS = 3, SETS = 2 };

typedef struct search {
    const char *folders[FOLDERS];        /* null: none */
    const bertc_columns *sets[SETS];     /* in order of preference */
} search;

static search plan(const bertc_task *task, bertc_split split)
{
    return (search){.folders = {task->folder, task->old_folder, ""},
                    .sets = {&task->splits[split], &task->old_splits[split]}};
}

static char *join(const char *data, const char *folder, const char *file)
{
    if (!*folder) return bc_path_join(data, file);
    char *inner = bc_path_join(data, folder);
    char *path = inner ? bc_path_join(inner, file) : NULL;
    bc_free(inner);
    return path;
}

/* The list of dev rows lies beside the file. */
static bertc_status find_ids(bc_place *place, const char *data, const char *folder,
                             bertc_error *err)
{
    if (!place->columns->ids_file) return BERTC_OK;
    place->ids = join(data, folder, place->columns->ids_file);
    if (!place->ids) return bc_fail_memory(err);
    bool found;
    bertc_status status = bc_file_find(place->ids, &found, err);
    if (status != BERTC_OK || found) return status;
    return bc_fail(err, BERTC_INPUT, "%s: needs %s beside it, the list of its dev rows",
                   place->path, place->columns->ids_file);
}

static bertc_status try_file(const char *data, const char *folder, bc_place *place,
                             bertc_error *err)
{
    char *path = join(data, folder, place->columns->file);
    if (!path) return bc_fail_memory(err);
    bool found;
    bertc_status status = bc_file_find(path, &found, err);
    if (status != BERTC_OK || !found) {
        bc_free(path);
        return status;
    }
    place->path = path;
    return find_ids(place, data, folder, err);
}

/* The names that were looked for, one after the other; how many. */
static int list_names(const search *s, const char *separator, bc_text *names)
{
    int count = 0;
    for (int i = 0; i < SETS * FOLDERS; i++) {
        const char *folder = s->folders[i % FOLDERS], *file = s->sets[i / FOLDERS]->file;
        if (!folder || !file) continue;
        bc_text_printf(names, "%s%s%s%s", count++ > 0 ? separator : "", folder, *folder ? "/" : "",
                       file);
    }
    return count;
}

static bertc_status check_folder(const char *data, bertc_error *err)
{
    struct stat info;
    if (stat(data, &info) != 0) return bc_fail_errno(err, data, "cannot open folder");
    return S_ISDIR(info.st_mode) ? BERTC_OK : bc_fail(err, BERTC_INPUT, "%s: not a folder", data);
}

static bertc_status fail_missing(const search *s, const char *data, bertc_error *err)
{
    bc_text two = {0}, more = {0};
    bool neither = list_names(s, " nor ", &two) == 2;
    list_names(s, ", ", &more);
    bertc_status status =
        two.failed || more.failed
            ? bc_fail_memory(err)
            : bc_fail(err, BERTC_INPUT, "%s: there is %s %s", data, neither ? "neither" : "none of",
                      neither ? two.bytes : more.bytes);
    bc_text_clear(&two);
    bc_text_clear(&more);
    return status;
}

bertc_status bc_task_locate(const bertc_task *task, const char *data, bertc_split split,
                            bc_place *place, bertc_error *err)
{
    *place = (bc_place){NULL, NULL, NULL};
    bertc_status status = bc_task_check(task, err);
    if (status != BERTC_OK) return status;
    if (!data) return bc_fail_null(err, __func__, "data");
    if ((unsigned)split >= BERTC_SPLITS)
        return bc_fail(err, BERTC_USAGE, "task %s has no split %d", task->name, (int)split);
    if (!task->splits[split].file)
        return bc_fail(err, BERTC_USAGE, "task %s has no %s split", task->name,
                       bertc_split_name(split));
    const search s = plan(task, split);
    status = check_folder(data, err);
    for (int i = 0; i < SETS * FOLDERS && status == BERTC_OK && !place->path; i++) {
        const char *folder = s.folders[i % FOLDERS];
        place->columns = s.sets[i / FOLDERS];
        if (folder && place->columns->file) status = try_file(data, folder, place, err);
    }
    if (status == BERTC_OK && !place->path) status = fail_missing(&s, data, err);
    if (status != BERTC_OK) bc_place_clear(place);
    return status;
}

void bc_place_clear(bc_place *place)
{
    bc_free(place->path);
    bc_free(place->ids);
    *place = (bc_place){NULL, NULL, NULL};
}

bertc_status bertc_task_path(const bertc_task *task, const char *data, bertc_split split,
                             char **path, bertc_error *err)
{
    bc_place place;
    if (!path) return bc_fail_null(err, __func__, "path");
    *path = NULL;
    bertc_status status = bc_task_locate(task, data, split, &place, err);
    if (status != BERTC_OK) return status;
    *path = place.path;
    place.path = NULL;
    bc_place_clear(&place);
    return BERTC_OK;
}
