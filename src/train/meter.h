/* What a job tells its caller while it works: progress, notices, and the question whether to stop.
 *
 * Speed is that of the last steps, evaluations and saving left out; the time left counts the
 * evaluations that are still to come. */
#ifndef BC_TRAIN_METER_H
#define BC_TRAIN_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "bertc/train.h"

enum { BC_METER_WINDOW = 33 };

/* Time and tokens of the work so far, at the end of a step. */
typedef struct bc_meter_mark {
    double busy;
    int64_t tokens;
} bc_meter_mark;

typedef struct bc_meter {
    const bertc_observer *observer; /* or null */
    double began, shown;            /* times; shown 0: never */
    bc_meter_mark mark[BC_METER_WINDOW];  /* ring; mark[done % WINDOW] is the last */
    size_t done;                    /* steps */
    double pass_seconds;            /* of one evaluation, the last; 0: none yet */
} bc_meter;

void bc_meter_start(bc_meter *meter, const bertc_observer *observer);

/* A step took `seconds` over `tokens`. */
void bc_meter_add(bc_meter *meter, double seconds, int64_t tokens);

/* How many steps count as recent. The first, which warms up, does so only while it is alone. */
size_t bc_meter_steps(const bc_meter *meter);

double bc_meter_speed(const bc_meter *meter);        /* tokens a second, recent */
double bc_meter_mean_speed(const bc_meter *meter);   /* of all steps, the first one too; 0: none */
double bc_meter_step_seconds(const bc_meter *meter); /* recent */

/* Hand `progress` on, unless one was within the last tenth of a second and `must` is not set.
 * Speed and seconds are filled in. */
void bc_meter_show(bc_meter *meter, bertc_progress progress, bool must);

/* What the caller wants: BERTC_OK to go on. */
bertc_status bc_meter_stop(const bc_meter *meter);

const bertc_notify *bc_meter_notify(const bc_meter *meter);

#endif
