/* From the data to a run that can step: first all that can be known without the weights, then the
 * weights and everything that was planned. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "tasks/tasks.h"
#include "train/options.h"
#include "train/run.h"
#include "train/thaw.h"

/* ---- Data and model ------------------------------------------------------------------------ */

static bertc_status read_split(const bc_run *run, const bc_lane *lane, bertc_split split,
                               bertc_dataset **dataset, bertc_error *err)
{
    const bertc_train_options *o = &run->options;
    int64_t limit = split == BERTC_TRAIN ? o->limit_train : o->limit_eval;
    bertc_status status =
        bertc_dataset_read(lane->task, o->data, split, (size_t)limit, dataset, err);
    if (status != BERTC_OK) return status;
    const bertc_dataset *set = *dataset;
    if (!set->labelled)
        return bc_fail(err, BERTC_INPUT, "%s: the %s split has no labels to %s", set->path,
                       bertc_split_name(split), split == BERTC_TRAIN ? "train on" : "score");
    bc_source_notify_rows(set, bc_meter_notify(&run->meter));
    return BERTC_OK;
}

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
        .biases_only = o->train_only == BERTC_TRAIN_BIASES,
        .reinit_layers = (int32_t)o->reinit_layers,
    };
    if (bc_meter_notify(&run->meter)) options.notify = *bc_meter_notify(&run->meter);
    return options;
}

/* The head's own rate, and each layer's less than that of what lies above it. */
static void set_rates(const bc_run *run)
{
    const bertc_train_options *o = &run->options;
    const bertc_config *config = &run->model->config;
    for (size_t i = 0; i < run->model->count; i++) {
        bc_param *p = &run->model->params[i];
        int above = config->num_hidden_layers + 2 - bc_param_stage(config, p);
        if (above > 0) p->rate = pow(o->layer_lr_decay, above);
        else if (o->head_lr >= 0) p->rate = o->head_lr / o->lr;
    }
}

/* The head that a lane needs. Where the model's own head has the task's labels under other names that
 * are known for them, or under their numbers, those are the labels that it is to have. */
static bc_head head_of(const bc_run *run, const bc_lane *lane)
{
    static const char *const regression[] = {"LABEL_0"};
    const bertc_task *task = lane->task;
    const bertc_config *config = &run->source.config;
    int32_t map[BERTC_MAX_LABELS];
    bool by_name;
    bc_head head = {.name = task->name, .num_labels = task->num_labels,
                    .labels = task->regression ? regression : task->labels};
    if (bertc_task_match_labels(task, config->labels, config->num_labels, map, &by_name, NULL) ==
            BERTC_OK &&
        (by_name || bc_labels_are_numbers(config->labels, config->num_labels)))
        head.labels = (const char *const *)config->labels;
    return head;
}

static bertc_status open_model(bc_run *run, bertc_error *err)
{
    bertc_model_options options = model_options(run);
    bc_head heads[BERTC_MAX_TASKS];
    for (int i = 0; i < run->num_lanes; i++) heads[i] = head_of(run, &run->lanes[i]);
    bertc_status status = bc_model_open_heads(run->options.model, &options, heads, run->num_lanes,
                                              &run->model, err);
    if (status != BERTC_OK) return status;
    run->options.threads = run->model->threads;
    set_rates(run);
    size_t trained = bc_model_trained_scalars(run->model);
    if (trained < run->model->scalars)
        bc_notify(bc_meter_notify(&run->meter), "%zu of %zu parameters are trained", trained,
                  run->model->scalars);
    return BERTC_OK;
}

/* A head that came without names gets the task's, so that nobody has to guess them later. */
static bertc_status name_labels(bc_run *run, const bertc_task *task, const int32_t *map,
                                bertc_error *err)
{
    const char *names[BERTC_MAX_LABELS];
    for (int i = 0; i < task->num_labels; i++) names[map[i]] = task->labels[i];
    return bertc_config_set_labels(&run->model->config, names, task->num_labels, err);
}

static bertc_status match_labels(bc_run *run, int lane, int32_t map[BERTC_MAX_LABELS],
                                 bertc_error *err)
{
    bool by_name;
    const bertc_task *task = run->lanes[lane].task;
    const bertc_config *config = &run->model->config;
    bc_model_use_head(run->model, lane);
    bertc_status status = bertc_task_match_labels(task, config->labels, config->num_labels, map,
                                                  &by_name, err);
    if (status != BERTC_OK || by_name) return status;
    return name_labels(run, task, map, err);
}

