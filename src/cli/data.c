/* bertc data: what a data set contains, as tables or as JSON. */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

#include "cli/error.h"
#include "cli/inference.h"
#include "cli/output.h"
#include "cli/scores.h"

/* Columns of a title, of a long label and of a number. */
enum { NAME = 24, WIDEST = 41, CELL = 12, SHOWN_CLASSES = 20 };

static size_t count_of(const bertc_data_split *split, const bertc_data_count *row)
{
    return *(const size_t *)((const char *)split + row->offset);
}

/* ---- Tables -------------------------------------------------------------------------------- */

static void print_head(const char *title, int width)
{
    printf("\n%-*s", width, title);
    for (int s = 0; s < BERTC_SPLITS; s++) printf("%*s", CELL, bertc_split_name((bertc_split)s));
    putchar('\n');
}

static void print_cells(const bertc_data_report *report, const bertc_data_count *row)
{
    bool any = !row->if_any;
    for (int s = 0; s < BERTC_SPLITS; s++) any = any || count_of(&report->splits[s], row) > 0;
    if (!any) return;
    printf("%-*s", NAME, row->title);
    for (int s = 0; s < BERTC_SPLITS; s++)
        if (report->splits[s].path) printf("%*zu", CELL, count_of(&report->splits[s], row));
        else printf("%*s", CELL, "-");
    putchar('\n');
}

static void print_counts(const bertc_data_report *report, const char *title, bool is_length)
{
    size_t count;
    const bertc_data_count *rows = bertc_data_count_table(&count);
    print_head(title, NAME);
    for (size_t i = 0; i < count; i++)
        if (rows[i].is_length == is_length) print_cells(report, &rows[i]);
}

/* The classes, the most frequent class of the first split first. */
typedef struct class_order {
    const size_t *rows;
    int32_t label;
} class_order;

static int compare_classes(const void *a, const void *b)
{
    const class_order *x = a, *y = b;
    size_t nx = x->rows ? x->rows[x->label] : 0, ny = y->rows ? y->rows[y->label] : 0;
    if (nx != ny) return nx < ny ? 1 : -1;
    return (x->label > y->label) - (x->label < y->label);
}

static void print_class(const bertc_data_report *report, int32_t label, int width)
{
    cli_put_padded(report->task->labels[label], width);
    for (int s = 0; s < BERTC_SPLITS; s++)
        if (report->splits[s].class_rows) printf("%*zu", CELL, report->splits[s].class_rows[label]);
        else printf("%*s", CELL, "-");
    putchar('\n');
}

/* Print the classes, at most the SHOWN_CLASSES most frequent and most rare. */
static bertc_status print_classes(const bertc_data_report *report, bertc_error *err)
{
    int count = report->task->num_labels;
    const size_t *rows = NULL;
    for (int s = 0; s < BERTC_SPLITS && !rows; s++) rows = report->splits[s].class_rows;
    class_order *order = malloc((size_t)count * sizeof *order);
    if (!order) return cli_fail_memory(err);
    for (int i = 0; i < count; i++) order[i] = (class_order){rows, i};
    qsort(order, (size_t)count, sizeof *order, compare_classes);
    int width = NAME;
    for (int i = 0; i < count; i++) {
        int needed = cli_text_width(report->task->labels[i]) + 1;
        if (needed > width) width = needed < WIDEST ? needed : WIDEST;
    }
    print_head("label", width);
    for (int i = 0; i < count; i++) {
        bool hidden = count > SHOWN_CLASSES && i >= SHOWN_CLASSES / 2 && i < count - SHOWN_CLASSES / 2;
        if (!hidden) print_class(report, order[i].label, width);
        else if (i == SHOWN_CLASSES / 2) printf("... %d more\n", count - SHOWN_CLASSES);
    }
    free(order);
    return BERTC_OK;
}

