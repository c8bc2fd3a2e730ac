/* Predictions of a model for a split or for lines of text, and their scores.
 *
 * A data set is computed at once: its texts are sorted by length, and passes and memory are planned for it. A predictor
 * also computes the parts of an input that arrives little by little. Its memory is planned for the largest pass, and
 * its products are batch-invariant, because the division into parts depends on when the texts arrive. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/size.h"
#include "base/text.h"
#include "bertc/threads.h"
#include "jobs/inference.h"
#include "nn/model_load.h"
#include "nn/stage.h"
#include "run/eval_splits.h"
#include "run/model_task.h"
#include "run/options.h"
#include "run/thresholds.h"
#include "tasks/tasks.h"
#include "train/evaluate.h"

typedef struct bertc_predictor {
    bertc_predict_options options;
    const bertc_task *task;
    const bertc_task *owned; /* the task if the predictor opened it; else null */
    bool stated; /* options, a run or a task file state the task; false: it is made from config.json */
    bc_meter meter;
    bc_inference inference;
    int32_t *map; /* (C) the task's label -> the model's */
    double *thresholds; /* (C) of a multi-label task; null: none are stated */
    bool by_name; /* the model's labels were matched by name */
    bertc_dataset *dataset;
    bc_eval eval;
    int32_t threads;
    bool loaded;         /* weights and memory for parts of a longer input are there */
    bertc_limits limits; /* of these parts */
    size_t texts, windows, cut, truncated, invalid; /* sums over them */
    char *place;                      /* path of the first of them; null: none yet */
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
 * of the model. */
static bertc_status match_names(job *j, bertc_error *err)
{
    int32_t *map = j->map;
    const bertc_config *config = &j->inference.source.config;
    if (config->head_refusal) return bc_fail(err, BERTC_INPUT, "%s", config->head_refusal);
    bool sets = j->task->kind == BERTC_MULTILABEL;
    if (config->multi_label != sets)
        return bc_fail(err, BERTC_INPUT, "%s: the model's problem_type is %s, task %s %s", j->options.model,
                       bertc_config_problem_type(config), j->task->name,
                       sets ? "needs multi_label_classification" : "is not multi-label");
    bertc_error reason = {.status = BERTC_OK};
    char source[512];
    snprintf(source, sizeof source, "%s%s", j->options.model, j->inference.source.base ? "" : "/config.json");
    bertc_status status = bertc_task_match_labels(j->task, config->labels, config->num_labels, map,
                                                  &j->by_name, &reason);
    bool fits = j->task->kind != BERTC_REGRESSION && config->num_labels == j->task->num_labels;
    if (status == BERTC_INPUT && fits && j->options.any_labels) {
        for (int32_t i = 0; i < config->num_labels; i++) map[i] = i;
        j->by_name = false;
        notify_order(j, source, "are not those of the task", map);
        return BERTC_OK;
    }
    if (status != BERTC_OK)
        return bc_fail(err, status, "%s: %s%s", source, reason.message,
                       fits ? "; --any-labels takes them in their order" : "");
    if (!j->by_name && j->stated) notify_order(j, source, "have no names", map);
    return BERTC_OK;
}

/* Read the thresholds beside the model. */
static bertc_status read_thresholds(job *j, bertc_error *err)
{
    double *own = NULL;
    size_t count = (size_t)j->task->num_labels;
    if (j->task->kind != BERTC_MULTILABEL) return BERTC_OK;
    bertc_status status = bc_thresholds_read(j->options.model, &j->inference.source.config, &own, err);
    if (status == BERTC_OK && own) {
        bc_notify(bc_meter_notify(&j->meter), "%s/%s: the thresholds of its labels are used", j->options.model,
                  BC_THRESHOLDS_FILE);
        j->thresholds = bc_alloc(count, sizeof *j->thresholds);
        if (!j->thresholds) status = bc_fail_memory(err);
    }
    for (size_t i = 0; j->thresholds && i < count; i++) j->thresholds[i] = own[j->map[i]];
    bc_free(own);
    return status;
}

