/* Batch-invariant stages: a sequence's rows have the same bits in any batch. A pass in two parts gives the results of
 * one pass. */
#include "nn_bench.h"

#include "nn/invariance.h"
#include "nn/products.h"

static const struct {
    const char *backend;
    bertc_precision precision;
} kinds[] = {{"reference", BERTC_F32}, {"reference", BERTC_BF16}, {"onednn", BERTC_F32},
             {"onednn", BERTC_BF16},   {"openblas", BERTC_F32}};

enum { KINDS = sizeof kinds / sizeof *kinds, MANY = 24 };

/* Set the options of a variant with `frozen` batch-invariant stages. Returns false if the processor has no bf16. */
static bool variant_options(size_t kind, int frozen, bertc_model_options *options)
{
    bertc_precision precision = kinds[kind].precision;
    if (bertc_precision_resolve(kinds[kind].backend, &precision, NULL) != BERTC_OK) return false;
    *options = (bertc_model_options){.backend = kinds[kind].backend, .precision = precision,
                                     .frozen = frozen, .batch_invariant = true, .threads = 2};
    return true;
}

/* Sequences of many lengths, with more rows than two products. */
static bertc_batch *long_batch(const bertc_config *config)
{
    int32_t long_lengths[MANY];
    for (int i = 0; i < MANY; i++) long_lengths[i] = 1 + i * 7 % 23;
    return twin_batch(config, long_lengths, MANY, 5);
}

/* Copy the sequences `first`, first + step, ... of a batch into a new batch. */
static void choose(bertc_batch *to, const bertc_batch *from, int first, int step, int count)
{
    to->sequences = to->tokens = to->longest = 0;
    to->starts[0] = 0;
    for (int i = 0, s = first; i < count; i++, s += step) {
        int32_t begin = from->starts[s], length = from->starts[s + 1] - begin;
        size_t bytes = (size_t)length * sizeof *to->ids;
        memcpy(to->ids + to->tokens, from->ids + begin, bytes);
        memcpy(to->types + to->tokens, from->types + begin, (size_t)length);
        memcpy(to->positions + to->tokens, from->positions + begin, bytes);
        to->examples[i] = (uint32_t)s;
        to->starts[i + 1] = to->tokens += length;
        if (length > to->longest) to->longest = length;
        to->sequences++;
    }
}

/* Check that the rows of these sequences equal their rows in `wanted`, which belong to the full batch. */
static void check_rows(const bench *t, const bertc_batch *part, int stage, const float *wanted)
{
    size_t h = (size_t)t->config.hidden_size;
    bool by_token = bc_model_stage_reads_all_rows(t->model, 0, stage);
    const float *found = bc_model_fwd_to(t->model, t->workspace, part, 0, stage);
    for (int i = 0; i < part->sequences; i++) {
        size_t s = part->examples[i], from = (size_t)t->batch->starts[s];
        size_t n = by_token ? (size_t)(part->starts[i + 1] - part->starts[i]) : 1;
        size_t at = by_token ? (size_t)part->starts[i] : (size_t)i;
        if (memcmp(found + at * h, wanted + (by_token ? from : s) * h, n * h * sizeof *found) != 0)
            fail_msg("stage %d: sequence %zu, number %d of %d, differs", stage, s, i, part->sequences);
    }
}

static void check_compositions(const bench *t, int stage)
{
    size_t count = (size_t)t->batch->tokens * (size_t)t->config.hidden_size;
    size_t rows = stage <= t->config.num_hidden_layers ? count : MANY * (size_t)t->config.hidden_size;
    float *wanted = twin_floats(count);
    bertc_batch *part = long_batch(&t->config);
    memcpy(wanted, bc_model_fwd_to(t->model, t->workspace, t->batch, 0, stage), rows * sizeof *wanted);
    for (int s = 0; s < MANY; s += 7) {
        choose(part, t->batch, s, 1, 1);
        check_rows(t, part, stage, wanted);
        choose(part, t->batch, s, -1, s + 1);
        check_rows(t, part, stage, wanted);
        choose(part, t->batch, s, 1, MANY - s);
        check_rows(t, part, stage, wanted);
    }
}

/* With products of the chosen size, and with products of one sequence each. */
static void check_sizes(bench *t, bertc_model_options options)
{
    int layers = t->config.num_hidden_layers;
    bertc_limits limits = limits_of(t->batch);
    open_limited(t, options, &limits);
    for (int alone = 0; alone < 2; alone++) {
        if (alone) t->model->invariant_rows = 0;
        for (int stage = 2; stage <= layers + 2; stage++) check_compositions(t, stage);
    }
}

