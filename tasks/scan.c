#include "tasks/scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "tasks/label_sets.h"
#include "tasks/tasks.h"

enum { LONGEST_LABEL = 1000 };

uint64_t bc_row_hash(bc_slice a, bc_slice b)
{
    const uint64_t hashes[2] = {bc_hash64(a.at ? a.at : "", a.n), b.at ? bc_hash64(b.at, b.n) : 0};
    return bc_hash64(hashes, sizeof hashes);
}

bc_table_form bc_columns_form(const char *path, const bertc_columns *columns)
{
    bc_table_format format = bc_table_format_of(path);
    if (format == BC_TABLE_FORMATS) format = BC_TABLE_TSV;
    if (format == BC_TABLE_TSV && columns->quotes) format = BC_TABLE_QUOTED_TSV;
    return (bc_table_form){format, columns->header, false};
}

/* ---- Labels -------------------------------------------------------------------------------- */

/* The labels found so far, in a hash table with open addresses. */
typedef struct found {
    bc_scan *scan;
    int32_t *slots;   /* (size) a power of two; number of a label, -1: free */
    size_t size, capacity, row_capacity;
    bc_label_set set; /* of a row with a set of labels */
    bool flags;       /* every set so far has as many members as the first, all of them 0 or 1 */
    size_t members;   /* of the first set */
    bool repeats;     /* some set has a member twice */
} found;

/* Double the hash table if it is half full. */
static bool make_room(found *f)
{
    if (2 * f->scan->num_labels < f->size) return true;
    size_t size = f->size ? 2 * f->size : 64;
    int32_t *slots = bc_alloc(size, sizeof *slots);
    if (!slots) return false;
    for (size_t i = 0; i < size; i++) slots[i] = -1;
    for (size_t i = 0; i < f->scan->num_labels; i++) {
        const char *label = f->scan->labels[i];
        size_t at = bc_hash64(label, strlen(label)) & (size - 1);
        while (slots[at] >= 0) at = (at + 1) & (size - 1);
        slots[at] = (int32_t)i;
    }
    bc_free(f->slots);
    f->slots = slots;
    f->size = size;
    return true;
}

/* Return the number of a label, which is added if it is new; -1 if memory runs out. */
static int32_t number_of(found *f, bc_slice label)
{
    bc_scan *scan = f->scan;
    if (!make_room(f)) return -1;
    size_t at = bc_hash64(label.at, label.n) & (f->size - 1);
    for (; f->slots[at] >= 0; at = (at + 1) & (f->size - 1)) {
        const char *known = scan->labels[f->slots[at]];
        if (strncmp(known, label.at, label.n) == 0 && known[label.n] == '\0') return f->slots[at];
    }
    char **labels = bc_grow(scan->labels, &f->capacity, scan->num_labels, sizeof *labels);
    if (!labels) return -1;
    scan->labels = labels;
    labels[scan->num_labels] = bc_strndup(label.at, label.n);
    if (!labels[scan->num_labels]) return -1;
    double value;
    bool number = bc_parse_number(label.at, label.n, &value) && isfinite(value);
    scan->numbers = scan->numbers && number;
    scan->whole = scan->whole && number && value == floor(value);
    scan->lists = scan->lists && label.n > 1 && label.at[0] == '[' && label.at[label.n - 1] == ']';
    return f->slots[at] = (int32_t)scan->num_labels++;
}

/* Return why a label cannot be one; null if it can. */
static const char *refusal(bc_slice label)
{
    if (!label.at) return "is absent";
    if (label.n == 0) return "is empty";
    if (label.n > LONGEST_LABEL) return "is longer than 1000 bytes";
    for (size_t i = 0, n; i < label.n; i += n) {
        const unsigned char *p = (const unsigned char *)label.at + i;
        n = bc_utf8_sequence(p, label.n - i);
        if (n == 0) return "is not UTF-8";
        if (*p < 0x20 || *p == 0x7f) return "has a control character";
    }
    return NULL;
}

typedef struct sorted_label {
    char *name;
    double value; /* 0 unless all labels are whole numbers */
    int32_t was;
} sorted_label;

