/* The optimiser compared with PyTorch, with a twin in double precision, and with itself for other numbers of threads;
 * the schedules compared with hand-computed values. */
#include "jobs_fixture.h"

#include <math.h>

#include "base/rng.h"
#include "nn/gemm/simd.h"
#include "optim/optim.h"
#include "optim/schedule.h"

/* ---- Against PyTorch 2.13 ------------------------------------------------------------------ */

/* torch.optim.AdamW(lr=0.01, weight_decay=0.1) after clip_grad_norm_(1.0), three steps. */
static void test_three_steps_of_torch(void **unused)
{
    (void)unused;
    static const float grads[3][4] = {
        {0.1f, -0.2f, 3.0f, 0.001f}, {-0.5f, 0.25f, 1.0f, 0.002f}, {0.7f, 0.0f, -2.0f, -1e-5f}};
    static const double norms[3] = {3.00832200050354, 1.1456457376480103, 2.118962049484253};
    static const double want[3][4] = {
        {0.4895000159740448, -1.2387499809265137, 2.986999988555908, -0.0021950104273855686},
        {0.495921790599823, -1.2426780462265015, 2.974069595336914, -0.010755655355751514},
        {0.4958397448062897, -1.245429277420044, 2.9685442447662354, -0.01734699122607708}};
    static const double m[4] = {-0.0035515697672963142, 0.014254502952098846, 0.06494835019111633,
                                0.0001835698785725981};
    static const double v[4] = {0.0003005188482347876, 5.198224971536547e-05, 0.002644493244588375,
                                3.1548554879634594e-09};
    float value[4] = {0.5f, -1.25f, 3.0f, 0.0078125f}, grad[4];
    bc_param param = {.lr_scale = 1, .row = &bc_param_table[BC_WORD], .count = 4, .value = value, .grad = grad};
    bc_optim optim;
    assert_int_equal(bc_optim_create(&optim, &param, 1, BERTC_RECIPE_HF, 0.1, 1, NULL), BERTC_OK);
    for (int step = 0; step < 3; step++) {
        memcpy(grad, grads[step], sizeof grad);
        double norm = bc_optim_norm(&optim);
        assert_close(norm, norms[step], 1e-6);
        bc_optim_step(&optim, step, 0.01, bc_clip_scale(BERTC_RECIPE_HF, norm, 1.0));
        for (int i = 0; i < 4; i++) assert_close((double)value[i], want[step][i], 3e-7 * fabs(want[step][i]) + 3e-9);
    }
    for (int i = 0; i < 4; i++) {
        assert_close((double)optim.m[i], m[i], 1e-6 * fabs(m[i]));
        assert_close((double)optim.v[i], v[i], 1e-6 * fabs(v[i]));
    }
    bc_optim_clear(&optim);
}

/* ---- Against a twin ------------------------------------------------------------------------ */

enum { PARAMS = 4, MAX = 150000 };

/* A weight of several chunks and a partial one, a bias of one chunk, a weight that is not trained, and a gain. */
static const struct {
    bc_param_id id;
    size_t count;
    bool trained;
    double lr_scale;
} shapes[PARAMS] = {{BC_UP_W, MAX, true, 0.5}, {BC_UP_B, 16384, true, 1}, {BC_DOWN_W, 500, false, 1},
                    {BC_OUT_GAIN, 77, true, 3}};

typedef struct fixture {
    bc_param params[PARAMS];
    float value[PARAMS][MAX], grad[PARAMS][MAX];
    double twin[PARAMS][MAX], m[PARAMS][MAX], v[PARAMS][MAX];
} fixture;

static fixture *make(void)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    for (int p = 0; p < PARAMS; p++) {
        f->params[p] = (bc_param){.row = &bc_param_table[shapes[p].id],
                                  .count = shapes[p].count,
                                  .lr_scale = shapes[p].lr_scale,
                                  .value = f->value[p],
                                  .grad = shapes[p].trained ? f->grad[p] : NULL};
        bc_rng_normal(7, "value", 0.5, 0, f->value[p], MAX);
        for (size_t i = 0; i < MAX; i++) f->twin[p][i] = (double)f->value[p][i];
    }
    return f;
}

static void draw_gradients(fixture *f, int step)
{
    for (int p = 0; p < PARAMS; p++)
        bc_rng_normal((uint64_t)step, shapes[p].trained ? "grad" : "none", 0.01 * (p + 1), 0, f->grad[p], MAX);
}

