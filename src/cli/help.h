/* Help and the man page, both made from the command table. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"

typedef struct cli_help_values {
    bool man;
} cli_help_values;

void cli_help_overview(FILE *to);
void cli_help_command(FILE *to, const cli_command *command);
void cli_help_man(FILE *to); /* the whole man page, roff */

/* Exit codes and what they mean; null past the end. */
const char *cli_help_exit_code(size_t index, int *code);

/* The part of an option's description that its row tells by itself: "(required)",
 * "(default 3; 0 to 1000)"; empty where there is nothing. */
enum { CLI_NOTE = 256 };
void cli_help_note(const cli_command *command, const bertc_option *option, char out[CLI_NOTE]);

/* "bertc eval --task TASK --model DIR --data DIR [OPTION]..." */
void cli_help_usage(FILE *to, const cli_command *command);

#endif
