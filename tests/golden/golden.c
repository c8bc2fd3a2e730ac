/* Compare every activation, every gradient and ten training losses of a small random BERT with
 * what transformers computed (dump.py).
 *
 *   golden CASE...   the folders that dump.py wrote; exits 1 where anything differs too much */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bertc/model.h"
#include "data/epoch.h"
#include "formats/safetensors.h"
#include "nn/check.h"
#include "nn/pass.h"
#include "optim/schedule.h"
#include "train/trainer.h"
#include "twin/packed.h"
#include "twin/support.h"

/* Largest differences accepted. The file holds float64 results rounded once, so these are the
 * errors of f32 arithmetic on this side alone. */
static const double activation_bound = 5e-6; /* over the largest value */
static const double gradient_bound = 2e-5;   /* in norm */
static const double loss_bound = 1e-4; /* relative, over ten steps; the last losses are small */

enum { STEPS = 10 };
static const double base_rate = 2e-3, clip = 1.0;

typedef struct worst {
    double activation, gradient, loss;
} worst;

static const bc_rates no_dropout = {0};
static int failures;

static void check_status(bertc_status status, const bertc_error *err)
{
    if (status == BERTC_OK) return;
    fprintf(stderr, "golden: %s\n", err->message);
    exit(1);
}

static void judge(const char *where, const char *what, double difference, double bound,
                  double *most)
{
    if (!(difference <= *most)) *most = difference;
    if (difference <= bound) return;
    fprintf(stderr, "%s: %s differs by %.3e, accepted %.1e\n", where, what, difference, bound);
    failures++;
}

/* ---- one case ------------------------------------------------------------------------------- */

typedef struct golden {
    const char *folder;
    bc_weights file;
    bertc_batch *batch;
    bertc_model *model;
    bertc_workspace *workspace;
    worst worst;
} golden;

/* whole: all activations of the last layer are wanted */
static void open_golden(golden *g, const char *folder, bool whole)
{
    bertc_error err = {0};
    char path[1024];
    const bertc_model_options options = {.trainable = true};
    snprintf(path, sizeof path, "%s/golden.safetensors", folder);
    memset(g, 0, sizeof *g);
    g->folder = folder;
    check_status(bc_safetensors_open(path, &g->file, &err), &err);
    g->batch = twin_read_batch(&g->file);
    check_status(bertc_model_load(folder, &options, &g->model, &err), &err);
    bertc_limits limits = {g->batch->tokens, g->batch->sequences, g->batch->longest, true, whole, 0, 0};
    check_status(bertc_workspace_create(g->model, &limits, &g->workspace, &err), &err);
    check_status(bc_model_check_batch(g->model, g->workspace, g->batch, &err), &err);
}

static void close_golden(golden *g)
{
    bertc_workspace_free(g->workspace);
    bertc_model_free(g->model);
    bc_weights_close(&g->file);
    twin_release(NULL);
}

static double step_once(golden *g, const bc_pass *pass)
{
    double sequences = g->batch->sequences;
    bertc_error err = {0};
    bc_model_fwd(g->model, g->workspace, g->batch, *pass);
    double loss = bc_model_loss(g->model, g->workspace, g->batch, *pass, NULL, sequences) / sequences;
    bc_model_bwd(g->model, g->workspace, g->batch, *pass, false);
    check_status(bc_workspace_status(g->workspace, &err), &err);
    return loss;
}

static void compare_activation(golden *g, const char *name, const float *found)
{
    const bc_tensor *tensor = twin_tensor(&g->file, name);
    const float *wanted = twin_tensor_copy(&g->file, name);
    double most = 0.0, scale = 0.0;
    for (size_t i = 0; i < tensor->count; i++) {
        double difference = fabs((double)found[i] - (double)wanted[i]);
        if (!(difference <= most)) most = difference;
        scale = fmax(scale, fabs((double)wanted[i]));
    }
    judge(g->folder, name, most / scale, activation_bound, &g->worst.activation);
}

