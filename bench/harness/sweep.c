/* Cost against size: tokens/s of training steps, one factor varied at a time around a shape. */
#include <stdio.h>

#include "harness/harness.h"

enum { FACTORS = 4, LENGTH = 32 };

static struct {
    int length;
    char text[16];
} swept;

static const struct {
    const char *name, *title;
    int *setting;
    int values[CURVE_POINTS]; /* until 0 */
    bool log_y;
} factors[FACTORS] = {
    {"sweep of length", "tokens in a text", &swept.length,
     {8, 12, 16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512}, false},
    {"sweep of batch", "texts in a batch", &settings.batch_size,
     {1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256}, false},
    {"sweep of layers", "layers", &settings.layers, {2, 3, 4, 6, 8, 12, 16, 24}, true},
    {"sweep of hidden", "hidden size", &settings.hidden, {128, 192, 256, 384, 512, 768, 1024}, true},
};

/* Kept over the precisions of a run, so that one drawing has all of them. */
static panel panels[FACTORS];

static spread measure(const char *what)
{
    sample speed = {0};
    snprintf(swept.text, sizeof swept.text, "%d", swept.length);
    stepper t;
    open_stepper(&t);
    train(&t);
    for (int r = 0; r < settings.rounds; r++) add(&speed, t.batch->tokens / train(&t).seconds);
    print_figure(what, "tokens/s", speed, work_of(t.batch));
    close_stepper(&t);
    return spread_of(speed);
}

static void sweep_factor(int f)
{
    curve *c = &panels[f].curves[use_bf16()];
    int usual = *factors[f].setting;
    panels[f].title = factors[f].title;
    panels[f].log_y = factors[f].log_y;
    c->name = settings.precision;
    for (int i = 0; i < CURVE_POINTS && factors[f].values[i]; i++, c->count++) {
        *factors[f].setting = factors[f].values[i];
        c->x[i] = factors[f].values[i];
        c->y[i] = measure(factors[f].name);
    }
    *factors[f].setting = usual;
}

/* The file is there before the first figure, so that a path that is none costs nothing. */
static void check_svg(void)
{
    FILE *file = fopen(settings.svg, "ab");
    if (!file || fclose(file) != 0) stop(BERTC_IO, settings.svg, "cannot be written");
}

static void draw(void)
{
    char title[4 * NAME];
    snprintf(title, sizeof title,
             "Training, tokens/s: one of four varied around %d x %d, length %d, batch %d; "
             "%d threads, %s",
             settings.layers, settings.hidden, swept.length, settings.batch_size, settings.threads, settings.backend);
    write_svg(settings.svg, title, panels, FACTORS);
}

void bench_sweep(void)
{
    bench_settings usual = settings;
    if (settings.svg) check_svg();
    swept.length = LENGTH;
    settings.lengths = swept.text;
    for (int f = 0; f < FACTORS; f++) sweep_factor(f);
    if (settings.svg) draw();
    settings = usual;
}
