/* Invalid calls: each fails with a message, and changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bertc/model.h"
#include "nn/workspace.h"
#include "twin/support.h"

enum { LENGTH = 6 };
static const bertc_limits limits = {.tokens = 12, .sequences = 2, .longest = LENGTH, .all_rows = true};

static bertc_config shape(int32_t layers, int32_t hidden)
{
    return twin_config(layers, hidden, 2, 2 * hidden, 3, BERTC_GELU);
}

static bertc_model *create(bertc_config config, bertc_model_options options)
{
    bertc_model *model;
    bertc_error err = {0};
    if (!options.backend) options.backend = "reference";
    if (bertc_model_create(&config, &options, &model, &err) != BERTC_OK) fail_msg("%s", err.message);
    return model;
}

static bertc_workspace *plan(const bertc_model *model)
{
    bertc_workspace *workspace;
    assert_int_equal(bertc_workspace_create(model, &limits, &workspace, NULL), BERTC_OK);
    return workspace;
}

/* Check that a call failed with this status and a message that contains these words. */
static void expect(bertc_status got, bertc_status status, bertc_error *err, const char *words)
{
    if (got != status || err->status != status || !strstr(err->message, words))
        fail_msg("status %d, \"%s\"; expected %d, \"%s\"", (int)got, err->message, (int)status, words);
    *err = (bertc_error){0};
}

/* ---- options ------------------------------------------------------------------------------- */

static void test_options(void **state)
{
    (void)state;
    static const char *const none[] = {"a", NULL};
    static const struct {
        bertc_model_options o;
        const char *words;
    } all[] = {
        {{.precision = BERTC_AUTO}, "precision"},
        {{.precision = (bertc_precision)77}, "precision"},
        {{.init = (bertc_init)9}, "init"},
        {{.threads = -1}, "threads"},
        {{.threads = INT32_MAX}, "threads"},
        {{.frozen = -1}, "frozen"},
        {{.frozen = 5}, "frozen: 5"}, /* of 2 layers */
        {{.frozen = 99, .batch_invariant = true}, "frozen: 99"},
        {{.keep_layers = -3}, "keep_layers"},
        {{.reinit_layers = -1}, "reinit_layers"},
        {{.reinit_layers = 3}, "reinit_layers: 3"},
        {{.labels = none, .num_labels = 0}, "num_labels"},
        {{.labels = none, .num_labels = -2}, "num_labels"},
        {{.labels = none, .num_labels = 2}, "label 1 of 2 is null"},
        {{.lora = {.rank = -1}}, "bertc_model_options.lora"},
        {{.lora = {.rank = 2, .targets = 1u << 9, .alpha = 1}}, "bertc_model_options.lora"},
        {{.backend = "abacus"}, "abacus"},
    };
    bertc_config config = shape(2, 16);
    bertc_error err = {0};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        bertc_model *model = (bertc_model *)&config;
        expect(bertc_model_create(&config, &all[i].o, &model, &err), BERTC_USAGE, &err, all[i].words);
        assert_null(model);
    }
    const bertc_model_options max = {.backend = "reference", .frozen = 4, .reinit_layers = 2};
    bertc_model_free(create(config, max));
}

