/* The loss with class weights and label smoothing, against the definition of PyTorch; its gradient by finite
 * differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "nn/head.h"

enum { S = 7, MAX = 5 };
static const double weights[MAX] = {0.5, 3.0, 0.0, 1.25, 7.0};

static float logits[S * MAX];
static int32_t labels[S], label_starts[S + 1];
static const bertc_batch batch = {.sequences = S, .label_starts = label_starts, .labels = labels};

static void fill(size_t c)
{
    for (size_t i = 0; i < S * c; i++) logits[i] = (float)(3.0 * sin(1.7 * (double)i + 0.3));
    for (size_t s = 0; s < S; s++) labels[s] = (int32_t)(s * 3 % c);
    for (int32_t s = 0; s < S; s++) label_starts[s + 1] = s + 1;
}

static double weight(const bc_objective *o, size_t c)
{
    return o->weights ? o->weights[c] : 1.0;
}

static double divisor(const bc_objective *o)
{
    double sum = 0.0;
    for (size_t s = 0; s < S; s++) sum += weight(o, (size_t)labels[s]);
    return sum;
}

/* The two terms of torch.nn.functional.cross_entropy: one of the labels and one of all classes, both divided by the sum
 * of the labels' weights. */
static double reference(const double *z, size_t c, const bc_objective *o)
{
    double label = 0.0, smooth = 0.0;
    for (size_t s = 0; s < S; s++) {
        double sum = 0.0;
        for (size_t j = 0; j < c; j++) sum += exp(z[s * c + j]);
        for (size_t j = 0; j < c; j++) {
            double nll = log(sum) - z[s * c + j];
            smooth += weight(o, j) * nll;
            if (j == (size_t)labels[s]) label += weight(o, j) * nll;
        }
    }
    return ((1.0 - o->smoothing) * label + o->smoothing / (double)c * smooth) / divisor(o);
}

static void check(size_t c, bc_objective o)
{
    static const double step = 1e-5;
    double z[S * MAX];
    float gradient[S * MAX];
    fill(c);
    for (size_t i = 0; i < S * c; i++) z[i] = (double)logits[i];
    double loss = bc_head_classification.loss(gradient, logits, &batch, c, &o, divisor(&o)) / divisor(&o);
    assert_true(fabs(loss - reference(z, c, &o)) < 1e-12);
    for (size_t i = 0; i < S * c; i++) {
        double kept = z[i];
        z[i] = kept + step;
        double above = reference(z, c, &o);
        z[i] = kept - step;
        double below = reference(z, c, &o);
        z[i] = kept;
        assert_true(fabs((double)gradient[i] - (above - below) / (2 * step)) < 1e-7);
    }
}

static void test_weights_and_smoothing(void **unused)
{
    (void)unused;
    static const double parts[] = {0.0, 0.1, 0.7, 1.0};
    for (size_t c = 2; c <= MAX; c++)
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            check(c, (bc_objective){NULL, parts[i]});
            check(c, (bc_objective){weights, parts[i]});
        }
}

/* Null options give the bits of the plain loss, and so do weights of 1. */
static void test_plain(void **unused)
{
    (void)unused;
    static const double ones[] = {1.0, 1.0, 1.0};
    float plain[S * 3], other[S * 3];
    fill(3);
    double loss = bc_head_classification.loss(plain, logits, &batch, 3, NULL, 7.0);
    assert_true(bc_head_classification.loss(other, logits, &batch, 3, &(bc_objective){NULL, 0.0}, 7.0) == loss);
    assert_memory_equal(plain, other, sizeof plain);
    assert_true(bc_head_classification.loss(other, logits, &batch, 3, &(bc_objective){ones, 0.0}, 7.0) == loss);
    assert_memory_equal(plain, other, sizeof plain);
}

/* A class whose target is zero adds nothing, whatever its logit is. */
static void test_far_logits(void **unused)
{
    (void)unused;
    fill(3);
    for (size_t s = 0; s < S; s++) logits[s * 3 + ((size_t)labels[s] + 1) % 3] = -INFINITY;
    assert_true(isfinite(bc_head_classification.loss(NULL, logits, &batch, 3, NULL, 1.0)));
    assert_true(bc_head_classification.loss(NULL, logits, &batch, 3, &(bc_objective){NULL, 0.1}, 1.0) == INFINITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_and_smoothing),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_far_logits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
