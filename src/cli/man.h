/* The man page, made from the command table. */
#ifndef CLI_MAN_H
#define CLI_MAN_H

#include <stdio.h>

#include "cli/command.h"

void cli_man(FILE *to, const cli_command *commands); /* in roff; up to a command without a name */

#endif
