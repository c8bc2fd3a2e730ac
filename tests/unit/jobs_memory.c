/* The memory that a run needs, and refusals of runs that do not fit. The linker redirects the query of available
 * memory to this program, and lets it count how often weights are read. */
#include "jobs_fixture.h"

#include <math.h>

#include "base/memory_limit.h"
#include "bertc/embed.h"
#include "nn/model_load.h"
#include "run/memory.h"

bc_memory_limit __wrap_bc_memory_limit_read(void);

bertc_status __real_bc_model_read(bertc_model *model, const bertc_model_options *options, bertc_error *err);
bertc_status __wrap_bc_model_read(bertc_model *model, const bertc_model_options *options, bertc_error *err);

static size_t max = SIZE_MAX;
static int reads;

bertc_status __wrap_bc_model_read(bertc_model *model, const bertc_model_options *options, bertc_error *err)
{
    reads++;
    return __real_bc_model_read(model, options, err);
}

bc_memory_limit __wrap_bc_memory_limit_read(void)
{
    return (bc_memory_limit){.resident = 1 << 20, .available = max, .name = "the test"};
}

static bertc_plan_result plan(bertc_train_options o, size_t room)
{
    bertc_plan_result result;
    bertc_error err = {0};
    max = room;
    o.out = NULL;
    if (bertc_plan(&o, NULL, &result, &err) != BERTC_OK) fail_msg("%s", err.message);
    return result;
}

static size_t part(const bertc_plan_result *result, const char *name)
{
    for (int i = 0; i < BERTC_MEMORY_PARTS; i++)
        if (strcmp(result->parts[i].name, name) == 0) return result->parts[i].bytes;
    fail_msg("no part %s", name);
    return 0;
}

static void test_parts(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options(NULL);
    bertc_plan_result result = plan(o, SIZE_MAX);
    bertc_model_options keep = {.backend = "reference", .threads = 1};
    bertc_model *model;
    size_t sum = 0;
    assert_int_equal(bertc_model_load("model", &keep, &model, NULL), BERTC_OK);
    size_t bytes = bertc_model_parameters(model) * sizeof(float);
    bertc_model_free(model);
    assert_int_equal(part(&result, "weights"), bytes);
    /* the data use 10 of 13 words; a batch notes its words and the state of each row */
    assert_int_equal(part(&result, "gradients"), bytes - 3 * 16 * sizeof(float) + (13 + 10) * sizeof(int32_t));
    assert_int_equal(part(&result, "moments"), 2 * bytes + 13 * sizeof(uint16_t));
    assert_int_equal(part(&result, "bf16_copies"), 0);
    assert_true(part(&result, "workspace") > 0 && part(&result, "data") > 0);
    for (int i = 0; i < BERTC_MEMORY_PARTS; i++) sum += result.parts[i].bytes;
    assert_int_equal(result.peak, sum);
    assert_true(result.available == SIZE_MAX);
    o.batch_size = o.max_steps = 1; /* in the order of the data: the first example has 3 tokens */
    o.no_shuffle = true;
    result = plan(o, SIZE_MAX);
    assert_int_equal(part(&result, "gradients"), bytes - 10 * 16 * sizeof(float) + (13 + 3) * sizeof(int32_t));
    o.precision = BERTC_BF16;
    /* the matrices of two layers: 4 of 16 x 16 and 2 of 16 x 32 */
    result = plan(o, SIZE_MAX);
    assert_int_equal(part(&result, "bf16_copies"), 2 * (2 * (4 * 256 + 2 * 512)));
}

static void test_time(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options(NULL);
    o.eval_every = 3;
    bertc_plan_result result = plan(o, SIZE_MAX);
    assert_true(result.fits && result.advice[0] == '\0');
    assert_int_equal(result.steps, 10);
    assert_int_equal(result.measured, 2);
    assert_true(result.step_seconds > 0 && result.seconds > 10 * result.step_seconds);
    assert_true(result.tokens_per_step > 5 * 3 && result.tokens_per_step < 5 * 11);
    result = plan(o, 1000);
    assert_false(result.fits);
    assert_int_equal(result.measured, 0);
    assert_true(isnan(result.step_seconds) && isnan(result.seconds));
    assert_false(bc_file_exists("checkpoint"));
}

static bertc_status on_stop(void *user)
{
    (void)user;
    return BERTC_INTERRUPTED;
}

static void test_stopped(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options(NULL);
    bertc_observer observer = {.stop = on_stop};
    bertc_plan_result result;
    bertc_error err = {0};
    max = SIZE_MAX;
    assert_int_equal(bertc_plan(&o, &observer, &result, &err), BERTC_INTERRUPTED);
    assert_string_equal(err.message, "stopped");
}

