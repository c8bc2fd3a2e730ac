#include "run/prepare.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/memory_limit.h"
#include "bertc/threads.h"
#include "data/stratify.h"
#include "formats/config.h"
#include "nn/model_heads.h"
#include "nn/model_load.h"
#include "run/lora_options.h"
#include "run/memory.h"
#include "run/objective.h"
#include "run/passes.h"
#include "run/frozen_cache.h"
#include "run/fingerprints.h"
#include "run/restore.h"
#include "run/task_list.h"
#include "run/freeze.h"
#include "run/thresholds.h"
#include "tasks/tasks.h"

/* ---- Options ------------------------------------------------------------------------------- */

/* Check that no option needs the evaluation of a task that has no dev split. */
static bertc_status check_unevaluated(const bc_run *run, const bertc_task *spec, bertc_error *err)
{
    const bertc_train_options *o = &run->options;
    const struct {
        const char *name;
        bool given;
    } evaluated[] = {{"keep best", o->keep == BERTC_KEEP_BEST},
                     {"patience", o->patience > 0},
                     {"best-metric", o->best_metric != BERTC_BEST_PRIMARY},
                     {"eval-every", o->eval_every > 0},
                     {"tune-thresholds", o->tune_thresholds && spec->kind == BERTC_MULTILABEL}};
    for (size_t i = 0; i < sizeof evaluated / sizeof *evaluated; i++)
        if (evaluated[i].given)
            return bc_fail(err, BERTC_USAGE, "--%s needs a dev split, which task %s does not have", evaluated[i].name,
                           spec->name);
    bc_notify(bc_meter_notify(&run->meter), "%s: no dev split, so the run is not evaluated", spec->name);
    return BERTC_OK;
}

/* Resolve the evaluation splits, the metric and the loss of a task. Errors: BERTC_USAGE if the task does not have
 * them. */
static bertc_status open_task(bc_run *run, int index, const bertc_task *spec, bertc_error *err)
{
    const bertc_train_options *o = &run->options;
    bc_run_task *task = &run->tasks[index];
    task->spec = spec;
    bertc_status status = bc_eval_splits_parse(o->eval_splits, spec, task->eval_splits, &task->eval_count, err);
    run->state.task[index].splits = task->eval_count;
    if (status == BERTC_OK && task->eval_count == 0) status = check_unevaluated(run, spec, err);
    else if (status == BERTC_OK) status = bc_best_metric_check(o, task->eval_splits[0].task, err);
    if (status == BERTC_OK) status = bc_reported_metrics_parse(o, task->eval_splits, task->eval_count, err);
    if (status != BERTC_OK) return status;
    run->needed_metrics |= bc_needed_metrics(o, task->eval_splits, task->eval_count);
    return bc_objective_parse(o, task, err);
}

static bertc_status open_tasks(bc_run *run, bertc_error *err)
{
    const bertc_train_options *o = &run->options;
    const bertc_task *const *specs = run->list.tasks;
    bertc_status status =
        bc_task_list_open(o, run->synthetic, bc_meter_notify(&run->meter), &run->list, err);
    if (status != BERTC_OK) return status;
    run->state.tasks = run->num_tasks = run->list.count;
    if (run->num_tasks == 1 && o->task_sampling != BERTC_PROPORTIONAL)
        return bc_fail(err, BERTC_USAGE, "--task-sampling has no effect with one task, %s", specs[0]->name);
    if (run->num_tasks > 1 && strpbrk(o->class_weights, "0123456789"))
        return bc_fail(err, BERTC_USAGE, "--class-weights: with several tasks only balanced or none is allowed");
    if (o->warmup_steps >= 0 && o->warmup_ratio >= 0)
        return bc_fail(err, BERTC_USAGE, "--warmup-steps cannot be combined with --warmup-ratio");
    if (o->stratified && o->limit_train == 0)
        return bc_fail(err, BERTC_USAGE, "--stratified has no effect without --limit-train");
    for (int i = 0; i < run->num_tasks && status == BERTC_OK; i++) status = open_task(run, i, specs[i], err);
    return status == BERTC_OK ? bc_thresholds_check(run, err) : status;
}

