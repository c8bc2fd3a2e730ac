#include "cli/help.h"

#include <string.h>

#include "cli/options.h"

enum { WIDTH = 90, COLUMN = 28 /* column at which descriptions begin */, NOTE = 384, RANGE = 64 };

static const struct {
    int code;
    const char *meaning;
} codes[] = {
    {BERTC_OK, "done"},
    {BERTC_USAGE, "an option or argument is invalid"},
    {BERTC_INPUT, "a file is missing or its content is invalid"},
    {BERTC_IO, "the system refused to read or write"},
    {BERTC_NOMEM, "out of memory"},
    {BERTC_DIVERGED, "diverged: a loss, gradient norm or output is not finite"},
    {BERTC_NETWORK, "a download or its checksum failed"},
    {BERTC_LOCKED, "another run has locked the folder"},
    {BERTC_HUNG_UP, "hung up (SIGHUP), the state is saved"},
    {BERTC_INTERRUPTED, "interrupted (SIGINT), the state is saved"},
    {BERTC_USER_SIGNAL, "user signal (SIGUSR1), the state is saved"},
    {BERTC_TERMINATED, "terminated (SIGTERM), the state is saved"},
};

enum { CODES = sizeof codes / sizeof *codes };

/* Describe the range of an INT or REAL row: "1 to 512" or "at least 3"; empty if the range is not worth mentioning. */
static void describe_range(const bertc_option *row, char out[RANGE])
{
    const double unlimited = 1e6; /* from here on an upper limit is not mentioned */
    out[0] = '\0';
    if (row->kind != BERTC_OPTION_INT && row->kind != BERTC_OPTION_REAL) return;
    if (row->max < unlimited)
        snprintf(out, RANGE, "%.10g to %.10g", row->min, row->max);
    else if (row->min > 0)
        snprintf(out, RANGE, "at least %.10g", row->min);
}

/* Describe what an option's row states besides its help: "(required)", "(default 3; 0 to 1000)"; empty if it states
 * nothing else. */
static void describe_row(const cli_command *command, const bertc_option *option, char out[NOTE])
{
    char range[RANGE], initial[64] = "", choices[CLI_CHOICES];
    describe_range(option, range);
    cli_option_choices(option, choices);
    bool flag = option->kind == BERTC_OPTION_FLAG;
    if (option->initial && !flag) snprintf(initial, sizeof initial, "default %s", option->initial);
    const char *parts[] = {
        cli_option_required(command, option) ? "required" : "",
        choices,
        initial,
        range,
    };
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (*parts[i] && used < NOTE)
            used += (size_t)snprintf(out + used, NOTE - used, "%s%s", used > 0 ? "; " : "(", parts[i]);
    if (used > 0 && used < NOTE - 1) memcpy(out + used, ")", 2);
}

/* Print the words of `text` from `*column` on, wrapped to COLUMN..WIDTH. A list of choices that is longer than a line
 * is wrapped after a '|'. */
static void put_wrapped(FILE *to, const char *text, size_t *column)
{
    while (*text) {
        size_t left = strcspn(text, " "), gap = *column > COLUMN;
        while (left > 0) {
            size_t piece = left > WIDTH - COLUMN ? strcspn(text, "|") + 1 : left;
            if (piece > left) piece = left;
            if (*column > COLUMN && *column + gap + piece > WIDTH) {
                fprintf(to, "\n%*s", COLUMN, "");
                *column = COLUMN;
                gap = 0;
            }
            fprintf(to, "%*s%.*s", (int)gap, "", (int)piece, text);
            *column += gap + piece;
            text += piece;
            left -= piece;
            gap = 0;
        }
        text += *text == ' ';
    }
}

