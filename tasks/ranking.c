#include "tasks/ranking.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"

bertc_status bc_ranking_create(bc_ranking *ranking, size_t examples, const size_t *counts, size_t columns,
                               bertc_error *err)
{
    *ranking = (bc_ranking){.examples = examples, .columns = columns};
    ranking->starts = bc_alloc(columns + 1, sizeof *ranking->starts);
    ranking->ends = bc_alloc(columns, sizeof *ranking->ends);
    if (!ranking->starts || !ranking->ends) return bc_fail_memory(err);
    size_t total = 0;
    for (size_t c = 0; c < columns; c++) {
        ranking->starts[c] = ranking->ends[c] = total;
        total += counts[c];
    }
    ranking->starts[columns] = total;
    ranking->positives = bc_alloc(total, sizeof *ranking->positives);
    ranking->equal = bc_calloc(total, sizeof *ranking->equal);
    ranking->above = bc_calloc(total, sizeof *ranking->above);
    return ranking->positives && ranking->equal && ranking->above ? BERTC_OK : bc_fail_memory(err);
}

void bc_ranking_add_positive(bc_ranking *ranking, size_t column, double score)
{
    ranking->positives[ranking->ends[column]++] = score;
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void bc_ranking_sort(bc_ranking *ranking)
{
    for (size_t c = 0; c < ranking->columns; c++)
        qsort(ranking->positives + ranking->starts[c], ranking->ends[c] - ranking->starts[c],
              sizeof *ranking->positives, rising);
}

void bc_ranking_add_negatives(bc_ranking *ranking, const double *scores, const int32_t *positives, size_t count)
{
    size_t next = 0;
    for (size_t c = 0; c < ranking->columns; c++) {
        if (next < count && (size_t)positives[next] == c) {
            next++;
            continue;
        }
        size_t from = ranking->starts[c], to = ranking->ends[c]; /* the first positive that is larger lies in between */
        while (from < to) {
            size_t middle = from + (to - from) / 2;
            if (ranking->positives[middle] > scores[c]) to = middle;
            else from = middle + 1;
        }
        if (from == ranking->starts[c]) continue;
        if (ranking->positives[from - 1] < scores[c]) ranking->above[from - 1]++;
        else ranking->equal[from - 1]++;
    }
}

/* Both areas of a column, from its largest score down. A group of equal positives wins against the negatives below it
 * and halves the pairs with the `equal` negatives of its score; `above` counts the negatives of larger scores. */
static void measure_column(const bc_ranking *ranking, size_t column, double *auc, double *precision)
{
    size_t start = ranking->starts[column], end = ranking->ends[column];
    size_t count = end - start, negatives = ranking->examples - count, above = 0, half_wins = 0;
    double sum = 0;
    for (size_t last = end; last > start;) {
        size_t first = last - 1, equal = ranking->equal[last - 1];
        while (first > start && ranking->positives[first - 1] == ranking->positives[last - 1]) first--;
        above += ranking->above[last - 1];
        half_wins += (last - first) * (2 * (negatives - above - equal) + equal);
        above += equal;
        sum += (double)(last - first) * (double)(end - first) / (double)(end - first + above);
        last = first;
    }
    *auc = count > 0 && negatives > 0 ? (double)half_wins / (2 * (double)count * (double)negatives) : (double)NAN;
    *precision = count > 0 ? sum / (double)count : 0;
}

void bc_ranking_measure(const bc_ranking *ranking, double *auc, double *average_precision)
{
    double areas = 0, precisions = 0;
    for (size_t c = 0; c < ranking->columns; c++) {
        double area, precision;
        measure_column(ranking, c, &area, &precision);
        areas += area;
        precisions += precision;
    }
    *auc = areas / (double)ranking->columns;
    *average_precision = precisions / (double)ranking->columns;
}

void bc_ranking_clear(bc_ranking *ranking)
{
    bc_free(ranking->starts);
    bc_free(ranking->ends);
    bc_free(ranking->positives);
    bc_free(ranking->equal);
    bc_free(ranking->above);
    *ranking = (bc_ranking){0};
}
