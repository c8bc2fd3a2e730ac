/* The time that freezing saves, measured by runs of `bertc finetune` over the same batches. The first epoch computes
 * the frozen stages and caches their outputs; the next epoch reads them.
 *
 * 1. Times come from the runs' logs, without the first steps of each epoch, in which kernels are created and memory is
 *    first touched. Ratios compare the same batches in the same round.
 * 2. Memory is the peak of the whole process, including its data and the cached outputs. */
#define _DEFAULT_SOURCE /* wait4 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "harness/harness.h"

enum { BATCHES = 20, FIRST = 4, EPOCHS = 2, WAYS = 3, FILLERS = 20000 };

typedef struct outcome {
    double step[EPOCHS]; /* mean seconds of a step in each epoch; 0: the epoch was not run */
    double megabytes;    /* peak memory */
} outcome;

/* Write the batches as sentences whose words are one token each. */
static void write_sentences(const bench_folder *folder, const bench_settings *s)
{
    char path[PATH];
    snprintf(path, sizeof path, "%s/SST-2/train.tsv", folder->sample);
    FILE *file = fopen(path, "wb");
    if (!file) fail(BERTC_IO, path, "cannot be created");
    fputs("sentence\tlabel\n", file);
    for (uint32_t b = 0; b < BATCHES; b++) {
        bertc_batch *batch = make_batch(s, b, (int)s->batch_size);
        for (int i = 0; i < batch->sequences; i++) {
            int words = batch->starts[i + 1] - batch->starts[i] - 2; /* without [CLS] and [SEP] */
            for (int w = 0; w < (words > 1 ? words : 1); w++)
                fprintf(file, "%sfiller%d", w ? " " : "", batch->ids[batch->starts[i] + w] % FILLERS);
            fprintf(file, "\t%d\n", i % 2);
        }
        bertc_batch_free(batch);
    }
    if (fclose(file) != 0) fail(BERTC_IO, path, "cannot be written");
}

/* Read the mean seconds of each epoch's steps, without its first FIRST steps. */
static void read_log(const char *out, int steps, outcome *o)
{
    char path[PATH], line[512];
    snprintf(path, sizeof path, "%s/log.jsonl", out);
    FILE *file = fopen(path, "rb");
    if (!file) fail(BERTC_IO, path, "cannot be read");
    for (int step = 0; step < steps && fgets(line, sizeof line, file); step++) {
        const char *seconds = strstr(line, "\"seconds\":");
        if (!seconds) fail(BERTC_INPUT, path, "a line has no seconds");
        if (step % BATCHES >= FIRST)
            o->step[step / BATCHES] += atof(seconds + strlen("\"seconds\":")) / (BATCHES - FIRST);
    }
    fclose(file);
}

/* Run bertc finetune with an argument of --freeze. */
static outcome run_finetune(const bench_folder *folder, const bench_settings *s, const char *freeze, int epochs)
{
    char batch[NUMBER], threads[NUMBER], count[NUMBER];
    outcome o = {0};
    struct rusage used;
    int status;
    const char *argv[] = {s->bertc, "finetune", "--task", "sst2", "--model", folder->model, "--data",
                          folder->sample, "--out", folder->out, "--no-shuffle", "--limit-eval", "1", "--freeze",
                          freeze, "--epochs", number_text(count, epochs), "--batch-size",
                          number_text(batch, s->batch_size), "--threads", number_text(threads, s->threads),
                          "--backend", s->backend, "--precision", s->precision, NULL};
    if (wait4(start_process(folder, argv), &status, 0, &used) < 0 || status != 0) fail_process(folder, argv, "failed");
    read_log(folder->out, epochs * BATCHES, &o);
    o.megabytes = (double)used.ru_maxrss / 1024;
    remove_tree(folder->out);
    return o;
}

static void print_part(const bench_settings *s, const char *way, const char *what, const char *unit, sample values)
{
    char name[NAME];
    if (values.count == 0) return;
    snprintf(name, sizeof name, "%s: %s", way, what);
    print_result(s, name, unit, values, (bench_work){.batch = (int)s->batch_size, .lengths = s->lengths});
}

void bench_transfer(const bench_settings *s)
{
    static const char *const epochs[EPOCHS] = {"first epoch", "next epochs"};
    static const char *const ratios[EPOCHS] = {"first epoch, faster", "next epochs, faster"};
    char some[NUMBER], named[NAME];
    sample steps[WAYS][EPOCHS] = {0}, faster[WAYS][EPOCHS] = {0}, memory[WAYS] = {0}, less[WAYS] = {0};
    number_text(some, s->layers * 2 / 3);
    snprintf(named, NAME, "freeze %s", some);
    const char *freezes[WAYS] = {"none", some, "all"}, *names[WAYS] = {"full", named, "head only"};
    bench_folder folder;
    create_folder(&folder);
    make_inputs(&folder, s);
    write_sentences(&folder, s);
    for (int r = 0; r < s->rounds; r++) {
        outcome full = {0};
        for (int w = 0; w < WAYS; w++) {
            outcome o = run_finetune(&folder, s, freezes[w], w == 0 ? 1 : EPOCHS);
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
            print_part(s, names[w], epochs[e], "s/step", steps[w][e]);
            print_part(s, names[w], ratios[e], "x", faster[w][e]);
        }
        print_part(s, names[w], "peak memory", "MB", memory[w]);
        print_part(s, names[w], "peak memory", "of full", less[w]);
    }
    remove_folder(&folder);
}
