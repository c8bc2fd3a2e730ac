/* Exact reading of TSV files, by the columns that the task table states, and of plain lines.
 *
 * 1. A TAB separates columns, LF or CR LF ends a line; every other byte is text, also quotes and NUL. A UTF-8 BOM
 *    before the first line is skipped. Blank lines at the end are ignored, except in files whose rows are one text.
 * 2. A file with a header is read by its column names, in any case and without blanks around them. If a name is
 *    missing, no column index replaces it, and no name may occur twice.
 * 3. Every row of the file has as many columns as the header (CoLA without a header: four). Short rows are skipped and
 *    counted only if the task table sets skip_short (for train and dev of QQP, whose official files have short rows).
 * 4. An empty sentence is data (QQP has empty sentences). A label of -1 means "unlabelled", unless the task has a label
 *    or value -1. In a train or dev file either all rows are labelled or none.
 * 5. If only the texts are read, every row becomes an example, whatever its label: no row is skipped, and a short row
 *    is an error in any file.
 * 6. The file is read once, in pieces. One block holds the texts that are kept, so MNLI's parse columns need no memory.
 *
 * The reader does not guess: an unknown label, a number out of range or a line with another number of columns is an
 * error with its line number, never a dropped row. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "tasks/header.h"
#include "tasks/tasks.h"

typedef bc_slice slice;

typedef struct file_label {
    slice name;
    int32_t label;
} file_label;

typedef struct reader {
    bertc_dataset *set;
    const bertc_columns *columns; /* null: plain lines */
    const bc_row_ids *ids;
    bc_lines lines;
    size_t a, b, label, index;    /* column indices; BC_NO_COLUMN: absent */
    size_t width;                 /* columns in every row */
    const file_label *names;      /* (C) the file's label names, sorted; null: labels are not read by name */
    size_t capacity, labels_capacity; /* examples and labels allocated */
    size_t labels_used, text_used;    /* labels, and bytes of set->text, in use */
    size_t labelled_line, unlabelled_line; /* last line with a label, and without a label; 0: no such line yet */
    bertc_error *err;
} reader;

/* The columns that are read from a row. */
typedef struct row {
    slice a, b, label, index, ids;
    size_t width; /* number of all columns */
} row;

static bool equals(slice value, const char *text)
{
    return value.n == strlen(text) && memcmp(value.at, text, value.n) == 0;
}

/* ---- Lines and columns --------------------------------------------------------------------- */

static row split_row(const reader *r, slice line)
{
    row out = {.width = 0};
    slice column;
    for (; bc_take_column(&line, &column); out.width++) {
        if (out.width == r->a) out.a = column;
        if (out.width == r->b) out.b = column;
        if (out.width == r->label) out.label = column;
        if (out.width == r->index) out.index = column;
        if (!r->ids) continue;
        if (out.width == 1) out.ids = column;
        if (out.width == 2) out.ids.n += 1 + column.n;
    }
    return out;
}

/* ---- The header ---------------------------------------------------------------------------- */

static size_t column_number(int column)
{
    return column < 0 ? BC_NO_COLUMN : (size_t)column;
}

static bertc_status read_header(reader *r)
{
    const bertc_columns *c = r->columns;
    bc_header header = {0};
    slice line;
    if (!bc_lines_take(&r->lines, &line)) return r->lines.status;
    bertc_status status = bc_header_read(&header, line, r->set->path, r->err);
    if (status != BERTC_OK) return status;
    r->width = header.count;
    r->a = bc_header_find(&header, c->a_name);
    r->b = bc_header_find(&header, c->b_name);
    r->label = bc_header_find(&header, c->label_name);
    r->index = bc_header_find(&header, "index");
    if (r->index == BC_NO_COLUMN) r->index = bc_header_find(&header, "id");
    bc_header_clear(&header);
    bool no_a = r->a == BC_NO_COLUMN, no_b = c->b_name && r->b == BC_NO_COLUMN, both = no_a && no_b;
    if (r->label == BC_NO_COLUMN) r->set->missing_label_column = c->label_name;
    if (!no_a && !no_b && !r->set->missing_label_column) return BERTC_OK;
    r->set->header_columns = bc_header_list(line);
    if (!r->set->header_columns) return bc_fail_memory(r->err);
    if (!no_a && !no_b) return BERTC_OK;
    return bc_fail(r->err, BERTC_INPUT, "%s:1: the header has no column%s \"%s\"%s%s%s, only %s", r->set->path,
                   both ? "s" : "", no_a ? c->a_name : c->b_name, both ? " and \"" : "", both ? c->b_name : "",
                   both ? "\"" : "", r->set->header_columns);
}