/* Match the labels, and read the thresholds beside the model. */
static bertc_status match_labels(job *j, bertc_error *err)
{
    bertc_status status = match_names(j, err);
    return status == BERTC_OK ? read_thresholds(j, err) : status;
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
                                        j->options.model, given, top, order.bytes);
    bc_text_clear(&order);
    bc_free(best);
    bc_free(names);
    return status;
}

static bertc_status score_predictions(job *j, bertc_scores *scores, bertc_error *err)
{
    char constant[BC_CONSTANT_TEXT];
    bc_eval_split eval_split = {.task = j->task, .split = j->options.split};
    bertc_status status = check_order(j, err);
    if (status == BERTC_OK) status = bertc_task_score(j->dataset, j->eval.logits, scores, err);
    if (status == BERTC_OK && bc_scores_describe_constant(eval_split, scores, constant))
        bc_notify(bc_meter_notify(&j->meter), "%s", constant);
    return status;
}

/* ---- Opening ------------------------------------------------------------------------------- */

/* Find the task, and open configuration and tokenizer. */
static bertc_status open_job(job *j, bertc_error *err)
{
    const bertc_predict_options *o = &j->options;
    const bertc_notify *notify = bc_meter_notify(&j->meter);
    bc_model_source *source = &j->inference.source;
    bertc_status status = bertc_threads_resolve(o->threads, notify, &j->threads, err);
    if (status == BERTC_OK && !o->model) status = bc_options_check_predict(o, err);
    if (status == BERTC_OK && !o->opened) status = bc_model_task_find(o, &j->owned, err);
    j->task = o->opened ? o->opened : j->owned;
    j->stated = j->task;
    if (status == BERTC_OK) status = bc_model_source_open_model(source, o, j->task, notify, err);
    if (status == BERTC_OK && j->stated && o->pair)
        status =
            bc_fail(err, BERTC_USAGE, "--pair has no effect on task %s, which decides what is read", j->task->name);
    if (status == BERTC_OK && !j->stated) status = bc_model_task_make(&source->config, o->pair, &j->owned, err);
    if (!j->stated) j->task = j->owned;
    if (status != BERTC_OK) return status;
    j->map = bc_alloc((size_t)j->task->num_labels, sizeof *j->map);
    return j->map ? BERTC_OK : bc_fail_memory(err);
}

static void close_job(job *j)
{
    bc_eval_close(&j->eval);
    bertc_dataset_free(j->dataset);
    bertc_task_close(j->owned);
    bc_inference_close(&j->inference);
    bc_free(j->map);
    bc_free(j->thresholds);
    bc_free(j->place);
}

/* Tokenize the data set, and plan passes whose logits are in the order of the task's labels. */
static bertc_status plan_passes(job *j, const bertc_dataset *dataset, bc_pack pack, bertc_error *err)
{
    size_t classes = (size_t)j->task->num_labels;
    bertc_inputs *inputs;
    int32_t *columns = bc_alloc(classes, sizeof *columns);
    bertc_status status = columns ? bc_model_source_tokenize(&j->inference.source, dataset, j->map, &inputs, err)
                                  : bc_fail_memory(err);
    if (status != BERTC_OK) {
        bc_free(columns);
        return status;
    }
    memcpy(columns, j->map, classes * sizeof *columns);
    return bc_eval_open(&j->eval, inputs, columns, classes, pack, err);
}

/* ---- A data set at once -------------------------------------------------------------------- */

