#include "train/meter.h"

static const double interval = 0.1;

void bc_meter_start(bc_meter *meter, const bertc_observer *observer)
{
    *meter = (bc_meter){.observer = observer, .began = bc_clock()};
}

void bc_meter_add(bc_meter *meter, double seconds, int64_t tokens)
{
    bc_meter_total last = meter->total[meter->done % BC_METER_WINDOW];
    meter->done++;
    meter->total[meter->done % BC_METER_WINDOW] = (bc_meter_total){last.seconds + seconds, last.tokens + tokens};
}

size_t bc_meter_steps(const bc_meter *meter)
{
    size_t warm = meter->done < 2 ? meter->done : meter->done - 1;
    return warm < BC_METER_WINDOW ? warm : BC_METER_WINDOW - 1;
}

/* Compute the seconds and tokens of recent steps; return the number of these steps. */
static size_t sum_recent(const bc_meter *meter, bc_meter_total *sum)
{
    size_t steps = bc_meter_steps(meter);
    bc_meter_total last = meter->total[meter->done % BC_METER_WINDOW];
    bc_meter_total first = meter->total[(meter->done - steps) % BC_METER_WINDOW];
    *sum = (bc_meter_total){last.seconds - first.seconds, last.tokens - first.tokens};
    return steps;
}

static double speed(bc_meter_total sum)
{
    return sum.seconds > 0 ? (double)sum.tokens / sum.seconds : 0;
}

double bc_meter_speed(const bc_meter *meter)
{
    bc_meter_total sum;
    sum_recent(meter, &sum);
    return speed(sum);
}

double bc_meter_mean_speed(const bc_meter *meter)
{
    return speed(meter->total[meter->done % BC_METER_WINDOW]);
}

double bc_meter_step_seconds(const bc_meter *meter)
{
    bc_meter_total sum;
    size_t steps = sum_recent(meter, &sum);
    return steps > 0 ? sum.seconds / (double)steps : 0;
}

void bc_meter_show(bc_meter *meter, bertc_progress progress, bool always)
{
    const bertc_observer *o = meter->observer;
    double now = bc_clock();
    if (!o || !o->progress) return;
    if (!always && meter->shown > 0 && now - meter->shown < interval) return;
    meter->shown = now;
    progress.seconds = now - meter->began;
    o->progress(o->user, &progress);
}

bertc_status bc_meter_stop(const bc_meter *meter)
{
    const bertc_observer *o = meter->observer;
    return o && o->stop ? o->stop(o->user) : BERTC_OK;
}

const bertc_notify *bc_meter_notify(const bc_meter *meter)
{
    return meter->observer ? &meter->observer->notify : NULL;
}
