/* Probabilities and predicted labels, against values computed by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bertc.h"

static void expect(double got, double want)
{
    if (!(fabs(got - want) <= 1e-15)) fail_msg("%.17g, expected %.17g", got, want);
}

/* e^1, e^2, e^3 over their sum: 0.0900..., 0.2447..., 0.6652...; and logits at which exp alone would overflow. */
static void test_softmax(void **unused)
{
    (void)unused;
    const bertc_task *mnli = bertc_task_find("mnli");
    const float logits[][3] = {{1, 2, 3}, {1001, 1002, 1003}, {-3000, -2999, -2998}};
    for (size_t i = 0; i < 3; i++) {
        double p[3];
        bertc_task_probabilities(mnli, logits[i], p);
        expect(p[0], 0.09003057317038046);
        expect(p[1], 0.24472847105479764);
        expect(p[2], 0.6652409557748219);
    }
}

static void test_decision(void **unused)
{
    (void)unused;
    const bertc_task *mnli = bertc_task_find("mnli");
    const float logits[] = {1, 3, 2}, equal[] = {2, 1, 2};
    const double low[] = {0.9, 0.66, 0.9}, high[] = {0, 0.67, 0};
    int32_t labels[3];
    assert_int_equal(bertc_task_decide(mnli, logits, NULL, labels), 1);
    assert_int_equal(labels[0], 1);
    assert_int_equal(bertc_task_decide(mnli, logits, low, labels), 1);
    assert_int_equal(bertc_task_decide(mnli, logits, high, labels), 0);
    assert_int_equal(bertc_task_decide(mnli, equal, NULL, labels), 1);
    assert_int_equal(labels[0], 0);
    assert_int_equal(bertc_task_decide(bertc_task_find("stsb"), logits, NULL, labels), 0);
}

static void test_rank(void **unused)
{
    (void)unused;
    const bertc_task *mnli = bertc_task_find("mnli");
    const float logits[] = {1, 2, 1}, zeros[] = {-0.0f, 0.0f, 3};
    int32_t labels[3];
    assert_int_equal(bertc_task_rank(mnli, logits, labels, NULL), BERTC_OK);
    assert_int_equal(labels[0] * 100 + labels[1] * 10 + labels[2], 102);
    assert_int_equal(bertc_task_rank(mnli, zeros, labels, NULL), BERTC_OK);
    assert_int_equal(labels[0] * 100 + labels[1] * 10 + labels[2], 201);
    assert_int_equal(bertc_task_rank(bertc_task_find("stsb"), logits, labels, NULL), BERTC_USAGE);
    assert_int_equal(bertc_task_rank(mnli, NULL, labels, NULL), BERTC_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_softmax), cmocka_unit_test(test_decision),
                                       cmocka_unit_test(test_rank)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
