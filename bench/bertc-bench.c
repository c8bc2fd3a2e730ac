/* bertc-bench: what a training step, a forward pass and the optimiser cost, beside the least that
 * they could cost, and what text costs. One JSON line or one row of a table for every figure. */
#include "bench.h"

#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/rng.h"
#include "bertc.h"
#include "nn/laps.h"
#include "nn/model.h"
#include "train/optim.h"

enum { QUANTILES = 21 };

static const char usage[] =
    "Examples:\n"
    "  bertc-bench step --lengths sst2 --batch-size 32\n"
    "  bertc-bench step infer optim --precision bf16 --json\n"
    "  bertc-bench tokenize --vocab vocab.txt --text lines.txt\n"
    "\n"
    "Usage: bertc-bench WHAT... [OPTION]...\n"
    "\n"
    "What:\n"
    "  gemm      the products that a step cannot do without, each by the best kernel found\n"
    "  step      whole training steps, beside those products in the same rounds\n"
    "  breakdown parts of a training step\n"
    "  infer     forward passes of batches of 1, 8, 32 and 128\n"
    "  optim     AdamW over all parameters, beside a copy of the same bytes\n"
    "  tokenize  lines of a text, one thread\n"
    "  inputs    SST-2's train split, from memory to the tokens of a data set\n"
    "\n"
    "Options (default):\n"
    "  --layers N (12)  --hidden N (768)  --batch-size N (32)  --rounds N (5)  --threads N (2)\n"
    "  --lengths NAME   sst2, cola, mnli, stsb, pad128, len512 or a number of tokens (sst2)\n"
    "  --precision f32|bf16 (f32)  --backend onednn|openblas|reference (onednn)\n"
    "  --vocab FILE  --text FILE   for tokenize\n"
    "  --vocab FILE  --data DIR    for inputs: the GLUE folder\n"
    "  --json           a JSON object a line instead of a table\n";

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

bench_settings settings = {12, 768, 32, 5, 2, "sst2", "f32", "onednn", NULL, NULL, NULL, false};

void check(bertc_status status, const bertc_error *err)
{
    if (status == BERTC_OK) return;
    fprintf(stderr, "bertc-bench: %s\n", err->message);
    exit((int)status);
}

void *get(size_t count, size_t size)
{
    void *memory = bc_calloc(count, size);
    bertc_error err = {.message = "out of memory"};
    check(memory ? BERTC_OK : BERTC_NOMEM, &err);
    return memory;
}

/* ---- Figures -------------------------------------------------------------------------------- */

