/* A job's channel to its caller while it runs: progress, notices, and requests to stop.
 *
 * Speed is measured over recent steps, without evaluations and saving. The estimated time left includes the evaluations
 * that are still to come. */
#ifndef BC_TRAIN_METER_H
#define BC_TRAIN_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "bertc/train.h"

enum { BC_METER_WINDOW = 33 };

/* Time and tokens of all steps so far, at the end of a step. */
typedef struct bc_meter_total {
    double seconds;
    int64_t tokens;
} bc_meter_total;

typedef struct bc_meter {
    const bertc_observer *observer; /* may be null */
    double began;                   /* time at the start of the job */
    double shown;                   /* time of the last progress report; 0: none yet */
    bc_meter_total total[BC_METER_WINDOW]; /* ring buffer; total[done % BC_METER_WINDOW] is the latest */
    size_t done;                    /* number of steps */
    double pass_seconds;            /* duration of the last evaluation; 0: none yet */
} bc_meter;

void bc_meter_start(bc_meter *meter, const bertc_observer *observer);

/* Count a step of `tokens` tokens that took `seconds`. */
void bc_meter_add(bc_meter *meter, double seconds, int64_t tokens);

/* The number of recent steps, over which speed is measured. The first step is a warm-up: it counts only until there is
 * a second step. */
size_t bc_meter_steps(const bc_meter *meter);

double bc_meter_speed(const bc_meter *meter);        /* tokens per second of recent steps; 0: no steps */
double bc_meter_mean_speed(const bc_meter *meter);   /* tokens per second of all steps; 0: no steps */
double bc_meter_step_seconds(const bc_meter *meter); /* mean seconds of recent steps; 0: no steps */

/* Report `progress` to the observer, with its `seconds` filled in. Unless `always`, skip it if the last report is less
 * than a tenth of a second old. */
void bc_meter_show(bc_meter *meter, bertc_progress progress, bool always);

/* Ask the observer whether to stop: BERTC_OK to go on, else the status with which to end. */
bertc_status bc_meter_stop(const bc_meter *meter);

/* The observer's notices; null: none. */
const bertc_notify *bc_meter_notify(const bc_meter *meter);

#endif
