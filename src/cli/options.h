/* The option parser: sets a struct from argv by rows of bertc_option.
 *
 * 1. Options are `--name value` or `--name=value`, with the full name; `--` ends the options. If an option is repeated,
 *    the last value counts, so that a script can append options.
 * 2. Numbers are decimal, without other characters before or after, and in the row's range. The row's kind states
 *    whether they must be whole.
 * 3. Every error is BERTC_USAGE, on one line, and suggests the nearest name if one is close. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli/command.h"

/* Return the next row that `command` takes after `row`, the first if `row` is null; null after the last. */
const bertc_option *cli_option_next(const cli_command *command, const bertc_option *row);

/* Write the names of a CHOICE, such as "hf|google"; nothing for another kind. */
enum { CLI_CHOICES = 256 };
void cli_option_choices(const bertc_option *row, char out[CLI_CHOICES]);

/* Whether the command requires the option. */
bool cli_option_required(const cli_command *command, const bertc_option *option);

/* Return the beginning of a command line, before the name of the command: "bertc ", or "" for a program. */
const char *cli_command_prefix(const cli_command *command);

/* Set `values` to the defaults of the command. */
void cli_options_reset(const cli_command *command, void *values);

typedef struct cli_parsed {
    bool help;               /* --help was given; the arguments after it were ignored */
    cli_arguments arguments; /* points to the caller's array; `command` is null */
} cli_parsed;

/* Parse argv[0..argc-1], the arguments after the command's name, into `values`. `arguments` is an array of `argc`
 * pointers for those that are not options. Errors: BERTC_USAGE, BERTC_NOMEM. */
bertc_status cli_options_parse(const cli_command *command, int argc, char **argv, void *values,
                               char **arguments, cli_parsed *parsed, bertc_error *err);

#endif