void add(sample *s, double value)
{
    s->value[s->count++] = value;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void print_figure(const char *what, const char *unit, sample s, int batch)
{
    qsort(s.value, (size_t)s.count, sizeof *s.value, ascending);
    int half = s.count / 2;
    double median = s.count % 2 ? s.value[half] : (s.value[half - 1] + s.value[half]) / 2;
    const char *isa = getenv("ONEDNN_MAX_CPU_ISA");
    printf(settings.json
               ? "{\"what\":\"%s\",\"unit\":\"%s\",\"median\":%.6g,\"least\":%.6g,\"most\":%.6g,"
                 "\"rounds\":%d,\"layers\":%d,\"hidden\":%d,\"batch_size\":%d,\"lengths\":\"%s\","
                 "\"threads\":%d,\"precision\":\"%s\",\"backend\":\"%s\",\"isa_limit\":\"%s\"}\n"
               : "%-28s %-10s %12.6g %12.6g %12.6g %3d  %d x %d, batch %d of %s, %d threads, %s, "
                 "%s%s%s\n",
           what, unit, median, s.value[0], s.value[s.count - 1], s.count, settings.layers,
           settings.hidden, batch, settings.lengths, settings.threads, settings.precision,
           settings.backend, settings.json || !isa ? "" : ", ", isa ? isa : "");
    fflush(stdout);
}

/* ---- A model and batches -------------------------------------------------------------------- */

static bool use_half(void)
{
    return strcmp(settings.precision, "bf16") == 0;
}

static bertc_model *make_model(bool trainable)
{
    bertc_error err;
    bertc_config config;
    bertc_model *model;
    check(bertc_config_init(&config, &err), &err);
    config.num_hidden_layers = settings.layers;
    config.hidden_size = settings.hidden;
    config.intermediate_size = 4 * settings.hidden;
    config.num_attention_heads = settings.hidden / 64 ? settings.hidden / 64 : 1;
    check(bertc_config_check(&config, "the shape asked for", &err), &err);
    bertc_model_options options = {.backend = settings.backend,
                                   .precision = use_half() ? BERTC_BF16 : BERTC_F32,
                                   .threads = settings.threads,
                                   .seed = 1,
                                   .trainable = trainable};
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
    int tokens = atoi(name);
    if (tokens >= 1 && tokens <= 512) return tokens;
    fprintf(stderr, "bertc-bench: --lengths %s is neither a name nor 1 to 512\n", name);
    exit(BERTC_USAGE);
}

/* A batch of random ids with one length from each of `size` equal parts of the distribution. */
static bertc_batch *make_batch(uint32_t number, int size)
{
    bertc_error err;
    bertc_batch *batch;
    check(bertc_batch_create(size, size * 512, &batch, &err), &err);
    batch->sequences = size;
    for (int s = 0; s < size; s++) {
        int length = length_of(number, (uint32_t)s, size);
        batch->starts[s] = batch->tokens;
        batch->examples[s] = (uint32_t)s;
        batch->labels[s] = s % 2;
        for (int i = 0; i < length; i++, batch->tokens++) {
            batch->ids[batch->tokens] = 1000 + (int)(draw(number + 1000, (uint32_t)batch->tokens) * 20000);
            batch->positions[batch->tokens] = i;
            batch->types[batch->tokens] = 0;
        }
        if (length > batch->longest) batch->longest = length;
    }
    batch->starts[size] = batch->tokens;
    return batch;
}

static bertc_workspace *make_workspace(const bertc_model *model, const bertc_batch *batch,
                                       bool training)
{
    bertc_error err;
    bertc_workspace *workspace;
    bertc_limits limits = {.tokens = batch->tokens,
                           .sequences = batch->sequences,
                           .longest = batch->longest,
                           .training = training};
    check(bertc_workspace_create(model, &limits, &workspace, &err), &err);
    return workspace;
}

/* ---- The floor ------------------------------------------------------------------------------ */

enum { LINEARS = 4, KINDS = 3, CANDIDATES = 2 };

static const char *const kind_names[KINDS] = {"fwd", "dx", "dw"};

static const struct {
    const char *name;
    bc_param_id weight;
    int in, out; /* in units of the hidden size */
} linears[LINEARS] = {
    {"qkv", BC_QUERY_W, 1, 3},
    {"attn", BC_ATTN_W, 1, 1},
    {"up", BC_UP_W, 1, 4},
    {"down", BC_DOWN_W, 4, 1},
};

/* Every product of all layers over n rows, on the model's own weights and gradients, so that the
 * operands come from memory as they do in a step. */
typedef struct gemm_floor {
    const bertc_model *model;
    size_t n;
    float *x, *y;
    uint16_t *half_x, *half_y;
    bc_gemm gemm[CANDIDATES];
    int candidates;
    int best[LINEARS][KINDS];
} gemm_floor;

static void multiply(gemm_floor *f, bc_gemm *gemm, int linear, int kind, int layer)
{
    size_t h = (size_t)settings.hidden;
    bc_linear d = {f->n, (size_t)linears[linear].in * h, (size_t)linears[linear].out * h};
    const bc_param *w = bc_model_param(f->model, linears[linear].weight, layer);
    if (w->half && kind == 0) bc_half_fwd(gemm, f->y, f->half_x, w->half, NULL, d);
    else if (w->half && kind == 1) bc_half_bwd_x(gemm, f->x, f->half_y, w->half, d, false);
    else if (w->half) bc_half_bwd_w(gemm, w->grad, f->half_y, f->half_x, d, false);
    else if (kind == 0) bc_linear_fwd(gemm, f->y, f->x, w->value, NULL, d);
    else if (kind == 1) bc_linear_bwd_x(gemm, f->x, f->y, w->value, d, false);
    else bc_linear_bwd_w(gemm, w->grad, f->y, f->x, d, false);
}

static double time_layers(gemm_floor *f, bc_gemm *gemm, int linear, int kind)
{
    double began = bc_clock();
    for (int l = 0; l < settings.layers; l++) multiply(f, gemm, linear, kind, l);
    return bc_clock() - began;
}

/* The fastest candidate for each product: least of three times, after one that warms up. */
static void choose(gemm_floor *f)
{
    for (int i = 0; i < LINEARS; i++)
        for (int kind = 0; kind < KINDS; kind++) {
            double least = 1e30;
            for (int c = 0; c < f->candidates; c++)
                for (int round = 0; round < 4; round++) {
                    double seconds = time_layers(f, &f->gemm[c], i, kind);
                    if (round == 0 || seconds >= least) continue;
                    least = seconds;
                    f->best[i][kind] = c;
                }
        }
}

static gemm_floor open_floor(const bertc_model *model, const bertc_batch *batch)
{
    static const char *const names[CANDIDATES] = {"onednn", "openblas"};
    size_t n = (size_t)batch->tokens, room = bc_rows(n) * 4 * (size_t)settings.hidden;
    gemm_floor f = {.model = model, .n = n, .candidates = use_half() ? 1 : CANDIDATES};
    bertc_error err;
    f.x = get(room, sizeof *f.x);
    f.y = get(room, sizeof *f.y);
    f.half_x = get(room, sizeof *f.half_x);
    f.half_y = get(room, sizeof *f.half_y);
    for (size_t i = 0; i < room; i++) f.x[i] = f.y[i] = (float)((double)(i % 257) / 257 - 0.5);
    for (size_t i = 0; i < room; i++) f.half_x[i] = f.half_y[i] = (uint16_t)(0x3e00 + i % 257);
    for (int c = 0; c < f.candidates; c++) {
        check(bc_gemm_open(&f.gemm[c], names[c], &err), &err);
        if (use_half()) check(bc_gemm_use_half(&f.gemm[c], &err), &err);
    }
    omp_set_num_threads(settings.threads);
    choose(&f);
    return f;
}

static void close_floor(gemm_floor *f)
{
    for (int c = 0; c < f->candidates; c++) bc_gemm_close(&f->gemm[c]);
    bc_free(f->x);
    bc_free(f->y);
    bc_free(f->half_x);
    bc_free(f->half_y);
}

/* All products of a step, in its order. */
static double time_floor(gemm_floor *f)
{
    double began = bc_clock();
    for (int l = 0; l < settings.layers; l++)
        for (int i = 0; i < LINEARS; i++) multiply(f, &f->gemm[f->best[i][0]], i, 0, l);
    for (int l = settings.layers - 1; l >= 0; l--)
        for (int i = LINEARS - 1; i >= 0; i--)
            for (int kind = 1; kind < KINDS; kind++)
                multiply(f, &f->gemm[f->best[i][kind]], i, kind, l);
    return bc_clock() - began;
}

static void bench_gemm(void)
{
    bertc_model *model = make_model(true);
    bertc_batch *batch = make_batch(0, settings.batch_size);
    gemm_floor f = open_floor(model, batch);
    for (int i = 0; i < LINEARS; i++)
        for (int kind = 0; kind < KINDS; kind++) {
            char what[NAME];
            sample rate = {0};
            double h = settings.hidden, n = batch->tokens, l = settings.layers;
            double work = 2 * n * h * h * linears[i].in * linears[i].out * l;
            bc_gemm *gemm = &f.gemm[f.best[i][kind]];
            for (int r = 0; r < settings.rounds; r++)
                add(&rate, work / time_layers(&f, gemm, i, kind) * 1e-9);
            snprintf(what, sizeof what, "gemm %s %s %s", linears[i].name, kind_names[kind],
                     gemm->backend->name);
            print_figure(what, "GFLOP/s", rate, settings.batch_size);
        }
    sample floor = {0};
    for (int r = 0; r < settings.rounds; r++) add(&floor, 1e3 * time_floor(&f));
    print_figure("gemm floor of a step", "ms", floor, settings.batch_size);
    close_floor(&f);
    bertc_batch_free(batch);
    bertc_model_free(model);
}

/* ---- Training steps ------------------------------------------------------------------------- */

typedef struct trainer {
    bertc_model *model;
    bertc_workspace *workspace;
    bertc_batch *batch;
    bc_optim optim;
    bc_laps laps;
    double norm_seconds, update_seconds;
    uint32_t step;
} trainer;

static trainer open_trainer(void)
{
    bertc_error err;
    trainer t = {.model = make_model(true), .batch = make_batch(0, settings.batch_size)};
    t.workspace = make_workspace(t.model, t.batch, true);
    check(bc_optim_create(&t.optim, t.model->params, t.model->count, BERTC_RECIPE_HF, 0.01,
                          settings.threads, &err),
          &err);
    return t;
}

static void close_trainer(trainer *t)
{
    bc_optim_clear(&t->optim);
    bertc_workspace_free(t->workspace);
    bertc_batch_free(t->batch);
    bertc_model_free(t->model);
}

/* One step; returns its seconds. */
static double train(trainer *t)
{
    bertc_error err;
    bc_pass pass = {.training = true, .seed = 1, .step = t->step};
    double began = bc_clock();
    t->laps.last = began;
    bc_model_fwd(t->model, t->workspace, t->batch, pass);
    bc_model_loss(t->model, t->workspace, t->batch, settings.batch_size);
    bc_model_bwd(t->model, t->workspace, t->batch, pass, false);
    double passed = bc_clock();
    double norm = bc_optim_norm(&t->optim);
    double normed = bc_clock();
    bc_optim_step(&t->optim, t->step++, 1e-6, bc_clip_scale(BERTC_RECIPE_HF, norm, 1));
    double ended = bc_clock();
    t->norm_seconds += normed - passed;
    t->update_seconds += ended - normed;
    check(bc_model_status(t->model, &err), &err);
    return ended - began;
}

static void bench_step(void)
{
    trainer t = open_trainer();
    gemm_floor f = open_floor(t.model, t.batch);
    sample step = {0}, floor = {0}, ratio = {0}, speed = {0};
    train(&t);
    for (int r = 0; r < settings.rounds; r++) {
        double least = time_floor(&f), seconds = train(&t);
        add(&step, 1e3 * seconds);
        add(&floor, 1e3 * least);
        add(&ratio, least / seconds);
        add(&speed, t.batch->tokens / seconds);
    }
    print_figure("step", "ms", step, settings.batch_size);
    print_figure("gemm floor of a step", "ms", floor, settings.batch_size);
    print_figure("step ratio_to_floor", "ratio", ratio, settings.batch_size);
    print_figure("step speed", "tokens/s", speed, settings.batch_size);
    close_floor(&f);
    close_trainer(&t);
}

static void bench_breakdown(void)
{
    static const char *const names[BC_WORKS] = {
        [BC_WORK_EMBEDDINGS] = "embeddings", [BC_WORK_PRODUCTS] = "products",
        [BC_WORK_BIASES] = "biases",         [BC_WORK_ROUNDING] = "rounding",
        [BC_WORK_ATTENTION] = "attention",   [BC_WORK_NORMS] = "norms",
        [BC_WORK_ACTIVATION] = "activation", [BC_WORK_HEAD] = "head",
    };
    trainer t = open_trainer();
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
        print_figure(what, "ms", part[i], settings.batch_size);
    }
    print_figure("step: gradient norm", "ms", norm, settings.batch_size);
    print_figure("step: AdamW", "ms", update, settings.batch_size);
    print_figure("step: whole", "ms", whole, settings.batch_size);
    print_figure("step: parts of the whole", "ratio", share, settings.batch_size);
    close_trainer(&t);
}