static void print_values(const bertc_data_report *report)
{
    static const struct {
        const char *title;
        size_t offset;
    } rows[] = {{"smallest", offsetof(bertc_data_split, min)},
                {"largest", offsetof(bertc_data_split, max)},
                {"mean", offsetof(bertc_data_split, mean)},
                {"deviation", offsetof(bertc_data_split, deviation)}};
    print_head("value", NAME);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        printf("%-*s", NAME, rows[i].title);
        for (int s = 0; s < BERTC_SPLITS; s++) {
            const bertc_data_split *split = &report->splits[s];
            if (split->labelled > 0) printf("%*.6g", CELL, *(const double *)((const char *)split + rows[i].offset));
            else printf("%*s", CELL, "-");
        }
        putchar('\n');
    }
}

/* Print the lines of the first rows that repeat. */
static void print_places(const bertc_data_report *report)
{
    for (int s = 0; s < BERTC_SPLITS; s++) {
        const bertc_repeats *r = &report->splits[s].repeats;
        const char *path = report->splits[s].path;
        if (r->duplicates > 0)
            printf("%s:%zu: the first duplicate, of line %zu\n", path, r->duplicate.second, r->duplicate.first);
        if (r->conflicts > 0)
            printf("%s:%zu: the first text with another label than on line %zu\n", path, r->conflict.second,
                   r->conflict.first);
        for (int other = 0; other < s; other++)
            if (r->shared[other] > 0)
                printf("%s:%zu: the first text that is also in %s, line %zu\n", path, r->shared_row[other].second,
                       report->splits[other].path, r->shared_row[other].first);
    }
}

static bertc_status print_tables(const bertc_data_report *report, bertc_error *err)
{
    const bertc_task *task = report->task;
    char labels[32] = "a number";
    if (task->kind != BERTC_REGRESSION) snprintf(labels, sizeof labels, "%d labels", task->num_labels);
    printf("%-*s%s: %s, %s\n", CELL, "task", task->name, task->pair ? "pairs of texts" : "single texts", labels);
    for (int s = 0; s < BERTC_SPLITS; s++) {
        const bertc_data_split *split = &report->splits[s];
        if (!split->path) continue;
        printf("%-*s%s", CELL, bertc_split_name((bertc_split)s), split->path);
        printf(*split->columns ? ", columns %s\n" : "\n", split->columns);
    }
    print_counts(report, "", false);
    print_counts(report, report->tokens ? "tokens" : "characters", true);
    bertc_status status = BERTC_OK;
    if (task->kind == BERTC_REGRESSION) print_values(report);
    else status = print_classes(report, err);
    putchar('\n');
    print_places(report);
    return status;
}

/* ---- The command --------------------------------------------------------------------------- */

const bertc_option *cli_data_more(size_t *count)
{
    static const bertc_option rows[] = {
        {"task", BERTC_OPTION_TEXT, offsetof(cli_data_values, task), NULL, 0, 0, NULL, "TASK",
         "a task of 'bertc tasks', or a task file FILE.json; default: every GLUE task in the folder, or custom", 0},
        {"model", BERTC_OPTION_TEXT, offsetof(cli_data_values, model), NULL, 0, 0, NULL, "DIR",
         "count tokens with this model's tokenizer; default: lengths are in characters", 0},
        {"max-length", BERTC_OPTION_INT, offsetof(cli_data_values, max_length), NULL, 3, 1e6, NULL, "N",
         "count the texts that are longer than N tokens; default: 128, or the model's maximum if that is smaller", 0},
        {"json", BERTC_OPTION_FLAG, offsetof(cli_data_values, json), NULL, 0, 0, NULL, NULL,
         "print one JSON object for each task instead of tables", 0},
    };
    *count = sizeof rows / sizeof *rows;
    return rows;
}

static bertc_status print_json(const bertc_data_report *report, bertc_error *err)
{
    char *json;
    bertc_status status = bertc_data_json(report, &json, err);
    if (status == BERTC_OK) puts(json);
    free(json);
    return status;
}

