/* bertc eval: the scores of a model on a split. */
#include "cli/inference.h"
#include "cli/scores.h"

static void print_table(const bertc_task *task, bertc_split split, const bertc_scores *scores)
{
    printf("%-10s%s\n", "task", task->name);
    printf("%-10s%s\n", "split", bertc_split_name(split));
    printf("%-10s%zu\n", "examples", scores->examples);
    printf("%-10s%.4f\n", "loss", scores->loss);
    for (int i = 0; i < task->num_metrics; i++)
        printf("%-10s%.4f\n", bertc_metric_name(task->metrics[i]), scores->value[task->metrics[i]]);
}

bertc_status cli_eval(const void *values, cli_arguments arguments, bertc_error *err)
{
    (void)arguments;
    const cli_inference_values *v = values;
    const bertc_task *task;
    bertc_status status = cli_task_find(v->predict.task, &task, err);
    if (status != BERTC_OK) return status;
    bertc_predictions predictions = {0};
    status = cli_infer(v, NULL, 0, true, &predictions, err);
    if (status == BERTC_OK && v->json)
        status = cli_print_scores(task, v->predict.split, &predictions.scores, err);
    else if (status == BERTC_OK) print_table(task, v->predict.split, &predictions.scores);
    bertc_predictions_clear(&predictions);
    return status;
}
