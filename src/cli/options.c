#include "cli/options.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/error.h"
#include "cli/nearest.h"

/* ---- Rows ---------------------------------------------------------------------------------- */

size_t cli_option_count(const cli_command *command)
{
    size_t count = 0;
    if (command->table) command->table(&count);
    return count;
}

const bertc_option *cli_option_at(const cli_command *command, size_t index)
{
    size_t count = 0;
    const bertc_option *rows = command->table ? command->table(&count) : NULL;
    if (index >= count) return NULL;
    bool taken = command->mask == 0 || (rows[index].commands & command->mask) != 0;
    return taken ? &rows[index] : NULL;
}

/* True where `word` stands in `list`, words separated by spaces. */
static bool is_listed(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *p = list; p && *p;) {
        size_t n = strcspn(p, " ");
        if (n == length && memcmp(p, word, n) == 0) return true;
        p += n + (p[n] == ' ');
    }
    return false;
}

bool cli_option_required(const cli_command *command, const bertc_option *option)
{
    return is_listed(command->required, option->name);
}

/* The choice number `index` of a CHOICE row and its length; null past the end. */
static const char *choice_at(const bertc_option *option, size_t index, size_t *length)
{
    const char *p = option->choices;
    for (; index > 0 && p; index--) {
        p = strchr(p, '|');
        if (p) p++;
    }
    if (p) *length = strcspn(p, "|");
    return p;
}

static const bertc_option *find(const cli_command *command, const char *name, size_t length)
{
    size_t count = cli_option_count(command);
    for (size_t i = 0; i < count; i++) {
        const bertc_option *row = cli_option_at(command, i);
        if (row && strlen(row->name) == length && memcmp(row->name, name, length) == 0) return row;
    }
    return NULL;
}

/* ---- Values -------------------------------------------------------------------------------- */

void cli_option_range(const bertc_option *row, char out[CLI_RANGE])
{
    const double endless = 1e6; /* a limit of this size is none to a reader */
    out[0] = '\0';
    if (row->kind != BERTC_OPTION_INT && row->kind != BERTC_OPTION_REAL) return;
    if (row->most < endless)
        snprintf(out, CLI_RANGE, "%.10g to %.10g", row->least, row->most);
    else if (row->least > 0)
        snprintf(out, CLI_RANGE, "at least %.10g", row->least);
}

static bertc_status out_of_range(const bertc_option *row, const char *text, bertc_error *err)
{
    return cli_fail(err, BERTC_USAGE, "--%s: %s is out of range, %.16g to %.16g", row->name, text,
                    row->least, row->most);
}

static bertc_status set_int(const bertc_option *row, const char *text, void *field,
                            bertc_error *err)
{
    const char *digits = text + (text[0] == '-');
    size_t length = strspn(digits, "0123456789");
    if (length == 0 || digits[length] != '\0')
        return cli_fail(err, BERTC_USAGE, "--%s: '%s' is not a whole number", row->name, text);
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno != 0 || (double)value < row->least || (double)value > row->most)
        return out_of_range(row, text, err);
    *(int64_t *)field = value;
    return BERTC_OK;
}

static bertc_status set_real(const bertc_option *row, const char *text, void *field,
                             bertc_error *err)
{
    char *end = NULL;
    bool plain = text[0] != '+' && text[0] != '\0' && text[strspn(text, "0123456789.eE+-")] == '\0';
    double value = plain ? strtod(text, &end) : 0;
    if (!plain || end == text || *end != '\0')
        return cli_fail(err, BERTC_USAGE, "--%s: '%s' is not a number", row->name, text);
    if (!isfinite(value) || value < row->least || value > row->most)
        return out_of_range(row, text, err);
    *(double *)field = value;
    return BERTC_OK;
}

static bertc_status set_choice(const bertc_option *row, const char *text, void *field,
                               bertc_error *err)
{
    size_t length = 0;
    const char *choice;
    for (size_t i = 0; (choice = choice_at(row, i, &length)) != NULL; i++) {
        if (strlen(text) != length || memcmp(text, choice, length) != 0) continue;
        *(int *)field = (int)i;
        return BERTC_OK;
    }
    return cli_fail(err, BERTC_USAGE, "--%s: '%s' is not one of %s", row->name, text, row->choices);
}

static bertc_status set_text(const bertc_option *row, const char *text, void *field,
                             bertc_error *err)
{
    if (!*text) return cli_fail(err, BERTC_USAGE, "--%s: the value is empty", row->name);
    *(const char **)field = text;
    return BERTC_OK;
}

static bertc_status set_flag(const bertc_option *row, const char *text, void *field,
                             bertc_error *err)
{
    (void)row, (void)text, (void)err;
    *(bool *)field = true;
    return BERTC_OK;
}

static bertc_status set(const bertc_option *row, const char *text, void *values, bertc_error *err)
{
    static bertc_status (*const setters[])(const bertc_option *, const char *, void *,
                                           bertc_error *) = {
        [BERTC_OPTION_FLAG] = set_flag,     [BERTC_OPTION_INT] = set_int,
        [BERTC_OPTION_REAL] = set_real,     [BERTC_OPTION_TEXT] = set_text,
        [BERTC_OPTION_CHOICE] = set_choice,
    };
    return setters[row->kind](row, text, (char *)values + row->offset, err);
}

