/* How to find out from a model's scores that it states its labels in a wrong order.
 *
 * Orders are compared with the given order by balanced accuracy: the mean over classes of the share of their examples
 * that is predicted correctly. (By plain accuracy, a model that predicts only a rare class would seem to have a wrong
 * order.) Let n_i be the number of examples of class i, and m[i][j] the number of these examples that are predicted as
 * j. Order p gains
 *
 *   g = sum over i of (m[i][p(i)] - m[i][i]) / (C n_i)
 *
 * If both orders were equally right, each example that only one order predicts correctly would be equally likely to
 * favour either order (McNemar's test). Then g has mean 0 and variance
 *
 *   v = sum over i with p(i) != i of (m[i][p(i)] + m[i][i]) / (C n_i)^2.
 *
 * Order p is called better if all of these hold:
 *   g >= 0.15               large enough to report
 *   g >= z sqrt(v)          beyond chance, also on small adversarial sets (WNLI's 71 dev examples), where models score
 *                           below chance under the right order
 *   given <= 1/C + 0.05     the given order does not work at all; a swap of two classes of three still scores about 1/C
 *   accuracy(p) > accuracy(given)
 *
 * z is 6 for up to three classes; fewer than 36 examples can never satisfy the condition g >= z sqrt(v). An order
 * satisfies this condition by chance with a probability of at most exp(-z^2 / 2) (Hoeffding's bound for a sum of fair
 * coins), and there are C! orders. So with more classes z^2 grows by 2 ln(C! / 3!): a class then needs about 2 ln C
 * examples that the model predicts correctly.
 *
 * For up to three classes every order is tried. For more classes the order is chosen greedily: the largest share
 * m[i][j] / n_i sets p(i) = j, then the largest share among the remaining classes and columns, and so on. That takes
 * time n log n for n examples, for any C. If each class has a column of its own with more than half of its examples,
 * the greedy order is the best one. The same rule judges the greedy order, so the search can miss a wrong order but
 * cannot invent one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "tasks/tasks.h"

enum { MAX_TRIED = 3 }; /* classes up to which every order is tried */

