/* Exact reading of tables (tasks/table.h), by the columns that the task table states, and of plain lines.
 *
 * 1. A file with a header is read by its column names, in any case and without blanks around them. If a name is
 *    missing, no column index replaces it, and no name may occur twice.
 * 2. Every row of the file has as many columns as the header (CoLA without a header: four; other files without a
 *    header: as many as the first row). Short rows are skipped and counted only if the task table sets skip_short (for
 *    train and dev of QQP, whose official files have short rows).
 * 3. An empty sentence is data (QQP has empty sentences). A label of -1, or null in JSON, means "unlabelled", unless
 *    the task has a label or value -1. In a train or dev file either all rows are labelled or none. An empty cell is an
 *    empty set of labels, but the sets of a test file that has no labels at all mean "unlabelled".
 * 4. If only the texts are read, every row becomes an example, whatever its label: no row is skipped, and a short row
 *    is an error in any file.
 * 5. The file is read once, in pieces. Only the texts that are used are kept, so MNLI's parse columns need no memory.
 * 6. The tables that Hugging Face `datasets` writes have other columns than the original files (bertc_task.tables). CSV
 *    and JSON lines are such tables. A TSV file is such a table, in quotes as pandas writes it, if its header has the
 *    table's text column and either a column "idx" or no text column of the original file. Every other TSV file is an
 *    original file, whose quotes are text.
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
#include "base/size.h"
#include "tasks/kept.h"
#include "tasks/reader.h"

/* A block of memory for texts. */
struct bertc_text_block {
    struct bertc_text_block *before; /* the blocks that are full */
    size_t used, size;
    char bytes[];
};

/* The columns that are read from a row. */
typedef struct row {
    bc_slice a, b, label, index, ids;
    size_t width; /* number of all columns */
} row;

/* ---- Columns ------------------------------------------------------------------------------- */

static row choose_cells(const bc_reader *r, const bc_row *from)
{
    row out = {bc_cell_of(from, r->a, r->width), bc_cell_of(from, r->b, r->width), bc_cell_of(from, r->label, r->width),
               bc_cell_of(from, r->index, r->width), {"", 0}, from->count};
    if (!r->dev || !r->dev->sorted || from->count < 3) return out;
    out.ids = from->cells[1]; /* "id TAB id": columns 1 and 2 follow each other in the file */
    out.ids.n += 1 + from->cells[2].n;
    return out;
}

static size_t column_number(int column)
{
    return column < 0 ? BC_NO_COLUMN : (size_t)column;
}

/* Find the column of the index: "idx", else "index", else "id". */
static size_t find_index(bc_table *table)
{
    static const char *const names[] = {"idx", "index", "id"};
    size_t column = BC_NO_COLUMN;
    for (int i = 0; i < 3 && column == BC_NO_COLUMN; i++) column = bc_header_find(bc_table_header(table), names[i]);
    return column;
}

/* Find the columns of all labels. If the header has none of them, r->label stays BC_NO_COLUMN. */
static bertc_status find_flags(bc_reader *r)
{
    const char *const *names = r->columns->label_columns, *missing = NULL;
    size_t count = (size_t)r->set->task->num_labels;
    r->flags = bc_alloc(count, sizeof *r->flags);
    if (!r->flags) return bc_fail_memory(r->err);
    for (size_t i = 0; i < count; i++) {
        r->flags[i] = bc_table_find(r->table, names[i]);
        if (r->flags[i] != BC_NO_COLUMN) r->label = r->flags[i];
        else if (!missing) missing = names[i];
    }
    if (!missing || r->label == BC_NO_COLUMN) return BERTC_OK;
    bc_slice found = bc_table_header(r->table)->names[r->label];
    return bc_fail(r->err, BERTC_INPUT, "%s:%zu: there is a column of label \"%.*s\", but none of label \"%s\"",
                   r->set->path, r->table->row.line, bc_slice_shown(found), found.at, missing);
}

