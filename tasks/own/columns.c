/* Columns by their usual names. A name that says what it holds ("text", "label") takes precedence over a name that may
 * mean something else ("title", "score"), of which exactly one must be there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "tasks/own/own.h"

#define NAMES(...) (const char *const[]){__VA_ARGS__, NULL}

typedef struct usual {
    const char *key;                     /* the key of the task file that states the column */
    const char *what;
    const char *const *clear, *const *vague;
} usual;

static const usual texts = {
    "text_column", "texts", NAMES("text", "sentence"),
    NAMES("review", "review_text", "content", "tweet", "comment", "comment_text", "message", "question", "query",
          "utterance", "title", "headline", "body", "document", "description", "post", "input")};
static const usual labels = {
    "label_column", "labels", NAMES("label", "labels"),
    NAMES("class", "category", "target", "intent", "sentiment", "emotion", "topic", "score", "rating", "stars",
          "gold_label")};

static const char *const pairs[][2] = {
    {"sentence1", "sentence2"}, {"text1", "text2"},     {"question1", "question2"}, {"premise", "hypothesis"},
    {"question", "sentence"},   {"text_a", "text_b"},   {"sentence_a", "sentence_b"},
    {"query", "passage"},       {"query", "document"},  {"question", "context"}};

/* The search for the columns of a table. */
typedef struct search {
    const char *path;
    const bc_header *header;
    bc_own_columns *columns;
    const char *const *label_columns; /* (label_columns_count) */
    int label_columns_count;
    bertc_error *err;
} search;

static bool has(const search *s, const char *name)
{
    return bc_header_find(s->header, name) != BC_NO_COLUMN;
}

/* Whether a column is stated for another purpose. */
static bool is_used(const search *s, const char *name)
{
    const bc_slice slice = {name, strlen(name)};
    return bc_is_name(slice, s->columns->text) || bc_is_name(slice, s->columns->pair) ||
           bc_is_name(slice, s->columns->label);
}

static bertc_status fail_with_columns(const search *s, const char *reason, const char *key)
{
    char *list = bc_header_list(s->header);
    bertc_status status = list ? bc_fail(s->err, BERTC_INPUT, "%s:1: %s; %s can be one of its columns %s", s->path,
                                         reason, key, list)
                               : bc_fail_memory(s->err);
    bc_free(list);
    return status;
}

/* Find the columns of a kind that are in the table, at most two of them. */
static int find_names(const search *s, const char *const *names, const char *found[2])
{
    int count = 0;
    for (; *names && count < 2; names++)
        if (has(s, *names) && !is_used(s, *names)) found[count++] = *names;
    return count;
}

static bertc_status find_one(const search *s, const usual *of, bool required, const char **column)
{
    char reason[160];
    const char *found[2];
    int count = find_names(s, of->clear, found);
    if (count == 0) count = find_names(s, of->vague, found);
    if (count == 1) *column = found[0];
    if (count == 1 || (count == 0 && !required)) return BERTC_OK;
    if (count == 0)
        snprintf(reason, sizeof reason, "no column has a usual name of %s, such as \"%s\" (is there a header?)",
                 of->what, of->clear[0]);
    else snprintf(reason, sizeof reason, "both \"%s\" and \"%s\" may be the %s", found[0], found[1], of->what);
    return fail_with_columns(s, reason, of->key);
}

/* Find a pair of text columns. Two pairs, or a pair and another column of texts, are not clear. */
static bertc_status find_pair(const search *s)
{
    char reason[160];
    const char *single[2], *const *pair = NULL;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (!has(s, pairs[i][0]) || !has(s, pairs[i][1]) || is_used(s, pairs[i][0]) || is_used(s, pairs[i][1]))
            continue;
        if (pair) {
            snprintf(reason, sizeof reason, "both \"%s\", \"%s\" and \"%s\", \"%s\" may be the texts", pair[0], pair[1],
                     pairs[i][0], pairs[i][1]);
            return fail_with_columns(s, reason, texts.key);
        }
        pair = pairs[i];
    }
    if (!pair) return BERTC_OK;
    int count = find_names(s, texts.clear, single);
    for (int i = 0; i < count; i++)
        if (strcmp(single[i], pair[0]) != 0 && strcmp(single[i], pair[1]) != 0) {
            snprintf(reason, sizeof reason, "both \"%s\" and \"%s\", \"%s\" may be the texts", single[i], pair[0],
                     pair[1]);
            return fail_with_columns(s, reason, texts.key);
        }
    s->columns->text = pair[0];
    s->columns->pair = pair[1];
    return BERTC_OK;
}

static bertc_status check_stated(const search *s, const char *key, const char *name)
{
    bc_text reason = {0};
    if (!name || has(s, name)) return BERTC_OK;
    bc_text_printf(&reason, "no column \"%s\"", name);
    bertc_status status = reason.failed ? bc_fail_memory(s->err) : fail_with_columns(s, reason.bytes, key);
    bc_text_clear(&reason);
    return status;
}

