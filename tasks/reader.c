/* Exact reading of GLUE's TSV files.
 *
 * 1. TAB separates, LF or CR LF ends a line, quotes and every other byte (NUL too) are text. A
 *    UTF-8 BOM before the first line is dropped, and so are blank lines after the last, but where a
 *    line is one text and nothing else.
 * 2. A file with a header is read by its column names, in any case and without blanks around them. No
 *    number stands in for a name that is missing, and no name may stand twice.
 * 3. Every row has as many columns as the header (CoLA: four). Only QQP's train and dev skip short
 *    rows, because the official files have some; their number is kept.
 * 4. An empty sentence is data (QQP has some). A label of -1 is no label; a train or dev file either
 *    labels all its rows or none.
 * 5. Read for its texts alone a file gives every row, whatever stands for a label there: nothing is
 *    skipped, and a short row is an error in any file.
 * 6. One pass, a piece of the file at a time, one block for the text that is kept, so that MNLI's parse
 *    columns cost no memory. A line has at most 64 MB.
 *
 * It does not guess: a value that is not a label, a number out of range or a line of another
 * width is an error with its line, never a dropped row. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "tasks/header.h"
#include "tasks/lines.h"
#include "tasks/locate.h"
#include "tasks/number.h"
#include "tasks/tasks.h"

typedef bc_slice slice;

typedef struct reader {
    bertc_dataset *set;
    const bertc_columns *columns; /* null: plain lines */
    const bc_row_ids *ids;
    bc_lines lines;
    size_t a, b, label, index; /* column numbers; BC_NOWHERE: absent */
    size_t width;           /* columns in every row */
    size_t room;            /* examples allocated */
    size_t kept;            /* bytes of set->text in use */
    size_t graded, blank;   /* lines of the last example with and without a label; 0: none yet */
    bertc_error *err;
} reader;

/* The columns of a row that matter. */
typedef struct row {
    slice a, b, label, index, ids;
    size_t width;
} row;

/* How much of a value a message shows. */
static int shown(slice value)
{
    return value.n < 60 ? (int)value.n : 60;
}

static bool is(slice value, const char *text)
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

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static bertc_status fail_width(reader *r, size_t width)
{
    return bc_fail(r->err, BERTC_INPUT, "%s:%zu: %zu column%s, expected %zu", r->set->path, r->lines.line,
                   width, plural(width), r->width);
}

/* ---- The header ---------------------------------------------------------------------------- */

static size_t number(int column)
{
    return column < 0 ? BC_NOWHERE : (size_t)column;
}

/* The header lacks a text, or both. */
static bertc_status fail_texts(reader *r)
{
    const bertc_columns *c = r->columns;
    bool a = r->a == BC_NOWHERE, b = c->b_name && r->b == BC_NOWHERE;
    return bc_fail(r->err, BERTC_INPUT, "%s:1: the header has no column%s \"%s\"%s%s%s, only %s",
                   r->set->path, a && b ? "s" : "", a ? c->a_name : c->b_name,
                   a && b ? " and \"" : "", a && b ? c->b_name : "", a && b ? "\"" : "",
                   r->set->columns);
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
    if (r->index == BC_NOWHERE) r->index = bc_header_find(&header, "id");
    bc_header_clear(&header);
    bool no_texts = r->a == BC_NOWHERE || (c->b_name && r->b == BC_NOWHERE);
    if (r->label == BC_NOWHERE) r->set->no_label = c->label_name;
    if (!no_texts && !r->set->no_label) return BERTC_OK;
    r->set->columns = bc_header_list(line);
    if (!r->set->columns) return bc_fail_memory(r->err);
    return no_texts ? fail_texts(r) : BERTC_OK;
}

/* A file that should have no header begins with data. */
static bertc_status refuse_header(reader *r)
{
    slice line;
    if (!bc_lines_take(&r->lines, &line)) return r->lines.status;
    row first = split_row(r, line);
    bc_lines_back(&r->lines, line);
    if (!bc_is_name(first.a, r->columns->a_name) && !bc_is_name(first.label, r->columns->label_name))
        return BERTC_OK;
    return bc_fail(r->err, BERTC_INPUT, "%s:1: a header, expected a row of data", r->set->path);
}

/* ---- Labels -------------------------------------------------------------------------------- */

static int class_of(const bertc_task *task, slice value)
{
    for (int i = 0; i < task->num_labels; i++)
        if (task->file_labels[i] && is(value, task->file_labels[i])) return i;
    return -1;
}

/* "0, 1": what a label may be, for messages. */
static void list_labels(const bertc_task *task, char *out, size_t size)
{
    size_t at = 0;
    for (int i = 0; i < task->num_labels; i++) {
        const char *parts[] = {i ? ", " : "", task->file_labels[i]};
        for (int p = 0; p < 2; p++)
            for (const char *c = parts[p]; *c && at + 1 < size; c++) out[at++] = *c;
    }
    out[at] = '\0';
}

