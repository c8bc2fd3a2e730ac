/* Task files: one table of their keys, from which reading, writing and the message about an unknown key derive. */
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "tasks/own/own.h"

typedef struct bertc_own_task own_task;

/* The value of a key. */
typedef enum value_kind {
    TEXT,    /* const char * */
    COLUMN,  /* const char *: a name, or a number */
    FILE_,   /* const char *: a path, relative to the task file */
    NAMES,   /* const char ** and int: labels, which may be whole numbers */
    HEADER,  /* false or names */
    QUOTES,  /* bertc_quotes: true or false */
    KIND,
    METRICS,
    FLAG,    /* bool */
    COLUMNS, /* const char ** and int: names of columns */
    LENGTH,  /* int64_t */
    SHARE    /* double */
} value_kind;

static const struct {
    const char *name;
    value_kind kind;
    size_t offset, count_offset;
} keys[] = {
    {"name", TEXT, offsetof(own_task, name), 0},
    {"title", TEXT, offsetof(own_task, title), 0},
    {"train", FILE_, offsetof(own_task, files[BERTC_TRAIN]), 0},
    {"dev", FILE_, offsetof(own_task, files[BERTC_DEV]), 0},
    {"test", FILE_, offsetof(own_task, files[BERTC_TEST]), 0},
    {"dev_share", SHARE, offsetof(own_task, dev_share), 0},
    {"text_column", COLUMN, offsetof(own_task, columns.text), 0},
    {"pair_column", COLUMN, offsetof(own_task, columns.pair), 0},
    {"label_column", COLUMN, offsetof(own_task, columns.label), 0},
    {"label_separator", TEXT, offsetof(own_task, label_separator), 0},
    {"label_columns", COLUMNS, offsetof(own_task, label_columns), offsetof(own_task, label_columns_count)},
    {"header", HEADER, offsetof(own_task, header), offsetof(own_task, header_count)},
    {"quotes", QUOTES, offsetof(own_task, quotes), 0},
    {"kind", KIND, offsetof(own_task, kind), 0},
    {"labels", NAMES, offsetof(own_task, labels), offsetof(own_task, num_labels)},
    {"label_numbers", FLAG, offsetof(own_task, label_numbers), 0},
    {"metrics", METRICS, offsetof(own_task, metrics), offsetof(own_task, num_metrics)},
    {"max_length", LENGTH, offsetof(own_task, max_length), 0},
};
enum { KEYS = sizeof keys / sizeof *keys };

/* The range of "max_length". */
enum { MIN_LENGTH = 3, MAX_LENGTH = 1000000 };

static const char *key_name(const void *context, size_t index)
{
    (void)context;
    return index < KEYS ? keys[index].name : NULL;
}

/* ---- Reading ------------------------------------------------------------------------------- */

typedef struct reader {
    own_task *own;
    const char *path;
    const char *key;  /* of the value that is read */
    bertc_error *err;
} reader;

static bertc_status fail(const reader *r, const char *expected)
{
    return bc_fail(r->err, BERTC_INPUT, "%s: \"%s\" is not %s", r->path, r->key, expected);
}

/* Keep a string without control characters. */
static bertc_status read_text(const reader *r, const cJSON *value, const char *expected, const char **text)
{
    const char *string = cJSON_GetStringValue(value);
    if (!string || !*string) return fail(r, expected);
    for (const char *c = string; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) return fail(r, "a text without control characters");
    *text = bc_own_keep(r->own, string, strlen(string));
    return *text ? BERTC_OK : bc_fail_memory(r->err);
}

/* Keep a string, or a whole number as it is spelled. */
static bertc_status read_name(const reader *r, const cJSON *value, const char *expected, const char **text)
{
    char number[32];
    double x = cJSON_IsNumber(value) ? value->valuedouble : NAN;
    if (!cJSON_IsNumber(value)) return read_text(r, value, expected, text);
    if (x != floor(x) || fabs(x) > 1e15) return fail(r, expected);
    snprintf(number, sizeof number, "%.0f", x == 0 ? 0 : x);
    *text = bc_own_keep(r->own, number, strlen(number));
    return *text ? BERTC_OK : bc_fail_memory(r->err);
}

