/* Commands: a table with one constant row for each (commands.c). Dispatch, help and the man page derive from it.
 *
 * 1. A command's options are rows of bertc_option. They fill the command's own struct, which the caller allocates, sets
 *    to its defaults and passes to `run`.
 * 2. `run` writes results to standard output and everything else to standard error. It returns the program's exit code;
 *    the caller prints the error. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "bertc.h"

/* Arguments that are not options, and the command line: all arguments of the program, null-terminated; or null. */
typedef struct cli_arguments {
    char *const *value;
    size_t count;
    char *const *command;
} cli_arguments;

typedef const bertc_option *cli_table(size_t *count);

typedef struct cli_command {
    const char *name;
    const char *summary;  /* one line, lower case */
    const char *examples; /* lines as typed, each ended by a newline */
    const char *details;  /* a paragraph, lines ended by newlines; or null */
    const char *required; /* names of required options, separated by spaces; or null */
    const char *needs[4]; /* the first option has no effect without the second, the third without the fourth; or null */
    const char *operand;  /* name, for help, of the one argument that is not an option; or null */
    bool operand_required;
    bool many_operands; /* the operand may be given several times */
    bool is_program;    /* the command is a program itself, not a command of bertc */
    cli_table *table;               /* null: no options */
    unsigned mask;                  /* selects rows of the table by their `commands`; 0: all rows */
    cli_table *more;                /* a second table, whose rows come after those of the first; or null */
    const char *excluded;           /* names of rows that the command does not take, separated by spaces; or null */
    void (*defaults)(void *values); /* sets fields for which no row has an `initial`; or null */
    size_t size;                    /* size of the struct that the rows fill */
    bertc_status (*run)(const void *values, cli_arguments arguments, bertc_error *err);
} cli_command;

extern const cli_command cli_commands[]; /* ended by a row with a null name */

const cli_command *cli_command_find(const char *name); /* null if absent */

/* Record the error of an unknown command, with a suggestion. */
bertc_status cli_command_unknown(const char *name, bertc_error *err);

/* Option structs of commands that have no header of their own. */
typedef struct cli_tokenize_values {
    const char *model, *vocab;
    bool cased, pair, offsets;
    int parity, long_texts;
    int64_t max_length, threads;
} cli_tokenize_values;

typedef struct cli_sample_values {
    const char *out;
    int64_t seed;
} cli_sample_values;

typedef struct cli_init_values {
    const char *vocab, *out; /* out: the final path of the folder */
    int64_t layers, hidden, heads, intermediate, max_positions; /* intermediate 0: 4 * hidden */
    int64_t seed;
    double initializer_range;
    bool cased;
} cli_init_values;

/* Write the new model into `folder`, which exists and is empty. After a failure, the files written so far stay. */
bertc_status cli_init_write(const cli_init_values *values, const char *folder, bertc_error *err);

typedef struct cli_truncate_values {
    const char *model, *out;
    int64_t keep_layers;
} cli_truncate_values;

typedef struct cli_plan_values {
    bertc_train_options train; /* the first member, because finetune's option rows have offsets into it */
    bool json;
} cli_plan_values;

typedef struct cli_data_values {
    bertc_train_options train; /* the first member; only `own` is used */
    const char *task, *model;
    int64_t max_length;
    bool json;
} cli_data_values;

/* Option tables and functions of the commands, each in the command's own file. */
cli_table cli_plan_more, cli_data_more, cli_inference_table, cli_tokenize_table, cli_init_table, cli_truncate_table,
    cli_sample_table;
void cli_finetune_defaults(void *values);
void cli_inference_defaults(void *values);
bertc_status cli_finetune(const void *values, cli_arguments arguments, bertc_error *err);
bertc_status cli_plan(const void *values, cli_arguments arguments, bertc_error *err);
bertc_status cli_data(const void *values, cli_arguments arguments, bertc_error *err);
bertc_status cli_eval(const void *values, cli_arguments arguments, bertc_error *err);
bertc_status cli_predict(const void *values, cli_arguments arguments, bertc_error *err);
bertc_status cli_embed(const void *values, cli_arguments arguments, bertc_error *err);
bertc_status cli_tokenize(const void *values, cli_arguments arguments, bertc_error *err);
bertc_status cli_inspect(const void *values, cli_arguments arguments, bertc_error *err);
bertc_status cli_tasks(const void *values, cli_arguments arguments, bertc_error *err);
bertc_status cli_init(const void *values, cli_arguments arguments, bertc_error *err);
bertc_status cli_truncate(const void *values, cli_arguments arguments, bertc_error *err);
bertc_status cli_sample(const void *values, cli_arguments arguments, bertc_error *err);
bertc_status cli_version(const void *values, cli_arguments arguments, bertc_error *err);

#endif
