/* Invalid calls of the vocabulary, the tokenizer, tasks, batches and jobs: each is refused with a message, and nothing
 * is written or damaged. nn_misuse.c has the invalid calls of models. */
#include "jobs_fixture.h"

#include <math.h>

#include "unit/classes.h"

/* Check that a call failed with this status and a message that contains `words`. */
static void expect(bertc_status got, bertc_status status, bertc_error *err, const char *words)
{
    if (got != status || err->status != status || !strstr(err->message, words))
        fail_msg("status %d, \"%s\"; expected %d, \"%s\"", (int)got, err->message, (int)status, words);
    *err = (bertc_error){0};
}

static const char null[] = "must not be null";

/* ---- vocabulary and tokenizer -------------------------------------------------------------- */

static void test_vocab(void **unused)
{
    (void)unused;
    bertc_vocab *vocab = (bertc_vocab *)&null, *words;
    bertc_error e = {0};
    size_t length = 7;
    expect(bertc_vocab_parse(NULL, 3, "x", &vocab, &e), BERTC_USAGE, &e, null);
    expect(bertc_vocab_parse("a", 1, NULL, &vocab, &e), BERTC_USAGE, &e, null);
    expect(bertc_vocab_parse("a", 1, "x", NULL, &e), BERTC_USAGE, &e, null);
    expect(bertc_vocab_parse(NULL, 0, "x", &vocab, &e), BERTC_INPUT, &e, "empty");
    assert_null(vocab);
    expect(bertc_vocab_load(NULL, &vocab, &e), BERTC_USAGE, &e, null);
    expect(bertc_vocab_load("x", NULL, &e), BERTC_USAGE, &e, null);
    expect(bertc_vocab_load_dir(NULL, &vocab, &e), BERTC_USAGE, &e, null);
    expect(bertc_vocab_load_dir("x", NULL, &e), BERTC_USAGE, &e, null);
    assert_int_equal(bertc_vocab_parse("a\nb\n", 4, "words", &words, NULL), BERTC_OK);
    static const int32_t wrong[] = {-1, 2, INT32_MAX, INT32_MIN};
    for (int i = 0; i < 4; i++) {
        assert_null(bertc_vocab_word(words, wrong[i], &length));
        assert_int_equal(length, 0);
    }
    assert_int_equal(bertc_vocab_id(words, NULL, 3), -1);
    assert_int_equal(bertc_vocab_id(NULL, "a", 1), -1);
    assert_int_equal(bertc_vocab_size(NULL), 0);
    assert_null(bertc_vocab_word(NULL, 0, NULL));
    assert_null(bertc_vocab_text(NULL, &length));
    assert_int_equal(bertc_vocab_specials(NULL).cls, -1);
    bertc_vocab_free(words);
    bertc_vocab_free(NULL);
}

typedef void spoil(bertc_tokenizer_options *o);

static void parity(bertc_tokenizer_options *o) { o->parity = (bertc_parity)3; }
static void negative_parity(bertc_tokenizer_options *o) { o->parity = (bertc_parity)-1; }
static void accents(bertc_tokenizer_options *o) { o->strip_accents = 7; }
static void length(bertc_tokenizer_options *o) { o->model_max_length = -1; }
static void chars(bertc_tokenizer_options *o) { o->max_word_chars = -1; }
static void few(bertc_tokenizer_options *o) { o->added_count = -1; }
static void many(bertc_tokenizer_options *o) { o->added_count = BERTC_MAX_ADDED_TOKENS + 1; }
static void prefix(bertc_tokenizer_options *o) { memset(o->prefix, '#', sizeof o->prefix); }
static void special(bertc_tokenizer_options *o) { memset(o->special[BERTC_MASK], 'm', BERTC_MAX_ADDED_BYTES); }

static void endless(bertc_tokenizer_options *o)
{
    o->added_count = 1;
    memset(o->added[0].text, 'a', BERTC_MAX_ADDED_BYTES);
}

