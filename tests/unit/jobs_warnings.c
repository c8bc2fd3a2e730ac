/* Warnings that a run did not learn, and the numbers in its summary: of this process and of the whole run. */
#include "jobs_fixture.h"

#include <math.h>

#include "run/warnings.h"

static char notices[4096];

static void on_notice(void *user, const char *line)
{
    (void)user;
    if (strstr(line, "did not learn"))
        snprintf(notices + strlen(notices), sizeof notices - strlen(notices), "%s\n", line);
}

static bertc_train_result run(bertc_train_options o)
{
    bertc_train_result result;
    bertc_observer observer = {.notify = {on_notice, NULL}};
    bertc_error err = {0};
    notices[0] = '\0';
    if (bertc_finetune(&o, &observer, &result, &err) != BERTC_OK) fail_msg("%s", err.message);
    return result;
}

/* The warnings in OUT/run.json, between the brackets. */
static const char *recorded(const char *out)
{
    static char found[1024];
    char path[64];
    size_t length;
    snprintf(path, sizeof path, "%s/run.json", out);
    char *text = fixture_read(path, &length, false);
    const char *begin = strstr(text, "\"warnings\":["), *end = begin ? strchr(begin, ']') : NULL;
    if (!end) fail_msg("no warnings in %s", path);
    snprintf(found, sizeof found, "%.*s", (int)(end - begin) - 12, begin + 12);
    bc_free(text);
    return found;
}

/* Learning rates at which training diverges. */
static bertc_train_options wild(const char *out)
{
    bertc_train_options o = fixture_options(out);
    o.lr = 5;
    o.max_grad_norm = 0;
    o.epochs = 4;
    return o;
}

static void test_a_diverging_run_warns(void **unused)
{
    (void)unused;
    fixture_split("data/SST-2/dev.tsv", 100, 80);
    bertc_train_result result = run(wild("wild"));
    assert_int_equal(result.warnings, 2);
    const char *loss = strstr(notices, "the run did not learn: sst2: the training loss is ");
    const char *alike = strstr(notices, "the run did not learn: sst2 dev: ");
    assert_ptr_equal(loss, notices);
    assert_non_null(alike);
    assert_non_null(strstr(alike, "tive is predicted for all 80 examples\n"));
    assert_non_null(strstr(recorded("wild"), "\"sst2: the training loss is "));
    assert_non_null(strstr(recorded("wild"), "\",\"sst2 dev: "));
    assert_non_null(strstr(recorded("wild"), "tive is predicted for all 80 examples\""));
    /* a resumed run gives the same warnings, also after its last evaluation */
    for (int steps = 1; steps < 20; steps += 6) fixture_same_resumed(wild("parts"), steps, "wild");
    bertc_train_options every = wild("each");
    every.save_every = "1";
    every.eval_every = 1;
    run(every);
    every.out = "parts";
    fixture_same_resumed(every, 19, "each");
    /* a finished run reports them again */
    char before[sizeof notices];
    bertc_train_options o = wild("again");
    run(o);
    memcpy(before, notices, sizeof notices);
    o.resume = true;
    assert_int_equal(run(o).warnings, 2);
    assert_string_equal(notices, before);
}

static void test_a_healthy_run_does_not(void **unused)
{
    (void)unused;
    fixture_split("data/SST-2/dev.tsv", 100, 80);
    bertc_train_options o = fixture_options("healthy");
    o.epochs = 20;
    assert_true(run(o).scores.value[BERTC_ACCURACY] > 0.95);
    assert_string_equal(notices, "");
    assert_string_equal(recorded("healthy"), "");
    /* a few steps, or scores on a few examples or on examples of one class, prove nothing */
    o.max_steps = 1;
    o.limit_eval = 8;
    o.out = "short";
    assert_int_equal(run(o).warnings, 0);
    FILE *file = fopen("data/SST-2/dev.tsv", "w");
    assert_non_null(file);
    fputs("sentence\tlabel\n", file);
    for (int i = 0; i < 60; i++) fputs("good film\t1\n", file);
    assert_int_equal(fclose(file), 0);
    o.max_steps = 0;
    o.limit_eval = 0;
    o.out = "one-class";
    assert_int_equal(run(o).warnings, 0);
    fixture_split("data/SST-2/dev.tsv", 100, 80);
}

