#include "data/mix.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"

/* ---- Drawing ------------------------------------------------------------------------------- */

static double power(const bc_mix *mix, int64_t step)
{
    if (mix->sampling == BERTC_UNIFORM) return 0;
    if (mix->sampling == BERTC_PROPORTIONAL || mix->epochs < 2) return 1;
    return 1 - 0.8 * (double)(step / mix->epoch_steps) / (double)(mix->epochs - 1);
}

void bc_mix_chances(const bc_mix *mix, int64_t step, double chances[BERTC_MAX_TASKS])
{
    double a = power(mix, step), sum = 0;
    for (int i = 0; i < mix->tasks; i++) sum += chances[i] = pow(mix->sizes[i], a);
    for (int i = 0; i < mix->tasks; i++) chances[i] /= sum;
}

int bc_mix_task(const bc_mix *mix, int64_t step)
{
    double chances[BERTC_MAX_TASKS];
    if (mix->tasks == 1) return 0;
    bc_rng_block b = bc_rng(mix->seed, (uint32_t)BC_RNG_TASK << 24, (uint32_t)step, 0, 0);
    double left = (double)((uint64_t)b.word[0] << 32 | b.word[1]) / 18446744073709551616.0;
    bc_mix_chances(mix, step, chances);
    int task = 0;
    for (; task + 1 < mix->tasks && left >= chances[task]; task++) left -= chances[task];
    return task;
}

void bc_mix_seek(bc_mix *mix, int64_t step)
{
    if (step < mix->step) {
        mix->step = 0;
        memset(mix->taken, 0, sizeof mix->taken);
    }
    for (; mix->step < step; mix->step++) mix->taken[bc_mix_task(mix, mix->step)]++;
}

/* ---- The list ------------------------------------------------------------------------------ */

static bertc_status add(const char *name, bool several, const bertc_task **tasks, int *count,
                        bertc_error *err)
{
    const bertc_task *task = bertc_task_find(name);
    if (!task) return bc_fail(err, BERTC_USAGE, "unknown task '%s'", name);
    if (!task->splits[BERTC_TRAIN].file)
        return bc_fail(err, BERTC_USAGE, "task %s has no training data", name);
    if (several && task->trained_as)
        return bc_fail(err, BERTC_USAGE, "--task: %s has the training data of %s", name, task->trained_as);
    for (int i = 0; i < *count; i++)
        if (strcmp(tasks[i]->name, name) == 0) return bc_fail(err, BERTC_USAGE, "--task: %s stands there twice", name);
    tasks[(*count)++] = task;
    return BERTC_OK;
}

bertc_status bc_mix_read(const char *list, const bertc_task *tasks[BERTC_MAX_TASKS], int *count,
                         bertc_error *err)
{
    bool several = strchr(list, ',') != NULL;
    *count = 0;
    for (bertc_status status;; list++) {
        char name[64];
        size_t length = strcspn(list, ",");
        snprintf(name, sizeof name, "%.*s", (int)(length < 63 ? length : 63), list);
        if (*count == BERTC_MAX_TASKS)
            return bc_fail(err, BERTC_USAGE, "--task: more than %d tasks", BERTC_MAX_TASKS);
        if ((status = add(name, several, tasks, count, err)) != BERTC_OK) return status;
        list += length;
        if (*list == '\0') return BERTC_OK;
    }
}
