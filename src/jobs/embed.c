/* Outputs of layers for a whole data set.
 *
 * The examples are divided into windows of consecutive examples whose results fit into one buffer. A window's examples
 * are computed in the order of falling length, so that the sequences of a pass have similar lengths, and are passed to
 * the sink in the order of the data. */
#include "bertc/embed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"
#include "bertc/threads.h"
#include "data/packing.h"
#include "jobs/inference.h"
#include "nn/model_load.h"
#include "run/options.h"
#include "train/meter.h"

static const size_t window_scalars = 1 << 24, window_examples = 1 << 13;

typedef struct job {
    const bertc_embed_options *options;
    const bertc_embed_sink *sink;
    bc_meter meter;
    bc_inference inference;
    const bertc_task *task;
    bertc_dataset *dataset;
    bertc_inputs *inputs;
    int32_t *layers;  /* (count) */
    size_t count;
    bertc_embed_shape shape;
    bc_pack pack;
    uint64_t *keys;   /* (window_examples) for sorting by length */
    uint32_t *order;  /* (window_examples) the window's examples by falling length */
    size_t *offsets;  /* (window_examples) an example's first value in `results` */
    float *results;   /* the window's rows, each of shape.width */
    float *hidden;    /* (count,N,H) outputs of one pass */
    float *row;       /* (width) scratch for one token */
    size_t tokens_done;
    int32_t threads;
} job;

/* ---- Layers -------------------------------------------------------------------------------- */

/* Parse one layer number and the comma after it. No model has more than 9999 layers. */
static bertc_status read_layer(job *j, const char **text, bertc_error *err)
{
    int32_t max = j->inference.source.config.num_hidden_layers;
    const char *digits = *text + (**text == '-');
    size_t n = strspn(digits, "0123456789");
    const char *end = digits + n;
    long layer = n <= 4 ? strtol(*text, NULL, 10) : 0;
    if (n < 1 || n > 4 || (*end != ',' && *end != '\0'))
        return bc_fail(err, BERTC_USAGE, "--layers: '%s' is neither 'all' nor a list of numbers such as 1,2,-1",
                       j->options->layers);
    if (layer < -1L - max || layer > max)
        return bc_fail(err, BERTC_USAGE,
                       "--layers: no layer %ld; the model has %d layers, 0 is its embeddings, -1 the last layer",
                       layer, (int)max);
    if (layer < 0) layer += max + 1;
    for (size_t i = 0; i < j->count; i++)
        if (j->layers[i] == layer)
            return bc_fail(err, BERTC_USAGE, "--layers: '%s' has layer %ld twice", j->options->layers, layer);
    j->layers[j->count++] = (int32_t)layer;
    *text = *end == ',' ? end + 1 : end;
    if (*end == ',' && **text == '\0') return bc_fail(err, BERTC_USAGE, "--layers: no number after the last comma");
    return BERTC_OK;
}

static bertc_status read_layers(job *j, bertc_error *err)
{
    const char *text = j->options->layers;
    int32_t max = j->inference.source.config.num_hidden_layers;
    bertc_status status = BERTC_OK;
    j->layers = bc_alloc((size_t)max + 1, sizeof *j->layers);
    if (!j->layers) return bc_fail_memory(err);
    if (strcmp(text, "all") == 0) {
        for (int32_t l = 0; l <= max; l++) j->layers[j->count++] = l;
        return BERTC_OK;
    }
    do status = read_layer(j, &text, err);
    while (status == BERTC_OK && *text != '\0');
    return status;
}

/* ---- Preparation --------------------------------------------------------------------------- */

