/* Forward passes of batches of random ids, or of a model directory over the lines of a text. */
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

static void infer_batch(const bench_settings *s, bertc_model *model, int size)
{
    sample time = {0}, speed = {0}, bound = {0}, ratio = {0};
    bertc_batch *batch = make_batch(s, 0, size);
    bertc_workspace *workspace = make_workspace(model, batch, false);
    bench_work work = work_of(s, batch);
    gemm_bound f;
    open_bound(&f, s, model, batch);
    forward(model, workspace, batch);
    for (int r = 0; r < s->rounds; r++) {
        double min = time_bound(&f), seconds = forward(model, workspace, batch);
        add(&time, 1e3 * seconds);
        add(&speed, size / seconds);
        add(&bound, 1e3 * min);
        add(&ratio, min / seconds);
    }
    print_result(s, "infer", "ms", time, work);
    print_result(s, "infer speed", "texts/s", speed, work);
    print_bound(&f, bound);
    print_result(s, "infer ratio_to_floor", "ratio", ratio, work);
    close_bound(&f);
    bertc_workspace_free(workspace);
    bertc_batch_free(batch);
}

static void infer_batches(const bench_settings *s)
{
    static const int sizes[] = {1, 8, 32, 128};
    bertc_model *model = make_model(s, false);
    if (s->given_batch_size) infer_batch(s, model, (int)s->batch_size);
    else
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) infer_batch(s, model, sizes[i]);
    bertc_model_free(model);
}

/* ---- A text -------------------------------------------------------------------------------- */

/* Tokenise the lines of --text with --model's own tokenizer, truncated to 128 tokens. */
static bertc_inputs *read_inputs(const bench_settings *s)
{
    bertc_error err = {0};
    bertc_vocab *vocab;
    bertc_tokenizer *tokenizer;
    bertc_dataset *lines;
    bertc_inputs *inputs;
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    char path[PATH];
    size_t size;
    char *text = read_text(s->text, &size);
    snprintf(path, sizeof path, "%s/vocab.txt", s->model);
    check(bertc_vocab_load(path, &vocab, &err), &err);
    check(bertc_tokenizer_read_options(s->model, &options, &err), &err);
    check(bertc_tokenizer_create(vocab, &options, &tokenizer, &err), &err);
    const bertc_task *task = bertc_task_find("sst2");
    check(bertc_dataset_from_lines(task, text, size, s->text, &lines, &err), &err);
    check(bertc_inputs_create(tokenizer, lines, 128, NULL, &inputs, &err), &err);
    bertc_dataset_free(lines);
    bertc_tokenizer_free(tokenizer);
    bertc_vocab_free(vocab);
    bc_free(text);
    return inputs;
}

/* Compute every line once, a batch at a time in the order of the file; return the seconds in the model alone. */
static double forward_all(const bertc_model *model, bertc_workspace *workspace, bertc_batch *batch,
                          const bertc_inputs *inputs)
{
    double seconds = 0;
    size_t size = (size_t)batch->max_sequences, n;
    uint32_t *order = allocate(size, sizeof *order);
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

static void infer_text(const bench_settings *s)
{
    bertc_error err = {0};
    bertc_model *model;
    bertc_batch *batch;
    bertc_workspace *workspace;
    sample speed = {0};
    bertc_model_options options = model_options(s, false);
    bertc_inputs *inputs = read_inputs(s);
    check(bertc_model_load(s->model, &options, &model, &err), &err);
    int32_t size = (int32_t)s->batch_size, longest = (int32_t)inputs->longest;
    bertc_limits limits = {.tokens = size * longest, .sequences = size, .longest = longest};
    check(bertc_batch_create(limits.sequences, limits.tokens, 0, &batch, &err), &err);
    check(bertc_workspace_create(model, &limits, &workspace, &err), &err);
    forward_all(model, workspace, batch, inputs);
    for (int r = 0; r < s->rounds; r++)
        add(&speed, (double)inputs->count / forward_all(model, workspace, batch, inputs));
    bench_work work = {.batch = size, .lengths = "the text's lines"};
    print_result(s, "infer text", "texts/s", speed, work);
    bertc_workspace_free(workspace);
    bertc_batch_free(batch);
    bertc_inputs_free(inputs);
    bertc_model_free(model);
}

void bench_infer(const bench_settings *s)
{
    if (!s->model != !s->text) fail(BERTC_USAGE, "infer", "needs both --model and --text, or neither of them");
    if (s->model && s->given_lengths) fail(BERTC_USAGE, "infer", "--lengths has no effect on the lines of a text");
    if (s->model) infer_text(s);
    else infer_batches(s);
}
