#include "cli/scores.h"

#include <math.h>
#include <stdlib.h>

/* The shortest of 15 to 17 digits that reads back to the same number. */
void cli_put_number(double value)
{
    if (!isfinite(value)) {
        fputs("null", stdout);
        return;
    }
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    fputs(text, stdout);
}

void cli_scores_json(const bertc_task *task, bertc_split split, const bertc_scores *scores)
{
    printf("{\"task\":\"%s\",\"split\":\"%s\",\"examples\":%zu,\"loss\":", task->name,
           bertc_split_name(split), scores->examples);
    cli_put_number(scores->loss);
    fputs(",\"metrics\":{", stdout);
    for (int i = 0; i < task->num_metrics; i++) {
        printf("%s\"%s\":", i > 0 ? "," : "", bertc_metric_name(task->metrics[i]));
        cli_put_number(scores->value[task->metrics[i]]);
    }
    fputs("}}\n", stdout);
}
