#include <stdio.h>

#include "cli/apply.h"
#include "cli/progress.h"
#include "cli/scores.h"

const bertc_option *cli_finetune_table(size_t *count)
{
    return bertc_train_option_table(count);
}

void cli_finetune_defaults(void *values)
{
    bertc_train_defaults(values);
}

static void summarise(const bertc_train_options *options, const bertc_train_result *result)
{
    char duration[CLI_DURATION];
    bool several = result->num_tasks > 1;
    cli_format_duration(duration, result->seconds);
    fprintf(stderr, "%lld step%s in %s, %.0f tokens/s, dev", (long long)result->steps,
            result->steps == 1 ? "" : "s", duration, result->tokens_per_second);
    for (int i = 0; i < result->num_tasks; i++) {
        bertc_metric metric = result->tasks[i]->metrics[0];
        fprintf(stderr, "%s%s%s %s %.4f", i ? "," : "", several ? " " : "",
                several ? result->tasks[i]->name : "", bertc_metric_name(metric),
                result->task_scores[i].value[metric]);
    }
    fprintf(stderr, ", %s in %s\n", several ? "models" : "model", options->out);
}

bertc_status cli_finetune(const void *values, cli_words words, bertc_error *err)
{
    (void)words;
    const bertc_train_options *options = values;
    bertc_status status = cli_tasks_check(options->task, err);
    if (status != BERTC_OK) return status;
    cli_progress progress;
    bertc_train_result result = {0};
    status = cli_progress_begin(&progress, err);
    if (status == BERTC_OK) status = bertc_finetune(options, &progress.observer, &result, err);
    cli_progress_end(&progress);
    if (status != BERTC_OK) return status;
    summarise(options, &result);
    for (int i = 0; i < result.num_tasks; i++)
        cli_scores_json(result.tasks[i], BERTC_DEV, &result.task_scores[i]);
    return BERTC_OK;
}