/* AdamW as in a textbook, one scalar at a time. */
static void twin_step(fixture *f, bertc_recipe recipe, int step, double base, double wd, double scale)
{
    double t = step + 1, c1 = 1 - pow(0.9, t), c2 = 1 - pow(0.999, t);
    for (int p = 0; p < PARAMS; p++) {
        double decay = p == 0 ? wd : 0, lr = shapes[p].lr_scale * base;
        for (size_t i = 0; shapes[p].trained && i < shapes[p].count; i++) {
            double g = (double)f->grad[p][i] * scale, *x = &f->twin[p][i];
            double m = f->m[p][i] = 0.9 * f->m[p][i] + 0.1 * g;
            double v = f->v[p][i] = 0.999 * f->v[p][i] + 0.001 * g * g;
            if (recipe == BERTC_RECIPE_GOOGLE) *x -= lr * (m / (sqrt(v) + 1e-6) + decay * *x);
            else *x = *x * (1 - lr * decay) - lr * (m / c1) / (sqrt(v / c2) + 1e-8);
        }
    }
}

static double twin_norm(const fixture *f)
{
    double sum = 0;
    for (int p = 0; p < PARAMS; p++)
        for (size_t i = 0; shapes[p].trained && i < shapes[p].count; i++)
            sum += (double)f->grad[p][i] * (double)f->grad[p][i];
    return sqrt(sum);
}

static void compare_recipe(bertc_recipe recipe)
{
    fixture *f = make();
    bc_optim optim;
    assert_int_equal(bc_optim_create(&optim, f->params, PARAMS, recipe, 0.1, 2, NULL), BERTC_OK);
    assert_int_equal(optim.scalars, MAX + 16384 + 77);
    for (int step = 0; step < 20; step++) {
        draw_gradients(f, step);
        double norm = bc_optim_norm(&optim);
        assert_close(norm, twin_norm(f), 1e-12 * norm);
        double scale = bc_clip_scale(recipe, norm, 1.0);
        assert_true(scale < 1);
        bc_optim_step(&optim, step, 1e-3, scale);
        twin_step(f, recipe, step, 1e-3, 0.1, scale);
    }
    for (int p = 0; p < PARAMS; p++)
        for (size_t i = 0; i < shapes[p].count; i++) assert_close((double)f->value[p][i], f->twin[p][i], 4e-6);
    bc_optim_clear(&optim);
    free(f);
}

static void test_hf_against_twin(void **unused)
{
    (void)unused;
    compare_recipe(BERTC_RECIPE_HF);
}

static void test_google_against_twin(void **unused)
{
    (void)unused;
    compare_recipe(BERTC_RECIPE_GOOGLE);
}

/* ---- Threads ------------------------------------------------------------------------------- */

static void test_threads_change_nothing(void **unused)
{
    (void)unused;
    fixture *first = make(), *other = make();
    enum { DRAWS = 30 };
    double norms[4][DRAWS];
    for (int threads = 1; threads <= 3; threads++) {
        fixture *f = threads == 1 ? first : other;
        bc_optim optim;
        for (int p = 0; p < PARAMS; p++) bc_rng_normal(7, "value", 0.5, 0, f->value[p], MAX);
        assert_int_equal(bc_optim_create(&optim, f->params, PARAMS, BERTC_RECIPE_HF, 0.1, threads, NULL), BERTC_OK);
        for (int step = 0; step < DRAWS; step++) {
            draw_gradients(f, step);
            norms[threads][step] = bc_optim_norm(&optim);
            if (step < 3) bc_optim_step(&optim, step, 1e-3, 0.5);
        }
        bc_optim_clear(&optim);
        assert_memory_equal(norms[threads], norms[1], sizeof norms[1]);
        assert_memory_equal(f->value, first->value, sizeof f->value);
    }
    free(first);
    free(other);
}

/* ---- Not finite ---------------------------------------------------------------------------- */

static void test_norm_of_nan_and_infinity(void **unused)
{
    (void)unused;
    fixture *f = make();
    bc_optim optim;
    draw_gradients(f, 1);
    assert_int_equal(bc_optim_create(&optim, f->params, PARAMS, BERTC_RECIPE_HF, 0, 2, NULL), BERTC_OK);
    f->grad[1][16383] = NAN;
    assert_true(isnan(bc_optim_norm(&optim)));
    f->grad[1][16383] = INFINITY;
    assert_true(isinf(bc_optim_norm(&optim)));
    f->grad[1][16383] = 1e30f; /* its square exceeds FLT_MAX */
    assert_close(bc_optim_norm(&optim) / (double)1e30f, 1, 1e-12);
    bc_optim_clear(&optim);
    free(f);
}

/* ---- Clip and schedules -------------------------------------------------------------------- */

