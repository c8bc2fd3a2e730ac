/* Tokenised data sets and packed batches.
 *
 * Threads tokenise blocks of texts in parallel. Each block collects its ids in its own growing buffer; afterwards the
 * blocks are copied one after another into the data set. Neither the result nor the error depends on the number of
 * threads: the first example that fails determines the error. */
#include "data/packing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"

enum { BLOCK = 512 };

/* Consecutive texts and the tokens of their sequences: a text is one sequence, or one for each of its windows. */
typedef struct block {
    size_t first, count;     /* texts */
    size_t tokens, capacity; /* used and allocated length of ids and types */
    size_t *windows;         /* (count) number of sequences of each text; points into the data set's array */
    size_t sequences, max_sequences; /* used and allocated length of lengths */
    size_t *lengths;         /* number of tokens of each sequence */
    int32_t *ids;
    uint8_t *types;
    size_t invalid, truncated;
    bertc_error error;
} block;

static bool block_reserve(block *b, size_t more)
{
    size_t need, capacity;
    if (!bc_size_add(b->tokens, more, &need)) return false;
    if (need <= b->capacity) return true;
    if (!bc_size_mul(need, 2, &capacity)) return false;
    int32_t *ids = bc_realloc(b->ids, capacity, sizeof *ids);
    if (ids) b->ids = ids;
    uint8_t *types = ids ? bc_realloc(b->types, capacity, sizeof *types) : NULL;
    if (!types) return false;
    b->types = types;
    b->capacity = capacity;
    return true;
}

static bool block_reserve_lengths(block *b, size_t more)
{
    size_t need, capacity;
    if (!bc_size_add(b->sequences, more, &need) || !bc_size_mul(need, 2, &capacity)) return false;
    if (need <= b->max_sequences) return true;
    size_t *lengths = bc_realloc(b->lengths, capacity, sizeof *lengths);
    if (!lengths) return false;
    b->lengths = lengths;
    b->max_sequences = capacity;
    return true;
}

/* Append tokens of an encoding. */
static void block_put(block *b, const bertc_encoding *encoding, bool typed, size_t first, size_t count)
{
    memcpy(b->ids + b->tokens, encoding->ids + first, count * sizeof *b->ids);
    for (size_t k = 0; k < count; k++) b->types[b->tokens + k] = typed ? (uint8_t)encoding->types[first + k] : 0;
    b->tokens += count;
}

/* Append the sequences of an encoded text. */
static bool block_put_windows(block *b, const bertc_encoding *encoding, bool typed, const bertc_windows *windows)
{
    size_t max = windows->before + windows->capacity + windows->after, first;
    if (!block_reserve_lengths(b, windows->count)) return false;
    for (size_t i = 0; i < windows->count; i++) {
        size_t pieces = bertc_windows_at(windows, i, &first);
        if (!block_reserve(b, max)) return false;
        block_put(b, encoding, typed, 0, windows->before);
        block_put(b, encoding, typed, first, pieces);
        block_put(b, encoding, typed, encoding->count - windows->after, windows->after);
        b->lengths[b->sequences++] = windows->before + pieces + windows->after;
    }
    return true;
}

/* Encode a text and cut it to the maximum length, or into windows. */
static bertc_status encode_text(const bertc_tokenizer *tokenizer, const bertc_example *e, bertc_length_limit limit,
                                bertc_encoding *encoding, bertc_windows *windows, bertc_error *err)
{
    bertc_status status;
    size_t max_length = limit.max_length;
    bool cuts = limit.long_texts == BERTC_LONG_WINDOWS;
    if (limit.long_texts == BERTC_LONG_TAIL)
        status = bertc_tokenizer_encode_tail(tokenizer, encoding, e->a, e->na, e->b, e->nb, max_length, err);
    else
        status = bertc_tokenizer_encode(tokenizer, encoding, e->a, e->na, e->b, e->nb, cuts ? 0 : max_length, err);
    if (status != BERTC_OK) return status;
    return bertc_encoding_windows(encoding, cuts ? max_length : 0, limit.window_overlap, windows, err);
}

