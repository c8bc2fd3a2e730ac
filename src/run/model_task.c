#include "run/model_task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/size.h"
#include "formats/model_dir.h"
#include "run/journal.h"

/* ---- The task of a run --------------------------------------------------------------------- */

/* Find `name`, of `length` bytes, in a list of names separated by commas. */
static bool is_listed(const char *list, const char *name, size_t length)
{
    for (const char *at = list; length > 0;) {
        size_t n = strcspn(at, ",");
        if (n == length && memcmp(at, name, n) == 0) return true;
        if (at[n] == '\0') return false;
        at += n + 1;
    }
    return false;
}

/* Choose the task of a folder of a run. `list` is the run's --task. */
static bertc_status choose(const char *dir, const char *path, const char *list, const bertc_task **task,
                           bertc_error *err)
{
    const char *name = list;
    char *real = NULL;
    if (strchr(list, ',')) {
        real = realpath(dir, NULL);
        const char *slash = real ? strrchr(real, '/') : NULL;
        name = slash && is_listed(list, slash + 1, strlen(slash + 1)) ? slash + 1 : NULL;
    }
    *task = name ? bertc_task_find(name) : NULL;
    bertc_status status = BERTC_OK;
    if (!name)
        status = bc_fail(err, BERTC_INPUT, "%s: a run of the tasks %s, and the folder has the name of none of them; "
                         "give --task", path, list);
    else if (!*task)
        status = bc_fail(err, BERTC_INPUT, "%s: its task \"%.80s\" is not known; give --task", path, name);
    free(real);
    return status;
}

/* Read --task of the run in the folder `dir`. */
static bertc_status find_recorded(const char *dir, const bertc_task **task, bertc_error *err)
{
    cJSON *tree;
    char *path;
    bertc_status status = bc_model_dir_read_json(dir, BC_RUN_RECORD, &path, &tree, err);
    const char *list = cJSON_GetStringValue(bc_json_get(bc_json_get(tree, "options"), "task"));
    if (status == BERTC_OK && list) status = choose(dir, path, list, task, err);
    else if (status == BERTC_OK && tree)
        status = bc_fail(err, BERTC_INPUT, "%s: it states no task; give --task", path);
    cJSON_Delete(tree);
    bc_free(path);
    return status;
}

/* Open the task file of a run, if it has one. */
static bertc_status find_task_file(const bertc_predict_options *o, const bertc_task **task, bertc_error *err)
{
    bool found = false;
    char *path = bc_path_join(o->model, BC_RUN_TASK);
    bertc_status status = path ? bc_file_find(path, &found, err) : bc_fail_memory(err);
    if (status == BERTC_OK && found) status = bertc_task_open(path, o->data, NULL, false, NULL, task, err);
    bc_free(path);
    return status;
}

bertc_status bc_model_task_find(const bertc_predict_options *options, const bertc_task **task, bertc_error *err)
{
    *task = NULL;
    if (options->task) return bertc_task_open(options->task, options->data, NULL, false, NULL, task, err);
    bertc_status status = find_task_file(options, task, err);
    return status == BERTC_OK && !*task ? find_recorded(options->model, task, err) : status;
}

bertc_status bc_model_task_make(const bertc_config *config, bool pair, const bertc_task **task, bertc_error *err)
{
    bertc_kind kind = config->multi_label       ? BERTC_MULTILABEL
                      : config->num_labels == 1 ? BERTC_REGRESSION
                                                : BERTC_CLASSIFICATION;
    return bertc_task_of_labels("model", kind, (const char *const *)config->labels, config->num_labels, pair, task,
                                err);
}