static bertc_status read_file(const reader *r, const cJSON *value, const char **file)
{
    const char *slash = strrchr(r->path, '/'), *name;
    bertc_status status = read_text(r, value, "the path of a table", &name);
    if (status != BERTC_OK) return status;
    bc_text path = {0};
    if (slash && name[0] != '/') bc_text_put(&path, r->path, (size_t)(slash + 1 - r->path));
    bc_text_printf(&path, "%s", name);
    *file = path.failed ? NULL : bc_own_keep(r->own, path.bytes, path.length);
    bc_text_clear(&path);
    return *file ? BERTC_OK : bc_fail_memory(r->err);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Find a name that a list has twice; null if all names differ. */
static bertc_status find_double(const char *const *names, int count, const char **found, bertc_error *err)
{
    const char **sorted = bc_alloc((size_t)count, sizeof *sorted);
    if (!sorted) return bc_fail_memory(err);
    memcpy(sorted, names, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, by_bytes);
    *found = NULL;
    for (int i = 1; i < count && !*found; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0) *found = sorted[i];
    bc_free(sorted);
    return BERTC_OK;
}

static bertc_status read_names(const reader *r, const cJSON *value, const char ***names, int *count)
{
    static const char expected[] = "a list of at least two different names";
    const cJSON *item;
    const char *twice = NULL;
    int length = cJSON_IsArray(value) ? cJSON_GetArraySize(value) : 0;
    if (length < 2) return fail(r, expected);
    *names = bc_calloc((size_t)length, sizeof **names);
    if (!*names) return bc_fail_memory(r->err);
    bertc_status status = BERTC_OK;
    cJSON_ArrayForEach(item, value)
        if (status == BERTC_OK) status = read_name(r, item, expected, &(*names)[(*count)++]);
    if (status == BERTC_OK) status = find_double(*names, length, &twice, r->err);
    if (status != BERTC_OK || !twice) return status;
    return bc_fail(r->err, BERTC_INPUT, "%s: \"%s\" has \"%s\" twice", r->path, r->key, twice);
}

static bertc_status read_kind(const reader *r, const cJSON *value, int *kind)
{
    bc_text names = {0};
    const char *string = cJSON_GetStringValue(value);
    for (int i = 0; i < BERTC_KINDS; i++) {
        const char *name = bertc_kind_name((bertc_kind)i);
        if (string && strcmp(string, name) == 0) *kind = BERTC_KIND_GIVEN + i;
        bc_text_printf(&names, "%s%s", i ? " or " : "", name);
    }
    bertc_status status = names.failed || !names.bytes ? bc_fail_memory(r->err)
                          : *kind == BERTC_KIND_FOUND  ? fail(r, names.bytes)
                                                       : BERTC_OK;
    bc_text_clear(&names);
    return status;
}

static const char *metric_name(const void *context, size_t index)
{
    (void)context;
    return index < BERTC_METRICS ? bertc_metric_name((bertc_metric)index) : NULL;
}

static bertc_status read_metrics(const reader *r, const cJSON *value, bertc_metric *metrics, int *count)
{
    const cJSON *item;
    if (!cJSON_IsArray(value) || cJSON_GetArraySize(value) == 0) return fail(r, "a list of metrics");
    cJSON_ArrayForEach(item, value)
    {
        const char *name = cJSON_GetStringValue(item);
        if (!name) return fail(r, "a list of metrics");
        size_t m = 0;
        while (m < BERTC_METRICS && strcmp(metric_name(NULL, m), name) != 0) m++;
        const char *nearest = m < BERTC_METRICS ? NULL : bertc_nearest(name, metric_name, NULL);
        if (m == BERTC_METRICS)
            return bc_fail(r->err, BERTC_INPUT, "%s: there is no metric \"%s\"%s%s%s", r->path, name,
                           nearest ? ", did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
        for (int i = 0; i < *count; i++)
            if (metrics[i] == (bertc_metric)m)
                return bc_fail(r->err, BERTC_INPUT, "%s: \"%s\" has \"%s\" twice", r->path, r->key, name);
        metrics[(*count)++] = (bertc_metric)m;
    }
    return BERTC_OK;
}

static bertc_status read_value(const reader *r, const cJSON *value, size_t key)
{
    void *to = (char *)r->own + keys[key].offset, *count = (char *)r->own + keys[key].count_offset;
    switch (keys[key].kind) {
    case TEXT: return read_text(r, value, "a text", to);
    case COLUMN: return read_name(r, value, "a column", to);
    case FILE_: return read_file(r, value, to);
    case NAMES:
    case COLUMNS: return read_names(r, value, to, count);
    case FLAG:
        *(bool *)to = cJSON_IsTrue(value);
        return cJSON_IsBool(value) ? BERTC_OK : fail(r, "true or false");
    case HEADER:
        r->own->no_header = !cJSON_IsTrue(value);
        return cJSON_IsBool(value) ? BERTC_OK : read_names(r, value, to, count);
    case QUOTES:
        *(int *)to = cJSON_IsTrue(value) ? BERTC_QUOTES_ON : BERTC_QUOTES_OFF;
        return cJSON_IsBool(value) ? BERTC_OK : fail(r, "true or false");
    case KIND: return read_kind(r, value, to);
    case METRICS: return read_metrics(r, value, to, count);
    case LENGTH:
        if (!cJSON_IsNumber(value) || !(value->valuedouble >= MIN_LENGTH && value->valuedouble <= MAX_LENGTH) ||
            value->valuedouble != floor(value->valuedouble))
            return fail(r, "a whole number from 3 to 1000000");
        *(int64_t *)to = (int64_t)value->valuedouble;
        return BERTC_OK;
    case SHARE:
        if (!cJSON_IsNumber(value) || !(value->valuedouble >= 0 && value->valuedouble <= 0.9))
            return fail(r, "a number from 0 to 0.9");
        *(double *)to = value->valuedouble;
        return BERTC_OK;
    }
    return BERTC_OK;
}

static bertc_status read_member(reader *r, const cJSON *member)
{
    size_t key = 0;
    r->key = member->string;
    while (key < KEYS && strcmp(keys[key].name, r->key) != 0) key++;
    if (key < KEYS) return read_value(r, member, key);
    const char *nearest = bertc_nearest(r->key, key_name, NULL);
    return bc_fail(r->err, BERTC_INPUT, "%s: unknown key \"%s\"%s%s%s", r->path, r->key,
                   nearest ? ", did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

bertc_status bc_own_read_file(struct bertc_own_task *own, const char *path, bertc_error *err)
{
    cJSON *tree = NULL;
    const cJSON *member;
    reader r = {.own = own, .path = path, .err = err};
    bertc_status status = bc_json_read(path, BC_FILE_SETTINGS, &tree, err);
    if (status == BERTC_OK && !cJSON_IsObject(tree))
        status = bc_fail(err, BERTC_INPUT, "%s: not a task file, which is a JSON object", path);
    if (status == BERTC_OK)
        cJSON_ArrayForEach(member, tree)
            if (status == BERTC_OK) status = read_member(&r, member);
    cJSON_Delete(tree);
    return status;
}

/* ---- Writing ------------------------------------------------------------------------------- */

/* Append a path as an absolute path. */
static void put_path(bc_text *out, const char *path)
{
    char *whole = realpath(path, NULL);
    bc_text_quote(out, whole ? whole : path);
    free(whole);
}

static void put_names(bc_text *out, const char *const *names, int count)
{
    for (int i = 0; i < count; i++) {
        bc_text_printf(out, i ? "," : "[");
        bc_text_quote(out, names[i]);
    }
    bc_text_printf(out, "]");
}

static void put_metrics(bc_text *out, const bertc_task *row)
{
    const char *names[BERTC_MAX_TASK_METRICS];
    for (int i = 0; i < row->num_metrics; i++) names[i] = bertc_metric_name(row->metrics[i]);
    put_names(out, names, row->num_metrics);
}

/* Whether a task has a value for a key. */
static bool is_stated(const own_task *own, size_t key)
{
    const void *at = (const char *)own + keys[key].offset;
    switch (keys[key].kind) {
    case HEADER: return own->no_header;
    case QUOTES: return *(const int *)at != BERTC_QUOTES_BY_NAME;
    case NAMES: return own->row.num_labels > 0 && own->row.labels;
    case KIND: return true;
    case FLAG: return *(const bool *)at;
    case METRICS: return own->row.num_metrics > 0;
    case LENGTH: return *(const int64_t *)at > 0;
    case SHARE: return *(const double *)at >= 0;
    default: return *(const char *const *)at != NULL;
    }
}

static void put_value(bc_text *out, const own_task *own, size_t key)
{
    const void *at = (const char *)own + keys[key].offset;
    switch (keys[key].kind) {
    case TEXT:
    case COLUMN: bc_text_quote(out, *(const char *const *)at); break;
    case FILE_: put_path(out, *(const char *const *)at); break;
    case NAMES: put_names(out, own->row.labels, own->row.num_labels); break;
    case COLUMNS: put_names(out, own->label_columns, own->label_columns_count); break;
    case FLAG: bc_text_printf(out, "true"); break;
    case HEADER:
        if (own->header_count > 0) put_names(out, own->header, own->header_count);
        else bc_text_printf(out, "false");
        break;
    case QUOTES: bc_text_printf(out, *(const int *)at == BERTC_QUOTES_ON ? "true" : "false"); break;
    case KIND: bc_text_printf(out, "\"%s\"", bertc_kind_name(own->row.kind)); break;
    case METRICS: put_metrics(out, &own->row); break;
    case LENGTH: bc_text_printf(out, "%lld", (long long)*(const int64_t *)at); break;
    case SHARE: bc_json_put_double(out, *(const double *)at); break;
    }
}

bertc_status bertc_task_json(const bertc_task *task, int64_t max_length, bool files, char **json, bertc_error *err)
{
    bc_text out = {0};
    if (!json) return bc_fail_null(err, __func__, "json");
    *json = NULL;
    if (!task || !task->own) return bc_fail(err, BERTC_USAGE, "%s: the task is not an own task", __func__);
    own_task own = *task->own;
    if (max_length > 0) own.max_length = max_length;
    const char *separator = "{";
    for (size_t key = 0; key < KEYS; key++) {
        if (!is_stated(&own, key) || (!files && (keys[key].kind == FILE_ || strcmp(keys[key].name, "title") == 0)))
            continue;
        bc_text_printf(&out, "%s\"%s\":", separator, keys[key].name);
        put_value(&out, &own, key);
        separator = ",\n ";
    }
    bc_text_printf(&out, "}\n");
    if (out.failed) {
        bc_text_clear(&out);
        return bc_fail_memory(err);
    }
    *json = out.bytes;
    return BERTC_OK;
}