static int by_value(const void *a, const void *b)
{
    const sorted_label *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Sort the labels, and number the rows' labels anew unless they are sets. */
static bool sort_labels(bc_scan *scan, bool sets)
{
    sorted_label *sorted = bc_alloc(scan->num_labels, sizeof *sorted);
    int32_t *place = bc_alloc(scan->num_labels, sizeof *place);
    bool good = sorted && place;
    for (size_t i = 0; good && i < scan->num_labels; i++) {
        sorted[i] = (sorted_label){scan->labels[i], 0, (int32_t)i};
        if (scan->whole) bc_parse_number(sorted[i].name, strlen(sorted[i].name), &sorted[i].value);
    }
    if (good) qsort(sorted, scan->num_labels, sizeof *sorted, by_value);
    for (size_t i = 0; good && i < scan->num_labels; i++) {
        scan->labels[i] = sorted[i].name;
        place[sorted[i].was] = (int32_t)i;
    }
    for (size_t i = 0; good && !sets && i < scan->num_rows; i++) scan->rows[i].label = place[scan->rows[i].label];
    bc_free(sorted);
    bc_free(place);
    return good;
}

/* ---- Rows ---------------------------------------------------------------------------------- */

typedef struct places {
    size_t a, b, label, width;
} places;

static size_t column_of(bc_table *table, const bertc_columns *columns, const char *name, int number)
{
    if (columns->header) return bc_table_find(table, name);
    return number < 0 ? BC_NO_COLUMN : (size_t)number;
}

static bc_slice cell_at(const bc_row *row, size_t column)
{
    return column < row->count ? row->cells[column] : (bc_slice){NULL, 0};
}

/* The parts of a table that a scan reads. */
typedef struct scanned_table {
    const char *path;
    const bertc_columns *columns;
    bool pair, sets;
} scanned_table;

static bertc_status fail_label(const scanned_table *t, const bc_row *row, const char *why, bertc_error *err)
{
    return bc_fail(err, BERTC_INPUT, "%s:%zu: the label %s", t->path, row->line, why);
}

/* Find out whether the sets are lists of 0 and 1, one for each label, rather than names. */
static void notice_flags(found *f)
{
    size_t zeros = 0, ones = 0, count = f->set.count;
    for (size_t i = 0; i < count && f->flags; i++) {
        double value = -1;
        bool number = bc_parse_number(f->set.names[i].at, f->set.names[i].n, &value);
        zeros += number && value == 0;
        ones += number && value == 1;
    }
    if (f->scan->num_rows == 0) f->members = count;
    f->flags = f->flags && count > 1 && count == f->members && zeros + ones == count;
    f->repeats = f->repeats || zeros > 1 || ones > 1;
}

/* Find the number of a label; *number is 0 for a set, whose labels are all found. */
static bertc_status scan_label(found *f, const scanned_table *t, const bc_row *row, bc_slice label, int32_t *number,
                               bertc_error *err)
{
    const char *why = NULL;
    *number = 0;
    if (t->columns->label_columns) return BERTC_OK;
    if (!t->sets) {
        why = refusal(label);
        if (why) return fail_label(t, row, why, err);
        *number = number_of(f, label);
        return *number >= 0 ? BERTC_OK : bc_fail_memory(err);
    }
    if (!label.at) label = (bc_slice){"", 0};
    bertc_status status = bc_label_set_split(&f->set, label, t->columns->label_separator, &why);
    if (status == BERTC_OK) notice_flags(f);
    if (status == BERTC_INPUT) return fail_label(t, row, why, err);
    for (size_t i = 0; i < f->set.count && status == BERTC_OK; i++) {
        why = refusal(f->set.names[i]);
        if (why) status = fail_label(t, row, why, err);
        else if (number_of(f, f->set.names[i]) < 0) status = bc_fail_memory(err);
    }
    return status == BERTC_NOMEM ? bc_fail_memory(err) : status;
}

static bertc_status scan_row(found *f, const scanned_table *t, const bc_row *row, places at, bertc_error *err)
{
    bc_scan *scan = f->scan;
    bc_slice b = cell_at(row, at.b);
    int32_t label;
    bertc_status status = scan_label(f, t, row, cell_at(row, at.label), &label, err);
    if (status != BERTC_OK) return status;
    bc_scanned_row *rows = bc_grow(scan->rows, &f->row_capacity, scan->num_rows, sizeof *rows);
    if (!rows) return bc_fail_memory(err);
    scan->rows = rows;
    if (t->pair && !b.at) b.at = "";
    rows[scan->num_rows++] = (bc_scanned_row){bc_row_hash(cell_at(row, at.a), b), label};
    return BERTC_OK;
}

/* Check that the first row of a file without a header has the columns. */
static bertc_status check_numbers(const char *path, const bc_row *row, places at, bertc_error *err)
{
    const size_t columns[] = {at.a, at.b, at.label};
    for (size_t i = 0; i < 3; i++)
        if (columns[i] != BC_NO_COLUMN && columns[i] >= row->count)
            return bc_fail(err, BERTC_INPUT, "%s:%zu: %zu column%s, there is no column %zu", path, row->line,
                           row->count, row->count == 1 ? "" : "s", columns[i] + 1);
    return BERTC_OK;
}

static bertc_status scan_rows(found *f, bc_table *table, const scanned_table *t, bertc_error *err)
{
    const bertc_columns *columns = t->columns;
    const char *path = t->path;
    places at = {column_of(table, columns, columns->a_name, columns->a),
                 t->pair ? column_of(table, columns, columns->b_name, columns->b) : BC_NO_COLUMN,
                 column_of(table, columns, columns->label_name, columns->label),
                 columns->header ? bc_table_header(table)->count : (size_t)columns->width};
    bertc_status status = BERTC_OK;
    for (const bc_row *row; status == BERTC_OK;) {
        status = bc_table_next(table, &row);
        if (status != BERTC_OK || !row) break;
        if (at.width == 0) status = check_numbers(path, row, at, err);
        if (at.width == 0) at.width = row->count;
        if (status == BERTC_OK) status = bc_table_check_width(table, at.width);
        if (status == BERTC_OK) status = scan_row(f, t, row, at, err);
    }
    if (status == BERTC_OK && f->scan->num_rows == 0)
        status = bc_fail(err, BERTC_INPUT, "%s: no rows%s", path, columns->header ? " after the header" : "");
    return status;
}

bertc_status bc_scan_table(const char *path, const bertc_columns *columns, bool pair, bool sets, bc_scan *scan,
                           bertc_error *err)
{
    bc_table *table;
    found f = {.scan = scan, .flags = true};
    *scan = (bc_scan){.numbers = true, .whole = true, .lists = true};
    bertc_status status = bc_table_open(path, bc_columns_form(path, columns), &table, err);
    if (status == BERTC_OK) status = scan_rows(&f, table, &(scanned_table){path, columns, pair, sets}, err);
    if (status == BERTC_OK) status = bc_table_check(table);
    if (status == BERTC_OK && sets && !columns->label_columns && f.flags && f.repeats)
        status = bc_fail(err, BERTC_INPUT, "%s: every set has %zu members, all of them 0 or 1: such a list for all labels is "
                         "not read; write the names of those that apply, or a column for each label", path, f.members);
    if (status == BERTC_OK && !sort_labels(scan, sets)) status = bc_fail_memory(err);
    bc_table_close(table);
    bc_label_set_clear(&f.set);
    bc_free(f.slots);
    return status;
}

void bc_scan_clear(bc_scan *scan)
{
    for (size_t i = 0; i < scan->num_labels; i++) bc_free(scan->labels[i]);
    bc_free(scan->labels);
    bc_free(scan->rows);
    *scan = (bc_scan){0};
}

/* ---- The dev share ------------------------------------------------------------------------- */

/* A stratum: its rows are consecutive in the sorted rows. */
typedef struct stratum {
    size_t begin, rows, wanted; /* wanted: number of dev rows */
    double rest;                /* the part of the exact number that was rounded down */
    size_t number;
} stratum;

static int by_stratum(const void *a, const void *b)
{
    const bc_scanned_row *x = a, *y = b;
    if (x->label != y->label) return x->label < y->label ? -1 : 1;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

static int by_rest(const void *a, const void *b)
{
    const stratum *x = a, *y = b;
    if (x->rest != y->rest) return x->rest > y->rest ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* Set the number of dev rows of each stratum: the exact number rounded down, then one more for the largest remainders.
 * The strata are then in the order of their remainders. */
static void divide(stratum *strata, size_t count, size_t rows, double share)
{
    size_t left = (size_t)llround(share * (double)rows);
    if (left == 0) left = 1;
    for (stratum *s = strata; s < strata + count; s++) {
        double exact = share * (double)s->rows;
        s->wanted = (size_t)exact;
        s->rest = exact - (double)s->wanted;
        left -= s->wanted < left ? s->wanted : left;
    }
    qsort(strata, count, sizeof *strata, by_rest);
    for (stratum *s = strata; s < strata + count && left > 0; s++, left--) s->wanted++;
}

/* Choose at least the wanted number of rows, whole groups of one hash, but never the last group. */
static size_t choose(const stratum *s, const bc_scanned_row *rows, uint64_t *limit)
{
    size_t taken = 0;
    rows += s->begin;
    *limit = 0;
    while (taken < s->wanted) {
        size_t end = taken;
        while (end < s->rows && rows[end].hash == rows[taken].hash) end++;
        if (end == s->rows) break;
        taken = end;
        *limit = rows[end].hash;
    }
    return taken;
}

bertc_status bc_scan_choose_dev(const bc_scan *scan, double share, bool classes, uint64_t *limits, size_t *chosen,
                                bertc_error *err)
{
    size_t count = classes ? scan->num_labels : 1;
    bc_scanned_row *rows = bc_alloc(scan->num_rows, sizeof *rows);
    stratum *strata = bc_calloc(count, sizeof *strata);
    *chosen = 0;
    if (rows && strata) {
        memcpy(rows, scan->rows, scan->num_rows * sizeof *rows);
        for (size_t i = 0; i < scan->num_rows && !classes; i++) rows[i].label = 0;
        qsort(rows, scan->num_rows, sizeof *rows, by_stratum);
        for (size_t i = 0; i < count; i++) strata[i].number = i;
        for (size_t i = scan->num_rows; i-- > 0;) {
            stratum *s = &strata[rows[i].label];
            s->begin = i;
            s->rows++;
        }
        divide(strata, count, scan->num_rows, share);
        for (stratum *s = strata; s < strata + count; s++) *chosen += choose(s, rows, &limits[s->number]);
    }
    bertc_status status = rows && strata ? BERTC_OK : bc_fail_memory(err);
    bc_free(rows);
    bc_free(strata);
    return status;
}