/* ---- Inference ------------------------------------------------------------------------------ */

static void bench_infer(void)
{
    static const int sizes[] = {1, 8, 32, 128};
    bertc_model *model = make_model(false);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        bertc_error err;
        const float *logits;
        sample time = {0}, speed = {0};
        bertc_batch *batch = make_batch(0, sizes[i]);
        bertc_workspace *workspace = make_workspace(model, batch, false);
        for (int r = -1; r < settings.rounds; r++) {
            double began = bc_clock();
            check(bertc_model_forward(model, workspace, batch, &logits, &err), &err);
            double seconds = bc_clock() - began;
            if (r < 0) continue;
            add(&time, 1e3 * seconds);
            add(&speed, sizes[i] / seconds);
        }
        print_figure("infer", "ms", time, sizes[i]);
        print_figure("infer speed", "texts/s", speed, sizes[i]);
        bertc_workspace_free(workspace);
        bertc_batch_free(batch);
    }
    bertc_model_free(model);
}

/* ---- Optimiser ------------------------------------------------------------------------------ */

/* Half of the bytes read, half written, in pieces as large as the optimiser's. */
static double time_copy(char *to, const char *from, size_t bytes)
{
    const size_t piece = 1 << 18;
    double began = bc_clock();
#pragma omp parallel for schedule(static) num_threads(settings.threads)
    for (size_t at = 0; at < bytes; at += piece)
        memcpy(to + at, from + at, bytes - at < piece ? bytes - at : piece);
    return bc_clock() - began;
}