void cli_options_reset(const cli_command *command, void *values)
{
    if (command->defaults) command->defaults(values);
    size_t count = cli_option_count(command);
    for (size_t i = 0; i < count; i++) {
        const bertc_option *row = cli_option_at(command, i);
        if (!row || !row->initial || row->kind == BERTC_OPTION_FLAG) continue;
        bertc_error err = {0};
        bertc_status status = set(row, row->initial, values, &err);
        assert(status == BERTC_OK && "a default fits its row");
        (void)status;
    }
}

/* ---- Arguments ----------------------------------------------------------------------------- */

static const char *option_name(const void *context, size_t index)
{
    const cli_command *command = context;
    size_t count = cli_option_count(command);
    for (size_t i = 0; i < count; i++)
        if (cli_option_at(command, i) && index-- == 0) return cli_option_at(command, i)->name;
    return NULL;
}

static bertc_status unknown_option(const cli_command *command, const char *text, bertc_error *err)
{
    char name[40];
    const char *bare = text + strspn(text, "-");
    snprintf(name, sizeof name, "%.*s", (int)strcspn(bare, "="), bare);
    const char *nearest = cli_nearest(name, option_name, command);
    if (nearest)
        return cli_fail(err, BERTC_USAGE, "unknown option '%s', did you mean '--%s'?", text,
                        nearest);
    return cli_fail(err, BERTC_USAGE, "unknown option '%s', see 'bertc %s --help'", text,
                    command->name);
}

/* Take the option at argv[*at] and its value; *at moves to the last argument that was used. */
static bertc_status take_option(const cli_command *command, int argc, char **argv, int *at,
                                void *values, bool *given, bertc_error *err)
{
    const char *text = argv[*at];
    size_t length = strcspn(text, "=");
    const bertc_option *row =
        strncmp(text, "--", 2) == 0 ? find(command, text + 2, length - 2) : NULL;
    if (!row) return unknown_option(command, text, err);
    const char *value = text[length] == '=' ? text + length + 1 : NULL;
    size_t count;
    given[row - command->table(&count)] = true;
    if (row->kind == BERTC_OPTION_FLAG && value)
        return cli_fail(err, BERTC_USAGE, "--%s takes no value", row->name);
    if (row->kind != BERTC_OPTION_FLAG && !value) {
        if (*at + 1 >= argc || strncmp(argv[*at + 1], "--", 2) == 0)
            return cli_fail(err, BERTC_USAGE, "--%s needs a value (%s)", row->name, row->argument);
        value = argv[++*at];
    }
    return set(row, value, values, err);
}

static bool is_given(const cli_command *command, const char *name, const bool *given)
{
    size_t count;
    return given[find(command, name, strlen(name)) - command->table(&count)];
}

static bertc_status check_needs(const cli_command *command, const bool *given, bertc_error *err)
{
    const char *const *needs = command->needs;
    if (!needs[0] || !is_given(command, needs[0], given) || is_given(command, needs[1], given))
        return BERTC_OK;
    return cli_fail(err, BERTC_USAGE, "--%s says nothing without --%s", needs[0], needs[1]);
}

static bertc_status check_required(const cli_command *command, const bool *given, size_t words,
                                   bertc_error *err)
{
    char missing[128] = "";
    size_t count = cli_option_count(command), used = 0;
    for (size_t i = 0; i < count; i++) {
        const bertc_option *row = cli_option_at(command, i);
        if (!row || given[i] || !cli_option_required(command, row) || used >= sizeof missing)
            continue;
        used += (size_t)snprintf(missing + used, sizeof missing - used, "%s--%s",
                                 used > 0 ? ", " : "", row->name);
    }
    if (used > 0)
        return cli_fail(err, BERTC_USAGE, "'bertc %s' needs %s, see 'bertc %s --help'",
                        command->name, missing, command->name);
    if (command->operand_required && words == 0)
        return cli_fail(err, BERTC_USAGE, "'bertc %s' needs %s, see 'bertc %s --help'",
                        command->name, command->operand, command->name);
    return BERTC_OK;
}

static bertc_status take_word(const cli_command *command, char *text, char **words,
                              cli_parsed *parsed, bertc_error *err)
{
    if (!command->operand || parsed->words.count == 1)
        return cli_fail(err, BERTC_USAGE, "unexpected argument '%s', see 'bertc %s --help'", text,
                        command->name);
    words[parsed->words.count++] = text;
    return BERTC_OK;
}

static bertc_status parse(const cli_command *command, int argc, char **argv, void *values,
                          char **words, bool *given, cli_parsed *parsed, bertc_error *err)
{
    bool options = true;
    bertc_status status = BERTC_OK;
    for (int i = 0; i < argc && status == BERTC_OK; i++) {
        bool dashed = argv[i][0] == '-' && argv[i][1] != '\0';
        if (!options || !dashed) {
            status = take_word(command, argv[i], words, parsed, err);
        } else if (strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            parsed->help = true;
            return BERTC_OK;
        } else {
            status = take_option(command, argc, argv, &i, values, given, err);
        }
    }
    if (status == BERTC_OK) status = check_needs(command, given, err);
    if (status != BERTC_OK) return status;
    return check_required(command, given, parsed->words.count, err);
}

bertc_status cli_options_parse(const cli_command *command, int argc, char **argv, void *values,
                               char **words, cli_parsed *parsed, bertc_error *err)
{
    *parsed = (cli_parsed){.words.word = words};
    bool *given = calloc(cli_option_count(command) + 1, sizeof *given);
    if (!given) return cli_fail_memory(err);
    bertc_status status = parse(command, argc, argv, values, words, given, parsed, err);
    free(given);
    return status;
}
