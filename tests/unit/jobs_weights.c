/* Every job reads weights through the interface of formats/weights.h: with weights in memory, half of the matrices
 * stored column by column, it gives the same results as with files. */
#include "jobs_fixture.h"

#include <math.h>

#include "bertc/inspect.h"
#include "formats/readers.h"
#include "memory_weights.h"
#include "nn/model.h"

/* ---- Sources ------------------------------------------------------------------------------- */

enum { SOURCES = 64 };

static struct {
    bool in_memory;
    const char *bad; /* the tensor whose reading fails */
    bool changed;    /* the check fails */
    int count;
    memory_weights list[SOURCES];
} sources;

/* Check that values were read from memory. */
static void expect_reads(void)
{
    int reads = 0;
    for (int i = 0; i < sources.count; i++) reads += sources.list[i].reads;
    assert_true(reads > 0);
}

static void use_memory(bool yes)
{
    for (int i = 0; i < sources.count; i++) assert_int_equal(sources.list[i].closes, 1);
    memset(&sources, 0, sizeof sources);
    sources.in_memory = yes;
}

/* Copy all tensors into memory, and close the files. */
static void move_to_memory(bc_weights *weights)
{
    bc_weights file = *weights;
    memory_weights *m = &sources.list[sources.count++];
    assert_true(sources.count < SOURCES);
    for (size_t i = 0; i < file.count; i++) file.tensors[i].weights = &file; /* this copy closes them */
    memory_open(weights, m, file.count);
    m->bad = sources.bad;
    m->changed = sources.changed;
    for (size_t i = 0; i < file.count; i++) {
        void *bytes = fixture_bytes(&file.tensors[i]);
        memory_put(weights, i, &file.tensors[i], bytes, i % 2);
        bc_free(bytes);
    }
    bc_weights_close(&file);
}

bertc_status __real_bc_weights_open(const char *path, bc_weights *weights, bertc_error *err);
bertc_status __wrap_bc_weights_open(const char *path, bc_weights *weights, bertc_error *err);
bertc_status __real_bc_weights_open_in(const char *dir, bc_weights_role role, bc_weights *weights, bertc_error *err);
bertc_status __wrap_bc_weights_open_in(const char *dir, bc_weights_role role, bc_weights *weights, bertc_error *err);

bertc_status __wrap_bc_weights_open(const char *path, bc_weights *weights, bertc_error *err)
{
    bertc_status status = __real_bc_weights_open(path, weights, err);
    if (status == BERTC_OK && sources.in_memory) move_to_memory(weights);
    return status;
}

bertc_status __wrap_bc_weights_open_in(const char *dir, bc_weights_role role, bc_weights *weights, bertc_error *err)
{
    bertc_status status = __real_bc_weights_open_in(dir, role, weights, err);
    if (status == BERTC_OK && sources.in_memory) move_to_memory(weights);
    return status;
}

/* ---- A model whose word embeddings are read in many pieces --------------------------------------- */

static const char words[] = "bert.embeddings.word_embeddings.weight";

static int enter(void **state)
{
    bertc_config config;
    if (fixture_enter(state) != 0 || bertc_config_init(&config, NULL) != BERTC_OK) return -1;
    config.vocab_size = 40000;
    config.hidden_size = 16;
    config.num_hidden_layers = 2;
    config.num_attention_heads = 2;
    config.intermediate_size = 32;
    fixture_save(&config, "large");
    bertc_config_clear(&config);
    return 0;
}

/* Compare the model's word embedding table with the file's table, read at once. */
static void expect_words(const bertc_model *model)
{
    bc_weights file;
    assert_int_equal(bc_safetensors_open("large/model.safetensors", &file, NULL), BERTC_OK);
    const bc_tensor *t = bc_weights_find(&file, words);
    void *bytes = fixture_bytes(t);
    assert_memory_equal(bc_model_param(model, BC_WORD, 0)->value, bytes, t->bytes);
    bc_free(bytes);
    bc_weights_close(&file);
}

/* ---- Loading ------------------------------------------------------------------------------- */

static void keep_line(void *user, const char *line)
{
    char *kept = user;
    snprintf(kept, 512, "%s", line);
}

static bertc_model *load(const char *dir, char notice[512])
{
    bertc_model *model;
    bertc_error err = {0};
    const bertc_model_options options = {.backend = "reference", .threads = 2, .notify = {keep_line, notice}};
    if (bertc_model_load(dir, &options, &model, &err) != BERTC_OK) fail_msg("%s", err.message);
    return model;
}

static void same_model(const char *dir)
{
    char notices[2][512];
    bertc_model *models[2];
    for (int i = 0; i < 2; i++) {
        use_memory(i);
        models[i] = load(dir, notices[i]);
    }
    expect_reads();
    assert_int_equal(models[0]->scalars, models[1]->scalars);
    assert_memory_equal(models[0]->values, models[1]->values, models[0]->scalars * sizeof(float));
    const char *loaded = strstr(notices[0], ": loaded ");
    assert_non_null(loaded);
    assert_int_equal(strncmp(notices[1], "memory: loaded ", strlen("memory: loaded ")), 0);
    assert_int_equal(strncmp(notices[1] + strlen("memory"), loaded, 30), 0);
    use_memory(false);
    for (int i = 0; i < 2; i++) bertc_model_free(models[i]);
}

static void test_loading(void **unused)
{
    (void)unused;
    char notice[512];
    same_model("model");
    same_model("large");
    bertc_model *model = load("large", notice);
    expect_words(model);
    bertc_model_free(model);
}

