/* What all share: the settings, errors and figures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "harness/harness.h"

bench_settings settings = {.layers = 12,
                           .hidden = 768,
                           .batch_size = 32,
                           .rounds = 5,
                           .threads = 2,
                           .lengths = "sst2",
                           .precision = "f32",
                           .backend = "onednn"};

bool read_number(const char *text, int min, int max, int *number)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end || value < min || value > max) return false;
    *number = (int)value;
    return true;
}

void check(bertc_status status, const bertc_error *err)
{
    if (status == BERTC_OK) return;
    fprintf(stderr, "bertc-bench: %s\n", err->message);
    exit((int)status);
}

void stop(bertc_status status, const char *what, const char *why)
{
    fprintf(stderr, "bertc-bench: %s: %s\n", what, why);
    exit((int)status);
}

void *get(size_t count, size_t size)
{
    void *memory = bc_calloc(count, size);
    bertc_error err = {.message = "out of memory"};
    check(memory ? BERTC_OK : BERTC_NOMEM, &err);
    return memory;
}

void add(sample *s, double value)
{
    s->value[s->count++] = value;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

spread spread_of(sample s)
{
    qsort(s.value, (size_t)s.count, sizeof *s.value, ascending);
    int bf16 = s.count / 2;
    double median = s.count % 2 ? s.value[bf16] : (s.value[bf16 - 1] + s.value[bf16]) / 2;
    return (spread){median, s.value[0], s.value[s.count - 1]};
}

/* The instruction set that a backend runs on: what its line of the library's own description says
 * last, or that of the first backend where no line is its own. */
static void describe_isa(const char *backend, char isa[NAME])
{
    static const char words[] = "instruction set ";
    char text[1024], start[NAME];
    bertc_describe_libraries(NULL, text, sizeof text);
    snprintf(start, sizeof start, "%s:", backend);
    char *line = strstr(text, start);
    if (!line) line = text;
    line[strcspn(line, "\n")] = '\0';
    char *last = strrchr(line, ',');
    last = last ? last + 2 : line;
    if (strncmp(last, words, sizeof words - 1) == 0) last += sizeof words - 1;
    snprintf(isa, NAME, "%.*s", NAME - 1, last);
}

bench_work work_of(const bertc_batch *batch)
{
    return (bench_work){.batch = batch->sequences, .tokens = batch->tokens, .lengths = settings.lengths};
}

/* The model and the batches, or the text, as members of an object. */
static void print_members(const char *backend, const char *isa, bench_work work)
{
    if (work.bytes) {
        printf("\"bytes\":%zu,\"threads\":%d}\n", work.bytes, settings.threads);
        return;
    }
    printf("\"layers\":%d,\"hidden\":%d,\"frozen\":%d,", settings.layers, settings.hidden, settings.frozen);
    if (work.batch) printf("\"batch_size\":%d,\"lengths\":\"%s\",", work.batch, work.lengths);
    if (work.tokens) printf("\"tokens\":%d,", work.tokens);
    printf("\"threads\":%d,\"precision\":\"%s\",\"backend\":\"%s\",\"isa\":\"%s\"}\n", settings.threads,
           settings.precision, backend, isa);
}

static void print_json(const char *backend, const char *isa, const char *what, const char *unit, sample s,
                       bench_work work)
{
    spread p = spread_of(s);
    printf("{\"what\":\"%s\",\"unit\":\"%s\",\"median\":%.6g,\"least\":%.6g,\"most\":%.6g,\"rounds\":%d,",
           what, unit, p.median, p.min, p.max, s.count);
    print_members(backend, isa, work);
}

/* The same for a reader. */
static void print_shape(const char *backend, const char *isa, bench_work work)
{
    char threads[NAME];
    snprintf(threads, sizeof threads, "%d thread%s", settings.threads, settings.threads == 1 ? "" : "s");
    if (work.bytes) {
        printf("%zu bytes, %s\n", work.bytes, threads);
        return;
    }
    printf("%d x %d", settings.layers, settings.hidden);
    if (settings.frozen) printf(", %d stages frozen", settings.frozen);
    if (work.batch) printf(", batch %d of %s", work.batch, work.lengths);
    if (work.tokens) printf(" (%d tokens)", work.tokens);
    printf(", %s, %s, %s, %s\n", threads, settings.precision, backend, isa);
}

static void print_row(const char *backend, const char *isa, const char *what, const char *unit, sample s,
                      bench_work work)
{
    static bool titled;
    spread p = spread_of(s);
    if (!titled) printf("%-28s %-10s %12s %12s %12s   n\n", "figure", "unit", "median", "least", "most");
    titled = true;
    printf("%-28s %-10s %12.6g %12.6g %12.6g %3d  ", what, unit, p.median, p.min, p.max, s.count);
    print_shape(backend, isa, work);
}

void print_figure_by(const char *backend, const char *what, const char *unit, sample s, bench_work work)
{
    char isa[NAME];
    describe_isa(backend, isa);
    (settings.json ? print_json : print_row)(backend, isa, what, unit, s, work);
    fflush(stdout);
}

void print_figure(const char *what, const char *unit, sample s, bench_work work)
{
    print_figure_by(settings.backend, what, unit, s, work);
}
