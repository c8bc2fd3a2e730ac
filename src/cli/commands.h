/* The command table. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/command.h"

extern const cli_command cli_commands[]; /* up to one without a name */

const cli_command *cli_command_find(const char *name); /* null: none */

/* An unknown command, with a suggestion. */
bertc_status cli_command_unknown(const char *name, bertc_error *err);

#endif