static double norm_of(const float *x, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

/* The gradient of a key's bias is zero in exact arithmetic; its error is taken over the norm of the
 * query's, the parameter before it. */
static void compare_gradient(golden *g, const bc_param *param)
{
    const bc_param *like = param->row == &bc_param_table[BC_KEY_B] ? param - 1 : param;
    char name[BC_PARAM_NAME + 8], scale[BC_PARAM_NAME + 8];
    snprintf(name, sizeof name, "grad.%s", param->name);
    snprintf(scale, sizeof scale, "grad.%s", like->name);
    float *wanted = twin_tensor_copy(&g->file, name), *typical = twin_tensor_copy(&g->file, scale);
    double norm = norm_of(typical, like->count);
    for (size_t i = 0; i < param->count; i++) wanted[i] -= param->grad[i];
    judge(g->folder, name, norm_of(wanted, param->count) / norm, gradient_bound,
          &g->worst.gradient);
}

static void compare_pass(golden *g)
{
    const bc_pass pass = {.dropout = &no_dropout};
    bertc_workspace *w = g->workspace;
    const float *wanted = twin_tensor_copy(&g->file, "loss");
    double loss = step_once(g, &pass);
    size_t hidden = (size_t)g->model->config.hidden_size;
    float *out = malloc((size_t)g->batch->tokens * hidden * sizeof *out);
    if (!out) exit(1);
    judge(g->folder, "loss", fabs(loss - (double)wanted[0]) / (double)wanted[0], loss_bound,
          &g->worst.loss);
    compare_activation(g, "embeddings", w->embed_out.full);
    for (int layer = 0; layer < g->model->config.num_hidden_layers; layer++) {
        char name[32];
        snprintf(name, sizeof name, "layer.%d", layer);
        bc_model_output(g->model, w, g->batch, layer, out);
        compare_activation(g, name, out);
    }
    free(out);
    compare_activation(g, "pooled", w->pooled);
    compare_activation(g, "logits", w->logits);
}

static void compare_gradients(golden *g)
{
    const bc_pass pass = {.dropout = &no_dropout};
    step_once(g, &pass);
    for (size_t p = 0; p < g->model->count; p++) compare_gradient(g, &g->model->params[p]);
}

/* Losses of the first steps of the trainer that runs use, with the schedule, clipping and optimiser of a recipe.
 * It takes the model over. */
static void compare_losses(golden *g, bertc_recipe recipe, const char *name)
{
    bertc_error err = {0};
    bc_trainer *trainer;
    const bertc_batch *b = g->batch;
    bool google = recipe == BERTC_RECIPE_GOOGLE;
    int64_t warmup = bc_schedule_warmup(recipe, google ? 0.1 : 0.0, STEPS);
    const float *wanted = twin_tensor_copy(&g->file, name);
    const bertc_inputs inputs = twin_inputs(b);
    const bertc_limits limits = {b->tokens, b->sequences, b->longest, true, false, 0, 0};
    const bc_trainer_options options = {.recipe = recipe, .weight_decay = google ? 0.01 : 0.0,
                                        .max_grad_norm = clip, .seed = 1,
                                        .pack = {inputs.count, (size_t)b->tokens}};
    bc_epoch epoch;
    check_status(bc_epoch_create(&epoch, &inputs, inputs.count, 1, NULL, &err), &err);
    check_status(bc_trainer_create(g->model, &trainer, &err), &err);
    g->model = NULL;
    check_status(bc_trainer_open(trainer, &limits, &options, &err), &err);
    for (int64_t step = 0; step < STEPS; step++) {
        const bc_step next = {.number = step, .examples = bc_epoch_batch(&epoch, step),
                              .divisor = (double)inputs.count,
                              .rate = bc_schedule_rate(recipe, base_rate, step, warmup, STEPS)};
        bc_outcome outcome;
        check_status(bc_trainer_step(trainer, &next, &outcome, &err), &err);
        judge(g->folder, name, fabs(outcome.loss - (double)wanted[step]) / (double)wanted[step], loss_bound,
              &g->worst.loss);
    }
    bc_trainer_free(trainer);
    bc_epoch_clear(&epoch);
}

static void compare_case(const char *folder)
{
    static const struct {
        bertc_recipe recipe;
        const char *name;
    } recipes[] = {{BERTC_RECIPE_HF, "losses.hf"}, {BERTC_RECIPE_GOOGLE, "losses.google"}};
    golden g;
    worst most = {0};
    for (size_t r = 0; r < 2; r++) { /* each from the weights of the file */
        open_golden(&g, folder, r == 0);
        g.worst = most;
        if (r == 0) compare_pass(&g);
        compare_gradients(&g);
        compare_losses(&g, recipes[r].recipe, recipes[r].name);
        most = g.worst;
        close_golden(&g);
    }
    printf("%s: activations %.1e, gradients %.1e, losses %.1e\n", folder, most.activation,
           most.gradient, most.loss);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs("usage: golden CASE...\n", stderr);
        return 2;
    }
    for (int i = 1; i < argc; i++) compare_case(argv[i]);
    return failures ? 1 : 0;
}