static void negative_id(bertc_tokenizer_options *o)
{
    o->added_count = 1;
    o->added[0] = (bertc_added_token){.text = "[E1]", .id = -2};
}

static void test_tokenizer(void **unused)
{
    (void)unused;
    static spoil *const all[] = {parity, negative_parity, accents, length, chars,  few,
                                 many,   prefix,          special, endless, negative_id};
    bertc_vocab *vocab;
    bertc_tokenizer *tokenizer = (bertc_tokenizer *)&vocab;
    bertc_tokenizer_options o = bertc_tokenizer_defaults();
    bertc_encoding encoding = {0};
    bertc_error e = {0};
    assert_int_equal(bertc_vocab_load_dir("model", &vocab, NULL), BERTC_OK);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        o = bertc_tokenizer_defaults();
        all[i](&o);
        expect(bertc_tokenizer_create(vocab, &o, &tokenizer, &e), BERTC_USAGE, &e, "");
        assert_null(tokenizer);
    }
    o = bertc_tokenizer_defaults();
    expect(bertc_tokenizer_create(NULL, &o, &tokenizer, &e), BERTC_USAGE, &e, null);
    expect(bertc_tokenizer_create(vocab, NULL, &tokenizer, &e), BERTC_USAGE, &e, null);
    expect(bertc_tokenizer_create(vocab, &o, NULL, &e), BERTC_USAGE, &e, null);
    expect(bertc_tokenizer_read_options(NULL, &o, &e), BERTC_USAGE, &e, null);
    expect(bertc_tokenizer_read_options("model", NULL, &e), BERTC_USAGE, &e, null);
    assert_int_equal(bertc_tokenizer_create(vocab, &o, &tokenizer, NULL), BERTC_OK);
    expect(bertc_tokenizer_encode(NULL, &encoding, "a", 1, NULL, 0, 0, &e), BERTC_USAGE, &e, null);
    expect(bertc_tokenizer_encode(tokenizer, NULL, "a", 1, NULL, 0, 0, &e), BERTC_USAGE, &e, null);
    expect(bertc_tokenizer_encode(tokenizer, &encoding, NULL, 1, NULL, 0, 0, &e), BERTC_USAGE, &e, null);
    expect(bertc_tokenizer_encode(tokenizer, &encoding, "a", 1, NULL, 0, 1, &e), BERTC_USAGE, &e, "special");
    expect(bertc_tokenizer_encode(tokenizer, &encoding, "a", 1, "b", 1, 2, &e), BERTC_USAGE, &e, "special");
    expect(bertc_tokenizer_encode(tokenizer, &encoding, "a", SIZE_MAX, NULL, 0, 0, &e), BERTC_USAGE, &e, "2 GiB");
    assert_int_equal(bertc_tokenizer_encode(tokenizer, &encoding, NULL, 0, NULL, 9, 0, NULL), BERTC_OK);
    assert_int_equal(encoding.count, 2);
    bertc_encoding_clear(&encoding);
    bertc_encoding_clear(&encoding);
    bertc_encoding_clear(NULL);
    assert_null(bertc_tokenizer_vocab(NULL));
    assert_int_equal(bertc_tokenizer_options_of(NULL).strip_accents, -1);
    bertc_tokenizer_free(tokenizer);
    bertc_tokenizer_free(NULL);
    bertc_vocab_free(vocab);
}

/* ---- tasks and batches --------------------------------------------------------------------- */

