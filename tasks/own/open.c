/* Open a task by its name: a row of the table, or a user's own task, whose row is made here. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"
#include "tasks/own/own.h"

typedef struct bertc_own_task own_task;

void bertc_task_close(const bertc_task *task)
{
    if (task) bc_own_free(task->own);
}

/* ---- The description ----------------------------------------------------------------------- */

/* Split a list of columns at its commas. */
static bertc_status take_label_columns(own_task *own, const char *list, bertc_error *err)
{
    size_t count = 1;
    for (const char *c = list; *c; c++) count += *c == ',';
    own->label_columns = bc_calloc(count, sizeof *own->label_columns);
    if (!own->label_columns) return bc_fail_memory(err);
    for (const char *at = list; at; own->label_columns_count++) {
        size_t length = strcspn(at, ",");
        if (length == 0) return bc_fail(err, BERTC_USAGE, "label columns: an empty name in \"%.80s\"", list);
        const char *name = bc_own_keep(own, at, length);
        if (!name) return bc_fail_memory(err);
        own->label_columns[own->label_columns_count] = name;
        at = at[length] ? at + length + 1 : NULL;
    }
    return BERTC_OK;
}

static bertc_status take_options(own_task *own, const bertc_own_options *o, bertc_error *err)
{
    const struct {
        const char *from, **to;
    } texts[] = {{BERTC_CUSTOM_TASK, &own->name},          {o->train, &own->files[BERTC_TRAIN]},
                 {o->dev, &own->files[BERTC_DEV]},         {o->test, &own->files[BERTC_TEST]},
                 {o->text_column, &own->columns.text},     {o->pair_column, &own->columns.pair},
                 {o->label_column, &own->columns.label},   {o->label_separator, &own->label_separator}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].from && !(*texts[i].to = bc_own_keep(own, texts[i].from, strlen(texts[i].from))))
            return bc_fail_memory(err);
    own->dev_share = o->dev_share;
    own->kind = o->kind;
    own->quotes = o->quotes;
    own->no_header = o->header == BERTC_HEADER_OFF;
    return o->label_columns ? take_label_columns(own, o->label_columns, err) : BERTC_OK;
}

/* Set the name of a task file without "name": that of the file. */
static bertc_status take_name(own_task *own, const char *path, bertc_error *err)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    if (!own->name) own->name = bc_own_keep(own, base, strlen(base) - strlen(".json"));
    return own->name ? BERTC_OK : bc_fail_memory(err);
}

/* Check the name: it is also the name of a folder in a run of several tasks, and a name in --eval-splits. */
static bertc_status check_name(const own_task *own, bertc_error *err)
{
    static const char *const taken[] = {"train", "dev", "test", "checkpoint", "own", "all"};
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t length = strlen(own->name);
    bool good = length > 0 && length <= 64 && strspn(own->name, letters) == length && own->name[0] != '-';
    if (!good)
        return bc_fail(err, BERTC_INPUT, "%s: the name \"%s\" is not 1 to 64 letters, digits, - and _; state another "
                       "\"name\"", own->place, own->name);
    bool used = bertc_task_find(own->name) != NULL;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) used = used || strcmp(own->name, taken[i]) == 0;
    if (!used) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s: the name \"%s\" has another meaning; state another \"name\"", own->place,
                   own->name);
}

