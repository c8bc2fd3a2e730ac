/* bertc finetune: a training run. */
#include <stdio.h>
#include <string.h>

#include "cli/inference.h"
#include "cli/progress.h"
#include "cli/scores.h"

void cli_finetune_defaults(void *values)
{
    bertc_train_defaults(values);
}

/* Print "250 steps in 12m40s, 2212 tokens/s in training, dev accuracy 0.9243, model in run". */
static void summarise(const bertc_train_options *options, const bertc_train_result *result)
{
    char planned[32] = "", duration[CLI_DURATION];
    size_t tasks = 1;
    for (const char *p = options->task; (p = strchr(p, ',')) != NULL; p++) tasks++;
    if (result->steps < result->planned_steps)
        snprintf(planned, sizeof planned, " of %lld", (long long)result->planned_steps);
    fprintf(stderr, "%lld%s step%s", (long long)result->steps, planned, result->steps == 1 && !planned[0] ? "" : "s");
    if (result->steps_now > 0) {
        cli_format_duration(duration, result->seconds);
        if (result->steps_now < result->steps) fprintf(stderr, ", the last %lld of them", (long long)result->steps_now);
        fprintf(stderr, " in %s, %.0f tokens/s in training", duration, result->tokens_per_second);
    }
    /* The first split of each task; all tasks with splits have the same number of them. */
    size_t each = result->evaluated_tasks > 0 ? result->eval_count / (size_t)result->evaluated_tasks : 1;
    for (size_t i = 0; i < result->eval_count; i += each) {
        const bertc_split_scores *e = &result->evals[i];
        bertc_metric metric = e->metrics.metrics[0];
        fprintf(stderr, ", %s%s%s %s %.4f", tasks > 1 ? e->task->name : "", tasks > 1 ? " " : "",
                bertc_split_name(e->split), bertc_metric_name(metric), e->scores.value[metric]);
    }
    fprintf(stderr, ", model%s in %s%s\n", tasks > 1 ? "s" : "", options->out,
            result->warnings > 0 ? "; it did not learn, see above" : "");
}

bertc_status cli_finetune(const void *values, cli_arguments arguments, bertc_error *err)
{
    bertc_train_options options = *(const bertc_train_options *)values;
    options.command = (const char *const *)arguments.command;
    bertc_status status = cli_tasks_check(options.task, err);
    if (status != BERTC_OK) return status;
    cli_progress progress;
    bertc_train_result result = {0};
    status = cli_progress_begin(&progress, err);
    if (status == BERTC_OK) status = bertc_finetune(&options, &progress.observer, &result, err);
    cli_progress_end(&progress);
    if (status != BERTC_OK) return status;
    summarise(&options, &result);
    for (size_t i = 0; i < result.eval_count && status == BERTC_OK; i++) {
        const bertc_split_scores *e = &result.evals[i];
        status = cli_print_scores(e->task, e->split, &e->scores, &e->metrics, NULL, err);
    }
    bertc_train_result_clear(&result);
    return status;
}