/* The tensors of an adapter and of its base, both in memory. */
static void test_adapters(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("adapted");
    o.lora_rank = 3;
    o.lora_save = BERTC_LORA_ADAPTER;
    fixture_run(o);
    same_model("adapted");
    use_memory(true);
    bertc_inspection all;
    assert_int_equal(bertc_inspect("adapted", &all, NULL), BERTC_OK);
    assert_string_equal(all.weights, "memory");
    assert_true(all.count > 0);
    bertc_inspection_clear(&all);
    use_memory(false);
}

/* An adapter with an infinite value in A is refused. */
static void test_adapters_that_are_not_finite(void **unused)
{
    (void)unused;
    static const char path[] = "adapted/adapter_model.safetensors";
    enum { MAX = 16 };
    bc_tensor_out out[MAX];
    bc_weights file;
    bertc_error err = {0};
    bertc_model *model;
    const bertc_model_options options = {.backend = "reference", .threads = 1};
    const char *spoilt = NULL;
    char expected[256];
    assert_int_equal(bc_safetensors_open(path, &file, NULL), BERTC_OK);
    assert_true(file.count <= MAX);
    for (size_t i = 0; i < file.count; i++) {
        const bc_tensor *t = &file.tensors[i];
        float *values = fixture_bytes(t);
        if (!spoilt && strstr(t->name, "lora_A")) {
            *values = INFINITY;
            spoilt = t->name;
        }
        out[i] = (bc_tensor_out){t->name, t->dtype, t->rank, {t->shape[0], t->shape[1]}, values};
    }
    assert_non_null(spoilt);
    assert_int_equal(bc_safetensors_write(&bc_working_dir, path, out, file.count, NULL, NULL), BERTC_OK);
    assert_int_equal(bertc_model_load("adapted", &options, &model, &err), BERTC_INPUT);
    snprintf(expected, sizeof expected, "%s: tensor \"%s\": a value is not finite", path, spoilt);
    assert_string_equal(err.message, expected);
    for (size_t i = 0; i < file.count; i++) bc_free((void *)(uintptr_t)out[i].data);
    bc_weights_close(&file);
}

static void test_read_errors(void **unused)
{
    (void)unused;
    static const char name[] = "bert.pooler.dense.weight";
    const bertc_model_options options = {.backend = "reference", .threads = 2};
    bertc_model *model;
    for (int i = 0; i < 2; i++) {
        bertc_error err = {0};
        use_memory(true);
        sources.bad = i ? NULL : name;
        sources.changed = i;
        assert_int_equal(bertc_model_load("model", &options, &model, &err), BERTC_IO);
        assert_string_equal(err.message, i ? "memory: changed" : "bert.pooler.dense.weight: lost");
        assert_null(model);
        err = (bertc_error){0};
        mkdir("cut", 0777);
        assert_int_equal(bertc_model_truncate("model", 1, "cut", &err), BERTC_IO);
        assert_string_equal(err.message, i ? "memory: changed" : "bert.pooler.dense.weight: lost");
        assert_false(access("cut/model.safetensors", F_OK) == 0);
        fixture_remove("cut");
        use_memory(false);
    }
}

/* ---- Jobs ---------------------------------------------------------------------------------- */

static void same_listing(const char *path)
{
    bertc_inspection all[2];
    for (int i = 0; i < 2; i++) {
        use_memory(i);
        assert_int_equal(bertc_inspect(path, &all[i], NULL), BERTC_OK);
    }
    assert_string_equal(all[0].weights, "model/model.safetensors");
    assert_string_equal(all[1].weights, "memory");
    assert_int_equal(sources.list[0].reads, 0); /* inspect reads no values */
    assert_int_equal(all[0].count, all[1].count);
    assert_int_equal(all[0].bytes, all[1].bytes);
    assert_memory_equal(all[0].tally, all[1].tally, sizeof all[0].tally);
    for (size_t t = 0; t < all[0].count; t++) {
        const bertc_tensor_info *a = &all[0].tensors[t], *b = &all[1].tensors[t];
        assert_string_equal(a->name, b->name);
        assert_string_equal(a->dtype, b->dtype);
        assert_string_equal(a->parameter, b->parameter);
        assert_int_equal(a->fit, b->fit);
        assert_memory_equal(a->shape, b->shape, sizeof a->shape);
    }
    use_memory(false);
    for (int i = 0; i < 2; i++) bertc_inspection_clear(&all[i]);
}

static void test_inspect(void **unused)
{
    (void)unused;
    same_listing("model");
    same_listing("model/model.safetensors");
}

static void test_truncate(void **unused)
{
    (void)unused;
    static const char *const out[] = {"from_file", "from_memory"};
    bertc_error err = {0};
    for (int i = 0; i < 2; i++) {
        use_memory(i);
        assert_int_equal(mkdir(out[i], 0777), 0);
        if (bertc_model_truncate("large", 1, out[i], &err) != BERTC_OK) fail_msg("%s", err.message);
    }
    expect_reads();
    use_memory(false);
    fixture_same_run(out[0], out[1]);
    assert_true(fixture_same_tensor("large/model.safetensors", "from_memory/model.safetensors", words));
}

static void test_a_run(void **unused)
{
    (void)unused;
    static const char *const out[] = {"run_of_file", "run_of_memory"};
    for (int i = 0; i < 2; i++) {
        use_memory(i);
        fixture_run(fixture_options(out[i]));
    }
    expect_reads();
    use_memory(false);
    fixture_same_run(out[0], out[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loading),
        cmocka_unit_test(test_adapters),
        cmocka_unit_test(test_adapters_that_are_not_finite),
        cmocka_unit_test(test_read_errors),
        cmocka_unit_test(test_inspect),
        cmocka_unit_test(test_truncate),
        cmocka_unit_test(test_a_run),
    };
    return cmocka_run_group_tests(tests, enter, fixture_leave);
}