bertc_status bc_run_open(bc_run *run, bertc_error *err)
{
    bertc_train_options *o = &run->options;
    bertc_precision precision;
    int32_t threads;
    bertc_status status = bc_options_check(o, err);
    if (status == BERTC_OK) status = bc_options_parse_save_interval(o, &run->saving.interval, err);
    if (status == BERTC_OK) status = bertc_threads_resolve(o->threads, bc_meter_notify(&run->meter), &threads, err);
    if (status != BERTC_OK) return status;
    o->threads = threads;
    status = open_tasks(run, err);
    if (status != BERTC_OK) return status;
    bool google = o->recipe == BERTC_RECIPE_GOOGLE;
    if (o->warmup_ratio < 0 && o->warmup_steps < 0) o->warmup_ratio = google ? 0.1 : 0;
    if (o->weight_decay < 0) o->weight_decay = google ? 0.01 : 0;
    precision = (bertc_precision)o->precision;
    status = bc_options_precision(bertc_backend_name((size_t)o->backend), &precision, err);
    o->precision = (int)precision;
    if (status != BERTC_OK) return status;
    status = bc_options_check_windows(o->long_texts, o->window_overlap >= 0, err);
    if (status != BERTC_OK) return status;
    run->resident = bc_memory_limit_read().resident;
    run->source.long_texts = o->long_texts;
    run->source.window_overlap = o->window_overlap;
    bool length_given = o->max_length > 0;
    for (int i = 0; i < run->num_tasks && !length_given; i++) {
        int64_t stated = bertc_task_max_length(run->tasks[i].spec);
        if (stated > o->max_length) o->max_length = stated;
    }
    status = bc_model_source_open(&run->source, o->model, o->max_length, bc_meter_notify(&run->meter), err);
    if (status != BERTC_OK) return status;
    size_t now = bc_memory_limit_read().resident;
    run->vocabulary = now > run->resident ? now - run->resident : 0;
    o->max_length = (int64_t)run->source.max_length;
    o->window_overlap = run->source.window_overlap;
    int32_t *layers = &run->source.config.num_hidden_layers;
    status = bc_options_kept_layers(o, layers, err);
    if (status == BERTC_OK) status = bc_options_frozen_stages(o, *layers, &run->frozen, err);
    return status == BERTC_OK ? bc_lora_options_check(o, *layers, run->frozen, &run->lora, err) : status;
}

/* ---- Data ---------------------------------------------------------------------------------- */

/* The data sets of a task. */
typedef struct data_sets {
    bertc_dataset *train, *evals[BERTC_MAX_EVALS];
} data_sets;

static bertc_status generate_split(const bc_run *run, bc_eval_split which, int64_t limit, bertc_dataset **dataset,
                            bertc_error *err)
{
    if (run->source.max_length > BERTC_MAX_KNOWN_LENGTH)
        return bc_fail(err, BERTC_USAGE, "--data is missing: a --max-length above %d needs it", BERTC_MAX_KNOWN_LENGTH);
    bertc_error why = {.status = BERTC_OK};
    bertc_status status =
        bc_synthetic_dataset(which.task, which.split, (size_t)limit, run->source.vocab, dataset, &why);
    if (status != BERTC_OK)
        return bc_fail(err, status, "%s%s", status == BERTC_USAGE ? "--data is missing: " : "", why.message);
    if (which.split == BERTC_TRAIN)
        bc_notify(bc_meter_notify(&run->meter), "no --data: %zu synthetic texts with the lengths of GLUE's %s are used",
                  (*dataset)->count, which.task->name);
    return BERTC_OK;
}