/* Check that a file without a header begins with a row of data. */
static bertc_status refuse_header(reader *r)
{
    slice line;
    if (!bc_lines_take(&r->lines, &line)) return r->lines.status;
    row first = split_row(r, line);
    bc_lines_back(&r->lines, line);
    if (!bc_is_name(first.a, r->columns->a_name) && !bc_is_name(first.label, r->columns->label_name)) return BERTC_OK;
    return bc_fail(r->err, BERTC_INPUT, "%s:1: a header, expected a row of data", r->set->path);
}

/* ---- Labels -------------------------------------------------------------------------------- */

/* List the labels of the task's files, sorted by their bytes. */
static bertc_status sort_names(const bertc_task *task, file_label **sorted, bertc_error *err)
{
    size_t count = (size_t)task->num_labels;
    *sorted = bc_alloc(count, sizeof **sorted);
    if (!*sorted) return bc_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        const char *name = task->file_labels[i];
        (*sorted)[i] = (file_label){{name, strlen(name)}, (int32_t)i};
    }
    qsort(*sorted, count, sizeof **sorted, bc_slice_order);
    return BERTC_OK;
}

/* Find the task's label with this name, or null. */
static const file_label *find_label(const reader *r, slice value)
{
    return bsearch(&value, r->names, (size_t)r->set->task->num_labels, sizeof *r->names, bc_slice_order);
}

static bertc_status fail_label(reader *r, slice value)
{
    bc_text allowed = {0};
    bc_list_names(&allowed, r->set->task->file_labels, r->set->task->num_labels);
    bertc_status status = allowed.failed ? bc_fail_memory(r->err)
                                         : bc_fail(r->err, BERTC_INPUT, "%s:%zu: label \"%.*s\" is not one of %s",
                                                   r->set->path, r->lines.line, bc_slice_shown(value), value.at,
                                                   allowed.bytes ? allowed.bytes : "none");
    bc_text_clear(&allowed);
    return status;
}

static bertc_status read_class(reader *r, slice value, bertc_example *example)
{
    const file_label *found = find_label(r, value);
    if (!found) return fail_label(r, value);
    int32_t *labels = bc_grow(r->set->labels, &r->labels_capacity, r->labels_used, sizeof *labels);
    if (!labels) return bc_fail_memory(r->err);
    r->set->labels = labels;
    labels[r->labels_used++] = found->label;
    example->num_labels = 1;
    return BERTC_OK;
}

static bertc_status fail_score(reader *r, slice value, const char *reason)
{
    return bc_fail(r->err, BERTC_INPUT, "%s:%zu: score \"%.*s\" is %s", r->set->path, r->lines.line,
                   bc_slice_shown(value), value.at, reason);
}

static bertc_status read_score(reader *r, slice value, bertc_example *example)
{
    const bertc_task *task = r->set->task;
    double score;
    if (!bc_parse_number(value.at, value.n, &score)) return fail_score(r, value, "not a number");
    if (!isfinite(score)) return fail_score(r, value, "not finite");
    if (score >= task->low && score <= task->high) {
        example->value = (float)score;
        return BERTC_OK;
    }
    char range[64];
    snprintf(range, sizeof range, "not between %g and %g", task->low, task->high);
    return fail_score(r, value, range);
}

/* Whether a label column of the file is to be read. */
static bool reads_labels(const reader *r)
{
    return r->columns && (r->columns->label_name || r->columns->label >= 0);
}

static bool is_regression(const reader *r)
{
    return r->set->task->kind == BERTC_REGRESSION;
}

/* Whether a label means "unlabelled": -1, or in a test file an empty column. */
static bool is_no_label(const reader *r, slice value)
{
    double score;
    if (value.n == 0) return r->set->split == BERTC_TEST;
    if (!is_regression(r)) return equals(value, "-1") && !find_label(r, value);
    return bc_parse_number(value.at, value.n, &score) && score == -1 &&
           !(score >= r->set->task->low && score <= r->set->task->high);
}

static bertc_status read_label(reader *r, slice value, bertc_example *example)
{
    bool unlabelled = r->label == BC_NO_COLUMN || is_no_label(r, value);
    bool strict = r->set->split != BERTC_TEST;
    if (unlabelled && !(strict && r->labelled_line)) {
        r->unlabelled_line = r->lines.line;
        return BERTC_OK;
    }
    if (strict && r->unlabelled_line)
        return bc_fail(r->err, BERTC_INPUT, "%s:%zu: a label, but line %zu has none", r->set->path,
                       r->lines.line, r->unlabelled_line);
    r->labelled_line = r->lines.line;
    return is_regression(r) ? read_score(r, value, example) : read_class(r, value, example);
}

