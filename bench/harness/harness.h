/* bertc-bench measures training steps, forward passes, the optimiser, the tokenizer and the start of a run, and
 * compares them with lower bounds. Each result is printed as one JSON object or one row of a table.
 *
 * The program ends at the first error: check() and fail() print it and exit. */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/clock.h"
#include "bertc.h"
#include "data/epoch.h"
#include "nn/pass.h"
#include "nn/profile.h"
#include "train/trainer.h"

enum { MAX_ROUNDS = 64, NAME = 96, PATH = 4096 };

/* ---- Results ------------------------------------------------------------------------------- */

/* The values of a result, one for each round. */
typedef struct sample {
    double value[MAX_ROUNDS];
    int count;
} sample;

typedef struct spread {
    double median, min, max;
} spread;

void add(sample *s, double value);
spread spread_of(sample s);

/* ---- Drawings ------------------------------------------------------------------------------ */

enum { CURVE_POINTS = 16, CURVES = 2, FACTORS = 4 };

typedef struct curve {
    const char *name;
    int count;
    double x[CURVE_POINTS];
    spread y[CURVE_POINTS];
} curve;

/* The x axis is logarithmic, with a label for each point. The y axis starts at 0, or is logarithmic if log_y is set. */
typedef struct panel {
    const char *title;
    bool log_y;
    curve curves[CURVES];
} panel;

/* Draw the panels in rows of two under `title`. */
void write_svg(const char *path, const char *title, const panel *panels, int count);

/* ---- Settings ------------------------------------------------------------------------------ */

/* The state of the output, shared by all benchmarks of one run of the program. */
typedef struct bench_report {
    bool has_header;       /* whether the table's header line is printed */
    panel panels[FACTORS]; /* drawings of the sweep, with a curve for each precision */
} bench_report;

/* What the command line asks for. The option table in main.c fills the fields up to `json`. */
typedef struct bench_settings {
    int64_t layers, hidden, batch_size, rounds, threads, frozen;
    const char *lengths, *precision, *backend, *vocab, *text, *model, *data, *bertc, *svg;
    bool json;
    bool given_batch_size, given_lengths; /* whether the command line contains these options */
    bench_report *report;
} bench_settings;

/* ---- Errors and memory --------------------------------------------------------------------- */

void check(bertc_status status, const bertc_error *err); /* print the error and exit unless status is BERTC_OK */
_Noreturn void fail(bertc_status status, const char *place, const char *why);
void *allocate(size_t count, size_t size); /* zeroed; free with bc_free() */

/* ---- Printing ------------------------------------------------------------------------------ */

/* What was computed for a result, in addition to the settings: batches of a model, or a text without a model. */
typedef struct bench_work {
    int batch;           /* texts in a batch; 0: no batches */
    int tokens;          /* tokens in a batch; 0: unknown, or not the same in all batches */
    const char *lengths; /* source of the batches' lengths */
    size_t bytes;        /* size of the text; 0: the work is not a text */
} bench_work;

bench_work work_of(const bench_settings *s, const bertc_batch *batch);

/* Print the median, minimum and maximum of a result. */
void print_result(const bench_settings *s, const char *what, const char *unit, sample values, bench_work work);

/* Print a result of kernels whose backend is not the one in the settings. */
void print_result_by(const bench_settings *s, const char *backend, const char *what, const char *unit, sample values,
                     bench_work work);

/* ---- Models and batches -------------------------------------------------------------------- */

bool use_bf16(const bench_settings *s);
int heads_of(int64_t hidden); /* heads of 64 features each */
void read_shape(bench_settings *s); /* set layers and hidden from the config of settings.model */
bertc_model_options model_options(const bench_settings *s, bool trainable);
bertc_model *make_model(const bench_settings *s, bool trainable);

/* Make batch `index`: `size` texts of random ids. The distribution of lengths is divided into `size` equal parts, and
 * each part gives the length of one text. */