static bertc_status read_split(const bc_run *run, bc_eval_split which, int64_t limit, const char *purpose,
                               bertc_dataset **dataset, bertc_error *err)
{
    const char *data = bc_task_data(&run->options, which.task);
    if (run->synthetic && !bertc_task_has_files(which.task)) return generate_split(run, which, limit, dataset, err);
    bertc_status status = bertc_dataset_read(which.task, data, which.split, (size_t)limit, dataset, err);
    if (status != BERTC_OK) return status;
    bc_model_source_notify_rows(*dataset, bc_meter_notify(&run->meter));
    return bc_model_source_check_labels(*dataset, purpose, err);
}

/* ---- Model --------------------------------------------------------------------------------- */

static bertc_model_options model_options(const bc_run *run)
{
    const bertc_train_options *o = &run->options;
    bertc_model_options options = {
        .backend = bertc_backend_name((size_t)o->backend),
        .precision = (bertc_precision)o->precision,
        .threads = (int32_t)o->threads,
        .seed = (uint64_t)o->seed,
        .init = o->recipe == BERTC_RECIPE_GOOGLE ? BERTC_INIT_TRUNCATED : BERTC_INIT_NORMAL,
        .trainable = true,
        .frozen = run->frozen,
        .batch_invariant = true,
        .biases_only = o->train_only == BERTC_TRAIN_BIASES,
        .lora = run->lora,
        .keep_layers = o->keep_layers || o->feature_layer ? run->source.config.num_hidden_layers : 0,
        .new_head = o->feature_layer > 0,
        .reinit_layers = (int32_t)o->reinit_layers,
    };
    if (bc_meter_notify(&run->meter)) options.notify = *bc_meter_notify(&run->meter);
    return options;
}

/* Set the scale of each learning rate: --head-lr for the head, --layer-lr-decay from each layer to the next lower
 * layer. */
static void set_rates(const bertc_train_options *o, bertc_model *model)
{
    const bertc_config *config = &model->config;
    for (size_t i = 0; i < model->count; i++) {
        bc_param *p = &model->params[i];
        int above = bc_stage_head(config->num_hidden_layers) - bc_param_stage(config, p);
        if (above > 0) p->lr_scale = pow(o->layer_lr_decay, above);
        else if (o->head_lr >= 0) p->lr_scale = o->head_lr / o->lr;
    }
}

/* Open the model with a head for each task. If the label names of the model's head are synonyms or numbers of the
 * task's labels, the task's head keeps these names. */
static bertc_status open_heads(const bc_run *run, bertc_model **model, bertc_error *err)
{
    static const char *const regression[] = {"LABEL_0"};
    const bertc_model_options options = model_options(run);
    const bertc_config *config = &run->source.config;
    bc_head heads[BERTC_MAX_TASKS];
    int max = 0;
    for (int i = 0; i < run->num_tasks; i++)
        if (run->tasks[i].spec->num_labels > max) max = run->tasks[i].spec->num_labels;
    int32_t *map = bc_alloc((size_t)max, sizeof *map);
    if (!map) return bc_fail_memory(err);
    for (int i = 0; i < run->num_tasks; i++) {
        const bertc_task *task = run->tasks[i].spec;
        const bc_head_row *row = bc_head_of(task->num_labels, task->kind == BERTC_MULTILABEL);
        bool is_value = task->kind == BERTC_REGRESSION, has_labels = !config->head_refusal, by_name;
        has_labels = has_labels && config->multi_label == (task->kind == BERTC_MULTILABEL) &&
                     bertc_task_match_labels(task, config->labels, config->num_labels, map, &by_name, NULL) == BERTC_OK;
        heads[i] = (bc_head){.row = row, .name = task->name, .num_labels = task->num_labels,
                             .labels = has_labels ? (const char *const *)config->labels
                                       : is_value ? regression : task->labels};
    }
    bc_free(map);
    return bc_model_open_heads(run->options.model, &options, heads, run->num_tasks, model, err);
}

