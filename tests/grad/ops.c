/* The twin of each operation: its backward against finite differences of its forward. */
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "grad/grad.h"
#include "twin/ops.h"
#include "twin/support.h"

enum { H = 9, OUT = 5, A = 2, D = 3 };
static const int32_t lengths[] = {1, 6, 3};
enum { S = 3, N = 10 };
static bertc_config config;

static bc_dropout drop(bc_site site)
{
    return bc_dropout_make(0.3, 11, 2, site, 1);
}

/* Inputs and outputs of all operations. */
typedef struct bench {
    const bertc_batch *batch;
    bc_dropout dropout;
    twin_norm norm;
    bertc_activation act;
    size_t c;
    double *x, *residual, *w, *b, *word, *position, *type, *gain, *bias;
    double *y;
    twin_norm_cache cache;
    const double *weights; /* of the output in the sum whose gradient is taken */
} bench;

static bench make(bc_site site)
{
    config = twin_config(1, H, 1, OUT, 3, BERTC_GELU);
    config.max_position_embeddings = 7;
    bench t = {.batch = twin_batch(&config, lengths, S, 5), .dropout = drop(site)};
    t.x = twin_random(N * 3 * H, 1.0, 1);
    t.residual = twin_random(N * H, 1.0, 2);
    t.w = twin_random(OUT * H, 1.0, 3);
    t.b = twin_random(OUT, 1.0, 4);
    t.word = twin_random((size_t)config.vocab_size * H, 1.0, 5);
    t.position = twin_random((size_t)config.max_position_embeddings * H, 1.0, 6);
    t.type = twin_random((size_t)config.type_vocab_size * H, 1.0, 7);
    t.gain = twin_random(H, 1.0, 8);
    t.bias = twin_random(H, 1.0, 9);
    t.norm = (twin_norm){t.gain, t.bias, twin_doubles(H), twin_doubles(H), 1e-3, H};
    t.y = twin_doubles(N * 3 * H);
    t.cache = (twin_norm_cache){twin_doubles(N * H), twin_doubles(N), twin_doubles(N)};
    t.weights = twin_random(N * 3 * H, 1.0, 10);
    return t;
}

static double embed(void *context)
{
    bench *t = context;
    twin_embed_fwd(t->y, t->cache, (twin_embed_tables){t->word, t->position, t->type}, t->batch, t->norm, &t->dropout);
    return grad_dot(t->y, t->weights, N * H);
}

static void test_embed(void **state)
{
    (void)state;
    bench t = make(BC_SITE_EMBEDDING);
    size_t v = (size_t)config.vocab_size * H, p = (size_t)config.max_position_embeddings * H;
    double *dsum = twin_doubles(N * H);
    double *dword = twin_doubles(v), *dposition = twin_doubles(p), *dtype = twin_doubles(2 * H);
    embed(&t);
    twin_embed_norm_bwd(dsum, t.weights, t.cache, t.batch, t.norm, &t.dropout);
    twin_embed_scatter(dword, dposition, dtype, dsum, t.batch, &config);
    grad_check("embeddings: word", embed, &t, t.word, dword, v);
    grad_check("embeddings: position", embed, &t, t.position, dposition, p);
    grad_check("embeddings: type", embed, &t, t.type, dtype, 2 * H);
    grad_check("embeddings: gain", embed, &t, t.gain, t.norm.dgain, H);
    grad_check("embeddings: bias", embed, &t, t.bias, t.norm.dbias, H);
}

static double add_norm(void *context)
{
    bench *t = context;
    twin_add_norm_fwd(t->y, t->cache, t->x, t->residual, t->batch, t->norm, &t->dropout);
    return grad_dot(t->y, t->weights, N * H);
}

static void test_add_norm(void **state)
{
    (void)state;
    bench t = make(BC_SITE_ATTN_OUT);
    double *dsum = twin_doubles(N * H), *dx = twin_doubles(N * H);
    add_norm(&t);
    twin_add_norm_bwd(dsum, dx, t.weights, t.cache, t.batch, t.norm, &t.dropout);
    grad_check("add and norm: residual", add_norm, &t, t.residual, dsum, N * H);
    grad_check("add and norm: x", add_norm, &t, t.x, dx, N * H);
    grad_check("add and norm: gain", add_norm, &t, t.gain, t.norm.dgain, H);
    grad_check("add and norm: bias", add_norm, &t, t.bias, t.norm.dbias, H);
}

static double activation(void *context)
{
    bench *t = context;
    twin_activation_fwd(t->act, t->y, t->x, N * H);
    return grad_dot(t->y, t->weights, N * H);
}

static void test_activations(void **state)
{
    (void)state;
    bench t = make(BC_SITE_HEAD);
    for (size_t i = 0; i < N * H; i++) t.x[i] += t.x[i] < 0.0 ? -0.01 : 0.01; /* away from the kink of relu */
    for (int kind = BERTC_GELU; kind <= BERTC_TANH; kind++) {
        double *dx = twin_doubles(N * H);
        char what[48];
        t.act = (bertc_activation)kind;
        twin_activation_bwd(t.act, dx, t.weights, t.x, N * H);
        snprintf(what, sizeof what, "activation %d", kind);
        grad_check(what, activation, &t, t.x, dx, N * H);
    }
}

