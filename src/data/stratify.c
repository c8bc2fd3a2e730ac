#include "data/stratify.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/rng.h"

/* ---- Shares -------------------------------------------------------------------------------- */

static size_t largest(const size_t *values, size_t count)
{
    size_t at = 0;
    for (size_t i = 1; i < count; i++)
        if (values[i] > values[at]) at = i;
    return at;
}

void bc_stratify_share(const size_t *sizes, size_t strata, size_t count, size_t *shares, size_t *rest)
{
    size_t total = 0, left = count, filled = 0;
    for (size_t s = 0; s < strata; s++) total += sizes[s];
    for (size_t s = 0; s < strata; s++) {
        shares[s] = sizes[s] * count / total;
        rest[s] = sizes[s] * count % total;
        left -= shares[s];
        filled += sizes[s] > 0;
    }
    for (; left > 0; left--) {
        size_t s = largest(rest, strata);
        shares[s]++;
        rest[s] = 0;
    }
    for (size_t s = 0; s < strata && count >= filled; s++) {
        if (sizes[s] == 0 || shares[s] > 0) continue;
        shares[largest(shares, strata)]--;
        shares[s] = 1;
    }
}

/* ---- Strata -------------------------------------------------------------------------------- */

typedef struct ranked {
    float value;
    uint32_t index;
} ranked;

static int by_value(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* The stratum of a set of labels is the label that the fewest examples have; C for the empty set. */
static bertc_status assign_rarest(const bertc_dataset *set, uint32_t *stratum, bertc_error *err)
{
    size_t *counts = bc_calloc((size_t)set->task->num_labels, sizeof *counts);
    if (!counts) return bc_fail_memory(err);
    for (const bertc_example *e = set->examples; e < set->examples + set->count; e++)
        for (size_t k = 0; k < e->num_labels; k++) counts[e->labels[k]]++;
    for (size_t i = 0; i < set->count; i++) {
        const bertc_example *e = &set->examples[i];
        uint32_t rarest = (uint32_t)set->task->num_labels;
        for (size_t k = 0; k < e->num_labels; k++)
            if (k == 0 || counts[e->labels[k]] < counts[rarest]) rarest = (uint32_t)e->labels[k];
        stratum[i] = rarest;
    }
    bc_free(counts);
    return BERTC_OK;
}

/* The stratum of a value is the tenth that its rank belongs to. */
static bertc_status assign_tenths(const bertc_dataset *set, uint32_t *stratum, bertc_error *err)
{
    ranked *all = bc_alloc(set->count, sizeof *all);
    if (!all) return bc_fail_memory(err);
    for (size_t i = 0; i < set->count; i++) all[i] = (ranked){set->examples[i].value, (uint32_t)i};
    qsort(all, set->count, sizeof *all, by_value);
    for (size_t r = 0; r < set->count; r++) stratum[all[r].index] = (uint32_t)(r * BC_QUANTILES / set->count);
    bc_free(all);
    return BERTC_OK;
}

/* Set the stratum of each example. stratum (count) out. */
static bertc_status assign_strata(const bertc_dataset *set, uint32_t *stratum, bertc_error *err)
{
    switch (set->task->kind) {
    case BERTC_CLASSIFICATION:
        for (size_t i = 0; i < set->count; i++) stratum[i] = (uint32_t)set->examples[i].labels[0];
        break;
    case BERTC_MULTILABEL: return assign_rarest(set, stratum, err);
    case BERTC_REGRESSION: return assign_tenths(set, stratum, err);
    case BERTC_KINDS: break;
    }
    return BERTC_OK;
}

static size_t count_strata(const bertc_task *task)
{
    if (task->kind == BERTC_REGRESSION) return BC_QUANTILES;
    return (size_t)task->num_labels + (task->kind == BERTC_MULTILABEL);
}

/* ---- Sampling ------------------------------------------------------------------------------ */

static const uint32_t left_out = UINT32_MAX;

/* Select the first examples of each stratum in `order`, and set `stratum` of all others to left_out. scratch (3
 * strata). */
static void sample(uint32_t *stratum, size_t total, size_t count, const uint32_t *order, size_t strata, size_t *scratch)
{
    size_t *sizes = scratch, *shares = scratch + strata;
    memset(sizes, 0, strata * sizeof *sizes);
    for (size_t i = 0; i < total; i++) sizes[stratum[i]]++;
    bc_stratify_share(sizes, strata, count, shares, scratch + 2 * strata);
    for (size_t i = 0; i < total; i++) {
        uint32_t *s = &stratum[order[i]];
        if (shares[*s] > 0) shares[*s]--;
        else *s = left_out;
    }
}

bertc_status bc_stratify(bertc_dataset *set, size_t count, uint64_t seed, bertc_error *err)
{
    if (set->count <= count) return BERTC_OK;
    if (set->count > UINT32_MAX)
        return bc_fail(err, BERTC_INPUT, "%s: %zu examples, the maximum is %u", set->path, set->count, UINT32_MAX);
    size_t strata = count_strata(set->task);
    size_t kept = 0, *sizes = bc_alloc(strata, 3 * sizeof *sizes);
    uint32_t *stratum = bc_alloc(set->count, sizeof *stratum);
    uint32_t *order = bc_alloc(set->count, sizeof *order);
    uint64_t *scratch = bc_alloc(set->count, 2 * sizeof *scratch);
    bertc_status status = sizes && stratum && order && scratch ? assign_strata(set, stratum, err) : bc_fail_memory(err);
    if (status == BERTC_OK) {
        bc_rng_shuffle(seed, UINT32_MAX, order, scratch, set->count); /* different from every epoch's order */
        sample(stratum, set->count, count, order, strata, sizes);
        for (size_t i = 0; i < set->count; i++)
            if (stratum[i] != left_out) set->examples[kept++] = set->examples[i];
        set->count = kept;
    }
    bc_free(sizes);
    bc_free(stratum);
    bc_free(order);
    bc_free(scratch);
    return status;
}