static bertc_status read_header(bc_reader *r)
{
    const bertc_columns *c = r->columns;
    const bc_header *header = bc_table_header(r->table);
    r->width = header->count;
    r->a = bc_table_find(r->table, c->a_name);
    r->b = bc_table_find(r->table, c->b_name);
    r->label = bc_table_find(r->table, c->label_name);
    r->index = find_index(r->table);
    if (c->label_columns) {
        bertc_status status = find_flags(r);
        if (status != BERTC_OK) return status;
    }
    bool no_a = r->a == BC_NO_COLUMN, no_b = c->b_name && r->b == BC_NO_COLUMN, both = no_a && no_b;
    if (r->label == BC_NO_COLUMN)
        r->set->missing_label_column = c->label_columns ? c->label_columns[0] : c->label_name;
    r->set->header_columns = bc_header_list(header);
    if (!r->set->header_columns) return bc_fail_memory(r->err);
    if (!no_a && !no_b) return BERTC_OK;
    bool json = r->table->form.format == BC_TABLE_JSON;
    return bc_fail(r->err, BERTC_INPUT, "%s:%zu: the %s%s \"%s\"%s%s%s, only %s", r->set->path, r->table->row.line,
                   json ? "first object has no key" : "header has no column", both ? "s" : "",
                   no_a ? c->a_name : c->b_name, both ? " and \"" : "", both ? c->b_name : "", both ? "\"" : "",
                   r->set->header_columns);
}

/* Check that a file without a header begins with a row of data. */
static bertc_status refuse_header(bc_reader *r)
{
    const bc_row *from;
    bertc_status status = bc_table_next(r->table, &from);
    if (status != BERTC_OK || !from) return status;
    r->width = r->columns->width > 0 ? (size_t)r->columns->width : from->count;
    row first = choose_cells(r, from);
    bc_table_back(r->table);
    if (!bc_is_name(first.a, r->columns->a_name) && !bc_is_name(first.label, r->columns->label_name)) return BERTC_OK;
    return bc_fail(r->err, BERTC_INPUT, "%s:1: a header, expected a row of data", r->set->path);
}

/* ---- Rows ---------------------------------------------------------------------------------- */

/* Copy a text to the set's memory. Null if out of memory. */
static const char *keep_text(bc_reader *r, bc_slice text)
{
    enum { FIRST = 1 << 16, LARGEST = 1 << 22 };
    struct bertc_text_block *block = r->set->text;
    if (!block || block->size - block->used < text.n) {
        size_t size = bc_max(text.n, block ? bc_min(2 * block->size, LARGEST) : FIRST), bytes;
        struct bertc_text_block *next = bc_size_add(size, sizeof *next, &bytes) ? bc_realloc(NULL, bytes, 1) : NULL;
        if (!next) return NULL;
        *next = (struct bertc_text_block){block, 0, size};
        r->set->text = block = next;
    }
    char *to = block->bytes + block->used;
    if (text.n > 0) memcpy(to, text.at, text.n);
    block->used += text.n;
    return to;
}

/* Check the cells of an example: texts are not null in JSON, and an index can be a cell of a TSV file. */
static bertc_status check_cells(bc_reader *r, const row *from)
{
    bool no_a = !from->a.at, pair = r->set->task->pair;
    if (no_a || (pair && !from->b.at))
        return bc_fail(r->err, BERTC_INPUT, "%s:%zu: \"%s\" is null or absent", r->set->path, r->line,
                       no_a ? r->columns->a_name : r->columns->b_name);
    if (r->plain || r->index == BC_NO_COLUMN || !from->index.at) return BERTC_OK;
    for (size_t i = 0; i < from->index.n; i++)
        if (from->index.at[i] == '\t' || from->index.at[i] == '\n' || from->index.at[i] == '\r')
            return bc_fail(r->err, BERTC_INPUT, "%s:%zu: the row's index contains a TAB or a line end", r->set->path,
                           r->line);
    return BERTC_OK;
}

/* Copy the kept cells of the row. */
static bertc_status keep_cells(bc_reader *r)
{
    bertc_dataset *set = r->set;
    for (size_t i = 0; i < set->num_kept; i++) {
        size_t used = set->count * set->num_kept + i;
        bertc_cell *kept = bc_grow(set->kept, &r->kept_capacity, used, sizeof *kept);
        if (!kept) return bc_fail_memory(r->err);
        set->kept = kept;
        bc_slice cell = bc_cell_of(r->cells, r->kept[i], r->width);
        kept[used] = (bertc_cell){cell.at ? keep_text(r, cell) : NULL, cell.n};
        if (cell.at && !kept[used].text) return bc_fail_memory(r->err);
    }
    return BERTC_OK;
}

