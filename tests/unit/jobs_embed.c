/* Features: every combination and pooling of layers agrees with the rows of the single layers, in the order of the
 * texts, whatever the batches. */
#include "jobs_fixture.h"

#include <math.h>

#include "nn/model.h"

enum { H = 16, LAYERS = 2, TEXTS = 9, MAX = 24 };

static const char text[] = "good\nbad a film\n\nvery very not plot\na\nand and and and and and and and and\nfilm\n"
                           "good film\nnot bad";

/* The features of all texts. */
typedef struct taken {
    bertc_embed_shape shape;
    size_t texts, width, all_rows, rows[TEXTS];
    float *values[TEXTS];
} taken;

static bertc_status begin(void *user, const bertc_embed_shape *shape, bertc_error *err)
{
    (void)err;
    taken *t = user;
    t->shape = *shape;
    t->width = shape->width;
    return BERTC_OK;
}

static bertc_status take(void *user, const bertc_embedding *e, bertc_error *err)
{
    (void)err;
    taken *t = user;
    assert_int_equal(e->index, t->texts);
    assert_true(e->index < TEXTS);
    t->rows[e->index] = e->rows;
    t->all_rows += e->rows;
    t->values[e->index] = malloc(e->rows * t->width * sizeof(float));
    memcpy(t->values[e->index], e->values, e->rows * t->width * sizeof(float));
    assert_int_equal(e->ids[0], 2); /* [CLS] */
    t->texts++;
    return BERTC_OK;
}

static void clear(taken *t)
{
    for (size_t i = 0; i < t->texts; i++) free(t->values[i]);
}

static bertc_embed_options options_for(const char *layers, bertc_combine combine, bertc_pool pool)
{
    return (bertc_embed_options){.on = {.model = "model", .batch_size = 4, .backend = 2, .threads = 1},
                                 .layers = layers, .combine = combine, .pool = pool};
}

static bertc_status run_job(bertc_embed_options o, const bertc_observer *observer, taken *t, bertc_error *err)
{
    const bertc_embed_sink sink = {begin, take, t};
    *t = (taken){0};
    if (!o.on.task && !o.on.text) {
        o.on.text = text;
        o.on.text_length = strlen(text);
    }
    return bertc_embed(&o, observer, &sink, err);
}

static taken run(bertc_embed_options o)
{
    taken t;
    bertc_error err = {0};
    if (run_job(o, NULL, &t, &err) != BERTC_OK) fail_msg("%s", err.message);
    assert_int_equal(t.texts, o.on.limit > 0 ? (size_t)o.on.limit : TEXTS);
    assert_int_equal(t.shape.examples, t.texts);
    assert_int_equal(t.shape.rows, t.all_rows);
    return t;
}

/* ---- Reference values ---------------------------------------------------------------------- */

static double at(const taken *layer, size_t i, size_t token, size_t k)
{
    return (double)layer->values[i][token * H + k];
}

static double mixed(const taken layers[LAYERS + 1], const int *list, size_t count, size_t i, size_t token, size_t k)
{
    double sum = 0;
    for (size_t l = 0; l < count; l++) sum += at(&layers[list[l]], i, token, k);
    return sum / (double)count;
}

static double pooled(const taken layers[LAYERS + 1], const int *list, size_t count, bertc_pool pool, size_t i, size_t k)
{
    size_t n = layers[0].rows[i];
    double sum = 0, max = -1e30;
    for (size_t t = 0; t < n; t++) {
        double x = mixed(layers, list, count, i, t, k);
        sum += x;
        max = fmax(max, x);
    }
    if (pool == BERTC_POOL_CLS) return mixed(layers, list, count, i, 0, k);
    return pool == BERTC_POOL_MAX ? max : sum / (double)n;
}

/* Feature k of row r of text i. */
static double expected(const taken layers[LAYERS + 1], const int *list, size_t count, const bertc_embed_options *o,
                     size_t i, size_t r, size_t k)
{
    bool concat = o->combine == BERTC_COMBINE_CONCAT;
    const int *from = concat ? list + k / H : list;
    if (concat) count = 1;
    if (o->pool == BERTC_POOL_NONE) return mixed(layers, from, count, i, r, k % H);
    return pooled(layers, from, count, o->pool, i, k % H);
}

