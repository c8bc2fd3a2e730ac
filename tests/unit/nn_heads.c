/* Heads: several heads of one model, and a kind of head that this test defines. */
#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "nn/check.h"
#include "nn/model_heads.h"
#include "nn/heads/linear.h"
#include "nn/model_load.h"
#include "nn/ops/ops.h"
#include "nn/pass.h"
#include "twin/support.h"

enum { S = 5, N = 40, H = 32, LAYERS = 2, MAX_LABELS = 5, HEADS = 3, USERS = 2, ROUNDS = 12 };
static const int32_t lengths[S] = {9, 1, 16, 12, 2};
static const bc_dropout_rates rates = {.hidden = 0.1, .attention = 0.2, .head = 0.3};
static const char *const labels[MAX_LABELS] = {"a", "b", "c", "d", "e"};

/* The label of a token is a function of its id. */
static double token_loss(float *dlogits, const float *logits, const bertc_batch *batch, size_t c,
                         const bc_objective *objective, double divisor)
{
    double total = 0;
    (void)objective;
    for (size_t i = 0; i < (size_t)batch->tokens; i++) {
        const float *z = logits + i * c;
        size_t label = (size_t)batch->ids[i] % c;
        double sum = 0;
        for (size_t j = 0; j < c; j++) sum += exp((double)z[j]);
        total += log(sum) - z[label];
        for (size_t j = 0; dlogits && j < c; j++)
            dlogits[i * c + j] = (float)((exp((double)z[j]) / sum - (j == label)) / divisor);
    }
    return total;
}

static const bc_head_row tokens_row = {
    .first = BC_CLASS_W, .end = BC_CLASS_B + 1, .input = BC_INPUT_ALL_ROWS, .output = BC_OUTPUT_CLASS,
    .fwd = bc_linear_head_fwd, .loss = token_loss, .bwd = bc_linear_head_bwd,
};

/* Logits are products with the first rows of the word embedding table. So the table has a gradient from the head and
 * one from the embeddings. */
static void word_fwd(const bc_head_pass *p)
{
    size_t n = (size_t)p->rows->tokens;
    bc_dropout_tokens(p->x_dropped, p->x, p->rows, &p->dropout, p->h);
    bc_linear_fwd(p->gemm, p->logits, p->x_dropped, p->words->value, p->params->value, (bc_linear){n, p->h, p->c});
}

static void word_bwd(float *dx, const bc_head_pass *p, bool accumulate)
{
    bc_linear d = {(size_t)p->rows->tokens, p->h, p->c};
    if (!accumulate) memset(p->words->grad, 0, p->words->count * sizeof(float));
    bc_column_sums(p->params->grad, (bc_matrix){.f32 = p->dlogits}, d.n, d.out, accumulate);
    bc_linear_bwd_w(p->gemm, p->words->grad, p->dlogits, p->x_dropped, d, true);
    bc_linear_bwd_x(p->gemm, dx, p->dlogits, p->words->value, d, false);
    bc_dropout_tokens(dx, dx, p->rows, &p->dropout, p->h);
}

static const bc_head_row words_row = {
    .first = BC_CLASS_B, .end = BC_CLASS_B + 1, .input = BC_INPUT_ALL_ROWS, .dense_words = true,
    .output = BC_OUTPUT_CLASS, .fwd = word_fwd, .loss = token_loss, .bwd = word_bwd,
};

static const bc_head classes = {&bc_head_classification, "classes", labels, 3};
static const bc_head value = {&bc_head_regression, "value", labels, 1};
static const bc_head more_classes = {&bc_head_classification, "more", labels, MAX_LABELS};
static const bc_head tokens = {&tokens_row, "tokens", labels, 4};
static const bc_head words = {&words_row, "words", labels, MAX_LABELS};

/* ---- models, released by close_all --------------------------------------------------------- */

enum { MAX = 8 };
static bertc_model *models[MAX];
static bertc_workspace *workspaces[MAX];
static int opened, planned;

static int close_all(void **state)
{
    while (planned > 0) bertc_workspace_free(workspaces[--planned]);
    while (opened > 0) bertc_model_free(models[--opened]);
    omp_set_num_threads(omp_get_num_procs());
    return twin_release(state);
}

static bertc_model *open_model(bertc_model_options options, const bc_head *heads, int count)
{
    bertc_error err = {0};
    bertc_model *model;
    options.trainable = true;
    options.threads = 1;
    options.seed = 11;
    if (bc_model_open_heads("golden/classification", &options, heads, count, &model, &err) != BERTC_OK)
        fail_msg("%s", err.message);
    models[opened++] = model;
    if (bc_model_read(model, &options, &err) != BERTC_OK) fail_msg("%s", err.message);
    return model;
}

