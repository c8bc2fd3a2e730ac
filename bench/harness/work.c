/* The work to measure: models with random weights, batches whose lengths are those of real data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "harness/harness.h"
#include "tasks/tasks.h"

bool use_bf16(void)
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
                                 .precision = use_bf16() ? BERTC_BF16 : BERTC_F32,
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
    const bertc_task *task = bertc_task_find(name);
    if (task && task->length_quantiles[0] > 0) return (int)(bc_task_length(task, (i + draw(batch, i)) / size) + 0.5);
    int tokens;
    if (read_number(name, 1, 512, &tokens)) return tokens;
    stop(BERTC_USAGE, name, "--lengths is sst2, cola, mrpc, stsb, mnli, pad128, len512 or 1 to 512");
}

bertc_batch *make_batch(uint32_t number, int size)
{
    bertc_error err = {0};
    bertc_batch *batch;
    check(bertc_batch_create(size, size * 512, size, &batch, &err), &err);
    batch->sequences = size;
    for (int s = 0; s < size; s++) {
        int length = length_of(number, (uint32_t)s, size);
        batch->starts[s] = batch->tokens;
        batch->examples[s] = (uint32_t)s;
        batch->labels[s] = s % 2;
        batch->label_starts[s + 1] = s + 1;
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
    bertc_limits limits = {
        .tokens = batch->tokens, .sequences = batch->sequences, .longest = batch->longest, .training = training};
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
