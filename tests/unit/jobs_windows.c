/* Texts longer than --max-length: windows as examples of a run, pooled logits, the recorded setting. */
#include "jobs_fixture.h"

#include <math.h>

#include "data/packing.h"
#include "run/fingerprints.h"
#include "run/model_source.h"

/* Sentences of fixture_split have 3 to 11 tokens with [CLS] and [SEP]. */
enum { SHORT = 6, ENOUGH = 12, OVERLAP = 1 };

static int enter(void **state)
{
    if (fixture_enter(state) != 0 || mkdir("data/STS-B", 0777) != 0) return -1;
    fixture_write("data/STS-B/train.tsv", "index\tsentence1\tsentence2\tscore\n0\tgood film\tgood\t4.8\n"
                                          "1\tbad film a plot and a film\tnot bad\t3.1\n2\tgood\tbad plot\t0.4\n"
                                          "3\tvery good\ta plot and a plot and a plot\t1\n");
    fixture_write("data/STS-B/dev.tsv", "index\tsentence1\tsentence2\tscore\n7\tgood\tgood film\t3.8\n"
                                        "8\tbad\tnot good not good not good film\t2.25\n9\ta film\tvery bad\t0\n");
    return 0;
}

static bertc_train_options windowed(const char *out)
{
    bertc_train_options o = fixture_options(out);
    o.max_length = SHORT;
    o.long_texts = BERTC_LONG_WINDOWS;
    o.window_overlap = OVERLAP;
    return o;
}

/* ---- Inputs -------------------------------------------------------------------------------- */

static void test_windows_are_examples(void **unused)
{
    (void)unused;
    bc_model_source source = {.long_texts = BERTC_LONG_WINDOWS, .window_overlap = OVERLAP};
    bertc_dataset *set;
    bertc_inputs *in;
    assert_int_equal(mkdir("three", 0777), 0);
    fixture_write("three/train.tsv", "sentence\tlabel\ngood film\t1\nbad a film very not plot and a\t0\n\t1\n");
    assert_int_equal(bc_model_source_open(&source, "model", SHORT, NULL, NULL), BERTC_OK);
    assert_int_equal(bertc_dataset_read(bertc_task_find("sst2"), "three", BERTC_TRAIN, 0, &set, NULL), BERTC_OK);
    assert_int_equal(bc_model_source_tokenize(&source, set, NULL, &in, NULL), BERTC_OK);
    static const size_t starts[] = {0, 4, 10, 16, 20, 22}, windows[] = {0, 1, 4, 5};
    static const int32_t ids[] = {2, 5, 8, 3, 2, 6, 7, 8, 9, 3, 2, 9, 10, 11, 12, 3, 2, 12, 7, 3, 2, 3};
    static const int32_t labels[] = {1, 0, 0, 0, 1};
    assert_int_equal(in->count, 5);
    assert_int_equal(in->texts, 3);
    assert_memory_equal(in->windows, windows, sizeof windows);
    assert_memory_equal(in->starts, starts, sizeof starts);
    assert_memory_equal(in->ids, ids, sizeof ids);
    assert_memory_equal(in->labels, labels, sizeof labels);
    assert_int_equal(in->label_starts[5], 5);
    assert_int_equal(in->longest, SHORT);
    assert_int_equal(in->truncated, 0);
    for (size_t i = 0; i < 5; i++) assert_true(isnan(in->values[i]));
    bertc_inputs_free(in);
    bertc_length_limit limit = {SHORT, (bertc_long)4, 0};
    assert_int_equal(bertc_inputs_create_long(source.tokenizer, set, limit, NULL, &in, NULL), BERTC_USAGE);
    bertc_dataset_free(set);
    bc_model_source_close(&source);
}