/* A run that needs `need` bytes is refused in one line if `room` bytes are available; advice "": no option helps. */
static void refuse(const bertc_train_options *o, size_t need, size_t room, const char *advice)
{
    char message[256];
    bertc_train_result result;
    bertc_error err = {0};
    max = room;
    snprintf(message, sizeof message, "out of memory: the run needs %zu MB, %zu MB are available (the test); %s%s",
             need >> 20, room >> 20, advice[0] ? "it fits with " : BERTC_NO_ADVICE, advice);
    assert_int_equal(bertc_finetune(o, NULL, &result, &err), BERTC_NOMEM);
    assert_string_equal(err.message, message);
    assert_false(bc_file_exists(o->out));
}

/* Set the options of an advice. */
static void follow(bertc_train_options *o, const char *advice)
{
    const char *tokens = strstr(advice, "--micro-batch-tokens ");
    const char *group = strstr(advice, "--gradient-checkpointing ");
    if (tokens) o->micro_batch_tokens = atoi(strchr(tokens, ' '));
    if (group) o->gradient_checkpointing = atoi(strchr(group, ' '));
}

/* With any available memory the advice is good: the run fits with it. The memory gets smaller until no option helps;
 * the kinds of advice come in their order. */
static void test_advice(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("refused");
    const char *seen[] = {"--micro-batch-tokens", "--gradient-checkpointing"};
    size_t counts[3] = {0};
    o.batch_size = 16;
    size_t need = plan(o, SIZE_MAX).peak;
    assert_true(plan(o, need).fits);
    for (size_t room = need - 1;; room -= 512) {
        bertc_plan_result result = plan(o, room);
        assert_false(result.fits);
        refuse(&o, need, room, result.advice);
        if (!result.advice[0]) break;
        bertc_train_options followed = o;
        follow(&followed, result.advice);
        assert_true(plan(followed, room).peak <= room);
        bool tokens = strstr(result.advice, seen[0]), group = strstr(result.advice, seen[1]);
        counts[tokens && group ? 2 : group]++;
        assert_false(group && !tokens); /* smaller passes are tried first, and are enough here */
    }
    assert_true(counts[0] > 3 && counts[2] > 0);
}

/* If passes are as small as possible, checkpointing is left. */
static void test_advice_of_checkpointing(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("refused");
    bertc_train_result result;
    o.micro_batch_tokens = 1;
    size_t need = plan(o, SIZE_MAX).peak;
    refuse(&o, need, need - 1, "--gradient-checkpointing 1");
    o.gradient_checkpointing = 1;
    max = need - 1;
    assert_int_equal(bertc_finetune(&o, NULL, &result, NULL), BERTC_OK);
    fixture_remove("refused");
    refuse(&o, plan(o, SIZE_MAX).peak, 1 << 20, "");
}

/* A run that does not fit is refused before its weights are read. */
static void test_weights_are_not_read(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("refused");
    size_t need = plan(o, SIZE_MAX).peak;
    reads = 0;
    refuse(&o, need, 1000, "");
    assert_false(plan(o, 1000).fits);
    assert_int_equal(reads, 0);
    assert_true(plan(o, SIZE_MAX).fits);
    assert_int_equal(reads, 1);
}

#define LONG "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a\n"

static bertc_status predict(size_t room, int64_t batch_size, bertc_error *err)
{
    static const char lines[] = LONG LONG LONG;
    const bertc_predict_options o = {.task = "sst2", .model = "model", .text = lines, .threads = 1,
                                     .text_length = sizeof lines - 1, .backend = 2, .batch_size = batch_size};
    bertc_predictions predictions;
    max = room;
    bertc_status status = bertc_predict(&o, false, NULL, &predictions, err);
    if (status == BERTC_OK) bertc_predictions_clear(&predictions);
    return status;
}

/* Inference that does not fit is refused before the weights are read, with the minimum that it needs; smaller passes
 * are advised if they are enough. */
static void test_inference(void **unused)
{
    (void)unused;
    bertc_error err = {0};
    size_t few = 1 << 20, enough = (size_t)1 << 30;
    while (enough - few > 1) {
        size_t middle = (few + enough) / 2;
        if (predict(middle, 3, NULL) == BERTC_OK) enough = middle;
        else few = middle;
    }
    reads = 0;
    assert_int_equal(predict(few, 3, &err), BERTC_NOMEM);
    assert_string_equal(strchr(err.message, ';'), "; a smaller --batch-size needs less");
    assert_int_equal(reads, 0);
    assert_int_equal(predict(few, 1, NULL), BERTC_OK);
    err = (bertc_error){0};
    assert_int_equal(predict(2 << 20, 3, &err), BERTC_NOMEM);
    assert_non_null(strstr(err.message, " MB are needed, 2 MB are available (the test)"));
    assert_null(strchr(err.message, ';'));
}

