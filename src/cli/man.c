#include "cli/man.h"

#include "cli/help.h"
#include "cli/options.h"

/* Text at the beginning of a line or inside one; hyphens stay hyphens when copied. */
static void put(FILE *to, const char *text)
{
    bool start = true;
    for (; *text; text++) {
        if (start && (*text == '.' || *text == '\'')) fputs("\\&", to);
        if (*text == '\\')
            fputs("\\e", to);
        else if (*text == '-')
            fputs("\\-", to);
        else
            fputc(*text, to);
        start = *text == '\n';
    }
}

static void put_option(FILE *to, const cli_command *command, const bertc_option *option)
{
    char note[CLI_NOTE];
    cli_help_note(command, option, note);
    fputs(".TP\n\\fB\\-\\-", to);
    put(to, option->name);
    fputs("\\fR", to);
    if (option->argument) {
        fputs(" \\fI", to);
        put(to, option->argument);
        fputs("\\fR", to);
    }
    fputc('\n', to);
    put(to, option->help);
    if (note[0]) fputc(' ', to);
    put(to, note);
    fputc('\n', to);
}

static void put_usage(FILE *to, const cli_command *command)
{
    fputs(".B bertc ", to);
    put(to, command->name);
    const char *rest = cli_option_count(command) > 0 ? " [\\fIOPTION\\fR]..." : "";
    fputs(rest, to);
    if (command->operand)
        fprintf(to, command->operand_required ? " \\fI%s\\fR" : " [\\fI%s\\fR]", command->operand);
    fputc('\n', to);
}

static void put_command(FILE *to, const cli_command *command)
{
    fprintf(to, ".SS bertc %s\n", command->name);
    put(to, command->summary);
    fputs(".\n", to);
    if (command->details) {
        fputs(".PP\n", to);
        put(to, command->details);
    }
    fputs(".PP\n.nf\n", to);
    put(to, command->examples);
    fputs(".fi\n", to);
    size_t count = cli_option_count(command);
    for (size_t i = 0; i < count; i++)
        if (cli_option_at(command, i)) put_option(to, command, cli_option_at(command, i));
}

static void put_synopsis(FILE *to, const cli_command *commands)
{
    fputs(".SH SYNOPSIS\n", to);
    for (const cli_command *command = commands; command->name; command++) {
        if (command > commands) fputs(".br\n", to);
        put_usage(to, command);
    }
}

void cli_man(FILE *to, const cli_command *commands)
{
    fprintf(to,
            ".\\\" Made by 'bertc help --man'.\n"
            ".TH BERTC 1 \"\" \"bertc %s\" \"User Commands\"\n"
            ".SH NAME\nbertc \\- fine-tune BERT on CPUs\n",
            bertc_version());
    put_synopsis(to, commands);
    fputs(".SH DESCRIPTION\n", to);
    put(to, "Fine-tunes BERT models from Hugging Face directories on the GLUE tasks and leaves\n"
            "models that transformers loads. Results go to standard output, everything else to\n"
            "standard error. Options are written --name value or --name=value; of an option\n"
            "that is given twice the last counts; -- ends the options.\n");
    fputs(".SH COMMANDS\n", to);
    for (const cli_command *command = commands; command->name; command++) put_command(to, command);
    fputs(".SH EXIT STATUS\n", to);
    const char *meaning;
    int code;
    for (size_t i = 0; (meaning = cli_help_exit_code(i, &code)) != NULL; i++) {
        fprintf(to, ".TP\n%d\n", code);
        put(to, meaning);
        fputc('\n', to);
    }
    fputs(".SH SIGNALS\n", to);
    put(to, "SIGHUP (unless it is ignored, as under nohup), SIGINT, SIGUSR1 and SIGTERM make finetune\n"
            "save its state and end within a step. What comes of them within a second is one\n"
            "wish; another after that ends the program without saving.\n");
    fputs(".SH ENVIRONMENT\n.TP\nNO_COLOR\n", to);
    put(to, "where it is set and not empty, no colour is used on a terminal\n");
}