static void test_tasks(void **unused)
{
    (void)unused;
    const bertc_task *task = bertc_task_find("sst2");
    bertc_task wide = *task, bare = {.name = "bare", .num_labels = 2};
    bertc_dataset *set;
    bertc_scores scores;
    bertc_error e = {0};
    float logits[8] = {0};
    char *path, out[8] = "x", *labels[] = {"a", NULL};
    int32_t map[2];
    double given, best;
    bool by_name, better;
    static const char *const holes[4] = {"a", "b", NULL, "d"};
    wide.num_labels = 4;
    wide.labels = holes;
    assert_null(bertc_task_at(1000));
    assert_null(bertc_task_find(NULL));
    assert_null(bertc_metric_name((bertc_metric)-1));
    assert_null(bertc_split_name((bertc_split)9));
    expect(bertc_task_path(NULL, "data", BERTC_DEV, &path, &e), BERTC_USAGE, &e, "null task");
    expect(bertc_task_path(task, NULL, BERTC_DEV, &path, &e), BERTC_USAGE, &e, null);
    expect(bertc_task_path(task, "data", BERTC_DEV, NULL, &e), BERTC_USAGE, &e, null);
    expect(bertc_task_path(task, "data", (bertc_split)-1, &path, &e), BERTC_USAGE, &e, "no split -1");
    expect(bertc_dataset_read(task, "data", BERTC_SPLITS, 0, &set, &e), BERTC_USAGE, &e, "no split 3");
    expect(bertc_dataset_read(&wide, "data", BERTC_DEV, 0, &set, &e), BERTC_USAGE, &e, "at least 2 labels");
    expect(bertc_dataset_read(&bare, "data", BERTC_DEV, 0, &set, &e), BERTC_USAGE, &e, "at least 2 labels");
    expect(bertc_dataset_read(task, "data", BERTC_DEV, 0, NULL, &e), BERTC_USAGE, &e, null);
    expect(bertc_dataset_read_texts(task, "data", BERTC_DEV, 0, NULL, &e), BERTC_USAGE, &e, null);
    expect(bertc_dataset_read_texts(task, NULL, BERTC_DEV, 0, &set, &e), BERTC_USAGE, &e, null);
    expect(bertc_dataset_from_lines(task, NULL, 4, "x", &set, &e), BERTC_USAGE, &e, null);
    expect(bertc_dataset_from_lines(NULL, "a\n", 2, "x", &set, &e), BERTC_USAGE, &e, "null task");
    expect(bertc_dataset_from_lines(task, NULL, 0, "x", &set, &e), BERTC_INPUT, &e, "no lines");
    assert_null(set);
    expect(bertc_task_match_labels(task, labels, 2, map, &by_name, &e), BERTC_USAGE, &e, "label 1 of 2");
    expect(bertc_task_match_labels(&wide, NULL, 4, map, &by_name, &e), BERTC_USAGE, &e, "at least 2 labels");
    expect(bertc_task_match_labels(task, NULL, -2, map, &by_name, &e), BERTC_INPUT, &e, "-2 labels");
    expect(bertc_task_match_labels(task, NULL, 2, NULL, &by_name, &e), BERTC_USAGE, &e, null);
    assert_int_equal(bertc_dataset_read(task, "data", BERTC_DEV, 4, &set, &e), BERTC_OK);
    expect(bertc_task_score(NULL, logits, &scores, &e), BERTC_USAGE, &e, "no data set");
    expect(bertc_task_score(set, NULL, &scores, &e), BERTC_USAGE, &e, null);
    expect(bertc_task_score(set, logits, NULL, &e), BERTC_USAGE, &e, null);
    expect(bertc_task_write_submission(set, NULL, "x", &e), BERTC_USAGE, &e, null);
    expect(bertc_task_write_submission(NULL, logits, "x", &e), BERTC_USAGE, &e, "no data set");
    expect(bertc_task_better_order(NULL, logits, &better, map, &given, &best, &e), BERTC_USAGE, &e, "no data set");
    expect(bertc_task_better_order(set, logits, NULL, map, &given, &best, &e), BERTC_USAGE, &e, null);
    set_class(&set->examples[2], 5);
    expect(bertc_task_score(set, logits, &scores, &e), BERTC_USAGE, &e, "label 5 is out of range");
    expect(bertc_task_better_order(set, logits, &better, map, &given, &best, &e), BERTC_USAGE, &e, "label 5");
    bertc_task_format_prediction(task, logits, out, 0);
    assert_string_equal(out, "x");
    bertc_task_format_prediction(NULL, logits, out, sizeof out);
    assert_string_equal(out, "");
    expect(bertc_sample_write(NULL, 1, &e), BERTC_USAGE, &e, null);
    bertc_dataset_free(set);
    bertc_dataset_free(NULL);
}

