/* Which parameters a run trains, and at which learning rate: frozen stages, biases only, newly initialized layers. */
#include "jobs_fixture.h"

#include <math.h>

static double largest_move(const char *a, const char *b, const char *name)
{
    fixture_pair p;
    fixture_open_pair(&p, a, b, name);
    double max = fixture_distance(p.tensors);
    fixture_close_pair(&p);
    return max;
}

/* AdamW's first step changes a scalar by its learning rate, whatever the gradient. */
static void test_rates_of_layers_and_head(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        double rate;
    } rows[] = {{"bert.embeddings.word_embeddings.weight", 1e-2 / 16},
                {"bert.encoder.layer.0.output.dense.weight", 1e-2 / 8},
                {"bert.encoder.layer.1.attention.self.value.bias", 1e-2 / 4},
                {"bert.pooler.dense.weight", 1e-2 / 2},
                {"classifier.weight", 3e-2}};
    bertc_train_options o = fixture_options("first"), start = fixture_options("start");
    o.layer_lr_decay = 0.5;
    o.head_lr = 3e-2;
    o.max_steps = start.max_steps = 1;
    start.lr = 0; /* the head is newly initialized, nothing changes */
    fixture_remove("first");
    fixture_remove("start");
    fixture_run(o);
    fixture_run(start);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double move = largest_move("start/model.safetensors", "first/model.safetensors", rows[i].name);
        assert_true(fabs(move / rows[i].rate - 1) < 1e-3);
    }
}

/* The last layers and the pooler are newly initialized, the same each time; the other layers come from the file. */
static void test_newly_initialized_layers(void **unused)
{
    (void)unused;
    static const char *const low = "bert.encoder.layer.0.output.dense.weight";
    static const char *const high = "bert.encoder.layer.1.output.dense.weight";
    static const char *const pooler = "bert.pooler.dense.weight";
    bertc_train_options o = fixture_options("anew");
    o.lr = 0;
    o.max_steps = 1;
    for (int layers = 0; layers <= 2; layers++) {
        o.reinit_layers = layers;
        fixture_remove("anew");
        fixture_run(o);
        const char *a = "model/model.safetensors", *b = "anew/model.safetensors";
        assert_int_equal(fixture_same_tensor(a, b, low), layers < 2);
        assert_int_equal(fixture_same_tensor(a, b, high), layers < 1);
        assert_int_equal(fixture_same_tensor(a, b, pooler), layers < 1);
        assert_true(fixture_same_tensor(a, b, "bert.embeddings.word_embeddings.weight"));
        o.out = "again";
        fixture_remove("again");
        fixture_run(o);
        assert_true(fixture_same_tensor(b, "again/model.safetensors", high));
        o.out = "anew";
    }
    fixture_remove("again");
    bertc_train_options moving = fixture_options("whole");
    moving.reinit_layers = 1;
    moving.train_only = BERTC_TRAIN_BIASES;
    fixture_remove("whole");
    fixture_run(moving);
    assert_true(fixture_same_tensor("anew/model.safetensors", "whole/model.safetensors",
                            "bert.embeddings.LayerNorm.weight"));
    assert_false(fixture_same_tensor("model/model.safetensors", "whole/model.safetensors",
                             "bert.embeddings.LayerNorm.bias"));
    assert_true(fixture_same_tensor("model/model.safetensors", "whole/model.safetensors", low));
    fixture_stop_twice(moving, "whole");
}

/* Frozen parameters do not change, others do; a stopped run resumes to the same result, in both recipes and
 * precisions and in passes of any size. */
