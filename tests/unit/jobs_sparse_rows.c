/* A word embedding table whose rows are updated when they are read, against a table that is updated completely in every
 * step: the same bits, in the optimiser alone and in complete runs. */
#include "jobs_fixture.h"

#include <float.h>
#include <math.h>

#include "base/rng.h"
#include "nn/model_load.h"
#include "optim/optim.h"
#include "optim/schedule.h"

/* ---- The optimiser alone ------------------------------------------------------------------- */

/* Rows cross the border of two chunks, and their number is not a multiple of the vector width of the sums. */
enum { ROWS = 420, H = 41, OTHER = 50, TOUCHES = 12, STEPS = 2000 };

typedef struct table {
    float value[ROWS * H], grad[ROWS * H], other[OTHER], dother[OTHER];
    bc_param params[2];
    bc_optim optim;
} table;

static table *make(const bc_sparse_rows *sparse_rows, bertc_recipe recipe, double decay)
{
    table *t = calloc(1, sizeof *t);
    assert_non_null(t);
    bc_rng_normal(7, "value", 0.05, 0, t->value, ROWS * H);
    bc_rng_normal(7, "other", 0.05, 0, t->other, OTHER);
    t->value[3] = t->value[100 * H] = -0.0f;
    t->params[0] = (bc_param){.lr_scale = 1, .row = &bc_param_table[BC_WORD], .rank = 2, .shape = {ROWS, H},
                              .count = ROWS * H, .value = t->value, .grad = t->grad,
                              .sparse_rows = sparse_rows};
    t->params[1] = (bc_param){.lr_scale = 1, .row = &bc_param_table[BC_UP_B], .rank = 1, .shape = {OTHER},
                              .count = OTHER, .value = t->other, .grad = t->dother};
    assert_int_equal(bc_optim_create(&t->optim, t->params, 2, recipe, decay, 2, NULL), BERTC_OK);
    return t;
}

static void release(table *t)
{
    bc_optim_clear(&t->optim);
    free(t);
}

static uint32_t draw(int step, int i)
{
    return bc_rng(11, (uint32_t)step, (uint32_t)i, 0, 0).word[0];
}

/* Some rows are in nearly every step, most are rare, some never occur. For a thousand steps only the frequent rows
 * occur, so that the momentum of the others decays to zero. */
static void draw_rows(bc_sparse_rows *sparse_rows, int step)
{
    bc_sparse_rows_reset(sparse_rows);
    for (int i = 0; i < TOUCHES; i++) {
        bool often = i % 3 == 0 || (step > 700 && step < 1800);
        int32_t row = often ? (int32_t)(draw(step, i) % 7) * 60 : (int32_t)(draw(step, i) % (ROWS - 20));
        bc_sparse_rows_add(sparse_rows, &row, 1);
    }
}

/* Some rows have gradients whose squares are denormal. */
static double deviation(int32_t row, int step)
{
    return row >= ROWS - 60 ? 1e-18 : step % 5 ? 1e-3 : 1e-12;
}

/* The gradients of those rows: packed, and at their places among zeros. */
static void draw_gradients(table *packed, table *whole, const bc_sparse_rows *sparse_rows, int step)
{
    float row[H];
    memset(whole->grad, 0, sizeof whole->grad);
    for (size_t i = 0; i < sparse_rows->count; i++) {
        size_t at = (size_t)sparse_rows->rows[i] * H;
        bc_rng_normal((uint64_t)step * 1000 + i, "grad", deviation(sparse_rows->rows[i], step), 0, row, H);
        memcpy(packed->grad + i * H, row, sizeof row);
        memcpy(whole->grad + at, row, sizeof row);
    }
    bc_rng_normal((uint64_t)step, "dother", 1e-3, 0, packed->dother, OTHER);
    memcpy(whole->dother, packed->dother, sizeof whole->dother);
}

static void compare(const table *lazy, const table *eager)
{
    size_t bytes = eager->optim.scalars * sizeof(float);
    assert_memory_equal(lazy->value, eager->value, sizeof eager->value);
    assert_memory_equal(lazy->other, eager->other, sizeof eager->other);
    assert_memory_equal(lazy->optim.m, eager->optim.m, bytes);
    assert_memory_equal(lazy->optim.v, eager->optim.v, bytes);
}

static void step_both(table *lazy, table *eager, bc_sparse_rows *sparse_rows, int step)
{
    bertc_recipe recipe = lazy->optim.recipe;
    draw_rows(sparse_rows, step);
    draw_gradients(lazy, eager, sparse_rows, step);
    bc_optim_catch_up(&lazy->optim);
    for (size_t i = 0; i < sparse_rows->count; i++) { /* what a forward pass reads */
        size_t at = (size_t)sparse_rows->rows[i] * H;
        assert_memory_equal(lazy->value + at, eager->value + at, H * sizeof(float));
    }
    double norm = bc_optim_norm(&eager->optim), now = bc_optim_norm(&lazy->optim);
    assert_memory_equal(&now, &norm, sizeof norm);
    double lr = bc_schedule_rate(&(bc_schedule){.recipe = recipe, .lr = 1e-3, .warmup = 100, .steps = STEPS}, step);
    double scale = bc_clip_scale(recipe, norm, 0.02);
    bc_optim_step(&lazy->optim, step, lr, scale);
    bc_optim_step(&eager->optim, step, lr, scale);
}

/* Moments that decayed are zero, and some did; no other moments are that small. */
static void check_flushed(const table *t)
{
    size_t gone = 0;
    for (size_t i = 0; i < ROWS * H; i++) {
        float m = fabsf(t->optim.m[i]), v = t->optim.v[i];
        assert_true(m == 0 || m >= 0x1p-100f);
        assert_true(v == 0 || v >= FLT_MIN);
        gone += m == 0 && v > 0;
    }
    assert_true(gone > 100 * H);
}