/* Choose the task whose columns are read. Lines of text are read as a task of one or two texts, named "text". */
static bertc_status choose_task(const bertc_embed_options *o, const bertc_task **task, bertc_error *err)
{
    static const bertc_task lines[] = {{.name = "text"}, {.name = "text", .pair = true}};
    const bertc_predict_options *on = &o->on;
    bertc_status status = BERTC_OK;
    *task = on->opened;
    if (!*task && on->task) status = bertc_task_open(on->task, on->data, NULL, false, NULL, task, err);
    if (status != BERTC_OK) return status;
    if (on->data && !*task) return bc_fail(err, BERTC_USAGE, "--data has no effect without --task");
    if (*task && !on->data && !bertc_task_has_files(*task))
        return bc_fail(err, BERTC_USAGE, "--task has no effect without --data");
    if (*task && o->pair)
        return bc_fail(err, BERTC_USAGE, "--pair has no effect with --task, which decides what is read");
    if ((unsigned)o->combine > BERTC_COMBINE_CONCAT || (unsigned)o->pool > BERTC_POOL_MAX)
        return bc_fail(err, BERTC_USAGE, "bertc_embed_options: combine %d or pool %d is out of range",
                       (int)o->combine, (int)o->pool);
    if (!*task) *task = &lines[o->pair];
    return BERTC_OK;
}

/* Open the encoder up to the highest of the layers. */
static bertc_status open_encoder(job *j, bertc_error *err)
{
    const bertc_predict_options *o = &j->options->on;
    bertc_model_options *options = &j->inference.options;
    bertc_status status = bc_inference_resolve(&j->inference, o, j->threads, bc_meter_notify(&j->meter), err);
    options->encoder_only = true;
    options->keep_layers = 1;
    for (size_t i = 0; i < j->count; i++)
        if (j->layers[i] > options->keep_layers) options->keep_layers = j->layers[i];
    return status == BERTC_OK ? bc_model_open(o->model, options, &j->inference.model, err) : status;
}

static size_t length_of(const job *j, size_t example)
{
    return j->inputs->starts[example + 1] - j->inputs->starts[example];
}

static size_t rows_of(const job *j, size_t example)
{
    return j->options->pool == BERTC_POOL_NONE ? length_of(j, example) : 1;
}

static bertc_status allocate(job *j, bertc_error *err)
{
    const bertc_inputs *in = j->inputs;
    size_t width = j->shape.width, h = (size_t)j->inference.source.config.hidden_size, scalars, bytes;
    size_t sequences = bc_min(j->pack.sequences, in->count);
    size_t tokens = bc_min(bc_max(j->pack.tokens, in->longest), sequences * in->longest);
    bertc_limits limits = {
        .tokens = (int32_t)tokens, .sequences = (int32_t)sequences, .longest = (int32_t)in->longest, .all_rows = true};
    size_t max_rows = j->options->pool == BERTC_POOL_NONE ? in->longest : 1;
    size_t results = bc_min(bc_max(window_scalars / width, max_rows), j->shape.rows);
    if (!bc_size_mul(h * j->count, tokens, &scalars) || !bc_size_mul(results, width, &results) ||
        !bc_size_add(scalars, results, &bytes) || !bc_size_mul(bytes, sizeof *j->results, &bytes))
        return bc_fail_memory(err);
    bertc_status status = bc_inference_allocate(&j->inference, &limits, 0, bytes, err);
    if (status != BERTC_OK) return status;
    j->keys = bc_alloc(window_examples, sizeof *j->keys);
    j->order = bc_alloc(window_examples, sizeof *j->order);
    j->offsets = bc_alloc(window_examples, sizeof *j->offsets);
    j->results = bc_alloc(results, sizeof *j->results);
    j->hidden = bc_alloc(scalars, sizeof *j->hidden);
    j->row = bc_alloc(width, sizeof *j->row);
    if (!j->keys || !j->order || !j->offsets || !j->results || !j->hidden || !j->row) return bc_fail_memory(err);
    return BERTC_OK;
}

