/* The layout of a workspace is the one in docs/design.md: each buffer lies where the sizes of the buffers above it in
 * the table put it, and the last one ends with the block. */
#include "nn_bench.h"

#include <ctype.h>
#include <stdio.h>

#include "nn/workspace.h"

enum { COLUMN_TYPE = 42, COLUMN_WHEN = 52, LINE = 200 };

/* One of the letters of the table, or "max(A,B)", with a factor before a letter; *text moves past it. */
static size_t read_size(const char **text, const bc_dims *d, size_t rank)
{
    if (strncmp(*text, "max(", 4) == 0) {
        *text += 4;
        size_t a = read_size(text, d, rank);
        assert_int_equal(*(*text)++, ',');
        size_t b = read_size(text, d, rank);
        assert_int_equal(*(*text)++, ')');
        return a > b ? a : b;
    }
    size_t factor = isdigit((unsigned char)**text) ? (size_t)(*(*text)++ - '0') : 1;
    char letter = *(*text)++;
    size_t value = letter == 'N' ? d->n : letter == 'T' ? d->trained_n : letter == 'S' ? d->s : letter == 'R' ? d->r
                   : letter == 'H' ? d->h : letter == 'F' ? d->f : letter == 'C' ? d->c : letter == 'r' ? rank : 0;
    assert_true(value > 0);
    if (strncmp(*text, "+1", 2) == 0) *text += 2, value++;
    return factor * value;
}

/* Move `offset` past one array of this shape. */
static const char *pass_array(const char *text, const bertc_workspace *w, const char *type, size_t *offset)
{
    size_t rank = (size_t)w->model->lora.rank, count = 1;
    do {
        text++;
        count *= read_size(&text, &w->dims, rank);
    } while (*text == ',');
    assert_int_equal(*text++, ')');
    bool both = strncmp(type, "both", 4) == 0, operand = strncmp(type, "operand", 7) == 0;
    if (!(operand && w->dims.bf16)) *offset += (count * sizeof(float) + 63) / 64 * 64;
    if ((operand || both) && w->dims.bf16) *offset += (count * sizeof(uint16_t) + 63) / 64 * 64;
    return text;
}

static const void *any(bc_matrix x)
{
    return x.f32 ? (const void *)x.f32 : x.bf16;
}

/* Where a buffer of the table lies; null: this workspace does not have it. */
static const void *find_buffer(const bertc_workspace *w, const char *name)
{
    const bc_layer_cache *layer = &w->layers[0];
    const struct {
        const char *name;
        const void *at;
    } buffers[] = {
        {"embed_norm", w->embed_norm.sum}, {"embed_out", any(w->embed_out)}, {"layers.qkv", layer->qkv},
        {"layers.context", any(layer->context)}, {"layers.attn_norm", layer->attn_norm.sum},
        {"layers.up", any(layer->up)}, {"layers.out_norm", layer->out_norm.sum},
        {"layer_input", any(w->layer_input[0])}, {"attn_out", any(w->attn_out)}, {"activated", any(w->activated)},
        {"first_input", any(w->first_input)}, {"first_output", w->first_output},
        {"first_rows.starts", w->first_rows.starts}, {"first_rows.positions", w->first_rows.positions},
        {"pooled", w->pooled}, {"head_input", w->head_input}, {"logits", w->logits}, {"dlogits", w->dlogits},
        {"dfirst", w->dfirst}, {"dpooled", w->dpooled}, {"dx", any(w->dx)}, {"dy", w->dy}, {"dz", w->dz},
        {"dwide", any(w->dwide)}, {"lora_transposed", w->lora_transposed}, {"lora_projected", w->lora_projected},
        {"lora_dprojected", w->lora_dprojected}, {"lora_input", w->lora_input},
        {"attention_scratch", w->attention_scratch},
    };
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        if (strcmp(buffers[i].name, name) == 0) return buffers[i].at;
    fail_msg("docs/design.md: the workspace has no buffer %s", name);
    return NULL;
}

/* Whether the row's condition holds. */
static bool is_planned(const bertc_workspace *w, const char *name, const char *when)
{
    if (strncmp(when, "always", 6) == 0) return true;
    if (strncmp(when, "first rows", 10) == 0) return !w->all_rows;
    if (strncmp(when, "training", 8) == 0) return w->limits.training;
    assert_memory_equal(when, "adapters", 8);
    bool trains = strcmp(name, "lora_dprojected") == 0 || strcmp(name, "lora_input") == 0;
    return w->model->lora.rank > 0 && (!trains || w->limits.training);
}

static void check_row(const bertc_workspace *w, const char *row, size_t *offset)
{
    char name[LINE];
    sscanf(row, "%199s", name);
    const char *shape = row + strcspn(row, " "), *type = row + COLUMN_TYPE;
    shape += strspn(shape, " ");
    const char *at = find_buffer(w, name);
    bool planned = is_planned(w, name, row + COLUMN_WHEN);
    assert_int_equal(at != NULL, planned);
    if (!planned) return;
    if ((size_t)(at - (const char *)w->block) != *offset) fail_msg("docs/design.md: %s lies at another place", name);
    int times = strncmp(shape, "2 x ", 4) == 0 ? 2 : 1;
    if (times == 2) shape += 4;
    bool narrow = strcmp(name, "dwide") == 0 && w->dims.bf16; /* the one row whose parts differ in bf16 models */
    if (strcmp(name, "attention_scratch") == 0)
        *offset += (w->dims.threads * w->attention_scratch_stride * sizeof(float) + 63) / 64 * 64;
    for (int i = 0; i < times; i++)
        for (const char *p = shape; *p == '('; p += strspn(p, " ")) p = pass_array(p, w, type, offset);
    if (narrow) {
        size_t wide = w->dims.f > 3 * w->dims.h ? w->dims.f : 3 * w->dims.h;
        *offset -= (w->dims.trained_n * (wide - 3 * w->dims.h) * sizeof(float) + 63) / 64 * 64;
    }
}

static void check_table(const bertc_workspace *w)
{
    char line[LINE];
    size_t rows = 0, offset = 0;
    FILE *page = fopen("../docs/design.md", "r");
    assert_non_null(page);
    bool on = false;
    while (fgets(line, sizeof line, page)) {
        if (strcmp(line, "```\n") == 0) on = false;
        if (on) check_row(w, line, &offset), rows++;
        if (strcmp(line, "```workspace\n") == 0) on = true;
    }
    fclose(page);
    assert_int_equal(rows, 29);
    assert_int_equal(offset, bertc_workspace_bytes(w));
}

static void test_layout(void **state)
{
    (void)state;
    for (int variant = 0; variant < 8; variant++) {
        bool bf16 = variant & 1, adapters = variant & 2, training = !(variant & 4);
        bertc_model_options options = {.backend = bf16 ? "reference" : NULL,
                                       .precision = bf16 ? BERTC_BF16 : BERTC_F32};
        if (adapters) options.lora = (bertc_lora){.rank = 8, .targets = 1, .alpha = 16, .dropout = 0.1};
        bench b = prepare(twin_config(1, 48, 3, 200, 3, BERTC_GELU));
        bertc_limits limits = limits_of(b.batch);
        limits.training = training;
        limits.tokens += 100; /* so that T is less than N */
        limits.trained = training ? limits.tokens - 70 : 0;
        open_limited(&b, options, &limits);
        check_table(b.workspace);
        close_all(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(test_layout, close_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