static void test_options_of_files(void **state)
{
    (void)state;
    char dir[] = "/tmp/bertc-misuse-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    bertc_model *model = create(shape(2, 16), (bertc_model_options){0}), *loaded;
    assert_int_equal(bertc_model_save(model, dir, NULL), BERTC_OK);
    bertc_error err = {0};
    const struct {
        bertc_model_options o;
        const char *words;
    } wrong[] = {
        {{.threads = -2}, "threads"},
        {{.frozen = 5}, "bertc_model_options.frozen: 5"},
        {{.reinit_layers = 3}, "bertc_model_options.reinit_layers: 3"},
        {{.keep_layers = 3}, "bertc_model_options.keep_layers: 3: "},
        {{.keep_layers = 1, .frozen = 4}, "bertc_model_options.frozen: 4"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect(bertc_model_load(dir, &wrong[i].o, &loaded, &err), BERTC_USAGE, &err, wrong[i].words);
    const bertc_model_options headless = {.backend = "reference", .encoder_only = true};
    assert_int_equal(bertc_model_load(dir, &headless, &loaded, NULL), BERTC_OK);
    expect(bertc_model_save(loaded, dir, &err), BERTC_USAGE, &err, "without its head");
    bertc_model_free(loaded);
    bertc_model_free(model);
    static const char *const files[] = {"config.json", "model.safetensors"};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        assert_int_equal(remove(path), 0);
    }
    assert_int_equal(remove(dir), 0);
}

static void test_limits(void **state)
{
    (void)state;
    static const bertc_limits wrong[] = {
        {.tokens = 0, .sequences = 2, .longest = 6},
        {.tokens = -1, .sequences = 2, .longest = 6},
        {.tokens = 12, .sequences = 0, .longest = 6},
        {.tokens = 12, .sequences = -5, .longest = 6},
        {.tokens = 12, .sequences = 2, .longest = 0},
        {.tokens = 12, .sequences = 2, .longest = INT32_MIN},
        {.tokens = 12, .sequences = 2, .longest = 6, .checkpointing = -1},
        {.tokens = 12, .sequences = 2, .longest = 6, .training = true, .trained = -1},
        {.tokens = 12, .sequences = 2, .longest = 6, .training = true, .trained = 13},
    };
    bertc_model *model = create(shape(2, 16), (bertc_model_options){0});
    bertc_error err = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        bertc_workspace *workspace = (bertc_workspace *)&err;
        expect(bertc_workspace_create(model, &wrong[i], &workspace, &err), BERTC_USAGE, &err, "out of range");
        assert_null(workspace);
    }
    const bertc_limits huge = {.tokens = INT32_MAX, .sequences = INT32_MAX, .longest = INT32_MAX};
    bertc_workspace *workspace;
    expect(bertc_workspace_create(model, &huge, &workspace, &err), BERTC_NOMEM, &err, "out of memory");
    bertc_model_free(model);
}

/* ---- workspaces ---------------------------------------------------------------------------- */

/* A workspace is refused by a model that differs in any size that its plan depends on, and by another model of the same
 * shape. */
static void test_workspace_of_another_model(void **state)
{
    (void)state;
    static const int32_t lengths[] = {LENGTH, 2}, layers[] = {1};
    const struct {
        bertc_config config;
        bertc_model_options options;
    } others[] = {
        {shape(2, 16), {0}},
        {shape(3, 16), {0}},
        {shape(2, 32), {0}},
        {shape(2, 16), {.threads = 3}},
        {shape(2, 16), {.precision = BERTC_BF16}},
        {shape(2, 16), {.backend = "openblas"}},
        {shape(2, 16), {.frozen = 3, .batch_invariant = true}},
    };
    bertc_config config = shape(2, 16);
    const bertc_batch *batch = twin_batch(&config, lengths, 2, 1);
    bertc_model *model = create(config, (bertc_model_options){.threads = 1});
    bertc_workspace *own = plan(model);
    float *out = twin_floats(12 * 32);
    const float *logits;
    bertc_error err = {0};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        bertc_model *other = create(others[i].config, others[i].options);
        bertc_workspace *its = plan(other);
        expect(bertc_model_forward(model, its, batch, &logits, &err), BERTC_USAGE, &err, "another model");
        expect(bertc_model_forward(other, own, batch, &logits, &err), BERTC_USAGE, &err, "another model");
        expect(bertc_model_hidden(other, own, batch, layers, 1, out, &err), BERTC_USAGE, &err, "another model");
        bertc_workspace_free(its);
        bertc_model_free(other);
    }
    assert_int_equal(bertc_model_forward(model, own, batch, &logits, &err), BERTC_OK);
    /* a model at the address of another: its sizes differ */
    bertc_model *twin = create(shape(1, 32), (bertc_model_options){.threads = 1});
    own->model = twin;
    expect(bertc_model_forward(twin, own, batch, &logits, &err), BERTC_USAGE, &err, "another model");
    bertc_model_free(twin);
    bertc_workspace_free(own);
    bertc_model_free(model);
}

/* ---- batches ------------------------------------------------------------------------------- */

