#include "nn/model_heads.h"

#include <stdio.h>
#include <strings.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/config.h"

const bc_head_row *bc_head_of(int32_t num_labels)
{
    return num_labels == 1 ? &bc_head_regression : &bc_head_classification;
}

/* ---- Labels -------------------------------------------------------------------------------- */

static bool label_in(const char *label, const bc_head *head)
{
    for (int32_t i = 0; i < head->num_labels; i++)
        if (strcasecmp(label, head->labels[i]) == 0) return true;
    return false;
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

/* Append "labels a, b", "2 unnamed labels" or "one value". */
static void describe_labels(bc_text *out, const bc_head_row *row, const char *const *labels, int32_t count)
{
    if (row->output == BC_OUTPUT_VALUE) bc_text_printf(out, "one value");
    else if (is_unnamed(labels, count)) bc_text_printf(out, "%d unnamed labels", (int)count);
    else {
        for (int32_t i = 0; i < count && i < MAX_SHOWN; i++)
            bc_text_printf(out, "%s%s", i ? ", " : "labels ", labels[i]);
        if (count > MAX_SHOWN) bc_text_printf(out, ", ...");
    }
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
    describe_labels(line, bc_head_of(config->num_labels), (const char *const *)config->labels, config->num_labels);
    if (kept < 0 && fits) bc_text_printf(line, count > 1 ? ", which no task has" : ", not ");
    if (kept < 0 && fits && count == 1) describe_labels(line, heads->row, heads->labels, heads->num_labels);
}

int bc_head_find(const bertc_config *config, const bc_head *heads, int count)
{
    bool unnamed = is_unnamed((const char *const *)config->labels, config->num_labels);
    for (int i = 0; i < count; i++) {
        const bc_head *head = &heads[i];
        if (bc_head_of(config->num_labels) != head->row || config->num_labels != head->num_labels) continue;
        bool agree = true;
        for (int32_t l = 0; l < config->num_labels; l++) agree = agree && label_in(config->labels[l], head);
        if (agree || unnamed) return i;
    }
    return -1;
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
        head->row = count > 0 ? heads[i].row : bc_head_of(head->config.num_labels);
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