static bertc_status prepare(job *j, bertc_error *err)
{
    bc_model_source *source = &j->inference.source;
    const bertc_notify *notify = bc_meter_notify(&j->meter);
    bertc_status status = choose_task(j->options, &j->task, err);
    if (status == BERTC_OK)
        status = bc_model_source_open_model(source, &j->options->on, j->task, notify, err);
    if (status == BERTC_OK)
        status = bc_model_source_read_texts(&j->options->on, j->task, false, notify, &j->dataset, err);
    if (status == BERTC_OK) status = read_layers(j, err);
    if (status == BERTC_OK) status = bc_model_source_tokenize(source, j->dataset, NULL, &j->inputs, err);
    if (status == BERTC_OK && (j->inputs->windows || j->options->on.long_texts == BERTC_LONG_WINDOWS))
        status = bc_fail(err, BERTC_USAGE, "embed does not cut texts into windows; choose --long head or --long tail");
    if (status == BERTC_OK) bc_model_source_notify_inputs(j->dataset, j->inputs, notify);
    if (status == BERTC_OK) status = open_encoder(j, err);
    if (status != BERTC_OK) return status;
    const bertc_inputs *in = j->inputs;
    bool concat = j->options->combine == BERTC_COMBINE_CONCAT;
    j->pack = (bc_pack){(size_t)j->options->on.batch_size, BC_PASS_TOKENS};
    j->shape = (bertc_embed_shape){
        .examples = in->count,
        .tokens = in->starts[in->count],
        .rows = j->options->pool == BERTC_POOL_NONE ? in->starts[in->count] : in->count,
        .width = (size_t)source->config.hidden_size * (concat ? j->count : 1),
        .tokenizer = source->tokenizer,
    };
    return allocate(j, err);
}

/* ---- One example --------------------------------------------------------------------------- */

/* Combine the layers' outputs for token `at` of the pass's n tokens into one row. */
static void combine(const job *j, size_t n, size_t at, float *row)
{
    size_t h = (size_t)j->inference.source.config.hidden_size;
    for (size_t i = 0; i < j->count; i++) {
        const float *x = j->hidden + (i * n + at) * h;
        if (j->options->combine == BERTC_COMBINE_CONCAT) memcpy(row + i * h, x, h * sizeof *x);
        else if (i == 0) memcpy(row, x, h * sizeof *x);
        else
            for (size_t k = 0; k < h; k++) row[k] += x[k];
    }
    if (j->options->combine == BERTC_COMBINE_CONCAT || j->count == 1) return;
    for (size_t k = 0; k < h; k++) row[k] /= (float)j->count;
}

/* Scale a row to Euclidean length 1, as torch.nn.functional.normalize does. */
static void normalize(float *row, size_t width)
{
    double square = 0;
    for (size_t k = 0; k < width; k++) square += (double)row[k] * (double)row[k];
    double length = fmax(sqrt(square), 1e-12);
    for (size_t k = 0; k < width; k++) row[k] = (float)((double)row[k] / length);
}

/* Add the row of token `t` of `count` to the pooled row `to`. NaN stays NaN. */
static void pool(bertc_pool kind, float *to, const float *row, size_t width, size_t t, size_t count)
{
    if (t == 0) memcpy(to, row, width * sizeof *to);
    else if (kind == BERTC_POOL_MEAN)
        for (size_t k = 0; k < width; k++) to[k] += row[k];
    else
        for (size_t k = 0; k < width; k++) to[k] = row[k] <= to[k] || isnan(to[k]) ? to[k] : row[k];
    if (kind == BERTC_POOL_MEAN && t + 1 == count)
        for (size_t k = 0; k < width; k++) to[k] /= (float)count;
}

/* Store the result rows of sequence s of the pass. */
static void put_rows(job *j, int32_t s, float *to)
{
    const bertc_batch *b = j->inference.batch;
    bertc_pool kind = j->options->pool;
    size_t width = j->shape.width, begin = (size_t)b->starts[s], n = (size_t)b->tokens;
    size_t all = (size_t)b->starts[s + 1] - begin, count = kind == BERTC_POOL_CLS ? 1 : all;
    size_t rows = kind == BERTC_POOL_NONE ? all : 1;
    for (size_t t = 0; t < count; t++) {
        float *row = kind == BERTC_POOL_NONE ? to + t * width : j->row;
        combine(j, n, begin + t, row);
        if (kind != BERTC_POOL_NONE) pool(kind, to, row, width, t, count);
    }
    for (size_t r = 0; j->options->normalize && r < rows; r++) normalize(to + r * width, width);
}