typedef void spoil(bertc_batch *batch);

static void too_many_sequences(bertc_batch *b) { b->sequences = 3; }
static void more_than_room(bertc_batch *b) { b->max_tokens = 7; }
static void no_sequence(bertc_batch *b) { b->sequences = 0; }
static void negative_sequences(bertc_batch *b) { b->sequences = -1; }
static void too_many_tokens(bertc_batch *b) { b->tokens = b->max_tokens = 13; }
static void fewer_tokens(bertc_batch *b) { b->tokens = 7; }
static void too_long(bertc_batch *b) { b->longest = 7; }
static void longer_than_said(bertc_batch *b) { b->longest = 5; }
static void negative_longest(bertc_batch *b) { b->longest = -1; }
static void late_start(bertc_batch *b) { b->starts[0] = 1; }
static void negative_start(bertc_batch *b) { b->starts[0] = -4; }
static void falling_starts(bertc_batch *b) { b->starts[1] = -1; }
static void start_past_end(bertc_batch *b) { b->starts[1] = 1 << 30; }
static void min_start(bertc_batch *b) { b->starts[1] = INT32_MIN; }
static void empty_sequence(bertc_batch *b) { b->starts[1] = 8; }
static void negative_id(bertc_batch *b) { b->ids[3] = -1; }
static void large_id(bertc_batch *b) { b->ids[7] = 1 << 20; }
static void large_type(bertc_batch *b) { b->types[0] = 255; }
static void other_position(bertc_batch *b) { b->positions[6] = 6; }
static void negative_position(bertc_batch *b) { b->positions[2] = -2; }
static void no_ids(bertc_batch *b) { b->ids = NULL; }
static void no_starts(bertc_batch *b) { b->starts = NULL; }

static void test_batches(void **state)
{
    (void)state;
    static const int32_t lengths[] = {LENGTH, 2}, layers[] = {2};
    static spoil *const all[] = {
        too_many_sequences, more_than_room, no_sequence, negative_sequences, too_many_tokens, fewer_tokens,
        too_long, longer_than_said, negative_longest, late_start, negative_start, falling_starts, start_past_end,
        min_start, empty_sequence, negative_id, large_id, large_type, other_position, negative_position, no_ids,
        no_starts,
    };
    bertc_config config = shape(2, 16);
    bertc_model *model = create(config, (bertc_model_options){0});
    bertc_workspace *workspace = plan(model);
    float *out = twin_floats(12 * 16);
    const float *logits;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        bertc_batch *batch = twin_batch(&config, lengths, 2, 1);
        bertc_error err = {0};
        assert_int_equal(bertc_model_forward(model, workspace, batch, &logits, NULL), BERTC_OK);
        all[i](batch);
        bertc_status status = bertc_model_forward(model, workspace, batch, &logits, &err);
        if (status != BERTC_USAGE && status != BERTC_INPUT) fail_msg("batch %zu is taken", i);
        assert_true(err.message[0] != '\0');
        assert_int_equal(bertc_model_hidden(model, workspace, batch, layers, 1, out, NULL), status);
    }
    bertc_workspace_free(workspace);
    bertc_model_free(model);
}

static void test_layers(void **state)
{
    (void)state;
    static const int32_t lengths[] = {LENGTH, 2}, wrong[] = {3, -1, INT32_MAX};
    bertc_config config = shape(2, 16);
    const bertc_batch *batch = twin_batch(&config, lengths, 2, 1);
    bertc_model *model = create(config, (bertc_model_options){0});
    bertc_workspace *workspace = plan(model);
    float *out = twin_floats(12 * 16);
    bertc_error err = {0};
    for (int i = 0; i < 3; i++)
        expect(bertc_model_hidden(model, workspace, batch, &wrong[i], 1, out, &err), BERTC_USAGE, &err, "layer");
    bertc_workspace_free(workspace);
    bertc_model_free(model);
}

/* ---- null ---------------------------------------------------------------------------------- */