static int by_letters(const void *a, const void *b)
{
    return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* Check that no two label columns are the same column, whose name matches in any case. */
static bertc_status check_label_columns(const own_task *own, bertc_error *err)
{
    size_t count = (size_t)own->label_columns_count;
    const char **sorted = bc_alloc(count, sizeof *sorted), *twice = NULL;
    if (!sorted) return bc_fail_memory(err);
    for (size_t i = 0; i < count; i++) sorted[i] = own->label_columns[i];
    qsort(sorted, count, sizeof *sorted, by_letters);
    for (size_t i = 1; i < count && !twice; i++)
        if (by_letters(&sorted[i - 1], &sorted[i]) == 0) twice = sorted[i];
    bc_free(sorted);
    if (!twice) return BERTC_OK;
    return bc_fail(err, BERTC_USAGE, "%s: label_columns has \"%s\" twice", own->place, twice);
}

static bertc_status check_sets(const own_task *own, bertc_error *err)
{
    const char *stated = own->label_separator ? "label_separator" : own->label_columns ? "label_columns" : NULL;
    bool sets = own->kind == BERTC_KIND_GIVEN + (int)BERTC_MULTILABEL;
    if (own->label_separator && strlen(own->label_separator) != 1)
        return bc_fail(err, BERTC_USAGE, "%s: label_separator \"%.20s\" is not one character", own->place,
                       own->label_separator);
    if (stated && !sets && own->kind != BERTC_KIND_FOUND)
        return bc_fail(err, BERTC_USAGE, "%s: %s has an effect only for kind multilabel", own->place, stated);
    if (own->label_columns && (own->label_separator || own->columns.label))
        return bc_fail(err, BERTC_USAGE, "%s: label_columns cannot be combined with label_separator or label_column",
                       own->place);
    if (own->label_columns && own->num_labels > 0 && own->num_labels != own->label_columns_count)
        return bc_fail(err, BERTC_USAGE, "%s: %d labels, but %d label_columns", own->place, own->num_labels,
                       own->label_columns_count);
    if (own->label_numbers && (own->num_labels == 0 || own->label_columns))
        return bc_fail(err, BERTC_USAGE, "%s: label_numbers has no effect without a list of labels and a label column",
                       own->place);
    return own->label_columns ? check_label_columns(own, err) : BERTC_OK;
}

/* Check that no part of the description is without effect. */
static bertc_status check_description(const own_task *own, bertc_error *err)
{
    bool regression = own->kind == BERTC_KIND_GIVEN + (int)BERTC_REGRESSION, tsv = false, any = false;
    if (own->files[BERTC_DEV] && own->dev_share > 0)
        return bc_fail(err, BERTC_USAGE, "%s: dev_share has no effect with a dev file", own->place);
    if (regression && own->num_labels > 0)
        return bc_fail(err, BERTC_USAGE, "%s: a regression has no labels", own->place);
    for (int split = 0; split < BERTC_SPLITS; split++) {
        if (!own->files[split]) continue;
        bertc_status status = bc_own_check_file(own, own->files[split], err);
        if (status != BERTC_OK) return status;
        tsv = tsv || bc_table_format_of(own->files[split]) == BC_TABLE_TSV;
        any = true;
    }
    if (own->quotes != BERTC_QUOTES_BY_NAME && any && !tsv)
        return bc_fail(err, BERTC_USAGE, "%s: quotes has no effect without a .tsv file", own->place);
    return check_sets(own, err);
}

/* ---- Tables -------------------------------------------------------------------------------- */

/* Find the columns in the first file. */
static bertc_status find_columns(own_task *own, bool train, bertc_error *err)
{
    int split = 0;
    while (split < BERTC_SPLITS && !own->files[split]) split++;
    bool known = own->columns.text && (own->columns.label || own->label_columns);
    if (split == BERTC_SPLITS || (known && !train && !own->no_header)) return BERTC_OK;
    return bc_own_find_columns(own, own->files[split], split == BERTC_TRAIN, err);
}

/* Take the labels of a scan as the task's. */
static bertc_status take_labels(own_task *own, const bc_scan *scan, bertc_error *err)
{
    const char *path = own->files[BERTC_TRAIN];
    if (scan->num_labels == 0) return bc_fail(err, BERTC_INPUT, "%s: no row has a label", path);
    if (scan->num_labels < 2 && own->kind == BERTC_KIND_GIVEN + (int)BERTC_CLASSIFICATION)
        return bc_fail(err, BERTC_INPUT, "%s: every label is \"%s\", a classification needs at least two", path,
                       scan->labels[0]);
    own->labels = bc_calloc(scan->num_labels, sizeof *own->labels);
    if (!own->labels) return bc_fail_memory(err);
    for (size_t i = 0; i < scan->num_labels; i++) {
        own->labels[i] = bc_own_keep(own, scan->labels[i], strlen(scan->labels[i]));
        if (!own->labels[i]) return bc_fail_memory(err);
        own->num_labels++;
    }
    return BERTC_OK;
}

/* ---- The row ------------------------------------------------------------------------------- */

static bertc_status set_metrics(own_task *own, bertc_error *err)
{
    static const bertc_metric usual[BERTC_KINDS][3] = {
        [BERTC_CLASSIFICATION] = {BERTC_ACCURACY, BERTC_F1_MACRO, BERTC_METRICS},
        [BERTC_MULTILABEL] = {BERTC_F1_MICRO, BERTC_F1_MACRO, BERTC_METRICS},
        [BERTC_REGRESSION] = {BERTC_PEARSON, BERTC_SPEARMAN, BERTC_MSE}};
    bertc_task *row = &own->row;
    for (int i = 0; own->num_metrics == 0 && i < 3 && usual[row->kind][i] < BERTC_METRICS; i++)
        row->metrics[row->num_metrics++] = usual[row->kind][i];
    for (int i = 0; i < own->num_metrics; i++) {
        bertc_metric metric = own->metrics[i];
        if (!bertc_metric_fits(metric, row))
            return bc_fail(err, BERTC_INPUT, "%s: the metric %s does not fit a %s", own->place,
                           bertc_metric_name(metric), bertc_kind_name(row->kind));
        row->metrics[row->num_metrics++] = metric;
    }
    return BERTC_OK;
}

static bertc_status make_row(own_task *own, bertc_error *err)
{
    bertc_task *row = &own->row;
    *row = (bertc_task){.name = own->name, .title = own->title ? own->title : own->name, .own = own,
                        .pair = own->columns.pair != NULL, .kind = (bertc_kind)(own->kind - BERTC_KIND_GIVEN)};
    if (row->kind == BERTC_REGRESSION) {
        row->num_labels = 1;
        row->low = -(double)INFINITY;
        row->high = (double)INFINITY;
    } else {
        row->num_labels = own->num_labels;
        row->labels = row->file_labels = own->labels;
    }
    for (int split = 0; split < BERTC_SPLITS; split++)
        if (own->files[split]) row->splits[split] = bc_own_columns_of(own, own->files[split]);
    if (bc_own_shares(own)) row->splits[BERTC_DEV] = row->splits[BERTC_TRAIN];
    return set_metrics(own, err);
}

enum { MANY_NUMBERS = 20 }; /* with more classes that are numbers, a regression may be meant */

/* Report in one line each what was found in the tables. */
static void report(const own_task *own, const bc_scan *scan, size_t chosen, const bertc_notify *notify)
{
    const bertc_task *row = &own->row;
    const char *path = own->files[BERTC_TRAIN], *pair = own->columns.pair;
    char classes[32] = "";
    if (row->kind == BERTC_CLASSIFICATION) snprintf(classes, sizeof classes, " of %d classes", row->num_labels);
    if (row->kind == BERTC_MULTILABEL) snprintf(classes, sizeof classes, " with %d labels", row->num_labels);
    bc_notify(notify, "%s: %s%s; texts in column%s \"%s\"%s%s%s, labels in %s%s%s", path, bertc_kind_name(row->kind),
              classes, pair ? "s" : "", own->columns.text, pair ? " and \"" : "", pair ? pair : "", pair ? "\"" : "",
              own->label_columns ? "" : "\"", own->label_columns ? "a column each" : own->columns.label,
              own->label_columns ? "" : "\"");
    int numbers = 0;
    for (int i = 0; i < row->num_labels && row->kind == BERTC_CLASSIFICATION; i++) {
        double value;
        numbers += bc_parse_number(row->labels[i], strlen(row->labels[i]), &value);
    }
    if (numbers > MANY_NUMBERS)
        bc_notify(notify, "%s: %d of the %d classes are numbers; if they are values, the kind is regression", path, numbers,
                  row->num_labels);
    if (chosen > 0)
        bc_notify(notify, "%s: %zu of %zu rows, chosen by their texts, are the dev split", path, chosen,
                  scan->num_rows);
}

/* Scan the train file for the kind, the labels and the dev share, as far as they are not stated. */
static bertc_status scan_train(own_task *own, bc_scan *scan, bertc_error *err)
{
    const char *path = own->files[BERTC_TRAIN];
    const bertc_columns columns = bc_own_columns_of(own, path);
    bool pair = own->columns.pair != NULL, sets = own->kind == BERTC_KIND_GIVEN + (int)BERTC_MULTILABEL;
    bertc_status status = bc_scan_table(path, &columns, pair, sets, scan, err);
    if (status != BERTC_OK || own->kind != BERTC_KIND_FOUND) return status;
    bertc_kind kind = scan->lists                      ? BERTC_MULTILABEL
                      : scan->numbers && !scan->whole ? BERTC_REGRESSION
                                                      : BERTC_CLASSIFICATION;
    own->kind = BERTC_KIND_GIVEN + (int)kind;
    if (!scan->lists) return BERTC_OK;
    bc_scan_clear(scan);
    return bc_scan_table(path, &columns, pair, true, scan, err);
}

/* Set the kind as far as the description gives it, and the labels that are named by columns. */
static bertc_status take_kind(own_task *own, bertc_error *err)
{
    size_t count = (size_t)own->label_columns_count;
    if (own->kind == BERTC_KIND_FOUND && (own->label_separator || own->label_columns))
        own->kind = BERTC_KIND_GIVEN + (int)BERTC_MULTILABEL;
    if (own->kind == BERTC_KIND_FOUND && own->num_labels > 0) own->kind = BERTC_KIND_GIVEN + (int)BERTC_CLASSIFICATION;
    if (!own->label_columns || own->num_labels > 0) return BERTC_OK;
    own->labels = bc_alloc(count, sizeof *own->labels);
    if (!own->labels) return bc_fail_memory(err);
    memcpy(own->labels, own->label_columns, count * sizeof *own->labels);
    own->num_labels = own->label_columns_count;
    return BERTC_OK;
}

/* Complete the description by the tables, and make the row. */
static bertc_status complete(own_task *own, bool train, const bertc_notify *notify, bertc_error *err)
{
    bc_scan scan = {0};
    size_t chosen = 0;
    bertc_status status = find_columns(own, train, err);
    if (status == BERTC_OK) status = take_kind(own, err);
    bool regression = own->kind == BERTC_KIND_GIVEN + (int)BERTC_REGRESSION, shares = train && bc_own_shares(own);
    bool labels = !regression && own->num_labels == 0;
    if (status == BERTC_OK && labels && !own->files[BERTC_TRAIN])
        status = bc_fail(err, BERTC_INPUT, "%s: its labels are not known: it has neither \"labels\" nor a train file",
                         own->place);
    if (status == BERTC_OK && (labels || shares)) status = scan_train(own, &scan, err);
    if (status == BERTC_OK && labels && own->kind != BERTC_KIND_GIVEN + (int)BERTC_REGRESSION)
        status = take_labels(own, &scan, err);
    if (status == BERTC_OK) status = make_row(own, err);
    if (status == BERTC_OK && shares) {
        own->limits = bc_calloc((size_t)own->row.num_labels, sizeof *own->limits);
        status = own->limits ? bc_own_choose_dev(own, &scan, own->limits, &chosen, err) : bc_fail_memory(err);
    }
    if (status == BERTC_OK && train) report(own, &scan, chosen, notify);
    bc_scan_clear(&scan);
    return status;
}

/* ---- Opening ------------------------------------------------------------------------------- */

bool bertc_task_is_own(const char *name)
{
    static const char ending[] = ".json";
    size_t length = name ? strlen(name) : 0, n = strlen(ending);
    if (name && strcmp(name, BERTC_CUSTOM_TASK) == 0) return true;
    return length > n && strcmp(name + length - n, ending) == 0;
}

static bertc_status open_own(own_task *own, const char *name, const char *data, const bertc_own_options *options,
                             bool train, const bertc_notify *notify, bertc_error *err)
{
    static const bertc_own_options none = {.dev_share = -1};
    bool custom = strcmp(name, BERTC_CUSTOM_TASK) == 0;
    own->place = bc_own_keep(own, name, strlen(name));
    own->dev_share = -1;
    bertc_status status = !own->place ? bc_fail_memory(err)
                          : custom    ? take_options(own, options ? options : &none, err)
                                      : bc_own_read_file(own, name, err);
    if (status == BERTC_OK && !custom) status = take_name(own, name, err);
    if (status == BERTC_OK && !custom) status = check_name(own, err);
    bool has_files = own->files[BERTC_TRAIN] || own->files[BERTC_DEV] || own->files[BERTC_TEST];
    if (status == BERTC_OK && !has_files && data) status = bc_own_find_files(own, data, err);
    if (status == BERTC_OK) status = check_description(own, err);
    if (status == BERTC_OK && train && !own->files[BERTC_TRAIN])
        status = bc_fail(err, BERTC_INPUT, "%s: there is no train table", own->from_folder ? data : name);
    return status == BERTC_OK ? complete(own, train, notify, err) : status;
}

bertc_status bertc_task_open(const char *name, const char *data, const bertc_own_options *own, bool train,
                             const bertc_notify *notify, const bertc_task **task, bertc_error *err)
{
    if (!name || !task) return bc_fail_null(err, __func__, "name and task");
    *task = NULL;
    if (!bertc_task_is_own(name)) {
        *task = bertc_task_find(name);
        return *task ? BERTC_OK : bc_fail(err, BERTC_USAGE, "unknown task '%s'", name);
    }
    own_task *opened = bc_calloc(1, sizeof *opened);
    if (!opened) return bc_fail_memory(err);
    bertc_status status = open_own(opened, name, data, own, train, notify, err);
    if (status == BERTC_OK) *task = &opened->row;
    else bc_own_free(opened);
    return status;
}

bertc_status bertc_task_of_labels(const char *name, bertc_kind kind, const char *const *labels, int num_labels,
                                  bool pair, const bertc_task **task, bertc_error *err)
{
    if (!name || !labels || !task) return bc_fail_null(err, __func__, "name, labels and task");
    *task = NULL;
    own_task *own = bc_calloc(1, sizeof *own);
    if (!own) return bc_fail_memory(err);
    own->kind = BERTC_KIND_GIVEN + (int)kind;
    own->place = own->name = bc_own_keep(own, name, strlen(name));
    bool classes = kind != BERTC_REGRESSION, good = own->name;
    if (good && classes) good = (own->labels = bc_calloc((size_t)num_labels, sizeof *own->labels)) != NULL;
    for (int i = 0; good && classes && i < num_labels; i++, own->num_labels++)
        good = (own->labels[i] = bc_own_keep(own, labels[i], strlen(labels[i]))) != NULL;
    bertc_status status = good ? make_row(own, err) : bc_fail_memory(err);
    own->row.pair = pair;
    if (status == BERTC_OK) *task = &own->row;
    else bc_own_free(own);
    return status;
}

bool bertc_task_has_files(const bertc_task *task)
{
    if (!task || !task->own) return false;
    for (int split = 0; split < BERTC_SPLITS; split++)
        if (task->own->files[split]) return true;
    return false;
}

bool bertc_task_states_files(const bertc_task *task)
{
    return bertc_task_has_files(task) && !task->own->from_folder;
}

int64_t bertc_task_max_length(const bertc_task *task)
{
    return task && task->own ? task->own->max_length : 0;
}
