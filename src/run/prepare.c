/* From the data to a run that can step: first all that can be known without the weights, then the
 * weights and everything that was planned. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "formats/config.h"
#include "tasks/tasks.h"
#include "run/adapt.h"
#include "run/objective.h"
#include "run/options.h"
#include "data/stratify.h"
#include "run/thaw.h"

/* ---- Data and model ------------------------------------------------------------------------ */

/* What is read: first the data to train on, then what is scored. */
typedef struct data_sets {
    bertc_dataset *train, *evals[BERTC_MAX_EVALS];
} data_sets;

static bertc_status make_up(const bc_run *run, bc_scored which, int64_t limit, bertc_dataset **dataset,
                            bertc_error *err)
{
    if (run->source.max_length > BERTC_KNOWN_LENGTH)
        return bc_fail(err, BERTC_USAGE, "--data is missing: for a --max-length of more than %d it is needed",
                       BERTC_KNOWN_LENGTH);
    bertc_status status = bc_standin(which.task, which.split, (size_t)limit, run->source.vocab, dataset, err);
    if (status == BERTC_OK && which.split == BERTC_TRAIN)
        bc_notify(bc_meter_notify(&run->meter), "no --data: %zu texts as long as those of GLUE's %s stand in for it",
                  (*dataset)->count, which.task->name);
    return status;
}

static bertc_status read_split(const bc_run *run, bc_scored which, int64_t limit, const char *purpose,
                               bertc_dataset **dataset, bertc_error *err)
{
    if (run->made_up) return make_up(run, which, limit, dataset, err);
    bertc_status status = bertc_dataset_read(which.task, run->options.data, which.split,
                                             (size_t)limit, dataset, err);
    if (status != BERTC_OK) return status;
    bc_source_notify_rows(*dataset, bc_meter_notify(&run->meter));
    return bc_source_check_labels(*dataset, purpose, err);
}

static bertc_status read_train(const bc_run *run, const bc_lane *lane, bertc_dataset **train,
                               bertc_error *err)
{
    const bertc_train_options *o = &run->options;
    bc_scored which = {lane->task, BERTC_TRAIN};
    bertc_status status =
        read_split(run, which, o->stratified ? 0 : o->limit_train, "train on", train, err);
    if (status != BERTC_OK || !o->stratified) return status;
    return bc_stratify(*train, (size_t)o->limit_train, (uint64_t)o->seed, err);
}

static bertc_status read_splits(const bc_run *run, const bc_lane *lane, data_sets *sets,
                                bertc_error *err)
{
    bertc_status status = read_train(run, lane, &sets->train, err);
    for (size_t i = 0; i < lane->eval_count && status == BERTC_OK; i++)
        status = read_split(run, lane->scored[i], run->options.limit_eval, "score", &sets->evals[i],
                            err);
    return status;
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
        .settled = true,
        .biases_only = o->train_only == BERTC_TRAIN_BIASES,
        .lora = run->lora,
        .keep_layers = o->keep_layers || o->feature_layer ? run->source.config.num_hidden_layers : 0,
        .fresh_head = o->feature_layer > 0,
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
    bc_head head = {.row = task->regression ? &bc_head_regression : &bc_head_classification,
                    .name = task->name, .num_labels = task->num_labels,
                    .labels = task->regression ? regression : task->labels};
    if (!config->head_refusal && bertc_task_match_labels(task, config->labels, config->num_labels, map, &by_name,
                                                         NULL) == BERTC_OK)
        head.labels = (const char *const *)config->labels;
    return head;
}

/* The configuration with the run's dropout, which is not what is saved. */
static bertc_status check_training(const bc_run *run, bertc_error *err)
{
    bertc_config config = run->model->config;
    double p = run->options.dropout;
    if (p >= 0) config.hidden_dropout_prob = config.attention_probs_dropout_prob = config.classifier_dropout = p;
    char *path = bc_path_join(run->source.base ? run->source.base : run->options.model, "config.json");
    bertc_status status = path ? bc_config_check_training(&config, path, err) : bc_fail_memory(err);
    bc_free(path);
    return status;
}