bertc_batch *make_batch(const bench_settings *s, uint32_t index, int size);
bertc_workspace *make_workspace(const bertc_model *model, const bertc_batch *batch, bool training);
char *read_text(const char *path, size_t *size); /* free with bc_free() */

/* ---- The lower bound: matrix products ------------------------------------------------------ */

enum { LINEARS = 4, KINDS = 3, KERNELS = 3 };

typedef struct bound_kernel {
    const char *name; /* name of its backend */
    bc_gemm *gemm;
    bool packed; /* uses the model's packed weights */
} bound_kernel;

/* The matrix products of all layers over n rows. They use the model's own weights and gradients, so that operands come
 * from memory as in a step. It must not be moved: kernels point to `backends`. */
typedef struct gemm_bound {
    const bench_settings *settings;
    bertc_model *model;
    size_t n;
    bench_work work;
    int kinds, count; /* kinds of products; number of kernels */
    float *x, *y;
    uint16_t *bf16_x, *bf16_y;
    bc_gemm backends[KERNELS];
    bound_kernel kernels[KERNELS];
    const bound_kernel *best[LINEARS][KINDS];
} gemm_bound;

/* Prepare the products of a training step if the model has gradients, else those of a forward pass. */
void open_bound(gemm_bound *f, const bench_settings *s, bertc_model *model, const bertc_batch *batch);
double time_bound(gemm_bound *f); /* compute all products in their order; returns seconds */
void print_bound(const gemm_bound *f, sample milliseconds);
void close_bound(gemm_bound *f);

/* ---- Training steps ------------------------------------------------------------------------ */

/* The trainer that runs use, with a single batch in micro-batches of bertc's default token limit. All steps use the
 * same batch, so no update of the word embeddings is postponed. It must not be moved: the epoch points to `inputs`. */
typedef struct stepper {
    bc_trainer *trainer;
    bertc_batch *batch;
    bertc_inputs inputs; /* the batch as a data set; shares the batch's arrays except `starts` and `label_starts` */
    size_t *starts;      /* memory of these two arrays of `inputs` */
    bc_epoch epoch;
    int64_t steps;
} stepper;

void open_stepper(stepper *t, const bench_settings *s);
bc_step_result train_step(stepper *t);
void close_stepper(stepper *t);

/* ---- Other processes ----------------------------------------------------------------------- */

enum { NUMBER = 24 }; /* size of a number as text */

const char *number_text(char text[NUMBER], int64_t number);

/* A temporary folder for runs of bertc, and the paths in it. */
typedef struct bench_folder {
    char root[PATH / 4];
    char sample[PATH / 2]; /* output of `bertc sample` */
    char vocab[PATH / 2];  /* vocabulary of the model */
    char model[PATH / 2];  /* a model of the settings' shape */
    char out[PATH / 2];    /* run folder, which does not exist between runs */
    FILE *messages;        /* standard error of the last process */
} bench_folder;

void create_folder(bench_folder *folder);
void make_inputs(const bench_folder *folder, const bench_settings *s);
void remove_tree(const char *path);
void remove_folder(bench_folder *folder);

/* Start a process. Its standard output is discarded. */
pid_t start_process(const bench_folder *folder, const char *const argv[]);

/* Report a process that failed, with the last line of its messages. */
_Noreturn void fail_process(const bench_folder *folder, const char *const argv[], const char *why);

/* ---- Benchmarks ---------------------------------------------------------------------------- */

void bench_gemm(const bench_settings *s);
void bench_step(const bench_settings *s);
void bench_breakdown(const bench_settings *s);
void bench_infer(const bench_settings *s);
void bench_optim(const bench_settings *s);
void bench_tokenize(const bench_settings *s);
void bench_inputs(const bench_settings *s);
void bench_load(const bench_settings *s);
void bench_sweep(const bench_settings *s);
void bench_transfer(const bench_settings *s);

#endif
