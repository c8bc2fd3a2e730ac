/* A model applied to a split or to lines of text. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "bertc/threads.h"
#include "nn/model_load.h"
#include "run/memory.h"
#include "run/options.h"
#include "run/eval_splits.h"
#include "run/model_source.h"
#include "train/evaluate.h"

typedef struct job {
    const bertc_predict_options *options;
    const bertc_task *task;
    bc_meter meter;
    bc_model_source source;
    bertc_model_options how; /* the model is opened and read */
    bertc_model *model;
    bool by_name; /* labels were matched by name */
    bertc_dataset *dataset;
    bc_eval eval;
    bertc_workspace *workspace;
    bertc_batch *batch;
    int32_t threads;
} job;

/* "LABEL_0 is negative, LABEL_1 is positive": which label stands for which of the task's. */
static void notify_order(const job *j, const char *place, const char *reason, const int32_t *map)
{
    bc_text order = {0};
    for (int i = 0; i < j->task->num_labels; i++)
        bc_text_printf(&order, "%s%s is %s", i ? ", " : "", j->source.config.labels[map[i]], j->task->labels[i]);
    if (!order.failed)
        bc_notify(bc_meter_notify(&j->meter), "%s: the labels %s, their order is assumed: %s", place, reason,
                  order.bytes);
    bc_text_clear(&order);
}

/* The model's labels as the task's: by their names, by their numbers, or where that is asked for in the
 * order in which they are. */
static bertc_status match_labels(job *j, int32_t *map, bertc_error *err)
{
    const bertc_config *config = &j->source.config;
    if (config->head_refusal) return bc_fail(err, BERTC_INPUT, "%s", config->head_refusal);
    const char *place = j->options->model, *file = j->source.base ? "" : "/config.json";
    bertc_error reason = {.status = BERTC_OK};
    char name[512];
    snprintf(name, sizeof name, "%s%s", place, file);
    bertc_status status = bertc_task_match_labels(j->task, config->labels, config->num_labels, map,
                                                  &j->by_name, &reason);
    bool fits = j->task->kind == BERTC_CLASSIFICATION && config->num_labels == j->task->num_labels;
    if (status == BERTC_INPUT && fits && j->options->any_labels) {
        for (int32_t i = 0; i < config->num_labels; i++) map[i] = i;
        j->by_name = false;
        notify_order(j, name, "are not those of the task", map);
        return BERTC_OK;
    }
    if (status != BERTC_OK)
        return bc_fail(err, status, "%s%s: %s%s", place, file, reason.message,
                       fits ? "; --any-labels takes them in their order" : "");
    if (!j->by_name) notify_order(j, name, "have no names", map);
    return BERTC_OK;
}

static bertc_status open_model(job *j, int32_t *map, bertc_error *err)
{
    const bertc_predict_options *o = j->options;
    j->how = (bertc_model_options){
        .backend = bertc_backend_name((size_t)o->backend), .precision = o->precision, .threads = j->threads};
    if (bc_meter_notify(&j->meter)) j->how.notify = *bc_meter_notify(&j->meter);
    bertc_status status = bc_options_precision(j->how.backend, &j->how.precision, err);
    if (status == BERTC_OK) status = match_labels(j, map, err);
    return status == BERTC_OK ? bc_model_open(o->model, &j->how, &j->model, err) : status;
}

/* Weights, and memory for the largest pass. */
static bertc_status allocate(job *j, bertc_error *err)
{
    bertc_error why = {0};
    size_t count = j->dataset->count, max = j->eval.pack.sequences;
    bertc_limits limits = {
        .tokens = (int32_t)j->eval.max_tokens,
        .sequences = (int32_t)(count < max ? count : max),
        .longest = (int32_t)j->eval.inputs->longest,
    };
    bertc_status status = bc_memory_check_inference(j->model, j->how.backend, &limits, 0, err);
    if (status == BERTC_OK) status = bc_model_read(j->model, &j->how, err);
    if (status == BERTC_OK)
        status = bc_memory_explain(bertc_workspace_create(j->model, &limits, &j->workspace, &why), &why, err);
    if (status == BERTC_OK)
        status = bertc_batch_create(limits.sequences, limits.tokens, limits.sequences, &j->batch, err);
    return status;
}

/* names (C): what the model's labels are in truth. */
static bertc_status fail_order(const job *j, const char *const *names, double given, double better, bertc_error *err)
{
    bc_text order = {0};
    for (int i = 0; i < j->task->num_labels; i++) bc_text_printf(&order, "%s%s", i ? ", " : "", names[i]);
    bertc_status status = order.failed ? bc_fail_memory(err)
                                       : bc_fail(err, BERTC_INPUT,
                                                 "%s: the label order is wrong: accuracy %.4f, but %.4f if the "
                                                 "model's labels are %s; name them in id2label of config.json",
                                                 j->options->model, given, better, order.bytes);
    bc_text_clear(&order);
    return status;
}

