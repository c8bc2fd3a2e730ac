/* Task files: any bytes give a task or a one-line error, and what the task writes reads back as the same task. The tables
 * that a task file may name do not exist, so a task without labels is an error. */
#include "bertc/own_task.h"
#include "fuzz.h"

/* Open a task file and write it; null if it is refused. */
static char *fuzz_task(const char *path, const uint8_t *data, size_t size)
{
    const bertc_task *task;
    bertc_error err = {0};
    char *json = NULL;
    fuzz_put(path, data, size);
    bertc_status status = bertc_task_open(path, NULL, NULL, false, NULL, &task, &err);
    if (status == BERTC_OK) {
        FUZZ_CHECK(task->name && task->num_labels >= 1 && task->num_metrics >= 1);
        FUZZ_CHECK(bertc_task_json(task, 0, true, &json, NULL) == BERTC_OK);
    } else {
        FUZZ_CHECK(!task && err.status == status && err.message[0] && !strchr(err.message, '\n'));
    }
    bertc_task_close(task);
    return json;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    fuzz_path(path, "t.json");
    char *json = fuzz_task(path, data, size);
    if (json) {
        char *again = fuzz_task(path, (const uint8_t *)json, strlen(json));
        FUZZ_CHECK(again && strcmp(json, again) == 0);
        free(again);
    }
    free(json);
    unlink(path);
    return 0;
}