/* ---- Windows ------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Choose the examples of the window that begins with `first`, and set their offsets and order. Returns their number. */
static size_t open_window(job *j, size_t first)
{
    size_t n = 0, rows = 0, max = window_scalars / j->shape.width;
    for (; first + n < j->inputs->count && n < window_examples; n++) {
        size_t more = rows_of(j, first + n);
        if (n > 0 && rows + more > max) break;
        j->offsets[n] = rows * j->shape.width;
        j->keys[n] = (uint64_t)(j->inputs->longest - length_of(j, first + n)) << 32 | n;
        rows += more;
    }
    qsort(j->keys, n, sizeof *j->keys, by_key);
    for (size_t i = 0; i < n; i++) j->order[i] = (uint32_t)(first + (j->keys[i] & UINT32_MAX));
    return n;
}

static void show(job *j)
{
    double seconds = bc_clock() - j->meter.began;
    double speed = seconds > 0 ? (double)j->tokens_done / seconds : 0;
    double left = (double)(j->shape.tokens - j->tokens_done);
    bertc_progress p = {.phase = "embed", .step = (int64_t)j->tokens_done,
                        .steps = (int64_t)j->shape.tokens, .loss = (double)NAN, .lr = (double)NAN,
                        .tokens_per_second = speed,
                        .eta_seconds = speed > 0 ? left / speed : (double)NAN};
    bc_meter_show(&j->meter, p, j->tokens_done == j->shape.tokens);
}

static bertc_status compute_window(job *j, size_t first, size_t count, bertc_error *err)
{
    size_t n, tokens;
    for (size_t at = 0; at < count; at += n) {
        bertc_status status = bc_meter_stop(&j->meter);
        if (status != BERTC_OK) return status;
        n = bc_pack_next(j->inputs, j->order + at, count - at, j->pack, &tokens);
        status = bertc_batch_fill(j->inference.batch, j->inputs, j->order + at, n, err);
        if (status == BERTC_OK)
            status = bertc_model_hidden(j->inference.model, j->inference.workspace, j->inference.batch, j->layers,
                                        j->count, j->hidden, err);
        if (status != BERTC_OK) return status;
        for (size_t s = 0; s < n; s++) put_rows(j, (int32_t)s, j->results + j->offsets[j->order[at + s] - first]);
        j->tokens_done += tokens;
        show(j);
    }
    return BERTC_OK;
}

static bertc_status pass_to_sink(job *j, size_t first, size_t count, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    for (size_t i = 0; i < count && status == BERTC_OK; i++) {
        const bertc_embedding e = {first + i, &j->dataset->examples[first + i], rows_of(j, first + i),
                                   j->results + j->offsets[i], j->inputs->ids + j->inputs->starts[first + i]};
        status = j->sink->take(j->sink->user, &e, err);
    }
    return status;
}

static bertc_status run(job *j, bertc_error *err)
{
    size_t n;
    bertc_status status = prepare(j, err);
    if (status == BERTC_OK) status = j->sink->begin(j->sink->user, &j->shape, err);
    for (size_t at = 0; status == BERTC_OK && at < j->inputs->count; at += n) {
        n = open_window(j, at);
        status = compute_window(j, at, n, err);
        if (status == BERTC_OK) status = pass_to_sink(j, at, n, err);
    }
    return status;
}

bertc_status bertc_embed(const bertc_embed_options *options, const bertc_observer *observer,
                         const bertc_embed_sink *sink, bertc_error *err)
{
    if (!options || !options->layers || !sink || !sink->begin || !sink->take)
        return bc_fail_null(err, __func__, "options, their layers, sink and its functions");
    job j = {.options = options, .sink = sink};
    bc_meter_start(&j.meter, observer);
    bertc_status status = bertc_threads_resolve(options->on.threads, bc_meter_notify(&j.meter), &j.threads, err);
    if (status == BERTC_OK) status = run(&j, err);
    if (bc_is_stop(status)) bc_fail(err, status, "stopped");
    void *const owned[] = {j.layers, j.keys, j.order, j.offsets, j.results, j.hidden, j.row};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) bc_free(owned[i]);
    bertc_inputs_free(j.inputs);
    bertc_dataset_free(j.dataset);
    if (!options->on.opened) bertc_task_close(j.task);
    bc_inference_close(&j.inference);
    return status;
}
