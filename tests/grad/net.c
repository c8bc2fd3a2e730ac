/* The network in double precision: the gradient of every parameter against finite differences, with dropout at every
 * site, for every activation and every kind of head. */
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "grad/grad.h"
#include "twin/net.h"
#include "twin/support.h"

static const int32_t lengths[] = {4, 1, 3};
enum { S = 3, N = 8 };
static const bc_dropout_rates rates = {.hidden = 0.1, .attention = 0.2, .head = 0.3};
static const bc_pass pass = {.dropout = &rates, .seed = 77, .step = 5};
static const double divisor = 5.0;

typedef struct whole {
    twin_net *net;
    const bertc_batch *batch;
} whole;

static double mean_loss(void *context)
{
    whole *w = context;
    const void *mark = twin_mark();
    double loss = twin_net_fwd(w->net, w->batch, pass, divisor) / divisor;
    twin_release_to(mark);
    return loss;
}

static double nearest_to_zero(const twin_net *net)
{
    double min = INFINITY;
    for (int l = 0; l < net->config->num_hidden_layers; l++)
        for (size_t i = 0; i < N * net->f; i++) min = fmin(min, fabs(net->layers[l].up[i]));
    return min;
}

static void check_config(const char *what, const bertc_config *config, uint64_t seed)
{
    whole w = {.batch = twin_batch(config, lengths, S, seed)};
    w.net = twin_net_create(config, w.batch);
    twin_net_randomise(w.net, seed);
    mean_loss(&w);
    twin_net_bwd(w.net, w.batch, pass);
    double worst = 0.0;
    /* relu has no derivative at zero, so the step must not move any of its inputs across zero. */
    double step = config->hidden_act == BERTC_RELU ? nearest_to_zero(w.net) / 50.0 : 2e-4;
    for (size_t p = 0; p < w.net->count; p++) {
        const bc_param *param = &w.net->params[p];
        double error =
            grad_error(mean_loss, &w, w.net->values + param->offset, w.net->grads + param->offset, param->count, step);
        if (!(error <= GRAD_BOUND)) fail_msg("%s, %s: relative error %.3e", what, param->name, error);
        worst = fmax(worst, error);
    }
    print_message("%-30s %zu parameters, worst %.1e\n", what, w.net->scalars, worst);
}

static bertc_config small(int32_t labels, bertc_activation act)
{
    bertc_config config = twin_config(2, 6, 2, 7, labels, act);
    config.vocab_size = 9;
    config.max_position_embeddings = 5;
    config.layer_norm_eps = 1e-5;
    return config;
}

static void test_activations(void **state)
{
    (void)state;
    for (int act = BERTC_GELU; act <= BERTC_TANH; act++) {
        bertc_config config = small(3, (bertc_activation)act);
        char what[48];
        snprintf(what, sizeof what, "3 classes, activation %d", act);
        check_config(what, &config, 30 + (uint64_t)act);
    }
}

static void test_regression(void **state)
{
    (void)state;
    bertc_config config = small(1, BERTC_GELU);
    check_config("regression", &config, 8);
}

static void test_multilabel(void **state)
{
    (void)state;
    for (int32_t labels = 1; labels <= 4; labels += 3) {
        bertc_config config = small(labels, BERTC_GELU);
        config.multi_label = true;
        check_config("multi-label", &config, 9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_activations, twin_release),
        cmocka_unit_test_teardown(test_regression, twin_release),
        cmocka_unit_test_teardown(test_multilabel, twin_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