/* Describe a task. What was read before an error is printed too. */
static bertc_status describe(const cli_data_values *v, const char *name, const char *data, const bertc_notify *notify,
                             bertc_error *err)
{
    bertc_data_report report = {0};
    const bertc_task *task;
    const bertc_own_options *own = strcmp(name, BERTC_CUSTOM_TASK) == 0 ? &v->train.own : NULL;
    bertc_status status = bertc_task_open(name, data, own, true, notify, &task, err);
    if (status == BERTC_OK)
        status = bertc_data_describe(task, bertc_task_has_files(task) ? NULL : data, v->model, v->max_length, notify,
                                     &report, err);
    bool any = false;
    for (int s = 0; s < BERTC_SPLITS; s++) any = any || report.splits[s].path;
    bertc_error also = {0};
    bertc_status printed =
        any ? (v->json ? print_json : print_tables)(&report, status == BERTC_OK ? err : &also) : BERTC_OK;
    bertc_data_report_clear(&report);
    bertc_task_close(task);
    return status == BERTC_OK ? printed : status;
}

/* Whether `data` is the GLUE folder with the folder of a task. */
static bool has_folder(const bertc_task *task, const char *data)
{
    const char *const names[] = {task->folder, task->name};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof *names && !found; i++) {
        struct stat info;
        char *path = names[i] ? cli_path_join(data, names[i]) : NULL;
        found = path && stat(path, &info) == 0 && S_ISDIR(info.st_mode);
        free(path);
    }
    return found;
}

/* Describe each GLUE task in a folder; *count: their number. */
static bertc_status describe_glue(const cli_data_values *v, const char *data, const bertc_notify *notify, int *count,
                                  bertc_error *err)
{
    bertc_status first = BERTC_OK;
    for (size_t i = 0; i < bertc_task_count(); i++) {
        const bertc_task *task = bertc_task_at(i);
        if (!has_folder(task, data)) continue;
        if (++*count > 1 && !v->json) putchar('\n');
        bertc_status status = describe(v, task->name, data, notify, err);
        if (first == BERTC_OK) first = status;
    }
    return first;
}

/* Check the combination of options, and find the task that they mean; *name null: every GLUE task. */
static bertc_status choose(cli_data_values *v, const char *data, const char **name, bertc_error *err)
{
    struct stat info;
    bool custom = !v->task || strcmp(v->task, BERTC_CUSTOM_TASK) == 0;
    bool files = v->train.own.train || v->train.own.dev || v->train.own.test;
    if (!data && custom && !files) return cli_fail(err, BERTC_USAGE, "'bertc data' needs FILE, DIR, --train or --task");
    if (v->task) return cli_task_check(*name = v->task, err);
    *name = BERTC_CUSTOM_TASK;
    if (!data || files) return BERTC_OK;
    if (stat(data, &info) != 0) return cli_fail(err, BERTC_INPUT, "%s: cannot open: %s", data, strerror(errno));
    if (!S_ISDIR(info.st_mode)) v->train.own.train = data;
    for (size_t i = 0; S_ISDIR(info.st_mode) && i < bertc_task_count() && *name; i++)
        if (has_folder(bertc_task_at(i), data)) *name = NULL;
    return BERTC_OK;
}

bertc_status cli_data(const void *values, cli_arguments arguments, bertc_error *err)
{
    cli_data_values v = *(const cli_data_values *)values;
    const char *data = arguments.count > 0 ? arguments.value[0] : NULL, *name = v.task;
    int count = 0;
    cli_progress progress;
    bertc_status status = choose(&v, data, &name, err);
    if (status == BERTC_OK && !v.model && v.max_length > 0)
        status =
            cli_fail(err, BERTC_USAGE, "--max-length has no effect without --model, whose tokenizer counts tokens");
    if (status == BERTC_OK) status = cli_progress_begin(&progress, err);
    if (status != BERTC_OK) return status;
    if (v.train.own.train == data) data = NULL;
    const bertc_notify *notify = &progress.observer.notify;
    status = name ? describe(&v, name, data, notify, err) : describe_glue(&v, data, notify, &count, err);
    cli_progress_end(&progress);
    return status;
}