static bc_counts count(const bertc_dataset *dataset, const bertc_inputs *inputs)
{
    return (bc_counts){dataset->count, dataset->skipped, dataset->ungraded, inputs->truncated,
                       inputs->invalid};
}

/* Tokenise a lane's splits; the dev split is handed over. */
static bertc_status tokenise(const bc_run *run, bc_lane *lane, bertc_dataset *train,
                             bertc_dataset **dev, const int32_t *map, bertc_error *err)
{
    bc_pack pack = {(size_t)run->options.eval_batch_size, (size_t)run->options.micro_batch_tokens};
    bertc_dataset *set = *dev;
    bertc_status status = bertc_inputs_create(run->source.tokenizer, train, run->source.max_length,
                                              map, &lane->train, err);
    if (status == BERTC_OK)
        status = bc_check_inputs(lane->train, &run->source.config, train->path, err);
    if (status != BERTC_OK) return status;
    *dev = NULL;
    status = bc_eval_open(&lane->dev, set, &run->source, map, pack, err);
    if (status != BERTC_OK) return status;
    lane->train_counts = count(train, lane->train);
    lane->dev_counts = count(set, lane->dev.inputs);
    bc_source_notify_inputs(train, lane->train, bc_meter_notify(&run->meter));
    bc_source_notify_inputs(set, lane->dev.inputs, bc_meter_notify(&run->meter));
    return BERTC_OK;
}

static bertc_status read_lane(const bc_run *run, const bc_lane *lane, bertc_dataset *sets[2],
                              bertc_error *err)
{
    bertc_status status = read_split(run, lane, BERTC_TRAIN, &sets[0], err);
    return status == BERTC_OK ? read_split(run, lane, BERTC_DEV, &sets[1], err) : status;
}

static bertc_status read_all(bc_run *run, bertc_error *err)
{
    bertc_dataset *sets[BERTC_MAX_TASKS][2] = {{0}};
    int32_t map[BERTC_MAX_LABELS];
    bertc_status status = BERTC_OK;
    int lanes = run->num_lanes;
    for (int i = 0; i < lanes && status == BERTC_OK; i++)
        status = read_lane(run, &run->lanes[i], sets[i], err);
    if (status == BERTC_OK) status = open_model(run, err);
    for (int i = 0; i < lanes && status == BERTC_OK; i++) {
        status = match_labels(run, i, map, err);
        if (status == BERTC_OK)
            status = tokenise(run, &run->lanes[i], sets[i][0], &sets[i][1], map, err);
    }
    for (int i = 0; i < lanes; i++) {
        bertc_dataset_free(sets[i][0]);
        bertc_dataset_free(sets[i][1]);
    }
    return status;
}

/* ---- Plan ---------------------------------------------------------------------------------- */

/* Batches that a lane's examples make, and adds the steps of all epochs to *steps. */
static void plan_lane(const bertc_train_options *o, bc_lane *lane, int64_t *steps)
{
    size_t size = (size_t)o->batch_size, count = lane->train->count;
    lane->epoch = -1;
    lane->epoch_steps = (int64_t)(count / size + (count % size != 0));
    double exact = o->epochs * (double)lane->epoch_steps;
    int64_t whole = exact < 4e9 ? (int64_t)exact : INT32_MAX + (int64_t)1;
    *steps += whole + ((double)whole < exact);
}

static void plan_mix(bc_run *run)
{
    const bertc_train_options *o = &run->options;
    run->mix = (bc_mix){.tasks = run->num_lanes,
                        .sampling = (bertc_task_sampling)o->task_sampling,
                        .seed = (uint64_t)o->seed,
                        .epoch_steps = run->epoch_steps,
                        .epochs = (int64_t)ceil(o->epochs)};
    for (int i = 0; i < run->num_lanes; i++)
        run->mix.sizes[i] = (double)run->lanes[i].train->count;
}

