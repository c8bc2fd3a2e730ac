/* Stratified sampling: a subset of a data set with nearly the same proportions of classes. */
#ifndef BC_DATA_STRATIFY_H
#define BC_DATA_STRATIFY_H

#include "bertc/task.h"

/* Strata are classes. Strata of a regression data set are tenths of the examples by rank of their target; equal targets
 * keep their order. The stratum of a set of labels is the label that the fewest examples have; empty sets are a stratum
 * of their own. */
enum { BC_QUANTILES = 10 };

/* Divide `count` examples among strata in proportion to their sizes, by the method of largest remainders:
 *
 * 1. Each stratum gets its proportional share, rounded down.
 * 2. The remaining examples go one each to the strata with the largest remainders; among equal remainders the first
 *    wins.
 * 3. If count suffices for all non-empty strata, each of them gets at least one example, taken from the largest share.
 *
 * sizes  (strata) in   number of examples of each stratum; count is at most their sum
 * shares (strata) out
 * scratch (strata) */
void bc_stratify_share(const size_t *sizes, size_t strata, size_t count, size_t *shares, size_t *scratch);

/* Reduce a labelled data set to `count` examples, sampled by `seed`, in the order of the file. A data set of at most
 * `count` examples is not changed. Errors: BERTC_NOMEM; BERTC_INPUT for more than UINT32_MAX examples. */
bertc_status bc_stratify(bertc_dataset *set, size_t count, uint64_t seed, bertc_error *err);

#endif