static void block_encode(block *b, const bertc_tokenizer *tokenizer, const bertc_dataset *dataset,
                         bertc_length_limit limit, bertc_encoding *encoding)
{
    const bool typed = !bertc_tokenizer_options_of(tokenizer).no_types;
    for (size_t i = 0; i < b->count; i++) {
        const bertc_example *e = &dataset->examples[b->first + i];
        bertc_error inner = {0};
        bertc_windows windows;
        bertc_status status = encode_text(tokenizer, e, limit, encoding, &windows, &inner);
        if (status == BERTC_OK && !block_put_windows(b, encoding, typed, &windows)) status = BERTC_NOMEM;
        if (status == BERTC_NOMEM) bc_fail_memory(&b->error);
        else if (status != BERTC_OK) bc_fail(&b->error, status, "%s:%zu: %s", dataset->path, e->line, inner.message);
        if (status != BERTC_OK) return;
        b->invalid += encoding->invalid;
        b->truncated += encoding->truncated > 0;
        b->windows[i] = windows.count;
    }
}

/* Add up the numbers of sequences and tokens of all blocks. On entry, `windows[t+1]` holds the number of sequences of
 * text t. */
static bertc_status count_sequences(bertc_inputs *inputs, const block *blocks, size_t count, const char *path,
                                    bertc_error *err)
{
    size_t texts = inputs->count, n = 0;
    for (size_t t = 0; t < texts; t++) {
        inputs->cut += inputs->windows[t + 1] > 1;
        if (!bc_size_add(inputs->windows[t], inputs->windows[t + 1], &inputs->windows[t + 1]))
            return bc_fail_memory(err);
    }
    inputs->count = inputs->windows[texts];
    if (inputs->count > UINT32_MAX)
        return bc_fail(err, BERTC_INPUT, "%s: %zu windows, the maximum is %u", path, inputs->count, UINT32_MAX);
    inputs->starts = bc_calloc(inputs->count + 1, sizeof *inputs->starts);
    if (!inputs->starts) return bc_fail_memory(err);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < blocks[i].sequences; k++, n++) {
            size_t length = blocks[i].lengths[k];
            if (length > inputs->longest) inputs->longest = length;
            if (!bc_size_add(inputs->starts[n], length, &inputs->starts[n + 1])) return bc_fail_memory(err);
        }
    return BERTC_OK;
}

/* Copy the blocks one after another into `inputs`. */
static bertc_status join_blocks(bertc_inputs *inputs, const block *blocks, size_t count, const char *path,
                                bertc_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (blocks[i].error.status != BERTC_OK)
            return bc_fail(err, blocks[i].error.status, "%s", blocks[i].error.message);
    bertc_status status = count_sequences(inputs, blocks, count, path, err);
    if (status != BERTC_OK) return status;
    size_t total = inputs->starts[inputs->count];
    inputs->ids = bc_alloc(total, sizeof *inputs->ids);
    inputs->types = bc_alloc(total, sizeof *inputs->types);
    if (!inputs->ids || !inputs->types) return bc_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        const block *b = &blocks[i];
        size_t at = inputs->starts[inputs->windows[b->first]];
        if (b->tokens > 0) {
            memcpy(inputs->ids + at, b->ids, b->tokens * sizeof *b->ids);
            memcpy(inputs->types + at, b->types, b->tokens);
        }
        inputs->invalid += b->invalid;
        inputs->truncated += b->truncated;
    }
    return BERTC_OK;
}

static bertc_status tokenise(bertc_inputs *inputs, const bertc_tokenizer *tokenizer,
                             const bertc_dataset *dataset, bertc_length_limit limit, bertc_error *err)
{
    size_t count = inputs->count / BLOCK + (inputs->count % BLOCK != 0);
    block *blocks = bc_calloc(count, sizeof *blocks);
    if (!blocks) return bc_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        size_t first = i * BLOCK, left = inputs->count - first;
        blocks[i] = (block){.first = first, .count = left < BLOCK ? left : BLOCK,
                            .windows = inputs->windows + first + 1};
    }
