#include "cli/help.h"

#include <string.h>

#include "cli/options.h"

enum { WIDTH = 90, COLUMN = 28 /* where descriptions begin */ };

static const struct {
    int code;
    const char *meaning;
} codes[] = {
    {BERTC_OK, "done"},
    {BERTC_USAGE, "an option or argument makes no sense"},
    {BERTC_INPUT, "a file is missing or its content is wrong"},
    {BERTC_IO, "the system refused to read or write"},
    {BERTC_NOMEM, "out of memory"},
    {BERTC_DIVERGED, "training diverged: a loss or gradient is not finite"},
    {BERTC_NETWORK, "a download or its checksum failed"},
    {BERTC_LOCKED, "another run holds the folder"},
    {BERTC_HUNG_UP, "hung up (SIGHUP), the state is saved"},
    {BERTC_INTERRUPTED, "interrupted (SIGINT), the state is saved"},
    {BERTC_WARNED, "warned (SIGUSR1), the state is saved"},
    {BERTC_TERMINATED, "terminated (SIGTERM), the state is saved"},
};

const char *cli_help_exit_code(size_t index, int *code)
{
    if (index >= sizeof codes / sizeof codes[0]) return NULL;
    *code = codes[index].code;
    return codes[index].meaning;
}

void cli_help_note(const cli_command *command, const bertc_option *option, char out[CLI_NOTE])
{
    char range[CLI_RANGE], initial[64] = "";
    cli_option_range(option, range);
    bool flag = option->kind == BERTC_OPTION_FLAG;
    if (option->initial && !flag) snprintf(initial, sizeof initial, "default %s", option->initial);
    const char *parts[] = {
        cli_option_required(command, option) ? "required" : "",
        option->kind == BERTC_OPTION_CHOICE ? option->choices : "",
        initial,
        range,
    };
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (*parts[i] && used < CLI_NOTE)
            used += (size_t)snprintf(out + used, CLI_NOTE - used, "%s%s", used > 0 ? "; " : "(",
                                     parts[i]);
    if (used > 0 && used < CLI_NOTE - 1) memcpy(out + used, ")", 2);
}

/* Words of `text` from `*column` on, wrapped to COLUMN..WIDTH. */
static void put_wrapped(FILE *to, const char *text, size_t *column)
{
    while (*text) {
        size_t n = strcspn(text, " ");
        bool first = *column == COLUMN;
        if (!first && *column + 1 + n > WIDTH) {
            fprintf(to, "\n%*s", COLUMN, "");
            *column = COLUMN;
            first = true;
        }
        fprintf(to, "%s%.*s", first ? "" : " ", (int)n, text);
        *column += n + !first;
        text += n + (text[n] == ' ');
    }
}

static void put_option(FILE *to, const cli_command *command, const bertc_option *option)
{
    char note[CLI_NOTE];
    cli_help_note(command, option, note);
    int used = fprintf(to, "  --%s%s%s", option->name, option->argument ? " " : "",
                       option->argument ? option->argument : "");
    if (used >= COLUMN - 1)
        fprintf(to, "\n%*s", COLUMN, "");
    else
        fprintf(to, "%*s", COLUMN - used, "");
    size_t column = COLUMN;
    put_wrapped(to, option->help, &column);
    put_wrapped(to, note, &column);
    fputc('\n', to);
}

/* "bertc eval --task TASK --model DIR --data DIR [OPTION]..." */
static void put_usage(FILE *to, const cli_command *command)
{
    fprintf(to, "bertc %s", command->name);
    size_t count = cli_option_count(command);
    bool others = false;
    for (size_t i = 0; i < count; i++) {
        const bertc_option *row = cli_option_at(command, i);
        if (row && cli_option_required(command, row))
            fprintf(to, " --%s %s", row->name, row->argument);
        else if (row)
            others = true;
    }
    if (others) fputs(" [OPTION]...", to);
    if (command->operand)
        fprintf(to, command->operand_required ? " %s" : " [%s]", command->operand);
}

/* Lines of `text`, each behind two spaces. */
static void put_indented(FILE *to, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        fprintf(to, "  %.*s\n", (int)n, text);
        text += n + 1;
    }
}

void cli_help_command(FILE *to, const cli_command *command)
{
    fputs("Examples:\n", to);
    put_indented(to, command->examples);
    fputs("\nUsage: ", to);
    put_usage(to, command);
    fprintf(to, "\n  %s\n", command->summary);
    if (command->details) {
        fputc('\n', to);
        fputs(command->details, to);
    }
    size_t count = cli_option_count(command);
    if (count > 0) fputs("\nOptions:\n", to);
    for (size_t i = 0; i < count; i++)
        if (cli_option_at(command, i)) put_option(to, command, cli_option_at(command, i));
}

void cli_help_overview(FILE *to, const cli_command *commands)
{
    fputs("Examples:\n", to);
    put_indented(to, "bertc sample --out sample\n"
                     "bertc finetune --task sst2 --model sample/model --data sample --out run --lr 5e-4\n"
                     "bertc eval --task sst2 --model run --data sample\n"
                     "bertc predict --task sst2 --model run --data sample --out SST-2.tsv\n");
    fputs("\nUsage: bertc COMMAND [OPTION]...\n"
          "  fine-tune BERT on CPUs: text in, a model that transformers loads out\n"
          "\nCommands:\n",
          to);
    for (const cli_command *command = commands; command->name; command++)
        fprintf(to, "  %-10s %s\n", command->name, command->summary);
    fputs("\nOptions are written --name value or --name=value; the last of two counts.\n"
          "'bertc help COMMAND' explains a command.\n"
          "\nExit codes:\n",
          to);
    const char *meaning;
    int code;
    for (size_t i = 0; (meaning = cli_help_exit_code(i, &code)) != NULL; i++)
        fprintf(to, "  %3d  %s\n", code, meaning);
}