static bertc_status add_example(bc_reader *r, const row *from, bertc_example example)
{
    bertc_dataset *set = r->set;
    bertc_status status = r->plain ? BERTC_OK : check_cells(r, from);
    if (status != BERTC_OK) return status;
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
    bool failed = !example.a || (set->task->pair && !example.b) || (r->index != BC_NO_COLUMN && !example.index);
    if (failed) return bc_fail_memory(r->err);
    status = keep_cells(r);
    if (status == BERTC_OK) set->examples[set->count++] = example;
    return status;
}

/* Whether the dev share has the row whose label was read last. */
static bool is_dev_row(const bc_reader *r, const row *from)
{
    bool classes = r->set->task->kind == BERTC_CLASSIFICATION && r->labelled_line;
    int32_t class = classes ? r->set->labels[r->labels_used - 1] : 0;
    return bc_row_hash(from->a, r->set->task->pair ? from->b : (bc_slice){NULL, 0}) < r->dev->limits[class];
}

static bertc_status read_row(bc_reader *r, const bc_row *cells)
{
    row from = choose_cells(r, cells);
    r->line = cells->line;
    r->cells = cells;
    if (from.width < r->width && r->columns && r->columns->skip_short) {
        r->set->skipped_short++;
        return BERTC_OK;
    }
    if (from.width != r->width) return bc_table_check_width(r->table, r->width);
    if (r->dev && r->dev->sorted) {
        bool dev = bsearch(&from.ids, r->dev->sorted, r->dev->count, sizeof from.ids, bc_slice_order) != NULL;
        if (dev != (r->set->split == BERTC_DEV)) return BERTC_OK;
    }
    if (r->label != BC_NO_COLUMN && r->columns->skip_label && bc_slice_equals(from.label, r->columns->skip_label)) {
        r->set->skipped_label++;
        return BERTC_OK;
    }
    if (r->index != BC_NO_COLUMN && from.index.n == 0 && !bc_reader_has_labels(r))
        return bc_fail(r->err, BERTC_INPUT, "%s:%zu: the row's index is empty", r->set->path, r->line);
    bertc_example example = {.value = NAN, .line = r->line};
    bertc_status status = bc_reader_read_label(r, cells, from.label, &example);
    if (status != BERTC_OK) return status;
    if (r->dev && r->dev->limits && is_dev_row(r, &from) != (r->set->split == BERTC_DEV)) {
        r->labels_used -= example.num_labels;
        return BERTC_OK;
    }
    return add_example(r, &from, example);
}

static bertc_status read_rows(bc_reader *r, size_t limit)
{
    bertc_status status = BERTC_OK;
    for (const bc_row *next; status == BERTC_OK && (limit == 0 || r->set->count < limit); r->rows++) {
        status = bc_table_next(r->table, &next);
        if (status != BERTC_OK || !next) break;
        status = read_row(r, next);
    }
    bool test = r->set->split == BERTC_TEST,
         empty = r->set->task->kind == BERTC_MULTILABEL && r->labelled_line && r->labels_used == 0;
    bool blank = empty && test; /* a test file without any label is not labelled */
    if (empty && !test && limit == 0 && status == BERTC_OK)
        return bc_fail(r->err, BERTC_INPUT, "%s: no row has a label", r->set->path);
    r->set->labelled = r->labelled_line && !r->unlabelled_line && !blank;
    const int32_t *labels = r->set->labels; /* the block no longer moves */
    for (size_t i = 0; i < r->set->count; i++) {
        bertc_example *e = &r->set->examples[i];
        if (blank) e->labels = NULL;
        if (e->num_labels == 0) continue;
        e->labels = labels;
        labels += e->num_labels;
    }
    return status;
}

/* ---- Files --------------------------------------------------------------------------------- */

/* Create an empty data set for the file `path`. */
static bertc_dataset *create(const bertc_task *task, bertc_split split, const char *path)
{
    bertc_dataset *set = bc_calloc(1, sizeof *set);
    if (!set) return NULL;
    set->task = task;
    set->split = split;
    set->path = bc_strndup(path, strlen(path));
    if (set->path) return set;
    bc_free(set);
    return NULL;
}

void bertc_dataset_free(bertc_dataset *dataset)
{
    if (!dataset) return;
    for (struct bertc_text_block *block = dataset->text, *before; block; block = before) {
        before = block->before;
        bc_free(block);
    }
    bc_free(dataset->path);
    bc_free(dataset->header_columns);
    for (size_t i = 0; i < dataset->num_kept; i++) bc_free(dataset->kept_names[i]);
    bc_free(dataset->kept_names);
    bc_free(dataset->kept);
    bc_free(dataset->examples);
    bc_free(dataset->labels);
    bc_free(dataset->thresholds);
    bc_free(dataset);
}

