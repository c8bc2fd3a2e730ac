/* bertc plan: the memory and time of a run, as a table or as JSON. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/inference.h"
#include "cli/progress.h"
#include "cli/scores.h"

const bertc_option *cli_plan_more(size_t *count)
{
    static const bertc_option json = {
        "json", BERTC_OPTION_FLAG, offsetof(cli_plan_values, json), NULL, 0, 0, NULL, NULL,
        "print one JSON object instead of a table", 0};
    *count = 1;
    return &json;
}

/* ---- The table ----------------------------------------------------------------------------- */

static void print_table(const bertc_plan_result *plan)
{
    char total[CLI_DURATION];
    for (int i = 0; i < BERTC_MEMORY_PARTS; i++)
        printf("%-15s%8zu MB\n", plan->parts[i].name, plan->parts[i].bytes >> 20);
    printf("%-15s%8zu MB", "peak memory", plan->peak >> 20);
    if (plan->available < SIZE_MAX) printf(", %zu MB are available (%s)", plan->available >> 20, plan->limit);
    putchar('\n');
    if (!plan->fits) printf("does not fit; %s%s\n", plan->advice[0] ? "it fits with " : BERTC_NO_ADVICE, plan->advice);
    printf("%-15s%8lld of %.0f tokens\n", "steps", (long long)plan->steps, plan->tokens_per_step);
    if (plan->measured == 0) return;
    cli_format_duration(total, plan->seconds);
    printf("%-15s%8.2f s, measured in %d step%s\n", "step time", plan->step_seconds, plan->measured,
           plan->measured == 1 ? "" : "s");
    printf("%-15s%8s\n", "total time", total);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void put_size(const char *name, size_t bytes, const char *after)
{
    printf("\"%s\":", name);
    if (bytes < SIZE_MAX) printf("%zu%s", bytes, after);
    else printf("null%s", after);
}

static void put_real(const char *name, double value, const char *after)
{
    printf("\"%s\":", name);
    cli_put_number(value);
    fputs(after, stdout);
}

static void print_json(const bertc_plan_result *plan)
{
    fputs("{\"memory\":{", stdout);
    for (int i = 0; i < BERTC_MEMORY_PARTS; i++)
        put_size(plan->parts[i].name, plan->parts[i].bytes, i + 1 < BERTC_MEMORY_PARTS ? "," : "},");
    put_size("peak", plan->peak, ",");
    put_size("available", plan->available, ",");
    printf("\"limit\":\"%s\",\"fits\":%s,\"advice\":\"%s\",\"steps\":%lld,", plan->limit,
           plan->fits ? "true" : "false", plan->advice, (long long)plan->steps);
    put_real("tokens_per_step", plan->tokens_per_step, ",");
    printf("\"measured_steps\":%d,", plan->measured);
    put_real("step_seconds", plan->step_seconds, ",");
    put_real("seconds", plan->seconds, "}\n");
}

bertc_status cli_plan(const void *values, cli_arguments arguments, bertc_error *err)
{
    (void)arguments;
    const cli_plan_values *v = values;
    bertc_status status = cli_tasks_check(v->train.task, err);
    if (status != BERTC_OK) return status;
    bertc_plan_result plan;
    cli_progress progress;
    status = cli_progress_begin(&progress, err);
    if (status == BERTC_OK) status = bertc_plan(&v->train, &progress.observer, &plan, err);
    cli_progress_end(&progress);
    if (status != BERTC_OK) return status;
    (v->json ? print_json : print_table)(&plan);
    return BERTC_OK;
}
