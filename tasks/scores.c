/* Scores as JSON. */
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "tasks/tasks.h"

void bc_put_scores(bc_text *out, const bertc_task *task, bertc_split split, const bertc_scores *scores)
{
    bc_text_printf(out, "{\"task\":");
    bc_text_quote(out, task->name);
    bc_text_printf(out, ",\"split\":\"%s\",\"examples\":%zu,\"loss\":", bertc_split_name(split), scores->examples);
    bc_json_put_double(out, scores->loss);
    bc_text_printf(out, ",\"metrics\":{");
    for (int i = 0; i < task->num_metrics; i++) {
        bc_text_printf(out, "%s\"%s\":", i > 0 ? "," : "", bertc_metric_name(task->metrics[i]));
        bc_json_put_double(out, scores->value[task->metrics[i]]);
    }
    bc_text_printf(out, "}}");
}

bertc_status bertc_scores_json(const bertc_task *task, bertc_split split, const bertc_scores *scores, char **json,
                               bertc_error *err)
{
    bc_text text = {0};
    if (json) *json = NULL;
    if (!scores || !json) return bc_fail_null(err, __func__, "scores and json");
    bertc_status status = bc_task_check(task, err);
    if (status != BERTC_OK) return status;
    if (!bertc_split_name(split)) return bc_fail(err, BERTC_USAGE, "%s: split %d is not valid", __func__, (int)split);
    bc_put_scores(&text, task, split, scores);
    if (!text.failed) {
        *json = text.bytes;
        return BERTC_OK;
    }
    bc_text_clear(&text);
    return bc_fail_memory(err);
}