/* Prepare in the order in which errors are cheapest to find, then predict. */
static bertc_status predict(job *j, bool score, bertc_predictions *predictions, bertc_error *err)
{
    const bertc_predict_options *o = &j->options;
    const bertc_notify *notify = bc_meter_notify(&j->meter);
    bc_inference *inference = &j->inference;
    if (!j->stated && o->data && bc_folder_exists(o->data))
        return bc_fail(err, BERTC_USAGE, "%s: a folder, but %s is not a run of a task; give --task, or one table as "
                       "--data", o->data, o->model);
    bertc_status status = bc_model_source_read_texts(o, j->task, score, notify, &j->dataset, err);
    if (status == BERTC_OK && score) status = bc_model_source_check_labels(j->dataset, "score", err);
    if (status == BERTC_OK) status = bc_inference_resolve(inference, o, j->threads, notify, err);
    if (status == BERTC_OK) status = match_labels(j, err);
    if (status == BERTC_OK && j->thresholds)
        status = bertc_dataset_set_thresholds(j->dataset, j->thresholds, err);
    if (status == BERTC_OK) status = bc_model_open(o->model, &inference->options, &inference->model, err);
    if (status == BERTC_OK) status = plan_passes(j, j->dataset, (bc_pack){(size_t)o->batch_size, BC_PASS_TOKENS}, err);
    if (status != BERTC_OK) return status;
    j->eval.predicts = !score;
    bc_model_source_notify_inputs(j->dataset, j->eval.inputs, notify);
    const bertc_limits limits = {.tokens = (int32_t)j->eval.max_tokens,
                                 .sequences = (int32_t)bc_min(j->eval.inputs->count, j->eval.pack.sequences),
                                 .longest = (int32_t)j->eval.inputs->longest};
    int32_t labels = bc_pack_max_labels(j->eval.inputs, j->eval.pack.sequences);
    status = bc_inference_allocate(inference, &limits, labels, 0, err);
    if (status == BERTC_OK)
        status = bc_eval_run(&j->eval, inference->model, 0, inference->workspace, inference->batch, &j->meter, err);
    if (status == BERTC_OK) status = bc_check_finite(j->dataset, j->eval.logits, err);
    return status == BERTC_OK && score ? score_predictions(j, &predictions->scores, err) : status;
}

bertc_status bertc_predictor_run(bertc_predictor *predictor, bool score, bertc_predictions *predictions,
                                 bertc_error *err)
{
    if (predictions) *predictions = (bertc_predictions){.scores.value[BERTC_LOSS] = (double)NAN};
    if (!predictor || !predictions) return bc_fail_null(err, __func__, "predictor and predictions");
    if (predictor->inference.model) return bc_fail(err, BERTC_USAGE, "the predictor is in use already");
    bertc_status status = predict(predictor, score, predictions, err);
    if (bc_is_stop(status)) bc_fail(err, status, "stopped");
    if (status != BERTC_OK) return status;
    predictions->dataset = predictor->dataset;
    predictions->logits = predictor->eval.logits;
    predictor->dataset = NULL;
    predictor->eval.logits = NULL;
    return BERTC_OK;
}