static void compare(const taken layers[LAYERS + 1], const int *list, size_t count, bertc_embed_options o)
{
    taken t = run(o);
    for (size_t i = 0; i < TEXTS; i++) {
        assert_int_equal(t.rows[i], o.pool == BERTC_POOL_NONE ? layers[0].rows[i] : 1);
        for (size_t r = 0; r < t.rows[i]; r++) {
            double square = 0;
            for (size_t k = 0; k < t.width; k++) square += pow(expected(layers, list, count, &o, i, r, k), 2);
            double norm = o.normalize ? sqrt(square) : 1;
            for (size_t k = 0; k < t.width; k++)
                assert_close((double)t.values[i][r * t.width + k],
                             expected(layers, list, count, &o, i, r, k) / norm, 2e-6);
        }
    }
    assert_int_equal(t.width, H * (o.combine == BERTC_COMBINE_CONCAT ? count : 1));
    clear(&t);
}

static void test_every_combination(void **unused)
{
    (void)unused;
    static const char *const names[LAYERS + 1] = {"0", "1", "2"};
    static const struct {
        const char *text;
        int layers[3];
        size_t count;
    } lists[] = {{"-1", {2}, 1}, {"0", {0}, 1}, {"-2", {1}, 1}, {"2,0", {2, 0}, 2}, {"1,-1,-3", {1, 2, 0}, 3}};
    taken layers[LAYERS + 1];
    for (int l = 0; l <= LAYERS; l++) layers[l] = run(options_for(names[l], BERTC_COMBINE_MEAN, BERTC_POOL_NONE));
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (int how = 0; how < 16; how++) {
            bertc_embed_options o = options_for(lists[i].text, (bertc_combine)(how & 1), (bertc_pool)(how / 2 % 4));
            o.normalize = how >= 8;
            compare(layers, lists[i].layers, lists[i].count, o);
        }
    for (int l = 0; l <= LAYERS; l++) clear(&layers[l]);
}

/* The batch size and --limit do not change a text's features, to the bit. */
static void test_batches(void **unused)
{
    (void)unused;
    for (int pool = BERTC_POOL_NONE; pool <= BERTC_POOL_MAX; pool++) {
        bertc_embed_options o = options_for("1,2", BERTC_COMBINE_MEAN, (bertc_pool)pool);
        taken whole = run(o);
        for (o.on.batch_size = 1; o.on.batch_size <= 9; o.on.batch_size += 2) {
            taken t = run(o);
            for (size_t i = 0; i < TEXTS; i++)
                assert_memory_equal(t.values[i], whole.values[i], t.rows[i] * t.width * sizeof(float));
            clear(&t);
        }
        o.on.limit = 4;
        taken few = run(o);
        assert_memory_equal(few.values[3], whole.values[3], few.rows[3] * few.width * sizeof(float));
        clear(&few);
        clear(&whole);
    }
}

static void test_split(void **unused)
{
    (void)unused;
    bertc_embed_options o = options_for("-1", BERTC_COMBINE_MEAN, BERTC_POOL_CLS);
    o.on.task = "sst2";
    o.on.data = "data";
    o.on.split = BERTC_DEV;
    o.on.limit = 5;
    taken t = run(o);
    assert_int_equal(t.width, H);
    clear(&t);
}

/* ---- Progress, stops, refusals ------------------------------------------------------------- */

typedef struct watch {
    int64_t last, steps, left;
    double eta;
} watch;

static void on_progress(void *user, const bertc_progress *progress)
{
    watch *w = user;
    assert_string_equal(progress->phase, "embed");
    assert_true(progress->step >= w->last);
    w->last = progress->step;
    w->steps = progress->steps;
    w->eta = progress->eta_seconds;
}

