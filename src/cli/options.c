#include "cli/options.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/error.h"

/* ---- Rows ---------------------------------------------------------------------------------- */

/* Whether `name` is one of the words of a list that are separated by spaces; null: an empty list. */
static bool has_word(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *p = list; p && *p;) {
        size_t n = strcspn(p, " ");
        if (n == length && memcmp(p, name, n) == 0) return true;
        p += n + (p[n] == ' ');
    }
    return false;
}

const char *cli_command_prefix(const cli_command *command)
{
    return command->is_program ? "" : "bertc ";
}

const bertc_option *cli_option_next(const cli_command *command, const bertc_option *row)
{
    cli_table *const tables[] = {command->table, command->more};
    bool passed = !row;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        size_t count = 0;
        const bertc_option *rows = tables[t] ? tables[t](&count) : NULL;
        unsigned mask = t == 0 ? command->mask : 0;
        for (const bertc_option *next = rows; count-- > 0; next++) {
            bool taken = (mask == 0 || (next->commands & mask) != 0) && !has_word(command->excluded, next->name);
            if (passed && taken) return next;
            passed = passed || next == row;
        }
    }
    return NULL;
}

bool cli_option_required(const cli_command *command, const bertc_option *option)
{
    return has_word(command->required, option->name);
}

static const bertc_option *find(const cli_command *command, const char *name, size_t length)
{
    const bertc_option *row = NULL;
    while ((row = cli_option_next(command, row)) != NULL)
        if (strlen(row->name) == length && memcmp(row->name, name, length) == 0) break;
    return row;
}

void cli_option_choices(const bertc_option *row, char out[CLI_CHOICES])
{
    size_t used = 0;
    out[0] = '\0';
    for (const bertc_choice *choice = row->choices; choice && choice->name && used < CLI_CHOICES; choice++)
        used += (size_t)snprintf(out + used, CLI_CHOICES - used, "%s%s", used > 0 ? "|" : "", choice->name);
}

/* ---- Values -------------------------------------------------------------------------------- */

static bertc_status out_of_range(const bertc_option *row, const char *text, bertc_error *err)
{
    return cli_fail(err, BERTC_USAGE, "--%s: %s is out of range, %.16g to %.16g", row->name, text, row->min, row->max);
}

static bertc_status set_int(const bertc_option *row, const char *text, void *field, bertc_error *err)
{
    const char *digits = text + (text[0] == '-');
    size_t length = strspn(digits, "0123456789");
    if (length == 0 || digits[length] != '\0')
        return cli_fail(err, BERTC_USAGE, "--%s: '%s' is not a whole number", row->name, text);
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno != 0 || (double)value < row->min || (double)value > row->max) return out_of_range(row, text, err);
    *(int64_t *)field = value;
    return BERTC_OK;
}

static bertc_status set_real(const bertc_option *row, const char *text, void *field, bertc_error *err)
{
    char *end = NULL;
    bool plain = text[0] != '+' && text[0] != '\0' && text[strspn(text, "0123456789.eE+-")] == '\0';
    double value = plain ? strtod(text, &end) : 0;
    if (!plain || end == text || *end != '\0')
        return cli_fail(err, BERTC_USAGE, "--%s: '%s' is not a number", row->name, text);
    if (!isfinite(value) || value < row->min || value > row->max) return out_of_range(row, text, err);
    *(double *)field = value;
    return BERTC_OK;
}

static bertc_status set_choice(const bertc_option *row, const char *text, void *field, bertc_error *err)
{
    char names[CLI_CHOICES];
    const bertc_choice *choice = row->choices;
    while (choice->name && strcmp(choice->name, text) != 0) choice++;
    cli_option_choices(row, names);
    if (!choice->name) return cli_fail(err, BERTC_USAGE, "--%s: '%s' is not one of %s", row->name, text, names);
    *(int *)field = choice->value;
    return BERTC_OK;
}

static bertc_status set_text(const bertc_option *row, const char *text, void *field, bertc_error *err)
{
    if (!*text) return cli_fail(err, BERTC_USAGE, "--%s: the value is empty", row->name);
    *(const char **)field = text;
    return BERTC_OK;
}

static bertc_status set_flag(const bertc_option *row, const char *text, void *field, bertc_error *err)
{
    (void)row, (void)text, (void)err;
    *(bool *)field = true;
    return BERTC_OK;
}

static bertc_status set(const bertc_option *row, const char *text, void *values, bertc_error *err)
{
    static bertc_status (*const setters[])(const bertc_option *, const char *, void *, bertc_error *) = {
        [BERTC_OPTION_FLAG] = set_flag, [BERTC_OPTION_INT] = set_int,       [BERTC_OPTION_REAL] = set_real,
        [BERTC_OPTION_TEXT] = set_text, [BERTC_OPTION_CHOICE] = set_choice,
    };
    return setters[row->kind](row, text, (char *)values + row->offset, err);
}

void cli_options_reset(const cli_command *command, void *values)
{
    if (command->defaults) command->defaults(values);
    for (const bertc_option *row = NULL; (row = cli_option_next(command, row)) != NULL;) {
        if (!row->initial || row->kind == BERTC_OPTION_FLAG) continue;
        bertc_error err = {0};
        bertc_status status = set(row, row->initial, values, &err);
        assert(status == BERTC_OK && "a default is valid");
        (void)status;
    }
}