static bertc_status begin(void *user, const bertc_embed_shape *shape, bertc_error *err)
{
    (void)user, (void)shape, (void)err;
    fail_msg("it begins");
    return BERTC_OK;
}

static bertc_status take(void *user, const bertc_embedding *example, bertc_error *err)
{
    (void)user, (void)example, (void)err;
    fail_msg("it goes on");
    return BERTC_OK;
}

static void test_embed_is_refused(void **unused)
{
    (void)unused;
    const bertc_embed_sink nowhere = {begin, take, NULL};
    const bertc_embed_options o = {.layers = "-1", .on = {.model = "model", .text = "a\n", .text_length = 2,
                                                         .batch_size = 1, .backend = 2, .threads = 1}};
    bertc_error err = {0};
    max = 2 << 20;
    reads = 0;
    assert_int_equal(bertc_embed(&o, NULL, &nowhere, &err), BERTC_NOMEM);
    assert_non_null(strstr(err.message, " MB are needed, 2 MB are available (the test)"));
    assert_int_equal(reads, 0);
}

/* A failed allocation of passes gets advice to make them smaller; other errors do not change. */
static void test_explained(void **unused)
{
    (void)unused;
    const bertc_limits huge = {.tokens = INT32_MAX, .sequences = INT32_MAX, .longest = INT32_MAX};
    const bertc_model_options options = {.backend = "reference"};
    bertc_error why = {0}, err = {0};
    bertc_workspace *workspace;
    bertc_model *model;
    assert_int_equal(bertc_model_load("model", &options, &model, NULL), BERTC_OK);
    bertc_status status = bertc_workspace_create(model, &huge, &workspace, &why);
    assert_int_equal(bc_memory_explain(status, &why, &err), BERTC_NOMEM);
    assert_non_null(strstr(err.message, " MB for a pass of 2147483647 tokens; try a smaller --micro-batch-tokens or "
                                        "--batch-size"));
    why = err = (bertc_error){0};
    status = bertc_workspace_create(model, &(bertc_limits){0}, &workspace, &why);
    assert_int_equal(bc_memory_explain(status, &why, &err), BERTC_USAGE);
    assert_string_equal(err.message, why.message);
    assert_int_equal(bc_memory_explain(BERTC_OK, &why, &err), BERTC_OK);
    bertc_model_free(model);
}

/* The peak of the resident size in kB; with `reset` a new peak begins. 0: the system does not report it. */
static long peak(bool reset)
{
    char line[256];
    long kb = 0;
    FILE *refs = reset ? fopen("/proc/self/clear_refs", "w") : NULL;
    if (refs) fputs("5", refs);
    if (reset && (!refs || fclose(refs) != 0)) return 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "VmHWM:", 6) == 0) kb = strtol(line + 6, NULL, 10);
    if (status) fclose(status);
    return kb;
}

/* While weights are read from a file its pages are released, so that loading takes hardly more memory than the
 * weights. */
static void test_file_is_not_held(void **unused)
{
    (void)unused;
    const bertc_model_options options = {.backend = "reference"}; /* it packs nothing */
    const long weights = 6 * 12 * 512 * 512 * 4 / 1024;
    bertc_config config;
    bertc_model *model;
    assert_int_equal(bertc_config_init(&config, NULL), BERTC_OK);
    config.vocab_size = 100;
    config.hidden_size = 512;
    config.num_hidden_layers = 6;
    config.num_attention_heads = 8;
    config.intermediate_size = 2048;
    fixture_save(&config, "wide");
    bertc_config_clear(&config);
    long before = peak(true);
    if (before == 0) skip();
    assert_int_equal(bertc_model_load("wide", &options, &model, NULL), BERTC_OK);
    assert_in_range(peak(false) - before, weights, weights + weights / 2);
    bertc_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_advice),
        cmocka_unit_test(test_advice_of_checkpointing),
        cmocka_unit_test(test_weights_are_not_read),
        cmocka_unit_test(test_inference),
        cmocka_unit_test(test_embed_is_refused),
        cmocka_unit_test(test_explained),
        cmocka_unit_test(test_file_is_not_held),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
