#include "data/task_sampling.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

/* ---- Sampling ------------------------------------------------------------------------------ */

void bc_task_sampler_probabilities(const bc_task_sampler *sampler, int64_t step, double p[BERTC_MAX_TASKS])
{
    double a = sampler->sampling == BERTC_UNIFORM ? 0 : 1, sum = 0;
    if (sampler->sampling == BERTC_ANNEALED && sampler->epochs > 1)
        a = 1 - 0.8 * (double)(step / sampler->epoch_steps) / (double)(sampler->epochs - 1);
    for (int i = 0; i < sampler->tasks; i++) sum += p[i] = pow(sampler->sizes[i], a);
    for (int i = 0; i < sampler->tasks; i++) p[i] /= sum;
}

int bc_task_sampler_draw(const bc_task_sampler *sampler, int64_t step)
{
    double p[BERTC_MAX_TASKS];
    if (sampler->tasks == 1) return 0;
    bc_rng_block b = bc_rng(sampler->seed, (uint32_t)BC_RNG_TASK << 24, (uint32_t)step, 0, 0);
    double left = (double)((uint64_t)b.word[0] << 32 | b.word[1]) / 18446744073709551616.0;
    bc_task_sampler_probabilities(sampler, step, p);
    int task = 0;
    for (; task + 1 < sampler->tasks && left >= p[task]; task++) left -= p[task];
    return task;
}

void bc_task_sampler_seek(bc_task_sampler *sampler, int64_t step)
{
    if (step < sampler->step) {
        sampler->step = 0;
        memset(sampler->steps_before, 0, sizeof sampler->steps_before);
    }
    for (; sampler->step < step; sampler->step++) sampler->steps_before[bc_task_sampler_draw(sampler, sampler->step)]++;
}

/* ---- Examples ------------------------------------------------------------------------------ */

static bertc_status draw(void *self, int64_t step, bc_examples *examples, bertc_error *err)
{
    bc_task_sampler *sampler = self;
    (void)err;
    bc_task_sampler_seek(sampler, step);
    int task = bc_task_sampler_draw(sampler, step);
    *examples = bc_epoch_batch(sampler->datasets[task], sampler->steps_before[task]);
    examples->task = task;
    return BERTC_OK;
}

bc_example_source bc_task_sampler_source(bc_task_sampler *sampler)
{
    return (bc_example_source){draw, sampler};
}
