/* Whole training steps, beside the floor, and by part. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "harness/harness.h"
#include "run/options.h"

/* Sequences first .. first + count - 1 of a batch as a batch of their own. */
static bertc_batch *slice(const bertc_batch *from, int first, int count)
{
    bertc_error err = {0};
    bertc_batch *to;
    int at = from->starts[first], tokens = from->starts[first + count] - at;
    check(bertc_batch_create(count, tokens, &to, &err), &err);
    to->sequences = count;
    to->tokens = tokens;
    memcpy(to->ids, from->ids + at, (size_t)tokens * sizeof *to->ids);
    memcpy(to->types, from->types + at, (size_t)tokens * sizeof *to->types);
    memcpy(to->positions, from->positions + at, (size_t)tokens * sizeof *to->positions);
    memcpy(to->examples, from->examples + first, (size_t)count * sizeof *to->examples);
    memcpy(to->labels, from->labels + first, (size_t)count * sizeof *to->labels);
    for (int s = 0; s <= count; s++) {
        to->starts[s] = from->starts[first + s] - at;
        int length = s ? to->starts[s] - to->starts[s - 1] : 0;
        if (length > to->longest) to->longest = length;
    }
    return to;
}

/* Cut the batch where the next sequence would exceed the tokens of a pass. */
static void cut(trainer *t)
{
    const bertc_batch *b = t->batch;
    t->passes = get((size_t)b->sequences, sizeof *t->passes);
    for (int first = 0, last; first < b->sequences; first = last) {
        last = first + 1;
        while (last < b->sequences && b->starts[last + 1] - b->starts[first] <= BC_PASS_TOKENS)
            last++;
        t->passes[t->count++] = slice(b, first, last - first);
    }
}

/* The largest of what any pass needs. */
static bertc_workspace *plan(const trainer *t)
{
    bertc_batch most = {0};
    for (int i = 0; i < t->count; i++) {
        const bertc_batch *b = t->passes[i];
        if (b->tokens > most.tokens) most.tokens = b->tokens;
        if (b->sequences > most.sequences) most.sequences = b->sequences;
        if (b->longest > most.longest) most.longest = b->longest;
    }
    return make_workspace(t->model, &most, true);
}

/* As in a run, the word table has a gradient where the batch names a word. */
static void touch_words(trainer *t)
{
    bertc_error err = {0};
    bc_param *table = bc_model_param(t->model, BC_WORD, 0);
    size_t tokens = (size_t)t->batch->tokens;
    check(bc_touched_create(&t->words, table->shape[0], tokens, &err), &err);
    bc_touched_add(&t->words, t->batch->ids, tokens);
    table->touched = &t->words;
}

/* The trainer's address stays: its parameters point to its words. */
void open_trainer(trainer *t)
{
    bertc_error err = {0};
    *t = (trainer){.model = make_model(true), .batch = make_batch(0, settings.batch_size)};
    cut(t);
    touch_words(t);
    t->workspace = plan(t);
    check(bc_optim_create(&t->optim, t->model->params, t->model->count, BERTC_RECIPE_HF, 0.01,
                          settings.threads, &err),
          &err);
}

void close_trainer(trainer *t)
{
    bc_optim_clear(&t->optim);
    bc_touched_clear(&t->words);
    bertc_workspace_free(t->workspace);
    for (int i = 0; i < t->count; i++) bertc_batch_free(t->passes[i]);
    bc_free(t->passes);
    bertc_batch_free(t->batch);
    bertc_model_free(t->model);
}

double train(trainer *t)
{
    bertc_error err = {0};
    const bc_rates dropout = bc_rates_of(&t->model->config, -1);
    bc_pass pass = {.dropout = &dropout, .seed = 1, .step = t->step};
    double began = bc_clock();
    t->laps.last = began;
    for (int i = 0; i < t->count; i++) {
        bc_model_fwd(t->model, t->workspace, t->passes[i], pass);
        bc_model_loss(t->model, t->workspace, t->passes[i], pass, NULL, settings.batch_size);
        bc_model_bwd(t->model, t->workspace, t->passes[i], pass, i > 0);
    }
    double passed = bc_clock();
    double norm = bc_optim_norm(&t->optim);
    double normed = bc_clock();
    bc_optim_step(&t->optim, t->step++, 1e-6, bc_clip_scale(BERTC_RECIPE_HF, norm, 1));
    double ended = bc_clock();
    t->norm_seconds += normed - passed;
    t->update_seconds += ended - normed;
    check(bc_workspace_status(t->workspace, &err), &err);
    return ended - began;
}

void bench_step(void)
{
    trainer t;
    open_trainer(&t);
    gemm_floor f;
    open_floor(&f, t.model, t.batch);
    bench_work work = work_of(t.batch);
    sample step = {0}, floor = {0}, ratio = {0}, speed = {0};
    train(&t);
    for (int r = 0; r < settings.rounds; r++) {
        double least = time_floor(&f), seconds = train(&t);
        add(&step, 1e3 * seconds);
        add(&floor, 1e3 * least);
        add(&ratio, least / seconds);
        add(&speed, t.batch->tokens / seconds);
    }
    print_figure("step", "ms", step, work);
    print_floor(&f, floor);
    print_figure("step ratio_to_floor", "ratio", ratio, work);
    print_figure("step speed", "tokens/s", speed, work);
    close_floor(&f);
    close_trainer(&t);
}

void bench_breakdown(void)
{
    static const char *const names[BC_WORKS] = {
        [BC_WORK_EMBEDDINGS] = "embeddings", [BC_WORK_PRODUCTS] = "products",
        [BC_WORK_BIASES] = "biases",         [BC_WORK_ROUNDING] = "rounding",
        [BC_WORK_ATTENTION] = "attention",   [BC_WORK_NORMS] = "norms",
        [BC_WORK_ACTIVATION] = "activation", [BC_WORK_HEAD] = "head",
    };
    trainer t;
    open_trainer(&t);
    bench_work work = work_of(t.batch);
    sample part[BC_WORKS] = {0}, norm = {0}, update = {0}, whole = {0}, share = {0};
    train(&t);
    t.workspace->laps = &t.laps;
    for (int r = 0; r < settings.rounds; r++) {
        memset(t.laps.seconds, 0, sizeof t.laps.seconds);
        t.norm_seconds = t.update_seconds = 0;
        double seconds = train(&t), sum = t.norm_seconds + t.update_seconds;
        for (int i = 0; i < BC_WORKS; i++) {
            add(&part[i], 1e3 * t.laps.seconds[i]);
            sum += t.laps.seconds[i];
        }
        add(&norm, 1e3 * t.norm_seconds);
        add(&update, 1e3 * t.update_seconds);
        add(&whole, 1e3 * seconds);
        add(&share, sum / seconds);
    }
    for (int i = 0; i < BC_WORKS; i++) {
        char what[NAME];
        snprintf(what, sizeof what, "step: %s", names[i]);
        print_figure(what, "ms", part[i], work);
    }
    print_figure("step: gradient norm", "ms", norm, work);
    print_figure("step: AdamW", "ms", update, work);
    print_figure("step: whole", "ms", whole, work);
    print_figure("step: parts of the whole", "ratio", share, work);
    close_trainer(&t);
    double sum = spread_of(share).median;
    if (sum < 0.95 || sum > 1.05)
        stop(BERTC_IO, "breakdown", "the parts do not add up to the whole within 5 %");
}
