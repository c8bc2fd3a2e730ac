#include "twin/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory -------------------------------------------------------------------------------- */

typedef struct piece {
    struct piece *next;
    void *memory;
} piece;

static piece *pieces;

static void *or_end(void *memory)
{
    if (memory) return memory;
    fputs("test: out of memory\n", stderr);
    exit(5);
}

void *twin_take(size_t count, size_t size)
{
    size_t bytes = (count * size + 64) / 64 * 64;
    piece *p = or_end(malloc(sizeof *p));
    p->memory = or_end(aligned_alloc(64, bytes));
    memset(p->memory, 0, bytes);
    p->next = pieces;
    pieces = p;
    return p->memory;
}

double *twin_doubles(size_t count)
{
    return twin_take(count, sizeof(double));
}

float *twin_floats(size_t count)
{
    return twin_take(count, sizeof(float));
}

const void *twin_mark(void)
{
    return pieces;
}

void twin_release_to(const void *mark)
{
    while (pieces && pieces != mark) {
        piece *p = pieces;
        pieces = p->next;
        free(p->memory);
        free(p);
    }
}

int twin_release(void **state)
{
    (void)state;
    twin_release_to(NULL);
    return 0;
}

/* ---- numbers ------------------------------------------------------------------------------- */

/* SplitMix64 (Steele et al. 2014) of a counter. */
static uint64_t mix(uint64_t seed, uint64_t index)
{
    uint64_t z = seed * 0xD1B54A32D192ED03u + (index + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

uint32_t twin_below(uint64_t seed, uint64_t index, uint32_t below)
{
    return (uint32_t)((mix(seed, index) >> 32) * below >> 32);
}

double *twin_random(size_t count, double deviation, uint64_t seed)
{
    double *x = twin_doubles(count);
    for (size_t i = 0; i < count; i++) {
        double u = ((double)(mix(seed, 2 * i) >> 11) + 0.5) * 0x1p-53;
        double v = (double)(mix(seed, 2 * i + 1) >> 11) * 0x1p-53;
        x[i] = deviation * sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
    }
    return x;
}

float *twin_random_floats(size_t count, double deviation, uint64_t seed)
{
    double *x = twin_random(count, deviation, seed);
    float *y = twin_floats(count);
    for (size_t i = 0; i < count; i++) y[i] = (float)x[i];
    return y;
}

double *twin_widen(const float *x, size_t count)
{
    double *y = twin_doubles(count);
    for (size_t i = 0; i < count; i++) y[i] = x[i];
    return y;
}

float *twin_copy(const float *x, size_t count)
{
    float *y = twin_floats(count);
    memcpy(y, x, count * sizeof *y);
    return y;
}

void twin_fill_nan(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) x[i] = NAN;
}

/* ---- distance ------------------------------------------------------------------------------ */

double twin_largest(const double *x, size_t count)
{
    double max = 0.0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(x[i])) return INFINITY;
        max = fmax(max, fabs(x[i]));
    }
    return max;
}

double twin_distance(const float *a, const double *b, size_t count)
{
    double max = 0.0, scale = twin_largest(b, count);
    for (size_t i = 0; i < count; i++) {
        if (isnan(a[i]) || isnan(b[i])) return INFINITY;
        max = fmax(max, fabs(a[i] - b[i]));
    }
    return scale > 0.0 ? max / scale : max;
}

double twin_distance_floats(const float *a, const float *b, size_t count)
{
    double max = 0.0, scale = 0.0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(a[i]) || isnan(b[i])) return INFINITY;
        max = fmax(max, fabs((double)a[i] - (double)b[i]));
        scale = fmax(scale, fabs((double)b[i]));
    }
    return scale > 0.0 ? max / scale : max;
}

/* ---- batches ------------------------------------------------------------------------------- */

static bertc_batch *empty_batch(int32_t sequences, int32_t tokens, int32_t labels)
{
    size_t s = (size_t)sequences, n = (size_t)tokens;
    bertc_batch *b = twin_take(1, sizeof *b);
    *b = (bertc_batch){.sequences = sequences,
                       .tokens = tokens,
                       .ids = twin_take(n, sizeof *b->ids),
                       .types = twin_take(n, sizeof *b->types),
                       .positions = twin_take(n, sizeof *b->positions),
                       .starts = twin_take(s + 1, sizeof *b->starts),
                       .examples = twin_take(s, sizeof *b->examples),
                       .label_starts = twin_take(s + 1, sizeof *b->label_starts),
                       .labels = twin_take((size_t)labels, sizeof *b->labels),
                       .values = twin_take(s, sizeof *b->values),
                       .max_sequences = sequences,
                       .max_tokens = tokens,
                       .max_labels = labels};
    for (int32_t i = 0; i <= sequences; i++) b->label_starts[i] = i;
    return b;
}