static bertc_status open_model(bc_run *run, bertc_error *err)
{
    bertc_model_options options = model_options(run);
    bc_head heads[BERTC_MAX_TASKS];
    for (int i = 0; i < run->num_lanes; i++) heads[i] = head_of(run, &run->lanes[i]);
    bertc_status status = bc_model_open_heads(run->options.model, &options, heads, run->num_lanes,
                                              &run->model, err);
    if (status == BERTC_OK) status = bc_adapt_check_base(run, err);
    if (status != BERTC_OK) return status;
    status = check_training(run, err);
    if (status != BERTC_OK) return status;
    run->dropout = bc_rates_of(&run->model->config, run->options.dropout);
    set_rates(run);
    size_t trained = bc_model_trained_scalars(run->model);
    if (trained < run->model->scalars)
        bc_notify(bc_meter_notify(&run->meter), "%zu of %zu parameters are trained", trained,
                  run->model->scalars);
    return BERTC_OK;
}

/* A head that came without names gets the task's, so that nobody has to guess them later. */
static bertc_status name_labels(bertc_config *config, const bertc_task *task, const int32_t *map, bertc_error *err)
{
    const char *names[BERTC_MAX_LABELS];
    for (int i = 0; i < task->num_labels; i++) names[map[i]] = task->labels[i];
    return bertc_config_set_labels(config, names, task->num_labels, err);
}

/* The labels of a task as those of a head. */
static bertc_status match_labels(bertc_config *config, const bertc_task *task, int32_t map[BERTC_MAX_LABELS],
                                 bertc_error *err)
{
    bool by_name;
    bertc_status status = bertc_task_match_labels(task, config->labels, config->num_labels, map,
                                                  &by_name, err);
    if (status != BERTC_OK || by_name) return status;
    return name_labels(config, task, map, err);
}

static bc_counts count(const bertc_dataset *dataset, const bertc_inputs *inputs)
{
    return (bc_counts){dataset->count, dataset->skipped, dataset->ungraded, inputs->truncated,
                       inputs->invalid};
}

static bertc_status tokenise_train(bc_run *run, bertc_config *config, bc_lane *lane, const bertc_dataset *train,
                                   bertc_error *err)
{
    int32_t map[BERTC_MAX_LABELS];
    bertc_status status = match_labels(config, lane->task, map, err);
    if (status == BERTC_OK) status = bc_objective_settle(run, lane, train, map, err);
    if (status == BERTC_OK)
        status = bertc_inputs_create(run->source.tokenizer, train, run->source.max_length, map,
                                     &lane->train, err);
    if (status == BERTC_OK)
        status = bc_check_inputs(lane->train, &run->source.config, train->path, err);
    if (status != BERTC_OK) return status;
    lane->train_counts = count(train, lane->train);
    bc_source_notify_inputs(train, lane->train, bc_meter_notify(&run->meter));
    return BERTC_OK;
}

/* Take over the data of the split of this number. */
static bertc_status tokenise_eval(bc_run *run, bertc_config *config, bc_lane *lane, size_t number,
                                  bertc_dataset **dataset, bertc_error *err)
{
    bc_pack pack = {(size_t)run->options.eval_batch_size, (size_t)run->options.micro_batch_tokens};
    bertc_dataset *set = *dataset;
    bc_eval *eval = &lane->evals[number];
    int32_t map[BERTC_MAX_LABELS];
    bertc_status status = match_labels(config, set->task, map, err);
    if (status != BERTC_OK) return status;
    *dataset = NULL;
    status = bc_eval_open(eval, set, &run->source, map, pack, err);
    if (status != BERTC_OK) return status;
    lane->eval_counts[number] = count(set, eval->inputs);
    bc_source_notify_inputs(set, eval->inputs, bc_meter_notify(&run->meter));
    return BERTC_OK;
}

static bertc_status tokenise(bc_run *run, int number, data_sets *sets, bertc_error *err)
{
    bc_lane *lane = &run->lanes[number];
    bertc_config *config = &run->model->heads[number].config;
    bertc_status status = tokenise_train(run, config, lane, sets->train, err);
    for (size_t i = 0; i < lane->eval_count && status == BERTC_OK; i++)
        status = tokenise_eval(run, config, lane, i, &sets->evals[i], err);
    return status;
}