/* ---- Rows ---------------------------------------------------------------------------------- */

/* Copy `text` to the set's block, which is as long as the file and so never too small. */
static const char *keep_text(reader *r, slice text)
{
    char *to = r->set->text + r->text_used;
    memcpy(to, text.at, text.n);
    r->text_used += text.n;
    return to;
}

static bertc_status add_example(reader *r, const row *from, bertc_example example)
{
    bertc_dataset *set = r->set;
    void *examples = bc_grow(set->examples, &r->capacity, set->count, sizeof *set->examples);
    if (!examples) return bc_fail_memory(r->err);
    set->examples = examples;
    example.a = keep_text(r, from->a);
    example.na = from->a.n;
    if (r->index != BC_NO_COLUMN) {
        example.index = keep_text(r, from->index);
        example.nindex = from->index.n;
    }
    if (set->task->pair) {
        example.b = keep_text(r, from->b);
        example.nb = from->b.n;
    }
    set->examples[set->count++] = example;
    return BERTC_OK;
}

static bertc_status read_row(reader *r, slice line)
{
    row from = split_row(r, line);
    if (from.width < r->width && r->columns && r->columns->skip_short) {
        r->set->skipped_short++;
        return BERTC_OK;
    }
    if (from.width != r->width)
        return bc_fail(r->err, BERTC_INPUT, "%s:%zu: %zu column%s, expected %zu", r->set->path, r->lines.line,
                       from.width, from.width == 1 ? "" : "s", r->width);
    if (r->ids) { /* the file holds train and dev rows, and `ids` lists the dev rows */
        bool dev = bsearch(&from.ids, r->ids->sorted, r->ids->count, sizeof from.ids, bc_slice_order) != NULL;
        if (dev != (r->set->split == BERTC_DEV)) return BERTC_OK;
    }
    if (r->label != BC_NO_COLUMN && r->columns->skip_label && equals(from.label, r->columns->skip_label)) {
        r->set->skipped_label++;
        return BERTC_OK;
    }
    if (r->index != BC_NO_COLUMN && from.index.n == 0 && !reads_labels(r))
        return bc_fail(r->err, BERTC_INPUT, "%s:%zu: the row's index is empty", r->set->path, r->lines.line);
    bertc_example example = {.value = NAN, .line = r->lines.line};
    bertc_status status = read_label(r, from.label, &example);
    return status == BERTC_OK ? add_example(r, &from, example) : status;
}

static bertc_status read_rows(reader *r, size_t limit)
{
    bertc_status status = BERTC_OK;
    slice line;
    while (status == BERTC_OK && (limit == 0 || r->set->count < limit) && bc_lines_take(&r->lines, &line))
        status = read_row(r, line);
    if (status == BERTC_OK) status = r->lines.status;
    r->set->labelled = r->labelled_line && !r->unlabelled_line;
    const int32_t *labels = r->set->labels; /* the block no longer moves */
    for (bertc_example *e = r->set->examples; e < r->set->examples + r->set->count; e++) {
        if (e->num_labels == 0) continue;
        e->labels = labels;
        labels += e->num_labels;
    }
    return status;
}

/* ---- Files --------------------------------------------------------------------------------- */

/* Create an empty data set for the file `path`, with memory for `length` bytes of text. */
static bertc_dataset *create(const bertc_task *task, bertc_split split, const char *path, size_t length)
{
    bertc_dataset *set = bc_calloc(1, sizeof *set);
    if (!set) return NULL;
    set->task = task;
    set->split = split;
    set->path = bc_strndup(path, strlen(path));
    set->text = bc_alloc(length, 1);
    if (set->path && set->text) return set;
    bertc_dataset_free(set);
    return NULL;
}

void bertc_dataset_free(bertc_dataset *dataset)
{
    if (!dataset) return;
    bc_free(dataset->path);
    bc_free(dataset->header_columns);
    bc_free(dataset->examples);
    bc_free(dataset->labels);
    bc_free(dataset->text);
    bc_free(dataset);
}

/* Check that the columns of both texts exist and differ. A text column may not be the index column too: no column is
 * kept twice, so the block of texts is large enough. */
static bertc_status check_columns(reader *r)
{
    const bertc_task *task = r->set->task;
    if (task->pair && r->b == BC_NO_COLUMN)
        return bc_fail(r->err, BERTC_USAGE, "task %s: its texts are pairs, but its columns have only one text",
                       task->name);
    if (r->a == r->b) return bc_fail(r->err, BERTC_USAGE, "task %s: both texts are the same column", task->name);
    if (r->index == r->a || (task->pair && r->index == r->b)) r->index = BC_NO_COLUMN;
    return BERTC_OK;
}

