/* bertc: the command line.
 *
 * 1. Results go to standard output, everything else to standard error.
 * 2. A failure prints one line "bertc: MESSAGE"; the exit code is the bertc_status.
 * 3. The commands only call the public API. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cli/command.h"
#include "cli/error.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/stream.h"
#include "cli/progress.h"

/* Run a command; argv[0] is its name. */
static bertc_status run(const cli_command *command, int argc, char **argv, bertc_error *err)
{
    cli_parsed parsed;
    void *values = calloc(1, command->size + 1);
    char **arguments = calloc((size_t)argc + 1, sizeof *arguments);
    bertc_status status = values && arguments ? BERTC_OK : cli_fail_memory(err);
    if (status == BERTC_OK) {
        cli_options_reset(command, values);
        status = cli_options_parse(command, argc - 1, argv + 1, values, arguments, &parsed, err);
    }
    parsed.arguments.command = argv;
    if (status == BERTC_OK && parsed.help) cli_help_command(stdout, command);
    else if (status == BERTC_OK) status = command->run(values, parsed.arguments, err);
    free(arguments);
    free(values);
    return status;
}

/* Return the command of an argument; --help and --version stand for commands. */
static const char *command_of(const char *argument)
{
    static const char *const aliases[][2] = {
        {"--help", "help"}, {"-h", "help"}, {"--version", "version"}, {"-V", "version"}};
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (strcmp(argument, aliases[i][0]) == 0) return aliases[i][1];
    return argument;
}

/* Refuse a small stack: on overflow the program would crash without a message. */
static bertc_status check_stack(bertc_error *err)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= BERTC_STACK) return BERTC_OK;
    return cli_fail(err, BERTC_NOMEM, "out of memory: the stack has %zu KB, %d KB are needed (ulimit -s)",
                    (size_t)limit.rlim_cur >> 10, BERTC_STACK >> 10);
}

int main(int argc, char **argv)
{
    bertc_error err = {0};
    if (cli_stdout_open(&err) != BERTC_OK) {
        cli_print_error(err.message);
        return BERTC_NOMEM;
    }
    signal(SIGXFSZ, SIG_IGN); /* a file size limit becomes an ordinary write error */
    if (argc < 2) {
        cli_help_overview(stderr, cli_commands);
        return BERTC_USAGE;
    }
    const cli_command *command = cli_command_find(command_of(argv[1]));
    bertc_status status = command ? check_stack(&err) : cli_command_unknown(argv[1], &err);
    if (status == BERTC_OK) status = run(command, argc - 1, argv + 1, &err);
    bertc_error late = {0};
    if (cli_stdout_close(&late) != BERTC_OK && status == BERTC_OK) {
        status = late.status;
        err = late;
    }
    if (status != BERTC_OK) cli_print_error(err.message[0] ? err.message : "failed");
    return (int)status;
}