/* Each window has all labels, or the value, of its text. */
static void test_windows_have_the_targets_of_their_text(void **unused)
{
    (void)unused;
    static const char *const names[] = {"x", "y", "z"};
    static const bertc_task task = {.name = "sets", .kind = BERTC_MULTILABEL, .num_labels = 3, .labels = names};
    static const char text[] = "good a film very not plot";
    int32_t two[] = {0, 2}, one[] = {1};
    bertc_example examples[] = {{.a = text, .na = 4, .labels = one, .num_labels = 1, .value = 1},
                                {.a = text, .na = sizeof text - 1, .labels = two, .num_labels = 2, .value = 2.5f},
                                {.a = text, .na = sizeof text - 1, .labels = one, .num_labels = 0, .value = -3}};
    const bertc_dataset set = {.task = &task, .count = 3, .examples = examples, .path = "sets"};
    static const size_t label_starts[] = {0, 1, 3, 5, 5, 5};
    static const int32_t labels[] = {1, 0, 2, 0, 2};
    static const float values[] = {1, 2.5f, 2.5f, -3, -3};
    bc_model_source source = {.long_texts = BERTC_LONG_WINDOWS, .window_overlap = OVERLAP};
    bertc_inputs *in;
    char hash[BC_HASH_HEX], other[BC_HASH_HEX];
    assert_int_equal(bc_model_source_open(&source, "model", SHORT, NULL, NULL), BERTC_OK);
    assert_int_equal(bc_model_source_tokenize(&source, &set, NULL, &in, NULL), BERTC_OK);
    assert_int_equal(in->count, 5);
    assert_int_equal(in->cut, 2);
    assert_memory_equal(in->label_starts, label_starts, sizeof label_starts);
    assert_memory_equal(in->labels, labels, sizeof labels);
    assert_memory_equal(in->values, values, sizeof values);
    /* Which windows are one text is part of what identifies data. */
    bc_hash_inputs(hash, in);
    in->windows[1]++;
    bc_hash_inputs(other, in);
    assert_string_not_equal(hash, other);
    bertc_inputs_free(in);
    bc_model_source_close(&source);
}

/* Blocks of texts are tokenised by several threads; their windows follow each other in the order of the data. */
static void test_windows_of_many_texts(void **unused)
{
    (void)unused;
    enum { COUNT = 1500 };
    bc_model_source source = {.long_texts = BERTC_LONG_WINDOWS};
    char *text = calloc(COUNT, 64), *p = text;
    bertc_dataset *set;
    bertc_inputs *in;
    for (int i = 0; i < COUNT; i++) {
        for (int w = 0; w < i % 9; w++) p += sprintf(p, "film ");
        p += sprintf(p, "%s\n", i % 2 ? "good" : "bad");
    }
    assert_int_equal(bc_model_source_open(&source, "model", SHORT, NULL, NULL), BERTC_OK);
    assert_int_equal(bertc_dataset_from_lines(bertc_task_find("sst2"), text, strlen(text), "lines", &set, NULL),
                     BERTC_OK);
    assert_int_equal(bc_model_source_tokenize(&source, set, NULL, &in, NULL), BERTC_OK);
    assert_int_equal(in->texts, COUNT);
    assert_int_equal(in->count, in->windows[COUNT]);
    for (size_t i = 0; i < COUNT; i++) {
        size_t words = i % 9 + 1, last = in->windows[i + 1] - 1;
        assert_int_equal(in->windows[i + 1] - in->windows[i], (words + 3) / 4);
        assert_int_equal(in->starts[last + 1] - in->starts[last], 3 + (words - 1) % 4);
        assert_int_equal(in->ids[in->starts[last + 1] - 2], i % 2 ? 5 : 6);
    }
    bertc_inputs_free(in);
    bertc_dataset_free(set);
    bc_model_source_close(&source);
    free(text);
}

/* ---- Prediction ---------------------------------------------------------------------------- */

static bertc_predictions predict(bertc_predict_options o, bool score)
{
    bertc_predictions p;
    bertc_error err = {0};
    o.backend = 2;
    if (o.threads == 0) o.threads = 1;
    if (o.batch_size == 0) o.batch_size = 32;
    if (bertc_predict(&o, score, NULL, &p, &err) != BERTC_OK) fail_msg("%s", err.message);
    return p;
}

