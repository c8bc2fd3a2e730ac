#include "run/record.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "run/manifest.h"
#include "run/options.h"
#include "run/fingerprints.h"
#include "run/warnings.h"
#include "tasks/tasks.h"

/* Whether the scores of `count` tasks from `task` on are an array: there is not exactly one evaluation split. */
static bool are_several(const bc_run *run, int task, int count)
{
    return count > 1 || run->tasks[task].eval_count != 1;
}

void bc_record_evals(bc_text *out, const bc_run *run, int task, int count)
{
    bool several = are_several(run, task, count);
    const char *separator = several ? "[" : "";
    for (int t = task; t < task + count; t++)
        for (size_t i = 0; i < run->tasks[t].eval_count; i++, separator = ",\n") {
            const bc_eval_split *split = &run->tasks[t].eval_splits[i];
            bc_text_printf(out, "%s", separator);
            bc_put_scores(out, split->task, split->split, &bc_run_result_scores(run, t)[i], &split->metrics);
        }
    bc_text_printf(out, !several ? "\n" : *separator == '[' ? "[]\n" : "]\n");
}

/* ---- run.json ------------------------------------------------------------------------------ */

/* Append the counts as one object, or as an array if there is not exactly one. */
static void put_counts(bc_text *out, const char *name, const bc_counts *c, size_t count)
{
    bc_text_printf(out, "\"%s\":%s", name, count != 1 ? "[" : "");
    for (size_t i = 0; i < count; i++) {
        bc_text_printf(out,
                       "%s{\"examples\":%zu,\"skipped\":%zu,\"ungraded\":%zu,\"truncated\":%zu,"
                       "\"invalid_utf8\":%zu",
                       i ? "," : "", c[i].examples, c[i].skipped, c[i].unlabelled, c[i].truncated, c[i].invalid);
        if (c[i].windows > 0) bc_text_printf(out, ",\"windows\":%zu", c[i].windows);
        bc_text_printf(out, "}");
    }
    bc_text_printf(out, count != 1 ? "]" : "");
}

/* Append the beginning of run.json: versions, options and fingerprints. */
static void put_origin(bc_text *out, const bc_run *run, const bc_fingerprints *hashes)
{
    char libraries[1024];
    bertc_describe_libraries(bertc_backend_name((size_t)run->options.backend), libraries, sizeof libraries);
    size_t length = strlen(libraries);
    while (length > 0 && libraries[length - 1] == '\n') libraries[--length] = '\0';
    bc_text_printf(out, "{\"bertc\":\"%s\",\"libraries\":", bertc_version());
    bc_text_quote(out, libraries);
    bc_text_printf(out, ",\n \"options\":");
    bc_options_record(out, &run->options);
    bc_text_printf(out, ",\n \"xxh3\":");
    bc_fingerprints_record(out, hashes);
}

/* Append the counts of a task's data, its labels and, in the same order, the weights of its classes. */
static void put_task(bc_text *out, const bc_run *run, int index)
{
    const bc_run_task *task = &run->tasks[index];
    const bertc_config *config = &bc_trainer_model(run->trainer)->heads[index].config;
    const double *weights = task->objective.weights;
    put_counts(out, "train", &task->train_counts, 1);
    bc_text_printf(out, ",\n ");
    put_counts(out, "dev", task->eval_counts, task->eval_count);
    bc_text_printf(out, ",\n \"labels\":");
    for (int32_t i = 0; i < config->num_labels; i++) {
        bc_text_printf(out, i ? "," : "[");
        bc_text_quote(out, config->labels[i]);
    }
    bc_text_printf(out, "]");
    for (int i = 0; weights && i < task->spec->num_labels; i++) {
        bc_text_printf(out, i ? "," : ",\"class_weights\":[");
        bc_json_put_double(out, weights[i]);
    }
    if (weights) bc_text_printf(out, "]");
}

/* Append the numbers of steps and tokens, the training loss, and the kept_step of `task`; -1 for no kept_step. */
static void put_progress(bc_text *out, const bc_run *run, int task, size_t parameters)
{
    bc_text_printf(out, "\"parameters\":%zu,\"steps\":%lld,\"planned_steps\":%lld,"
                   "\"warmup_steps\":%lld,\"eval_every\":%lld,",
                   parameters, (long long)run->state.step, (long long)run->plan.steps,
                   (long long)run->plan.schedule.warmup, (long long)run->plan.eval_every);
    if (task >= 0) bc_text_printf(out, "\"kept_step\":%lld,", (long long)bc_run_result_step(run, task));
    bc_text_printf(out, "\"tokens\":%lld,\"train_loss\":", (long long)run->state.tokens);
    bc_json_put_double(out, run->state.loss_sum / (double)run->state.step);
}

