/* The command line of bertc-bench: an option table for the parser and the help of src/cli, and a table of
 * benchmarks. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cli/help.h"
#include "cli/options.h"
#include "harness/harness.h"

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
    TEXTS = TOKENIZE | INPUTS, /* benchmarks without a model */
    TRAINED = STEP | BREAKDOWN,
    MODELS = ALL & ~TEXTS
};

static const struct {
    const char *name;
    unsigned bit;
    void (*run)(const bench_settings *s);
} benchmarks[] = {
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

enum { BENCHMARKS = sizeof benchmarks / sizeof *benchmarks };

/* bertc_option.commands contains the benchmarks that use the option. */
static const bertc_option rows[] = {
    {"layers", BERTC_OPTION_INT, offsetof(bench_settings, layers), "12", 1, 1000, NULL, "N", "encoder layers", MODELS},
    {"hidden", BERTC_OPTION_INT, offsetof(bench_settings, hidden), "768", 1, 16384, NULL, "N", "hidden size", MODELS},
    {"batch-size", BERTC_OPTION_INT, offsetof(bench_settings, batch_size), "32", 1, 4096, NULL, "N",
     "number of texts in a batch", MODELS & ~OPTIM},
    {"rounds", BERTC_OPTION_INT, offsetof(bench_settings, rounds), "5", 1, MAX_ROUNDS, NULL, "N",
     "number of measurements for each result", ALL},
    {"threads", BERTC_OPTION_INT, offsetof(bench_settings, threads), "2", 1, 1024, NULL, "N", "number of threads",
     ALL & ~TOKENIZE},
    {"frozen", BERTC_OPTION_INT, offsetof(bench_settings, frozen), "0", 0, 1002, NULL, "N",
     "frozen stages, counted from the embeddings over the layers to the pooler", TRAINED},
    {"lengths", BERTC_OPTION_TEXT, offsetof(bench_settings, lengths), "sst2", 0, 0, NULL, "NAME",
     "lengths of the texts: sst2, cola, mrpc, stsb, mnli, pad128, len512 or a number of tokens",
     GEMM | STEP | BREAKDOWN | INFER | TRANSFER},
    {"precision", BERTC_OPTION_TEXT, offsetof(bench_settings, precision), "f32", 0, 0, NULL, "NAME",
     "f32, bf16 or both", MODELS},
    {"backend", BERTC_OPTION_TEXT, offsetof(bench_settings, backend), "onednn", 0, 0, NULL, "NAME",
     "onednn, openblas or reference", MODELS & ~GEMM},
    {"vocab", BERTC_OPTION_TEXT, offsetof(bench_settings, vocab), NULL, 0, 0, NULL, "FILE",
     "vocabulary for tokenize, inputs and load", TEXTS | LOAD},
    {"text", BERTC_OPTION_TEXT, offsetof(bench_settings, text), NULL, 0, 0, NULL, "FILE",
     "lines for tokenize and infer", TOKENIZE | INFER},
    {"model", BERTC_OPTION_TEXT, offsetof(bench_settings, model), NULL, 0, 0, NULL, "DIR",
     "model for infer and load; its config determines the layers and the hidden size", INFER | LOAD},
    {"data", BERTC_OPTION_TEXT, offsetof(bench_settings, data), NULL, 0, 0, NULL, "DIR",
     "GLUE folder for inputs; for load, use its SST-2 instead of generated sentences", INPUTS | LOAD},
    {"bertc", BERTC_OPTION_TEXT, offsetof(bench_settings, bertc), NULL, 0, 0, NULL, "PROGRAM",
     "bertc program for load and transfer (default: the one in the folder of bertc-bench)", LOAD | TRANSFER},
    {"svg", BERTC_OPTION_TEXT, offsetof(bench_settings, svg), NULL, 0, 0, NULL, "FILE", "also draw the sweep", SWEEP},
    {"json", BERTC_OPTION_FLAG, offsetof(bench_settings, json), NULL, 0, 0, NULL, NULL,
     "print one JSON object per line instead of a table", ALL},
};

static const bertc_option *table(size_t *count)
{
    *count = sizeof rows / sizeof *rows;
    return rows;
}

static const cli_command command = {
    .name = "bertc-bench",
    .summary = "measure bertc, in comparison with lower bounds",
    .examples = "bertc-bench step --lengths sst2 --batch-size 32\n"
                "bertc-bench step infer optim --precision bf16 --json\n"
                "bertc-bench tokenize --vocab vocab.txt --text lines.txt\n"
                "bertc-bench infer --model DIR --text lines.txt --batch-size 32\n"
                "bertc-bench sweep --precision both --json --svg sweep.svg > sweep.jsonl\n",
    .details = "WHAT is one or more of:\n"
               "  gemm      the matrix products of a training step and of a forward pass, each with the\n"
               "            fastest kernel\n"
               "  step      whole training steps and, measured in turn with them, the products of gemm\n"
               "  breakdown the parts of a training step\n"
               "  infer     forward passes of batches of 1, 8, 32 and 128 texts, or of --batch-size,\n"
               "            with their products; with --model and --text, passes of that model over\n"
               "            these lines, --batch-size lines at a time in the order of the file\n"
               "  optim     AdamW over all parameters, and a copy of the same number of bytes\n"
               "  tokenize  lines of a text, in one thread\n"
               "  inputs    SST-2's train split, from its file to the tokens of a data set\n"
               "  load      from the start of 'bertc finetune' to the end of its first step\n"
               "  sweep     tokens/s of training steps for several lengths, batch sizes, layers and\n"
               "            hidden sizes. Each is varied alone; the others are --layers, --hidden,\n"
               "            --batch-size and length 32\n"
               "  transfer  steps of 'bertc finetune' in its first epoch and in later ones: for full\n"
               "            fine-tuning, with two thirds of the layers frozen and with all frozen;\n"
               "            ratios to full fine-tuning, and peak memory\n",
    .operand = "WHAT...",
    .operand_required = true,
    .many_operands = true,
    .is_program = true,
    .table = table,
};

/* Return the bits of the benchmarks on the command line. */
static unsigned read_benchmarks(cli_arguments arguments)
{
    unsigned wanted = 0;
    for (size_t w = 0; w < arguments.count; w++) {
        size_t m = 0;
        while (m < BENCHMARKS && strcmp(arguments.value[w], benchmarks[m].name) != 0) m++;
        if (m == BENCHMARKS) fail(BERTC_USAGE, arguments.value[w], "unknown benchmark, see 'bertc-bench --help'");
        wanted |= benchmarks[m].bit;
    }
    return wanted;
}

/* Check that each given option is used by a benchmark. In `given`, the field of an option that is not given is zero. */
static void check_given(const bench_settings *given, unsigned wanted)
{
    for (const bertc_option *row = rows; row < rows + sizeof rows / sizeof *rows; row++) {
        char name[NAME];
        const void *field = (const char *)given + row->offset;
        bool is_given = row->kind == BERTC_OPTION_INT    ? *(const int64_t *)field != 0
                        : row->kind == BERTC_OPTION_TEXT ? *(const char *const *)field != NULL
                                                         : *(const bool *)field;
        snprintf(name, sizeof name, "--%s", row->name);
        if (is_given && !(row->commands & wanted)) fail(BERTC_USAGE, name, "has no effect on what is measured");
    }
    if (given->model && (given->layers || given->hidden))
        fail(BERTC_USAGE, "--model", "determines the shape, so --layers and --hidden cannot be given");
}

static void check_values(const bench_settings *s)
{
    if (s->frozen > s->layers + 2) fail(BERTC_USAGE, "--frozen", "the model has fewer stages");
    if (strcmp(s->precision, "f32") != 0 && strcmp(s->precision, "bf16") != 0 && strcmp(s->precision, "both") != 0)
        fail(BERTC_USAGE, s->precision, "--precision must be f32, bf16 or both");
}

/* Run the wanted benchmarks in each precision of the settings, but benchmarks of texts only once. Stages are frozen
 * only in benchmarks that use --frozen. */
static void run_benchmarks(const bench_settings *asked, unsigned wanted)
{
    static const char *const precisions[] = {"f32", "bf16"};
    for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++) {
        if (strcmp(asked->precision, "both") != 0 && strcmp(asked->precision, precisions[p]) != 0) continue;
        bench_settings s = *asked;
        s.precision = precisions[p];
        for (size_t m = 0; m < BENCHMARKS; m++) {
            s.frozen = benchmarks[m].bit & TRAINED ? asked->frozen : 0;
            if (wanted & benchmarks[m].bit) benchmarks[m].run(&s);
        }
        wanted &= MODELS;
    }
}