static void test_batches(void **unused)
{
    (void)unused;
    static const uint32_t order[] = {0, 1, 2, 1000};
    bertc_vocab *vocab;
    bertc_tokenizer *tokenizer;
    bertc_dataset *set;
    bertc_inputs *in, *none;
    bertc_batch *batch = (bertc_batch *)&vocab;
    bertc_error e = {0};
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    assert_int_equal(bertc_vocab_load_dir("model", &vocab, NULL), BERTC_OK);
    assert_int_equal(bertc_tokenizer_create(vocab, &options, &tokenizer, NULL), BERTC_OK);
    assert_int_equal(bertc_dataset_read(bertc_task_find("sst2"), "data", BERTC_DEV, 0, &set, NULL), BERTC_OK);
    assert_int_equal(bertc_inputs_create(tokenizer, set, 8, NULL, &in, NULL), BERTC_OK);
    expect(bertc_inputs_create(NULL, set, 8, NULL, &none, &e), BERTC_USAGE, &e, null);
    expect(bertc_inputs_create(tokenizer, NULL, 8, NULL, &none, &e), BERTC_USAGE, &e, null);
    expect(bertc_inputs_create(tokenizer, set, 8, NULL, NULL, &e), BERTC_USAGE, &e, null);
    expect(bertc_inputs_create(tokenizer, set, 1, NULL, &none, &e), BERTC_USAGE, &e, "special");
    expect(bertc_batch_create(-1, 8, 1, &batch, &e), BERTC_USAGE, &e, "-1 sequences");
    assert_null(batch);
    expect(bertc_batch_create(2, INT32_MIN, 2, &batch, &e), BERTC_USAGE, &e, "tokens");
    expect(bertc_batch_create(2, 8, 2, NULL, &e), BERTC_USAGE, &e, null);
    assert_int_equal(bertc_batch_create(2, 16, 2, &batch, NULL), BERTC_OK);
    expect(bertc_batch_fill(batch, in, order, 3, &e), BERTC_USAGE, &e, "example 2");
    expect(bertc_batch_fill(batch, in, order + 3, 1, &e), BERTC_USAGE, &e,
           "example 1000 is out of range: the data set has 13 examples");
    expect(bertc_batch_fill(NULL, in, order, 1, &e), BERTC_USAGE, &e, null);
    bertc_batch hollow = *batch;
    bertc_inputs bare = *in;
    hollow.ids = NULL;
    bare.starts = NULL;
    expect(bertc_batch_fill(&hollow, in, order, 1, &e), BERTC_USAGE, &e, null);
    expect(bertc_batch_fill(batch, &bare, order, 1, &e), BERTC_USAGE, &e, null);
    size_t falling[] = {4, 2};
    bare.starts = falling;
    bare.count = 1;
    expect(bertc_batch_fill(batch, &bare, (const uint32_t[]){0}, 1, &e), BERTC_USAGE, &e, "ends before it starts");
    expect(bertc_batch_fill(batch, NULL, order, 1, &e), BERTC_USAGE, &e, null);
    expect(bertc_batch_fill(batch, in, NULL, 1, &e), BERTC_USAGE, &e, null);
    assert_int_equal(bertc_batch_fill(batch, in, NULL, 0, &e), BERTC_OK);
    bertc_batch_free(batch);
    bertc_batch_free(NULL);
    assert_int_equal(bertc_batch_create(9, 4, 9, &batch, NULL), BERTC_OK);
    expect(bertc_batch_fill(batch, in, order, 3, &e), BERTC_USAGE, &e, "tokens are used");
    bertc_batch_free(batch);
    bertc_inputs_free(in);
    bertc_inputs_free(NULL);
    bertc_dataset_free(set);
    bertc_tokenizer_free(tokenizer);
    bertc_vocab_free(vocab);
}