static bertc_predictions predict_lines(bertc_predict_options o, const char *text)
{
    o.model = "whole";
    o.text = text;
    o.text_length = strlen(text);
    return predict(o, false);
}

static void expect_same_logits(const bertc_predictions *a, const float *want, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(&a->logits[i], &want[i], sizeof *want) != 0)
            fail_msg("logit %zu is %.9g, not %.9g", i, (double)a->logits[i], (double)want[i]);
}

/* The logits of a text are the means of the logits of its windows, which are predicted alone here. */
static void test_logits_are_means_of_windows(void **unused)
{
    (void)unused;
    fixture_run_anew(fixture_options("whole"));
    const bertc_predict_options head = {.task = "sst2", .max_length = SHORT, .long_texts = BERTC_LONG_HEAD};
    const bertc_predict_options cut = {.task = "sst2", .max_length = SHORT, .long_texts = BERTC_LONG_WINDOWS,
                                       .window_overlap = OVERLAP};
    bertc_predictions alone = predict_lines(head, "good a film very\nvery not plot and\nand a\nbad film\n");
    bertc_predictions pooled = predict_lines(cut, "good a film very not plot and a\nbad film\n");
    assert_int_equal(pooled.dataset->count, 2);
    float want[4];
    for (size_t c = 0; c < 2; c++) {
        const float *x = alone.logits + c;
        want[c] = (float)(((double)x[0] + (double)x[2] + (double)x[4]) / 3);
        want[2 + c] = x[6];
    }
    for (size_t i = 0; i < 4; i++) assert_close((double)pooled.logits[i], (double)want[i], 1e-6);
    bertc_predictions_clear(&alone);
    bertc_predictions_clear(&pooled);
    /* One text in more windows than there are texts. */
    pooled = predict_lines(cut, "good a film very not plot and a\n");
    assert_close((double)pooled.logits[0], (double)want[0], 1e-6);
    bertc_predictions_clear(&pooled);
}

/* A regression pools values, and windows of a pair contain the whole shorter text. */
static void test_values_are_means_of_windows(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("whole");
    o.task = "stsb";
    fixture_run_anew(o);
    const bertc_predict_options all = {.task = "stsb", .max_length = 24};
    const bertc_predict_options cut = {.task = "stsb", .max_length = 7, .long_texts = BERTC_LONG_WINDOWS,
                                       .window_overlap = OVERLAP};
    bertc_predictions alone = predict_lines(all, "bad\tnot good not\nbad\tnot plot good\nbad\tgood film\n");
    bertc_predictions pooled = predict_lines(cut, "bad\tnot good not plot good film\n");
    const float *x = alone.logits;
    assert_close((double)pooled.logits[0], ((double)x[0] + (double)x[1] + (double)x[2]) / 3, 1e-6);
    bertc_predictions_clear(&alone);
    bertc_predictions_clear(&pooled);
}

/* The numbers of threads and of sequences in a pass do not matter. */
static void test_passes_do_not_matter(void **unused)
{
    (void)unused;
    fixture_run_anew(windowed("whole"));
    bertc_predict_options o = {.task = "sst2", .model = "whole", .data = "data", .split = BERTC_DEV};
    bertc_predictions want = predict(o, true);
    assert_int_equal(want.scores.examples, 13);
    for (int batch = 1; batch < 8; batch += 3) {
        o.batch_size = batch;
        o.threads = batch;
        bertc_predictions p = predict(o, true);
        expect_same_logits(&p, want.logits, 26);
        bertc_predictions_clear(&p);
    }
    bertc_predictions_clear(&want);
}

/* ---- Runs ---------------------------------------------------------------------------------- */