#pragma omp parallel
    {
        bertc_encoding encoding = {0};
#pragma omp for schedule(dynamic)
        for (size_t i = 0; i < count; i++) block_encode(&blocks[i], tokenizer, dataset, limit, &encoding);
        bertc_encoding_clear(&encoding);
    }
    bertc_status status = join_blocks(inputs, blocks, count, dataset->path, err);
    for (size_t i = 0; i < count; i++) {
        bc_free(blocks[i].ids);
        bc_free(blocks[i].types);
        bc_free(blocks[i].lengths);
    }
    bc_free(blocks);
    return status;
}

/* Return the maximum number of labels of an example. */
static size_t max_labels(const bertc_task *task)
{
    switch (task->kind) {
    case BERTC_CLASSIFICATION: return 1;
    case BERTC_MULTILABEL: return (size_t)task->num_labels;
    case BERTC_REGRESSION:
    case BERTC_KINDS: break;
    }
    return 0;
}

/* Check that the number of labels fits the kind of task, and that they are different labels of the task. */
static bertc_status check_labels(const bertc_dataset *dataset, const bertc_example *e, bertc_error *err)
{
    const bertc_task *task = dataset->task;
    size_t max = max_labels(task);
    if (e->num_labels > max || (e->num_labels > 0 && !e->labels))
        return bc_fail(err, BERTC_INPUT, "%s:%zu: the example has %zu label%s, its task allows %zu", dataset->path,
                       e->line, e->num_labels, e->num_labels == 1 ? "" : "s", max);
    for (size_t i = 0; i < e->num_labels; i++)
        if (e->labels[i] < 0 || e->labels[i] >= task->num_labels)
            return bc_fail(err, BERTC_INPUT, "%s:%zu: label %d is not from 0 to %d", dataset->path, e->line,
                           (int)e->labels[i], task->num_labels - 1);
    for (size_t i = 1; i < e->num_labels; i++)
        if (e->labels[i] <= e->labels[i - 1])
            return bc_fail(err, BERTC_INPUT, "%s:%zu: label %d follows label %d, expected a larger one", dataset->path,
                           e->line, (int)e->labels[i], (int)e->labels[i - 1]);
    return BERTC_OK;
}

static int by_number(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static bertc_status copy_targets(bertc_inputs *inputs, const bertc_dataset *dataset,
                                 const int32_t *label_map, bertc_error *err)
{
    inputs->label_starts[0] = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        const bertc_example *e = &dataset->examples[i];
        bertc_status status = check_labels(dataset, e, err);
        if (status != BERTC_OK) return status;
        if (!bc_size_add(inputs->label_starts[i], e->num_labels, &inputs->label_starts[i + 1]))
            return bc_fail_memory(err);
    }
    inputs->labels = bc_alloc(inputs->label_starts[inputs->count], sizeof *inputs->labels);
    if (!inputs->labels) return bc_fail_memory(err);
    int32_t *to = inputs->labels;
    for (size_t i = 0; i < inputs->count; i++) {
        const bertc_example *e = &dataset->examples[i];
        for (size_t k = 0; k < e->num_labels; k++) to[k] = label_map ? label_map[e->labels[k]] : e->labels[k];
        if (e->num_labels > 1) qsort(to, e->num_labels, sizeof *to, by_number);
        to += e->num_labels;
        inputs->values[i] = e->value;
    }
    return BERTC_OK;
}

