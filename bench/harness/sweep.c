/* Speed against size: tokens/s of training steps, with one factor varied at a time around a shape. */
#include <stdio.h>

#include "harness/harness.h"

enum { LENGTH = 32 };

/* The settings of a step, of which one factor is varied. */
typedef struct varied {
    bench_settings settings;
    int64_t length; /* tokens in each text */
    char lengths[NUMBER]; /* `length` as text, for settings.lengths */
} varied;

static const struct {
    const char *name, *title;
    size_t offset;            /* offset of the varied int64_t in `varied` */
    int values[CURVE_POINTS]; /* ended by 0 */
    bool log_y;
} factors[FACTORS] = {
    {"sweep of length", "tokens in a text", offsetof(varied, length),
     {8, 12, 16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512}, false},
    {"sweep of batch", "texts in a batch", offsetof(varied, settings.batch_size),
     {1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256}, false},
    {"sweep of layers", "layers", offsetof(varied, settings.layers), {2, 3, 4, 6, 8, 12, 16, 24}, true},
    {"sweep of hidden", "hidden size", offsetof(varied, settings.hidden), {128, 192, 256, 384, 512, 768, 1024}, true},
};

static spread measure(varied *v, const char *what)
{
    const bench_settings *s = &v->settings;
    sample speed = {0};
    stepper t;
    number_text(v->lengths, v->length);
    open_stepper(&t, s);
    train_step(&t);
    for (int r = 0; r < s->rounds; r++) add(&speed, t.batch->tokens / train_step(&t).seconds);
    print_result(s, what, "tokens/s", speed, work_of(s, t.batch));
    close_stepper(&t);
    return spread_of(speed);
}

static void vary(varied *v, int f)
{
    panel *p = &v->settings.report->panels[f];
    curve *c = &p->curves[use_bf16(&v->settings)];
    int64_t *factor = (int64_t *)((char *)v + factors[f].offset), usual = *factor;
    p->title = factors[f].title;
    p->log_y = factors[f].log_y;
    c->name = v->settings.precision;
    for (int i = 0; i < CURVE_POINTS && factors[f].values[i]; i++, c->count++) {
        *factor = factors[f].values[i];
        c->x[i] = factors[f].values[i];
        c->y[i] = measure(v, factors[f].name);
    }
    *factor = usual;
}

static void draw(const bench_settings *s)
{
    char title[4 * NAME];
    snprintf(title, sizeof title,
             "Training, tokens/s: each of four factors varied alone around %d x %d, length %d, batch %d; "
             "%d threads, %s", (int)s->layers, (int)s->hidden, LENGTH, (int)s->batch_size, (int)s->threads, s->backend);
    write_svg(s->svg, title, s->report->panels, FACTORS);
}

void bench_sweep(const bench_settings *s)
{
    varied v = {.settings = *s, .length = LENGTH};
    v.settings.lengths = v.lengths;
    if (s->svg) { /* before the first result, so that a bad path fails at once */
        FILE *file = fopen(s->svg, "ab");
        if (!file || fclose(file) != 0) fail(BERTC_IO, s->svg, "cannot be written");
    }
    for (int f = 0; f < FACTORS; f++) vary(&v, f);
    if (s->svg) draw(s);
}
