/* Random numbers: the published vectors, the same whoever asks, and distributed as promised. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "base/memory.h"
#include "base/rng.h"

/* Random123's kat_vectors, philox4x32 10. */
static void test_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], answer[4];
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const uint32_t *c = vectors[i].counter, *k = vectors[i].key;
        bc_rng_block b = bc_rng((uint64_t)k[1] << 32 | k[0], c[0], c[1], c[2], c[3]);
        assert_memory_equal(b.word, vectors[i].answer, sizeof b.word);
    }
}

/* Every version of bc_rng_many gives the same words as bc_rng. */
static void test_lanes(void **state)
{
    (void)state;
    void (*const versions[])(bc_rng_lanes *, uint64_t) = {bc_rng_many, bc_rng_many_portable};
    const uint64_t seed = 0x0123456789abcdefu;
    for (size_t v = 0; v < sizeof versions / sizeof *versions; v++) {
        bc_rng_lanes lanes;
        for (uint32_t l = 0; l < BC_RNG_LANES; l++)
            for (uint32_t w = 0; w < 4; w++) lanes.word[w][l] = 0xfffffff0u + 7 * l + w * 0x10001u;
        versions[v](&lanes, seed);
        for (uint32_t l = 0; l < BC_RNG_LANES; l++) {
            uint32_t c = 0xfffffff0u + 7 * l;
            bc_rng_block b = bc_rng(seed, c, c + 0x10001u, c + 0x20002u, c + 0x30003u);
            for (uint32_t w = 0; w < 4; w++) assert_int_equal(lanes.word[w][l], b.word[w]);
        }
    }
}

static void test_shuffle(void **state)
{
    (void)state;
    enum { MAX = 5000 };
    static uint32_t order[MAX], again[MAX];
    static uint64_t scratch[2 * MAX];
    static unsigned char seen[MAX];
    for (size_t n = 0; n <= MAX; n = n < 70 ? n + 1 : n * 2 + 1) {
        memset(seen, 0, sizeof seen);
        bc_rng_shuffle(42, 3, order, scratch, n);
        for (size_t i = 0; i < n; i++) {
            assert_true(order[i] < n);
            assert_int_equal(seen[order[i]]++, 0);
        }
        bc_rng_shuffle(42, 3, again, scratch, n);
        assert_memory_equal(order, again, n * sizeof *order);
    }
}

/* The order is ascending by key and changes with seed and epoch. Each index is first about equally often. */
static void test_shuffle_distribution(void **state)
{
    (void)state;
    enum { N = 10, EPOCHS = 20000 };
    uint32_t order[N];
    uint64_t scratch[2 * N];
    size_t first[N] = {0}, other = 0;
    for (uint32_t epoch = 0; epoch < EPOCHS; epoch++) {
        uint32_t seeded[N];
        bc_rng_shuffle(1, epoch, order, scratch, N);
        for (size_t i = 1; i < N; i++) assert_true(scratch[order[i - 1]] <= scratch[order[i]]);
        first[order[0]]++;
        bc_rng_shuffle(2, epoch, seeded, scratch, N);
        other += memcmp(order, seeded, sizeof order) != 0;
    }
    for (size_t i = 0; i < N; i++) assert_true(fabs((double)first[i] - EPOCHS / N) < 5 * sqrt(EPOCHS * 0.1 * 0.9));
    assert_true(other > EPOCHS - 5);
}

static void moments(const float *x, size_t n, double m[4])
{
    memset(m, 0, 4 * sizeof *m);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 4; k++) m[k] += pow((double)x[i], k + 1) / (double)n;
}

/* Bounds are five standard errors of the estimate. */
static void test_normal(void **state)
{
    (void)state;
    enum { N = 400000 };
    float *x = bc_alloc(N, sizeof *x);
    double m[4];
    bc_rng_normal(7, "w", 1, 0, x, N);
    moments(x, N, m);
    assert_true(fabs(m[0]) < 5 * sqrt(1.0 / N));
    assert_true(fabs(m[1] - 1) < 5 * sqrt(2.0 / N));
    assert_true(fabs(m[2]) < 5 * sqrt(15.0 / N));
    assert_true(fabs(m[3] - 3) < 5 * sqrt(96.0 / N));
    double neighbours = 0;
    for (size_t i = 1; i < N; i++) neighbours += (double)x[i] * (double)x[i - 1] / N;
    assert_true(fabs(neighbours) < 5 * sqrt(1.0 / N));
    bc_free(x);
}

/* Truncated at two deviations, the variance is 1 - 4 phi(2) / (2 Phi(2) - 1) = 0.77374. */
static void test_truncated(void **state)
{
    (void)state;
    enum { N = 400000 };
    float *x = bc_alloc(N, sizeof *x);
    double m[4];
    bc_rng_normal(7, "w", 0.02, 1, x, N);
    for (size_t i = 0; i < N; i++) {
        assert_true(fabsf(x[i]) <= 0.04f);
        x[i] *= 50;
    }
    moments(x, N, m);
    assert_true(fabs(m[0]) < 5 * sqrt(0.774 / N));
    assert_true(fabs(m[1] - 0.77374) < 5 * sqrt(2 * 0.774 / N));
    bc_free(x);
}

/* A value depends on seed, name and index only, not on the numbers of values and threads. */
static void test_normal_is_a_function(void **state)
{
    (void)state;
    enum { N = 1001 };
    static float all[N], few[N], other[N];
    bc_rng_normal(7, "w", 1, 1, all, N);
    bc_rng_normal(7, "w", 1, 1, few, 10);
    assert_memory_equal(all, few, 10 * sizeof *all);
#ifdef _OPENMP
    int threads = omp_get_max_threads();
    for (int n = 1; n <= 5; n++) {
        omp_set_num_threads(n);
        bc_rng_normal(7, "w", 1, 1, few, N);
        assert_memory_equal(all, few, sizeof all);
    }
    omp_set_num_threads(threads);
#endif
    bc_rng_normal(8, "w", 1, 1, other, N);
    assert_memory_not_equal(all, other, sizeof all);
    bc_rng_normal(7, "v", 1, 1, other, N);
    assert_memory_not_equal(all, other, sizeof all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),        cmocka_unit_test(test_lanes),  cmocka_unit_test(test_shuffle),
        cmocka_unit_test(test_shuffle_distribution), cmocka_unit_test(test_normal), cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_normal_is_a_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
