/* Commands: one constant row each (commands.c). Dispatch, help and the man page are made from the rows.
 *
 * 1. A command's options are rows of bertc_option; they fill a struct of the command's own, which
 *    the caller allocates, sets to its defaults and hands to `run`.
 * 2. `run` writes results to standard output, everything else to standard error, and returns the
 *    program's exit code; its message is printed by the caller. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "bertc.h"

/* Arguments that are not options. */
typedef struct cli_arguments {
    char *const *word;
    size_t count;
} cli_arguments;

typedef const bertc_option *cli_table(size_t *count);

typedef struct cli_command {
    const char *name;
    const char *summary;  /* one line, lower case */
    const char *examples; /* lines as typed, each ended by a newline */
    const char *details;  /* a paragraph, lines ended by newlines; or null */
    const char *required; /* names of options that must be given, separated by spaces; or null */
    const char *needs[2]; /* an option that says nothing without another, and that one; or null */
    const char *operand;  /* name of the one argument that is no option, for help; null: none */
    bool operand_required;
    cli_table *table;               /* null: no options */
    unsigned mask;                  /* rows of the table that the command takes; 0: all */
    cli_table *more;                /* a second table, whose rows come after those of the first; or null */
    const char *excluded;           /* names of rows that the command does not take, separated by spaces; or null */
    void (*defaults)(void *values); /* for fields that no row's `initial` sets; or null */
    size_t size;                    /* of the struct that the rows fill */
    bertc_status (*run)(const void *values, cli_arguments words, bertc_error *err);
} cli_command;

extern const cli_command cli_commands[]; /* up to one without a name */

const cli_command *cli_command_find(const char *name); /* null: none */

/* An unknown command, with a suggestion. */
bertc_status cli_command_unknown(const char *name, bertc_error *err);

/* What the options of a command fill, where no other header says it. */
typedef struct cli_tokenize_values {
    const char *model, *vocab;
    bool cased, pair, offsets;
    int parity;
    int64_t max_length, threads;
} cli_tokenize_values;

typedef struct cli_sample_values {
    const char *out;
    int64_t seed;
} cli_sample_values;

typedef struct cli_init_values {
    const char *vocab, *out; /* out: where the folder goes in the end */
    int64_t layers, hidden, heads, intermediate, max_positions; /* intermediate 0: 4 x hidden */
    int64_t seed;
    double initializer_range;
    bool cased;
} cli_init_values;

/* Write the new model into `folder`, which is there and empty; where it fails, what was written stays. */
bertc_status cli_init_write(const cli_init_values *values, const char *folder, bertc_error *err);

typedef struct cli_truncate_values {
    const char *model, *out;
    int64_t keep_layers;
} cli_truncate_values;

typedef struct cli_plan_values {
    bertc_train_options train; /* first: the rows of its table fill it */
    bool json;
} cli_plan_values;

/* What each command's file exports. */
cli_table cli_plan_more, cli_inference_table, cli_tokenize_table, cli_init_table, cli_truncate_table, cli_sample_table;
void cli_finetune_defaults(void *values);
bertc_status cli_finetune(const void *values, cli_arguments words, bertc_error *err);
bertc_status cli_plan(const void *values, cli_arguments words, bertc_error *err);
bertc_status cli_eval(const void *values, cli_arguments words, bertc_error *err);
bertc_status cli_predict(const void *values, cli_arguments words, bertc_error *err);
bertc_status cli_embed(const void *values, cli_arguments words, bertc_error *err);
bertc_status cli_tokenize(const void *values, cli_arguments words, bertc_error *err);
bertc_status cli_inspect(const void *values, cli_arguments words, bertc_error *err);
bertc_status cli_tasks(const void *values, cli_arguments words, bertc_error *err);
bertc_status cli_init(const void *values, cli_arguments words, bertc_error *err);
bertc_status cli_truncate(const void *values, cli_arguments words, bertc_error *err);
bertc_status cli_sample(const void *values, cli_arguments words, bertc_error *err);
bertc_status cli_version(const void *values, cli_arguments words, bertc_error *err);

#endif
