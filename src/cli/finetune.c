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

static void summarise(const bertc_train_options *options, const bertc_task *task,
                      const bertc_train_result *result)
{
    char duration[CLI_DURATION];
    cli_format_duration(duration, result->seconds);
    bertc_metric metric = task->metrics[0];
    fprintf(stderr, "%lld step%s in %s, %.0f tokens/s, dev %s %.4f, model in %s\n",
            (long long)result->steps, result->steps == 1 ? "" : "s", duration,
            result->tokens_per_second, bertc_metric_name(metric), result->scores.value[metric], options->out);
}

bertc_status cli_finetune(const void *values, cli_words words, bertc_error *err)
{
    (void)words;
    const bertc_train_options *options = values;
    const bertc_task *task;
    bertc_status status = cli_task_find(options->task, &task, err);
    if (status != BERTC_OK) return status;
    cli_progress progress;
    bertc_train_result result = {0};
    status = cli_progress_begin(&progress, err);
    if (status == BERTC_OK) status = bertc_finetune(options, &progress.observer, &result, err);
    cli_progress_end(&progress);
    if (status != BERTC_OK) return status;
    summarise(options, task, &result);
    cli_scores_json(task, BERTC_DEV, &result.scores);
    return BERTC_OK;
}
