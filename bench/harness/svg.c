/* Curves in panels, as one SVG file. */
#include <math.h>
#include <stdio.h>

#include "harness/harness.h"

enum {
    WIDTH = 480, HEIGHT = 320,                    /* size of a panel */
    ROW = 2,                                      /* panels in a row */
    TOP = 56,                                     /* margin above the panels */
    LEFT = 64, RIGHT = 16, ABOVE = 36, BELOW = 44 /* margins between a panel and its frame */
};

static const char *const colours[CURVES] = {"#1f5fa8", "#c4501b"};

/* Position and size of a panel's frame, and the ranges of its axes. */
typedef struct frame {
    double x, y, width, height;
    double x_min, x_max, y_min, y_max;
    bool log_y;
} frame;

static double place_x(const frame *f, double x)
{
    double range = log2(f->x_max / f->x_min);
    return f->x + (range > 0 ? log2(x / f->x_min) / range : 0.5) * f->width;
}

static double place_y(const frame *f, double y)
{
    double part = f->log_y ? log(y / f->y_min) / log(f->y_max / f->y_min) : (y - f->y_min) / (f->y_max - f->y_min);
    return f->y + f->height - part * f->height;
}

/* Return the largest number of the form 1, 2 or 5 times a power of ten that is at most v. */
static double round_down(double v)
{
    double power = pow(10, floor(log10(v))), digit = v / power;
    return power * (digit >= 5 ? 5 : digit >= 2 ? 2 : 1);
}

static frame frame_of(const panel *p, int index)
{
    frame f = {.x = index % ROW * WIDTH + LEFT, .y = TOP + index / ROW * HEIGHT + ABOVE,
               .width = WIDTH - LEFT - RIGHT, .height = HEIGHT - ABOVE - BELOW,
               .x_min = HUGE_VAL, .y_min = HUGE_VAL, .log_y = p->log_y};
    for (int c = 0; c < CURVES; c++)
        for (int i = 0; i < p->curves[c].count; i++) {
            f.x_min = fmin(f.x_min, p->curves[c].x[i]);
            f.x_max = fmax(f.x_max, p->curves[c].x[i]);
            f.y_min = fmin(f.y_min, p->curves[c].y[i].min);
            f.y_max = fmax(f.y_max, p->curves[c].y[i].max);
        }
    f.y_max *= 1.05;
    f.y_min = p->log_y ? round_down(f.y_min) : 0;
    return f;
}

/* ---- Marks --------------------------------------------------------------------------------- */

static void mark_y(FILE *to, const frame *f, double value)
{
    double y = place_y(f, value);
    fprintf(to, "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='#ddd'/>", f->x, y, f->x + f->width, y);
    fprintf(to, "<text x='%.1f' y='%.1f' text-anchor='end'>%.10g</text>\n", f->x - 6, y + 4, value);
}

static void draw_y_axis(FILE *to, const frame *f)
{
    double step = round_down(f->y_max / 4);
    for (int i = 0; !f->log_y && i * step <= f->y_max; i++) mark_y(to, f, i * step);
    for (double v = f->y_min; f->log_y && v <= f->y_max; v = round_down(2.5001 * v)) mark_y(to, f, v);
}

/* Draw the x axis, with a tick for each point of the longer curve. */
static void draw_x_axis(FILE *to, const frame *f, const panel *p)
{
    const curve *longer = &p->curves[p->curves[1].count > p->curves[0].count];
    double bottom = f->y + f->height;
    for (int i = 0; i < longer->count; i++) {
        double x = place_x(f, longer->x[i]);
        fprintf(to, "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='#333'/>", x, bottom, x, bottom + 4);
        fprintf(to, "<text x='%.1f' y='%.1f' text-anchor='middle'>%.10g</text>\n", x, bottom + 17, longer->x[i]);
    }
    fprintf(to, "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='none' stroke='#333'/>\n", f->x, f->y,
            f->width, f->height);
    fprintf(to, "<text x='%.1f' y='%.1f' text-anchor='middle'>%s</text>\n", f->x + f->width / 2, bottom + 35, p->title);
    fprintf(to, "<text x='%.1f' y='%.1f'>tokens/s</text>\n", f->x - LEFT + 8, f->y - 10);
}

/* ---- Curves -------------------------------------------------------------------------------- */

/* Draw a line through the medians, and for each point a dot and a bar from minimum to maximum. */
static void draw_curve(FILE *to, const frame *f, const curve *c, int index)
{
    const char *colour = colours[index];
    fprintf(to, "<polyline fill='none' stroke='%s' stroke-width='1.5' points='", colour);
    for (int i = 0; i < c->count; i++) fprintf(to, "%.1f,%.1f ", place_x(f, c->x[i]), place_y(f, c->y[i].median));
    fputs("'/>\n", to);
    for (int i = 0; i < c->count; i++) {
        double x = place_x(f, c->x[i]);
        fprintf(to, "<circle cx='%.1f' cy='%.1f' r='2.5' fill='%s'/>", x, place_y(f, c->y[i].median), colour);
        fprintf(to, "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='%s'/>\n", x, place_y(f, c->y[i].min), x,
                place_y(f, c->y[i].max), colour);
    }
    fprintf(to, "<text x='%.1f' y='%.1f' text-anchor='end' fill='%s'>%s</text>\n",
            f->x + f->width - 50 * index, f->y - 10, colour, c->name);
}

void write_svg(const char *path, const char *title, const panel *panels, int count)
{
    FILE *to = fopen(path, "wb");
    if (!to) fail(BERTC_IO, path, "cannot be created");
    int width = ROW * WIDTH, height = TOP + (count + ROW - 1) / ROW * HEIGHT;
    fprintf(to,
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' width='%d' height='%d' "
            "font-family='sans-serif' font-size='12'>\n"
            "<rect width='100%%' height='100%%' fill='white'/>\n"
            "<text x='%d' y='28' font-size='15'>%s</text>\n",
            width, height, width, height, LEFT / 2, title);
    for (int p = 0; p < count; p++) {
        frame f = frame_of(&panels[p], p);
        draw_y_axis(to, &f);
        draw_x_axis(to, &f, &panels[p]);
        for (int c = 0; c < CURVES; c++)
            if (panels[p].curves[c].count) draw_curve(to, &f, &panels[p].curves[c], c);
    }
    fputs("</svg>\n", to);
    if (fclose(to) != 0) fail(BERTC_IO, path, "cannot be written");
}