static bertc_status open_model(bc_run *run, bertc_error *err)
{
    bertc_model *model;
    bertc_status status = open_heads(run, &model, err);
    if (status == BERTC_OK) status = bc_trainer_create(model, &run->trainer, err);
    if (status == BERTC_OK) status = bc_lora_options_check_base(run, err);
    if (status != BERTC_OK) return status;
    bertc_config config = model->config; /* a copy with the run's dropout, which is not saved with the model */
    double p = run->options.dropout;
    if (p >= 0) config.hidden_dropout_prob = config.attention_probs_dropout_prob = config.classifier_dropout = p;
    char *path = bc_path_join(run->source.base ? run->source.base : run->options.model, "config.json");
    status = path ? bc_config_check_training(&config, path, err) : bc_fail_memory(err);
    bc_free(path);
    if (status != BERTC_OK) return status;
    run->dropout = bc_dropout_rates_of(&model->config, run->options.dropout);
    set_rates(&run->options, model);
    size_t trained = bc_model_trained_scalars(model);
    if (trained < model->scalars)
        bc_notify(bc_meter_notify(&run->meter), "%zu of %zu parameters are trained", trained, model->scalars);
    return BERTC_OK;
}

/* ---- Labels and tokens --------------------------------------------------------------------- */

/* Map the labels of a task to the labels of a head. Release *map by bc_free, also after an error. A head without label
 * names gets the task's names. */
static bertc_status match_labels(bertc_config *config, const bertc_task *task, int32_t **map, bertc_error *err)
{
    bool by_name;
    *map = bc_alloc((size_t)task->num_labels, sizeof **map);
    if (!*map) return bc_fail_memory(err);
    bertc_status status = bertc_task_match_labels(task, config->labels, config->num_labels, *map, &by_name, err);
    if (status != BERTC_OK || by_name) return status;
    const char **names = bc_alloc((size_t)task->num_labels, sizeof *names);
    if (!names) return bc_fail_memory(err);
    for (int i = 0; i < task->num_labels; i++) names[(*map)[i]] = task->labels[i];
    status = bertc_config_set_labels(config, names, task->num_labels, err);
    bc_free(names);
    return status;
}

static bc_counts count(const bertc_dataset *dataset, const bertc_inputs *inputs)
{
    return (bc_counts){dataset->count, dataset->skipped_short, dataset->skipped_label, inputs->truncated,
                       inputs->invalid, inputs->windows ? inputs->count : 0};
}

static bertc_status tokenise_train(bc_run *run, bertc_config *config, bc_run_task *task, const bertc_dataset *train,
                                   bertc_error *err)
{
    int32_t *map;
    bertc_status status = match_labels(config, task->spec, &map, err);
    if (status == BERTC_OK) status = bc_objective_resolve(run, task, train, map, err);
    if (status == BERTC_OK) status = bc_model_source_tokenize(&run->source, train, map, &task->train, err);
    bc_free(map);
    if (status != BERTC_OK) return status;
    task->train_counts = count(train, task->train);
    bc_model_source_notify_inputs(train, task->train, bc_meter_notify(&run->meter));
    return BERTC_OK;
}

/* Tokenise the data set of the index-th evaluation split; the task takes ownership, and *dataset becomes null. */
static bertc_status tokenise_eval(bc_run *run, bertc_config *config, bc_run_task *task, size_t index,
                                  bertc_dataset **dataset, bertc_error *err)
{
    bc_pack pack = {(size_t)run->options.eval_batch_size, (size_t)run->options.micro_batch_tokens};
    bertc_dataset *set = task->eval_sets[index] = *dataset;
    bc_eval *eval = &task->evals[index];
    bertc_inputs *inputs;
    int32_t *map;
    *dataset = NULL;
    bertc_status status = match_labels(config, set->task, &map, err);
    if (status == BERTC_OK) status = bc_model_source_tokenize(&run->source, set, map, &inputs, err);
    if (status != BERTC_OK) {
        bc_free(map);
        return status;
    }
    status = bc_eval_open(eval, inputs, map, (size_t)set->task->num_labels, pack, err);
    if (status != BERTC_OK) return status;
    task->eval_counts[index] = count(set, eval->inputs);
    bc_model_source_notify_inputs(set, eval->inputs, bc_meter_notify(&run->meter));
    return BERTC_OK;
}

