/* The trainer: neither postponed updates of the word embedding table nor passes change a step's result, and an error
 * changes no weight. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "data/epoch.h"
#include "train/trainer.h"
#include "twin/support.h"

static const int32_t lengths[] = {9, 1, 24, 5, 16, 2, 7, 3, 30, 4, 11, 6};
enum { EXAMPLES = 12, BATCH = 4, LONGEST = 30, STEPS = 7 };

/* A data set of synthetic sequences in batches, and a trainer of a small model with random weights. */
typedef struct trial {
    bertc_inputs inputs;
    bc_epoch epoch;
    bc_trainer *trainer;
} trial;

static void begin_watched(trial *t, size_t pass_tokens, bool sparse_rows, const bc_meter *meter)
{
    const bertc_config config = twin_config(2, 32, 2, 64, 3, BERTC_GELU);
    const bertc_model_options options = {.backend = "reference", .threads = 1, .seed = 3, .trainable = true};
    const bertc_limits limits = {.tokens = BATCH * LONGEST, .sequences = BATCH, .longest = LONGEST, .training = true};
    bertc_model *model;
    memset(t, 0, sizeof *t);
    t->inputs = twin_inputs(twin_batch(&config, lengths, EXAMPLES, 11));
    assert_int_equal(bc_epoch_create(&t->epoch, &t->inputs, BATCH, 5, NULL, NULL), BERTC_OK);
    assert_int_equal(bertc_model_create(&config, &options, &model, NULL), BERTC_OK);
    assert_int_equal(bc_trainer_create(model, &t->trainer, NULL), BERTC_OK);
    if (sparse_rows)
        assert_int_equal(bc_trainer_use_sparse_rows(t->trainer, (size_t)config.vocab_size, NULL), BERTC_OK);
    const bc_trainer_options how = {.weight_decay = 0.01, .max_grad_norm = 1, .seed = 5,
                                    .dropout = {.hidden = 0.1, .attention = 0.1, .head = 0.1},
                                    .pack = {BATCH, pass_tokens}, .meter = meter};
    assert_int_equal(bc_trainer_open(t->trainer, &limits, &how, NULL), BERTC_OK);
}

static void begin(trial *t, size_t pass_tokens, bool sparse_rows)
{
    begin_watched(t, pass_tokens, sparse_rows, NULL);
}

static void end(trial *t)
{
    bc_trainer_free(t->trainer);
    bc_epoch_clear(&t->epoch);
}

static bertc_status step(trial *t, int64_t number, bc_step_result *result, bertc_error *err)
{
    const bc_examples examples = bc_epoch_batch(&t->epoch, number);
    const bc_step next = {.number = number, .examples = examples, .divisor = (double)examples.count, .lr = 1e-3};
    return bc_trainer_step(t->trainer, &next, result, err);
}

/* The largest differences of weights and moments are at most `bound`. */
static void compare(trial *a, trial *b, double bound)
{
    const bc_trainer_state x = bc_trainer_state_of(a->trainer), y = bc_trainer_state_of(b->trainer);
    assert_int_equal(x.scalars, y.scalars);
    assert_int_equal(x.trained, y.trained);
    const float *of[][2] = {{x.values, y.values}, {x.m, y.m}, {x.v, y.v}};
    for (size_t i = 0; i < 3; i++)
        assert_true(twin_distance_floats(of[i][0], of[i][1], i ? x.trained : x.scalars) <= bound);
}

/* Updates of words that are not in a batch are flushed when the weights are requested: after any number of steps they
 * equal those of a trainer that updates the whole table in every step. */