/* Give each sequence each label with probability 1/3. */
static void draw_sets(bertc_batch *b, int32_t num_labels, uint64_t seed)
{
    int32_t count = 0;
    for (int32_t s = 0; s < b->sequences; s++) {
        b->label_starts[s] = count;
        for (int32_t c = 0; c < num_labels; c++)
            if (twin_below(seed + 5, (uint64_t)(s * num_labels + c), 3) == 0) b->labels[count++] = c;
    }
    b->label_starts[b->sequences] = count;
}

bertc_batch *twin_batch(const bertc_config *config, const int32_t *lengths, int32_t sequences, uint64_t seed)
{
    int32_t tokens = 0;
    for (int32_t s = 0; s < sequences; s++) tokens += lengths[s];
    bertc_batch *b = empty_batch(sequences, tokens, config->multi_label ? sequences * config->num_labels : sequences);
    for (int32_t s = 0, row = 0; s < sequences; s++) {
        if (lengths[s] > b->longest) b->longest = lengths[s];
        b->examples[s] = (uint32_t)(7 * s + 3);
        b->labels[s] = (int32_t)twin_below(seed + 1, (uint64_t)s, (uint32_t)config->num_labels);
        b->values[s] = (float)twin_below(seed + 2, (uint64_t)s, 1000) / 200.0f;
        for (int32_t i = 0; i < lengths[s]; i++, row++) {
            b->ids[row] = (int32_t)twin_below(seed + 3, (uint64_t)row, (uint32_t)config->vocab_size);
            b->types[row] = (uint8_t)twin_below(seed + 4, (uint64_t)row, (uint32_t)config->type_vocab_size);
            b->positions[row] = i;
        }
        b->starts[s + 1] = row;
    }
    if (config->multi_label) draw_sets(b, config->num_labels, seed);
    return b;
}

bertc_inputs twin_inputs(const bertc_batch *batch)
{
    size_t count = (size_t)batch->sequences, *starts = twin_take(count + 1, sizeof *starts);
    size_t *label_starts = twin_take(count + 1, sizeof *label_starts);
    for (size_t s = 0; s <= count; s++) {
        starts[s] = (size_t)batch->starts[s];
        label_starts[s] = (size_t)batch->label_starts[s];
    }
    return (bertc_inputs){.count = count, .starts = starts, .ids = batch->ids, .types = batch->types,
                          .labels = batch->labels, .label_starts = label_starts, .values = batch->values,
                          .longest = (size_t)batch->longest};
}

bertc_batch *twin_batch_part(const bertc_batch *batch, int32_t first, int32_t count)
{
    int32_t begin = batch->starts[first], end = batch->starts[first + count];
    int32_t labels = batch->label_starts[first], num_labels = batch->label_starts[first + count] - labels;
    bertc_batch *part = empty_batch(count, end - begin, num_labels);
    size_t n = (size_t)(end - begin);
    memcpy(part->ids, batch->ids + begin, n * sizeof *part->ids);
    memcpy(part->types, batch->types + begin, n * sizeof *part->types);
    memcpy(part->positions, batch->positions + begin, n * sizeof *part->positions);
    for (int32_t s = 0; s < count; s++) {
        int32_t length = batch->starts[first + s + 1] - batch->starts[first + s];
        if (length > part->longest) part->longest = length;
        part->starts[s + 1] = part->starts[s] + length;
        part->examples[s] = batch->examples[first + s];
        part->label_starts[s + 1] = batch->label_starts[first + s + 1] - labels;
        part->values[s] = batch->values[first + s];
    }
    for (int32_t i = 0; i < num_labels; i++) part->labels[i] = batch->labels[labels + i];
    return part;
}

bertc_config twin_config(int32_t layers, int32_t hidden, int32_t heads, int32_t intermediate,
                         int32_t labels, bertc_activation act)
{
    static char spelled[][12] = {"gelu", "gelu_new", "quick_gelu", "relu", "silu", "tanh"};
    static char label[] = "LABEL";
    static char *names[64];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) names[i] = label;
    return (bertc_config){.vocab_size = 23,
                          .hidden_size = hidden,
                          .num_hidden_layers = layers,
                          .num_attention_heads = heads,
                          .intermediate_size = intermediate,
                          .max_position_embeddings = 512,
                          .type_vocab_size = 2,
                          .hidden_act = act,
                          .hidden_dropout_prob = 0.1,
                          .attention_probs_dropout_prob = 0.2,
                          .classifier_dropout = -1.0,
                          .initializer_range = 0.02,
                          .layer_norm_eps = 1e-12,
                          .num_labels = labels,
                          .labels = names,
                          .hidden_act_name = spelled[act]};
}
