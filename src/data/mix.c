#include "data/mix.h"

#include <math.h>
#include <string.h>

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

/* ---- Examples ------------------------------------------------------------------------------ */

static bertc_status draw(void *self, int64_t step, bc_examples *examples, bertc_error *err)
{
    bc_mix *mix = self;
    (void)err;
    bc_mix_seek(mix, step);
    int task = bc_mix_task(mix, step);
    *examples = bc_epoch_batch(mix->parts[task], mix->taken[task]);
    examples->part = task;
    return BERTC_OK;
}

bc_example_source bc_mix_source(bc_mix *mix)
{
    return (bc_example_source){draw, mix};
}
