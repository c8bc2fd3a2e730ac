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
    "  bertc-bench sweep --precision both --json --svg sweep.svg > sweep.jsonl\n"
    "\n"
    "Usage: bertc-bench WHAT... [OPTION]...\n"
    "\n"
    "What:\n"
    "  gemm      the products that a step, or a forward pass, cannot do without, each by the best\n"
    "            kernel found\n"
    "  step      whole training steps, beside those products in the same rounds\n"
    "  breakdown parts of a training step\n"
    "  infer     forward passes of batches of 1, 8, 32 and 128, or of --batch-size, beside their\n"
    "            products; with --model and --text, of that model over those lines, --batch-size\n"
    "            at a time in the order of the file\n"
    "  optim     AdamW over all parameters, beside a copy of the same bytes\n"
    "  tokenize  lines of a text, one thread\n"
    "  inputs    SST-2's train split, from its file to the tokens of a data set\n"
    "  load      from the start of 'bertc finetune' to the end of its first step\n"
    "  sweep     tokens/s of steps over lengths, batches, layers and hidden sizes, one of them\n"
    "            varied at a time around --layers, --hidden, --batch-size and length 32\n"
    "  transfer  steps of 'bertc finetune' in its first epoch and in the next, of the whole model, with two\n"
    "            thirds of the layers frozen and with all; ratios to the whole, and peak memory\n"
    "\n"
    "Options (default):\n"
    "  --layers N (12)  --hidden N (768)  --batch-size N (32)  --rounds N (5)  --threads N (2)\n"
    "  --lengths NAME   sst2, cola, mrpc, stsb, mnli, pad128, len512 or a number of tokens (sst2)\n"
    "  --frozen N       stages that are not trained, of embeddings, layers and pooler (0)\n"
    "  --precision f32|bf16|both (f32)  --backend onednn|openblas|reference (onednn)\n"
    "  --vocab FILE     for tokenize, inputs and load\n"
    "  --text FILE      for tokenize and infer\n"
    "  --model DIR      for infer and load; it also gives --layers and --hidden\n"
    "  --data DIR       the GLUE folder for inputs; for load, SST-2 instead of generated sentences\n"
    "  --bertc PROGRAM  for load and transfer (the one beside bertc-bench)\n"
    "  --svg FILE       also draw the sweep\n"
    "  --json           a JSON object a line instead of a table\n";

enum {
    GEMM = 1 << 0,
    STEP = 1 << 1,
    BREAKDOWN = 1 << 2,
    INFER = 1 << 3,
    OPTIM = 1 << 4,
    TOKENIZE = 1 << 5,
    INPUTS = 1 << 6,
    LOAD = 1 << 7,
    SWEEP = 1 << 8,
    TRANSFER = 1 << 9,
    ALL = (1 << 10) - 1,
    TEXTS = TOKENIZE | INPUTS, /* no model is in them */
    TRAINED = STEP | BREAKDOWN,
    MODELS = ALL & ~TEXTS
};

static const struct {
    const char *name;
    int bit;
    void (*run)(void);
} benches[] = {
    {"gemm", GEMM, bench_gemm},
    {"step", STEP, bench_step},
    {"breakdown", BREAKDOWN, bench_breakdown},
    {"infer", INFER, bench_infer},
    {"optim", OPTIM, bench_optim},
    {"tokenize", TOKENIZE, bench_tokenize},
    {"inputs", INPUTS, bench_inputs},
    {"load", LOAD, bench_load},
    {"sweep", SWEEP, bench_sweep},
    {"transfer", TRANSFER, bench_transfer},
};

enum { BENCHES = sizeof benches / sizeof *benches };

/* A number has its least and most; `of`: what it is for. */
static struct {
    const char *name;
    int *number;
    const char **text;
    int min, max, of;
    bool given;
} options[] = {
    {"--layers", &settings.layers, NULL, 1, 1000, MODELS, false},
    {"--hidden", &settings.hidden, NULL, 1, 16384, MODELS, false},
    {"--batch-size", &settings.batch_size, NULL, 1, 4096, MODELS & ~OPTIM, false},
    {"--rounds", &settings.rounds, NULL, 1, ROUNDS_MAX, ALL, false},
    {"--threads", &settings.threads, NULL, 1, 1024, ALL & ~TOKENIZE, false},
    {"--frozen", &settings.frozen, NULL, 0, 1002, TRAINED, false},
    {"--lengths", NULL, &settings.lengths, 0, 0, GEMM | STEP | BREAKDOWN | INFER | TRANSFER, false},
    {"--precision", NULL, &settings.precision, 0, 0, MODELS, false},
    {"--backend", NULL, &settings.backend, 0, 0, MODELS & ~GEMM, false},
    {"--vocab", NULL, &settings.vocab, 0, 0, TEXTS | LOAD, false},
    {"--text", NULL, &settings.text, 0, 0, TOKENIZE | INFER, false},
    {"--model", NULL, &settings.model, 0, 0, INFER | LOAD, false},
    {"--data", NULL, &settings.data, 0, 0, INPUTS | LOAD, false},
    {"--bertc", NULL, &settings.bertc, 0, 0, LOAD | TRANSFER, false},
    {"--svg", NULL, &settings.svg, 0, 0, SWEEP, false},
};

