#include "cli/apply.h"
#include "cli/scores.h"

bertc_status cli_eval(const void *values, cli_words words, bertc_error *err)
{
    (void)words;
    const cli_apply_values *v = values;
    const bertc_task *task;
    bertc_status status = cli_task_find(v->task, &task, err);
    if (status != BERTC_OK) return status;
    bertc_predictions predictions = {0};
    status = cli_apply(v, NULL, 0, true, &predictions, err);
    if (status == BERTC_OK) {
        void (*print)(const bertc_task *, bertc_split, const bertc_scores *) =
            v->json ? cli_scores_json : cli_scores_table;
        print(task, (bertc_split)v->split, &predictions.scores);
    }
    bertc_predictions_clear(&predictions);
    return status;
}