static bertc_status read_table(reader *r, size_t limit)
{
    const char *path = r->set->path;
    size_t last;
    bertc_status status = bc_lines_begin(&r->lines, &last);
    if (status != BERTC_OK) return status;
    status = r->columns->header ? read_header(r) : refuse_header(r);
    if (status == BERTC_OK) status = check_columns(r);
    if (status != BERTC_OK) return status;
    if (r->width > 1) bc_lines_stop_at(&r->lines, last);
    if (bc_lines_at_end(&r->lines)) return bc_fail(r->err, BERTC_INPUT, "%s: no rows after the header", path);
    status = read_rows(r, limit);
    if (status == BERTC_OK && r->set->count == 0)
        status = bc_fail(r->err, BERTC_INPUT, "%s: no row is a complete example", path);
    return status;
}

static bertc_status finish(reader *r, bertc_status status, bertc_dataset **dataset)
{
    bc_lines_clear(&r->lines);
    if (status == BERTC_OK) *dataset = r->set;
    else bertc_dataset_free(r->set);
    return status;
}

static bertc_status read_columns(reader *r, const bertc_columns *columns, const bc_row_ids *ids, size_t limit)
{
    file_label *names = NULL;
    bertc_status status = BERTC_OK;
    if (columns->header && !columns->a_name)
        return bc_fail(r->err, BERTC_USAGE, "task %s: its columns have no text", r->set->task->name);
    r->columns = columns;
    r->ids = ids;
    r->a = column_number(columns->a);
    r->b = column_number(columns->b);
    r->label = column_number(columns->label);
    r->index = BC_NO_COLUMN;
    r->width = 4;
    if (reads_labels(r) && !is_regression(r)) status = sort_names(r->set->task, &names, r->err);
    r->names = names;
    if (status == BERTC_OK) status = read_table(r, limit);
    bc_free(names);
    return status;
}

bertc_status bc_dataset_parse(const bertc_task *task, bertc_split split, const bertc_columns *columns,
                              const bc_row_ids *ids, const char *bytes, size_t length, const char *path, size_t limit,
                              bertc_dataset **dataset, bertc_error *err)
{
    reader r = {.lines = bc_lines_of_bytes(bytes, length, path, err), .err = err};
    r.set = create(task, split, path, length);
    if (!r.set) return bc_fail_memory(err);
    return finish(&r, read_columns(&r, columns, ids, limit), dataset);
}

bertc_status bertc_dataset_from_lines(const bertc_task *task, const char *text, size_t length,
                                      const char *place, bertc_dataset **dataset, bertc_error *err)
{
    if (!place || !dataset || (!text && length > 0)) return bc_fail_null(err, __func__, "text, place and dataset");
    *dataset = NULL;
    bertc_status status = bc_task_check(task, err);
    if (status != BERTC_OK) return status;
    if (length == 0) text = "";
    reader r = {.lines = bc_lines_of_bytes(text, length, place, err), .err = err, .a = 0,
                .b = task->pair ? 1 : BC_NO_COLUMN, .label = BC_NO_COLUMN, .index = BC_NO_COLUMN,
                .width = task->pair ? 2 : 1};
    bc_lines_skip_bom(&r.lines);
    if (bc_lines_at_end(&r.lines)) return bc_fail(err, BERTC_INPUT, "%s: no lines to read", place);
    r.set = create(task, BERTC_TEST, place, length);
    if (!r.set) return bc_fail_memory(err);
    return finish(&r, read_rows(&r, 0), dataset);
}

bertc_status bc_dataset_read_file(const bertc_task *task, bertc_split split, const bertc_columns *columns,
                                  const bc_row_ids *ids, const char *path, size_t limit, bertc_dataset **dataset,
                                  bertc_error *err)
{
    bc_input input;
    bertc_status status = bc_input_open(path, &input, err);
    if (status != BERTC_OK) return status;
    reader r = {.lines = bc_lines_of_file(&input, path, err), .set = create(task, split, path, input.size), .err = err};
    status = r.set ? read_columns(&r, columns, ids, limit) : bc_fail_memory(err);
    if (status == BERTC_OK) status = bc_input_check(&input, err);
    bc_input_close(&input);
    return finish(&r, status, dataset);
}

bertc_columns bc_columns_of_texts(const bertc_columns *columns)
{
    bertc_columns texts = *columns;
    texts.skip_short = false;
    texts.label_name = texts.skip_label = NULL;
    texts.label = -1;
    return texts;
}
