/* Predictions of a model for a split or for lines of text, and their scores. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"
#include "base/text.h"
#include "bertc/threads.h"
#include "jobs/inference.h"
#include "nn/model_load.h"
#include "run/eval_splits.h"
#include "run/options.h"
#include "run/thresholds.h"
#include "tasks/tasks.h"
#include "train/evaluate.h"

typedef struct job {
    const bertc_predict_options *options;
    const bertc_task *task;
    bc_meter meter;
    bc_inference inference;
    bool by_name; /* the model's labels were matched by name */
    bertc_dataset *dataset;
    bc_eval eval;
    int32_t threads;
} job;

/* Report which of the model's labels is taken for which of the task's: "LABEL_0 is negative, LABEL_1 is positive". */
static void notify_order(const job *j, const char *source, const char *reason, const int32_t *map)
{
    bc_text order = {0};
    char *const *labels = j->inference.source.config.labels;
    for (int i = 0; i < j->task->num_labels; i++)
        bc_text_printf(&order, "%s%s is %s", i ? ", " : "", labels[map[i]], j->task->labels[i]);
    if (!order.failed)
        bc_notify(bc_meter_notify(&j->meter), "%s: the labels %s, their order is assumed: %s", source, reason,
                  order.bytes);
    bc_text_clear(&order);
}

/* Match the model's labels with the task's: by name, or by number if they are unnamed, or with any_labels in the order
 * of the model. map (C): the task's label -> the model's. */
static bertc_status match_labels(job *j, int32_t *map, bertc_error *err)
{
    const bertc_config *config = &j->inference.source.config;
    if (config->head_refusal) return bc_fail(err, BERTC_INPUT, "%s", config->head_refusal);
    bool sets = j->task->kind == BERTC_MULTILABEL;
    if (config->multi_label != sets)
        return bc_fail(err, BERTC_INPUT, "%s: the model's problem_type is %s, task %s %s", j->options->model,
                       bertc_config_problem_type(config), j->task->name,
                       sets ? "needs multi_label_classification" : "is not multi-label");
    bertc_error reason = {.status = BERTC_OK};
    char source[512];
    snprintf(source, sizeof source, "%s%s", j->options->model, j->inference.source.base ? "" : "/config.json");
    bertc_status status = bertc_task_match_labels(j->task, config->labels, config->num_labels, map,
                                                  &j->by_name, &reason);
    bool fits = j->task->kind != BERTC_REGRESSION && config->num_labels == j->task->num_labels;
    if (status == BERTC_INPUT && fits && j->options->any_labels) {
        for (int32_t i = 0; i < config->num_labels; i++) map[i] = i;
        j->by_name = false;
        notify_order(j, source, "are not those of the task", map);
        return BERTC_OK;
    }
    if (status != BERTC_OK)
        return bc_fail(err, status, "%s: %s%s", source, reason.message,
                       fits ? "; --any-labels takes them in their order" : "");
    if (!j->by_name) notify_order(j, source, "have no names", map);
    return BERTC_OK;
}

/* Give the data set the thresholds beside the model. map (C): the task's label -> the model's. */
static bertc_status set_thresholds(const job *j, const int32_t *map, bertc_error *err)
{
    double *own = NULL;
    size_t count = (size_t)j->task->num_labels;
    if (j->task->kind != BERTC_MULTILABEL) return BERTC_OK;
    bertc_status status = bc_thresholds_read(j->options->model, &j->inference.source.config, &own, err);
    double *ordered = bc_alloc(count, sizeof *ordered);
    if (status == BERTC_OK && !ordered) status = bc_fail_memory(err);
    for (size_t i = 0; status == BERTC_OK && own && i < count; i++) ordered[i] = own[map[i]];
    if (status == BERTC_OK && own) {
        status = bertc_dataset_set_thresholds(j->dataset, ordered, err);
        bc_notify(bc_meter_notify(&j->meter), "%s/%s: labels are predicted from these thresholds", j->options->model,
                  BC_THRESHOLDS_FILE);
    }
    bc_free(own);
    bc_free(ordered);
    return status;
}

/* If the labels were not matched by name, fail if another order of the labels has a far better accuracy. */
static bertc_status check_order(const job *j, bertc_error *err)
{
    double given, top;
    bool better = false;
    size_t count = (size_t)j->task->num_labels;
    bc_text order = {0};
    if (j->by_name) return BERTC_OK;
    int32_t *best = bc_alloc(count, sizeof *best);
    const char **names = bc_alloc(count, sizeof *names); /* the task's label for each of the model's */
    bertc_status status = best && names ? bertc_task_better_order(j->dataset, j->eval.logits, &better, best,
                                                                  &given, &top, err)
                                        : bc_fail_memory(err);
    for (size_t i = 0; better && i < count; i++) names[j->eval.columns[best[i]]] = j->task->labels[i];
    for (size_t i = 0; better && i < count; i++) bc_text_printf(&order, "%s%s", i ? ", " : "", names[i]);
    if (better)
        status = order.failed ? bc_fail_memory(err)
                              : bc_fail(err, BERTC_INPUT,
                                        "%s: the label order is wrong: accuracy %.4f, but %.4f if the model's labels "
                                        "are %s; name them in id2label of config.json",
                                        j->options->model, given, top, order.bytes);
    bc_text_clear(&order);
    bc_free(best);
    bc_free(names);
    return status;
}

