/* Memory torture.
 *
 * The linker wraps the library's own requests and counts them. Two questions:
 *   - Does a training step allocate? Two runs that differ only in their number of steps must make the same number of
 *     requests, apart from the text of the log.
 *   - What if the Nth request fails, for every N of a run? Exit code 5, one line, no leak (the sanitized build detects
 *     leaks), and the folder can be used again. */
#include "bertc/embed.h"
#include "unit/jobs_fixture.h"

#include "run/run.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static long requests, fail_at; /* fail_at 0: never */

static bool refused(void)
{
    long n;
#pragma omp atomic capture
    n = ++requests;
    return n == fail_at;
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return refused() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return refused() ? NULL : __real_aligned_alloc(alignment, size);
}

static long count_requests(int64_t steps, const char *freeze, int64_t cache_memory)
{
    bertc_train_options o = fixture_options("counted");
    bertc_train_result result;
    bertc_error err = {0};
    o.epochs = 100;
    o.max_steps = steps;
    o.micro_batch_tokens = 16;
    o.freeze = freeze;
    o.cache_memory = cache_memory;
    requests = 0;
    if (bertc_finetune(&o, NULL, &result, &err) != BERTC_OK) fail_msg("%s", err.message);
    fixture_remove("counted");
    return requests;
}

static void test_a_step_allocates_nothing(void **unused)
{
    (void)unused;
    fail_at = 0;
    count_requests(1, "none", 0);
    assert_int_equal(count_requests(30, "none", 0), count_requests(3, "none", 0));
    for (int64_t megabytes = 0; megabytes < 2; megabytes++) { /* in a file, in memory */
        assert_int_equal(count_requests(30, "1", megabytes), count_requests(7, "1", megabytes));
        assert_int_equal(count_requests(30, "all", megabytes), count_requests(7, "all", megabytes));
    }
}

/* A run of the library. It may succeed although a request was refused; then its result must not change. */
typedef bertc_status (*whole_run)(const char *out, bool resume, bertc_error *err);

/* Refuse the first request of a run, then the second, and so on. The files of successful runs must equal those in the
 * folder `like`; null: the run leaves no files. */
static void starve(whole_run run, bool resume, const char *like)
{
    long refusals = 0;
    bool reached = true;
    for (long n = 1; reached; n++) {
        bertc_error err = {0};
        requests = 0;
        fail_at = n;
        bertc_status status = run("starved", resume, &err);
        reached = requests >= n;
        fail_at = 0;
        if (status == BERTC_OK && like) fixture_same_run(like, "starved");
        if (status != BERTC_OK && status != BERTC_NOMEM) fail_msg("request %ld: %d %s", n, status, err.message);
        if (status == BERTC_NOMEM && !strstr(err.message, "out of memory")) fail_msg("request %ld: %s", n, err.message);
        refusals += status == BERTC_NOMEM;
        if (status == BERTC_OK || !resume) fixture_remove("starved");
        fixture_remove("cached");
    }
    print_message("%ld requests refused\n", refusals);
    assert_true(refusals > 100);
}

static void feed_and_starve(whole_run run)
{
    bertc_error err = {0};
    fail_at = 0;
    fixture_remove("fed");
    if (run("starved", false, &err) != BERTC_OK) fail_msg("%s", err.message);
    assert_int_equal(rename("starved", "fed"), 0);
    starve(run, false, "fed");
    starve(run, true, "fed"); /* the next attempt continues from what the last one saved */
}

static void test_every_refused_request_is_survived(void **unused)
{
    (void)unused;
    feed_and_starve(fixture_whole_run);
}

static bertc_status run_adapters(const char *out, bool resume, bertc_error *err, const char *model, int save)
{
    bertc_train_options o = fixture_options(out);
    bertc_train_result result;
    o.model = model;
    o.lora_rank = 2;
    o.lora_dropout = 0.1;
    o.lora_save = save;
    o.max_steps = 2;
    o.save_every = "1";
    o.resume = resume;
    return bertc_finetune(&o, NULL, &result, err);
}

static bertc_status save_adapter(const char *out, bool resume, bertc_error *err)
{
    return run_adapters(out, resume, err, "model", BERTC_LORA_ADAPTER);
}

/* Start from an adapter without labels and tokenizer. */
static bertc_status load_and_merge(const char *out, bool resume, bertc_error *err)
{
    return run_adapters(out, resume, err, "adapter", BERTC_LORA_MERGED);
}

static void test_adapters(void **unused)
{
    (void)unused;
    bertc_error err = {0};
    feed_and_starve(save_adapter);
    fail_at = 0;
    assert_int_equal(save_adapter("adapter", false, &err), BERTC_OK);
    assert_int_equal(unlink("adapter/bertc_labels.json") | unlink("adapter/vocab.txt"), 0);
    assert_int_equal(unlink("adapter/tokenizer_config.json"), 0);
    feed_and_starve(load_and_merge);
}

static void test_every_refused_request_of_a_cache_is_survived(void **unused)
{
    fixture_remove("fed");
    fixture_freeze = "1";
    fixture_cache = "cached";
    test_every_refused_request_is_survived(unused);
}

/* Jobs that write no files. */
static bertc_status plan_made_up(const char *out, bool resume, bertc_error *err)
{
    bertc_train_options o = fixture_options(out);
    bertc_plan_result result;
    o.task = "cola";
    o.data = NULL;
    o.limit_train = 20;
    o.limit_eval = 4;
    o.resume = resume;
    return bertc_plan(&o, NULL, &result, err);
}