/* Report the classes of a training set that have a single example. */
static bertc_status notify_single(const bertc_dataset *train, const bertc_notify *notify, bertc_error *err)
{
    const bertc_task *task = train->task;
    size_t single = 0;
    int first = 0;
    if (task->kind == BERTC_REGRESSION) return BERTC_OK;
    size_t *counts = bc_calloc((size_t)task->num_labels, sizeof *counts);
    if (!counts) return bc_fail_memory(err);
    for (size_t i = 0; i < train->count; i++)
        for (size_t k = 0; k < train->examples[i].num_labels; k++) counts[train->examples[i].labels[k]]++;
    for (int c = task->num_labels; c-- > 0;) {
        if (counts[c] != 1) continue;
        single++;
        first = c;
    }
    if (single > 0)
        bc_notify(notify, "%s: %zu class%s with a single example, such as \"%s\"", train->path, single,
                  single == 1 ? "" : "es", task->labels[first]);
    bc_free(counts);
    return BERTC_OK;
}

/* Report values that a new head is far from: it predicts values near 0. */
static void notify_scale(const bertc_dataset *train, const bertc_notify *notify)
{
    enum { FAR = 100 };
    double sum = 0, squares = 0, n = (double)train->count;
    if (train->task->kind != BERTC_REGRESSION) return;
    for (size_t i = 0; i < train->count; i++) sum += train->examples[i].value;
    for (size_t i = 0; i < train->count; i++) {
        double difference = train->examples[i].value - sum / n;
        squares += difference * difference;
    }
    double deviation = sqrt(squares / n);
    if (fabs(sum / n) > FAR || deviation > FAR)
        bc_notify(notify, "%s: the values have the mean %.4g and the deviation %.4g; a new head predicts values near 0, so "
                  "values scaled to a mean of 0 and a deviation of 1 are learnt much sooner", train->path, sum / n, deviation);
}

/* Report what may be wrong with the data of a user's own task. */
static bertc_status notify_data(const bc_run *run, const bc_run_task *task, const data_sets *sets, bertc_error *err)
{
    const bertc_notify *notify = bc_meter_notify(&run->meter);
    const char *path = sets->train->path;
    bertc_repeats repeats[BERTC_SPLITS];
    if (!task->spec->own || !notify) return BERTC_OK;
    bertc_status status = bertc_dataset_repeats((const bertc_dataset *[BERTC_SPLITS]){sets->train}, repeats, err);
    if (status != BERTC_OK) return status;
    const bertc_repeats *r = &repeats[BERTC_TRAIN];
    if (r->duplicates > 0)
        bc_notify(notify, "%s: %zu row%s the texts of an earlier row, the first on line %zu", path, r->duplicates,
                  r->duplicates == 1 ? " repeats" : "s repeat", r->duplicate.second);
    if (r->conflicts > 0)
        bc_notify(notify, "%s: %zu text%s with different labels, the first on lines %zu and %zu", path, r->conflicts,
                  r->conflicts == 1 ? "" : "s", r->conflict.first, r->conflict.second);
    notify_scale(sets->train, notify);
    status = notify_single(sets->train, notify, err);
    for (size_t i = 0; status == BERTC_OK && i < task->eval_count; i++) {
        const bertc_dataset *other = sets->evals[i];
        if (task->eval_splits[i].split == BERTC_TRAIN) continue;
        status = bertc_dataset_repeats((const bertc_dataset *[BERTC_SPLITS]){sets->train, other}, repeats, err);
        size_t shared = status == BERTC_OK ? repeats[BERTC_DEV].shared[BERTC_TRAIN] : 0;
        if (shared > 0)
            bc_notify(notify, "%s: %zu of %zu %s texts are also in the training data", other->path, shared,
                      other->count, bertc_split_name(other->split));
    }
    return status;
}