/* If every text fits, the setting changes no bit. */
static void test_nothing_is_long(void **unused)
{
    (void)unused;
    static const char *const files[] = {"model.safetensors", "eval.json", "log.jsonl", "predictions.dev.jsonl"};
    bertc_train_options o = fixture_options("head");
    o.max_length = ENOUGH;
    fixture_run_anew(o);
    for (int how = BERTC_LONG_TAIL; how <= BERTC_LONG_WINDOWS; how++) {
        o.out = "other";
        o.long_texts = how;
        fixture_run_anew(o);
        for (size_t i = 0; i < sizeof files / sizeof *files; i++) fixture_same_file("head", "other", files[i]);
    }
}

/* If texts are long, it does, and a run's own scores are those of eval with the recorded setting. */
static void test_the_setting_is_recorded(void **unused)
{
    (void)unused;
    static const int values[] = {BERTC_LONG_HEAD, BERTC_LONG_TAIL, BERTC_LONG_WINDOWS};
    double losses[3];
    for (int i = 0; i < 3; i++) {
        bertc_train_options o = windowed("whole");
        o.long_texts = values[i];
        if (o.long_texts != BERTC_LONG_WINDOWS) o.window_overlap = -1;
        bertc_train_result result = fixture_run_anew(o);
        bertc_predict_options p = {.task = "sst2", .model = "whole", .data = "data", .split = BERTC_DEV};
        bertc_predictions trained = predict(p, true);
        losses[i] = trained.scores.value[BERTC_LOSS];
        assert_close(losses[i], result.scores.value[BERTC_LOSS], 1e-6);
        p.max_length = SHORT;
        p.long_texts = values[i];
        p.window_overlap = i == 2 ? OVERLAP : 0;
        bertc_predictions given = predict(p, true);
        expect_same_logits(&given, trained.logits, 26);
        p.long_texts = values[(i + 1) % 3];
        p.window_overlap = i == 1 ? OVERLAP : 0;
        bertc_predictions other = predict(p, true);
        assert_true(other.scores.value[BERTC_LOSS] != losses[i]);
        bertc_predictions_clear(&trained);
        bertc_predictions_clear(&given);
        bertc_predictions_clear(&other);
    }
    assert_true(losses[0] != losses[1] && losses[1] != losses[2] && losses[0] != losses[2]);
}

/* Steps and counts are those of windows; examples of an evaluation are texts. */
static void test_windows_are_counted(void **unused)
{
    (void)unused;
    size_t length;
    bertc_train_options o = windowed("whole");
    bertc_train_result result = fixture_run_anew(o);
    char *text = fixture_read("whole/run.json", &length, false);
    long windows = (long)fixture_number(text, "\"windows\":");
    assert_true(windows > 22);
    assert_int_equal(result.steps, 2 * ((windows + 4) / 5));
    assert_int_equal(result.scores.examples, 13);
    assert_non_null(strstr(text, "\"train\":{\"examples\":22,\"skipped\":0,\"ungraded\":0,\"truncated\":0,"));
    assert_non_null(strstr(text, "\"long\":\"windows\",\"window-overlap\":1,"));
    bc_free(text);
    bertc_plan_result plan;
    assert_int_equal(bertc_plan(&o, NULL, &plan, NULL), BERTC_OK);
    assert_int_equal(plan.steps, result.steps);
}

static void test_resumed_to_the_bit(void **unused)
{
    (void)unused;
    for (int variant = 0; variant < 2; variant++) {
        bertc_train_options o = windowed("whole");
        o.eval_every = 3;
        o.keep = BERTC_KEEP_BEST;
        o.save_every = "2";
        o.lr = 0.05; /* the best weights are not the last */
        o.freeze = variant == 1 ? "all" : "none";
        o.cache_dir = variant == 1 ? "kept" : "none";
        fixture_run_anew(o);
        fixture_stop_twice(o, "whole");
    }
}

