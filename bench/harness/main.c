/* The command line: what to measure, and with which settings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/harness.h"

static const char usage[] =
    "Examples:\n"
    "  bertc-bench step --lengths sst2 --batch-size 32\n"
    "  bertc-bench step infer optim --precision bf16 --json\n"
    "  bertc-bench tokenize --vocab vocab.txt --text lines.txt\n"
    "  bertc-bench infer --model DIR --text lines.txt --batch-size 32\n"
    "  bertc-bench sweep --precision both --svg sweep.svg > sweep.jsonl\n"
    "\n"
    "Usage: bertc-bench WHAT... [OPTION]...\n"
    "\n"
    "What:\n"
    "  gemm      the products that a step cannot do without, each by the best kernel found\n"
    "  step      whole training steps, beside those products in the same rounds\n"
    "  breakdown parts of a training step\n"
    "  infer     forward passes of batches of 1, 8, 32 and 128; with --model and --text, of that\n"
    "            model over those lines, --batch-size at a time in the order of the file\n"
    "  optim     AdamW over all parameters, beside a copy of the same bytes\n"
    "  tokenize  lines of a text, one thread\n"
    "  inputs    SST-2's train split, from its file to the tokens of a data set\n"
    "  load      from the start of 'bertc finetune' to the end of its first step\n"
    "  sweep     tokens/s of steps over lengths, batches, layers and hidden sizes, one of them\n"
    "            varied at a time around --layers, --hidden, --batch-size and length 32; as JSON\n"
    "  transfer  steps of 'bertc finetune' in its first epoch and in the next, of the whole model, with two\n"
    "            thirds of the layers frozen and with all; ratios to the whole, and peak memory\n"
    "\n"
    "Options (default):\n"
    "  --layers N (12)  --hidden N (768)  --batch-size N (32)  --rounds N (5)  --threads N (2)\n"
    "  --lengths NAME   sst2, cola, mnli, stsb, pad128, len512 or a number of tokens (sst2)\n"
    "  --frozen N       stages that are not trained, of embeddings, layers and pooler (0)\n"
    "  --precision f32|bf16|both (f32)  --backend onednn|openblas|reference (onednn)\n"
    "  --vocab FILE     for tokenize, inputs and load\n"
    "  --text FILE      for tokenize and infer\n"
    "  --model DIR      for infer and load; it also gives --layers and --hidden\n"
    "  --data DIR       the GLUE folder for inputs; for load, SST-2 instead of generated sentences\n"
    "  --bertc PROGRAM  for load (the one beside bertc-bench)\n"
    "  --svg FILE       also draw the sweep\n"
    "  --json           a JSON object a line instead of a table\n";

bench_settings settings = {.layers = 12,
                           .hidden = 768,
                           .batch_size = 32,
                           .rounds = 5,
                           .threads = 2,
                           .lengths = "sst2",
                           .precision = "f32",
                           .backend = "onednn"};

static const struct {
    const char *name;
    void (*run)(void);
} benches[] = {
    {"gemm", bench_gemm},   {"step", bench_step},   {"breakdown", bench_breakdown},
    {"infer", bench_infer}, {"optim", bench_optim}, {"tokenize", bench_tokenize},
    {"inputs", bench_inputs}, {"load", bench_load}, {"sweep", bench_sweep},
    {"transfer", bench_transfer},
};

enum { BENCHES = sizeof benches / sizeof *benches };

static const struct {
    const char *name;
    int *number;
    const char **text;
} options[] = {
    {"--layers", &settings.layers, NULL},       {"--hidden", &settings.hidden, NULL},
    {"--batch-size", &settings.batch_size, NULL}, {"--rounds", &settings.rounds, NULL},
    {"--threads", &settings.threads, NULL},     {"--frozen", &settings.frozen, NULL},
    {"--lengths", NULL, &settings.lengths},
    {"--precision", NULL, &settings.precision}, {"--backend", NULL, &settings.backend},
    {"--vocab", NULL, &settings.vocab},         {"--text", NULL, &settings.text},
    {"--model", NULL, &settings.model},         {"--data", NULL, &settings.data},
    {"--bertc", NULL, &settings.bertc},         {"--svg", NULL, &settings.svg},
};

static _Noreturn void fail(const char *what, const char *argument)
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
        else *options[o].number = atoi(argv[i + 1]);
        if (options[o].number && *options[o].number < 1) fail("not a number above 0", argv[i]);
        return 2;
    }
    fail("unknown option", argv[i]);
}

/* Marks what argv names; returns how many. */
static int read_arguments(char **argv, bool wanted[BENCHES])
{
    int count = 0;
    for (int i = 1; argv[i];) {
        if (argv[i][0] == '-') {
            i += read_option(argv, i);
            continue;
        }
        size_t b = 0;
        while (b < BENCHES && strcmp(argv[i], benches[b].name) != 0) b++;
        if (b == BENCHES) fail("nothing of this name", argv[i]);
        wanted[b] = true;
        count++;
        i++;
    }
    return count;
}

/* Everything wanted, once for each precision that --precision names. */
static void run_benches(const bool wanted[BENCHES])
{
    static const char *const precisions[] = {"f32", "bf16"};
    const char *asked = settings.precision;
    bool any = false;
    for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++) {
        if (strcmp(asked, "both") != 0 && strcmp(asked, precisions[p]) != 0) continue;
        settings.precision = precisions[p];
        any = true;
        for (size_t b = 0; b < BENCHES; b++)
            if (wanted[b]) benches[b].run();
    }
    if (!any) fail("f32, bf16 or both", "--precision");
}

int main(int argc, char **argv)
{
    static char beside[PATH];
    bool wanted[BENCHES] = {0};
    char *slash = argc ? strrchr(argv[0], '/') : NULL;
    snprintf(beside, sizeof beside, "%.*sbertc", slash ? (int)(slash + 1 - argv[0]) : 0, argv[0]);
    settings.bertc = beside;
    if (!read_arguments(argv, wanted)) {
        fputs(usage, stderr);
        return BERTC_USAGE;
    }
    if (settings.rounds > ROUNDS_MOST) fail("at most 64", "--rounds");
    if (settings.model) take_shape(settings.model);
    run_benches(wanted);
    return 0;
}