/* Read the data of all tasks, open the model for them, and tokenise. */
static bertc_status read_tasks(bc_run *run, bertc_error *err)
{
    const bertc_train_options *o = &run->options;
    data_sets sets[BERTC_MAX_TASKS] = {0};
    bertc_status status = BERTC_OK;
    for (int t = 0; t < run->num_tasks && status == BERTC_OK; t++) {
        const bc_run_task *task = &run->tasks[t];
        bc_eval_split which = {.task = task->spec, .split = BERTC_TRAIN};
        status = read_split(run, which, o->stratified ? 0 : o->limit_train, "train on", &sets[t].train, err);
        if (status == BERTC_OK && o->stratified)
            status = bc_stratify(sets[t].train, (size_t)o->limit_train, (uint64_t)o->seed, err);
        for (size_t i = 0; i < task->eval_count && status == BERTC_OK; i++)
            status = read_split(run, task->eval_splits[i], o->limit_eval, "score", &sets[t].evals[i], err);
        if (status == BERTC_OK) status = notify_data(run, task, &sets[t], err);
    }
    if (status == BERTC_OK) status = open_model(run, err);
    for (int t = 0; t < run->num_tasks && status == BERTC_OK; t++) {
        bc_run_task *task = &run->tasks[t];
        bertc_config *config = &bc_trainer_model(run->trainer)->heads[t].config;
        status = tokenise_train(run, config, task, sets[t].train, err);
        for (size_t i = 0; i < task->eval_count && status == BERTC_OK; i++)
            status = tokenise_eval(run, config, task, i, &sets[t].evals[i], err);
    }
    for (int t = 0; t < run->num_tasks; t++) {
        bertc_dataset_free(sets[t].train);
        for (size_t i = 0; i < BERTC_MAX_EVALS; i++) bertc_dataset_free(sets[t].evals[i]);
    }
    return status;
}

/* ---- Steps --------------------------------------------------------------------------------- */

/* Create the epochs of all tasks, and allocate memory to shuffle the largest training set. */
static bertc_status create_epochs(bc_run *run, bertc_error *err)
{
    const bertc_train_options *o = &run->options;
    size_t max = 0;
    bertc_status status = BERTC_OK;
    for (int i = 0; i < run->num_tasks; i++)
        if (run->tasks[i].train->count > max) max = run->tasks[i].train->count;
    run->scratch = bc_alloc(max, 2 * sizeof *run->scratch);
    if (!run->scratch) return bc_fail_memory(err);
    for (bc_run_task *task = run->tasks; task < run->tasks + run->num_tasks && status == BERTC_OK; task++)
        status = bc_epoch_create(&task->epoch, task->train, (size_t)o->batch_size, (uint64_t)o->seed,
                                 o->no_shuffle ? NULL : run->scratch, err);
    return status;
}

/* Plan the number of steps, the source of their examples, the frozen stages, the warm-up and the evaluations. */
static bertc_status plan_steps(bc_run *run, bertc_error *err)
{
    const bertc_train_options *o = &run->options;
    bc_plan *plan = &run->plan;
    bertc_status status = create_epochs(run, err);
    if (status != BERTC_OK) return status;
    for (int i = 0; i < run->num_tasks; i++) {
        double exact = o->epochs * (double)run->tasks[i].epoch.steps;
        plan->steps += exact < 4e9 ? (int64_t)ceil(exact) : INT32_MAX + (int64_t)1;
        plan->epoch_steps += run->tasks[i].epoch.steps;
    }
    if (o->max_steps > 0 && plan->steps > o->max_steps) plan->steps = o->max_steps;
    if (plan->steps > INT32_MAX)
        return bc_fail(err, BERTC_USAGE, "--epochs: the run has more than %d steps", INT32_MAX);
    run->sampler = (bc_task_sampler){.tasks = run->num_tasks,
                                     .sampling = (bertc_task_sampling)o->task_sampling,
                                     .seed = (uint64_t)o->seed,
                                     .epoch_steps = plan->epoch_steps,
                                     .epochs = (int64_t)ceil(o->epochs)};
    for (int i = 0; i < run->num_tasks; i++) {
        run->sampler.datasets[i] = &run->tasks[i].epoch;
        run->sampler.sizes[i] = (double)run->tasks[i].train->count;
    }
    run->examples = run->num_tasks > 1 ? bc_task_sampler_source(&run->sampler) : bc_epoch_source(&run->tasks->epoch);
    status = bc_freeze_plan(o, bc_trainer_model(run->trainer), plan->epoch_steps, plan->steps, err);
    if (status != BERTC_OK) return status;
    plan->schedule = (bc_schedule){
        .shape = (bertc_schedule)o->schedule, .recipe = (bertc_recipe)o->recipe, .lr = o->lr, .steps = plan->steps,
        .warmup = o->warmup_steps >= 0 ? o->warmup_steps
                                       : bc_schedule_warmup((bertc_recipe)o->recipe, o->warmup_ratio, plan->steps)};
    if (plan->schedule.warmup > plan->steps)
        bc_notify(bc_meter_notify(&run->meter),
                  "--warmup-steps %lld: the run has %lld steps, the learning rate does not reach --lr",
                  (long long)plan->schedule.warmup, (long long)plan->steps);
    /* Choosing the best weights needs several evaluations. By default the run evaluates after each epoch. */
    bool compares = o->keep == BERTC_KEEP_BEST || o->patience > 0;
    plan->eval_every = compares && o->eval_every == 0 ? plan->epoch_steps : o->eval_every;
    return BERTC_OK;
}