/* ---- jobs ---------------------------------------------------------------------------------- */

static bertc_predict_options applied(void)
{
    return (bertc_predict_options){.task = "sst2", .model = "model", .data = "data", .split = BERTC_DEV,
                                   .batch_size = 4, .threads = 1, .backend = 2};
}

typedef void change(bertc_predict_options *o);

static void late_split(bertc_predict_options *o) { o->split = BERTC_SPLITS; }
static void negative_split(bertc_predict_options *o) { o->split = (bertc_split)-1; }
static void short_length(bertc_predict_options *o) { o->max_length = -1; }
static void endless_length(bertc_predict_options *o) { o->max_length = INT64_MAX; }
static void no_batch(bertc_predict_options *o) { o->batch_size = 0; }
static void negative_batch(bertc_predict_options *o) { o->batch_size = INT64_MIN; }
static void negative_limit(bertc_predict_options *o) { o->limit = -1; }
static void endless_limit(bertc_predict_options *o) { o->limit = INT64_MAX; }
static void negative_threads(bertc_predict_options *o) { o->threads = -1; }
static void many_threads(bertc_predict_options *o) { o->threads = 1LL << 32; }
static void late_backend(bertc_predict_options *o) { o->backend = 99; }
static void negative_backend(bertc_predict_options *o) { o->backend = -1; }
static void late_precision(bertc_predict_options *o) { o->precision = (bertc_precision)3; }
static void no_model(bertc_predict_options *o) { o->model = NULL; }

static bertc_status no_shape(void *user, const bertc_embed_shape *shape, bertc_error *err)
{
    (void)user, (void)shape, (void)err;
    return BERTC_OK;
}

static bertc_status no_example(void *user, const bertc_embedding *example, bertc_error *err)
{
    (void)user, (void)example, (void)err;
    return BERTC_OK;
}

static void test_applied(void **unused)
{
    (void)unused;
    static const bertc_embed_sink sink = {no_shape, no_example, NULL};
    static change *const all[] = {late_split,     negative_split, short_length,     endless_length,  no_batch,
                                  negative_batch, negative_limit, endless_limit,    negative_threads, many_threads,
                                  late_backend,   negative_backend, late_precision, no_model};
    bertc_predictions p;
    bertc_error e = {0};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        bertc_embed_options wrong = {.on = applied(), .layers = "1"};
        all[i](&wrong.on);
        expect(bertc_predict(&wrong.on, false, NULL, &p, &e), BERTC_USAGE, &e, " ");
        bertc_predictions_clear(&p);
        expect(bertc_embed(&wrong, NULL, &sink, &e), BERTC_USAGE, &e, " ");
    }
    bertc_predict_options o = applied();
    expect(bertc_predict(NULL, false, NULL, &p, &e), BERTC_USAGE, &e, null);
    expect(bertc_predict(&o, false, NULL, NULL, &e), BERTC_USAGE, &e, null);
    o.task = NULL;
    expect(bertc_predict(&o, false, NULL, &p, &e), BERTC_USAGE, &e, "data: a folder, but model is not a run of a task");
    bertc_predictions_clear(&p);
    bertc_predictor *predictor;
    expect(bertc_predictor_open(NULL, NULL, &predictor, &e), BERTC_USAGE, &e, null);
    expect(bertc_predictor_open(&o, NULL, NULL, &e), BERTC_USAGE, &e, null);
    expect(bertc_predictor_load(NULL, &e), BERTC_USAGE, &e, null);
    expect(bertc_predictor_run(NULL, false, &p, &e), BERTC_USAGE, &e, null);
    expect(bertc_predictor_apply(NULL, NULL, NULL, &e), BERTC_USAGE, &e, null);
    assert_null(bertc_predictor_task(NULL));
    bertc_predictor_close(NULL);
    o.task = "sst2";
    o.data = NULL;
    expect(bertc_predict(&o, false, NULL, &p, &e), BERTC_USAGE, &e, "neither");
    bertc_predictions_clear(NULL);
    bertc_embed_options on = {.on = applied(), .layers = "1"};
    expect(bertc_embed(NULL, NULL, &sink, &e), BERTC_USAGE, &e, null);
    expect(bertc_embed(&on, NULL, NULL, &e), BERTC_USAGE, &e, null);
    expect(bertc_embed(&on, NULL, &(bertc_embed_sink){no_shape, NULL, NULL}, &e), BERTC_USAGE, &e, null);
    on.pool = (bertc_pool)4;
    expect(bertc_embed(&on, NULL, &sink, &e), BERTC_USAGE, &e, "pool 4");
    on = (bertc_embed_options){.on = applied(), .layers = NULL};
    expect(bertc_embed(&on, NULL, &sink, &e), BERTC_USAGE, &e, null);
}