static void test_frozen_parameters_stay(void **unused)
{
    (void)unused;
    static const struct {
        const char *freeze;
        bool word, low, high, pooler; /* whether frozen */
    } cases[] = {{"none", false, false, false, false}, {"embeddings", true, false, false, false},
                 {"0", true, false, false, false},     {"1", true, true, false, false},
                 {"2", true, true, true, false},       {"all", true, true, true, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_train_options o = fixture_options("whole");
        o.freeze = cases[i].freeze;
        o.recipe = i % 2 ? BERTC_RECIPE_GOOGLE : BERTC_RECIPE_HF;
        o.precision = i % 3 == 1 ? BERTC_BF16 : BERTC_F32;
        o.micro_batch_tokens = i % 3 == 2 ? 16 : 8192;
        o.gradient_checkpointing = i == 3;
        fixture_remove("whole");
        fixture_run(o);
        const char *a = "model/model.safetensors", *b = "whole/model.safetensors";
        assert_int_equal(fixture_same_tensor(a, b, "bert.embeddings.word_embeddings.weight"), cases[i].word);
        assert_int_equal(fixture_same_tensor(a, b, "bert.encoder.layer.0.output.dense.weight"), cases[i].low);
        assert_int_equal(fixture_same_tensor(a, b, "bert.encoder.layer.1.output.LayerNorm.bias"), cases[i].high);
        assert_int_equal(fixture_same_tensor(a, b, "bert.pooler.dense.weight"), cases[i].pooler);
        assert_false(fixture_same_tensor(a, b, "classifier.weight"));
        fixture_stop_twice(o, "whole");
    }
}

/* Whether two logs are the same up to a step, except times. */
static bool same_until(const char *a, const char *b, int step)
{
    size_t length, at = 0;
    char mark[32], *x = fixture_read(a, &length, true), *y = fixture_read(b, &length, true);
    snprintf(mark, sizeof mark, "{\"step\":%d,", step + 1);
    while (x[at] != '\0' && x[at] == y[at]) at++;
    x[at] = '\0';
    bool same = strstr(x, mark) != NULL;
    bc_free(x);
    bc_free(y);
    return same;
}

/* Until an entry's epoch the run is the same as with --freeze alone, then it differs. Unfrozen parameters change,
 * others do not; a stopped run resumes to the same result. */
static void test_schedule_unfreezes(void **unused)
{
    (void)unused;
    static const struct {
        const char *freeze, *schedule;
        bool word, low, pooler; /* whether frozen for the whole run */
    } cases[] = {{"all", "1:1", true, true, false},
                 {"2", "0.4:1,1:none", false, false, false},
                 {"all", "each-epoch", true, true, false},
                 {"1", "each-epoch", true, false, false}};
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        size_t c = i / 2;
        bertc_train_options o = fixture_options("whole"), frozen = fixture_options("frozen");
        o.freeze = frozen.freeze = cases[c].freeze;
        o.unfreeze_schedule = cases[c].schedule;
        o.recipe = frozen.recipe = i % 2 ? BERTC_RECIPE_GOOGLE : BERTC_RECIPE_HF;
        o.precision = frozen.precision = c % 2 ? BERTC_BF16 : BERTC_F32;
        o.micro_batch_tokens = frozen.micro_batch_tokens = i == 3 ? 16 : 8192;
        o.gradient_checkpointing = c == 1;
        fixture_remove("whole");
        fixture_remove("frozen");
        fixture_run(o);
        fixture_run(frozen);
        int freeze = c == 1 ? 2 : 4;
        assert_true(same_until("whole/log.jsonl", "frozen/log.jsonl", freeze));
        assert_false(same_until("whole/log.jsonl", "frozen/log.jsonl", freeze + 2));
        const char *a = "model/model.safetensors", *b = "whole/model.safetensors";
        assert_int_equal(fixture_same_tensor(a, b, "bert.embeddings.word_embeddings.weight"), cases[c].word);
        assert_int_equal(fixture_same_tensor(a, b, "bert.encoder.layer.0.output.dense.weight"), cases[c].low);
        assert_int_equal(fixture_same_tensor(a, b, "bert.pooler.dense.weight"), cases[c].pooler);
        fixture_stop_twice(o, "whole");
    }
}

static void test_schedules_are_refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *freeze, *schedule, *message;
    } cases[] = {
        {"all", "1:3", "--unfreeze-schedule 3: the model has 2 layers"},
        {"1", "1:1", "--unfreeze-schedule: '1:1' unfreezes no further part"},
        {"all", "1:1,1:0", "--unfreeze-schedule: '1:0' is not after epoch 1"},
        {"all", "0:1", "--unfreeze-schedule: '0:1' is not after epoch 0"},
        {"all", "2:1", "--unfreeze-schedule: epoch 2 is past the end of the run"},
        {"all", "1", "--unfreeze-schedule: '1' is not EPOCH:FREEZE, such as 1:8"},
        {"all", "x:1", "--unfreeze-schedule: 'x:1' is not EPOCH:FREEZE, such as 1:8"},
        {"all", "1:some", "--unfreeze-schedule: 'some' is not none, embeddings, all or a number of layers"},
        {"all", "1:1,", "--unfreeze-schedule: nothing after the last comma"},
        {"all", "", "--unfreeze-schedule is empty"},
        {"none", "1:1", "--unfreeze-schedule: nothing is frozen; add --freeze, such as --freeze all"},
        {"none", "each-epoch", "--unfreeze-schedule: nothing is frozen; add --freeze, such as --freeze all"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_train_options o = fixture_options("refused");
        o.freeze = cases[i].freeze;
        o.unfreeze_schedule = cases[i].schedule;
        fixture_refuse(o, BERTC_USAGE, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frozen_parameters_stay), cmocka_unit_test(test_rates_of_layers_and_head),
        cmocka_unit_test(test_newly_initialized_layers),      cmocka_unit_test(test_schedule_unfreezes),
        cmocka_unit_test(test_schedules_are_refused),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