static bertc_status find_in_header(const search *s, bool labelled)
{
    bc_own_columns *c = s->columns;
    bertc_status status = check_stated(s, texts.key, c->text);
    if (status == BERTC_OK) status = check_stated(s, "pair_column", c->pair);
    if (status == BERTC_OK && labelled) status = check_stated(s, labels.key, c->label);
    for (int i = 0; i < s->label_columns_count && labelled && status == BERTC_OK; i++)
        status = check_stated(s, "label_columns", s->label_columns[i]);
    if (status == BERTC_OK && !c->text && !c->pair) status = find_pair(s);
    if (status == BERTC_OK && !c->text) status = find_one(s, &texts, true, &c->text);
    if (status == BERTC_OK && !c->label && s->label_columns_count == 0)
        status = find_one(s, &labels, labelled, &c->label);
    return status;
}

/* ---- Files without a header ---------------------------------------------------------------- */

/* Return the number of a column from 0; -1 if `name` is neither a number from 1 nor a name of the stated header. */
static int number_of(const struct bertc_own_task *own, const char *name)
{
    enum { DIGITS = 5 };
    for (int i = 0; i < own->header_count; i++)
        if (bc_is_name((bc_slice){name, strlen(name)}, own->header[i])) return i;
    size_t digits = strspn(name, "0123456789");
    if (own->header_count > 0 || digits == 0 || digits > DIGITS || name[digits]) return -1;
    return (int)strtol(name, NULL, 10) - 1;
}

static bertc_status check_numbers(const struct bertc_own_task *own, const char *path, bool labelled, bertc_error *err)
{
    const struct {
        const char *key, *name;
        bool required;
    } columns[] = {{"text_column", own->columns.text, true},
                   {"pair_column", own->columns.pair, false},
                   {"label_column", own->columns.label, labelled && !own->label_columns}};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        const char *name = columns[i].name;
        if (!name && !columns[i].required) continue;
        if (name && number_of(own, name) >= 0) continue;
        if (!name)
            return bc_fail(err, BERTC_INPUT, "%s: the files have no header, so %s must state %s", path, columns[i].key,
                           own->header_count > 0 ? "one of the names in \"header\"" : "the number of a column, from 1");
        return bc_fail(err, BERTC_INPUT, "%s: %s \"%s\" is not %s", path, columns[i].key, name,
                       own->header_count > 0 ? "in \"header\""
                                             : "the number of a column, from 1; the files have no header");
    }
    return BERTC_OK;
}

/* Find the columns that are not stated in the stated header, which then belongs to no file. */
static bertc_status find_in_stated(struct bertc_own_task *own, bool labelled, bertc_error *err)
{
    bc_header header = {0};
    size_t count = (size_t)own->header_count;
    bc_slice *names = bc_alloc(count, sizeof *names);
    if (!names) return bc_fail_memory(err);
    for (size_t i = 0; i < count; i++) names[i] = (bc_slice){own->header[i], strlen(own->header[i])};
    bertc_status status = bc_header_read(&header, names, count, own->place, 1, err);
    if (status == BERTC_OK)
        status = find_in_header(
            &(search){own->place, &header, &own->columns, own->label_columns, own->label_columns_count, err}, labelled);
    bc_header_clear(&header);
    bc_free(names);
    return status;
}

/* ---- Tables -------------------------------------------------------------------------------- */

bertc_columns bc_own_columns_of(const struct bertc_own_task *own, const char *file)
{
    const bc_own_columns *c = &own->columns;
    bertc_columns columns = {.file = file, .header = !own->no_header, .a = -1, .b = -1, .label = -1,
                             .quotes = own->quotes == BERTC_QUOTES_ON, .width = own->header_count,
                             .class_label = own->label_numbers, .label_columns = own->label_columns,
                             .label_separator = own->label_separator ? own->label_separator[0] : '\0'};
    if (!own->no_header || own->header_count > 0) {
        columns.a_name = c->text;
        columns.b_name = c->pair;
        columns.label_name = c->label ? c->label : labels.clear[0];
    }
    if (own->no_header) {
        columns.a = c->text ? number_of(own, c->text) : -1;
        columns.b = c->pair ? number_of(own, c->pair) : -1;
        columns.label = c->label ? number_of(own, c->label) : -1;
    }
    if (own->label_columns) {
        columns.label_name = NULL;
        columns.label = -1;
    }
    return columns;
}

static bertc_status check_uses(const struct bertc_own_task *own, bertc_error *err)
{
    const bc_own_columns *c = &own->columns;
    const char *const uses[] = {c->text, c->pair, c->label};
    for (int i = 0; i < 3; i++)
        for (int k = i + 1; k < 3; k++)
            if (uses[i] && uses[k] && bc_is_name((bc_slice){uses[i], strlen(uses[i])}, uses[k]))
                return bc_fail(err, BERTC_USAGE, "%s: column \"%s\" has two uses", own->place, uses[i]);
    return BERTC_OK;
}

bertc_status bc_own_find_columns(struct bertc_own_task *own, const char *path, bool labelled, bertc_error *err)
{
    bc_table *table = NULL;
    bertc_status status = BERTC_OK;
    if (own->no_header && own->header_count > 0) status = find_in_stated(own, labelled, err);
    else if (own->no_header) status = check_numbers(own, path, labelled, err);
    else {
        const bertc_columns columns = {.header = true, .quotes = own->quotes == BERTC_QUOTES_ON};
        status = bc_table_open(path, bc_columns_form(path, &columns), &table, err);
        if (status == BERTC_OK)
            status = find_in_header(&(search){path, bc_table_header(table), &own->columns, own->label_columns,
                                              own->label_columns_count, err}, labelled);
        bc_table_close(table);
    }
    return status == BERTC_OK ? check_uses(own, err) : status;
}