/* Another order of the labels fits far better: the model's names say nothing, and its numbers
 * mean something else than the task's. */
static bertc_status check_order(const job *j, bertc_error *err)
{
    double given, top;
    bool better = false;
    size_t count = (size_t)j->task->num_labels;
    if (j->by_name) return BERTC_OK;
    int32_t *best = bc_alloc(count, sizeof *best);
    const char **names = bc_alloc(count, sizeof *names);
    bertc_status status = best && names ? bertc_task_better_order(j->dataset, j->eval.logits, &better, best,
                                                                  &given, &top, err)
                                        : bc_fail_memory(err);
    if (better) {
        for (size_t i = 0; i < count; i++) names[j->eval.columns[best[i]]] = j->task->labels[i];
        status = fail_order(j, names, given, top, err);
    }
    bc_free(best);
    bc_free(names);
    return status;
}

static bertc_status take_scores(job *j, bertc_scores *scores, bertc_error *err)
{
    char alike[BC_CONSTANT_TEXT];
    bc_eval_split eval_split = {j->task, j->options->split};
    bertc_status status = check_order(j, err);
    if (status == BERTC_OK) status = bertc_task_score(j->dataset, j->eval.logits, scores, err);
    if (status == BERTC_OK && bc_scores_describe_constant(eval_split, scores, alike))
        bc_notify(bc_meter_notify(&j->meter), "%s", alike);
    return status;
}

static bertc_status execute(job *j, bool score, bertc_predictions *predictions, bertc_error *err)
{
    size_t classes = (size_t)j->task->num_labels;
    int32_t *map = bc_alloc(classes, sizeof *map);
    bc_pack pack = {(size_t)j->options->batch_size, BC_PASS_TOKENS};
    const bertc_notify *notify = bc_meter_notify(&j->meter);
    bertc_inputs *inputs;
    bertc_status status =
        map ? bc_model_source_open_texts(&j->source, j->options, j->task, score, notify, &j->dataset, err)
            : bc_fail_memory(err);
    if (status == BERTC_OK && score) status = bc_model_source_check_labels(j->dataset, "score", err);
    if (status == BERTC_OK) status = open_model(j, map, err);
    if (status == BERTC_OK) status = bc_model_source_tokenize(&j->source, j->dataset, map, &inputs, err);
    if (status != BERTC_OK) {
        bc_free(map);
        return status;
    }
    status = bc_eval_open(&j->eval, inputs, map, classes, pack, err);
    if (status == BERTC_OK) bc_model_source_notify_inputs(j->dataset, j->eval.inputs, notify);
    if (status == BERTC_OK) status = allocate(j, err);
    if (status == BERTC_OK) status = bc_eval_run(&j->eval, j->model, 0, j->workspace, j->batch, &j->meter, err);
    return status == BERTC_OK && score ? take_scores(j, &predictions->scores, err) : status;
}

bertc_status bertc_predict(const bertc_predict_options *options, bool score, const bertc_observer *observer,
                           bertc_predictions *predictions, bertc_error *err)
{
    if (predictions) *predictions = (bertc_predictions){.scores.loss = (double)NAN};
    if (!options || !options->task || !predictions)
        return bc_fail_null(err, __func__, "options, their task and predictions");
    job j = {.options = options, .task = bertc_task_find(options->task)};
    bc_meter_start(&j.meter, observer);
    bertc_status status = j.task ? bertc_threads_resolve(options->threads, bc_meter_notify(&j.meter), &j.threads, err)
                                 : bc_fail(err, BERTC_USAGE, "unknown task '%s'", options->task);
    if (status == BERTC_OK) status = execute(&j, score, predictions, err);
    if (bc_is_stop(status)) bc_fail(err, status, "stopped");
    if (status == BERTC_OK) {
        predictions->dataset = j.dataset;
        predictions->logits = j.eval.logits;
        j.dataset = NULL;
        j.eval.logits = NULL;
    }
    bertc_batch_free(j.batch);
    bertc_workspace_free(j.workspace);
    bc_eval_close(&j.eval);
    bertc_dataset_free(j.dataset);
    bertc_model_free(j.model);
    bc_model_source_close(&j.source);
    return status;
}

void bertc_predictions_clear(bertc_predictions *predictions)
{
    if (!predictions) return;
    bertc_dataset_free(predictions->dataset);
    bc_free(predictions->logits);
    *predictions = (bertc_predictions){0};
}
