/* Help, made from the command table. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"

void cli_help_overview(FILE *to, const cli_command *commands); /* up to one without a name */
void cli_help_command(FILE *to, const cli_command *command);

/* Exit codes and what they mean; null past the end. */
const char *cli_help_exit_code(size_t index, int *code);

/* The part of an option's description that its row tells by itself: "(required)",
 * "(default 3; 0 to 1000)"; empty where there is nothing. */
enum { CLI_NOTE = 256 };
void cli_help_note(const cli_command *command, const bertc_option *option, char out[CLI_NOTE]);

#endif