static bertc_status fail_label(reader *r, slice value)
{
    char allowed[128];
    list_labels(r->set->task, allowed, sizeof allowed);
    return bc_fail(r->err, BERTC_INPUT, "%s:%zu: label \"%.*s\" is not one of %s", r->set->path,
                   r->lines.line, shown(value), value.at, allowed);
}

static bertc_status read_class(reader *r, slice value, bertc_example *example)
{
    example->label = class_of(r->set->task, value);
    return example->label < 0 ? fail_label(r, value) : BERTC_OK;
}

static bertc_status fail_score(reader *r, slice value, const char *reason)
{
    return bc_fail(r->err, BERTC_INPUT, "%s:%zu: score \"%.*s\" is %s", r->set->path, r->lines.line,
                   shown(value), value.at, reason);
}

static bertc_status read_score(reader *r, slice value, bertc_example *example)
{
    double score;
    if (!bc_parse_number(value.at, value.n, &score))
        return fail_score(r, value, "not a number");
    if (!isfinite(score)) return fail_score(r, value, "not finite");
    if (score < 0 || score > 5) return fail_score(r, value, "not between 0 and 5");
    example->value = (float)score;
    return BERTC_OK;
}

/* Whether labels are read at all. */
static bool wants_labels(const reader *r)
{
    return r->columns && (r->columns->label_name || r->columns->label >= 0);
}

/* Whether a label says that there is none. Test files also leave the column empty. */
static bool is_blank(const reader *r, slice value)
{
    if (value.n == 0) return r->set->split == BERTC_TEST;
    double score;
    return is(value, "-1") || (r->set->task->regression &&
                               bc_parse_number(value.at, value.n, &score) && score == -1);
}

static bertc_status read_label(reader *r, slice value, bertc_example *example)
{
    bool blank = r->label == BC_NOWHERE || is_blank(r, value);
    bool strict = r->set->split != BERTC_TEST;
    if (blank && !(strict && r->graded)) {
        r->blank = r->lines.line;
        return BERTC_OK;
    }
    if (strict && r->blank)
        return bc_fail(r->err, BERTC_INPUT, "%s:%zu: a label, but line %zu has none", r->set->path,
                       r->lines.line, r->blank);
    r->graded = r->lines.line;
    return r->set->task->regression ? read_score(r, value, example)
                                    : read_class(r, value, example);
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b)
{
    const bc_row_id *x = a, *y = b;
    int order = memcmp(x->at, y->at, x->n < y->n ? x->n : y->n);
    return order ? order : (x->n > y->n) - (x->n < y->n);
}

/* Whether a row belongs to another split that is kept in the same file. */
static bool is_elsewhere(const reader *r, slice ids)
{
    if (!r->ids) return false;
    bc_row_id key = {ids.at, ids.n};
    bool listed = bsearch(&key, r->ids->sorted, r->ids->count, sizeof key, by_bytes) != NULL;
    return listed != (r->set->split == BERTC_DEV);
}

/* A copy of `text` in the set's block, which is as long as the file and so never too small. */
static const char *keep_text(reader *r, slice text)
{
    char *to = r->set->text + r->kept;
    memcpy(to, text.at, text.n);
    r->kept += text.n;
    return to;
}

static bertc_status add_example(reader *r, const row *from, bertc_example example)
{
    bertc_dataset *set = r->set;
    if (set->count == r->room) {
        size_t room = r->room ? 2 * r->room : 256;
        void *larger = bc_realloc(set->examples, room, sizeof *set->examples);
        if (!larger) return bc_fail_memory(r->err);
        set->examples = larger;
        r->room = room;
    }
    example.a = keep_text(r, from->a);
    example.na = from->a.n;
    if (r->index != BC_NOWHERE) {
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
        r->set->skipped++;
        return BERTC_OK;
    }
    if (from.width != r->width) return fail_width(r, from.width);
    if (is_elsewhere(r, from.ids)) return BERTC_OK;
    if (r->label != BC_NOWHERE && r->columns->no_gold && is(from.label, r->columns->no_gold)) {
        r->set->ungraded++;
        return BERTC_OK;
    }
    if (r->index != BC_NOWHERE && from.index.n == 0 && !wants_labels(r))
        return bc_fail(r->err, BERTC_INPUT, "%s:%zu: the row's index is empty", r->set->path, r->lines.line);
    bertc_example example = {.label = -1, .value = NAN, .line = r->lines.line};
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
    r->set->labelled = r->graded && !r->blank;
    return status;
}

/* ---- Files --------------------------------------------------------------------------------- */

/* An empty data set named `path` with room for `length` bytes of text. */
static bertc_dataset *create(const bertc_task *task, bertc_split split, const char *path,
                             size_t length)
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
    bc_free(dataset->columns);
    bc_free(dataset->examples);
    bc_free(dataset->text);
    bc_free(dataset);
}

static bertc_status read_table(reader *r, size_t limit)
{
    const char *path = r->set->path;
    size_t last;
    bertc_status status = bc_lines_begin(&r->lines, &last);
    if (status != BERTC_OK) return status;
    status = r->columns->header ? read_header(r) : refuse_header(r);
    if (status != BERTC_OK) return status;
    if (r->width > 1) bc_lines_stop_at(&r->lines, last);
    if (bc_lines_at_end(&r->lines))
        return bc_fail(r->err, BERTC_INPUT, "%s: no rows after the header", path);
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
    r->columns = columns;
    r->ids = ids;
    r->a = number(columns->a);
    r->b = number(columns->b);
    r->label = number(columns->label);
    r->index = BC_NOWHERE;
    r->width = 4;
    return read_table(r, limit);
}