static bertc_status on_stop(void *user)
{
    watch *w = user;
    return w->left-- > 0 ? BERTC_OK : BERTC_INTERRUPTED;
}

static void test_progress_and_stop(void **unused)
{
    (void)unused;
    bertc_error err = {0};
    taken t;
    watch w = {.left = 100};
    const bertc_observer observer = {.progress = on_progress, .stop = on_stop, .user = &w};
    bertc_embed_options o = options_for("-1", BERTC_COMBINE_MEAN, BERTC_POOL_MEAN);
    assert_int_equal(run_job(o, &observer, &t, &err), BERTC_OK);
    assert_true(w.steps > 0);
    assert_int_equal(w.last, w.steps);
    assert_true(w.eta == 0);
    clear(&t);
    w = (watch){.left = 2};
    assert_int_equal(run_job(o, &observer, &t, &err), BERTC_INTERRUPTED);
    assert_string_equal(err.message, "stopped");
    assert_int_equal(t.texts, 0);
}

static void test_refusals(void **unused)
{
    (void)unused;
    static const struct {
        const char *layers, *message;
    } rows[] = {
        {"3", "--layers: no layer 3; the model has 2 layers, 0 is its embeddings, -1 the last layer"},
        {"-4", "--layers: no layer -4; the model has 2 layers, 0 is its embeddings, -1 the last layer"},
        {"-1,2", "--layers: '-1,2' has layer 2 twice"},
        {"1,", "--layers: no number after the last comma"},
        {"", "--layers: '' is neither 'all' nor a list of numbers such as 1,2,-1"},
        {"1-2", "--layers: '1-2' is neither 'all' nor a list of numbers such as 1,2,-1"},
        {"1,,2", "--layers: '1,,2' is neither 'all' nor a list of numbers such as 1,2,-1"},
        {" 1", "--layers: ' 1' is neither 'all' nor a list of numbers such as 1,2,-1"},
        {"99999999999999999999",
         "--layers: '99999999999999999999' is neither 'all' nor a list of numbers such as 1,2,-1"},
    };
    taken t;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bertc_error err = {0};
        bertc_embed_options o = options_for(rows[i].layers, BERTC_COMBINE_MEAN, BERTC_POOL_MEAN);
        assert_int_equal(run_job(o, NULL, &t, &err), BERTC_USAGE);
        assert_string_equal(err.message, rows[i].message);
        assert_int_equal(t.texts, 0);
    }
    bertc_error err = {0};
    bertc_embed_options o = options_for("-1", BERTC_COMBINE_MEAN, BERTC_POOL_MEAN);
    o.on.task = "sst2";
    assert_int_equal(run_job(o, NULL, &t, &err), BERTC_USAGE);
    assert_string_equal(err.message, "--task has no effect without --data");
}

/* Finite weights whose sum is infinite make one token's row NaN. Pooling over all tokens keeps the NaN. */
static void test_nan_is_not_lost(void **unused)
{
    (void)unused;
    bertc_model *model;
    const bertc_model_options load = {.backend = "reference", .threads = 1};
    assert_int_equal(bertc_model_load("model", &load, &model, NULL), BERTC_OK);
    assert_int_equal(mkdir("huge", 0777), 0);
    bc_model_param(model, BC_WORD, 0)->value[8 * H] = 3e38f;     /* "film", which is at position 3 */
    bc_model_param(model, BC_POSITION, 0)->value[3 * H] = 3e38f; /* in the second text */
    assert_int_equal(bertc_model_save(model, "huge", NULL), BERTC_OK);
    bertc_model_free(model);
    fixture_write("huge/vocab.txt", fixture_words);
    for (int pool = BERTC_POOL_MEAN; pool <= BERTC_POOL_MAX; pool++) {
        bertc_embed_options o = options_for("0", BERTC_COMBINE_MEAN, (bertc_pool)pool);
        o.on.model = "huge";
        taken t = run(o);
        assert_true(isfinite(t.values[0][0]));
        assert_true(isnan(t.values[1][0]));
        clear(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_combination),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_progress_and_stop),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_nan_is_not_lost),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
