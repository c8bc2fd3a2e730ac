#include "tasks/survey.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "tasks/tasks.h"

static uint64_t hash_texts(const bertc_example *e)
{
    return bc_row_hash((bc_slice){e->a, e->na}, (bc_slice){e->b, e->nb});
}

/* Hash an example's texts and target. */
static uint64_t hash_row(const bertc_example *e)
{
    const uint64_t parts[3] = {hash_texts(e), bc_hash64(&e->value, sizeof e->value),
                               e->num_labels > 0 ? bc_hash64(e->labels, e->num_labels * sizeof *e->labels) : 0};
    return bc_hash64(parts, sizeof parts);
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bertc_status count_classes(const bertc_dataset *train, bc_survey *survey, bertc_error *err)
{
    if (train->task->kind == BERTC_REGRESSION) return BERTC_OK;
    size_t *counts = bc_calloc((size_t)train->task->num_labels, sizeof *counts);
    if (!counts) return bc_fail_memory(err);
    for (size_t i = 0; i < train->count; i++)
        for (size_t k = 0; k < train->examples[i].num_labels; k++) counts[train->examples[i].labels[k]]++;
    for (int32_t c = train->task->num_labels; c-- > 0;) {
        if (counts[c] != 1) continue;
        survey->single++;
        survey->first_single = c;
    }
    bc_free(counts);
    return BERTC_OK;
}

bertc_status bc_survey_take(const bertc_dataset *train, bc_survey *survey, bertc_error *err)
{
    size_t n = train->count;
    *survey = (bc_survey){.texts = bc_alloc(n, sizeof *survey->texts), .count = n};
    uint64_t *rows = bc_alloc(n, sizeof *rows);
    bertc_status status = rows && survey->texts ? count_classes(train, survey, err) : bc_fail_memory(err);
    for (size_t i = 0; status == BERTC_OK && i < n; i++) {
        survey->texts[i] = hash_texts(&train->examples[i]);
        rows[i] = hash_row(&train->examples[i]);
    }
    if (status == BERTC_OK) {
        qsort(survey->texts, n, sizeof *survey->texts, by_hash);
        qsort(rows, n, sizeof *rows, by_hash);
        for (size_t i = 1; i < n; i++) survey->repeated += rows[i] == rows[i - 1];
    }
    bc_free(rows);
    return status;
}

void bc_survey_clear(bc_survey *survey)
{
    bc_free(survey->texts);
    *survey = (bc_survey){0};
}

size_t bc_survey_count_shared(const bc_survey *survey, const bertc_dataset *other)
{
    size_t shared = 0;
    for (size_t i = 0; i < other->count; i++) {
        uint64_t hash = hash_texts(&other->examples[i]);
        shared += bsearch(&hash, survey->texts, survey->count, sizeof hash, by_hash) != NULL;
    }
    return shared;
}
