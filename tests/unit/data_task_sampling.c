/* Task sampling: probabilities as published, and draws that follow them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/task_sampling.h"

static bc_task_sampler make(bertc_task_sampling sampling, uint64_t seed)
{
    return (bc_task_sampler){.tasks = 3, .sampling = sampling, .seed = seed, .sizes = {8000, 1000, 125},
                    .epoch_steps = 5000, .epochs = 5};
}

/* Compare the probabilities in an epoch with those that follow from the paper's exponent. */
static void expect_probabilities(const bc_task_sampler *sampler, int64_t epoch, double exponent)
{
    double p[BERTC_MAX_TASKS], sum = 0;
    for (int i = 0; i < 3; i++) sum += pow(sampler->sizes[i], exponent);
    for (int64_t step = epoch * 5000; step < (epoch + 1) * 5000; step += 4999) {
        bc_task_sampler_probabilities(sampler, step, p);
        for (int i = 0; i < 3; i++) assert_true(fabs(p[i] - pow(sampler->sizes[i], exponent) / sum) < 1e-12);
    }
}

static void test_probabilities(void **unused)
{
    (void)unused;
    static const double annealed[] = {1, 0.8, 0.6, 0.4, 0.2};
    bc_task_sampler proportional = make(BERTC_PROPORTIONAL, 1), uniform = make(BERTC_UNIFORM, 1);
    bc_task_sampler annealing = make(BERTC_ANNEALED, 1), one_epoch = annealing;
    one_epoch.epochs = 1;
    for (int64_t epoch = 0; epoch < 5; epoch++) {
        expect_probabilities(&proportional, epoch, 1);
        expect_probabilities(&uniform, epoch, 0);
        expect_probabilities(&annealing, epoch, annealed[epoch]);
        expect_probabilities(&one_epoch, epoch, 1);
    }
}

/* The counts must lie within five standard deviations of the binomial distribution. */
static void expect_share(const bc_task_sampler *sampler, int64_t from, int64_t to)
{
    double p[BERTC_MAX_TASKS], n = (double)(to - from);
    int64_t counts[3] = {0};
    for (int64_t step = from; step < to; step++) counts[bc_task_sampler_draw(sampler, step)]++;
    bc_task_sampler_probabilities(sampler, from, p);
    for (int i = 0; i < 3; i++) {
        double expected = n * p[i], deviation = sqrt(expected * (1 - p[i]));
        assert_true(fabs((double)counts[i] - expected) < 5 * deviation);
    }
}

static void test_draws_follow_the_probabilities(void **unused)
{
    (void)unused;
    for (uint64_t seed = 0; seed < 3; seed++) {
        for (int sampling = 0; sampling < 3; sampling++) {
            bc_task_sampler sampler = make((bertc_task_sampling)sampling, seed);
            for (int64_t epoch = 0; epoch < 5; epoch++) expect_share(&sampler, epoch * 5000, (epoch + 1) * 5000);
        }
    }
}

/* A draw depends only on seed and step; the counts are right after any order of seeks. */
static void test_steps_in_any_order(void **unused)
{
    (void)unused;
    bc_task_sampler sampler = make(BERTC_ANNEALED, 7), other = make(BERTC_ANNEALED, 8);
    int64_t counts[3] = {0};
    int differ = 0;
    for (int64_t step = 0; step < 1000; step++) {
        bc_task_sampler_seek(&sampler, step * 7919 % 1000);
        bc_task_sampler_seek(&sampler, step);
        for (int i = 0; i < 3; i++) assert_int_equal(sampler.steps_before[i], counts[i]);
        counts[bc_task_sampler_draw(&sampler, step)]++;
        differ += bc_task_sampler_draw(&sampler, step) != bc_task_sampler_draw(&other, step);
    }
    assert_true(differ > 100);
}

/* A single task is sampled in every step. */
static void test_one_task(void **unused)
{
    (void)unused;
    bc_task_sampler sampler = {.tasks = 1, .sizes = {22}, .epoch_steps = 5, .epochs = 2};
    bc_task_sampler_seek(&sampler, 1234);
    assert_int_equal(bc_task_sampler_draw(&sampler, 1234), 0);
    assert_int_equal(sampler.steps_before[0], 1234);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probabilities),
        cmocka_unit_test(test_draws_follow_the_probabilities),
        cmocka_unit_test(test_steps_in_any_order),
        cmocka_unit_test(test_one_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