static double gather(void *context)
{
    bench *t = context;
    twin_gather_first(t->y, t->x, t->batch, H);
    return grad_dot(t->y, t->weights, S * H);
}

static double pooled(void *context)
{
    bench *t = context;
    twin_dropout_pooled(t->y, t->x, t->batch, &t->dropout, H);
    return grad_dot(t->y, t->weights, S * H);
}

static double hyperbolic(void *context)
{
    bench *t = context;
    twin_tanh_fwd(t->y, t->x, S * H);
    return grad_dot(t->y, t->weights, S * H);
}

static void test_head(void **state)
{
    (void)state;
    bench t = make(BC_SITE_HEAD);
    double *dx = twin_doubles(N * H);
    twin_scatter_first(dx, t.weights, t.batch, H);
    grad_check("gather first", gather, &t, t.x, dx, N * H);
    twin_dropout_pooled(dx, t.weights, t.batch, &t.dropout, H);
    grad_check("dropout of the pooled rows", pooled, &t, t.x, dx, S * H);
    hyperbolic(&t);
    twin_tanh_bwd(dx, t.weights, t.y, S * H);
    grad_check("tanh", hyperbolic, &t, t.x, dx, S * H);
}

static double loss(void *context)
{
    bench *t = context;
    return twin_loss(t->y, t->x, t->batch, t->c, 4.0) / 4.0;
}

static void test_loss(void **state)
{
    (void)state;
    bench t = make(BC_SITE_HEAD);
    for (int32_t s = 0; s < S; s++) t.batch->labels[s] = s % 2;
    for (t.c = 1; t.c <= 3; t.c++) {
        double *dx = twin_doubles(S * 3);
        char what[48];
        twin_loss(dx, t.x, t.batch, t.c, 4.0);
        snprintf(what, sizeof what, "loss of %zu classes", t.c);
        grad_check(what, loss, &t, t.x, dx, S * t.c);
    }
}

static const double label_weights[] = {0.25, 1.0, 7.0};

static double multilabel_loss(void *context)
{
    bench *t = context;
    return twin_multilabel_loss(t->y, t->x, t->batch, t->c, label_weights, 4.0) / 4.0;
}

/* The sets of labels are {}, {0}, {1}, {0, 1}, ... of at most `c` labels. */
static void test_multilabel_loss(void **state)
{
    (void)state;
    bench t = make(BC_SITE_HEAD);
    int32_t labels[3 * S], starts[S + 1];
    bertc_batch sets = *t.batch;
    sets.labels = labels;
    sets.label_starts = starts;
    t.batch = &sets;
    for (t.c = 1; t.c <= 3; t.c++) {
        double *dx = twin_doubles(S * 3);
        starts[0] = 0;
        for (int32_t s = 0; s < S; s++) {
            starts[s + 1] = starts[s];
            for (int32_t k = 0; k < (int32_t)t.c; k++)
                if (s >> k & 1) labels[starts[s + 1]++] = k;
        }
        twin_multilabel_loss(dx, t.x, t.batch, t.c, label_weights, 4.0);
        grad_check("multi-label loss", multilabel_loss, &t, t.x, dx, S * t.c);
    }
}

static double linear(void *context)
{
    bench *t = context;
    twin_linear_fwd(t->y, t->x, t->w, t->b, N, H, OUT);
    return grad_dot(t->y, t->weights, N * OUT);
}

static void test_linear(void **state)
{
    (void)state;
    bench t = make(BC_SITE_HEAD);
    double *dx = twin_doubles(N * H), *dw = twin_doubles(OUT * H), *db = twin_doubles(OUT);
    twin_linear_bwd_x(dx, t.weights, t.w, N, H, OUT);
    twin_linear_bwd_w(dw, db, t.weights, t.x, N, H, OUT);
    grad_check("linear: x", linear, &t, t.x, dx, N * H);
    grad_check("linear: W", linear, &t, t.w, dw, OUT * H);
    grad_check("linear: b", linear, &t, t.b, db, OUT);
}

static double attention(void *context)
{
    bench *t = context;
    twin_attention_fwd(t->y, t->x, t->batch, &t->dropout, A, D);
    return grad_dot(t->y, t->weights, N * A * D);
}

static void test_attention(void **state)
{
    (void)state;
    bench t = make(BC_SITE_ATTENTION);
    double *dqkv = twin_doubles(N * 3 * A * D);
    for (int on = 0; on < 2; on++) {
        if (!on) t.dropout.threshold = 0;
        twin_attention_bwd(dqkv, t.weights, t.x, t.batch, &t.dropout, A, D);
        grad_check(on ? "attention with dropout" : "attention", attention, &t, t.x, dqkv, N * 3 * A * D);
        t.dropout = drop(BC_SITE_ATTENTION);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_embed, twin_release),
        cmocka_unit_test_teardown(test_add_norm, twin_release),
        cmocka_unit_test_teardown(test_activations, twin_release),
        cmocka_unit_test_teardown(test_head, twin_release),
        cmocka_unit_test_teardown(test_loss, twin_release),
        cmocka_unit_test_teardown(test_multilabel_loss, twin_release),
        cmocka_unit_test_teardown(test_linear, twin_release),
        cmocka_unit_test_teardown(test_attention, twin_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
