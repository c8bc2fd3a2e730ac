/* Labels of a row: a class, a set of labels, or a value. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "tasks/reader.h"

bertc_status bc_reader_sort_names(bc_reader *r)
{
    const bertc_task *task = r->set->task;
    size_t count = (size_t)task->num_labels;
    r->names = bc_alloc(2 * count, sizeof *r->names);
    if (!r->names) return bc_fail_memory(r->err);
    for (size_t i = 0; i < count; i++) {
        const char *name = task->file_labels[i], *class_name = task->labels[i];
        r->names[r->num_names++] = (bc_file_label){{name, strlen(name)}, (int32_t)i};
        if (r->columns->class_label && strcmp(name, class_name) != 0)
            r->names[r->num_names++] = (bc_file_label){{class_name, strlen(class_name)}, (int32_t)i};
    }
    qsort(r->names, r->num_names, sizeof *r->names, bc_slice_order);
    return BERTC_OK;
}

/* Parse the number of a class, from 0 to C - 1; -1 for any other text. */
static int32_t class_number(const bc_reader *r, bc_slice value)
{
    int32_t number = 0;
    if (value.n == 0 || value.n > 9 || (value.n > 1 && value.at[0] == '0')) return -1;
    for (size_t i = 0; i < value.n; i++) {
        if (value.at[i] < '0' || value.at[i] > '9') return -1;
        number = 10 * number + (value.at[i] - '0');
    }
    return number < r->set->task->num_labels ? number : -1;
}

/* Return the class of a label; -1 if the task has no such label. */
static int32_t find_class(const bc_reader *r, bc_slice value)
{
    const bc_file_label *found = bsearch(&value, r->names, r->num_names, sizeof *r->names, bc_slice_order);
    if (found) return found->label;
    return r->columns->class_label ? class_number(r, value) : -1;
}

static bertc_status fail_label(bc_reader *r, bc_slice value)
{
    const bertc_task *task = r->set->task;
    bool by_class = r->columns->class_label;
    char numbers[64] = "";
    bc_text allowed = {0};
    bc_list_names(&allowed, by_class ? task->labels : task->file_labels, task->num_labels);
    if (by_class) snprintf(numbers, sizeof numbers, ", nor a number from 0 to %d", task->num_labels - 1);
    bertc_status status = allowed.failed ? bc_fail_memory(r->err)
                                         : bc_fail(r->err, BERTC_INPUT, "%s:%zu: label \"%.*s\" is not one of %s%s",
                                                   r->set->path, r->line, bc_slice_shown(value), value.at,
                                                   allowed.bytes ? allowed.bytes : "none", numbers);
    bc_text_clear(&allowed);
    return status;
}

/* Append a label to those of the example. */
static bertc_status put_label(bc_reader *r, int32_t label, bertc_example *example)
{
    int32_t *labels = bc_grow(r->set->labels, &r->labels_capacity, r->labels_used, sizeof *labels);
    if (!labels) return bc_fail_memory(r->err);
    r->set->labels = labels;
    labels[r->labels_used++] = label;
    example->num_labels++;
    return BERTC_OK;
}

static bertc_status read_class(bc_reader *r, bc_slice value, bertc_example *example)
{
    int32_t label = find_class(r, value);
    return label < 0 ? fail_label(r, value) : put_label(r, label, example);
}

static const int32_t no_labels[1]; /* `labels` of an example with the empty set */

/* Read the labels in a cell. */
static bertc_status read_set(bc_reader *r, bc_slice value, bertc_example *example)
{
    const char *reason;
    bertc_status status = bc_label_set_split(&r->cell, value, r->columns->label_separator, &reason);
    if (status == BERTC_NOMEM) return bc_fail_memory(r->err);
    if (status != BERTC_OK)
        return bc_fail(r->err, status, "%s:%zu: \"%.*s\" %s", r->set->path, r->line, bc_slice_shown(value), value.at,
                       reason);
    for (size_t i = 0; i < r->cell.count && status == BERTC_OK; i++) status = read_class(r, r->cell.names[i], example);
    if (status != BERTC_OK) return status;
    size_t kept = bc_label_set_sort(r->set->labels + r->labels_used - example->num_labels, example->num_labels);
    r->labels_used -= example->num_labels - kept;
    example->num_labels = kept;
    return BERTC_OK;
}