static bertc_status score_predictions(job *j, bertc_scores *scores, bertc_error *err)
{
    char constant[BC_CONSTANT_TEXT];
    bc_eval_split eval_split = {.task = j->task, .split = j->options->split};
    bertc_status status = check_order(j, err);
    if (status == BERTC_OK) status = bertc_task_score(j->dataset, j->eval.logits, scores, err);
    if (status == BERTC_OK && bc_scores_describe_constant(eval_split, scores, constant))
        bc_notify(bc_meter_notify(&j->meter), "%s", constant);
    return status;
}

/* Prepare in the order in which errors are cheapest to find, then predict. */
static bertc_status predict(job *j, bool score, bertc_predictions *predictions, bertc_error *err)
{
    const bertc_predict_options *o = j->options;
    const bertc_notify *notify = bc_meter_notify(&j->meter);
    size_t classes = (size_t)j->task->num_labels;
    bc_inference *inference = &j->inference;
    bertc_inputs *inputs;
    int32_t *map = bc_alloc(classes, sizeof *map);
    bertc_status status =
        map ? bc_model_source_open_texts(&inference->source, o, j->task, score, notify, &j->dataset, err)
            : bc_fail_memory(err);
    if (status == BERTC_OK && score) status = bc_model_source_check_labels(j->dataset, "score", err);
    if (status == BERTC_OK) status = bc_inference_resolve(inference, o, j->threads, notify, err);
    if (status == BERTC_OK) status = match_labels(j, map, err);
    if (status == BERTC_OK) status = set_thresholds(j, map, err);
    if (status == BERTC_OK) status = bc_model_open(o->model, &inference->options, &inference->model, err);
    if (status == BERTC_OK) status = bc_model_source_tokenize(&inference->source, j->dataset, map, &inputs, err);
    if (status != BERTC_OK) {
        bc_free(map);
        return status;
    }
    const bc_pack pack = {(size_t)o->batch_size, BC_PASS_TOKENS};
    status = bc_eval_open(&j->eval, inputs, map, classes, pack, err);
    if (status != BERTC_OK) return status;
    bc_model_source_notify_inputs(j->dataset, j->eval.inputs, notify);
    const bertc_limits limits = {.tokens = (int32_t)j->eval.max_tokens,
                                 .sequences = (int32_t)bc_min(j->dataset->count, pack.sequences),
                                 .longest = (int32_t)j->eval.inputs->longest};
    int32_t labels = bc_pack_max_labels(j->eval.inputs, pack.sequences);
    status = bc_inference_allocate(inference, &limits, labels, 0, err);
    if (status == BERTC_OK)
        status = bc_eval_run(&j->eval, inference->model, 0, inference->workspace, inference->batch, &j->meter, err);
    if (status == BERTC_OK) status = bc_check_finite(j->dataset, j->eval.logits, err);
    return status == BERTC_OK && score ? score_predictions(j, &predictions->scores, err) : status;
}

bertc_status bertc_predict(const bertc_predict_options *options, bool score, const bertc_observer *observer,
                           bertc_predictions *predictions, bertc_error *err)
{
    if (predictions) *predictions = (bertc_predictions){.scores.value[BERTC_LOSS] = (double)NAN};
    if (!options || (!options->task && !options->opened) || !predictions)
        return bc_fail_null(err, __func__, "options, their task and predictions");
    job j = {.options = options, .task = options->opened};
    bc_meter_start(&j.meter, observer);
    bertc_status status = BERTC_OK;
    if (!j.task) status = bertc_task_open(options->task, options->data, NULL, false, NULL, &j.task, err);
    if (status == BERTC_OK)
        status = bertc_threads_resolve(options->threads, bc_meter_notify(&j.meter), &j.threads, err);
    if (status == BERTC_OK) status = predict(&j, score, predictions, err);
    if (bc_is_stop(status)) bc_fail(err, status, "stopped");
    if (status == BERTC_OK) {
        predictions->task = options->opened ? NULL : j.task;
        predictions->dataset = j.dataset;
        predictions->logits = j.eval.logits;
        j.dataset = NULL;
        j.eval.logits = NULL;
    }
    bc_eval_close(&j.eval);
    bertc_dataset_free(j.dataset);
    if (status != BERTC_OK && !options->opened) bertc_task_close(j.task);
    bc_inference_close(&j.inference);
    return status;
}

void bertc_predictions_clear(bertc_predictions *predictions)
{
    if (!predictions) return;
    bertc_dataset_free(predictions->dataset);
    bc_free(predictions->logits);
    bertc_task_close(predictions->task);
    *predictions = (bertc_predictions){0};
}
