/* bertc-bench: what a training step, a forward pass, the optimiser, the tokenizer and the start
 * cost, beside the least that they could cost. One JSON line or one row of a table a figure.
 *
 * A program that measures gives up on the first error: check() prints it, then exits. */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "bertc.h"
#include "data/epoch.h"
#include "nn/profile.h"
#include "nn/pass.h"
#include "train/trainer.h"

enum { ROUNDS_MAX = 64, NAME = 96, PATH = 4096 };

/* What the command line asks for: shared by all, changed only by main and by a sweep. */
typedef struct bench_settings {
    int layers, hidden, batch_size, rounds, threads, frozen;
    const char *lengths, *precision, *backend, *vocab, *text, *model, *data, *bertc, *svg;
    bool json;
    bool given_batch_size, given_lengths; /* on the command line */
} bench_settings;

extern bench_settings settings;

bool read_number(const char *text, int min, int max, int *number); /* all of the text is one */

/* ---- Ends ---------------------------------------------------------------------------------- */

void check(bertc_status status, const bertc_error *err);
_Noreturn void stop(bertc_status status, const char *what, const char *why);
void *get(size_t count, size_t size); /* zeroed; bc_free() */

/* ---- Figures ------------------------------------------------------------------------------- */

typedef struct sample {
    double value[ROUNDS_MAX];
    int count;
} sample;

typedef struct spread {
    double median, min, max;
} spread;

void add(sample *s, double value);
spread spread_of(sample s);

/* What a figure is of, beside the settings: batches of texts, or a text alone, which has no model. */
typedef struct bench_work {
    int batch, tokens;   /* 0: none; tokens of a batch, 0 where they differ or are not known */
    const char *lengths; /* where the batches come from */
    size_t bytes;        /* of a text alone */
} bench_work;

bench_work work_of(const bertc_batch *batch);

/* `what` is a figure of this run: its median, least and most. */
void print_figure(const char *what, const char *unit, sample s, bench_work work);
/* The same of kernels other than those that --backend names. */
void print_figure_by(const char *backend, const char *what, const char *unit, sample s, bench_work work);

/* ---- A model and batches ------------------------------------------------------------------- */

bool use_bf16(void);
int heads_of(int hidden); /* of 64 features each */
void take_shape(const char *model); /* of a directory, into the settings */
bertc_model_options model_options(bool trainable);
bertc_model *make_model(bool trainable);

/* A batch of random ids with one length from each of `size` equal parts of the distribution. */
bertc_batch *make_batch(uint32_t number, int size);
bertc_workspace *make_workspace(const bertc_model *model, const bertc_batch *batch, bool training);
char *read_text(const char *path, size_t *size); /* bc_free() */

/* ---- The floor ----------------------------------------------------------------------------- */

enum { LINEARS = 4, KINDS = 3, KERNELS = 3 };

typedef struct floor_kernel {
    const char *name; /* of the library */
    bc_gemm *gemm;
    bool packed; /* on the model's packed weights */
} floor_kernel;

/* Every product of all layers over n rows, on the model's own weights and gradients, so that the
 * operands come from memory as they do in a step. Its address stays. */
typedef struct gemm_floor {
    bertc_model *model;
    size_t n;
    bench_work work;
    int kinds, count;
    float *x, *y;
    uint16_t *bf16_x, *bf16_y;
    bc_gemm libraries[KERNELS];
    floor_kernel kernels[KERNELS];
    const floor_kernel *best[LINEARS][KINDS];
} gemm_floor;

/* Of a step where the model has gradients, of a forward pass where not. */
void open_floor(gemm_floor *f, bertc_model *model, const bertc_batch *batch);
double time_floor(gemm_floor *f); /* all products, in their order; seconds */
void print_floor(const gemm_floor *f, sample milliseconds);
void close_floor(gemm_floor *f);

/* ---- Training steps ------------------------------------------------------------------------ */

/* The trainer of runs with one batch, in passes of bertc's own limit of tokens: the same in every step, so no word
 * row misses one. */
typedef struct stepper {
    bc_trainer *trainer;
    bertc_batch *batch;
    bertc_inputs inputs; /* the batch as a data set: its arrays are those of the batch, but for: */
    size_t *starts; /* of the texts, then of the labels */
    bc_epoch epoch;
    int64_t steps;
} stepper;

void open_stepper(stepper *t);
bc_step_result train(stepper *t); /* one step */
void close_stepper(stepper *t);

/* ---- Other processes ----------------------------------------------------------------------- */

enum { NUMBER = 16 }; /* a number as text */

/* A temporary folder: the sample of `bertc sample`, a model of the settings' shape, its vocabulary, and a run
 * folder that is not there yet. */
typedef struct place {
    char root[PATH / 4], sample[PATH / 2], words[PATH / 2], model[PATH / 2], out[PATH / 2];
} place;

place open_place(void);
void make_inputs(const place *p);
void remove_folder(const char *path);
pid_t start(const char *const argv[]); /* its output is thrown away, its messages are kept */
_Noreturn void give_up(const char *const argv[], const char *why); /* with its last message */

/* ---- Drawings ------------------------------------------------------------------------------ */

enum { CURVE_POINTS = 16, CURVES = 2 };

typedef struct curve {
    const char *name;
    int count;
    double x[CURVE_POINTS];
    spread y[CURVE_POINTS];
} curve;

/* x is drawn in powers of two and marked where there are points; y from 0, or in powers of ten. */
typedef struct panel {
    const char *title;
    bool log_y;
    curve curves[CURVES];
} panel;

/* Two panels a row under `title`. */
void write_svg(const char *path, const char *title, const panel *panels, int count);

/* ---- What can be measured ------------------------------------------------------------------ */

void bench_gemm(void);
void bench_step(void);
void bench_breakdown(void);
void bench_infer(void);
void bench_optim(void);
void bench_tokenize(void);
void bench_inputs(void);
void bench_load(void);
void bench_sweep(void);
void bench_transfer(void);

#endif
