/* Texts that repeat within splits and between them. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"
#include "tasks/tasks.h"

/* A row of a split. */
typedef struct key {
    uint64_t hash; /* of the texts */
    const bertc_example *example;
    int split;
} key;

static int compare_bytes(const char *a, size_t na, const char *b, size_t nb)
{
    int order = na > 0 && nb > 0 ? memcmp(a, b, bc_min(na, nb)) : 0;
    return order ? order : (na > nb) - (na < nb);
}

/* Order by the texts; the hash decides between nearly all texts. */
static int compare_texts(const key *a, const key *b)
{
    if (a->hash != b->hash) return a->hash < b->hash ? -1 : 1;
    const bertc_example *x = a->example, *y = b->example;
    int order = compare_bytes(x->a, x->na, y->a, y->na);
    return order ? order : compare_bytes(x->b, x->nb, y->b, y->nb);
}

/* Order by the texts, then by split and line. */
static int compare_keys(const void *left, const void *right)
{
    const key *a = left, *b = right;
    int order = compare_texts(a, b);
    if (order == 0) order = (a->split > b->split) - (a->split < b->split);
    if (order == 0) order = (a->example > b->example) - (a->example < b->example);
    return order;
}

static uint64_t hash_texts(const bertc_example *e)
{
    return bc_row_hash((bc_slice){e->a, e->na}, (bc_slice){e->b, e->nb});
}

static bool same_label(const bertc_example *a, const bertc_example *b)
{
    if (a->num_labels != b->num_labels) return false;
    if (a->num_labels > 0) return memcmp(a->labels, b->labels, a->num_labels * sizeof *a->labels) == 0;
    return a->value == b->value || (a->value != a->value && b->value != b->value);
}

/* Keep the pair whose second row comes first. */
static void keep_first(bertc_row_pair *kept, const bertc_example *first, const bertc_example *second)
{
    if (kept->second == 0 || second->line < kept->second) *kept = (bertc_row_pair){first->line, second->line};
}

/* Count the repeats among keys of equal texts, which are in the order of split and line. */
static void count_group(const key *group, size_t count, bertc_repeats repeats[BERTC_SPLITS])
{
    const key *first[BERTC_SPLITS] = {0};
    size_t rows[BERTC_SPLITS] = {0};
    bool conflict[BERTC_SPLITS] = {0};
    for (const key *k = group; k < group + count; k++) {
        bertc_repeats *r = &repeats[k->split];
        const key *before = first[k->split];
        rows[k->split]++;
        if (!before) {
            first[k->split] = k;
            continue;
        }
        r->duplicates++;
        keep_first(&r->duplicate, before->example, k->example);
        if (same_label(before->example, k->example)) continue;
        conflict[k->split] = true;
        keep_first(&r->conflict, before->example, k->example);
    }
    for (int s = 0; s < BERTC_SPLITS; s++) {
        repeats[s].conflicts += conflict[s];
        for (int other = 0; other < BERTC_SPLITS; other++) {
            if (other == s || !first[s] || !first[other]) continue;
            repeats[s].shared[other] += rows[s];
            keep_first(&repeats[s].shared_row[other], first[other]->example, first[s]->example);
        }
    }
}

bertc_status bertc_dataset_repeats(const bertc_dataset *const sets[BERTC_SPLITS],
                                   bertc_repeats repeats[BERTC_SPLITS], bertc_error *err)
{
    size_t count = 0, at = 0;
    if (!sets || !repeats) return bc_fail_null(err, __func__, "sets and repeats");
    for (int s = 0; s < BERTC_SPLITS; s++) {
        repeats[s] = (bertc_repeats){0};
        if (sets[s] && !bc_size_add(count, sets[s]->count, &count)) return bc_fail_memory(err);
    }
    if (count == 0) return BERTC_OK;
    key *keys = bc_alloc(count, sizeof *keys);
    if (!keys) return bc_fail_memory(err);
    for (int s = 0; s < BERTC_SPLITS; s++)
        for (size_t i = 0; sets[s] && i < sets[s]->count; i++)
            keys[at++] = (key){hash_texts(&sets[s]->examples[i]), &sets[s]->examples[i], s};
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t begin = 0, end; begin < count; begin = end) {
        for (end = begin + 1; end < count && compare_texts(&keys[begin], &keys[end]) == 0; end++) continue;
        if (end - begin > 1) count_group(keys + begin, end - begin, repeats);
    }
    bc_free(keys);
    return BERTC_OK;
}
