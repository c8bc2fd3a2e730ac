#include "nn/model_heads.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/config.h"

const bc_head_row *bc_head_of(int32_t num_labels, bool multi_label)
{
    if (multi_label) return &bc_head_multilabel;
    return num_labels == 1 ? &bc_head_regression : &bc_head_classification;
}

static const bc_head_row *row_of(const bertc_config *config)
{
    return bc_head_of(config->num_labels, config->multi_label);
}

/* ---- Labels -------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* Whether each label of the config, in any case, is a label of the head. sorted (num_labels of the head): scratch. */
static bool has_labels(const bc_head *head, const bertc_config *config, const char **sorted)
{
    size_t count = (size_t)head->num_labels;
    for (size_t i = 0; i < count; i++) sorted[i] = head->labels[i];
    qsort(sorted, count, sizeof *sorted, by_name);
    for (int32_t i = 0; i < config->num_labels; i++)
        if (!bsearch(&config->labels[i], sorted, count, sizeof *sorted, by_name)) return false;
    return true;
}

static bool is_unnamed(const char *const *labels, int32_t count)
{
    bool unnamed = true;
    for (int32_t i = 0; i < count; i++) {
        char plain[32];
        snprintf(plain, sizeof plain, "LABEL_%d", (int)i);
        unnamed = unnamed && strcasecmp(labels[i], plain) == 0;
    }
    return unnamed;
}

enum { MAX_SHOWN = 4 };

/* Append "labels a, b", "2 unnamed labels", "labels a, b (multi-label)" or "one value". */
static void describe_labels(bc_text *out, const bc_head_row *row, const char *const *labels, int32_t count)
{
    if (row->output == BC_OUTPUT_VALUE) bc_text_printf(out, "one value");
    else if (is_unnamed(labels, count)) bc_text_printf(out, "%d unnamed labels", (int)count);
    else {
        for (int32_t i = 0; i < count && i < MAX_SHOWN; i++)
            bc_text_printf(out, "%s%s", i ? ", " : "labels ", labels[i]);
        if (count > MAX_SHOWN) bc_text_printf(out, ", ...");
    }
    if (row->output == BC_OUTPUT_LABELS) bc_text_printf(out, " (multi-label)");
}

void bc_head_describe(bc_text *line, const bertc_config *config, const char *refusal, bool fits, int kept,
                      const bc_head *heads, int count)
{
    bc_text_printf(line, "head %s", kept >= 0 ? "kept" : "replaced");
    if (refusal) {
        bc_text_printf(line, ": %s", refusal);
        return;
    }
    if (kept >= 0 && count > 1) bc_text_printf(line, " for %s", heads[kept].name);
    bc_text_printf(line, fits ? ": it has " : ": its weights do not fit its ");
    describe_labels(line, row_of(config), (const char *const *)config->labels, config->num_labels);
    if (kept < 0 && fits) bc_text_printf(line, count > 1 ? ", which no task has" : ", not ");
    if (kept < 0 && fits && count == 1) describe_labels(line, heads->row, heads->labels, heads->num_labels);
}

bertc_status bc_head_find(const bertc_config *config, const bc_head *heads, int count, int *found, bertc_error *err)
{
    bool unnamed = is_unnamed((const char *const *)config->labels, config->num_labels);
    const char **sorted = bc_alloc((size_t)config->num_labels, sizeof *sorted);
    *found = -1;
    if (!sorted) return bc_fail_memory(err);
    for (int i = 0; i < count && *found < 0; i++) {
        const bc_head *head = &heads[i];
        bool alike = row_of(config) == head->row && config->num_labels == head->num_labels;
        if (alike && (unnamed || has_labels(head, config, sorted))) *found = i;
    }
    bc_free(sorted);
    return BERTC_OK;
}

/* ---- A model's heads ----------------------------------------------------------------------- */

bertc_status bc_model_take_heads(bertc_model *m, const bc_head *heads, int count, int kept, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    int all = count > 0 ? count : 1;
    m->heads = bc_calloc((size_t)all, sizeof *m->heads);
    if (!m->heads) return bc_fail_memory(err);
    m->num_heads = all;
    for (int i = 0; i < all && status == BERTC_OK; i++) {
        bc_model_head *head = &m->heads[i];
        status = bertc_config_copy(&head->config, &m->config, err);
        if (status == BERTC_OK && count > 0 && i != kept)
            status = bertc_config_set_labels(&head->config, heads[i].labels, heads[i].num_labels, err);
        head->row = count > 0 ? heads[i].row : row_of(&head->config);
        head->config.multi_label = head->row->output == BC_OUTPUT_LABELS;
        m->pooler = m->pooler || head->row->input == BC_INPUT_POOLED;
        m->all_rows = m->all_rows || head->row->input == BC_INPUT_ALL_ROWS;
        m->dense_words = m->dense_words || head->row->dense_words;
    }
    bc_config_free_labels(&m->config);
    size_t first = bc_param_count(&m->config, m->pooler);
    for (int i = 0; i < all && status == BERTC_OK; i++) {
        m->heads[i].first = first;
        first += bc_head_params(m->heads[i].row);
    }
    return status;
}

bool bc_model_plan_heads(bertc_model *m, const bc_head *heads)
{
    bool fits = true;
    for (int i = 0; i < m->num_heads && fits; i++) {
        const bc_model_head *head = &m->heads[i];
        bc_param *first = m->params + head->first, *end = first + bc_head_params(head->row);
        fits = bc_param_plan_head(&head->config, head->row->first, head->row->end, first, &m->scalars);
        for (bc_param *p = first; p < end && fits; p++) {
            p->head = i;
            if (m->num_heads > 1) snprintf(p->name, sizeof p->name, "%s.%s", heads[i].name, p->row->name);
        }
    }
    return fits;
}