static void test_postponed_updates_are_flushed(void **unused)
{
    (void)unused;
    for (int steps = 1; steps <= STEPS; steps++) {
        trial lazy, eager;
        bc_step_result a, b;
        begin(&lazy, LONGEST * BATCH, true);
        begin(&eager, LONGEST * BATCH, false);
        for (int i = 0; i < steps; i++) {
            assert_int_equal(step(&lazy, i, &a, NULL), BERTC_OK);
            assert_int_equal(step(&eager, i, &b, NULL), BERTC_OK);
            assert_true(a.loss == b.loss && a.norm == b.norm && a.tokens == b.tokens);
        }
        compare(&lazy, &eager, 0);
        const bertc_model *model = bc_trainer_model(lazy.trainer);
        assert_true(bc_find_not_finite(model, model->values) == NULL);
        end(&lazy);
        end(&eager);
    }
}

/* A batch in passes of one sequence gives the same result as in one pass, except for the order of sums. */
static void test_passes_add_up(void **unused)
{
    (void)unused;
    trial whole, parts;
    bc_step_result a, b;
    begin(&whole, LONGEST * BATCH, true);
    begin(&parts, 1, true);
    for (int i = 0; i < STEPS; i++) {
        assert_int_equal(step(&whole, i, &a, NULL), BERTC_OK);
        assert_int_equal(step(&parts, i, &b, NULL), BERTC_OK);
        assert_int_equal(a.tokens, b.tokens);
        assert_true(fabs(a.loss - b.loss) < 1e-5 * fabs(a.loss));
    }
    compare(&whole, &parts, 1e-2);
    end(&whole);
    end(&parts);
}

/* A step with a NaN weight reports its parameter and changes neither weights nor moments. */
static void test_an_error_updates_nothing(void **unused)
{
    (void)unused;
    trial t;
    bc_step_result result;
    bertc_error err = {0};
    begin(&t, LONGEST * BATCH, true);
    assert_int_equal(step(&t, 0, &result, NULL), BERTC_OK);
    bc_trainer_state state = bc_trainer_state_of(t.trainer);
    bertc_model *model = bc_trainer_model(t.trainer);
    bc_param *bias = bc_model_param(model, BC_UP_B, 1);
    bias->value[2] = NAN;
    float *before = twin_copy(state.values, state.scalars), *m = twin_copy(state.m, state.trained);
    assert_int_equal(step(&t, 1, &result, &err), BERTC_DIVERGED);
    assert_string_equal(err.message, "step 2: the loss is not finite; first in the weights "
                        "bert.encoder.layer.1.intermediate.dense.bias; no update was made");
    state = bc_trainer_state_of(t.trainer);
    assert_memory_equal(state.values, before, state.scalars * sizeof *before);
    assert_memory_equal(state.m, m, state.trained * sizeof *m);
    end(&t);
}

static bertc_status stop_at_once(void *user)
{
    ++*(int *)user;
    return BERTC_INTERRUPTED;
}

/* The observer is asked only between two passes of a step; a step that it stops changes nothing. */
static void test_a_step_stops_between_passes(void **unused)
{
    (void)unused;
    int asked = 0;
    const bertc_observer observer = {.stop = stop_at_once, .user = &asked};
    bc_meter meter;
    trial stopped, whole, fresh;
    bc_step_result result;
    bc_meter_start(&meter, &observer);
    begin_watched(&whole, LONGEST * BATCH, false, &meter);
    assert_int_equal(step(&whole, 0, &result, NULL), BERTC_OK);
    assert_int_equal(asked, 0);
    begin_watched(&stopped, 1, false, &meter);
    assert_int_equal(step(&stopped, 0, &result, NULL), BERTC_INTERRUPTED);
    assert_int_equal(asked, 1);
    begin(&fresh, 1, false);
    compare(&stopped, &fresh, 0);
    end(&whole);
    end(&stopped);
    end(&fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_postponed_updates_are_flushed, twin_release),
        cmocka_unit_test_teardown(test_passes_add_up, twin_release),
        cmocka_unit_test_teardown(test_an_error_updates_nothing, twin_release),
        cmocka_unit_test_teardown(test_a_step_stops_between_passes, twin_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