static void test_clip(void **unused)
{
    (void)unused;
    assert_close(bc_clip_scale(BERTC_RECIPE_HF, 0.5, 1), 1, 0);
    assert_close(bc_clip_scale(BERTC_RECIPE_HF, 4, 1), 1 / 4.000001, 1e-16);
    assert_close(bc_clip_scale(BERTC_RECIPE_HF, 1, 1), 1 / 1.000001, 1e-16);
    assert_close(bc_clip_scale(BERTC_RECIPE_HF, 4, 0), 1, 0);
    assert_close(bc_clip_scale(BERTC_RECIPE_GOOGLE, 4, 1), 0.25, 0);
    assert_close(bc_clip_scale(BERTC_RECIPE_GOOGLE, 1, 1), 1, 0);
}

/* Values computed by hand: cos(pi/4), cos(pi/3) and cos(pi/5) have closed forms. */
static void test_schedules(void **unused)
{
    (void)unused;
    enum { HF = BERTC_RECIPE_HF, GOOGLE = BERTC_RECIPE_GOOGLE };
    enum { LINEAR = BERTC_SCHEDULE_LINEAR, COSINE = BERTC_SCHEDULE_COSINE, CONSTANT = BERTC_SCHEDULE_CONSTANT };
    static const double root = 1.4142135623730951, fifth = 0.8090169943749475; /* sqrt(2), cos(pi/5) */
    const struct {
        int recipe, shape, step, warmup, steps;
        double want; /* for lr = 1 */
    } rows[] = {
        {HF, LINEAR, 0, 0, 10, 1},       {HF, LINEAR, 9, 0, 10, 0.1},
        {HF, LINEAR, 5, 0, 10, 0.5},     {HF, LINEAR, 0, 4, 10, 0},
        {HF, LINEAR, 1, 4, 10, 0.25},    {HF, LINEAR, 4, 4, 10, 1},
        {HF, LINEAR, 7, 4, 10, 0.5},     {HF, LINEAR, 2, 3, 3, 2.0 / 3},
        {HF, LINEAR, 4, 8, 6, 0.5},      {HF, LINEAR, 5, 5, 6, 1},
        {GOOGLE, LINEAR, 0, 2, 10, 0},   {GOOGLE, LINEAR, 1, 2, 10, 0.5},
        {GOOGLE, LINEAR, 2, 2, 10, 0.8}, {GOOGLE, LINEAR, 9, 2, 10, 0.1},
        {GOOGLE, LINEAR, 0, 0, 10, 1},   {GOOGLE, LINEAR, 4, 8, 6, 0.5},
        {HF, COSINE, 0, 0, 8, 1},        {HF, COSINE, 2, 0, 8, (2 + root) / 4},
        {HF, COSINE, 4, 0, 8, 0.5},      {HF, COSINE, 6, 0, 8, (2 - root) / 4},
        {HF, COSINE, 0, 2, 5, 0},        {HF, COSINE, 1, 2, 5, 0.5},
        {HF, COSINE, 2, 2, 5, 1},        {HF, COSINE, 3, 2, 5, 0.75},
        {HF, COSINE, 4, 2, 5, 0.25},     {HF, COSINE, 1, 4, 4, 0.25},
        {GOOGLE, COSINE, 0, 2, 5, 0},    {GOOGLE, COSINE, 1, 2, 5, 0.5},
        {GOOGLE, COSINE, 4, 2, 5, (1 - fifth) / 2},
        {GOOGLE, COSINE, 3, 2, 6, 0.5},  {GOOGLE, COSINE, 0, 0, 6, 1},
        {HF, CONSTANT, 0, 0, 10, 1},     {HF, CONSTANT, 9, 0, 10, 1},
        {HF, CONSTANT, 0, 4, 10, 0},     {HF, CONSTANT, 3, 4, 10, 0.75},
        {HF, CONSTANT, 4, 4, 10, 1},     {GOOGLE, CONSTANT, 1, 2, 10, 0.5},
        {GOOGLE, CONSTANT, 2, 2, 10, 1}, {GOOGLE, CONSTANT, 9, 2, 10, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const bc_schedule s = {.shape = (bertc_schedule)rows[i].shape, .recipe = (bertc_recipe)rows[i].recipe,
                               .lr = 1, .warmup = rows[i].warmup, .steps = rows[i].steps};
        assert_close(bc_schedule_rate(&s, rows[i].step), rows[i].want, 1e-15);
    }
    assert_int_equal(bc_schedule_warmup(BERTC_RECIPE_HF, 0.1, 11), 2);
    assert_int_equal(bc_schedule_warmup(BERTC_RECIPE_GOOGLE, 0.1, 11), 1);
    assert_int_equal(bc_schedule_warmup(BERTC_RECIPE_HF, 0, 11), 0);
}

/* Without a gradient both moments stay normal numbers until they become zero, the first moment within 800 steps.
 * Denormal numbers would slow down every later step. */
static void test_moments_are_never_denormal(void **unused)
{
    (void)unused;
    static const float grads[4] = {1e-4f, -1e-4f, 1e-18f, NAN};
    float value[4] = {1, 1, 0, 1}, grad[4];
    bc_param param = {.lr_scale = 1, .row = &bc_param_table[BC_UP_B], .count = 4, .value = value, .grad = grad};
    bc_optim optim;
    memcpy(grad, grads, sizeof grad);
    assert_int_equal(bc_optim_create(&optim, &param, 1, BERTC_RECIPE_HF, 0, 1, NULL), BERTC_OK);
    for (int step = 0; step < 800; step++) {
        bc_optim_step(&optim, step, 1e-3, 1);
        memset(grad, 0, sizeof grad);
        for (int i = 0; i < 3; i++) {
            assert_true(optim.m[i] == 0 || isnormal(optim.m[i]));
            assert_true(optim.v[i] == 0 || isnormal(optim.v[i]));
        }
        assert_true(step > 0 || (optim.m[2] > 0 && optim.v[2] == 0));
    }
    for (int i = 0; i < 3; i++) assert_true(optim.m[i] == 0);
    assert_true(optim.v[0] > 0);
    assert_true(isnan(optim.m[3]) && isnan(optim.v[3]) && isnan(value[3]));
    bc_optim_clear(&optim);
}

/* A bf16 copy does not change how a parameter moves, and contains its rounded values. */
static void test_bf16_copy(void **unused)
{
    (void)unused;
    enum { COUNT = 16384 + 53 };
    static float value[2][COUNT], grad[COUNT];
    static uint16_t bf16[COUNT];
    bc_rng_normal(3, "value", 1.0, 0, value[0], COUNT);
    bc_rng_normal(4, "grad", 0.1, 0, grad, COUNT);
    memcpy(value[1], value[0], sizeof value[1]);
    for (int k = 0; k < 2; k++) {
        bc_param param = {.lr_scale = 1, .row = &bc_param_table[BC_UP_W], .count = COUNT, .value = value[k],
                          .grad = grad, .bf16 = k ? bf16 : NULL};
        bc_optim optim;
        assert_int_equal(bc_optim_create(&optim, &param, 1, BERTC_RECIPE_HF, 0.1, 2, NULL), BERTC_OK);
        for (int step = 0; step < 3; step++) bc_optim_step(&optim, step, 0.01, 0.5);
        bc_optim_clear(&optim);
    }
    assert_memory_equal(value[0], value[1], sizeof value[0]);
    for (size_t i = 0; i < COUNT; i++) assert_int_equal(bf16[i], bc_to_bf16(value[1][i]));
}

/* Before its first_step a parameter does not move, even with a gradient of NaN; then it moves as in its first step. */
static void test_first_step(void **unused)
{
    (void)unused;
    float value[2][2] = {{1, 2}, {3, 4}}, grad[2][2] = {{NAN, NAN}, {3, 4}};
    bc_param params[2] = {{.lr_scale = 1, .row = &bc_param_table[BC_UP_B], .count = 2, .first_step = 2},
                          {.lr_scale = 1, .row = &bc_param_table[BC_DOWN_B], .count = 2}};
    for (int i = 0; i < 2; i++) params[i].value = value[i], params[i].grad = grad[i];
    bc_optim optim;
    assert_int_equal(bc_optim_create(&optim, params, 2, BERTC_RECIPE_HF, 0, 1, NULL), BERTC_OK);
    for (int step = 0; step < 2; step++) {
        bc_optim_unfreeze(&optim, step);
        assert_close(bc_optim_norm(&optim), 5, 0);
        bc_optim_step(&optim, step, 0.01, 1);
    }
    assert_true(value[0][0] == 1 && value[0][1] == 2);
    assert_close((double)value[1][1], 4 - 2 * 0.01, 1e-6);
    grad[0][0] = 12, grad[0][1] = 0;
    bc_optim_unfreeze(&optim, 2);
    assert_close(bc_optim_norm(&optim), 13, 0);
    bc_optim_step(&optim, 2, 0.01, 1);
    assert_close((double)value[0][0], 1 - 0.01, 1e-7);
    bc_optim_clear(&optim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_steps_of_torch),
        cmocka_unit_test(test_hf_against_twin),
        cmocka_unit_test(test_google_against_twin),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_norm_of_nan_and_infinity),
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_schedules),
        cmocka_unit_test(test_moments_are_never_denormal),
        cmocka_unit_test(test_bf16_copy),
        cmocka_unit_test(test_first_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