/* Check that the columns of both texts exist and differ. A text column is not used as the index too. */
static bertc_status check_columns(bc_reader *r)
{
    const bertc_task *task = r->set->task;
    if (task->pair && r->b == BC_NO_COLUMN)
        return bc_fail(r->err, BERTC_USAGE, "task %s: its texts are pairs, but its columns have only one text",
                       task->name);
    if (r->a == r->b) return bc_fail(r->err, BERTC_USAGE, "task %s: both texts are the same column", task->name);
    if (r->index == r->a || (task->pair && r->index == r->b)) r->index = BC_NO_COLUMN;
    return BERTC_OK;
}

/* Read the rows of the open table. */
static bertc_status read_table(bc_reader *r, size_t limit)
{
    r->a = column_number(r->columns->a);
    r->b = column_number(r->columns->b);
    r->label = column_number(r->columns->label);
    r->index = BC_NO_COLUMN;
    if (r->columns->label_columns && !r->columns->header)
        return bc_fail(r->err, BERTC_USAGE, "task %s: a column for each label needs a header", r->set->task->name);
    bertc_status status = r->columns->header ? read_header(r) : refuse_header(r);
    if (status == BERTC_OK) status = check_columns(r);
    if (status == BERTC_OK && r->columns->keep)
        status = bc_kept_choose(r->set, r->table, r->columns->keep, &r->kept, r->err);
    if (status == BERTC_OK && bc_reader_has_labels(r) && r->set->task->kind != BERTC_REGRESSION)
        status = bc_reader_sort_names(r);
    if (status == BERTC_OK) status = read_rows(r, limit);
    if (status != BERTC_OK) return status;
    if (r->rows == 0) return bc_fail(r->err, BERTC_INPUT, "%s: no rows after the header", r->set->path);
    if (r->set->count == 0) return bc_fail(r->err, BERTC_INPUT, "%s: no row is a complete example", r->set->path);
    return BERTC_OK;
}

/* A file, or bytes in memory that are named as a file. */
typedef struct source {
    const char *path;
    const char *bytes; /* null: read the file */
    size_t length;
} source;

static bertc_status open_table(const source *from, bc_table_form form, bc_table **table, bertc_error *err)
{
    if (from->bytes) return bc_table_of_bytes(from->bytes, from->length, from->path, form, table, err);
    return bc_table_open(from->path, form, table, err);
}

/* Find out whether an open TSV file has the columns of `tables` rather than those of the original file. */
static bertc_status is_table(bc_table *table, const bertc_columns *original, const bertc_columns *tables, bool *found,
                             bertc_error *err)
{
    const bc_header *header = bc_table_header(table);
    bc_header first = {0};
    bertc_status status = BERTC_OK;
    if (!original->header) {
        const bc_row *names;
        status = bc_table_next(table, &names);
        if (status != BERTC_OK || !names) return status;
        bc_table_back(table);
        if (names->count == (size_t)original->width) return BERTC_OK;
        if (bc_header_read(&first, names->cells, names->count, "", 1, NULL) == BERTC_NOMEM) return bc_fail_memory(err);
        header = &first;
    }
    const char *name = original->header ? original->a_name : NULL;
    bool has_texts = bc_header_find(header, tables->a_name) != BC_NO_COLUMN;
    *found =
        has_texts && (bc_header_find(header, "idx") != BC_NO_COLUMN || bc_header_find(header, name) == BC_NO_COLUMN);
    bc_header_clear(&first);
    return status;
}

/* Open the table of a split and choose the columns that describe it. */
static bertc_status open_split(bc_reader *r, const source *from, const bertc_columns *columns, bertc_columns *chosen)
{
    const bertc_task *task = r->set->task;
    bool has_tables = task->tables[r->set->split].file, table = false;
    *chosen = task->tables[r->set->split];
    if (!columns->label_name && columns->label < 0) *chosen = bc_columns_of_texts(chosen);
    bc_table_form form = bc_columns_form(from->path, columns);
    if (form.format != BC_TABLE_TSV && has_tables) form.header = table = true;
    bertc_status status = open_table(from, form, &r->table, r->err);
    if (status == BERTC_OK && form.format == BC_TABLE_TSV && has_tables && !r->dev)
        status = is_table(r->table, columns, chosen, &table, r->err);
    if (status == BERTC_OK && table && form.format == BC_TABLE_TSV) {
        bc_table_close(r->table);
        form = (bc_table_form){BC_TABLE_QUOTED_TSV, true, false};
        status = open_table(from, form, &r->table, r->err);
    }
    if (!table) *chosen = *columns;
    r->columns = chosen;
    r->plain = form.format == BC_TABLE_TSV;
    return status;
}