static void test_rows_do_not_depend_on_the_batch(void **state)
{
    (void)state;
    static const struct {
        int layers, hidden, heads;
    } shapes[] = {{3, 48, 3}, {2, 384, 6}, {2, 120, 6}}; /* rows of the last variant begin between cache lines */
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes * KINDS; i++) {
        bertc_model_options options;
        size_t shape = i / KINDS;
        int layers = shapes[shape].layers;
        if (!variant_options(i % KINDS, layers + 2, &options)) continue;
        bool library = strcmp(options.backend, "reference") != 0;
        if (shape > 0 && !library) continue;
        for (options.threads = library ? 1 : 3; options.threads <= 3; options.threads++) {
            bench t = {.config = twin_config(layers, shapes[shape].hidden, shapes[shape].heads, 100, 3, BERTC_GELU)};
            t.batch = long_batch(&t.config);
            t.net = twin_net_create(&t.config, t.batch);
            twin_net_randomise(t.net, 17);
            check_sizes(&t, options);
            close_all(NULL);
        }
    }
}

/* A forward pass in two parts, the first of them in two batches, gives the same gradients as one pass. */
static void check_two_parts(const bench *all, bertc_model_options options, int32_t group)
{
    bertc_limits limits = limits_of(all->batch);
    bench parts = *all, whole = *all;
    size_t h = (size_t)all->config.hidden_size;
    int stage = options.frozen, layers = all->config.num_hidden_layers;
    size_t rows = stage <= layers ? (size_t)all->batch->tokens : S;
    float *kept = twin_floats(rows * h);
    bertc_batch *part = twin_batch(&all->config, lengths, S, 3);
    limits.checkpointing = group;
    open_limited(&whole, options, &limits);
    open_limited(&parts, options, &limits);
    for (int i = 0; i < 2; i++) {
        choose(part, all->batch, i * S / 2, 1, S / 2);
        size_t n = stage <= layers ? (size_t)part->tokens : S / 2;
        size_t at = i == 0 ? 0 : rows - n;
        memcpy(kept + at * h, bc_model_fwd_to(parts.model, parts.workspace, part, 0, stage), n * h * sizeof *kept);
    }
    double loss = run(&whole, all->batch, dropped, false);
    memcpy(bc_model_stage_input(parts.model, parts.workspace, 0, stage), kept, rows * h * sizeof *kept);
    bc_model_fwd_from(parts.model, parts.workspace, all->batch, dropped, stage);
    assert_true(bc_model_loss(parts.model, parts.workspace, all->batch, dropped, NULL, divisor) == loss);
    bc_model_bwd(parts.model, parts.workspace, all->batch, dropped, false);
    assert_memory_equal(parts.model->grads, whole.model->grads, bc_model_grad_scalars(whole.model) * sizeof(float));
    for (size_t i = 0; i < bc_model_grad_scalars(whole.model); i++)
        assert_true(whole.model->grads[i] - whole.model->grads[i] == 0);
}

static void test_two_parts_are_one_pass(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++)
        for (int frozen = 1; frozen <= 6; frozen++)
            for (int32_t group = 0; group <= 2; group++) {
                bertc_model_options options;
                if (!variant_options(kind, frozen, &options)) continue;
                bench all = prepare(twin_config(4, 48, 3, 100, 3, BERTC_GELU));
                check_two_parts(&all, options, group);
                close_all(NULL);
            }
}

/* Copy the initial weights of a new model into the double-precision network, because packed copies are made of them. */
static void adopt_initial_weights(bench *t, const bertc_model_options *options)
{
    bertc_model *model;
    assert_int_equal(bertc_model_create(&t->config, options, &model, NULL), BERTC_OK);
    for (size_t i = 0; i < t->net->scalars; i++) t->net->values[i] = (double)model->values[i];
    bertc_model_free(model);
}

/* A model without batch invariance has the same loss within rounding, for every size of products. A workspace for small
 * batches has enough rows for the largest size. */
static void test_invariance_keeps_the_model(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * KINDS; i++) {
        bertc_model_options options;
        size_t kind = i / 2;
        if (!variant_options(kind, i % 2 ? 6 : 3, &options)) continue;
        bench invariant = prepare(twin_config(4, 48, 3, 100, 3, BERTC_GELU)), loose = invariant;
        bertc_limits limits = limits_of(invariant.batch);
        adopt_initial_weights(&invariant, &options);
        open_limited(&invariant, options, &limits);
        options.batch_invariant = false;
        open_limited(&loose, options, &limits);
        double wanted = run(&loose, loose.batch, dropped, false);
        double max = kinds[kind].precision == BERTC_BF16 ? 1e-2 : 1e-5;
        const size_t sizes[] = {invariant.model->invariant_rows, BC_INVARIANT_ROWS_MAX, 0};
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            invariant.model->invariant_rows = sizes[j];
            double found = run(&invariant, invariant.batch, dropped, false);
            assert_true(found - wanted <= max * wanted && wanted - found <= max * wanted);
            if (strcmp(options.backend, "reference") == 0) assert_true(found == wanted);
        }
        close_all(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_rows_do_not_depend_on_the_batch, close_all),
        cmocka_unit_test_teardown(test_two_parts_are_one_pass, close_all),
        cmocka_unit_test_teardown(test_invariance_keeps_the_model, close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