/* For every option, a value out of its range is refused. */
static void test_training(void **unused)
{
    (void)unused;
    size_t count;
    const bertc_option *rows = bertc_train_option_table(&count);
    bertc_train_result result;
    bertc_plan_result plan;
    bertc_error e = {0};
    int32_t threads;
    char out[4];
    for (size_t i = 0; i < count; i++) {
        bertc_train_options o = fixture_options("run");
        char *field = (char *)&o + rows[i].offset;
        bool optional = rows[i].kind == BERTC_OPTION_TEXT && rows[i].offset >= offsetof(bertc_train_options, own) &&
                        rows[i].offset < offsetof(bertc_train_options, own) + sizeof o.own;
        if (rows[i].kind == BERTC_OPTION_FLAG || optional) continue;
        if (rows[i].kind == BERTC_OPTION_INT) *(int64_t *)field = rows[i].min > 0 ? -1 : INT64_MIN;
        if (rows[i].kind == BERTC_OPTION_REAL) *(double *)field = (double)NAN;
        if (rows[i].kind == BERTC_OPTION_CHOICE) *(int *)field = 99;
        if (rows[i].kind == BERTC_OPTION_TEXT) *(const char **)field = NULL;
        expect(bertc_finetune(&o, NULL, &result, &e), BERTC_USAGE, &e, rows[i].name);
    }
    bertc_train_options o = fixture_options("run");
    expect(bertc_finetune(NULL, NULL, &result, &e), BERTC_USAGE, &e, null);
    expect(bertc_finetune(&o, NULL, NULL, &e), BERTC_USAGE, &e, null);
    expect(bertc_plan(NULL, NULL, &plan, &e), BERTC_USAGE, &e, null);
    expect(bertc_plan(&o, NULL, NULL, &e), BERTC_USAGE, &e, null);
    expect(bertc_threads_resolve(1, NULL, NULL, &e), BERTC_USAGE, &e, null);
    expect(bertc_threads_resolve(-1, NULL, &threads, &e), BERTC_USAGE, &e, "out of range");
    expect(bertc_threads_resolve(INT64_MAX, NULL, &threads, &e), BERTC_USAGE, &e, "out of range");
    bertc_train_defaults(NULL);
    assert_non_null(bertc_train_option_table(NULL));
    bertc_describe_libraries(NULL, NULL, 10);
    bertc_describe_libraries("abacus", out, 0);
    assert_false(bc_folder_exists("run"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vocab),   cmocka_unit_test(test_tokenizer), cmocka_unit_test(test_tasks),
        cmocka_unit_test(test_batches), cmocka_unit_test(test_applied),   cmocka_unit_test(test_training),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