/* Release the reader and pass on its data set, unless it failed. */
static bertc_status finish(bc_reader *r, bertc_status status, bertc_dataset **dataset)
{
    bc_table_close(r->table);
    bc_free(r->names);
    bc_free(r->flags);
    bc_label_set_clear(&r->cell);
    bc_free(r->kept);
    if (status == BERTC_OK) *dataset = r->set;
    else bertc_dataset_free(r->set);
    return status;
}

static bertc_status read_split(const bertc_task *task, bertc_split split, const bertc_columns *columns,
                               const bc_dev_rows *dev, const source *from, size_t limit, bertc_dataset **dataset,
                               bertc_error *err)
{
    if (columns->header && !columns->a_name)
        return bc_fail(err, BERTC_USAGE, "task %s: its columns have no text", task->name);
    bertc_columns chosen;
    bc_reader r = {.set = create(task, split, from->path), .dev = dev, .err = err};
    if (!r.set) return bc_fail_memory(err);
    bertc_status status = open_split(&r, from, columns, &chosen);
    if (status == BERTC_OK) status = read_table(&r, limit);
    if (status == BERTC_OK) status = bc_table_check(r.table);
    return finish(&r, status, dataset);
}

bertc_status bc_dataset_parse(const bertc_task *task, bertc_split split, const bertc_columns *columns,
                              const bc_dev_rows *dev, const char *bytes, size_t length, const char *path, size_t limit,
                              bertc_dataset **dataset, bertc_error *err)
{
    return read_split(task, split, columns, dev, &(source){path, bytes, length}, limit, dataset, err);
}

bertc_status bc_dataset_read_file(const bertc_task *task, bertc_split split, const bertc_columns *columns,
                                  const bc_dev_rows *dev, const char *path, size_t limit, bertc_dataset **dataset,
                                  bertc_error *err)
{
    return read_split(task, split, columns, dev, &(source){path, NULL, 0}, limit, dataset, err);
}

bertc_status bertc_dataset_from_lines(const bertc_task *task, const char *text, size_t length,
                                      const char *place, bertc_dataset **dataset, bertc_error *err)
{
    return bertc_dataset_from_part(task, text, length, place, 1, dataset, err);
}

bertc_status bertc_dataset_from_part(const bertc_task *task, const char *text, size_t length, const char *place,
                                     size_t line, bertc_dataset **dataset, bertc_error *err)
{
    if (!place || !dataset || (!text && length > 0)) return bc_fail_null(err, __func__, "text, place and dataset");
    *dataset = NULL;
    bertc_status status = bc_task_check(task, err);
    if (status != BERTC_OK) return status;
    const bc_table_form form = {.format = BC_TABLE_TSV, .blank_rows = true};
    bc_reader r = {.err = err, .a = 0, .b = task->pair ? 1 : BC_NO_COLUMN, .label = BC_NO_COLUMN, .index = BC_NO_COLUMN,
                .width = task->pair ? 2 : 1, .plain = true, .set = create(task, BERTC_TEST, place)};
    if (!r.set) return bc_fail_memory(err);
    status = bc_table_of_bytes(length ? text : "", length, place, form, &r.table, err);
    if (status == BERTC_OK && line > 1 && length > 0) {
        r.table->lines.line = line - 1;
        r.table->lines.next = text; /* only the first line may begin with a BOM */
    }
    if (status == BERTC_OK) status = read_rows(&r, 0);
    if (status == BERTC_OK && r.rows == 0) status = bc_fail(err, BERTC_INPUT, "%s: no lines to read", place);
    return finish(&r, status, dataset);
}

bertc_columns bc_columns_of_texts(const bertc_columns *columns)
{
    bertc_columns texts = *columns;
    texts.skip_short = false;
    texts.label_name = texts.skip_label = NULL;
    texts.label = -1;
    texts.label_columns = NULL;
    return texts;
}