/* ---- Arguments ----------------------------------------------------------------------------- */

static const char *option_name(const void *context, size_t index)
{
    const bertc_option *row = cli_option_next(context, NULL);
    while (row && index-- > 0) row = cli_option_next(context, row);
    return row ? row->name : NULL;
}

static bertc_status unknown_option(const cli_command *command, const char *text, bertc_error *err)
{
    char name[40];
    const char *bare = text + strspn(text, "-");
    snprintf(name, sizeof name, "%.*s", (int)strcspn(bare, "="), bare);
    const char *nearest = bertc_nearest(name, option_name, command);
    if (nearest) return cli_fail(err, BERTC_USAGE, "unknown option '%s', did you mean '--%s'?", text, nearest);
    return cli_fail(err, BERTC_USAGE, "unknown option '%s', see '%s%s --help'", text,
                    cli_command_prefix(command), command->name);
}

/* Return the index of a row among the rows that the command takes. */
static size_t index_of(const cli_command *command, const bertc_option *row)
{
    size_t index = 0;
    for (const bertc_option *r = cli_option_next(command, NULL); r != row; r = cli_option_next(command, r)) index++;
    return index;
}

/* Parse the option at argv[*at] and its value; *at moves to the last argument that was used. */
static bertc_status take_option(const cli_command *command, int argc, char **argv, int *at,
                                void *values, bool *given, bertc_error *err)
{
    const char *text = argv[*at];
    size_t length = strcspn(text, "=");
    const bertc_option *row = strncmp(text, "--", 2) == 0 ? find(command, text + 2, length - 2) : NULL;
    if (!row) return unknown_option(command, text, err);
    const char *value = text[length] == '=' ? text + length + 1 : NULL;
    given[index_of(command, row)] = true;
    if (row->kind == BERTC_OPTION_FLAG && value) return cli_fail(err, BERTC_USAGE, "--%s takes no value", row->name);
    if (row->kind != BERTC_OPTION_FLAG && !value) {
        if (*at + 1 >= argc || strncmp(argv[*at + 1], "--", 2) == 0)
            return cli_fail(err, BERTC_USAGE, "--%s needs a value (%s)", row->name, row->argument);
        value = argv[++*at];
    }
    return set(row, value, values, err);
}

static bool is_given(const cli_command *command, const char *name, const bool *given)
{
    return given[index_of(command, find(command, name, strlen(name)))];
}

static bertc_status check_needs(const cli_command *command, const bool *given, bertc_error *err)
{
    const char *const *needs = command->needs;
    for (size_t i = 0; i < sizeof command->needs / sizeof *needs && needs[i]; i += 2)
        if (is_given(command, needs[i], given) && !is_given(command, needs[i + 1], given))
            return cli_fail(err, BERTC_USAGE, "--%s has no effect without --%s", needs[i], needs[i + 1]);
    return BERTC_OK;
}

static bertc_status check_required(const cli_command *command, const bool *given, size_t arguments, bertc_error *err)
{
    char missing[128] = "";
    size_t used = 0;
    for (const bertc_option *row = NULL; (row = cli_option_next(command, row)) != NULL;)
        if (!given[index_of(command, row)] && cli_option_required(command, row) && used < sizeof missing)
            used += (size_t)snprintf(missing + used, sizeof missing - used, "%s--%s", used > 0 ? ", " : "", row->name);
    if (used == 0 && (!command->operand_required || arguments > 0)) return BERTC_OK;
    return cli_fail(err, BERTC_USAGE, "'%s%s' needs %s, see '%s%s --help'", cli_command_prefix(command), command->name,
                    used > 0 ? missing : command->operand, cli_command_prefix(command), command->name);
}

bertc_status cli_options_parse(const cli_command *command, int argc, char **argv, void *values,
                               char **arguments, cli_parsed *parsed, bertc_error *err)
{
    size_t count = 0;
    bool options = true;
    *parsed = (cli_parsed){.arguments.value = arguments};
    for (const bertc_option *row = NULL; (row = cli_option_next(command, row)) != NULL;) count++;
    bool *given = calloc(count + 1, sizeof *given);
    bertc_status status = given ? BERTC_OK : cli_fail_memory(err);
    for (int i = 0; i < argc && status == BERTC_OK && !parsed->help; i++) {
        bool dashed = argv[i][0] == '-' && argv[i][1] != '\0';
        if ((!options || !dashed) && command->operand && (parsed->arguments.count == 0 || command->many_operands))
            arguments[parsed->arguments.count++] = argv[i];
        else if (!options || !dashed)
            status = cli_fail(err, BERTC_USAGE, "unexpected argument '%s', see '%s%s --help'", argv[i],
                              cli_command_prefix(command), command->name);
        else if (strcmp(argv[i], "--") == 0) options = false;
        else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) parsed->help = true;
        else status = take_option(command, argc, argv, &i, values, given, err);
    }
    if (status == BERTC_OK && !parsed->help) status = check_needs(command, given, err);
    if (status == BERTC_OK && !parsed->help) status = check_required(command, given, parsed->arguments.count, err);
    free(given);
    return status;
}
