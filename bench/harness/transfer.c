/* What freezing saves: whole runs of `bertc finetune` over the same batches, in turn. The first epoch
 * computes the frozen part and keeps what it gives, the next one reads it.
 *
 * 1. Times are those of the runs' logs, without the first steps, in which kernels are made and memory is seen
 *    for the first time; ratios are of the same batches in the same round.
 * 2. Memory is the most that the process had, its data and the kept outputs included. */
#define _DEFAULT_SOURCE /* wait4 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "harness/harness.h"

enum { BATCHES = 20, FIRST = 4, EPOCHS = 2, WAYS = 3, FILLERS = 20000 };

/* Seconds of a step in each epoch; 0: not run. */
typedef struct outcome {
    double step[EPOCHS], megabytes;
} outcome;

/* The batches as sentences, each word one token. */
static void write_sentences(const place *p)
{
    char path[PATH];
    snprintf(path, sizeof path, "%s/SST-2/train.tsv", p->sample);
    FILE *file = fopen(path, "wb");
    if (!file) stop(BERTC_IO, path, "cannot be made");
    fputs("sentence\tlabel\n", file);
    for (uint32_t b = 0; b < BATCHES; b++) {
        bertc_batch *batch = make_batch(b, settings.batch_size);
        for (int s = 0; s < batch->sequences; s++) {
            int words = batch->starts[s + 1] - batch->starts[s] - 2; /* beside [CLS] and [SEP] */
            for (int w = 0; w < (words > 1 ? words : 1); w++)
                fprintf(file, "%sfiller%d", w ? " " : "", batch->ids[batch->starts[s] + w] % FILLERS);
            fprintf(file, "\t%d\n", s % 2);
        }
        bertc_batch_free(batch);
    }
    if (fclose(file) != 0) stop(BERTC_IO, path, "cannot be written");
}

/* The mean of the steps of each epoch but for the FIRST ones. */
static void read_log(const char *out, int steps, outcome *o)
{
    char path[PATH], line[512];
    snprintf(path, sizeof path, "%s/log.jsonl", out);
    FILE *file = fopen(path, "rb");
    if (!file) stop(BERTC_IO, path, "cannot be read");
    for (int step = 0; step < steps && fgets(line, sizeof line, file); step++) {
        const char *seconds = strstr(line, "\"seconds\":");
        if (!seconds) stop(BERTC_INPUT, path, "a line has no seconds");
        if (step % BATCHES >= FIRST)
            o->step[step / BATCHES] += atof(seconds + strlen("\"seconds\":")) / (BATCHES - FIRST);
    }
    fclose(file);
}

static outcome run_way(const place *p, const char *freeze, int epochs)
{
    char batch[NUMBER], threads[NUMBER], count[NUMBER];
    outcome o = {0};
    struct rusage used;
    int status;
    snprintf(batch, NUMBER, "%d", settings.batch_size);
    snprintf(threads, NUMBER, "%d", settings.threads);
    snprintf(count, NUMBER, "%d", epochs);
    const char *argv[] = {settings.bertc, "finetune", "--task", "sst2", "--model", p->model, "--data",
                          p->sample, "--out", p->out, "--no-shuffle", "--limit-eval", "1", "--freeze",
                          freeze, "--epochs", count, "--batch-size", batch, "--threads", threads,
                          "--backend", settings.backend, "--precision", settings.precision, NULL};
    if (wait4(start(argv), &status, 0, &used) < 0 || status != 0)
        give_up(argv, "failed");
    read_log(p->out, epochs * BATCHES, &o);
    o.megabytes = (double)used.ru_maxrss / 1024;
    remove_folder(p->out);
    return o;
}

static void print_part(const char *way, const char *what, const char *unit, sample s)
{
    char name[NAME];
    if (s.count == 0) return;
    snprintf(name, sizeof name, "%s: %s", way, what);
    print_figure(name, unit, s, (bench_work){.batch = settings.batch_size, .lengths = settings.lengths});
}

void bench_transfer(void)
{
    static const char *const epochs[EPOCHS] = {"first epoch", "next epochs"};
    static const char *const ratios[EPOCHS] = {"first epoch, faster", "next epochs, faster"};
    char some[NUMBER], named[NAME];
    sample steps[WAYS][EPOCHS] = {0}, faster[WAYS][EPOCHS] = {0}, memory[WAYS] = {0}, less[WAYS] = {0};
    snprintf(some, NUMBER, "%d", settings.layers * 2 / 3);
    snprintf(named, NAME, "freeze %s", some);
    const char *freezes[WAYS] = {"none", some, "all"}, *names[WAYS] = {"full", named, "head only"};
    place p = open_place();
    make_inputs(&p);
    write_sentences(&p);
    for (int r = 0; r < settings.rounds; r++) {
        outcome full = {0};
        for (int w = 0; w < WAYS; w++) {
            outcome o = run_way(&p, freezes[w], w == 0 ? 1 : EPOCHS);
            if (w == 0) full = o;
            for (int e = 0; e < EPOCHS && o.step[e] > 0; e++) {
                add(&steps[w][e], o.step[e]);
                if (w > 0) add(&faster[w][e], full.step[0] / o.step[e]);
            }
            add(&memory[w], o.megabytes);
            if (w > 0) add(&less[w], o.megabytes / full.megabytes);
        }
    }
    for (int w = 0; w < WAYS; w++) {
        for (int e = 0; e < EPOCHS; e++) {
            print_part(names[w], epochs[e], "s/step", steps[w][e]);
            print_part(names[w], ratios[e], "x", faster[w][e]);
        }
        print_part(names[w], "peak memory", "MB", memory[w]);
        print_part(names[w], "peak memory", "of full", less[w]);
    }
    remove_folder(p.root);
}