/* Several tasks have the same setting; each folder records it. */
static void test_several_tasks(void **unused)
{
    (void)unused;
    bertc_train_options o = windowed("several");
    o.task = "sst2,stsb";
    o.max_length = 8;
    fixture_run_anew(o);
    o.out = "stopped";
    fixture_remove(o.out);
    fixture_interrupt(o, 4);
    o.resume = true;
    fixture_run(o);
    fixture_same_run("several/sst2", "stopped/sst2");
    fixture_same_run("several/stsb", "stopped/stsb");
    bertc_predict_options p = {.task = "stsb", .model = "several/stsb", .data = "data", .split = BERTC_DEV};
    bertc_predictions trained = predict(p, true);
    p.long_texts = BERTC_LONG_WINDOWS;
    p.max_length = 8;
    p.window_overlap = OVERLAP;
    bertc_predictions given = predict(p, true);
    expect_same_logits(&given, trained.logits, 3);
    bertc_predictions_clear(&trained);
    bertc_predictions_clear(&given);
}

/* A resumed run must have the same setting. */
static void test_another_setting_is_refused(void **unused)
{
    (void)unused;
    bertc_train_options o = windowed("refused");
    fixture_interrupt(o, 3);
    o.resume = true;
    o.window_overlap = 2;
    fixture_refuse(o, BERTC_USAGE, "refused: --window-overlap was 1 in this run and is 2 now");
    o.long_texts = BERTC_LONG_TAIL;
    o.window_overlap = -1;
    fixture_refuse(o, BERTC_USAGE, "refused: --long was windows in this run and is tail now");
    o = windowed("refused");
    o.resume = true;
    o.window_overlap = -1; /* a quarter of 6 is 1 */
    fixture_run(o);
}

static bertc_status no_begin(void *user, const bertc_embed_shape *shape, bertc_error *err)
{
    (void)user, (void)shape, (void)err;
    fail_msg("embed begins");
    return BERTC_USAGE;
}

static bertc_status no_take(void *user, const bertc_embedding *example, bertc_error *err)
{
    (void)user, (void)example, (void)err;
    return BERTC_OK;
}

static void test_refusals(void **unused)
{
    (void)unused;
    bertc_train_options o = windowed("none");
    o.window_overlap = 4;
    fixture_refuse(o, BERTC_USAGE, "--window-overlap 4: a window of --max-length 6 has 4 tokens besides [CLS] and "
                                   "[SEP], the overlap must be smaller");
    o.long_texts = BERTC_LONG_HEAD;
    fixture_refuse(o, BERTC_USAGE, "--window-overlap has no effect without '--long windows'");
    o.long_texts = BERTC_LONG_DEFAULT;
    fixture_refuse(o, BERTC_USAGE, "--long is out of range");
    o = windowed("none");
    o.task = "stsb";
    fixture_refuse(o, BERTC_INPUT, "data/STS-B/train.tsv:3: the shorter text and the special tokens need 5 of 6 tokens, "
                                   "the rest is too short for windows that overlap by 1 tokens");
    assert_int_equal(access("none", F_OK), -1);
    bertc_embed_options e = {.on = {.model = "model", .text = "good film a film a film\n", .text_length = 24,
                                    .max_length = SHORT, .batch_size = 4, .backend = 2, .threads = 1,
                                    .long_texts = BERTC_LONG_WINDOWS, .window_overlap = -1},
                             .layers = "-1"};
    const bertc_embed_sink sink = {no_begin, no_take, NULL};
    bertc_error err = {0};
    assert_int_equal(bertc_embed(&e, NULL, &sink, &err), BERTC_USAGE);
    assert_string_equal(err.message, "embed does not cut texts into windows; choose --long head or --long tail");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows_are_examples),
        cmocka_unit_test(test_windows_have_the_targets_of_their_text),
        cmocka_unit_test(test_windows_of_many_texts),
        cmocka_unit_test(test_logits_are_means_of_windows),
        cmocka_unit_test(test_values_are_means_of_windows),
        cmocka_unit_test(test_passes_do_not_matter),
        cmocka_unit_test(test_nothing_is_long),
        cmocka_unit_test(test_the_setting_is_recorded),
        cmocka_unit_test(test_windows_are_counted),
        cmocka_unit_test(test_resumed_to_the_bit),
        cmocka_unit_test(test_several_tasks),
        cmocka_unit_test(test_another_setting_is_refused),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, enter, fixture_leave);
}