static void bench_optim(void)
{
    bertc_error err;
    bertc_model *model = make_model(true);
    bc_optim optim;
    sample update = {0}, copy = {0}, ratio = {0};
    check(bc_optim_create(&optim, model->params, model->count, BERTC_RECIPE_HF, 0.01,
                          settings.threads, &err),
          &err);
    /* Per parameter: four numbers read, three written, and a bf16 copy of a layer's. */
    size_t bytes = model->scalars * 28 / 2;
    char *from = get(bytes, 1), *to = get(bytes, 1);
    memset(from, 1, bytes);
    memset(to, 2, bytes);
    for (size_t i = 0; i < model->scalars; i++) model->grads[i] = 1e-3f * (float)(i % 31);
    for (int r = -1; r < settings.rounds; r++) {
        double began = bc_clock();
        bc_optim_step(&optim, r + 1, 1e-6, 1);
        double seconds = bc_clock() - began, copied = time_copy(to, from, bytes);
        if (r < 0) continue;
        add(&update, 1e3 * seconds);
        add(&copy, 1e3 * copied);
        add(&ratio, copied / seconds);
    }
    print_figure("optim: AdamW", "ms", update, 0);
    print_figure("optim: copy", "ms", copy, 0);
    print_figure("optim ratio_to_copy", "ratio", ratio, 0);
    bc_free(from);
    bc_free(to);
    bc_optim_clear(&optim);
    bertc_model_free(model);
}