static bertc_workspace *plan(const bertc_model *model, bool training, bool whole)
{
    bertc_error err = {0};
    const bertc_limits limits = {.tokens = N, .sequences = S, .longest = 16, .training = training, .all_rows = whole};
    if (bertc_workspace_create(model, &limits, &workspaces[planned], &err) != BERTC_OK) fail_msg("%s", err.message);
    return workspaces[planned++];
}

static bertc_batch *make_batch(uint64_t seed)
{
    const bertc_config config = twin_config(LAYERS, H, 4, 37, 3, BERTC_GELU);
    return twin_batch(&config, lengths, S, seed);
}

static size_t logits_of(const bertc_model *model, int head, const bertc_batch *batch)
{
    int32_t rows = model->heads[head].row->input == BC_INPUT_ALL_ROWS ? batch->tokens : batch->sequences;
    return (size_t)rows * (size_t)model->heads[head].config.num_labels;
}

/* ---- several heads ------------------------------------------------------------------------- */

/* A thread that runs passes, with another head and with or without dropout in each round, and its results. */
typedef struct user {
    const bertc_model *model;
    bertc_workspace *workspace;
    pthread_barrier_t *start;
    bertc_batch *batches[ROUNDS];
    float logits[ROUNDS][N * MAX_LABELS];
    double loss[ROUNDS];
} user;

static void one_round(user *u, int r)
{
    bc_pass pass = {.head = r % HEADS, .dropout = r % 2 ? &rates : NULL, .inference = r % 4 == 0, .seed = 5,
                    .step = (uint32_t)r};
    bc_model_fwd(u->model, u->workspace, u->batches[r], pass);
    memcpy(u->logits[r], u->workspace->logits, logits_of(u->model, pass.head, u->batches[r]) * sizeof **u->logits);
    u->loss[r] = bc_model_loss(u->model, u->workspace, u->batches[r], pass, NULL, 3.0);
}

static void *use(void *argument)
{
    user *u = argument;
    pthread_barrier_wait(u->start);
    for (int r = 0; r < ROUNDS; r++) one_round(u, r);
    return NULL;
}

/* A head of a model with several heads gives the same bits as in a model with this head alone, in any thread. */
static void check_rounds(const user *u, const bc_head heads[HEADS])
{
    static const bertc_model_options plain = {.backend = "reference"};
    for (int h = 0; h < HEADS; h++) {
        bertc_model *alone = open_model(plain, &heads[h], 1);
        bertc_workspace *w = plan(alone, true, false);
        size_t from = u->model->heads[h].first;
        memcpy(alone->values, u->model->values, alone->params[alone->heads->first].offset * sizeof(float));
        for (size_t p = 0; p < bc_head_params(heads[h].row); p++)
            memcpy(alone->params[alone->heads->first + p].value, u->model->params[from + p].value,
                   u->model->params[from + p].count * sizeof(float));
        for (int r = h; r < ROUNDS; r += HEADS) {
            bc_pass pass = {.dropout = r % 2 ? &rates : NULL, .inference = r % 4 == 0, .seed = 5, .step = (uint32_t)r};
            bc_model_fwd(alone, w, u->batches[r], pass);
            if (memcmp(w->logits, u->logits[r], logits_of(alone, 0, u->batches[r]) * sizeof(float)) != 0)
                fail_msg("head %s, round %d: other logits than alone", heads[h].name, r);
            assert_true(bc_model_loss(alone, w, u->batches[r], pass, NULL, 3.0) == u->loss[r]);
        }
    }
}