/* Give each window the targets of its text. If no text was cut, drop `windows`. */
static bertc_status repeat_targets(bertc_inputs *inputs, size_t texts, bertc_error *err)
{
    size_t total = 0;
    if (inputs->cut == 0) {
        bc_free(inputs->windows);
        inputs->windows = NULL;
        return BERTC_OK;
    }
    inputs->texts = texts;
    const size_t *windows = inputs->windows, *of_text = inputs->label_starts;
    for (size_t t = 0; t < texts; t++) {
        size_t more;
        if (!bc_size_mul(of_text[t + 1] - of_text[t], windows[t + 1] - windows[t], &more) ||
            !bc_size_add(total, more, &total))
            return bc_fail_memory(err);
    }
    bertc_inputs to = {.label_starts = bc_alloc(inputs->count + 1, sizeof *to.label_starts),
                       .labels = bc_alloc(total, sizeof *to.labels),
                       .values = bc_alloc(inputs->count, sizeof *to.values)};
    bool allocated = to.label_starts && to.labels && to.values;
    if (allocated) to.label_starts[0] = 0;
    for (size_t t = 0; t < texts && allocated; t++)
        for (size_t i = windows[t]; i < windows[t + 1]; i++) {
            size_t n = of_text[t + 1] - of_text[t];
            if (n > 0) memcpy(to.labels + to.label_starts[i], inputs->labels + of_text[t], n * sizeof *to.labels);
            to.label_starts[i + 1] = to.label_starts[i] + n;
            to.values[i] = inputs->values[t];
        }
    bertc_inputs old = *inputs;
    if (allocated) {
        inputs->label_starts = to.label_starts;
        inputs->labels = to.labels;
        inputs->values = to.values;
        to = old;
    }
    bc_free(to.label_starts);
    bc_free(to.labels);
    bc_free(to.values);
    return allocated ? BERTC_OK : bc_fail_memory(err);
}

bertc_status bertc_inputs_create(const bertc_tokenizer *tokenizer, const bertc_dataset *dataset, size_t max_length,
                                 const int32_t *label_map, bertc_inputs **inputs, bertc_error *err)
{
    const bertc_length_limit limit = {.max_length = max_length};
    return bertc_inputs_create_long(tokenizer, dataset, limit, label_map, inputs, err);
}

bertc_status bertc_inputs_create_long(const bertc_tokenizer *tokenizer, const bertc_dataset *dataset,
                                      bertc_length_limit limit, const int32_t *label_map, bertc_inputs **inputs,
                                      bertc_error *err)
{
    if (inputs) *inputs = NULL;
    if (!tokenizer || !dataset || !dataset->task || !inputs || (dataset->count > 0 && !dataset->examples))
        return bc_fail_null(err, __func__, "tokenizer, dataset, its task and examples, and inputs");
    if ((unsigned)limit.long_texts > BERTC_LONG_WINDOWS)
        return bc_fail(err, BERTC_USAGE, "bertc_length_limit: long_texts %d is out of range", (int)limit.long_texts);
    if (dataset->count > UINT32_MAX)
        return bc_fail(err, BERTC_INPUT, "%s: %zu examples, the maximum is %u", dataset->path, dataset->count,
                       UINT32_MAX);
    bertc_inputs *in = bc_calloc(1, sizeof *in);
    if (!in) return bc_fail_memory(err);
    in->count = dataset->count;
    in->windows = bc_calloc(in->count + 1, sizeof *in->windows);
    in->label_starts = bc_alloc(in->count + 1, sizeof *in->label_starts);
    in->values = bc_alloc(in->count, sizeof *in->values);
    bertc_status status =
        in->windows && in->label_starts && in->values ? copy_targets(in, dataset, label_map, err) : bc_fail_memory(err);
    if (status == BERTC_OK) status = tokenise(in, tokenizer, dataset, limit, err);
    if (status == BERTC_OK) status = repeat_targets(in, dataset->count, err);
    if (status == BERTC_OK) *inputs = in;
    else bertc_inputs_free(in);
    return status;
}

void bertc_inputs_free(bertc_inputs *inputs)
{
    if (!inputs) return;
    bc_free(inputs->starts);
    bc_free(inputs->ids);
    bc_free(inputs->types);
    bc_free(inputs->label_starts);
    bc_free(inputs->labels);
    bc_free(inputs->values);
    bc_free(inputs->windows);
    bc_free(inputs);
}

/* ---- Batches ------------------------------------------------------------------------------- */

