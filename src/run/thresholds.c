#include "run/thresholds.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "formats/config.h"
#include "formats/model_dir.h"
#include "tasks/tasks.h"

/* ---- Tuning -------------------------------------------------------------------------------- */

static bool is_tuned(const bc_run *run, const bc_run_task *task)
{
    return run->options.tune_thresholds && task->spec->kind == BERTC_MULTILABEL;
}

bertc_status bc_thresholds_check(const bc_run *run, bertc_error *err)
{
    bool any = !run->options.tune_thresholds;
    for (int t = 0; t < run->num_tasks; t++) any = any || is_tuned(run, &run->tasks[t]);
    if (any) return BERTC_OK;
    return bc_fail(err, BERTC_USAGE, "--tune-thresholds: %s %s",
                   run->num_tasks > 1 ? "no task" : run->tasks->spec->name,
                   run->num_tasks > 1 ? "is multi-label" : "is not a multi-label task");
}

/* A split may be of another task, which has the same labels in another order. */
static bertc_status tune(bc_run_task *task, bertc_error *err)
{
    size_t labels = (size_t)task->spec->num_labels;
    double *ordered = bc_alloc(labels, sizeof *ordered); /* in the order of a split's task */
    task->thresholds = bc_alloc(labels, sizeof *task->thresholds);
    bertc_status status = ordered && task->thresholds ? BERTC_OK : bc_fail_memory(err);
    if (status == BERTC_OK)
        status = bertc_task_tune_thresholds(task->eval_sets[0], task->evals[0].logits, ordered, err);
    for (size_t c = 0; c < labels && status == BERTC_OK; c++)
        task->thresholds[task->evals[0].columns[c]] = ordered[c];
    for (size_t i = 0; i < task->eval_count && status == BERTC_OK; i++) {
        const bc_eval *eval = &task->evals[i];
        for (size_t c = 0; c < labels; c++) ordered[c] = task->thresholds[eval->columns[c]];
        status = bertc_dataset_set_thresholds(task->eval_sets[i], ordered, err);
        if (status == BERTC_OK)
            status = bertc_task_score(task->eval_sets[i], eval->logits, &task->tuned_scores[i], err);
    }
    bc_free(ordered);
    return status;
}

bertc_status bc_thresholds_tune(bc_run *run, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    for (bc_run_task *task = run->tasks; task < run->tasks + run->num_tasks && status == BERTC_OK; task++) {
        if (!is_tuned(run, task)) continue;
        const bc_eval_split *split = &task->eval_splits[0];
        status = tune(task, err);
        if (status == BERTC_OK)
            bc_notify(bc_meter_notify(&run->meter), "the thresholds of %d labels are tuned on %s %s",
                      task->spec->num_labels, split->task->name, bertc_split_name(split->split));
    }
    return status;
}

/* ---- The file ------------------------------------------------------------------------------ */

bertc_status bc_thresholds_write(bc_run *run, int task, const bc_dir *dir, bertc_error *err)
{
    const bc_run_task *from = &run->tasks[task];
    const bertc_config *config = &bc_trainer_model(run->trainer)->heads[task].config;
    bc_text text = {0};
    if (!from->thresholds) return BERTC_OK;
    for (int i = 0; i < from->spec->num_labels; i++) {
        bc_text_printf(&text, i ? ",\n  " : "{\"thresholds\": {\n  ");
        bc_text_quote(&text, config->labels[i]);
        bc_text_printf(&text, ": ");
        bc_json_put_double(&text, from->thresholds[i]);
    }
    bc_text_printf(&text, "\n}}\n");
    return bc_text_write(&text, dir, BC_THRESHOLDS_FILE, &run->result_files, err);
}

static int compare_name(const void *key, const void *label)
{
    return strcmp(key, ((const bc_named_label *)label)->name);
}

/* Put the members of `object` into the order of the config's labels. thresholds (num_labels) is 0 on entry. */
static bertc_status take(const cJSON *object, const char *path, const bertc_config *config, double *thresholds,
                         bertc_error *err)
{
    size_t count = (size_t)config->num_labels;
    bc_named_label *sorted = bc_config_sorted_labels(config);
    bertc_status status = sorted ? BERTC_OK : bc_fail_memory(err);
    const cJSON *item;
    cJSON_ArrayForEach(item, object) {
        if (status != BERTC_OK) break;
        const bc_named_label *label = bsearch(item->string, sorted, count, sizeof *sorted, compare_name);
        bool number = cJSON_IsNumber(item) && item->valuedouble > 0 && item->valuedouble < 1;
        if (!label) status = bc_fail(err, BERTC_INPUT, "%s: the model has no label \"%.80s\"", path, item->string);
        else if (!number)
            status = bc_fail(err, BERTC_INPUT, "%s: the threshold of \"%.80s\" is not a number between 0 and 1", path,
                             item->string);
        else thresholds[label->index] = item->valuedouble;
    }
    for (size_t i = 0; i < count && status == BERTC_OK; i++)
        if (thresholds[i] == 0)
            status = bc_fail(err, BERTC_INPUT, "%s: no threshold of label \"%.80s\"", path, config->labels[i]);
    bc_free(sorted);
    return status;
}

/* Check that the run in `dir`, if it is one, did not tune thresholds: their file is missing. */
static bertc_status check_untuned(const char *dir, const char *file, bertc_error *err)
{
    cJSON *tree;
    char *path;
    bertc_status status = bc_model_dir_read_json(dir, BC_RUN_RECORD, &path, &tree, err);
    if (status == BERTC_OK && cJSON_IsTrue(bc_json_get(bc_json_get(tree, "options"), "tune-thresholds")))
        status = bc_fail(err, BERTC_INPUT, "%s: no such file, but the run tuned thresholds (%s)", file, path);
    cJSON_Delete(tree);
    bc_free(path);
    return status;
}

bertc_status bc_thresholds_read(const char *dir, const bertc_config *config, double **thresholds, bertc_error *err)
{
    cJSON *tree;
    char *path;
    *thresholds = NULL;
    bertc_status status = bc_model_dir_read_json(dir, BC_THRESHOLDS_FILE, &path, &tree, err);
    bool found = tree != NULL;
    if (status == BERTC_OK && !found) status = check_untuned(dir, path, err);
    const cJSON *object = bc_json_get(tree, "thresholds");
    if (status == BERTC_OK && found && !cJSON_IsObject(object))
        status = bc_fail(err, BERTC_INPUT, "%s: no object \"thresholds\"", path);
    if (status == BERTC_OK && found) {
        *thresholds = bc_calloc((size_t)config->num_labels, sizeof **thresholds);
        status = *thresholds ? take(object, path, config, *thresholds, err) : bc_fail_memory(err);
    }
    cJSON_Delete(tree);
    bc_free(path);
    return status;
}