bertc_status bc_record_run(bc_text *out, const bc_run *run, const char *folder, bertc_error *err)
{
    bool several = run->num_tasks > 1;
    put_origin(out, run, &run->fingerprints);
    bc_text_printf(out, ",\n \"command\":%s,\n ", run->command.bytes);
    if (!several) put_task(out, run, 0);
    for (int i = 0; several && i < run->num_tasks; i++) {
        bc_text_printf(out, "%s\"%s\":{", i ? ",\n " : "\"tasks\":{", run->tasks[i].spec->name);
        put_task(out, run, i);
        bc_text_printf(out, ",\"kept_step\":%lld}", (long long)bc_run_result_step(run, i));
    }
    bc_text_printf(out, several ? "},\n " : ",");
    put_progress(out, run, several ? -1 : 0, bertc_model_parameters(bc_trainer_model(run->trainer)));
    bc_text_printf(out, ",\n \"warnings\":");
    bc_warnings_record(out, run, 0, run->num_tasks);
    bc_text_printf(out, ",\n ");
    bertc_status status = bc_manifest_record(out, run, folder, err);
    bc_text_printf(out, "}\n");
    return status;
}

void bc_record_task(bc_text *out, const bc_run *run, int task)
{
    bc_fingerprints hashes = run->fingerprints;
    size_t parameters = 0;
    memcpy(hashes.train, run->tasks[task].train_fingerprint, sizeof hashes.train);
    memcpy(hashes.dev, run->tasks[task].dev_fingerprint, sizeof hashes.dev);
    const bertc_model *model = bc_trainer_model(run->trainer);
    for (size_t i = 0; i < model->count; i++) {
        const bc_param *p = &model->params[i];
        if (p->head < 0 || p->head == task) parameters += p->count;
    }
    put_origin(out, run, &hashes);
    bc_text_printf(out, ",\n \"task\":\"%s\",\n ", run->tasks[task].spec->name);
    put_task(out, run, task);
    bc_text_printf(out, ",");
    put_progress(out, run, task, parameters);
    bc_text_printf(out, ",\n \"warnings\":");
    bc_warnings_record(out, run, task, 1);
    bc_text_printf(out, "}\n");
}

/* ---- Reading ------------------------------------------------------------------------------- */

static double number_or_nan(const cJSON *item)
{
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

static int64_t count_or_zero(const cJSON *item)
{
    double count = number_or_nan(item);
    return count >= 0 && count <= 1e15 ? (int64_t)count : 0;
}

static bertc_status read_file(const char *folder, const char *name, cJSON **tree, bertc_error *err)
{
    char *path = bc_path_join(folder, name);
    bertc_status status = path ? bc_json_read(path, BC_FILE_SETTINGS, tree, err) : bc_fail_memory(err);
    bc_free(path);
    return status;
}

static void take_scores(const cJSON *tree, bertc_scores *scores)
{
    const cJSON *metrics = bc_json_get(tree, "metrics");
    *scores = (bertc_scores){.examples = (size_t)count_or_zero(bc_json_get(tree, "examples"))};
    for (int m = 0; m < BERTC_METRICS; m++)
        scores->value[m] = number_or_nan(bc_json_get(metrics, bertc_metric_name((bertc_metric)m)));
    scores->value[BERTC_LOSS] = number_or_nan(bc_json_get(tree, "loss"));
}

static void take_result(const bc_run *run, const cJSON *record, const cJSON *evals, bertc_train_result *result)
{
    result->steps = count_or_zero(bc_json_get(record, "steps"));
    result->planned_steps = count_or_zero(bc_json_get(record, "planned_steps"));
    result->train_loss = number_or_nan(bc_json_get(record, "train_loss"));
    bool several = are_several(run, 0, run->num_tasks);
    for (int t = 0; t < run->num_tasks; t++) {
        result->evaluated_tasks += run->tasks[t].eval_count > 0;
        for (size_t i = 0; i < run->tasks[t].eval_count; i++) {
            const bc_eval_split *split = &run->tasks[t].eval_splits[i];
            const cJSON *object = several ? cJSON_GetArrayItem(evals, (int)result->eval_count) : evals;
            bertc_split_scores *to = &result->evals[result->eval_count++];
            *to = (bertc_split_scores){.task = split->task, .split = split->split, .metrics = split->metrics};
            take_scores(object, &to->scores);
        }
    }
    result->scores = result->evals[0].scores;
    result->warnings = bc_warnings_notify_recorded(bc_json_get(record, "warnings"), bc_meter_notify(&run->meter));
}

bertc_status bc_record_read(const bc_run *run, bertc_train_result *result, bertc_error *err)
{
    const char *folder = run->folder.path;
    cJSON *record = NULL, *evals = NULL;
    bertc_status status = read_file(folder, BC_RUN_RECORD, &record, err);
    if (status == BERTC_OK) status = bc_options_compare(&run->options, bc_json_get(record, "options"), folder, err);
    if (status == BERTC_OK) status = bc_manifest_check(record, run, err);
    if (status == BERTC_OK) status = read_file(folder, BC_RUN_EVAL, &evals, err);
    if (status == BERTC_OK) take_result(run, record, evals, result);
    cJSON_Delete(record);
    cJSON_Delete(evals);
    return status;
}
