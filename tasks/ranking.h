/* Areas under the ROC and the precision-recall curves of one or more columns of scores.
 *
 * In each column an example is a positive or a negative, and has a score. Only the scores of positives are stored, and
 * sorted; each negative is counted between them by binary search. With n examples, C columns and P positives in a
 * column that takes time n C log P and memory for all positives, not for all scores.
 *
 * Use: bc_ranking_create, bc_ranking_add_positive for each positive, bc_ranking_sort, bc_ranking_add_negatives for each
 * example, then bc_ranking_measure. */
#ifndef BC_TASKS_RANKING_H
#define BC_TASKS_RANKING_H

#include <stddef.h>
#include <stdint.h>

#include "bertc/status.h"

typedef struct bc_ranking {
    size_t examples, columns;
    size_t *starts;        /* (columns + 1) each column's first positive in the arrays below */
    size_t *ends;          /* (columns) one past each column's last positive that was added */
    double *positives;     /* (starts[columns]) the scores of positives, rising within a column once they are sorted */
    size_t *equal, *above; /* (starts[columns]) numbers of negatives with exactly the score of a positive, and between
                            * it and the next larger score; of equal positives the last one has the numbers */
} bc_ranking;

/* Allocate for `counts` (columns) positives. bc_ranking_clear releases the ranking, also after an error.
 * Errors: BERTC_NOMEM. */
bertc_status bc_ranking_create(bc_ranking *ranking, size_t examples, const size_t *counts, size_t columns,
                               bertc_error *err);
void bc_ranking_add_positive(bc_ranking *ranking, size_t column, double score);
void bc_ranking_sort(bc_ranking *ranking);

/* Count an example in every column in which it is a negative. scores (columns); positives (count) the columns in which
 * it is a positive, rising. */
void bc_ranking_add_negatives(bc_ranking *ranking, const double *scores, const int32_t *positives, size_t count);

/* Compute both areas, each the mean over the columns.
 *
 * auc                the share of pairs of a positive and a negative in which the positive has the larger score, a tie
 *                    counting half; NaN if a column has no positive or no negative
 * average_precision  the precision at each positive's score, averaged over the positives; a column without a positive
 *                    counts 0 */
void bc_ranking_measure(const bc_ranking *ranking, double *auc, double *average_precision);

void bc_ranking_clear(bc_ranking *ranking);

#endif