/* ---- Command line --------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*run)(void);
} benches[] = {
    {"gemm", bench_gemm},   {"step", bench_step},   {"breakdown", bench_breakdown},
    {"infer", bench_infer}, {"optim", bench_optim}, {"tokenize", bench_tokenize},
    {"inputs", bench_inputs},
};

static const struct {
    const char *name;
    int *number;
    const char **text;
} options[] = {
    {"--layers", &settings.layers, NULL},       {"--hidden", &settings.hidden, NULL},
    {"--batch-size", &settings.batch_size, NULL}, {"--rounds", &settings.rounds, NULL},
    {"--threads", &settings.threads, NULL},     {"--lengths", NULL, &settings.lengths},
    {"--precision", NULL, &settings.precision}, {"--backend", NULL, &settings.backend},
    {"--vocab", NULL, &settings.vocab},         {"--text", NULL, &settings.text},
    {"--data", NULL, &settings.data},
};

static void fail(const char *what, const char *argument)
{
    fprintf(stderr, "bertc-bench: %s: %s\n%s", argument, what, usage);
    exit(BERTC_USAGE);
}

/* Reads the option at argv[i] and its value; returns the number of arguments taken. */
static int read_option(char **argv, int i)
{
    if (strcmp(argv[i], "--json") == 0) {
        settings.json = true;
        return 1;
    }
    for (size_t o = 0; o < sizeof options / sizeof *options; o++) {
        if (strcmp(argv[i], options[o].name) != 0) continue;
        if (!argv[i + 1]) fail("a value is missing", argv[i]);
        if (options[o].text) *options[o].text = argv[i + 1];
        else if ((*options[o].number = atoi(argv[i + 1])) < 1) fail("not a number above 0", argv[i]);
        return 2;
    }
    fail("unknown option", argv[i]);
    return 0;
}

int main(int argc, char **argv)
{
    bool wanted[sizeof benches / sizeof *benches] = {0}, any = false;
    for (int i = 1; i < argc;) {
        if (argv[i][0] == '-') {
            i += read_option(argv, i);
            continue;
        }
        size_t b = 0;
        while (b < sizeof benches / sizeof *benches && strcmp(argv[i], benches[b].name) != 0) b++;
        if (b == sizeof benches / sizeof *benches) fail("nothing of this name", argv[i]);
        wanted[b] = any = true;
        i++;
    }
    if (!any) {
        fputs(usage, stderr);
        return BERTC_USAGE;
    }
    if (settings.rounds > ROUNDS_MOST) fail("at most 64", "--rounds");
    if (strcmp(settings.precision, "f32") != 0 && !use_half()) fail("f32 or bf16", "--precision");
    if (!settings.json)
        printf("%-28s %-10s %12s %12s %12s\n", "figure", "unit", "median", "least", "most");
    for (size_t b = 0; b < sizeof benches / sizeof *benches; b++)
        if (wanted[b]) benches[b].run();
    return 0;
}