/* Count the different words of the training data. Limit the gradient of the word embedding table to the number of rows
 * that the largest batch can use. */
static bertc_status plan_words(bc_run *run, bertc_error *err)
{
    const bc_param *table = bc_model_param(bc_trainer_model(run->trainer), BC_WORD, 0);
    if (table->frozen || bc_trainer_model(run->trainer)->dense_words) return BERTC_OK;
    bool *used = bc_calloc(table->shape[0], sizeof *used);
    if (!used) return bc_fail_memory(err);
    for (int t = 0; t < run->num_tasks; t++) {
        const bertc_inputs *in = run->tasks[t].train;
        for (size_t i = 0; i < in->starts[in->count]; i++) {
            run->plan.distinct_words += !used[in->ids[i]];
            used[in->ids[i]] = true;
        }
    }
    bc_free(used);
    size_t max = run->plan.distinct_words < run->plan.batch_tokens ? run->plan.distinct_words : run->plan.batch_tokens;
    return bc_trainer_use_sparse_rows(run->trainer, max, err);
}

bertc_status bc_run_read_data(bc_run *run, bertc_error *err)
{
    bertc_status status = read_tasks(run, err);
    if (status == BERTC_OK) status = plan_steps(run, err);
    if (status == BERTC_OK) status = bc_passes_plan(run, err);
    if (status == BERTC_OK) status = plan_words(run, err);
    if (status == BERTC_OK) bc_frozen_cache_plan(run);
    return status;
}

/* ---- Weights and memory -------------------------------------------------------------------- */

bertc_status bc_run_allocate(bc_run *run, bertc_error *err)
{
    const bertc_train_options *o = &run->options;
    const bertc_model_options options = model_options(run);
    const bc_trainer_options how = {.recipe = (bertc_recipe)o->recipe, .weight_decay = o->weight_decay,
                                    .max_grad_norm = o->max_grad_norm, .dropout = run->dropout,
                                    .seed = (uint64_t)o->seed,
                                    .pack = run->plan.pack, .max_labels = run->plan.max_labels, .meter = &run->meter};
    bertc_error why = {0};
    bertc_status status = bc_model_read(bc_trainer_model(run->trainer), &options, err);
    if (status == BERTC_OK)
        status = bc_memory_explain(bc_trainer_open(run->trainer, &run->plan.limits, &how, &why), &why, err);
    if (status == BERTC_OK) status = bc_fingerprints_take(run, err);
    if (status == BERTC_OK && run->folder.fd >= 0) status = bc_run_claim_folder(run, err);
    if (status == BERTC_OK) status = bc_frozen_cache_open(run, err);
    return status;
}
