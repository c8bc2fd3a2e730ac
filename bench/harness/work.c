/* The work to measure: models with random weights, and batches with the lengths of real data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "harness/harness.h"
#include "tasks/tasks.h"

bool use_bf16(const bench_settings *s)
{
    return strcmp(s->precision, "bf16") == 0;
}

void read_shape(bench_settings *s)
{
    bertc_error err = {0};
    bertc_config config;
    char path[PATH];
    snprintf(path, sizeof path, "%s/config.json", s->model);
    check(bertc_config_load(path, &config, &err), &err);
    s->layers = config.num_hidden_layers;
    s->hidden = config.hidden_size;
    bertc_config_clear(&config);
}

int heads_of(int64_t hidden)
{
    return hidden < 64 ? 1 : (int)(hidden / 64);
}

bertc_model_options model_options(const bench_settings *s, bool trainable)
{
    return (bertc_model_options){.backend = s->backend,
                                 .precision = use_bf16(s) ? BERTC_BF16 : BERTC_F32,
                                 .threads = (int)s->threads,
                                 .seed = 1,
                                 .trainable = trainable,
                                 .frozen = (int)s->frozen};
}

bertc_model *make_model(const bench_settings *s, bool trainable)
{
    bertc_error err = {0};
    bertc_config config;
    bertc_model *model;
    check(bertc_config_init(&config, &err), &err);
    config.num_hidden_layers = (int32_t)s->layers;
    config.hidden_size = (int32_t)s->hidden;
    config.intermediate_size = (int32_t)(4 * s->hidden);
    config.num_attention_heads = heads_of(s->hidden);
    check(bertc_config_check(&config, "the requested shape", &err), &err);
    bertc_model_options options = model_options(s, trainable);
    check(bertc_model_create(&config, &options, &model, &err), &err);
    bertc_config_clear(&config);
    return model;
}

/* Draw a number from the uniform distribution over [0, 1). */
static double draw(uint32_t a, uint32_t b)
{
    return bc_rng(7, a, b, 0, 0).word[0] * 0x1p-32;
}

/* Return the number of tokens of text i in a batch of `size` texts. */
static int length_of(const char *name, uint32_t batch, uint32_t i, int size)
{
    if (strcmp(name, "pad128") == 0) return 128;
    if (strcmp(name, "len512") == 0) return 512;
    const bertc_task *task = bertc_task_find(name);
    if (task && task->length_quantiles[0] > 0) return (int)(bc_task_length(task, (i + draw(batch, i)) / size) + 0.5);
    char *end;
    long tokens = strtol(name, &end, 10);
    if (end != name && !*end && tokens >= 1 && tokens <= 512) return (int)tokens;
    fail(BERTC_USAGE, name, "--lengths must be sst2, cola, mrpc, stsb, mnli, pad128, len512 or 1 to 512");
}

bertc_batch *make_batch(const bench_settings *s, uint32_t index, int size)
{
    bertc_error err = {0};
    bertc_batch *batch;
    check(bertc_batch_create(size, size * 512, size, &batch, &err), &err);
    batch->sequences = size;
    for (int i = 0; i < size; i++) {
        int length = length_of(s->lengths, index, (uint32_t)i, size);
        batch->starts[i] = batch->tokens;
        batch->examples[i] = (uint32_t)i;
        batch->labels[i] = i % 2;
        batch->label_starts[i + 1] = i + 1;
        for (int k = 0; k < length; k++, batch->tokens++) {
            double word = draw(index + 1000, (uint32_t)batch->tokens);
            batch->ids[batch->tokens] = 1000 + (int)(word * 20000);
            batch->positions[batch->tokens] = k;
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
    if (end < 0) fail(BERTC_INPUT, path, "cannot be read");
    rewind(file);
    char *text = allocate((size_t)end + 1, 1);
    *size = fread(text, 1, (size_t)end, file);
    fclose(file);
    return text;
}