int main(int argc, char **argv)
{
    bertc_error err = {0};
    bench_report report = {0};
    bench_settings given = {0}, s = {.report = &report};
    char bertc[PATH], *slash = argc ? strrchr(argv[0], '/') : NULL;
    cli_parsed parsed;
    if (argc < 2) {
        cli_help_command(stderr, &command);
        return BERTC_USAGE;
    }
    char **arguments = allocate((size_t)argc, sizeof *arguments);
    check(cli_options_parse(&command, argc - 1, argv + 1, &given, arguments, &parsed, &err), &err);
    if (parsed.help) cli_help_command(stdout, &command);
    else {
        unsigned wanted = read_benchmarks(parsed.arguments);
        check_given(&given, wanted);
        cli_options_reset(&command, &s);
        snprintf(bertc, sizeof bertc, "%.*sbertc", slash ? (int)(slash + 1 - argv[0]) : 0, argv[0]);
        s.bertc = bertc;
        check(cli_options_parse(&command, argc - 1, argv + 1, &s, arguments, &parsed, &err), &err);
        s.given_batch_size = given.batch_size != 0;
        s.given_lengths = given.lengths != NULL;
        if (s.model) read_shape(&s);
        check_values(&s);
        run_benchmarks(&s, wanted);
    }
    bc_free(arguments);
    return 0;
}