/* The warnings are about the resulting weights, not about later ones. */
static void test_the_best_weights_are_judged(void **unused)
{
    (void)unused;
    static bc_run run_of;
    bc_run *r = &run_of;
    bc_text text = {0};
    static const bertc_scores good = {.value[BERTC_LOSS] = 0.1, .examples = 80};
    r->num_tasks = 1;
    r->options.keep = BERTC_KEEP_BEST;
    r->state.step = 100;
    r->tasks[0] = (bc_run_task){.spec = bertc_task_find("sst2"), .eval_count = 1};
    r->tasks[0].eval_splits[0] = (bc_eval_split){.task = r->tasks[0].spec, .split = BERTC_DEV};
    r->state.task[0] = (bc_task_state){.best_step = 50, .splits = 1, .first_loss = 0.7, .loss = 40, .best_loss = 0.2};
    r->state.task[0].best[0] = good;
    r->state.task[0].last[0] = (bertc_scores){.value[BERTC_LOSS] = 40, .examples = 80, .same_prediction = 1};
    bc_warnings_record(&text, r, 0, 1);
    assert_string_equal(text.bytes, "[]");
    bc_text_clear(&text);
    r->options.keep = BERTC_KEEP_LAST;
    bc_warnings_record(&text, r, 0, 1);
    assert_string_equal(text.bytes, "[\"sst2: the training loss is 40, it began at 0.7\","
                                    "\"sst2 dev: negative is predicted for all 80 examples\"]");
    bc_text_clear(&text);
    /* the limit is twice ln 2, or twice the first loss if that is more */
    r->state.task[0].last[0] = good;
    static const struct {
        double first, loss;
        bool sign;
    } cases[] = {{0.7, 1.38, false}, {0.6, 1.38, false}, {0.6, 1.39, true}, {2, 3.9, false}, {2, 4.1, true},
                 {0.1, 0.9, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        r->state.task[0].first_loss = cases[i].first;
        r->state.task[0].loss = cases[i].loss;
        bc_warnings_record(&text, r, 0, 1);
        assert_int_equal(strcmp(text.bytes, "[]") != 0, cases[i].sign);
        bc_text_clear(&text);
    }
}

/* The mean of the first 16 steps, then each newer step has a weight of a sixteenth. */
static void test_the_loss_of_the_last_steps(void **unused)
{
    (void)unused;
    static bc_run run_of;
    bc_run *r = &run_of;
    bc_examples examples = {.task_step = 0};
    for (int i = 1; i <= 16; i++) {
        bc_warnings_add_step(r, &examples, i);
        examples.task_step++;
        assert_close(r->state.task[0].loss, (1 + i) / 2.0, 1e-12);
    }
    bc_warnings_add_step(r, &examples, 24.5);
    assert_close(r->state.task[0].loss, 8.5 + 1, 1e-12);
    assert_true(r->state.task[0].first_loss == 1);
}

/* ---- Speed --------------------------------------------------------------------------------- */

/* Tokens a second of the steps in a run's log after the first `skipped` steps. */
static double logged_speed(const char *log, int skipped)
{
    size_t length;
    double tokens = 0, seconds = 0;
    char *text = fixture_read(log, &length, false);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (strstr(line, "\"eval\":") || skipped-- > 0) continue;
        tokens += fixture_number(line, "\"tokens\":");
        seconds += fixture_number(line, "\"seconds\":");
    }
    bc_free(text);
    return tokens / seconds;
}

static void test_speed_and_steps_are_those_of_this_process(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("timed");
    o.epochs = 12;
    bertc_train_result result = run(o);
    assert_int_equal(result.steps, 60);
    assert_int_equal(result.steps_now, 60);
    double speed = logged_speed("timed/log.jsonl", 0);
    assert_close(result.tokens_per_second, speed, 0.02 * speed);
    o.resume = true;
    result = run(o);
    assert_int_equal(result.steps, 60);
    assert_int_equal(result.steps_now, 0);
    assert_true(result.tokens_per_second == 0);
    o.out = "parts.timed";
    o.resume = false;
    fixture_interrupt(o, 45);
    o.resume = true;
    result = run(o);
    assert_int_equal(result.steps, 60);
    assert_int_equal(result.steps_now, 15);
    speed = logged_speed("parts.timed/log.jsonl", 45);
    assert_close(result.tokens_per_second, speed, 0.02 * speed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_diverging_run_warns),
        cmocka_unit_test(test_a_healthy_run_does_not),
        cmocka_unit_test(test_the_best_weights_are_judged),
        cmocka_unit_test(test_the_loss_of_the_last_steps),
        cmocka_unit_test(test_speed_and_steps_are_those_of_this_process),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
