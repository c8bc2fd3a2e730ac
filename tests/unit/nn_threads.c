/* Several threads use one model, each with a workspace. Every thread gets the same bits as alone. Models and the shapes
 * of products are new when the threads start, so nothing is cached. Built with ThreadSanitizer the test runs the
 * reference backend alone, with one OpenMP thread in each pass, because libraries are not instrumented. */
#include <omp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bertc/model.h"
#include "nn/gemm/gemm.h"
#include "twin/support.h"

enum { USERS = 2, BATCHES = 16, HIDDEN = 32, CLASSES = 3, MAX_SEQUENCES = 4, LONGEST = 24 };

#ifdef __SANITIZE_THREAD__
enum { WATCHED = true };
#else
enum { WATCHED = false };
#endif

static const struct kind {
    const char *backend;
    bertc_precision precision;
    int32_t threads;
    int rounds;
} kinds[] = {
    {"reference", BERTC_F32, 1, 3}, {"reference", BERTC_BF16, 1, 1}, {"reference", BERTC_F32, 2, 1},
    {"onednn", BERTC_F32, 1, 8},    {"onednn", BERTC_F32, 2, 8},     {"onednn", BERTC_BF16, 1, 8},
    {"onednn", BERTC_BF16, 2, 8},   {"openblas", BERTC_F32, 1, 4},   {"openblas", BERTC_F32, 2, 4},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const bertc_limits limits = {.tokens = MAX_SEQUENCES * LONGEST, .sequences = MAX_SEQUENCES,
                                    .longest = LONGEST, .all_rows = true};

/* A thread that runs passes: its batches and its results. */
typedef struct user {
    const bertc_model *model;
    bertc_workspace *workspace;
    pthread_barrier_t *start;
    bertc_batch *batches[BATCHES];
    float logits[BATCHES][MAX_SEQUENCES * CLASSES];
    float *hidden[BATCHES]; /* output of the last layer */
    bertc_error err;
} user;

static bertc_config small_config(void)
{
    return twin_config(2, HIDDEN, 2, 64, CLASSES, BERTC_GELU);
}

/* Make batches of many shapes, different for each thread. */
static user *make_user(const bertc_config *config, uint64_t number)
{
    user *u = twin_take(1, sizeof *u);
    for (uint32_t b = 0; b < BATCHES; b++) {
        int32_t lengths[MAX_SEQUENCES], count = 1 + (int32_t)twin_below(number, b, MAX_SEQUENCES);
        for (int32_t s = 0; s < count; s++)
            lengths[s] = 1 + (int32_t)twin_below(number + 50, b * MAX_SEQUENCES + (uint32_t)s, LONGEST);
        u->batches[b] = twin_batch(config, lengths, count, number * BATCHES + b);
        u->hidden[b] = twin_floats((size_t)u->batches[b]->tokens * HIDDEN);
    }
    return u;
}

static void pass(user *u, int b, float *logits, float *hidden)
{
    static const int32_t last[] = {2};
    const bertc_batch *batch = u->batches[b];
    const float *found;
    if (bertc_model_forward(u->model, u->workspace, batch, &found, &u->err) != BERTC_OK) return;
    memcpy(logits, found, (size_t)batch->sequences * CLASSES * sizeof *found);
    bertc_model_hidden(u->model, u->workspace, batch, last, 1, hidden, &u->err);
}

static void *use(void *argument)
{
    user *u = argument;
    pthread_barrier_wait(u->start);
    if (!u->workspace && bertc_workspace_create(u->model, &limits, &u->workspace, &u->err) != BERTC_OK) return NULL;
    for (int b = 0; b < BATCHES; b++) pass(u, b, u->logits[b], u->hidden[b]);
    return NULL;
}

/* Run the same batches again in one thread, and compare the results. */
static void check_alone(user *u, bertc_workspace *workspace, const char *what, const struct kind *kind)
{
    float logits[MAX_SEQUENCES * CLASSES], *hidden = twin_floats((size_t)limits.tokens * HIDDEN);
    bertc_workspace *own = u->workspace;
    if (u->err.status != BERTC_OK) fail_msg("%s", u->err.message);
    u->workspace = workspace;
    for (int b = 0; b < BATCHES; b++) {
        size_t rows = (size_t)u->batches[b]->tokens * HIDDEN, classes = (size_t)u->batches[b]->sequences * CLASSES;
        pass(u, b, logits, hidden);
        if (u->err.status != BERTC_OK) fail_msg("%s", u->err.message);
        if (memcmp(logits, u->logits[b], classes * sizeof *logits) != 0 ||
            memcmp(hidden, u->hidden[b], rows * sizeof *hidden) != 0)
            fail_msg("%s: %s, precision %d, threads %d: batch %d differs", what, kind->backend,
                     (int)kind->precision, (int)kind->threads, b);
    }
    u->workspace = own;
}

/* Open a new model of a variant. Returns false if this machine cannot run the variant. */
static bool create(const struct kind *kind, const bertc_model_options *more, bertc_model **model)
{
    bertc_error err = {0};
    bertc_config config = small_config();
    bertc_model_options options = *more;
    bertc_precision precision = kind->precision;
    if (WATCHED && (kind->threads > 1 || strcmp(kind->backend, "reference") != 0)) return false;
    if (bertc_precision_resolve(kind->backend, &precision, NULL) != BERTC_OK) return false;
    options.backend = kind->backend;
    options.precision = precision;
    options.threads = kind->threads;
    if (bertc_model_create(&config, &options, model, &err) != BERTC_OK) fail_msg("%s", err.message);
    return true;
}

/* Run all threads at once. */
static void run(user *users[USERS], const bertc_model *model)
{
    pthread_t threads[USERS];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, USERS);
    for (int i = 0; i < USERS; i++) {
        users[i]->model = model;
        users[i]->start = &start;
        assert_int_equal(pthread_create(&threads[i], NULL, use, users[i]), 0);
    }
    for (int i = 0; i < USERS; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
}

/* If the backend packs weights, those of models that are only read are packed; those of trainable models are not. */
static void test_at_once(void **state)
{
    (void)state;
    static const bertc_model_options ways[] = {
        {0},
        {.trainable = true},
        {.frozen = 3, .batch_invariant = true},
        {.lora = {.rank = 2, .targets = 63, .alpha = 8}},
    };
    enum { WAYS = sizeof ways / sizeof *ways };
    bertc_config config = small_config();
    user *users[USERS];
    for (uint64_t i = 0; i < USERS; i++) users[i] = make_user(&config, i);
    for (int k = 0; k < KINDS; k++)
        for (int round = 0; round < kinds[k].rounds; round++) {
            bertc_model *model;
            if (!create(&kinds[k], &ways[round % WAYS], &model)) continue;
            run(users, model);
            for (int i = 0; i < USERS; i++) {
                bertc_workspace *other = users[(i + 1) % USERS]->workspace;
                check_alone(users[i], users[i]->workspace, "at once", &kinds[k]);
                check_alone(users[i], other, "with another thread's workspace", &kinds[k]);
            }
            for (int i = 0; i < USERS; i++) {
                bertc_workspace_free(users[i]->workspace);
                users[i]->workspace = NULL;
            }
            bertc_model_free(model);
        }
}

/* ---- products ------------------------------------------------------------------------------ */

enum { TIMES = 600 };
static const bc_linear large = {150, 170, 160};

/* The products of one caller, with its own number of OpenMP threads. */
typedef struct products {
    bc_gemm gemm;
    int threads;
    float *x, *w, *y, *wanted;
    int differing;
} products;

static void multiply(products *p, float *y)
{
    bc_linear_fwd(&p->gemm, y, p->x, p->w, NULL, large);
}

static void *multiply_often(void *argument)
{
    products *p = argument;
    omp_set_num_threads(p->threads);
    for (int i = 0; i < TIMES; i++) {
        multiply(p, p->y);
        p->differing += twin_distance_floats(p->y, p->wanted, large.n * large.out) > 1e-4;
    }
    return NULL;
}

static products make_products(const char *backend, int threads)
{
    products p = {.threads = threads};
    p.x = twin_random_floats(bc_rows(large.n) * large.in, 1.0, (uint64_t)threads);
    p.w = twin_random_floats(large.out * large.in, 1.0, (uint64_t)threads + 1);
    p.y = twin_floats(bc_rows(large.n) * large.out);
    p.wanted = twin_floats(bc_rows(large.n) * large.out);
    assert_int_equal(bc_gemm_open(&p.gemm, "reference", NULL), BERTC_OK);
    multiply(&p, p.wanted);
    bc_gemm_close(&p.gemm);
    assert_int_equal(bc_gemm_open(&p.gemm, backend, NULL), BERTC_OK);
    return p;
}

/* Callers with different numbers of OpenMP threads, because libraries may have one number for the whole process. */
static void test_numbers_of_threads(void **state)
{
    (void)state;
    static const int numbers[] = {2, 5};
    static const char *const backends[] = {"onednn", "openblas"};
    if (WATCHED) skip();
    for (int k = 0; k < 2; k++) {
        products all[USERS];
        pthread_t threads[USERS];
        for (int i = 0; i < USERS; i++) all[i] = make_products(backends[k], numbers[i]);
        for (int i = 0; i < USERS; i++) assert_int_equal(pthread_create(&threads[i], NULL, multiply_often, &all[i]), 0);
        for (int i = 0; i < USERS; i++) pthread_join(threads[i], NULL);
        for (int i = 0; i < USERS; i++) {
            bc_gemm_close(&all[i].gemm);
            if (all[i].differing > 0)
                fail_msg("%s: %d products of %d threads beside others of %d differ", backends[k],
                         all[i].differing, numbers[i], numbers[1 - i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_at_once, twin_release),
        cmocka_unit_test_teardown(test_numbers_of_threads, twin_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
