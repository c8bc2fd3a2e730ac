/* The work to measure: models with random weights, batches whose lengths are those of real data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "harness/harness.h"

enum { QUANTILES = 21 };

/* Lengths in word pieces of bert-base-uncased, [CLS] and [SEP] included, cut at 128: least, each
 * twentieth part of the examples, most. Counted over the train splits; mnli over dev_matched. */
static const struct {
    const char *name;
    int quantile[QUANTILES];
} distributions[] = {
    {"sst2", {3, 4, 4, 5, 6, 6, 7, 8, 8, 9, 10, 11, 13, 14, 16, 18, 20, 23, 27, 33, 66}},
    {"cola", {4, 6, 7, 8, 8, 9, 9, 9, 10, 10, 10, 11, 11, 12, 12, 13, 14, 15, 17, 20, 47}},
    {"mnli", {6, 15, 18, 21, 23, 26, 28, 30, 32, 34, 36, 38, 41, 43, 46, 49, 53, 57, 63, 72, 128}},
    {"stsb", {10, 15, 16, 17, 18, 19, 19, 20, 21, 22, 23, 24, 25, 26, 28, 31, 35, 42, 51, 60, 125}},
};

bool use_half(void)
{
    return strcmp(settings.precision, "bf16") == 0;
}

void take_shape(const char *model)
{
    bertc_error err = {0};
    bertc_config config;
    char path[PATH];
    snprintf(path, sizeof path, "%s/config.json", model);
    check(bertc_config_load(path, &config, &err), &err);
    settings.layers = config.num_hidden_layers;
    settings.hidden = config.hidden_size;
    bertc_config_clear(&config);
}

int heads_of(int hidden)
{
    return hidden < 64 ? 1 : hidden / 64;
}

bertc_model_options model_options(bool trainable)
{
    return (bertc_model_options){.backend = settings.backend,
                                 .precision = use_half() ? BERTC_BF16 : BERTC_F32,
                                 .threads = settings.threads,
                                 .seed = 1,
                                 .trainable = trainable,
                                 .frozen = settings.frozen};
}

bertc_model *make_model(bool trainable)
{
    bertc_error err = {0};
    bertc_config config;
    bertc_model *model;
    check(bertc_config_init(&config, &err), &err);
    config.num_hidden_layers = settings.layers;
    config.hidden_size = settings.hidden;
    config.intermediate_size = 4 * settings.hidden;
    config.num_attention_heads = heads_of(settings.hidden);
    check(bertc_config_check(&config, "the shape asked for", &err), &err);
    bertc_model_options options = model_options(trainable);
    check(bertc_model_create(&config, &options, &model, &err), &err);
    bertc_config_clear(&config);
    return model;
}

/* Uniform in [0, 1). */
static double draw(uint32_t a, uint32_t b)
{
    return bc_rng(7, a, b, 0, 0).word[0] * 0x1p-32;
}

static int length_of(uint32_t batch, uint32_t i, int size)
{
    const char *name = settings.lengths;
    if (strcmp(name, "pad128") == 0) return 128;
    if (strcmp(name, "len512") == 0) return 512;
    for (size_t d = 0; d < sizeof distributions / sizeof *distributions; d++) {
        if (strcmp(name, distributions[d].name) != 0) continue;
        const int *q = distributions[d].quantile;
        double at = (i + draw(batch, i)) / size * (QUANTILES - 1);
        int below = (int)at;
        return (int)(q[below] + (at - below) * (q[below + 1] - q[below]) + 0.5);
    }
    int tokens;
    if (read_number(name, 1, 512, &tokens)) return tokens;
    stop(BERTC_USAGE, name, "--lengths is sst2, cola, mnli, stsb, pad128, len512 or 1 to 512");
}

bertc_batch *make_batch(uint32_t number, int size)
{
    bertc_error err = {0};
    bertc_batch *batch;
    check(bertc_batch_create(size, size * 512, &batch, &err), &err);
    batch->sequences = size;
    for (int s = 0; s < size; s++) {
        int length = length_of(number, (uint32_t)s, size);
        batch->starts[s] = batch->tokens;
        batch->examples[s] = (uint32_t)s;
        batch->labels[s] = s % 2;
        for (int i = 0; i < length; i++, batch->tokens++) {
            double word = draw(number + 1000, (uint32_t)batch->tokens);
            batch->ids[batch->tokens] = 1000 + (int)(word * 20000);
            batch->positions[batch->tokens] = i;
            batch->types[batch->tokens] = 0;
        }
        if (length > batch->longest) batch->longest = length;
    }
    batch->starts[size] = batch->tokens;
    return batch;
}

bertc_workspace *make_workspace(const bertc_model *model, const bertc_batch *batch, bool training)
{
    bertc_error err = {0};
    bertc_workspace *workspace;
    bertc_limits limits = {.tokens = batch->tokens,
                           .sequences = batch->sequences,
                           .longest = batch->longest,
                           .training = training};
    check(bertc_workspace_create(model, &limits, &workspace, &err), &err);
    return workspace;
}

char *read_text(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    long end = -1;
    if (file && fseek(file, 0, SEEK_END) == 0) end = ftell(file);
    if (end < 0) stop(BERTC_INPUT, path, "cannot be read");
    rewind(file);
    char *text = get((size_t)end + 1, 1);
    *size = fread(text, 1, (size_t)end, file);
    fclose(file);
    return text;
}