static bertc_predict_options lines(void)
{
    static const char text[] = "a film\nno film\n";
    return (bertc_predict_options){.task = "sst2", .model = "model", .text = text, .text_length = sizeof text - 1,
                                   .batch_size = 2, .backend = 2, .threads = 1};
}

static bertc_status predict(const char *out, bool resume, bertc_error *err)
{
    (void)out, (void)resume;
    const bertc_predict_options o = lines();
    bertc_predictions predictions;
    bertc_status status = bertc_predict(&o, false, NULL, &predictions, err);
    if (status == BERTC_OK) bertc_predictions_clear(&predictions);
    return status;
}

/* The texts are cut into windows. */
static bertc_status predict_windows(const char *out, bool resume, bertc_error *err)
{
    (void)out, (void)resume;
    bertc_predict_options o = lines();
    o.max_length = 3;
    o.long_texts = BERTC_LONG_WINDOWS;
    bertc_predictions predictions;
    bertc_status status = bertc_predict(&o, false, NULL, &predictions, err);
    if (status == BERTC_OK) bertc_predictions_clear(&predictions);
    return status;
}

static bertc_status begin(void *user, const bertc_embed_shape *shape, bertc_error *err)
{
    (void)user, (void)shape, (void)err;
    return BERTC_OK;
}

static bertc_status take(void *user, const bertc_embedding *embedding, bertc_error *err)
{
    (void)user, (void)embedding, (void)err;
    return BERTC_OK;
}

static bertc_status embed(const char *out, bool resume, bertc_error *err)
{
    (void)out, (void)resume;
    const bertc_embed_sink sink = {.begin = begin, .take = take};
    bertc_embed_options o = {.on = lines(), .layers = "all"};
    o.on.task = NULL;
    return bertc_embed(&o, NULL, &sink, err);
}

static void test_other_jobs(void **unused)
{
    (void)unused;
    const whole_run jobs[] = {plan_made_up, predict, predict_windows, embed};
    for (size_t j = 0; j < sizeof jobs / sizeof *jobs; j++) starve(jobs[j], false, NULL);
}

/* Encode a text with added tokens, by a tokenizer whose files all declare such tokens. */
static bertc_status tokenize_flags(bertc_encoding *encoding, bertc_error *err)
{
    static const char text[] = "a Good  film [mask] <t> \xC3\xA9 zq";
    bertc_vocab *vocab = NULL;
    bertc_tokenizer *tokenizer = NULL;
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    bertc_status status = bertc_vocab_load_dir("flagged", &vocab, err);
    if (!status) status = bertc_tokenizer_read_options("flagged", &options, err);
    if (!status) status = bertc_tokenizer_create(vocab, &options, &tokenizer, err);
    if (!status) status = bertc_tokenizer_encode(tokenizer, encoding, text, sizeof text - 1, NULL, 0, 0, err);
    bertc_tokenizer_free(tokenizer);
    bertc_vocab_free(vocab);
    return status;
}

static void test_added_tokens(void **unused)
{
    (void)unused;
    static const char json[] =
        "{\"added_tokens\": [{\"id\": 13, \"content\": \"<t>\", \"normalized\": true},"
        " {\"id\": 4, \"content\": \"[MASK]\", \"normalized\": true, \"lstrip\": true}],"
        " \"model\": {\"vocab\": {\"[PAD]\": 0, \"[UNK]\": 1, \"[CLS]\": 2, \"[SEP]\": 3, \"[MASK]\": 4, \"good\": 5,"
        " \"bad\": 6, \"a\": 7, \"film\": 8, \"very\": 9, \"not\": 10, \"plot\": 11, \"and\": 12}}}";
    char words[512];
    long reached = 0;
    snprintf(words, sizeof words, "%s<t>\n", fixture_words); /* a line that is an added token */
    assert_int_equal(mkdir("flagged", 0700), 0);
    fixture_write("flagged/vocab.txt", words);
    fixture_write("flagged/config.json", "{\"model_type\": \"bert\"}");
    fixture_write("flagged/tokenizer.json", json);
    fixture_write("flagged/tokenizer_config.json", "{\"own_token\": \"zq\"}");
    fixture_write("flagged/special_tokens_map.json",
                  "{\"extra_special_tokens\": [{\"content\": \"GOOD\", \"normalized\": true, \"rstrip\": true}]}");
    for (long n = 1; reached == n - 1; n++) {
        bertc_error err = {0};
        bertc_encoding encoding = {0};
        requests = 0;
        fail_at = n;
        bertc_status status = tokenize_flags(&encoding, &err);
        fail_at = 0;
        if (requests >= n) reached = n;
        if (status != BERTC_OK && status != BERTC_NOMEM) fail_msg("request %ld: %s", n, err.message);
        if (status == BERTC_OK) assert_int_equal(encoding.count, 9);
        bertc_encoding_clear(&encoding);
    }
    print_message("%ld requests refused\n", reached);
    assert_true(reached > 30);
    fixture_remove("flagged");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_step_allocates_nothing),
        cmocka_unit_test(test_every_refused_request_is_survived),
        cmocka_unit_test(test_every_refused_request_of_a_cache_is_survived),
        cmocka_unit_test(test_adapters),
        cmocka_unit_test(test_other_jobs),
        cmocka_unit_test(test_added_tokens),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