static void test_null(void **state)
{
    (void)state;
    static const int32_t lengths[] = {LENGTH, 2};
    const bertc_model_options options = {.backend = "reference"};
    bertc_config config = shape(2, 16), copy;
    const bertc_batch *batch = twin_batch(&config, lengths, 2, 1);
    bertc_model *model = create(config, options), *made;
    bertc_workspace *workspace = plan(model), *second;
    const float *logits;
    bertc_precision precision = (bertc_precision)5;
    bertc_error e = {0};
    static const char words[] = "must not be null";
    expect(bertc_model_create(NULL, &options, &made, &e), BERTC_USAGE, &e, words);
    expect(bertc_model_create(&config, NULL, &made, &e), BERTC_USAGE, &e, words);
    expect(bertc_model_create(&config, &options, NULL, &e), BERTC_USAGE, &e, words);
    expect(bertc_model_load(NULL, &options, &made, &e), BERTC_USAGE, &e, words);
    expect(bertc_model_load("x", NULL, &made, &e), BERTC_USAGE, &e, words);
    expect(bertc_model_load("x", &options, NULL, &e), BERTC_USAGE, &e, words);
    expect(bertc_model_check_finished(NULL, &e), BERTC_USAGE, &e, words);
    expect(bertc_model_save(NULL, "x", &e), BERTC_USAGE, &e, words);
    expect(bertc_model_save(model, NULL, &e), BERTC_USAGE, &e, words);
    expect(bertc_workspace_create(NULL, &limits, &second, &e), BERTC_USAGE, &e, words);
    expect(bertc_workspace_create(model, NULL, &second, &e), BERTC_USAGE, &e, words);
    expect(bertc_workspace_create(model, &limits, NULL, &e), BERTC_USAGE, &e, words);
    expect(bertc_model_forward(NULL, workspace, batch, &logits, &e), BERTC_USAGE, &e, words);
    expect(bertc_model_forward(model, NULL, batch, &logits, &e), BERTC_USAGE, &e, words);
    expect(bertc_model_forward(model, workspace, NULL, &logits, &e), BERTC_USAGE, &e, words);
    expect(bertc_model_forward(model, workspace, batch, NULL, &e), BERTC_USAGE, &e, words);
    expect(bertc_model_hidden(model, workspace, batch, NULL, 1, NULL, &e), BERTC_USAGE, &e, words);
    assert_int_equal(bertc_model_hidden(model, workspace, batch, NULL, 0, NULL, &e), BERTC_OK);
    expect(bertc_precision_resolve("reference", NULL, &e), BERTC_USAGE, &e, words);
    expect(bertc_precision_resolve("reference", &precision, &e), BERTC_USAGE, &e, "precision 5");
    expect(bertc_config_init(NULL, &e), BERTC_USAGE, &e, words);
    expect(bertc_config_load(NULL, &copy, &e), BERTC_USAGE, &e, words);
    expect(bertc_config_load("x", NULL, &e), BERTC_USAGE, &e, words);
    expect(bertc_config_check(NULL, "x", &e), BERTC_USAGE, &e, words);
    expect(bertc_config_check(&config, NULL, &e), BERTC_USAGE, &e, words);
    expect(bertc_config_copy(NULL, &config, &e), BERTC_USAGE, &e, words);
    expect(bertc_config_copy(&copy, NULL, &e), BERTC_USAGE, &e, words);
    expect(bertc_config_set_labels(&config, NULL, 2, &e), BERTC_USAGE, &e, words);
    assert_null(bertc_model_config(NULL));
    assert_int_equal(bertc_model_parameters(NULL), 0);
    assert_int_equal(bertc_workspace_bytes(NULL), 0);
    assert_null(bertc_backend_name(99));
    bertc_model_free(NULL);
    bertc_workspace_free(NULL);
    bertc_config_clear(NULL);
    bertc_workspace_free(workspace);
    bertc_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_options, twin_release),
        cmocka_unit_test_teardown(test_options_of_files, twin_release),
        cmocka_unit_test_teardown(test_limits, twin_release),
        cmocka_unit_test_teardown(test_workspace_of_another_model, twin_release),
        cmocka_unit_test_teardown(test_batches, twin_release),
        cmocka_unit_test_teardown(test_layers, twin_release),
        cmocka_unit_test_teardown(test_null, twin_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
