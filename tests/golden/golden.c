/* Compare every activation, every gradient and ten training losses of a small random BERT with the results of
 * transformers, which dump.py writes.
 *
 *   golden CASE...   folders that dump.py wrote. Exits with 1 if any result differs by more than its bound */
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

/* Bounds of the differences. The files contain float64 results rounded to f32, so the differences are the f32 errors of
 * bertc. */
static const double activation_bound = 5e-6; /* divided by the largest value */
static const double gradient_bound = 2e-5;   /* of norms */
static const double loss_bound = 1e-4; /* relative, over ten steps; the last losses are small */

enum { STEPS = 10 };
static const double base_rate = 2e-3, clip = 1.0;

typedef struct worst {
    double activation, gradient, loss;
} worst;

static int failures;

static void check_status(bertc_status status, const bertc_error *err)
{
    if (status == BERTC_OK) return;
    fprintf(stderr, "golden: %s\n", err->message);
    exit(1);
}

static void judge(const char *where, const char *what, double difference, double bound, double *max)
{
    if (!(difference <= *max)) *max = difference;
    if (difference <= bound) return;
    fprintf(stderr, "%s: %s differs by %.3e, accepted %.1e\n", where, what, difference, bound);
    failures++;
}

/* ---- one case ------------------------------------------------------------------------------ */

typedef struct golden {
    const char *folder;
    bc_weights file;
    bertc_batch *batch;
    bertc_inputs inputs; /* the batch as a data set */
    bc_epoch epoch;
    bc_trainer *trainer; /* the trainer that runs use */
    worst worst;
} golden;

/* Load the weights of the case. whole: compute all rows of the last layer */
static void open_golden(golden *g, const char *folder, bertc_recipe recipe, bool whole)
{
    bertc_error err = {0};
    char path[1024];
    bertc_model *model;
    const bertc_model_options options = {.trainable = true};
    worst so_far = g->worst;
    snprintf(path, sizeof path, "%s/golden.safetensors", folder);
    *g = (golden){.folder = folder, .worst = so_far};
    check_status(bc_safetensors_open(path, &g->file, &err), &err);
    const bertc_batch *b = g->batch = twin_read_batch(&g->file);
    g->inputs = twin_inputs(b);
    const bertc_limits limits = {b->tokens, b->sequences, b->longest, true, whole, 0, 0};
    const bc_trainer_options how = {.recipe = recipe, .weight_decay = recipe == BERTC_RECIPE_GOOGLE ? 0.01 : 0.0,
                                    .max_grad_norm = clip, .seed = 1,
                                    .pack = {g->inputs.count, (size_t)b->tokens}};
    check_status(bertc_model_load(folder, &options, &model, &err), &err);
    check_status(bc_trainer_create(model, &g->trainer, &err), &err);
    check_status(bc_trainer_open(g->trainer, &limits, &how, &err), &err);
    check_status(bc_model_check_batch(model, bc_trainer_workspace(g->trainer), b, &err), &err);
    check_status(bc_epoch_create(&g->epoch, &g->inputs, g->inputs.count, 1, NULL, &err), &err);
}

static void close_golden(golden *g)
{
    bc_trainer_free(g->trainer);
    bc_epoch_clear(&g->epoch);
    bc_weights_close(&g->file);
    twin_release(NULL);
}

/* Run a step and return its loss. With a learning rate of 0 the weights do not change. */
static double step_once(golden *g, int64_t number, double rate)
{
    bertc_error err = {0};
    bc_step_result outcome;
    const bc_step step = {.number = number, .examples = bc_epoch_batch(&g->epoch, number),
                          .divisor = (double)g->inputs.count, .lr = rate};
    check_status(bc_trainer_step(g->trainer, &step, &outcome, &err), &err);
    return outcome.loss;
}

static void compare_loss(golden *g, const char *name, int64_t step, double loss)
{
    const float *losses = twin_tensor_copy(&g->file, name);
    const double wanted = (double)losses[step];
    judge(g->folder, name, fabs(loss - wanted) / wanted, loss_bound, &g->worst.loss);
}