static void compare_steps(bertc_recipe recipe, double decay)
{
    bc_sparse_rows sparse_rows;
    assert_int_equal(bc_sparse_rows_create(&sparse_rows, ROWS, TOUCHES, NULL), BERTC_OK);
    table *lazy = make(&sparse_rows, recipe, decay), *eager = make(NULL, recipe, decay);
    size_t behind = 0;
    for (int step = 0; step < STEPS; step++) {
        step_both(lazy, eager, &sparse_rows, step);
        behind += memcmp(lazy->optim.v, eager->optim.v, ROWS * H * sizeof(float)) != 0;
        if (step == 1790) check_flushed(eager);
        if (draw(step, 99) % 400 && step + 1 < STEPS) continue;
        bc_optim_flush(&lazy->optim);
        compare(lazy, eager);
    }
    assert_true(behind > STEPS / 2); /* else no update was deferred */
    release(lazy);
    release(eager);
    bc_sparse_rows_clear(&sparse_rows);
}

static void test_hf(void **unused)
{
    (void)unused;
    compare_steps(BERTC_RECIPE_HF, 0);
    compare_steps(BERTC_RECIPE_HF, 0.01);
}

static void test_google(void **unused)
{
    (void)unused;
    compare_steps(BERTC_RECIPE_GOOGLE, 0);
    compare_steps(BERTC_RECIPE_GOOGLE, 0.01);
}

/* A table that is not trained does not change, whatever rows are read. */
static void test_frozen(void **unused)
{
    (void)unused;
    static const int32_t row = 1;
    float value[2] = {1, 2}, copy[2] = {1, 2};
    bc_sparse_rows sparse_rows;
    bc_optim optim;
    assert_int_equal(bc_sparse_rows_create(&sparse_rows, 2, 1, NULL), BERTC_OK);
    bc_sparse_rows_add(&sparse_rows, &row, 1);
    bc_param param = {.lr_scale = 1, .row = &bc_param_table[BC_WORD], .rank = 2, .shape = {2, 1}, .count = 2,
                      .value = value, .sparse_rows = &sparse_rows};
    assert_int_equal(bc_optim_create(&optim, &param, 1, BERTC_RECIPE_HF, 0.1, 1, NULL), BERTC_OK);
    bc_optim_catch_up(&optim);
    assert_true(bc_optim_norm(&optim) == 0);
    bc_optim_step(&optim, 0, 0.1, 1);
    bc_optim_flush(&optim);
    assert_memory_equal(value, copy, sizeof copy);
    assert_int_equal(optim.scalars, 0);
    bc_optim_clear(&optim);
    bc_sparse_rows_clear(&sparse_rows);
}

/* ---- Whole runs ---------------------------------------------------------------------------- */

static bool whole_gradient;

bertc_status __real_bc_model_read(bertc_model *model, const bertc_model_options *options, bertc_error *err);
bertc_status __wrap_bc_model_read(bertc_model *model, const bertc_model_options *options, bertc_error *err);

bertc_status __wrap_bc_model_read(bertc_model *model, const bertc_model_options *options, bertc_error *err)
{
    if (whole_gradient) bc_model_param(model, BC_WORD, 0)->sparse_rows = NULL;
    return __real_bc_model_read(model, options, err);
}

/* A run, a run that is stopped after `steps` steps and resumed, and a run with a complete gradient. */
static void compare_runs(bertc_train_options o, int steps)
{
    o.out = "eager";
    whole_gradient = true;
    fixture_run(o);
    whole_gradient = false;
    o.out = "lazy";
    fixture_run(o);
    fixture_same_run("eager", "lazy");
    o.out = "resumed";
    fixture_same_resumed(o, steps, "eager");
    fixture_remove("eager");
    fixture_remove("lazy");
}

/* Few words in a batch, so that most rows miss steps. */
static bertc_train_options small_batches(void)
{
    bertc_train_options o = fixture_options(NULL);
    o.batch_size = 2;
    o.epochs = 4;
    o.threads = 2;
    return o;
}

static void test_runs(void **unused)
{
    (void)unused;
    bertc_train_options o = small_batches();
    compare_runs(o, 17);
    o.batch_size = 4; /* uses more words than a pass has tokens */
    o.max_length = 5;
    o.micro_batch_tokens = 5;
    o.gradient_checkpointing = 1;
    compare_runs(o, 5);
}

static void test_runs_that_keep_the_best(void **unused)
{
    (void)unused;
    bertc_train_options o = small_batches();
    o.weight_decay = 0.01;
    o.keep = BERTC_KEEP_BEST;
    o.eval_every = 3;
    o.save_every = "5";
    compare_runs(o, 23);
    o.recipe = BERTC_RECIPE_GOOGLE;
    compare_runs(o, 24);
}

static void test_runs_in_bf16(void **unused)
{
    (void)unused;
    bertc_train_options o = small_batches();
    o.precision = BERTC_BF16;
    o.recipe = BERTC_RECIPE_GOOGLE;
    o.save_every = "4";
    compare_runs(o, 9);
}

/* More steps than can be deferred, with the interruption before and after. */
static void test_long_runs(void **unused)
{
    (void)unused;
    bertc_train_options o = small_batches();
    o.epochs = 28;
    o.lr = 1e-3;
    compare_runs(o, 255);
    o.weight_decay = 0.01;
    compare_runs(o, 270);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hf),
        cmocka_unit_test(test_google),
        cmocka_unit_test(test_frozen),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_runs_that_keep_the_best),
        cmocka_unit_test(test_runs_in_bf16),
        cmocka_unit_test(test_long_runs),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
