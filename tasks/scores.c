/* Scores as JSON. */
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "tasks/tasks.h"

/* Append the object without its closing brace. */
static void open_scores(bc_text *out, const bertc_task *task, bertc_split split, const bertc_scores *scores,
                        const bertc_metric_list *metrics)
{
    bc_text_printf(out, "{\"task\":");
    bc_text_quote(out, task->name);
    bc_text_printf(out, ",\"split\":\"%s\",\"examples\":%zu,\"loss\":", bertc_split_name(split), scores->examples);
    bc_json_put_double(out, scores->value[BERTC_LOSS]);
    bc_text_printf(out, ",\"metrics\":{");
    for (int i = 0; i < metrics->count; i++) {
        bc_text_printf(out, "%s\"%s\":", i > 0 ? "," : "", bertc_metric_name(metrics->metrics[i]));
        bc_json_put_double(out, scores->value[metrics->metrics[i]]);
    }
    bc_text_printf(out, "}");
}

void bc_put_scores(bc_text *out, const bertc_task *task, bertc_split split, const bertc_scores *scores,
                   const bertc_metric_list *metrics)
{
    open_scores(out, task, split, scores, metrics);
    bc_text_printf(out, "}");
}

static void put_classes(bc_text *out, const bertc_task *task, const bertc_class_report *report)
{
    for (int c = 0; c < report->num_classes; c++) {
        const bertc_class_scores *of = &report->classes[c];
        bc_text_printf(out, "%s{\"label\":", c ? "," : ",\"classes\":[");
        bc_text_quote(out, task->labels[c]);
        bc_text_printf(out, ",\"precision\":");
        bc_json_put_double(out, of->precision);
        bc_text_printf(out, ",\"recall\":");
        bc_json_put_double(out, of->recall);
        bc_text_printf(out, ",\"f1\":");
        bc_json_put_double(out, of->f1);
        bc_text_printf(out, ",\"support\":%zu}", of->examples);
    }
    bc_text_printf(out, "]");
}

static void put_matrix(bc_text *out, const bertc_class_report *report)
{
    size_t matrix[BERTC_SHOWN_CONFUSIONS][BERTC_SHOWN_CONFUSIONS] = {{0}};
    for (size_t i = 0; i < report->num_confusions; i++)
        matrix[report->confusions[i].label][report->confusions[i].predicted] = report->confusions[i].count;
    for (int label = 0; label < report->num_classes; label++) {
        bc_text_printf(out, label ? "]," : ",\"confusion\":[");
        for (int c = 0; c < report->num_classes; c++) bc_text_printf(out, "%c%zu", c ? ',' : '[', matrix[label][c]);
    }
    bc_text_printf(out, "]]");
}

static void put_confusions(bc_text *out, const bertc_task *task, const bertc_class_report *report)
{
    int shown = 0;
    bc_text_printf(out, ",\"confusions\":[");
    for (size_t i = 0; i < report->num_confusions && shown < BERTC_SHOWN_CONFUSIONS; i++) {
        const bertc_confusion *c = &report->confusions[i];
        if (c->label == c->predicted) continue;
        bc_text_printf(out, "%s{\"label\":", shown++ ? "," : "");
        bc_text_quote(out, task->labels[c->label]);
        bc_text_printf(out, ",\"predicted\":");
        bc_text_quote(out, task->labels[c->predicted]);
        bc_text_printf(out, ",\"count\":%zu}", c->count);
    }
    bc_text_printf(out, "]");
}

bertc_status bertc_scores_json(const bertc_task *task, bertc_split split, const bertc_scores *scores,
                               const bertc_metric_list *metrics, const bertc_class_report *report, char **json,
                               bertc_error *err)
{
    bc_text text = {0};
    if (json) *json = NULL;
    if (!scores || !json) return bc_fail_null(err, __func__, "scores and json");
    bertc_status status = bc_task_check(task, err);
    if (status != BERTC_OK) return status;
    if (!bertc_split_name(split)) return bc_fail(err, BERTC_USAGE, "%s: split %d is not valid", __func__, (int)split);
    const bertc_metric_list own = bc_own_metrics(task);
    open_scores(&text, task, split, scores, metrics ? metrics : &own);
    if (report) put_classes(&text, task, report);
    bool matrix = report && report->confusions;
    if (matrix && report->num_classes <= BERTC_SHOWN_CONFUSIONS) put_matrix(&text, report);
    else if (matrix) put_confusions(&text, task, report);
    bc_text_printf(&text, "}");
    if (!text.failed) {
        *json = text.bytes;
        return BERTC_OK;
    }
    bc_text_clear(&text);
    return bc_fail_memory(err);
}
