/* How to tell from its scores that a model's order of labels is a lie.
 *
 * Orders are compared with the given one by balanced accuracy, the mean over classes of the share that is
 * recognised. (Plain accuracy would accuse any model that has collapsed to a rare class.) With n_i examples of
 * class i, of which m[i][j] were called j, order p gains
 *
 *   g = sum over i of (m[i][p(i)] - m[i][i]) / (C n_i)
 *
 * and if both orders were equally right, each example that only one of them has right would fall
 * to either by a fair coin (McNemar's test): g has mean 0 and variance
 *
 *   v = sum over i with p(i) != i of (m[i][p(i)] + m[i][i]) / (C n_i)^2.
 *
 * The order p is called better where all of these hold:
 *   g >= 0.15               worth a person's time
 *   g >= z sqrt(v)          beyond chance, and beyond the odd way in which small adversarial sets
 *                           (WNLI's 71 dev examples) score below chance under the right order
 *   given <= 1/C + 0.05     the given order does not work at all; a swap of two classes of three
 *                           still scores about 1/C
 *   accuracy(p) > accuracy(given)
 *
 * z is 6 for up to three classes; fewer than 36 examples can never satisfy that. Chance may satisfy it in any of the
 * C! orders, in each with a probability of at most exp(-z^2 / 2) (Hoeffding's bound for a sum of fair coins), so with
 * more classes z^2 grows by 2 ln(C! / 3!): a class then needs about 2 ln C examples that the model knows.
 *
 * Up to three classes all orders are compared. Of more the order is taken greedily: the largest share m[i][j] / n_i
 * of any class i decides first that p(i) = j, then the largest of a class and a column that are still free, and so
 * on. That takes time n log n for n examples, whatever C is, and where more than half of every class is called one
 * class of its own it finds the best order. What it finds is judged by the same rule, so it can miss a lie but not
 * make one up. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "tasks/tasks.h"

enum { FEW = 3 };

/* Orders of three labels; the first two are the orders of two. */
static const int32_t orders[][FEW] = {{0, 1, 2}, {1, 0, 2}, {0, 2, 1}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

/* So many examples of a class, so large a share of it, that are called one class. */
typedef struct cell {
    int32_t label, called;
    size_t count;
    double share;
} cell;

/* Of one class: its examples, those that the given order has right, and those that another has. */
typedef struct tally {
    size_t examples, was, is;
} tally;

typedef struct work {
    size_t count;  /* examples */
    int classes;
    cell *cells;   /* (count) */
    size_t filled; /* cells that differ */
    tally *of;     /* (classes) */
    int32_t *order; /* (classes) */
    bool *taken;   /* (classes) */
} work;

typedef struct comparison {
    double balanced;     /* balanced accuracy of the order */
    double accuracy;
    double gain, spread; /* over the given order, and its variance if both were as right */
} comparison;

static int by_class(const void *a, const void *b)
{
    const cell *x = a, *y = b;
    if (x->label != y->label) return x->label < y->label ? -1 : 1;
    return (x->called > y->called) - (x->called < y->called);
}

static int by_share(const void *a, const void *b)
{
    const cell *x = a, *y = b;
    if (x->share > y->share || x->share < y->share) return x->share > y->share ? -1 : 1;
    return by_class(a, b);
}

/* Count who is called what. */
static void fill(work *w, const bertc_dataset *dataset, const float *logits)
{
    size_t width = (size_t)w->classes;
    for (size_t i = 0; i < w->count; i++) {
        int32_t label = bc_example_class(&dataset->examples[i]);
        w->cells[i] = (cell){.label = label, .called = bc_argmax(logits + i * width, w->classes)};
        w->of[label].examples++;
    }
    qsort(w->cells, w->count, sizeof *w->cells, by_class);
    for (size_t i = 0; i < w->count; i++) {
        if (i == 0 || by_class(&w->cells[w->filled - 1], &w->cells[i]) != 0) w->cells[w->filled++] = w->cells[i];
        cell *c = &w->cells[w->filled - 1];
        c->share = (double)++c->count / (double)w->of[c->label].examples;
    }
}

static comparison compare(work *w, const int32_t *order)
{
    comparison c = {0};
    double right = 0, all = 0;
    for (int i = 0; i < w->classes; i++) w->of[i].was = w->of[i].is = 0;
    for (size_t k = 0; k < w->filled; k++) {
        const cell *from = &w->cells[k];
        if (from->called == from->label) w->of[from->label].was = from->count;
        if (from->called == order[from->label]) w->of[from->label].is = from->count;
    }
    for (int i = 0; i < w->classes; i++) {
        double n = (double)w->of[i].examples, was = (double)w->of[i].was, is = (double)w->of[i].is;
        double weight = n > 0 ? 1 / (w->classes * n) : 0;
        right += is;
        all += n;
        c.balanced += is * weight;
        c.gain += (is - was) * weight;
        if (order[i] != i) c.spread += (is + was) * weight * weight;
    }
    c.accuracy = right / all;
    return c;
}

/* The best of all orders of a few classes; of equals the first. */
static comparison try_all(work *w, comparison given)
{
    comparison top = given;
    for (int o = 1, all = w->classes == 3 ? 6 : 2; o < all; o++) {
        comparison c = compare(w, orders[o]);
        if (c.balanced <= top.balanced) continue;
        top = c;
        memcpy(w->order, orders[o], (size_t)w->classes * sizeof *w->order);
    }
    return top;
}

/* Give a class a column that is free. */
static void take(work *w, int32_t label, int32_t column)
{
    w->order[label] = column;
    w->taken[column] = true;
}

/* A good order of many classes; where nothing speaks for another, a class keeps its column. */
static comparison choose(work *w)
{
    int32_t next = 0;
    for (int i = 0; i < w->classes; i++) w->order[i] = -1;
    qsort(w->cells, w->filled, sizeof *w->cells, by_share);
    for (size_t k = 0; k < w->filled; k++) {
        const cell *c = &w->cells[k];
        if (w->order[c->label] < 0 && !w->taken[c->called]) take(w, c->label, c->called);
    }
    for (int32_t i = 0; i < w->classes; i++)
        if (w->order[i] < 0 && !w->taken[i]) take(w, i, i);
    for (int32_t i = 0; i < w->classes; i++) {
        if (w->order[i] >= 0) continue;
        while (w->taken[next]) next++;
        take(w, i, next);
    }
    return compare(w, w->order);
}

static bool is_far_better(comparison best, comparison given, int classes)
{
    double square = 36;
    for (int i = FEW + 1; i <= classes; i++) square += 2 * log(i);
    return best.gain >= 0.15 && best.gain >= sqrt(square) * sqrt(best.spread) &&
           given.balanced <= 1.0 / classes + 0.05 && best.accuracy > given.accuracy;
}

static bool allocate(work *w)
{
    size_t classes = (size_t)w->classes;
    w->cells = bc_alloc(w->count, sizeof *w->cells);
    w->of = bc_calloc(classes, sizeof *w->of);
    w->order = bc_alloc(classes, sizeof *w->order);
    w->taken = bc_calloc(classes, sizeof *w->taken);
    return w->cells && w->of && w->order && w->taken;
}

bertc_status bertc_task_better_order(const bertc_dataset *dataset, const float *logits, bool *better, int32_t *best,
                                     double *given_accuracy, double *best_accuracy, bertc_error *err)
{
    if (!logits || !better || !best || !given_accuracy || !best_accuracy)
        return bc_fail_null(err, __func__, "logits and what is found");
    *better = false;
    bertc_status status = bc_dataset_check(dataset, err);
    if (status != BERTC_OK) return status;
    if (dataset->task->kind != BERTC_CLASSIFICATION || !dataset->labelled) return BERTC_OK;
    work w = {.count = dataset->count, .classes = dataset->task->num_labels};
    if (allocate(&w)) {
        fill(&w, dataset, logits);
        for (int32_t i = 0; i < w.classes; i++) w.order[i] = i;
        comparison given = compare(&w, w.order);
        comparison top = w.classes <= FEW ? try_all(&w, given) : choose(&w);
        memcpy(best, w.order, (size_t)w.classes * sizeof *best);
        *given_accuracy = given.accuracy;
        *best_accuracy = top.accuracy;
        *better = is_far_better(top, given, w.classes);
        for (int i = 0; i < w.classes; i++) *better = *better && w.of[i].examples > 0;
    } else status = bc_fail_memory(err);
    bc_free(w.cells);
    bc_free(w.of);
    bc_free(w.order);
    bc_free(w.taken);
    return status;
}