static void check_threads(const bc_head heads[HEADS])
{
    const bertc_model *model = open_model((bertc_model_options){.backend = "reference"}, heads, HEADS);
    pthread_t threads[USERS];
    pthread_barrier_t start;
    user *users[USERS];
    pthread_barrier_init(&start, NULL, USERS);
    for (uint64_t i = 0; i < USERS; i++) {
        users[i] = twin_take(1, sizeof **users);
        users[i]->model = model;
        users[i]->workspace = plan(model, true, false);
        users[i]->start = &start;
        for (uint64_t r = 0; r < ROUNDS; r++) users[i]->batches[r] = make_batch(i * ROUNDS + r);
    }
    for (int i = 0; i < USERS; i++) assert_int_equal(pthread_create(&threads[i], NULL, use, users[i]), 0);
    for (int i = 0; i < USERS; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
    check_rounds(users[0], heads);
    check_rounds(users[1], heads);
}

static void test_in_turn(void **state)
{
    (void)state;
    check_threads((const bc_head[HEADS]){classes, value, more_classes});
}

/* If one head reads all rows, the other heads still read first rows. */
static void test_kinds_in_turn(void **state)
{
    (void)state;
    check_threads((const bc_head[HEADS]){classes, tokens, value});
}

/* A backward pass does not change the gradients of other heads. */
static void test_gradients(void **state)
{
    (void)state;
    const bc_head heads[HEADS] = {classes, tokens, value};
    bertc_model *model = open_model((bertc_model_options){0}, heads, HEADS);
    bertc_workspace *w = plan(model, true, false);
    const bertc_batch *batch = make_batch(4);
    for (int h = 0; h < HEADS; h++) {
        const bc_pass pass = {.head = h, .dropout = &rates};
        twin_fill_nan(model->grads, bc_model_grad_scalars(model));
        bc_model_fwd(model, w, batch, pass);
        bc_model_loss(model, w, batch, pass, NULL, 1.0);
        bc_model_bwd(model, w, batch, pass, false);
        for (size_t i = 0; i < model->count; i++) {
            const bc_param *p = &model->params[i];
            bool pooler = p->row->scope == BC_SCOPE_POOLER;
            bool reached = p->head >= 0 ? p->head == h : !pooler || heads[h].row->input == BC_INPUT_POOLED;
            for (size_t k = 0; k < p->count; k++) assert_true(!isnan(p->grad[k]) == reached);
        }
    }
}

/* ---- a head of another kind ---------------------------------------------------------------- */

static void test_without_a_pooler(void **state)
{
    (void)state;
    bertc_model *model = open_model((bertc_model_options){0}, &tokens, 1);
    size_t count = bc_param_count(&model->config, false);
    assert_int_equal(bc_model_table_count(model), count + 2);
    assert_string_equal(model->params[count].name, "classifier.weight");
    assert_int_equal(model->params[count].shape[0], 4);
    for (size_t i = 0; i < count; i++) assert_true(model->params[i].row->scope < BC_SCOPE_POOLER);
    assert_false(model->dense_words);
    assert_true(open_model((bertc_model_options){0}, (const bc_head[]){tokens, words}, 2)->dense_words);
}

static void test_logits_of_all_rows(void **state)
{
    (void)state;
    static const int32_t last[] = {LAYERS};
    bertc_model *model = open_model((bertc_model_options){0}, &tokens, 1);
    bertc_workspace *w = plan(model, false, true);
    const bertc_batch *batch = make_batch(6);
    const float *weight = model->params[model->heads->first].value,
                *bias = model->params[model->heads->first + 1].value;
    float *hidden = twin_floats(N * H), *logits = twin_floats(N * 4);
    double *wanted = twin_doubles(N * 4);
    bertc_error err = {0};
    assert_int_equal(bertc_model_hidden(model, w, batch, last, 1, hidden, &err), BERTC_OK);
    for (size_t i = 0; i < N * 4; i++) {
        wanted[i] = bias[i % 4];
        for (size_t j = 0; j < H; j++) wanted[i] += (double)hidden[i / 4 * H + j] * weight[i % 4 * H + j];
    }
    bc_model_fwd(model, w, batch, (bc_pass){.inference = true});
    memcpy(logits, w->logits, N * 4 * sizeof *logits);
    assert_true(twin_distance(logits, wanted, N * 4) < 1e-6);
    bc_model_fwd(model, plan(model, false, false), batch, (bc_pass){.inference = true});
    assert_memory_equal(workspaces[planned - 1]->logits, logits, N * 4 * sizeof *logits);
}

/* The loss after the encoder's values are moved along a direction. */
static double step_along(bertc_model *model, bertc_workspace *w, const bertc_batch *batch, bc_pass pass,
                         const double *direction, double length)
{
    float *kept = twin_copy(model->values, model->scalars);
    size_t encoder = model->params[model->heads->first].offset;
    for (size_t i = 0; i < encoder; i++) model->values[i] += (float)(length * direction[i]);
    bc_model_fwd(model, w, batch, pass);
    double loss = bc_model_loss(model, w, batch, pass, NULL, N);
    memcpy(model->values, kept, model->scalars * sizeof *kept);
    return loss / N;
}

/* Compute the gradient of the mean loss. */
static void pass_once(bertc_model *model, bertc_workspace *w, const bertc_batch *batch, bc_pass pass, bool accumulate)
{
    bc_model_fwd(model, w, batch, pass);
    bc_model_loss(model, w, batch, pass, NULL, N);
    bc_model_bwd(model, w, batch, pass, accumulate);
}

/* With dropout the slope of the loss along the encoder's gradient is the gradient's norm. The gradients of single
 * sequences, added up, are the gradient of the batch. */
static void check_gradient(const bc_head *head)
{
    const double length = 1e-3;
    const bc_pass pass = {.dropout = &rates, .seed = 3, .step = 7};
    bertc_model *model = open_model((bertc_model_options){.backend = "reference"}, head, 1);
    bertc_workspace *w = plan(model, true, false);
    const bertc_batch *batch = make_batch(8);
    size_t count = model->scalars, encoder = model->params[model->heads->first].offset;
    twin_fill_nan(model->grads, count);
    pass_once(model, w, batch, pass, false);
    double norm = 0, *whole = twin_widen(model->grads, count), *direction = twin_widen(model->grads, count);
    for (size_t i = 0; i < encoder; i++) norm += whole[i] * whole[i];
    norm = sqrt(norm);
    for (size_t i = 0; i < encoder; i++) direction[i] /= norm;
    double up = step_along(model, w, batch, pass, direction, length);
    double down = step_along(model, w, batch, pass, direction, -length);
    double slope = (up - down) / (2 * length);
    if (!(fabs(slope / norm - 1) < 1e-3)) fail_msg("slope %g, gradient %g", slope, norm);
    for (int part = 0; part < S; part++) pass_once(model, w, twin_batch_part(batch, part, 1), pass, part > 0);
    assert_true(twin_distance(model->grads, whole, count) < 1e-5);
}

static void test_gradient_of_all_rows(void **state)
{
    (void)state;
    check_gradient(&tokens);
}

static void test_gradient_of_the_word_table(void **state)
{
    (void)state;
    check_gradient(&words);
}

/* A forward pass in two parts, split at a head that reads all rows. */
static void test_entry(void **state)
{
    (void)state;
    const bc_pass pass = {.dropout = &rates, .seed = 3, .step = 7};
    bertc_model *model = open_model((bertc_model_options){.frozen = LAYERS + 1, .batch_invariant = true}, &tokens, 1);
    bertc_workspace *w = plan(model, true, false);
    const bertc_batch *batch = make_batch(9);
    float *logits = twin_floats(N * 4), *grads = twin_floats(bc_model_grad_scalars(model));
    bc_model_fwd(model, w, batch, pass);
    double loss = bc_model_loss(model, w, batch, pass, NULL, N);
    bc_model_bwd(model, w, batch, pass, false);
    memcpy(logits, w->logits, N * 4 * sizeof *logits);
    memcpy(grads, model->grads, bc_model_grad_scalars(model) * sizeof *grads);
    for (int stage = LAYERS + 1; stage <= LAYERS + 2; stage++) {
        assert_true(bc_model_stage_reads_all_rows(model, 0, stage));
        float *rows = twin_copy(bc_model_fwd_to(model, w, batch, 0, stage), N * H);
        twin_fill_nan(w->block, w->bytes / sizeof(float));
        memcpy(bc_model_stage_input(model, w, 0, stage), rows, N * H * sizeof *rows);
        bc_model_fwd_from(model, w, batch, pass, stage);
        assert_memory_equal(w->logits, logits, N * 4 * sizeof *logits);
        assert_true(bc_model_loss(model, w, batch, pass, NULL, N) == loss);
        bc_model_bwd(model, w, batch, pass, false);
        assert_memory_equal(model->grads, grads, bc_model_grad_scalars(model) * sizeof *grads);
    }
}

/* ---- dropout ------------------------------------------------------------------------------- */

static void test_rates(void **state)
{
    (void)state;
    bertc_config config = {.hidden_dropout_prob = 0.1, .attention_probs_dropout_prob = 0.2, .classifier_dropout = 0.3};
    bc_dropout_rates own = bc_dropout_rates_of(&config, -1), none = bc_dropout_rates_of(&config, 0),
                     other = bc_dropout_rates_of(&config, 0.4);
    assert_true(own.hidden == 0.1 && own.attention == 0.2 && own.head == 0.3);
    assert_true(none.hidden == 0 && none.attention == 0 && none.head == 0);
    assert_true(other.hidden == 0.4 && other.attention == 0.4 && other.head == 0.4);
    config.classifier_dropout = -1;
    assert_true(bc_dropout_rates_of(&config, -1).head == 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_in_turn, close_all),
        cmocka_unit_test_teardown(test_kinds_in_turn, close_all),
        cmocka_unit_test_teardown(test_gradients, close_all),
        cmocka_unit_test_teardown(test_without_a_pooler, close_all),
        cmocka_unit_test_teardown(test_logits_of_all_rows, close_all),
        cmocka_unit_test_teardown(test_gradient_of_all_rows, close_all),
        cmocka_unit_test_teardown(test_gradient_of_the_word_table, close_all),
        cmocka_unit_test_teardown(test_entry, close_all),
        cmocka_unit_test(test_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