static bertc_status plan_steps(bc_run *run, bertc_error *err)
{
    const bertc_train_options *o = &run->options;
    for (int i = 0; i < run->num_lanes; i++) {
        plan_lane(o, &run->lanes[i], &run->steps);
        run->epoch_steps += run->lanes[i].epoch_steps;
    }
    if (o->max_steps > 0 && run->steps > o->max_steps) run->steps = o->max_steps;
    if (run->steps > INT32_MAX)
        return bc_fail(err, BERTC_USAGE, "--epochs asks for more than %d steps", INT32_MAX);
    plan_mix(run);
    bertc_status status = bc_thaw_plan(o, run->model, run->epoch_steps, run->steps, err);
    if (status != BERTC_OK) return status;
    run->warmup = bc_schedule_warmup((bertc_recipe)o->recipe, o->warmup_ratio, run->steps);
    /* "Best" is the best of several; by default those are the ends of the epochs. */
    run->eval_every = o->eval_every;
    if (o->keep == BERTC_KEEP_BEST && o->eval_every == 0) run->eval_every = run->epoch_steps;
    return BERTC_OK;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

void bc_run_limit_passes(const bc_run *run, size_t tokens, bertc_limits *limits)
{
    size_t longest = 0, most = 0;
    for (int i = 0; i < run->num_lanes; i++) {
        const bc_lane *lane = &run->lanes[i];
        bc_pack dev = {lane->dev.pack.sequences, tokens};
        longest = larger(longest, lane->train->longest);
        most = larger(most, bc_pack_most(lane->dev.inputs, lane->dev.order, dev));
    }
    size_t trained = smaller(run->batch_tokens, larger(tokens, longest));
    limits->trained = (int32_t)trained;
    limits->tokens = (int32_t)larger(trained, most);
}

static bertc_status bound_batch_tokens(bc_run *run, bertc_error *err)
{
    bc_pack whole = {run->pack.sequences, SIZE_MAX};
    for (int i = 0; i < run->num_lanes; i++) {
        bc_lane *lane = &run->lanes[i];
        bertc_status status = bc_pack_longest_first(lane->train, lane->order, err);
        if (status != BERTC_OK) return status;
        run->batch_tokens =
            larger(run->batch_tokens, bc_pack_most(lane->train, lane->order, whole));
    }
    return BERTC_OK;
}

/* Tokens of the largest batch. The order of every epoch is known, so those that will come can be
 * counted; in a run of very many examples the longest ones make a batch that is at least as large. */
static bertc_status count_batch_tokens(bc_run *run, bertc_error *err)
{
    static const int64_t few = 1 << 22;
    if (run->steps > few / (int64_t)run->pack.sequences) return bound_batch_tokens(run, err);
    for (int64_t step = 0; step < run->steps; step++) {
        size_t count, tokens = 0;
        const uint32_t *examples;
        const size_t *starts = bc_run_batch(run, step, &examples, &count)->train->starts;
        for (size_t i = 0; i < count; i++) tokens += starts[examples[i] + 1] - starts[examples[i]];
        run->batch_tokens = larger(run->batch_tokens, tokens);
    }
    for (int i = 0; i < run->num_lanes; i++) run->lanes[i].epoch = -1;
    return BERTC_OK;
}

/* Room for the order of each lane's examples, and for shuffling the most. */
static bertc_status allocate_orders(bc_run *run, bertc_error *err)
{
    size_t most = 0;
    for (int i = 0; i < run->num_lanes; i++) {
        bc_lane *lane = &run->lanes[i];
        lane->order = bc_alloc(lane->train->count, sizeof *lane->order);
        if (!lane->order) return bc_fail_memory(err);
        most = larger(most, lane->train->count);
    }
    run->scratch = bc_alloc(most, 2 * sizeof *run->scratch);
    run->pack = (bc_pack){smaller((size_t)run->options.batch_size, most),
                          (size_t)run->options.micro_batch_tokens};
    return run->scratch ? BERTC_OK : bc_fail_memory(err);
}

static bertc_status plan_passes(bc_run *run, bertc_error *err)
{
    size_t sequences = 0, longest = 0;
    bertc_status status = allocate_orders(run, err);
    if (status == BERTC_OK) status = count_batch_tokens(run, err);
    if (status != BERTC_OK) return status;
    for (int i = 0; i < run->num_lanes; i++) {
        const bc_eval *dev = &run->lanes[i].dev;
        sequences = larger(sequences, smaller(dev->pack.sequences, dev->dataset->count));
        longest = larger(longest, larger(run->lanes[i].train->longest, dev->inputs->longest));
    }
    run->limits = (bertc_limits){
        .sequences = (int32_t)larger(run->pack.sequences, sequences),
        .longest = (int32_t)longest,
        .training = true,
        .checkpointing = (int32_t)run->options.gradient_checkpointing,
    };
    bc_run_limit_passes(run, run->pack.tokens, &run->limits);
    return BERTC_OK;
}

static bertc_status count_words(bc_run *run, size_t rows, bertc_error *err)
{
    bool *named = bc_calloc(rows, sizeof *named);
    if (!named) return bc_fail_memory(err);
    for (int l = 0; l < run->num_lanes; l++) {
        const bertc_inputs *in = run->lanes[l].train;
        for (size_t i = 0; i < in->starts[in->count]; i++) {
            run->named += !named[in->ids[i]];
            named[in->ids[i]] = true;
        }
    }
    bc_free(named);
    return BERTC_OK;
}

/* Of the word table's gradient there is room for the rows that the largest batch can name. */
static bertc_status plan_words(bc_run *run, bertc_error *err)
{
    bc_param *table = bc_model_param(run->model, BC_WORD, 0);
    size_t rows = table->shape[0];
    if (table->frozen) return BERTC_OK;
    table->touched = &run->words;
    bertc_status status = count_words(run, rows, err);
    if (status != BERTC_OK) return status;
    return bc_touched_create(&run->words, rows, smaller(run->named, run->batch_tokens), err);
}

bertc_status bc_run_survey(bc_run *run, bertc_error *err)
{
    bertc_status status = read_all(run, err);
    if (status == BERTC_OK) status = plan_steps(run, err);
    if (status == BERTC_OK) status = plan_passes(run, err);
    if (status == BERTC_OK) status = plan_words(run, err);
    return status;
}

/* ---- Weights and memory -------------------------------------------------------------------- */

/* The model's dropout gives way to the run's until the model is saved. */
static void set_dropout(bc_run *run)
{
    bertc_config *c = &run->model->config;
    double p = run->options.dropout;
    run->dropout[0] = c->hidden_dropout_prob;
    run->dropout[1] = c->attention_probs_dropout_prob;
    run->dropout[2] = c->classifier_dropout;
    if (p < 0) return;
    c->hidden_dropout_prob = c->attention_probs_dropout_prob = c->classifier_dropout = p;
}

/* Of several lanes the hash of their hashes. */
static void take_data_prints(bc_run *run)
{
    bc_part parts[2][BERTC_MAX_TASKS];
    for (int i = 0; i < run->num_lanes; i++) {
        bc_lane *lane = &run->lanes[i];
        bc_hash_inputs(lane->train_print, lane->train);
        bc_hash_inputs(lane->dev_print, lane->dev.inputs);
        parts[0][i] = (bc_part){lane->train_print, BC_HASH_HEX};
        parts[1][i] = (bc_part){lane->dev_print, BC_HASH_HEX};
    }
    memcpy(run->prints.train, run->lanes->train_print, BC_HASH_HEX);
    memcpy(run->prints.dev, run->lanes->dev_print, BC_HASH_HEX);
    if (run->num_lanes == 1) return;
    bc_hash(run->prints.train, parts[0], (size_t)run->num_lanes);
    bc_hash(run->prints.dev, parts[1], (size_t)run->num_lanes);
}

static bertc_status take_prints(bc_run *run, bertc_error *err)
{
    bc_part vocab;
    vocab.bytes = bertc_vocab_text(run->source.vocab, &vocab.length);
    bc_hash(run->prints.vocab, &vocab, 1);
    bertc_tokenizer_options settings = bertc_tokenizer_options_of(run->source.tokenizer);
    bc_hash_tokenizer(run->prints.tokenizer, &settings);
    bc_hash_config(run->prints.config, &run->source.config);
    take_data_prints(run);
    return bc_hash_block(run->prints.weights, run->model->values,
                         run->model->scalars * sizeof(float), err);
}

static bertc_status allocate(bc_run *run, bertc_error *err)
{
    const bertc_train_options *o = &run->options;
    bertc_status status =
        bertc_workspace_create(run->model, &run->limits, &run->workspace, err);
    if (status == BERTC_OK)
        status = bertc_batch_create(run->limits.sequences, run->limits.tokens, &run->batch, err);
    if (status != BERTC_OK) return status;
    return bc_optim_create(&run->optim, run->model->params, run->model->count,
                           (bertc_recipe)o->recipe, o->weight_decay, run->model->threads, err);
}

bertc_status bc_run_furnish(bc_run *run, bertc_error *err)
{
    bertc_model_options options = model_options(run);
    bertc_status status = bc_model_read(run->model, &options, err);
    if (status == BERTC_OK) status = allocate(run, err);
    if (status == BERTC_OK) status = take_prints(run, err);
    if (status == BERTC_OK) set_dropout(run);
    return status;
}
