/* Progress of a running job on standard error: one live line on a terminal, else plain lines at intervals. Notices are
 * printed too. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "bertc.h"

typedef struct cli_progress {
    bool live;   /* standard error is a terminal that can redraw a line */
    bool colour; /* use colour on it */
    bool shown;  /* the terminal shows a live line */
    double next; /* time of the next line */
    char phase[16];
    bertc_observer observer; /* hand this to the job */
} cli_progress;

/* Begin to show progress, and to watch for signals, which the observer's `stop` reports. */
bertc_status cli_progress_begin(cli_progress *progress, bertc_error *err);
void cli_progress_end(cli_progress *progress); /* clears the live line; more progress may follow */

/* Print "bertc: MESSAGE". Every failure of the program is reported by this function. */
void cli_print_error(const char *message);

/* Format seconds as "45s", "12m40s", "3h05m" or "2d03h". */
enum { CLI_DURATION = 24 };
void cli_format_duration(char out[CLI_DURATION], double seconds);

#endif
