/* bertc tasks: print the table of tasks. */
#include <stdio.h>

#include "cli/command.h"

/* Join strings with ", " into `out`. */
static void join(char *out, size_t size, const char *const *strings, int count)
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i > 0 ? ", " : "", strings[i]);
}

bertc_status cli_tasks(const void *values, cli_arguments arguments, bertc_error *err)
{
    (void)values, (void)arguments, (void)err;
    const char *format = "%-8s  %-6s  %-6s  %-19s  %-35s  %s\n";
    printf(format, "task", "folder", "input", "metrics", "labels", "about");
    for (size_t i = 0; i < bertc_task_count(); i++) {
        const bertc_task *task = bertc_task_at(i);
        const char *names[BERTC_MAX_TASK_METRICS] = {NULL};
        char labels[80], metrics[40];
        for (int m = 0; m < task->num_metrics; m++) names[m] = bertc_metric_name(task->metrics[m]);
        join(metrics, sizeof metrics, names, task->num_metrics);
        join(labels, sizeof labels, task->labels, task->kind == BERTC_REGRESSION ? 0 : task->num_labels);
        printf(format, task->name, task->folder, task->pair ? "pair" : "single", metrics,
               task->kind == BERTC_REGRESSION ? "a number" : labels, task->title);
    }
    printf(format, BERTC_CUSTOM_TASK, "-", "any", "accuracy, f1_macro", "those of the table",
           "your own tables; FILE.json: a task file");
    return BERTC_OK;
}
