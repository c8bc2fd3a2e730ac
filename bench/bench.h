/* What the files of bertc-bench share. */
#ifndef BERTC_BENCH_H
#define BERTC_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "bertc.h"

enum { ROUNDS_MOST = 64, NAME = 96 };

typedef struct bench_settings {
    int layers, hidden, batch_size, rounds, threads;
    const char *lengths, *precision, *backend, *vocab, *text, *data;
    bool json;
} bench_settings;

extern bench_settings settings;

/* One figure, round by round. */
typedef struct sample {
    double value[ROUNDS_MOST];
    int count;
} sample;

void add(sample *s, double value);

/* `what` is a figure of this run: its median, least and most. */
void print_figure(const char *what, const char *unit, sample s, int batch);

/* Both end the program with the reason where something failed. */
void check(bertc_status status, const bertc_error *err);
void *get(size_t count, size_t size);

void bench_tokenize(void);
void bench_inputs(void);

#endif