static void compare_activation(golden *g, const char *name, const float *found)
{
    const bc_tensor *tensor = twin_tensor(&g->file, name);
    const float *wanted = twin_tensor_copy(&g->file, name);
    double max = 0.0, scale = 0.0;
    for (size_t i = 0; i < tensor->count; i++) {
        double difference = fabs((double)found[i] - (double)wanted[i]);
        if (!(difference <= max)) max = difference;
        scale = fmax(scale, fabs((double)wanted[i]));
    }
    judge(g->folder, name, max / scale, activation_bound, &g->worst.activation);
}

static double norm_of(const float *x, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

/* The gradient of a key's bias is zero in exact arithmetic, so its error is divided by the norm of the gradient of the
 * query's bias, the parameter before it. */
static void compare_gradient(golden *g, const bc_param *param)
{
    const bc_param *like = param->row == &bc_param_table[BC_KEY_B] ? param - 1 : param;
    char name[BC_PARAM_NAME + 8], scale[BC_PARAM_NAME + 8];
    snprintf(name, sizeof name, "grad.%s", param->name);
    snprintf(scale, sizeof scale, "grad.%s", like->name);
    float *wanted = twin_tensor_copy(&g->file, name), *typical = twin_tensor_copy(&g->file, scale);
    double norm = norm_of(typical, like->count);
    for (size_t i = 0; i < param->count; i++) wanted[i] -= param->grad[i];
    judge(g->folder, name, norm_of(wanted, param->count) / norm, gradient_bound, &g->worst.gradient);
}

static void compare_pass(golden *g)
{
    bertc_workspace *w = bc_trainer_workspace(g->trainer);
    compare_loss(g, "loss", 0, step_once(g, 0, 0));
    const bertc_model *model = bc_trainer_model(g->trainer);
    size_t hidden = (size_t)model->config.hidden_size;
    float *out = malloc((size_t)g->batch->tokens * hidden * sizeof *out);
    if (!out) exit(1);
    compare_activation(g, "embeddings", w->embed_out.f32);
    for (int layer = 0; layer < model->config.num_hidden_layers && w->limits.all_rows; layer++) {
        char name[32];
        snprintf(name, sizeof name, "layer.%d", layer);
        bc_model_output(model, w, g->batch, layer, out);
        compare_activation(g, name, out);
    }
    free(out);
    compare_activation(g, "pooled", w->pooled);
    compare_activation(g, "logits", w->logits);
    for (size_t p = 0; p < model->count; p++) compare_gradient(g, &model->params[p]);
}

/* Compare the losses of the first steps, with the schedule, clipping and optimizer of a recipe. */
static void compare_losses(golden *g, bertc_recipe recipe, const char *name)
{
    const bc_schedule schedule = {
        .recipe = recipe, .lr = base_rate, .steps = STEPS,
        .warmup = bc_schedule_warmup(recipe, recipe == BERTC_RECIPE_GOOGLE ? 0.1 : 0.0, STEPS)};
    for (int64_t step = 0; step < STEPS; step++)
        compare_loss(g, name, step, step_once(g, step, bc_schedule_rate(&schedule, step)));
}

static void compare_case(const char *folder)
{
    static const struct {
        bertc_recipe recipe;
        const char *name;
    } recipes[] = {{BERTC_RECIPE_HF, "losses.hf"}, {BERTC_RECIPE_GOOGLE, "losses.google"}};
    golden g = {.folder = folder};
    for (int whole = 0; whole < 2; whole++) {
        open_golden(&g, folder, BERTC_RECIPE_HF, whole);
        compare_pass(&g);
        close_golden(&g);
    }
    for (size_t r = 0; r < 2; r++) {
        open_golden(&g, folder, recipes[r].recipe, false);
        compare_losses(&g, recipes[r].recipe, recipes[r].name);
        close_golden(&g);
    }
    printf("%s: activations %.1e, gradients %.1e, losses %.1e\n", folder, g.worst.activation, g.worst.gradient,
           g.worst.loss);
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
