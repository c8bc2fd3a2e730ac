/* From the data to a run that can step: first all that can be known without the weights, then the
 * weights and everything that was planned. */

#include <stdint.h>

#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "train/options.h"
#include "train/run.h"
#include "train/thaw.h"

/* ---- Data and model ------------------------------------------------------------------------ */

static bertc_status read_split(const bc_run *run, bertc_split split, bertc_dataset **dataset,
                               bertc_error *err)
{
    const bertc_train_options *o = &run->options;
    int64_t limit = split == BERTC_TRAIN ? o->limit_train : o->limit_eval;
    bertc_status status =
        bertc_dataset_read(run->task, o->data, split, (size_t)limit, dataset, err);
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
    static const char *const regression[] = {"LABEL_0"};
    const bertc_train_options *o = &run->options;
    bertc_model_options options = {
        .backend = bertc_backend_name((size_t)o->backend),
        .precision = (bertc_precision)o->precision,
        .threads = (int32_t)o->threads,
        .seed = (uint64_t)o->seed,
        .init = o->recipe == BERTC_RECIPE_GOOGLE ? BERTC_INIT_TRUNCATED : BERTC_INIT_NORMAL,
        .labels = run->task->regression ? regression : run->task->labels,
        .num_labels = run->task->num_labels,
        .trainable = true,
        .frozen = run->frozen,
        .settled = true,
        .biases_only = o->train_only == BERTC_TRAIN_BIASES,
        .keep_layers = o->keep_layers || o->feature_layer ? run->source.config.num_hidden_layers : 0,
        .fresh_pooler = o->feature_layer > 0,
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

static bertc_status open_model(bc_run *run, bertc_error *err)
{
    bertc_model_options options = model_options(run);
    bertc_status status = bc_model_open(run->options.model, &options, &run->model, err);
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
static bertc_status name_labels(bc_run *run, const int32_t *map, bertc_error *err)
{
    const char *names[BERTC_MAX_LABELS];
    for (int i = 0; i < run->task->num_labels; i++) names[map[i]] = run->task->labels[i];
    return bertc_config_set_labels(&run->model->config, names, run->task->num_labels, err);
}

static bertc_status match_labels(bc_run *run, int32_t map[BERTC_MAX_LABELS], bertc_error *err)
{
    bool by_name;
    const bertc_config *config = &run->model->config;
    bertc_status status = bertc_task_match_labels(run->task, config->labels, config->num_labels,
                                                  map, &by_name, err);
    if (status != BERTC_OK || by_name) return status;
    return name_labels(run, map, err);
}

static bc_counts count(const bertc_dataset *dataset, const bertc_inputs *inputs)
{
    return (bc_counts){dataset->count, dataset->skipped, dataset->ungraded, inputs->truncated,
                       inputs->invalid};
}

static bertc_status tokenise(bc_run *run, bertc_dataset *train, bertc_dataset **dev,
                             const int32_t *map, bertc_error *err)
{
    bc_pack pack = {(size_t)run->options.eval_batch_size, (size_t)run->options.micro_batch_tokens};
    bertc_dataset *set = *dev;
    bertc_status status = bertc_inputs_create(run->source.tokenizer, train, run->source.max_length,
                                              map, &run->train, err);
    if (status == BERTC_OK)
        status = bc_check_inputs(run->train, &run->source.config, train->path, err);
    if (status != BERTC_OK) return status;
    *dev = NULL;
    status = bc_eval_open(&run->dev, set, &run->source, map, pack, err);
    if (status != BERTC_OK) return status;
    run->train_counts = count(train, run->train);
    run->dev_counts = count(set, run->dev.inputs);
    bc_source_notify_inputs(train, run->train, bc_meter_notify(&run->meter));
    bc_source_notify_inputs(set, run->dev.inputs, bc_meter_notify(&run->meter));
    return BERTC_OK;
}

static bertc_status read_all(bc_run *run, bertc_error *err)
{
    bertc_dataset *train = NULL, *dev = NULL;
    int32_t map[BERTC_MAX_LABELS];
    bertc_status status = read_split(run, BERTC_TRAIN, &train, err);
    if (status == BERTC_OK) status = read_split(run, BERTC_DEV, &dev, err);
    if (status == BERTC_OK) status = open_model(run, err);
    if (status == BERTC_OK) status = match_labels(run, map, err);
    if (status == BERTC_OK) status = tokenise(run, train, &dev, map, err);
    bertc_dataset_free(train);
    bertc_dataset_free(dev);
    return status;
}

/* ---- Plan ---------------------------------------------------------------------------------- */

static bertc_status plan_steps(bc_run *run, bertc_error *err)
{
    const bertc_train_options *o = &run->options;
    size_t size = (size_t)o->batch_size;
    run->epoch_steps = (int64_t)(run->train->count / size + (run->train->count % size != 0));
    double steps = o->epochs * (double)run->epoch_steps;
    int64_t whole = steps < 4e9 ? (int64_t)steps : INT64_MAX - 1;
    run->steps = whole + ((double)whole < steps);
    if (o->max_steps > 0 && run->steps > o->max_steps) run->steps = o->max_steps;
    if (run->steps > INT32_MAX)
        return bc_fail(err, BERTC_USAGE, "--epochs asks for more than %d steps", INT32_MAX);
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
    bc_pack dev = {run->dev.pack.sequences, tokens};
    size_t trained = smaller(run->batch_tokens, larger(tokens, run->train->longest));
    limits->trained = (int32_t)trained;
    limits->tokens = (int32_t)larger(trained, bc_pack_most(run->dev.inputs, run->dev.order, dev));
}

/* Tokens of the largest batch. The order of every epoch is known, so those that will come can be
 * counted; in a run of very many examples the longest ones make a batch that is at least as large. */
static bertc_status count_batch_tokens(bc_run *run, bertc_error *err)
{
    static const int64_t few = 1 << 22;
    const size_t *starts = run->train->starts;
    bc_pack whole = {run->pack.sequences, SIZE_MAX};
    if (run->steps > few / (int64_t)run->pack.sequences) {
        bertc_status status = bc_pack_longest_first(run->train, run->order, err);
        if (status == BERTC_OK) run->batch_tokens = bc_pack_most(run->train, run->order, whole);
        return status;
    }
    for (int64_t step = 0; step < run->steps; step++) {
        size_t count, tokens = 0;
        const uint32_t *examples = bc_run_batch(run, step, &count);
        for (size_t i = 0; i < count; i++) tokens += starts[examples[i] + 1] - starts[examples[i]];
        run->batch_tokens = larger(run->batch_tokens, tokens);
    }
    run->epoch = -1;
    return BERTC_OK;
}

static bertc_status plan_passes(bc_run *run, bertc_error *err)
{
    bc_pack *pack = &run->pack, *dev = &run->dev.pack;
    *pack = (bc_pack){smaller((size_t)run->options.batch_size, run->train->count),
                      (size_t)run->options.micro_batch_tokens};
    run->order = bc_alloc(run->train->count, sizeof *run->order);
    run->scratch = bc_alloc(run->train->count, 2 * sizeof *run->scratch);
    if (!run->order || !run->scratch) return bc_fail_memory(err);
    bertc_status status = count_batch_tokens(run, err);
    if (status != BERTC_OK) return status;
    run->limits = (bertc_limits){
        .sequences = (int32_t)larger(pack->sequences,
                                     smaller(dev->sequences, run->dev.dataset->count)),
        .longest = (int32_t)larger(run->train->longest, run->dev.inputs->longest),
        .training = true,
        .checkpointing = (int32_t)run->options.gradient_checkpointing,
    };
    bc_run_limit_passes(run, pack->tokens, &run->limits);
    return BERTC_OK;
}

static bertc_status count_words(bc_run *run, size_t rows, bertc_error *err)
{
    const bertc_inputs *in = run->train;
    bool *named = bc_calloc(rows, sizeof *named);
    if (!named) return bc_fail_memory(err);
    for (size_t i = 0; i < in->starts[in->count]; i++) {
        run->named += !named[in->ids[i]];
        named[in->ids[i]] = true;
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
    run->epoch = -1;
    bertc_status status = read_all(run, err);
    if (status == BERTC_OK) status = plan_steps(run, err);
    if (status == BERTC_OK) status = plan_passes(run, err);
    if (status == BERTC_OK) status = plan_words(run, err);
    if (status == BERTC_OK) bc_prefix_plan(run);
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

static bertc_status take_prints(bc_run *run, bertc_error *err)
{
    bc_part vocab;
    vocab.bytes = bertc_vocab_text(run->source.vocab, &vocab.length);
    bc_hash(run->prints.vocab, &vocab, 1);
    bertc_tokenizer_options settings = bertc_tokenizer_options_of(run->source.tokenizer);
    bc_hash_tokenizer(run->prints.tokenizer, &settings);
    bc_hash_config(run->prints.config, &run->source.config);
    bc_hash_inputs(run->prints.train, run->train);
    bc_hash_inputs(run->prints.dev, run->dev.inputs);
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
    if (status == BERTC_OK) status = bc_prefix_open(run, err);
    return status;
}