static void put_option(FILE *to, const cli_command *command, const bertc_option *option)
{
    char note[NOTE];
    describe_row(command, option, note);
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

/* Print "bertc eval --task TASK --model DIR --data DIR [OPTION]...". */
static void put_usage(FILE *to, const cli_command *command)
{
    fprintf(to, "%s%s", cli_command_prefix(command), command->name);
    bool others = false;
    for (const bertc_option *row = NULL; (row = cli_option_next(command, row)) != NULL;) {
        if (cli_option_required(command, row)) fprintf(to, " --%s %s", row->name, row->argument);
        else others = true;
    }
    if (others) fputs(" [OPTION]...", to);
    if (command->operand) fprintf(to, command->operand_required ? " %s" : " [%s]", command->operand);
}

/* Print the lines of `text`, each after two spaces. */
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
    if (command->table) fputs("\nOptions:\n", to);
    for (const bertc_option *row = NULL; (row = cli_option_next(command, row)) != NULL;) put_option(to, command, row);
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
    fputs("\nOptions are written --name value or --name=value; the last value of a repeated option counts.\n"
          "'bertc help COMMAND' explains a command.\n"
          "\nExit codes:\n",
          to);
    for (size_t i = 0; i < CODES; i++) fprintf(to, "  %3d  %s\n", codes[i].code, codes[i].meaning);
}

/* ---- The man page -------------------------------------------------------------------------- */

/* Print text that begins a line or continues one. Hyphens are escaped, so that they stay hyphens when copied. */
static void put_roff(FILE *to, const char *text)
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

static void put_roff_option(FILE *to, const cli_command *command, const bertc_option *option)
{
    char note[NOTE];
    describe_row(command, option, note);
    fputs(".TP\n\\fB\\-\\-", to);
    put_roff(to, option->name);
    fputs("\\fR", to);
    if (option->argument) {
        fputs(" \\fI", to);
        put_roff(to, option->argument);
        fputs("\\fR", to);
    }
    fputc('\n', to);
    put_roff(to, option->help);
    if (note[0]) fputc(' ', to);
    put_roff(to, note);
    fputc('\n', to);
}

static void put_section(FILE *to, const cli_command *command)
{
    fprintf(to, ".SS bertc %s\n", command->name);
    put_roff(to, command->summary);
    fputs(".\n", to);
    if (command->details) {
        fputs(".PP\n", to);
        put_roff(to, command->details);
    }
    fputs(".PP\n.nf\n", to);
    put_roff(to, command->examples);
    fputs(".fi\n", to);
    for (const bertc_option *row = NULL; (row = cli_option_next(command, row)) != NULL;)
        put_roff_option(to, command, row);
}

static void put_synopsis(FILE *to, const cli_command *commands)
{
    fputs(".SH SYNOPSIS\n", to);
    for (const cli_command *command = commands; command->name; command++) {
        if (command > commands) fputs(".br\n", to);
        fputs(".B bertc ", to);
        put_roff(to, command->name);
        fputs(command->table ? " [\\fIOPTION\\fR]..." : "", to);
        if (command->operand)
            fprintf(to, command->operand_required ? " \\fI%s\\fR" : " [\\fI%s\\fR]", command->operand);
        fputc('\n', to);
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
    put_roff(to, "Fine-tunes BERT models from Hugging Face directories on the GLUE tasks and writes\n"
            "models that transformers loads. Results go to standard output, everything else to\n"
            "standard error. Options are written --name value or --name=value; the last value of\n"
            "a repeated option counts; -- ends the options.\n");
    fputs(".SH COMMANDS\n", to);
    for (const cli_command *command = commands; command->name; command++) put_section(to, command);
    fputs(".SH EXIT STATUS\n", to);
    for (size_t i = 0; i < CODES; i++) {
        fprintf(to, ".TP\n%d\n", codes[i].code);
        put_roff(to, codes[i].meaning);
        fputc('\n', to);
    }
    fputs(".SH SIGNALS\n", to);
    put_roff(to, "SIGHUP (unless it is ignored, as under nohup), SIGINT, SIGUSR1 and SIGTERM make finetune\n"
            "save its state and end within a step. Signals within one second count as one; a\n"
            "later signal ends the program without saving.\n");
    fputs(".SH ENVIRONMENT\n.TP\nNO_COLOR\n", to);
    put_roff(to, "if it is set and not empty, no colour is used on a terminal\n");
}
