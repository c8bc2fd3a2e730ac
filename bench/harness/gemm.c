/* The floor: the matrix products that a step cannot do without, each by the best kernel found. */
#include <omp.h>
#include <stdio.h>

#include "base/memory.h"
#include "harness/harness.h"

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

static void multiply(gemm_floor *f, bc_gemm *gemm, int linear, int kind, int layer)
{
    size_t h = (size_t)settings.hidden;
    bc_linear d = {f->n, (size_t)linears[linear].in * h, (size_t)linears[linear].out * h};
    const bc_param *w = bc_model_param(f->model, linears[linear].weight, layer);
    if (w->half && kind == 0) bc_half_fwd(gemm, (bc_matrix){.full = f->y}, f->half_x, w->half, NULL, d);
    else if (w->half && kind == 1) bc_half_bwd_x(gemm, (bc_matrix){.full = f->x}, f->half_y, w->half, d, false);
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

gemm_floor open_floor(const bertc_model *model, const bertc_batch *batch)
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

void close_floor(gemm_floor *f)
{
    for (int c = 0; c < f->candidates; c++) bc_gemm_close(&f->gemm[c]);
    bc_free(f->x);
    bc_free(f->y);
    bc_free(f->half_x);
    bc_free(f->half_y);
}

double time_floor(gemm_floor *f)
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

void bench_gemm(void)
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
            print_figure_by(gemm->backend->name, what, "GFLOP/s", rate, settings.batch_size);
        }
    sample floor = {0};
    for (int r = 0; r < settings.rounds; r++) add(&floor, 1e3 * time_floor(&f));
    print_figure_by("best of each", "gemm floor of a step", "ms", floor, settings.batch_size);
    close_floor(&f);
    bertc_batch_free(batch);
    bertc_model_free(model);
}
