/* Errors, memory and results, for all benchmarks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "harness/harness.h"

void check(bertc_status status, const bertc_error *err)
{
    if (status == BERTC_OK) return;
    fprintf(stderr, "bertc-bench: %s\n", err->message);
    exit((int)status);
}

void fail(bertc_status status, const char *place, const char *why)
{
    fprintf(stderr, "bertc-bench: %s: %s\n", place, why);
    exit((int)status);
}

void *allocate(size_t count, size_t size)
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
    int middle = s.count / 2;
    double median = s.count % 2 ? s.value[middle] : (s.value[middle - 1] + s.value[middle]) / 2;
    return (spread){median, s.value[0], s.value[s.count - 1]};
}

bench_work work_of(const bench_settings *s, const bertc_batch *batch)
{
    return (bench_work){.batch = batch->sequences, .tokens = batch->tokens, .lengths = s->lengths};
}

/* Find a backend's instruction set: the last part of its line in bertc_describe_libraries. A backend without a line
 * uses the first line. */
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

static void print_json(const bench_settings *s, const char *backend, const char *what, const char *unit, sample values,
                       bench_work work)
{
    char isa[NAME];
    spread p = spread_of(values);
    printf("{\"what\":\"%s\",\"unit\":\"%s\",\"median\":%.6g,\"least\":%.6g,\"most\":%.6g,\"rounds\":%d,",
           what, unit, p.median, p.min, p.max, values.count);
    if (work.bytes) {
        printf("\"bytes\":%zu,\"threads\":%d}\n", work.bytes, (int)s->threads);
        return;
    }
    describe_isa(backend, isa);
    printf("\"layers\":%d,\"hidden\":%d,\"frozen\":%d,", (int)s->layers, (int)s->hidden, (int)s->frozen);
    if (work.batch) printf("\"batch_size\":%d,\"lengths\":\"%s\",", work.batch, work.lengths);
    if (work.tokens) printf("\"tokens\":%d,", work.tokens);
    printf("\"threads\":%d,\"precision\":\"%s\",\"backend\":\"%s\",\"isa\":\"%s\"}\n", (int)s->threads, s->precision,
           backend, isa);
}

static void print_row(const bench_settings *s, const char *backend, const char *what, const char *unit, sample values,
                      bench_work work)
{
    char isa[NAME];
    const char *threads = s->threads == 1 ? "thread" : "threads";
    spread p = spread_of(values);
    if (!s->report->has_header) printf("%-28s %-10s %12s %12s %12s   n\n", "figure", "unit", "median", "least", "most");
    s->report->has_header = true;
    printf("%-28s %-10s %12.6g %12.6g %12.6g %3d  ", what, unit, p.median, p.min, p.max, values.count);
    if (work.bytes) {
        printf("%zu bytes, %d %s\n", work.bytes, (int)s->threads, threads);
        return;
    }
    describe_isa(backend, isa);
    printf("%d x %d", (int)s->layers, (int)s->hidden);
    if (s->frozen) printf(", %d stages frozen", (int)s->frozen);
    if (work.batch) printf(", batch %d of %s", work.batch, work.lengths);
    if (work.tokens) printf(" (%d tokens)", work.tokens);
    printf(", %d %s, %s, %s, %s\n", (int)s->threads, threads, s->precision, backend, isa);
}

void print_result_by(const bench_settings *s, const char *backend, const char *what, const char *unit, sample values,
                     bench_work work)
{
    (s->json ? print_json : print_row)(s, backend, what, unit, values, work);
    fflush(stdout);
}

void print_result(const bench_settings *s, const char *what, const char *unit, sample values, bench_work work)
{
    print_result_by(s, s->backend, what, unit, values, work);
}