static bool has_arrays(const bertc_batch *batch)
{
    return batch->ids && batch->types && batch->positions && batch->starts && batch->examples &&
           batch->label_starts && batch->labels && batch->values;
}

bertc_status bertc_batch_create(int32_t max_sequences, int32_t max_tokens, int32_t max_labels,
                                bertc_batch **batch, bertc_error *err)
{
    if (!batch) return bc_fail_null(err, __func__, "batch");
    *batch = NULL;
    if (max_sequences < 1 || max_tokens < 1 || max_labels < 0)
        return bc_fail(err, BERTC_USAGE, "a batch of %d sequences, %d tokens and %d labels; the minimum is 1, 1 and 0",
                       (int)max_sequences, (int)max_tokens, (int)max_labels);
    bertc_batch *b = bc_calloc(1, sizeof *b);
    if (!b) return bc_fail_memory(err);
    b->max_sequences = max_sequences;
    b->max_tokens = max_tokens;
    b->max_labels = max_labels;
    size_t s = (size_t)max_sequences, n = (size_t)max_tokens;
    b->ids = bc_alloc(n, sizeof *b->ids);
    b->types = bc_alloc(n, sizeof *b->types);
    b->positions = bc_alloc(n, sizeof *b->positions);
    b->starts = bc_calloc(s + 1, sizeof *b->starts);
    b->examples = bc_alloc(s, sizeof *b->examples);
    b->label_starts = bc_calloc(s + 1, sizeof *b->label_starts);
    b->labels = bc_alloc((size_t)max_labels, sizeof *b->labels);
    b->values = bc_alloc(s, sizeof *b->values);
    if (!has_arrays(b)) {
        bertc_batch_free(b);
        return bc_fail_memory(err);
    }
    *batch = b;
    return BERTC_OK;
}

void bertc_batch_free(bertc_batch *batch)
{
    if (!batch) return;
    bc_free(batch->ids);
    bc_free(batch->types);
    bc_free(batch->positions);
    bc_free(batch->starts);
    bc_free(batch->examples);
    bc_free(batch->label_starts);
    bc_free(batch->labels);
    bc_free(batch->values);
    bc_free(batch);
}

/* Append the labels of an example to the batch. */
static bertc_status put_labels(bertc_batch *batch, const bertc_inputs *inputs, uint32_t example, bertc_error *err)
{
    size_t from = inputs->label_starts[example], to = inputs->label_starts[example + 1];
    int32_t *next = &batch->label_starts[batch->sequences], capacity = batch->max_labels - next[0];
    if (to < from)
        return bc_fail(err, BERTC_USAGE, "the labels of example %u end before they start", (unsigned)example);
    if (to - from > (size_t)capacity)
        return bc_fail(err, BERTC_USAGE, "example %u has %zu labels, but %d of the batch's %d are used",
                       (unsigned)example, to - from, (int)next[0], (int)batch->max_labels);
    memcpy(batch->labels + next[0], inputs->labels + from, (to - from) * sizeof *batch->labels);
    next[1] = next[0] + (int32_t)(to - from);
    return BERTC_OK;
}

/* Append an example to the batch. */
static bertc_status put_sequence(bertc_batch *batch, const bertc_inputs *inputs, uint32_t example, bertc_error *err)
{
    if (example >= inputs->count)
        return bc_fail(err, BERTC_USAGE, "example %u is out of range: the data set has %zu examples", (unsigned)example,
                       inputs->count);
    if (inputs->starts[example + 1] < inputs->starts[example])
        return bc_fail(err, BERTC_USAGE, "example %u ends before it starts", (unsigned)example);
    size_t from = inputs->starts[example], length = inputs->starts[example + 1] - from;
    size_t s = (size_t)batch->sequences, at = (size_t)batch->tokens;
    if (batch->sequences >= batch->max_sequences || length > (size_t)batch->max_tokens - at)
        return bc_fail(err, BERTC_USAGE, "example %u has %zu tokens, but %zu of the batch's %d sequences and %zu of "
                       "its %d tokens are used", (unsigned)example, length, s, (int)batch->max_sequences, at,
                       (int)batch->max_tokens);
    bertc_status status = put_labels(batch, inputs, example, err);
    if (status != BERTC_OK) return status;
    memcpy(batch->ids + at, inputs->ids + from, length * sizeof *batch->ids);
    memcpy(batch->types + at, inputs->types + from, length);
    for (size_t i = 0; i < length; i++) batch->positions[at + i] = (int32_t)i;
    batch->examples[s] = example;
    batch->values[s] = inputs->values[example];
    batch->starts[s + 1] = (int32_t)(at + length);
    batch->sequences++;
    batch->tokens += (int32_t)length;
    if (length > (size_t)batch->longest) batch->longest = (int32_t)length;
    return BERTC_OK;
}