bertc_status bertc_predict(const bertc_predict_options *options, bool score, const bertc_observer *observer,
                           bertc_predictions *predictions, bertc_error *err)
{
    if (predictions) *predictions = (bertc_predictions){.scores.value[BERTC_LOSS] = (double)NAN};
    if (!options || !predictions) return bc_fail_null(err, __func__, "options and predictions");
    job j = {.options = *options};
    bc_meter_start(&j.meter, observer);
    bertc_status status = open_job(&j, err);
    if (status == BERTC_OK) status = bertc_predictor_run(&j, score, predictions, err);
    if (status == BERTC_OK) {
        predictions->task = j.owned;
        j.owned = NULL;
    }
    close_job(&j);
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

/* ---- Parts of a longer input --------------------------------------------------------------- */

bertc_status bertc_predictor_open(const bertc_predict_options *options, const bertc_observer *observer,
                                  bertc_predictor **predictor, bertc_error *err)
{
    if (predictor) *predictor = NULL;
    if (!options || !predictor) return bc_fail_null(err, __func__, "options and predictor");
    job *j = bc_calloc(1, sizeof *j);
    if (!j) return bc_fail_memory(err);
    j->options = *options;
    bc_meter_start(&j->meter, observer);
    bertc_status status = open_job(j, err);
    if (status == BERTC_OK) *predictor = j;
    else {
        close_job(j);
        bc_free(j);
    }
    return status;
}

const bertc_task *bertc_predictor_task(const bertc_predictor *predictor)
{
    return predictor ? predictor->task : NULL;
}

const double *bertc_predictor_thresholds(const bertc_predictor *predictor)
{
    return predictor ? predictor->thresholds : NULL;
}

bertc_status bertc_predictor_load(bertc_predictor *predictor, bertc_error *err)
{
    enum { SHORT_TEXTS = 256 };
    if (!predictor) return bc_fail_null(err, __func__, "predictor");
    job *j = predictor;
    bc_inference *inference = &j->inference;
    if (j->loaded) return BERTC_OK;
    if (inference->model) return bc_fail(err, BERTC_USAGE, "the predictor is in use already");
    bertc_status status = bc_inference_resolve(inference, &j->options, j->threads, bc_meter_notify(&j->meter), err);
    inference->options.batch_invariant = true;
    inference->options.frozen = bc_stage_head(inference->source.config.num_hidden_layers);
    if (status == BERTC_OK) status = match_labels(j, err);
    if (status == BERTC_OK) status = bc_model_open(j->options.model, &inference->options, &inference->model, err);
    if (status != BERTC_OK) return status;
    /* A pass takes as many tokens as batch_size texts of the maximum length have, and many texts if they are short. */
    size_t longest = inference->source.max_length, texts = (size_t)j->options.batch_size;
    size_t tokens = bc_max(longest, bc_min(BC_PASS_TOKENS, texts * longest));
    j->limits = (bertc_limits){.tokens = (int32_t)tokens, .sequences = (int32_t)bc_max(texts, SHORT_TEXTS),
                               .longest = (int32_t)longest};
    status = bc_inference_allocate(inference, &j->limits, j->limits.sequences, 0, err);
    j->loaded = status == BERTC_OK;
    return status;
}

bertc_status bertc_predictor_apply(bertc_predictor *predictor, const bertc_dataset *dataset, float *logits,
                                   bertc_error *err)
{
    if (!predictor || !dataset || !logits) return bc_fail_null(err, __func__, "predictor, dataset and logits");
    job *j = predictor;
    bc_inference *inference = &j->inference;
    bertc_status status = bc_dataset_check(dataset, err);
    if (status == BERTC_OK && dataset->task != j->task)
        status = bc_fail(err, BERTC_USAGE, "a data set of task %s, not of the predictor's", dataset->task->name);
    if (status == BERTC_OK) status = bertc_predictor_load(j, err);
    const bc_pack pack = {(size_t)j->limits.sequences, (size_t)j->limits.tokens};
    if (status == BERTC_OK) status = plan_passes(j, dataset, pack, err);
    if (status == BERTC_OK) {
        j->eval.predicts = j->eval.open_ended = true;
        j->eval.texts_before = j->texts;
        status = bc_eval_run(&j->eval, inference->model, 0, inference->workspace, inference->batch, &j->meter, err);
    }
    if (status == BERTC_OK) status = bc_check_finite(dataset, j->eval.logits, err);
    if (status == BERTC_OK && !j->place) j->place = bc_strndup(dataset->path, strlen(dataset->path));
    if (status == BERTC_OK && !j->place) status = bc_fail_memory(err);
    if (status == BERTC_OK) {
        memcpy(logits, j->eval.logits, dataset->count * j->eval.classes * sizeof *logits);
        j->texts += dataset->count;
        j->windows += j->eval.inputs->count;
        j->cut += j->eval.inputs->cut;
        j->truncated += j->eval.inputs->truncated;
        j->invalid += j->eval.inputs->invalid;
    }
    bc_eval_close(&j->eval);
    if (bc_is_stop(status)) bc_fail(err, status, "stopped");
    return status;
}

void bertc_predictor_close(bertc_predictor *predictor)
{
    if (!predictor) return;
    const bertc_inputs sums = {.count = predictor->cut > 0 ? predictor->windows : predictor->texts,
                               .texts = predictor->texts, .cut = predictor->cut, .truncated = predictor->truncated,
                               .invalid = predictor->invalid, .longest = predictor->inference.source.max_length};
    const bertc_dataset place = {.path = predictor->place};
    const bertc_progress all = {.phase = "predict", .unit = "texts", .step = (int64_t)predictor->texts,
                                .steps = (int64_t)predictor->texts, .loss = (double)NAN, .lr = (double)NAN,
                                .eta_seconds = (double)NAN};
    if (predictor->texts > 0) bc_meter_show(&predictor->meter, all, true);
    bc_model_source_notify_inputs(&place, &sums, bc_meter_notify(&predictor->meter));
    close_job(predictor);
    bc_free(predictor);
}
