/* Help and the man page, made from the command table. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"

void cli_help_overview(FILE *to, const cli_command *commands); /* ended by a row with a null name */
void cli_help_command(FILE *to, const cli_command *command);
void cli_man(FILE *to, const cli_command *commands); /* the man page, in roff */

#endif