bertc_status bertc_batch_fill(bertc_batch *batch, const bertc_inputs *inputs, const uint32_t *order,
                              size_t n, bertc_error *err)
{
    if (!batch || !inputs || (!order && n > 0)) return bc_fail_null(err, __func__, "batch, inputs and order");
    if (!has_arrays(batch)) return bc_fail_null(err, __func__, "the arrays of the batch");
    if (!inputs->starts || !inputs->ids || !inputs->types || !inputs->label_starts || !inputs->labels ||
        !inputs->values)
        return bc_fail_null(err, __func__, "the arrays of the inputs");
    bertc_status status = BERTC_OK;
    batch->sequences = batch->tokens = batch->longest = 0;
    batch->starts[0] = batch->label_starts[0] = 0;
    for (size_t i = 0; i < n && status == BERTC_OK; i++) status = put_sequence(batch, inputs, order[i], err);
    return status;
}

/* ---- Packing ------------------------------------------------------------------------------- */

static size_t length_of(const bertc_inputs *inputs, uint32_t example)
{
    return inputs->starts[example + 1] - inputs->starts[example];
}

size_t bc_pack_next(const bertc_inputs *inputs, const uint32_t *order, size_t left, bc_pack pack, size_t *tokens)
{
    size_t n = 0, sum = 0;
    while (n < left && n < pack.sequences) {
        size_t length = length_of(inputs, order[n]);
        if (n > 0 && (sum >= pack.tokens || length > pack.tokens - sum)) break;
        sum += length;
        n++;
    }
    *tokens = sum;
    return n;
}

bertc_status bc_pack_longest_first(const bertc_inputs *inputs, uint32_t *order, bertc_error *err)
{
    size_t *at = bc_calloc(inputs->longest + 2, sizeof *at);
    if (!at) return bc_fail_memory(err);
    for (size_t i = 0; i < inputs->count; i++) at[inputs->longest - length_of(inputs, (uint32_t)i) + 1]++;
    for (size_t i = 0; i <= inputs->longest; i++) at[i + 1] += at[i];
    for (size_t i = 0; i < inputs->count; i++)
        order[at[inputs->longest - length_of(inputs, (uint32_t)i)]++] = (uint32_t)i;
    bc_free(at);
    return BERTC_OK;
}

size_t bc_pack_max(const bertc_inputs *inputs, const uint32_t *longest_first, bc_pack pack)
{
    size_t sum = 0, n = inputs->count < pack.sequences ? inputs->count : pack.sequences;
    for (size_t i = 0; i < n && sum < pack.tokens; i++) sum += length_of(inputs, longest_first[i]);
    size_t max = pack.tokens > inputs->longest ? pack.tokens : inputs->longest;
    return sum < max ? sum : max;
}

int32_t bc_pack_max_labels(const bertc_inputs *inputs, size_t sequences)
{
    size_t most = 0, all = inputs->label_starts[inputs->count], product;
    for (size_t i = 0; i < inputs->count; i++)
        most = bc_max(most, inputs->label_starts[i + 1] - inputs->label_starts[i]);
    if (bc_size_mul(most, sequences, &product)) all = bc_min(all, product);
    return (int32_t)bc_min(all, INT32_MAX);
}
