/* A part of a data set with the whole's shares of classes. */
#ifndef BC_DATA_STRATIFY_H
#define BC_DATA_STRATIFY_H

#include "bertc/task.h"

/* Strata of a regression: tenths of the examples, by rank of their target, equal ones in file order. */
enum { BC_QUANTILES = 10 };

/* How many of `count` examples each stratum of these sizes gives: its share of them rounded down, what
 * is left one each to the largest remainders, of equals to the first. Where count allows, no stratum
 * that has examples is left without: the largest share gives one away. count: at most the sizes' sum.
 * shares (strata) out; scratch (strata). */
void bc_stratify_share(const size_t *sizes, size_t strata, size_t count, size_t *shares, size_t *scratch);

/* Keep `count` examples of a labelled data set, drawn by seed, in the order of the file. A set that has
 * no more stays as it is. Errors: BERTC_NOMEM. */
bertc_status bc_stratify(bertc_dataset *set, size_t count, uint64_t seed, bertc_error *err);

#endif
