/* bertc eval: the scores of a model on a split. */
#include <string.h>

#include "cli/error.h"
#include "cli/inference.h"
#include "cli/scores.h"

static void print_table(const bertc_task *task, bertc_split split, const bertc_scores *scores,
                        const bertc_metric_list *metrics)
{
    int width = 10;
    for (int i = 0; i < metrics->count; i++) {
        int length = (int)strlen(bertc_metric_name(metrics->metrics[i]));
        if (length >= width) width = length + 1;
    }
    printf("%-*s%s\n", width, "task", task->name);
    printf("%-*s%s\n", width, "split", bertc_split_name(split));
    printf("%-*s%zu\n", width, "examples", scores->examples);
    printf("%-*s%.4f\n", width, "loss", scores->value[BERTC_LOSS]);
    for (int i = 0; i < metrics->count; i++)
        if (metrics->metrics[i] != BERTC_LOSS)
            printf("%-*s%.4f\n", width, bertc_metric_name(metrics->metrics[i]), scores->value[metrics->metrics[i]]);
}

/* ---- Classes ------------------------------------------------------------------------------- */

enum { NAME = 40 }; /* columns of a label, at most */

static int label_width(const char *label)
{
    int width = cli_text_width(label);
    return width < NAME ? width : NAME;
}

static void print_classes(const bertc_task *task, const bertc_class_report *report, int width)
{
    printf("\n%*s%9s%9s%9s%9s\n", width, "", "precision", "recall", "f1", "support");
    for (int c = 0; c < report->num_classes; c++) {
        const bertc_class_scores *of = &report->classes[c];
        cli_put_padded(task->labels[c], width);
        printf("%9.4f%9.4f%9.4f%9zu\n", of->precision, of->recall, of->f1, of->examples);
    }
}

/* The number of the column stands above it: names of labels may be long. */
static void print_matrix(const bertc_task *task, const bertc_class_report *report, int width)
{
    size_t matrix[BERTC_SHOWN_CONFUSIONS][BERTC_SHOWN_CONFUSIONS] = {{0}};
    for (size_t i = 0; i < report->num_confusions; i++)
        matrix[report->confusions[i].label][report->confusions[i].predicted] = report->confusions[i].count;
    printf("\n%-*s", width + 4, "label \\ predicted");
    for (int c = 0; c < report->num_classes; c++) printf("%8d", c);
    for (int label = 0; label < report->num_classes; label++) {
        printf("\n%2d  ", label);
        cli_put_padded(task->labels[label], width);
        for (int c = 0; c < report->num_classes; c++) printf("%8zu", matrix[label][c]);
    }
    putchar('\n');
}

static void print_confusions(const bertc_task *task, const bertc_class_report *report, int width)
{
    int shown = 0;
    putchar('\n');
    cli_put_padded("label", width);
    cli_put_padded("predicted", width);
    puts("examples    share");
    for (size_t i = 0; i < report->num_confusions && shown < BERTC_SHOWN_CONFUSIONS; i++) {
        const bertc_confusion *c = &report->confusions[i];
        if (c->label == c->predicted) continue;
        cli_put_padded(task->labels[c->label], width);
        cli_put_padded(task->labels[c->predicted], width);
        printf("%8zu%8.1f%%\n", c->count, 100 * c->share);
        shown++;
    }
}

static void print_report(const bertc_task *task, const bertc_class_report *report)
{
    int width = (int)strlen("label \\ predicted") - 4;
    for (int c = 0; c < report->num_classes; c++)
        if (label_width(task->labels[c]) > width) width = label_width(task->labels[c]);
    print_classes(task, report, width + 2);
    if (!report->confusions) return; /* sets of labels */
    (report->num_classes <= BERTC_SHOWN_CONFUSIONS ? print_matrix : print_confusions)(task, report, width + 2);
}

/* ---- The command --------------------------------------------------------------------------- */

/* Check the options that choose what is reported. */
static bertc_status check_report(const cli_inference_values *v, const bertc_task *task, bertc_metric_list *metrics,
                                 bertc_error *err)
{
    bertc_error why = {0};
    bertc_status status = bertc_metric_list_parse(v->metrics, task, metrics, &why);
    if (status != BERTC_OK) return cli_fail(err, status, "--metrics: %s", why.message);
    if (v->by_class && task->kind == BERTC_REGRESSION)
        return cli_fail(err, BERTC_USAGE, "--by-class: task %s is a regression, it has no classes", task->name);
    return BERTC_OK;
}

bertc_status cli_eval(const void *values, cli_arguments arguments, bertc_error *err)
{
    (void)arguments;
    const cli_inference_values *v = values;
    bertc_metric_list metrics;
    cli_progress progress;
    bertc_predictor *predictor;
    bertc_predictions predictions = {0};
    bertc_class_report report = {0};
    const char *name = v->predict.task;
    if (!v->predict.data && name && bertc_task_find(name)) return cli_fail(err, BERTC_USAGE, "--data is missing");
    bertc_status status = cli_infer_begin(v, &progress, &predictor, err);
    const bertc_task *task = bertc_predictor_task(predictor);
    if (status == BERTC_OK && !v->predict.data && !bertc_task_has_files(task))
        status = cli_fail(err, BERTC_USAGE, "--data is missing");
    if (status == BERTC_OK) status = check_report(v, task, &metrics, err);
    if (status == BERTC_OK) status = bertc_predictor_run(predictor, true, &predictions, err);
    cli_progress_end(&progress);
    if (status == BERTC_OK && v->by_class)
        status = bertc_task_report_classes(predictions.dataset, predictions.logits, &report, err);
    if (status == BERTC_OK && v->json)
        status = cli_print_scores(task, v->predict.split, &predictions.scores, &metrics, v->by_class ? &report : NULL,
                                  err);
    else if (status == BERTC_OK) print_table(task, v->predict.split, &predictions.scores, &metrics);
    if (status == BERTC_OK && v->by_class && !v->json) print_report(task, &report);
    bertc_class_report_clear(&report);
    bertc_predictions_clear(&predictions);
    cli_infer_end(&progress, predictor);
    return status;
}