enum { OPTIONS = sizeof options / sizeof *options };

static bool is_given(const char *option)
{
    for (size_t o = 0; o < OPTIONS; o++)
        if (strcmp(options[o].name, option) == 0) return options[o].given;
    return false;
}

static _Noreturn void fail(const char *argument, const char *why)
{
    fprintf(stderr, "bertc-bench: %s: %s; 'bertc-bench --help' tells what there is\n", argument, why);
    exit(BERTC_USAGE);
}

/* Reads the option at argv[i] and its value; returns the number of arguments taken. */
static int read_option(char **argv, int i)
{
    char why[NAME];
    if (strcmp(argv[i], "--json") == 0) {
        settings.json = true;
        return 1;
    }
    for (size_t o = 0; o < OPTIONS; o++) {
        if (strcmp(argv[i], options[o].name) != 0) continue;
        if (!argv[i + 1]) fail(argv[i], "a value is missing");
        options[o].given = true;
        if (options[o].text) *options[o].text = argv[i + 1];
        else if (!read_number(argv[i + 1], options[o].min, options[o].max, options[o].number)) {
            snprintf(why, sizeof why, "'%.32s' is not a whole number from %d to %d", argv[i + 1],
                     options[o].min, options[o].max);
            fail(argv[i], why);
        }
        return 2;
    }
    fail(argv[i], "unknown option");
}

/* The bits of what argv names. */
static int read_arguments(char **argv)
{
    int wanted = 0;
    for (int i = 1; argv[i];) {
        if (argv[i][0] == '-') {
            i += read_option(argv, i);
            continue;
        }
        size_t b = 0;
        while (b < BENCHES && strcmp(argv[i], benches[b].name) != 0) b++;
        if (b == BENCHES) fail(argv[i], "nothing of this name can be measured");
        wanted |= benches[b].bit;
        i++;
    }
    return wanted;
}

/* No option is passed over, and the shape is one that there can be. */
static void check_options(int wanted)
{
    for (size_t o = 0; o < OPTIONS; o++)
        if (options[o].given && !(options[o].of & wanted)) fail(options[o].name, "not for what is to be measured");
    settings.given_batch_size = is_given("--batch-size");
    settings.given_lengths = is_given("--lengths");
    if (settings.model && (is_given("--layers") || is_given("--hidden")))
        fail("--model", "it gives --layers and --hidden itself");
    if (settings.model) take_shape(settings.model);
    if (settings.frozen > settings.layers + 2) fail("--frozen", "the model has not so many stages");
    const char *asked = settings.precision;
    if (strcmp(asked, "f32") != 0 && strcmp(asked, "bf16") != 0 && strcmp(asked, "both") != 0)
        fail("--precision", "f32, bf16 or both");
}

/* Everything wanted, once for each precision that --precision names; texts once. Stages are frozen only in what
 * takes --frozen. */
static void run_benches(int wanted)
{
    static const char *const precisions[] = {"f32", "bf16"};
    const char *asked = settings.precision;
    int frozen = settings.frozen;
    for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++) {
        if (strcmp(asked, "both") != 0 && strcmp(asked, precisions[p]) != 0) continue;
        settings.precision = precisions[p];
        for (size_t b = 0; b < BENCHES; b++) {
            settings.frozen = benches[b].bit & TRAINED ? frozen : 0;
            if (wanted & benches[b].bit) benches[b].run();
        }
        wanted &= MODELS;
    }
}

int main(int argc, char **argv)
{
    static char beside[PATH];
    char *slash = argc ? strrchr(argv[0], '/') : NULL;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        }
    snprintf(beside, sizeof beside, "%.*sbertc", slash ? (int)(slash + 1 - argv[0]) : 0, argv[0]);
    settings.bertc = beside;
    int wanted = read_arguments(argv);
    if (!wanted) {
        fputs(usage, stderr);
        return BERTC_USAGE;
    }
    check_options(wanted);
    run_benches(wanted);
    return 0;
}
