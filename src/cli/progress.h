/* What a running job shows on standard error: one live line on a terminal, plain lines at
 * intervals elsewhere, and notices. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "bertc.h"

typedef struct cli_progress {
    bool live; /* standard error is a terminal that can redraw a line */
    bool colour;
    bool shown;  /* a live line stands on the terminal */
    double next; /* time of the next line */
    char phase[16];
    bertc_observer observer; /* hand this to the job */
} cli_progress;

/* Also starts to watch for signals, which the observer's `stop` reports. */
bertc_status cli_progress_begin(cli_progress *progress, bertc_error *err);
void cli_progress_end(cli_progress *progress); /* clears the live line */

/* The program's only way to say that it failed: "bertc: MESSAGE". */
void cli_print_error(const char *message);

/* Seconds as "45s", "12m40s", "3h05m", "2d03h" into `out`. */
enum { CLI_DURATION = 24 };
void cli_format_duration(char out[CLI_DURATION], double seconds);

#endif