static bertc_status read_all(bc_run *run, bertc_error *err)
{
    data_sets sets[BERTC_MAX_TASKS] = {0};
    bertc_status status = BERTC_OK;
    for (int l = 0; l < run->num_lanes && status == BERTC_OK; l++)
        status = read_splits(run, &run->lanes[l], &sets[l], err);
    if (status == BERTC_OK) status = open_model(run, err);
    for (int l = 0; l < run->num_lanes && status == BERTC_OK; l++)
        status = tokenise(run, l, &sets[l], err);
    for (int l = 0; l < run->num_lanes; l++) {
        bertc_dataset_free(sets[l].train);
        for (size_t i = 0; i < BERTC_MAX_EVALS; i++) bertc_dataset_free(sets[l].evals[i]);
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
    bool several = o->keep == BERTC_KEEP_BEST || o->patience > 0;
    if (several && o->eval_every == 0) run->eval_every = run->epoch_steps;
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
    for (const bc_lane *lane = run->lanes; lane < run->lanes + run->num_lanes; lane++) {
        longest = larger(longest, lane->train->longest);
        for (size_t i = 0; i < lane->eval_count; i++) {
            const bc_eval *eval = &lane->evals[i];
            bc_pack pack = {eval->pack.sequences, tokens};
            most = larger(most, bc_pack_most(eval->inputs, eval->order, pack));
        }
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

/* Sequences of a pass that is not trained on, and tokens of any sequence. */
static void measure(const bc_run *run, size_t *sequences, size_t *longest)
{
    for (const bc_lane *lane = run->lanes; lane < run->lanes + run->num_lanes; lane++) {
        *longest = larger(*longest, lane->train->longest);
        for (size_t i = 0; i < lane->eval_count; i++) {
            const bc_eval *eval = &lane->evals[i];
            *sequences = larger(*sequences, smaller(eval->pack.sequences, eval->inputs->count));
            *longest = larger(*longest, eval->inputs->longest);
        }
    }
}

static bertc_status plan_passes(bc_run *run, bertc_error *err)
{
    size_t sequences = 0, longest = 0;
    bertc_status status = allocate_orders(run, err);
    if (status == BERTC_OK) status = count_batch_tokens(run, err);
    if (status != BERTC_OK) return status;
    measure(run, &sequences, &longest);
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
    if (status == BERTC_OK) bc_prefix_plan(run);
    return status;
}

/* ---- Weights and memory -------------------------------------------------------------------- */

/* The hash of one hash is that itself; of several that of all. */
static void print_all(char out[BC_HASH_HEX], const char (*hashes)[BC_HASH_HEX], size_t count)
{
    bc_part parts[BERTC_MAX_TASKS];
    for (size_t i = 0; i < count; i++) parts[i] = (bc_part){hashes[i], BC_HASH_HEX - 1};
    if (count == 1) memcpy(out, hashes[0], BC_HASH_HEX);
    else bc_hash(out, parts, count);
}

_Static_assert((int)BERTC_MAX_EVALS <= (int)BERTC_MAX_TASKS, "print_all has room for either");

static void print_lane(bc_lane *lane)
{
    char hashes[BERTC_MAX_EVALS][BC_HASH_HEX];
    bc_hash_inputs(lane->train_print, lane->train);
    for (size_t i = 0; i < lane->eval_count; i++) bc_hash_inputs(hashes[i], lane->evals[i].inputs);
    print_all(lane->dev_print, (const char (*)[BC_HASH_HEX])hashes, lane->eval_count);
}

static void print_data(bc_run *run)
{
    char hashes[2][BERTC_MAX_TASKS][BC_HASH_HEX];
    size_t count = (size_t)run->num_lanes;
    for (size_t i = 0; i < count; i++) {
        print_lane(&run->lanes[i]);
        memcpy(hashes[0][i], run->lanes[i].train_print, BC_HASH_HEX);
        memcpy(hashes[1][i], run->lanes[i].dev_print, BC_HASH_HEX);
    }
    print_all(run->prints.train, (const char (*)[BC_HASH_HEX])hashes[0], count);
    print_all(run->prints.dev, (const char (*)[BC_HASH_HEX])hashes[1], count);
}

static bertc_status take_prints(bc_run *run, bertc_error *err)
{
    bc_part vocab;
    vocab.bytes = bertc_vocab_text(run->source.vocab, &vocab.length);
    bc_hash(run->prints.vocab, &vocab, 1);
    bertc_tokenizer_options settings = bertc_tokenizer_options_of(run->source.tokenizer);
    bc_hash_tokenizer(run->prints.tokenizer, &settings);
    bc_hash_config(run->prints.config, &run->source.config);
    print_data(run);
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
    if (status == BERTC_OK && run->folder.fd >= 0) status = bc_run_mark(run, err);
    if (status == BERTC_OK) status = bc_prefix_open(run, err);
    return status;
}
