#include "cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/signals.h"

static const double live_interval = 0.1, plain_interval = 10; /* seconds */

static bool may_redraw(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
}

/* Whether to use colour. https://no-color.org: NO_COLOR counts if it is set and not empty. */
static bool may_colour(void)
{
    const char *refused = getenv("NO_COLOR");
    return may_redraw() && !(refused && *refused);
}

void cli_print_error(const char *message)
{
    bool colour = may_colour();
    fprintf(stderr, "%sbertc:%s %s\n", colour ? "\033[1;31m" : "", colour ? "\033[0m" : "", message);
}

void cli_format_duration(char out[CLI_DURATION], double seconds)
{
    static const struct {
        double below;
        double major, minor; /* seconds in each unit */
        const char *format;
    } rows[] = {
        {3600, 60, 1, "%.0fm%02.0fs"},
        {86400, 3600, 60, "%.0fh%02.0fm"},
        {8.64e7, 86400, 3600, "%.0fd%02.0fh"},
    };
    snprintf(out, CLI_DURATION, "%.0fs", seconds);
    if (!(seconds >= 59.5)) return;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double whole = floor(seconds / rows[i].minor + 0.5) * rows[i].minor;
        if (whole >= rows[i].below) continue;
        double major = floor(whole / rows[i].major);
        snprintf(out, CLI_DURATION, rows[i].format, major, (whole - major * rows[i].major) / rows[i].minor);
        return;
    }
}

static void clear_line(cli_progress *p)
{
    if (p->shown) fputs("\r\033[K", stderr);
    p->shown = false;
}

/* Format what follows the phase in "train 120/6315  epoch 0.06  loss 0.5312  12345 tokens/s  ETA 12m40s", or in
 * "predict 512 texts  12345 tokens/s". */
static void describe(const bertc_progress *progress, char *out, size_t size)
{
    char total[32] = "";
    if (progress->steps > 0) snprintf(total, sizeof total, "/%lld", (long long)progress->steps);
    size_t used = (size_t)snprintf(out, size, " %lld%s%s%s", (long long)progress->step, total,
                                   progress->unit ? " " : "", progress->unit ? progress->unit : "");
    if (isfinite(progress->loss) && used < size)
        used += (size_t)snprintf(out + used, size - used, "  epoch %.2f  loss %.4f", progress->epoch, progress->loss);
    if (progress->tokens_per_second > 0 && used < size)
        used += (size_t)snprintf(out + used, size - used, "  %.0f tokens/s", progress->tokens_per_second);
    if (isfinite(progress->eta_seconds) && progress->step < progress->steps && used < size) {
        char eta[CLI_DURATION];
        cli_format_duration(eta, progress->eta_seconds);
        snprintf(out + used, size - used, "  ETA %s", eta);
    }
}

static void draw(cli_progress *p, const bertc_progress *progress)
{
    char line[200];
    describe(progress, line, sizeof line);
    const char *phase = progress->phase;
    if (!p->live) {
        fprintf(stderr, "%s%s\n", phase, line);
        return;
    }
    struct winsize window;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0;
    size_t width = known ? window.ws_col - 1u : 79, used = strlen(phase);
    if (used >= width) return;
    fprintf(stderr, "\r%s%s%s%.*s\033[K", p->colour ? "\033[1m" : "", phase, p->colour ? "\033[0m" : "",
            (int)(width - used), line);
    fflush(stderr);
    p->shown = true;
}

static void on_progress(void *user, const bertc_progress *progress)
{
    cli_progress *p = user;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double time = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    bool changed = strcmp(p->phase, progress->phase) != 0;
    if (!changed && time < p->next && progress->step != progress->steps) return;
    snprintf(p->phase, sizeof p->phase, "%s", progress->phase);
    p->next = time + (p->live ? live_interval : plain_interval);
    /* How long the phase takes is not known: the first plain line comes after the interval. */
    if (changed && progress->steps == 0 && !p->live) return;
    draw(p, progress);
}

static void on_notice(void *user, const char *line)
{
    clear_line(user);
    fprintf(stderr, "%s\n", line);
}

static bertc_status on_stop(void *user)
{
    (void)user;
    return cli_signals_status();
}

bertc_status cli_progress_begin(cli_progress *p, bertc_error *err)
{
    *p = (cli_progress){.live = may_redraw(), .colour = may_colour()};
    p->observer = (bertc_observer){.notify = {on_notice, p}, .progress = on_progress, .stop = on_stop, .user = p};
    return cli_signals_watch(err);
}

void cli_progress_end(cli_progress *p)
{
    clear_line(p);
    fflush(stderr);
}
