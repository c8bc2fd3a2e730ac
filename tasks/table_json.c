/* JSON lines: one object a line, after the strict check of base/json.h. */
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "tasks/table.h"

typedef struct json {
    cJSON *tree; /* the object of the row, which owns the cells that are strings */
} json;

static void end(bc_table *t)
{
    json *j = t->state;
    cJSON_Delete(j->tree);
}

static bool is_blank(bc_slice line)
{
    for (size_t i = 0; i < line.n; i++)
        if (line.at[i] != ' ' && line.at[i] != '\t' && line.at[i] != '\r') return false;
    return true;
}

static bertc_status fail_value(const bc_table *t, const cJSON *tree)
{
    bool list = cJSON_IsArray(tree);
    return bc_fail(t->err, BERTC_INPUT, "%s:%zu:1: %s, expected JSON lines: one object a line%s", t->path,
                   t->lines.line, list ? "an array" : "not an object",
                   list && t->lines.line == 1 ? " (pandas: to_json(..., orient=\"records\", lines=True))" : "");
}

/* Make the header of the keys of the first object. */
static bertc_status read_keys(bc_table *t, const cJSON *tree)
{
    size_t count = 0;
    for (const cJSON *item = tree->child; item; item = item->next) count++;
    if (count == 0 || count > BC_MOST_COLUMNS)
        return bc_fail(t->err, BERTC_INPUT, "%s:%zu: an object of %zu keys, expected 1 to %d", t->path, t->lines.line,
                       count, BC_MOST_COLUMNS);
    bc_slice *names = bc_alloc(count, sizeof *names);
    if (!names) return bc_fail_memory(t->err);
    size_t i = 0;
    for (const cJSON *item = tree->child; item; item = item->next)
        names[i++] = (bc_slice){item->string, strlen(item->string)};
    bertc_status status = bc_header_read(&t->header, names, count, t->path, t->lines.line, t->err);
    bc_free(names);
    t->width = t->header.count;
    return status;
}

/* Return the column of a key. Keys mostly have the order of the first object, so `expected` is tried first. */
static size_t column_of(const bc_table *t, bc_slice key, size_t expected)
{
    if (expected < t->header.count) {
        bc_slice name = t->header.names[expected];
        if (name.n == key.n && memcmp(name.at, key.at, key.n) == 0) return expected;
    }
    return bc_header_find_slice(&t->header, key);
}

/* Refuse a key that the first object lacks, if its column was asked for. */
static bertc_status check_unknown(const bc_table *t, bc_slice key)
{
    for (size_t i = 0; i < t->absent_count; i++)
        if (bc_is_name(key, t->absent[i]))
            return bc_fail(t->err, BERTC_INPUT, "%s:%zu: the key \"%s\", which the first object lacks", t->path,
                           t->lines.line, t->absent[i]);
    return BERTC_OK;
}

/* Set the cells of the row to the members of the object that `line` is. */
static bertc_status put_members(bc_table *t, bc_slice line, const cJSON *tree)
{
    const char *value;
    size_t at = 0, size, expected = 0;
    for (size_t i = 0; i < t->width; i++)
        if (!bc_table_put(t, (bc_slice){NULL, 0})) return bc_fail_memory(t->err);
    for (const cJSON *item = tree->child; item && bc_json_span(line.at, line.n, &at, &value, &size);
         item = item->next) {
        bc_slice key = {item->string, strlen(item->string)};
        size_t column = column_of(t, key, expected);
        if (column == BC_NO_COLUMN) {
            bertc_status status = check_unknown(t, key);
            if (status != BERTC_OK) return status;
            continue;
        }
        expected = column + 1;
        if (cJSON_IsNull(item)) continue;
        if (t->cells[column].at)
            return bc_fail(t->err, BERTC_INPUT, "%s:%zu: two keys are named \"%.*s\"", t->path, t->lines.line,
                           bc_slice_shown(key), key.at);
        if (cJSON_IsString(item)) t->cells[column] = (bc_slice){item->valuestring, strlen(item->valuestring)};
        else t->cells[column] = (bc_slice){value, size};
    }
    return BERTC_OK;
}

static bertc_status next(bc_table *t, bool *taken)
{
    json *j = t->state;
    bc_slice line;
    cJSON_Delete(j->tree);
    j->tree = NULL;
    do
        if (!bc_lines_take(&t->lines, &line)) return t->lines.status;
    while (is_blank(line));
    bertc_status status = bc_json_parse_line(line.at, line.n, t->path, t->lines.line, &j->tree, t->err);
    if (status != BERTC_OK) return status;
    if (!cJSON_IsObject(j->tree)) return fail_value(t, j->tree);
    if (t->header.count == 0) status = read_keys(t, j->tree);
    if (status != BERTC_OK) return status;
    bc_table_begin_row(t, t->lines.line);
    *taken = true;
    return put_members(t, line, j->tree);
}

const bc_table_reader bc_table_json = {sizeof(json), NULL, next, end};