/* Read the columns of all labels. */
static bertc_status read_flags(bc_reader *r, const bc_row *cells, bertc_example *example)
{
    bertc_status status = BERTC_OK;
    for (int32_t c = 0; c < r->set->task->num_labels && status == BERTC_OK; c++) {
        bc_slice value = bc_cell_of(cells, r->flags[c], r->width);
        int flag = value.at ? bc_label_flag(value) : -1;
        if (flag < 0)
            return bc_fail(r->err, BERTC_INPUT, "%s:%zu: column \"%s\" is \"%.*s\", expected 0 or 1", r->set->path,
                           r->line, r->columns->label_columns[c], bc_slice_shown(value), value.at ? value.at : "");
        if (flag) status = put_label(r, c, example);
    }
    return status;
}

static bertc_status fail_score(bc_reader *r, bc_slice value, const char *reason)
{
    return bc_fail(r->err, BERTC_INPUT, "%s:%zu: score \"%.*s\" is %s", r->set->path, r->line,
                   bc_slice_shown(value), value.at, reason);
}

static bertc_status read_score(bc_reader *r, bc_slice value, bertc_example *example)
{
    const bertc_task *task = r->set->task;
    double score;
    if (!bc_parse_number(value.at, value.n, &score)) return fail_score(r, value, "not a number");
    if (!isfinite(score)) return fail_score(r, value, "not finite");
    if (fabs(score) > (double)FLT_MAX) return fail_score(r, value, "beyond the range of a 32-bit float");
    if (score >= task->low && score <= task->high) {
        example->value = (float)score;
        return BERTC_OK;
    }
    char range[64];
    snprintf(range, sizeof range, "not between %g and %g", task->low, task->high);
    return fail_score(r, value, range);
}

bool bc_reader_has_labels(const bc_reader *r)
{
    return r->columns && (r->columns->label_name || r->columns->label >= 0 || r->columns->label_columns);
}

static bool is_regression(const bc_reader *r)
{
    return r->set->task->kind == BERTC_REGRESSION;
}

static bool is_multilabel(const bc_reader *r)
{
    return r->set->task->kind == BERTC_MULTILABEL;
}

/* Whether a label means "unlabelled": -1, null, or in a test file an empty column that is not a set of labels. */
static bool is_no_label(const bc_reader *r, bc_slice value)
{
    double score;
    if (!value.at) return true;
    if (value.n == 0) return r->set->split == BERTC_TEST && !is_multilabel(r);
    if (!is_regression(r)) return bc_slice_equals(value, "-1") && find_class(r, value) < 0;
    return bc_parse_number(value.at, value.n, &score) && score == -1 &&
           !(score >= r->set->task->low && score <= r->set->task->high);
}

/* Whether every column of a label means "unlabelled". */
static bool has_no_flags(const bc_reader *r, const bc_row *cells)
{
    for (int32_t c = 0; c < r->set->task->num_labels; c++) {
        bc_slice value = bc_cell_of(cells, r->flags[c], r->width);
        if (value.at && value.n > 0 && !bc_slice_equals(value, "-1")) return false;
    }
    return true;
}

bertc_status bc_reader_read_label(bc_reader *r, const bc_row *cells, bc_slice value, bertc_example *example)
{
    bool unlabelled = r->label == BC_NO_COLUMN || (r->flags ? has_no_flags(r, cells) : is_no_label(r, value));
    bool strict = r->set->split != BERTC_TEST;
    if (unlabelled && !(strict && r->labelled_line)) {
        r->unlabelled_line = r->line;
        return BERTC_OK;
    }
    if (strict && r->unlabelled_line)
        return bc_fail(r->err, BERTC_INPUT, "%s:%zu: a label, but line %zu has none", r->set->path,
                       r->line, r->unlabelled_line);
    r->labelled_line = r->line;
    if (!value.at) value = (bc_slice){"", 0};
    if (is_multilabel(r)) example->labels = no_labels;
    if (r->flags) return read_flags(r, cells, example);
    if (is_multilabel(r)) return read_set(r, value, example);
    return is_regression(r) ? read_score(r, value, example) : read_class(r, value, example);
}
