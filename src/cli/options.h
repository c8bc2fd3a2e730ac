/* The option parser: rows of bertc_option against argv.
 *
 * 1. `--name value` and `--name=value`; names in full; `--` ends the options. An option given
 *    twice takes its last value, so that a script can append options to its own.
 * 2. Numbers are read strictly: decimal, whole where the row says so, in the row's range, nothing
 *    before or after.
 * 3. Every error is BERTC_USAGE, one line, with the nearest name where one is close. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli/command.h"

/* The row that `command` takes behind `row`, or its first behind null; null past the last. */
const bertc_option *cli_option_next(const cli_command *command, const bertc_option *row);
/* The names of a CHOICE as "hf|google"; empty for another kind. */
enum { CLI_CHOICES = 128 };
void cli_option_choices(const bertc_option *row, char out[CLI_CHOICES]);

bool cli_option_required(const cli_command *command, const bertc_option *option);

/* Set `values` to the defaults of the command. */
void cli_options_reset(const cli_command *command, void *values);

typedef struct cli_parsed {
    bool help;       /* --help was met; nothing after it was looked at */
    cli_arguments words; /* into `words` of the caller */
} cli_parsed;

/* Parse argv[0..argc-1] (what follows the command's name) into `values`. `words` has room for argc
 * pointers. */
bertc_status cli_options_parse(const cli_command *command, int argc, char **argv, void *values,
                               char **words, cli_parsed *parsed, bertc_error *err);

#endif
