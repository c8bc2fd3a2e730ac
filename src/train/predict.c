/* A model applied to a split or to lines of text. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "tasks/tasks.h"
#include "train/evaluate.h"
#include "train/memory.h"
#include "train/options.h"

typedef struct job {
    const bertc_predict_options *options;
    const bertc_task *task;
    bc_meter meter;
    bc_source source;
    bertc_model_options how; /* the model is opened and read */
    bertc_model *model;
    bool by_name; /* labels were matched by name */
    bc_eval eval;
    bertc_workspace *workspace;
    bertc_batch *batch;
} job;

/* The model's source and the data, which is to have labels where it is scored. */
static bertc_status open_source(job *j, bool score, bertc_dataset **dataset, bertc_error *err)
{
    bertc_status status = bc_source_open_texts(&j->source, j->options, j->task,
                                               bc_meter_notify(&j->meter), dataset, err);
    if (status != BERTC_OK || !score || (*dataset)->labelled) return status;
    return bc_fail(err, BERTC_INPUT, "%s: split has no labels to score", (*dataset)->path);
}

/* The model's labels as the task's. Names that say nothing to the task are taken in their order. */
static bertc_status match_labels(job *j, int32_t map[BERTC_MAX_LABELS], bertc_error *err)
{
    const bertc_config *config = &j->source.config;
    if (config->head_refusal) return bc_fail(err, BERTC_INPUT, "%s", config->head_refusal);
    bertc_error reason = {.status = BERTC_OK};
    bertc_status status = bertc_task_match_labels(j->task, config->labels, config->num_labels, map,
                                                  &j->by_name, &reason);
    if (status != BERTC_OK)
        return bc_fail(err, status, "%s/config.json: %s", j->options->model, reason.message);
    if (!j->by_name && !bc_labels_are_numbers(config->labels, config->num_labels))
        bc_notify(bc_meter_notify(&j->meter),
                  "%s/config.json: the labels %s, ... are not those of task %s; taken in order",
                  j->options->model, config->labels[0], j->task->name);
    return BERTC_OK;
}

static bertc_status open_model(job *j, int32_t map[BERTC_MAX_LABELS], bertc_error *err)
{
    const bertc_predict_options *o = j->options;
    j->how = (bertc_model_options){.backend = bertc_backend_name((size_t)o->backend),
                                   .precision = o->precision,
                                   .threads = (int32_t)o->threads};
    if (bc_meter_notify(&j->meter)) j->how.notify = *bc_meter_notify(&j->meter);
    bertc_status status = bertc_precision_resolve(j->how.backend, &j->how.precision, err);
    if (status == BERTC_OK) status = match_labels(j, map, err);
    return status == BERTC_OK ? bc_model_open(o->model, &j->how, &j->model, err) : status;
}

/* Weights, and memory for the largest pass. */
static bertc_status furnish(job *j, bertc_error *err)
{
    size_t count = j->eval.dataset->count, most = j->eval.pack.sequences;
    bertc_limits limits = {
        .tokens = (int32_t)j->eval.most_tokens,
        .sequences = (int32_t)(count < most ? count : most),
        .longest = (int32_t)j->eval.inputs->longest,
    };
    bertc_status status = bc_memory_check_applied(j->model, j->how.backend, &limits, 0, err);
    if (status == BERTC_OK) status = bc_model_read(j->model, &j->how, err);
    if (status == BERTC_OK) status = bertc_workspace_create(j->model, &limits, &j->workspace, err);
    if (status == BERTC_OK)
        status = bertc_batch_create(limits.sequences, limits.tokens, &j->batch, err);
    return status;
}

/* Another order of the labels fits far better: the model's names say nothing, and its numbers
 * mean something else than the task's. */
static bertc_status check_order(const job *j, bertc_error *err)
{
    int32_t best[BERTC_MAX_LABELS];
    double given, better;
    const bertc_task *task = j->task;
    if (j->by_name ||
        !bertc_task_better_order(j->eval.dataset, j->eval.logits, best, &given, &better))
        return BERTC_OK;
    const char *names[BERTC_MAX_LABELS];
    bc_text order = {0};
    for (int i = 0; i < task->num_labels; i++) names[j->eval.map[best[i]]] = task->labels[i];
    for (int i = 0; i < task->num_labels; i++)
        bc_text_printf(&order, "%s%s", i ? ", " : "", names[i]);
    bertc_status status =
        order.failed ? bc_fail_memory(err)
                     : bc_fail(err, BERTC_INPUT,
                               "%s: the label order is wrong: accuracy %.4f, but %.4f if the "
                               "model's labels are %s; name them in id2label of config.json",
                               j->options->model, given, better, order.bytes);
    bc_text_clear(&order);
    return status;
}

static bertc_status execute(job *j, bool score, bertc_predictions *predictions, bertc_error *err)
{
    bertc_dataset *dataset = NULL;
    int32_t map[BERTC_MAX_LABELS];
    bc_pack pack = {(size_t)j->options->batch_size, BC_PASS_TOKENS};
    bertc_status status = open_source(j, score, &dataset, err);
    if (status == BERTC_OK) status = open_model(j, map, err);
    if (status != BERTC_OK) {
        bertc_dataset_free(dataset);
        return status;
    }
    status = bc_eval_open(&j->eval, dataset, &j->source, map, pack, err);
    if (status == BERTC_OK)
        bc_source_notify_inputs(dataset, j->eval.inputs, bc_meter_notify(&j->meter));
    if (status == BERTC_OK) status = furnish(j, err);
    if (status == BERTC_OK)
        status = bc_eval_run(&j->eval, j->model, j->workspace, j->batch, &j->meter, err);
    if (status == BERTC_OK && score) status = check_order(j, err);
    if (status == BERTC_OK && score)
        status = bertc_task_score(dataset, j->eval.logits, &predictions->scores, err);
    return status;
}

bertc_status bertc_predict(const bertc_predict_options *options, bool score,
                           const bertc_observer *observer, bertc_predictions *predictions,
                           bertc_error *err)
{
    job j = {.options = options, .task = bertc_task_find(options->task)};
    *predictions = (bertc_predictions){.scores.loss = (double)NAN};
    bc_meter_start(&j.meter, observer);
    bertc_status status = j.task ? execute(&j, score, predictions, err)
                                 : bc_fail(err, BERTC_USAGE, "unknown task '%s'", options->task);
    if (status == BERTC_INTERRUPTED || status == BERTC_TERMINATED) bc_fail(err, status, "stopped");
    if (status == BERTC_OK) {
        predictions->dataset = j.eval.dataset;
        predictions->logits = j.eval.logits;
        j.eval.dataset = NULL;
        j.eval.logits = NULL;
    }
    bertc_batch_free(j.batch);
    bertc_workspace_free(j.workspace);
    bc_eval_close(&j.eval);
    bertc_model_free(j.model);
    bc_source_close(&j.source);
    return status;
}

void bertc_predictions_clear(bertc_predictions *predictions)
{
    bertc_dataset_free(predictions->dataset);
    bc_free(predictions->logits);
    *predictions = (bertc_predictions){0};
}
