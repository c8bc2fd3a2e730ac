/* The losses of classes with class weights and label smoothing, and of sets of labels with weights, against the
 * definitions of PyTorch; their gradients by finite differences. */
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

/* ---- Sets of labels ------------------------------------------------------------------------ */

/* Sequence s has the labels whose bits are set in 5 s. */
static int32_t set_labels[S * MAX], set_starts[S + 1];
static const bertc_batch sets = {.sequences = S, .label_starts = set_starts, .labels = set_labels};

static bool has_label(size_t s, size_t j)
{
    return (5 * s >> j & 1) != 0;
}

static void fill_sets(size_t c)
{
    fill(c);
    for (size_t s = 0; s < S; s++) {
        set_starts[s + 1] = set_starts[s];
        for (size_t j = 0; j < c; j++)
            if (has_label(s, j)) set_labels[set_starts[s + 1]++] = (int32_t)j;
    }
}

/* torch.nn.BCEWithLogitsLoss(pos_weight), the mean over all examples and labels. */
static double reference_of_sets(const double *z, size_t c, const double *w)
{
    double sum = 0.0;
    for (size_t s = 0; s < S; s++)
        for (size_t j = 0; j < c; j++) {
            double p = 1.0 / (1.0 + exp(-z[s * c + j]));
            sum -= has_label(s, j) ? (w ? w[j] : 1.0) * log(p) : log(1.0 - p);
        }
    return sum / (double)(S * c);
}

static void test_sets(void **unused)
{
    (void)unused;
    static const double step = 1e-5;
    for (size_t c = 1; c <= MAX; c++)
        for (int weighted = 0; weighted < 2; weighted++) {
            const bc_objective o = {.weights = weighted ? weights : NULL};
            double z[S * MAX];
            float gradient[S * MAX];
            fill_sets(c);
            for (size_t i = 0; i < S * c; i++) z[i] = (double)logits[i];
            double loss = bc_head_multilabel.loss(gradient, logits, &sets, c, &o, S) / S;
            assert_true(fabs(loss - reference_of_sets(z, c, o.weights)) < 1e-12);
            assert_true(bc_head_multilabel.loss(NULL, logits, &sets, c, weighted ? &o : NULL, S) / S == loss);
            for (size_t i = 0; i < S * c; i++) {
                double kept = z[i];
                z[i] = kept + step;
                double above = reference_of_sets(z, c, o.weights);
                z[i] = kept - step;
                double below = reference_of_sets(z, c, o.weights);
                z[i] = kept;
                assert_true(fabs((double)gradient[i] - (above - below) / (2 * step)) < 1e-7);
            }
        }
}

/* Logits of any size have their exact loss, and NaN stays NaN. A label of weight 0 adds nothing. */
static void test_sets_far(void **unused)
{
    (void)unused;
    float z[] = {-1e30f, 1e30f}, gradient[2];
    const int32_t starts[] = {0, 1}, none[] = {0, 0}, label = 0;
    const bertc_batch one = {.sequences = 1, .label_starts = (int32_t *)(uintptr_t)starts,
                             .labels = (int32_t *)(uintptr_t)&label};
    bertc_batch empty = one;
    empty.label_starts = (int32_t *)(uintptr_t)none;
    double large = (double)1e30f;
    assert_true(bc_head_multilabel.loss(gradient, z, &one, 2, NULL, 1.0) == large);
    assert_true(gradient[0] == -0.5f && gradient[1] == 0.5f);
    assert_true(bc_head_multilabel.loss(gradient, z, &empty, 2, NULL, 1.0) == large / 2);
    assert_true(gradient[0] == 0.0f && gradient[1] == 0.5f);
    const double weight[] = {0.0, 0.0};
    z[0] = -INFINITY;
    assert_true(bc_head_multilabel.loss(gradient, z, &one, 2, &(bc_objective){.weights = weight}, 1.0) == large / 2);
    assert_true(gradient[0] == 0.0f);
    z[1] = NAN;
    assert_true(isnan(bc_head_multilabel.loss(gradient, z, &empty, 2, NULL, 1.0)));
    assert_true(isnan(gradient[1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_and_smoothing),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_far_logits),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_sets_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