/* Orders of three labels; the first two are the orders of two. */
static const int32_t orders[][MAX_TRIED] = {{0, 1, 2}, {1, 0, 2}, {0, 2, 1}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

/* Counts of one class: its examples, and how many of them the given order and the compared order predict correctly. */
typedef struct tally {
    size_t examples, given, compared;
} tally;

typedef struct confusion {
    size_t examples;
    int classes;
    bertc_confusion *cells; /* (examples) the first `cell_count` are the nonzero cells of m; `predicted` is j */
    size_t cell_count;
    tally *tallies;    /* (classes) */
    int32_t *order;    /* (classes) column of each class */
    bool *taken;       /* (classes) whether a column belongs to a class */
} confusion;

typedef struct comparison {
    double balanced; /* balanced accuracy of the order */
    double accuracy;
    double gain;     /* g above */
    double variance; /* v above */
} comparison;

/* Sort by falling share, then by label and predicted class. */
static int by_share(const void *a, const void *b)
{
    const bertc_confusion *x = a, *y = b;
    if (x->share > y->share || x->share < y->share) return x->share > y->share ? -1 : 1;
    if (x->label != y->label) return x->label < y->label ? -1 : 1;
    return (x->predicted > y->predicted) - (x->predicted < y->predicted);
}

/* Compare an order with the given order. */
static comparison compare(confusion *m, const int32_t *order)
{
    comparison c = {0};
    double correct = 0, all = 0;
    for (int i = 0; i < m->classes; i++) m->tallies[i].given = m->tallies[i].compared = 0;
    for (size_t k = 0; k < m->cell_count; k++) {
        const bertc_confusion *from = &m->cells[k];
        if (from->predicted == from->label) m->tallies[from->label].given = from->count;
        if (from->predicted == order[from->label]) m->tallies[from->label].compared = from->count;
    }
    for (int i = 0; i < m->classes; i++) {
        const tally *t = &m->tallies[i];
        double n = (double)t->examples, given = (double)t->given, compared = (double)t->compared;
        double weight = n > 0 ? 1 / (m->classes * n) : 0;
        correct += compared;
        all += n;
        c.balanced += compared * weight;
        c.gain += (compared - given) * weight;
        if (order[i] != i) c.variance += (compared + given) * weight * weight;
    }
    c.accuracy = correct / all;
    return c;
}

/* Find the best of all orders of up to three classes; among equally good orders, the first. */
static comparison try_all_orders(confusion *m, comparison given)
{
    comparison best = given;
    for (int o = 1, count = m->classes == 3 ? 6 : 2; o < count; o++) {
        comparison c = compare(m, orders[o]);
        if (c.balanced <= best.balanced) continue;
        best = c;
        memcpy(m->order, orders[o], (size_t)m->classes * sizeof *m->order);
    }
    return best;
}

static void take(confusion *m, int32_t label, int32_t column)
{
    m->order[label] = column;
    m->taken[column] = true;
}

/* Choose an order greedily. A class without a cell of its own keeps its column if the column is free, else it gets the
 * next free column. */
static comparison choose_order(confusion *m)
{
    int32_t next = 0;
    for (int i = 0; i < m->classes; i++) m->order[i] = -1;
    qsort(m->cells, m->cell_count, sizeof *m->cells, by_share);
    for (size_t k = 0; k < m->cell_count; k++) {
        const bertc_confusion *c = &m->cells[k];
        if (m->order[c->label] < 0 && !m->taken[c->predicted]) take(m, c->label, c->predicted);
    }
    for (int32_t i = 0; i < m->classes; i++)
        if (m->order[i] < 0 && !m->taken[i]) take(m, i, i);
    for (int32_t i = 0; i < m->classes; i++) {
        if (m->order[i] >= 0) continue;
        while (m->taken[next]) next++;
        take(m, i, next);
    }
    return compare(m, m->order);
}

static bool is_far_better(comparison best, comparison given, int classes)
{
    double z_squared = 36;
    for (int i = MAX_TRIED + 1; i <= classes; i++) z_squared += 2 * log(i);
    return best.gain >= 0.15 && best.gain >= sqrt(z_squared) * sqrt(best.variance) &&
           given.balanced <= 1.0 / classes + 0.05 && best.accuracy > given.accuracy;
}

bertc_status bertc_task_better_order(const bertc_dataset *dataset, const float *logits, bool *better, int32_t *best,
                                     double *given_accuracy, double *best_accuracy, bertc_error *err)
{
    if (!logits || !better || !best || !given_accuracy || !best_accuracy)
        return bc_fail_null(err, __func__, "logits, better, best and the accuracies");
    *better = false;
    bertc_status status = bc_dataset_check(dataset, err);
    if (status != BERTC_OK) return status;
    if (dataset->task->kind != BERTC_CLASSIFICATION || !dataset->labelled) return BERTC_OK;
    confusion m = {.examples = dataset->count, .classes = dataset->task->num_labels};
    size_t classes = (size_t)m.classes;
    m.cells = bc_alloc(m.examples, sizeof *m.cells);
    m.tallies = bc_calloc(classes, sizeof *m.tallies);
    m.order = bc_alloc(classes, sizeof *m.order);
    m.taken = bc_calloc(classes, sizeof *m.taken);
    if (m.cells && m.tallies && m.order && m.taken) {
        m.cell_count = bc_count_confusions(dataset, logits, m.cells);
        for (size_t k = 0; k < m.cell_count; k++) m.tallies[m.cells[k].label].examples += m.cells[k].count;
        for (int32_t i = 0; i < m.classes; i++) m.order[i] = i;
        comparison given = compare(&m, m.order);
        comparison top = m.classes <= MAX_TRIED ? try_all_orders(&m, given) : choose_order(&m);
        memcpy(best, m.order, classes * sizeof *best);
        *given_accuracy = given.accuracy;
        *best_accuracy = top.accuracy;
        *better = is_far_better(top, given, m.classes);
        for (int i = 0; i < m.classes; i++) *better = *better && m.tallies[i].examples > 0;
    } else status = bc_fail_memory(err);
    bc_free(m.cells);
    bc_free(m.tallies);
    bc_free(m.order);
    bc_free(m.taken);
    return status;
}
