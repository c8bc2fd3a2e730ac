#include "optim/schedule.h"

#include <math.h>

double bc_schedule_rate(const bc_schedule *s, int64_t step)
{
    static const double pi = 3.14159265358979323846;
    int64_t from = s->recipe == BERTC_RECIPE_GOOGLE ? 0 : s->warmup; /* where the decay is counted from */
    double decay = (double)(s->steps > from ? s->steps - from : 1);
    if (step < s->warmup) return s->lr * ((double)step / (double)s->warmup);
    switch (s->shape) {
    case BERTC_SCHEDULE_COSINE: return s->lr * (0.5 * (1 + cos(pi * ((double)(step - from) / decay))));
    case BERTC_SCHEDULE_CONSTANT: return s->lr;
    default: break;
    }
    /* Each recipe's linear decay is computed in the order of its reference, to the same bits. */
    if (s->recipe == BERTC_RECIPE_GOOGLE) return s->lr * (1 - (double)step / (double)s->steps);
    return s->lr * ((double)(s->steps - step) / decay);
}

int64_t bc_schedule_warmup(bertc_recipe recipe, double ratio, int64_t total)
{
    double steps = ratio * (double)total;
    return (int64_t)(recipe == BERTC_RECIPE_HF ? ceil(steps) : floor(steps));
}
