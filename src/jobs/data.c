#include "bertc/data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"
#include "base/text.h"
#include "bertc/batch.h"
#include "run/model_source.h"
#include "tasks/tasks.h"

/* ---- Texts --------------------------------------------------------------------------------- */

static bool is_blank(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!strchr(" \t\r\n\f\v", text[i]) || text[i] == '\0') return false;
    return true;
}

/* Count characters; add the number of bytes that are not UTF-8 to *invalid. */
static size_t count_characters(const char *text, size_t length, size_t *invalid)
{
    size_t count = 0;
    for (size_t at = 0, n; at < length; at += n, count++) {
        n = bc_utf8_sequence((const unsigned char *)text + at, length - at);
        if (n > 0) continue;
        n = 1;
        ++*invalid;
    }
    return count;
}

static int compare_sizes(const void *a, const void *b)
{
    const size_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The length of the text of rank ceil(percent / 100 * count). `lengths` are sorted. */
static size_t quantile(const size_t *lengths, size_t count, size_t percent)
{
    size_t rank = count / 100 * percent + (count % 100 * percent + 99) / 100;
    return lengths[rank > 0 ? rank - 1 : 0];
}

static void put_lengths(bertc_data_split *split, size_t *lengths, size_t count, size_t max_length)
{
    qsort(lengths, count, sizeof *lengths, compare_sizes);
    split->lengths = (bertc_lengths){lengths[0],
                                     quantile(lengths, count, 50),
                                     quantile(lengths, count, 90),
                                     quantile(lengths, count, 95),
                                     quantile(lengths, count, 99),
                                     lengths[count - 1]};
    for (size_t i = 0; i < count && max_length > 0; i++) split->cut += lengths[i] > max_length;
}

/* Measure the texts in tokens if there is a source, else in characters. */
static bertc_status measure_texts(bertc_data_split *split, const bertc_dataset *set, const bc_model_source *source,
                                  bertc_error *err)
{
    bertc_inputs *inputs = NULL;
    size_t *lengths = bc_alloc(set->count, sizeof *lengths);
    if (!lengths) return bc_fail_memory(err);
    bertc_status status =
        source ? bertc_inputs_create(source->tokenizer, set, 0, NULL, &inputs, err) : BERTC_OK;
    for (size_t i = 0; i < set->count && status == BERTC_OK; i++) {
        const bertc_example *e = &set->examples[i];
        split->empty += is_blank(e->a, e->na) || (e->b && is_blank(e->b, e->nb));
        lengths[i] = inputs ? inputs->starts[i + 1] - inputs->starts[i]
                            : count_characters(e->a, e->na, &split->invalid) +
                                  count_characters(e->b, e->nb, &split->invalid);
    }
    if (inputs) split->invalid = inputs->invalid;
    if (status == BERTC_OK) put_lengths(split, lengths, set->count, source ? source->max_length : 0);
    bertc_inputs_free(inputs);
    bc_free(lengths);
    return status;
}

/* ---- Labels -------------------------------------------------------------------------------- */

static bertc_status count_classes(bertc_data_split *split, const bertc_dataset *set, bertc_error *err)
{
    split->class_rows = bc_calloc((size_t)set->task->num_labels, sizeof *split->class_rows);
    if (!split->class_rows) return bc_fail_memory(err);
    for (size_t i = 0; i < set->count; i++) {
        const bertc_example *e = &set->examples[i];
        split->labelled += e->labels != NULL;
        for (size_t k = 0; k < e->num_labels; k++) split->class_rows[e->labels[k]]++;
    }
    return BERTC_OK;
}

static void summarise_values(bertc_data_split *split, const bertc_dataset *set)
{
    double sum = 0, squares = 0;
    split->min = split->max = split->mean = split->deviation = (double)NAN;
    for (size_t i = 0; i < set->count; i++) {
        double value = set->examples[i].value;
        if (isnan(value)) continue;
        split->labelled++;
        sum += value;
        split->min = fmin(split->min, value);
        split->max = fmax(split->max, value);
    }
    if (split->labelled == 0) return;
    split->mean = sum / (double)split->labelled;
    for (size_t i = 0; i < set->count; i++) {
        double difference = set->examples[i].value - split->mean;
        if (!isnan(difference)) squares += difference * difference;
    }
    if (split->labelled > 1) split->deviation = sqrt(squares / (double)(split->labelled - 1));
}

/* ---- Splits -------------------------------------------------------------------------------- */

static bertc_status describe_split(bertc_data_split *split, const bertc_dataset *set, const bc_model_source *source,
                                   bertc_error *err)
{
    static const char *const purposes[BERTC_SPLITS] = {"train on", "score", NULL};
    split->path = bc_strndup(set->path, strlen(set->path));
    split->columns = bc_strndup(set->header_columns ? set->header_columns : "",
                                set->header_columns ? strlen(set->header_columns) : 0);
    if (!split->path || !split->columns) return bc_fail_memory(err);
    split->official_rows = (size_t)set->task->rows[set->split];
    split->rows = set->count;
    split->skipped_short = set->skipped_short;
    split->skipped_label = set->skipped_label;
    bertc_status status = BERTC_OK;
    if (set->task->kind == BERTC_REGRESSION) summarise_values(split, set);
    else status = count_classes(split, set, err);
    if (status == BERTC_OK) status = measure_texts(split, set, source, err);
    bool trained = set->task->splits[BERTC_TRAIN].file;
    if (status != BERTC_OK || !trained || !purposes[set->split]) return status;
    return bc_model_source_check_labels(set, purposes[set->split], err);
}

static bertc_status describe(const bertc_task *task, const char *data, const bc_model_source *source,
                             bertc_data_report *report, bertc_error *err)
{
    bertc_dataset *sets[BERTC_SPLITS] = {0};
    bertc_repeats repeats[BERTC_SPLITS];
    bertc_status status = BERTC_OK;
    int found = 0;
    for (int s = 0; s < BERTC_SPLITS && status == BERTC_OK; s++) {
        bool there;
        status = bertc_task_has_split(task, data, (bertc_split)s, &there, err);
        if (status != BERTC_OK || !there) continue;
        found++;
        status = bertc_dataset_read(task, data, (bertc_split)s, 0, &sets[s], err);
        if (status == BERTC_OK) status = describe_split(&report->splits[s], sets[s], source, err);
    }
    if (status == BERTC_OK && found == 0) { /* the error of the split that is missing most */
        char *path = NULL;
        bertc_split split = task->splits[BERTC_TRAIN].file ? BERTC_TRAIN : BERTC_TEST;
        status = bertc_task_path(task, data, split, &path, err);
        bc_free(path);
    }
    const bertc_dataset *const read[BERTC_SPLITS] = {sets[0], sets[1], sets[2]};
    bertc_status counted = bertc_dataset_repeats(read, repeats, err);
    if (status == BERTC_OK) status = counted;
    for (int s = 0; s < BERTC_SPLITS; s++) {
        if (counted == BERTC_OK) report->splits[s].repeats = repeats[s];
        bertc_dataset_free(sets[s]);
    }
    return status;
}

bertc_status bertc_data_describe(const bertc_task *task, const char *data, const char *model, int64_t max_length,
                                 const bertc_notify *notify, bertc_data_report *report, bertc_error *err)
{
    if (!task || !report) return bc_fail_null(err, __func__, "task and report");
    *report = (bertc_data_report){.task = task, .tokens = model != NULL};
    bc_model_source source = {0};
    if (max_length == 0) max_length = bertc_task_max_length(task);
    bertc_status status = model ? bc_model_source_open(&source, model, max_length, notify, err) : BERTC_OK;
    report->max_length = source.max_length;
    if (status == BERTC_OK) status = describe(task, data, model ? &source : NULL, report, err);
    bc_model_source_close(&source);
    return status;
}

void bertc_data_report_clear(bertc_data_report *report)
{
    if (!report) return;
    for (int s = 0; s < BERTC_SPLITS; s++) {
        bc_free(report->splits[s].path);
        bc_free(report->splits[s].columns);
        bc_free(report->splits[s].class_rows);
    }
    *report = (bertc_data_report){0};
}
