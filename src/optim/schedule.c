#include "optim/schedule.h"

#include <math.h>

double bc_schedule_rate(bertc_recipe recipe, double lr, int64_t step, int64_t warmup, int64_t total)
{
    if (step < warmup) return lr * ((double)step / (double)warmup);
    if (recipe == BERTC_RECIPE_GOOGLE) return lr * (1 - (double)step / (double)total);
    double falling = (double)(total > warmup ? total - warmup : 1);
    return lr * ((double)(total - step) / falling);
}

int64_t bc_schedule_warmup(bertc_recipe recipe, double ratio, int64_t total)
{
    double steps = ratio * (double)total;
    return (int64_t)(recipe == BERTC_RECIPE_HF ? ceil(steps) : floor(steps));
}