bertc_status bc_dataset_parse(const bertc_task *task, bertc_split split,
                              const bertc_columns *columns, const bc_row_ids *ids,
                              const char *bytes, size_t length, const char *path, size_t limit,
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
                .b = task->pair ? 1 : BC_NOWHERE, .label = BC_NOWHERE, .index = BC_NOWHERE,
                .width = task->pair ? 2 : 1};
    bc_lines_skip_bom(&r.lines);
    if (bc_lines_at_end(&r.lines)) return bc_fail(err, BERTC_INPUT, "%s: no lines to read", place);
    r.set = create(task, BERTC_TEST, place, length);
    if (!r.set) return bc_fail_memory(err);
    return finish(&r, read_rows(&r, 0), dataset);
}

/* The dev rows as listed in a file beside the data's: one "id TAB id" a line. The slices point into `text`. */
static bertc_status read_ids(const char *path, char **text, bc_row_id **sorted, size_t *count,
                             bertc_error *err)
{
    size_t length = 0;
    bertc_status status = bc_file_read(path, BC_KIND_WORDS, text, &length, err);
    if (status != BERTC_OK) return status;
    bc_lines lines = bc_lines_of_bytes(*text, length, path, err);
    bc_lines_skip_bom(&lines);
    slice line;
    size_t room = 0;
    for (*count = 0; bc_lines_take(&lines, &line); ++*count) {
        if (*count == room) {
            room = room ? 2 * room : 256;
            void *larger = bc_realloc(*sorted, room, sizeof **sorted);
            if (!larger) return bc_fail_memory(err);
            *sorted = larger;
        }
        (*sorted)[*count] = (bc_row_id){line.at, line.n};
    }
    if (lines.status != BERTC_OK) return lines.status;
    if (*count == 0) return bc_fail(err, BERTC_INPUT, "%s: empty file", path);
    qsort(*sorted, *count, sizeof **sorted, by_bytes);
    return BERTC_OK;
}

static bertc_status read_file(const bertc_task *task, bertc_split split, const bc_place *place,
                              const bc_row_ids *ids, size_t limit, bertc_dataset **dataset, bertc_error *err)
{
    bc_input input;
    bertc_status status = bc_input_open(place->path, &input, err);
    if (status != BERTC_OK) return status;
    reader r = {.lines = bc_lines_of_file(&input, place->path, err), .set = create(task, split, place->path, input.size), .err = err};
    status = r.set ? read_columns(&r, place->columns, ids, limit) : bc_fail_memory(err);
    if (status == BERTC_OK) status = bc_input_check(&input, err);
    bc_input_close(&input);
    return finish(&r, status, dataset);
}

static bertc_status read_place(const bertc_task *task, bertc_split split, const bc_place *place,
                               size_t limit, bertc_dataset **dataset, bertc_error *err)
{
    char *text = NULL;
    bc_row_id *sorted = NULL;
    bc_row_ids ids = {NULL, 0};
    bertc_status status = BERTC_OK;
    if (place->ids) status = read_ids(place->ids, &text, &sorted, &ids.count, err);
    ids.sorted = sorted;
    if (status == BERTC_OK)
        status = read_file(task, split, place, place->ids ? &ids : NULL, limit, dataset, err);
    bc_free(sorted);
    bc_free(text);
    return status;
}

bertc_columns bc_columns_of_texts(const bertc_columns *columns)
{
    bertc_columns texts = *columns;
    texts.skip_short = false;
    texts.label_name = texts.no_gold = NULL;
    texts.label = -1;
    return texts;
}

static bertc_status read_split(const bertc_task *task, const char *data, bertc_split split, bool texts,
                               size_t limit, bertc_dataset **dataset, bertc_error *err)
{
    bc_place place;
    if (!dataset)
        return bc_fail_null(err, texts ? "bertc_dataset_read_texts" : "bertc_dataset_read", "dataset");
    *dataset = NULL;
    bertc_status status = bc_task_locate(task, data, split, &place, err);
    if (status != BERTC_OK) return status;
    const bertc_columns alone = bc_columns_of_texts(place.columns);
    if (texts) place.columns = &alone;
    status = read_place(task, split, &place, limit, dataset, err);
    bc_place_clear(&place);
    return status;
}

bertc_status bertc_dataset_read(const bertc_task *task, const char *data, bertc_split split,
                                size_t limit, bertc_dataset **dataset, bertc_error *err)
{
    return read_split(task, data, split, false, limit, dataset, err);
}

bertc_status bertc_dataset_read_texts(const bertc_task *task, const char *data, bertc_split split,
                                      size_t limit, bertc_dataset **dataset, bertc_error *err)
{
    return read_split(task, data, split, true, limit, dataset, err);
}
