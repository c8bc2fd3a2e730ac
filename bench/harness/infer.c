/* Forward passes: of batches of random ids, or of a model directory over the lines of a text. */
#include <stdio.h>

#include "base/memory.h"
#include "harness/harness.h"

static double forward(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch)
{
    bertc_error err = {0};
    const float *logits;
    double began = bc_clock();
    check(bertc_model_forward(model, workspace, batch, &logits, &err), &err);
    return bc_clock() - began;
}

static void infer_shape(bertc_model *model, int size)
{
    sample time = {0}, speed = {0}, floor = {0}, ratio = {0};
    bertc_batch *batch = make_batch(0, size);
    bertc_workspace *workspace = make_workspace(model, batch, false);
    bench_work work = work_of(batch);
    gemm_floor f;
    open_floor(&f, model, batch);
    forward(model, workspace, batch);
    for (int r = 0; r < settings.rounds; r++) {
        double min = time_floor(&f), seconds = forward(model, workspace, batch);
        add(&time, 1e3 * seconds);
        add(&speed, size / seconds);
        add(&floor, 1e3 * min);
        add(&ratio, min / seconds);
    }
    print_figure("infer", "ms", time, work);
    print_figure("infer speed", "texts/s", speed, work);
    print_floor(&f, floor);
    print_figure("infer ratio_to_floor", "ratio", ratio, work);
    close_floor(&f);
    bertc_workspace_free(workspace);
    bertc_batch_free(batch);
}

static void infer_shapes(void)
{
    static const int sizes[] = {1, 8, 32, 128};
    bertc_model *model = make_model(false);
    if (settings.given_batch_size) infer_shape(model, settings.batch_size);
    else
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) infer_shape(model, sizes[i]);
    bertc_model_free(model);
}

/* ---- A text -------------------------------------------------------------------------------- */

/* The lines of --text as ids of --model's own tokenizer, cut at 128. */
static bertc_inputs *read_inputs(void)
{
    bertc_error err = {0};
    bertc_vocab *vocab;
    bertc_tokenizer *tokenizer;
    bertc_dataset *lines;
    bertc_inputs *inputs;
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    char path[PATH];
    size_t size;
    char *text = read_text(settings.text, &size);
    snprintf(path, sizeof path, "%s/vocab.txt", settings.model);
    check(bertc_vocab_load(path, &vocab, &err), &err);
    check(bertc_tokenizer_read_options(settings.model, &options, &err), &err);
    check(bertc_tokenizer_create(vocab, &options, &tokenizer, &err), &err);
    const bertc_task *task = bertc_task_find("sst2");
    check(bertc_dataset_from_lines(task, text, size, settings.text, &lines, &err), &err);
    check(bertc_inputs_create(tokenizer, lines, 128, NULL, &inputs, &err), &err);
    bertc_dataset_free(lines);
    bertc_tokenizer_free(tokenizer);
    bertc_vocab_free(vocab);
    bc_free(text);
    return inputs;
}

/* Every line once, `size` at a time in their order; seconds in the model alone. */
static double forward_all(const bertc_model *model, bertc_workspace *workspace, bertc_batch *batch,
                          const bertc_inputs *inputs)
{
    double seconds = 0;
    size_t size = (size_t)batch->max_sequences, n;
    uint32_t *order = get(size, sizeof *order);
    for (size_t at = 0; at < inputs->count; at += n) {
        n = inputs->count - at < size ? inputs->count - at : size;
        for (size_t i = 0; i < n; i++) order[i] = (uint32_t)(at + i);
        bertc_error err = {0};
        check(bertc_batch_fill(batch, inputs, order, n, &err), &err);
        seconds += forward(model, workspace, batch);
    }
    bc_free(order);
    return seconds;
}

static void infer_text(void)
{
    bertc_error err = {0};
    bertc_model *model;
    bertc_batch *batch;
    bertc_workspace *workspace;
    sample speed = {0};
    bertc_model_options options = model_options(false);
    bertc_inputs *inputs = read_inputs();
    check(bertc_model_load(settings.model, &options, &model, &err), &err);
    bertc_limits limits = {.tokens = settings.batch_size * (int32_t)inputs->longest,
                           .sequences = settings.batch_size,
                           .longest = (int32_t)inputs->longest};
    check(bertc_batch_create(limits.sequences, limits.tokens, 0, &batch, &err), &err);
    check(bertc_workspace_create(model, &limits, &workspace, &err), &err);
    forward_all(model, workspace, batch, inputs);
    for (int r = 0; r < settings.rounds; r++)
        add(&speed, (double)inputs->count / forward_all(model, workspace, batch, inputs));
    bench_work work = {.batch = settings.batch_size, .lengths = "the text's lines"};
    print_figure("infer text", "texts/s", speed, work);
    bertc_workspace_free(workspace);
    bertc_batch_free(batch);
    bertc_inputs_free(inputs);
    bertc_model_free(model);
}

void bench_infer(void)
{
    if (!settings.model != !settings.text) stop(BERTC_USAGE, "infer", "needs both --model and --text, or neither");
    if (settings.model && settings.given_lengths)
        stop(BERTC_USAGE, "infer", "--lengths is not for the lines of a text");
    if (settings.model) infer_text();
    else infer_shapes();
}
