/* Write a model's logits, loss and gradients, for comparison with transformers.
 *
 *   bertc-probe logits|gradients|adapters MODEL INPUTS OUTPUT [BACKEND]
 *
 * MODEL is a model directory with a head, INPUTS a packed batch (tests/twin/packed.h). OUTPUT receives logits (S,C),
 * the mean loss, and with `gradients` grad.NAME for every parameter, all without dropout. If INPUTS has class_weights
 * (C) and smoothing (1), both F64, the loss uses them (a multi-label head takes the weights as pos_weight). With `adapters` every matrix of a layer has an adapter of rank 8
 * and alpha 16 whose A and B are in INPUTS by name, and only adapters and head have gradients. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bertc/model.h"
#include "formats/safetensors.h"
#include "nn/check.h"
#include "nn/pass.h"
#include "twin/packed.h"
#include "twin/support.h"

static void check_status(bertc_status status, const bertc_error *err)
{
    if (status == BERTC_OK) return;
    fprintf(stderr, "bertc-probe: %s\n", err->message);
    exit((int)status);
}

static char *grad_name(const bc_param *param)
{
    char *name = twin_take(BC_PARAM_NAME + 8, 1);
    snprintf(name, BC_PARAM_NAME + 8, "grad.%s", param->name);
    return name;
}

static void write_results(const char *path, const bertc_model *model, const bertc_workspace *w,
                          const bertc_batch *batch, float loss)
{
    bertc_error err = {0};
    size_t gradients = w->limits.training ? model->count : 0, count = 2;
    bc_tensor_out *out = twin_take(gradients + 2, sizeof *out);
    size_t sequences = (size_t)batch->sequences, classes = (size_t)model->heads->config.num_labels;
    out[0] = (bc_tensor_out){"logits", BC_F32, 2, {sequences, classes}, w->logits};
    out[1] = (bc_tensor_out){"loss", BC_F32, 1, {1}, &loss};
    for (size_t p = 0; p < gradients; p++) {
        const bc_param *param = &model->params[p];
        if (!param->grad) continue;
        out[count] = (bc_tensor_out){grad_name(param), BC_F32, param->rank, {0}, param->grad};
        memcpy(out[count++].shape, param->shape, sizeof param->shape);
    }
    check_status(bc_safetensors_write(&bc_working_dir, path, out, count, NULL, &err), &err);
}

static void take_adapters(const bertc_model *model, const bc_weights *file)
{
    bertc_error err = {0};
    for (size_t i = bc_model_table_count(model); i < model->count; i++) {
        const bc_param *p = &model->params[i];
        check_status(bc_tensor_floats(twin_tensor(file, p->name), 0, p->count, p->value, &err), &err);
    }
}

/* Compute the mean loss and its gradient with respect to the logits. */
static double mean_loss(bertc_model *model, bertc_workspace *w, const bertc_batch *batch, bc_pass pass,
                        const bc_weights *file)
{
    if (!bc_weights_find(file, "class_weights"))
        return bc_model_loss(model, w, batch, pass, NULL, batch->sequences) / batch->sequences;
    const double *weights = twin_tensor_copy(file, "class_weights");
    const double *smoothing = twin_tensor_copy(file, "smoothing");
    const bc_objective objective = {weights, *smoothing};
    bool sets = model->heads->config.multi_label;
    double divisor = sets ? batch->sequences : 0;
    for (int32_t s = 0; s < batch->sequences && !sets; s++)
        divisor += weights[batch->labels[batch->label_starts[s]]];
    return bc_model_loss(model, w, batch, pass, &objective, divisor) / divisor;
}

static void probe(bool gradients, bool adapters, const char *folder, const char *inputs, const char *output,
                  const char *backend)
{
    bertc_error err = {0};
    bc_weights file;
    bertc_model *model;
    bertc_workspace *workspace;
    bertc_model_options options = {.backend = backend, .trainable = gradients};
    if (adapters) options.lora = (bertc_lora){.rank = 8, .targets = 63, .alpha = 16};
    static const bc_dropout_rates none = {0};
    const bc_pass pass = {.dropout = &none};
    check_status(bc_safetensors_open(inputs, &file, &err), &err);
    bertc_batch *batch = twin_read_batch(&file);
    check_status(bertc_model_load(folder, &options, &model, &err), &err);
    take_adapters(model, &file);
    bertc_limits limits = {batch->tokens, batch->sequences, batch->longest, gradients, false, 0, 0};
    check_status(bertc_workspace_create(model, &limits, &workspace, &err), &err);
    check_status(bc_model_check_batch(model, workspace, batch, &err), &err);
    bc_model_fwd(model, workspace, batch, pass);
    double loss = mean_loss(model, workspace, batch, pass, &file);
    if (gradients) bc_model_bwd(model, workspace, batch, pass, false);
    check_status(bc_workspace_status(workspace, &err), &err);
    write_results(output, model, workspace, batch, (float)loss);
    bertc_workspace_free(workspace);
    bertc_model_free(model);
    bc_weights_close(&file);
    twin_release(NULL);
}

int main(int argc, char **argv)
{
    bool adapters = argc > 1 && strcmp(argv[1], "adapters") == 0;
    bool gradients = adapters || (argc > 1 && strcmp(argv[1], "gradients") == 0);
    if (argc < 5 || argc > 6 || (!gradients && strcmp(argv[1], "logits") != 0)) {
        fputs("usage: bertc-probe logits|gradients|adapters MODEL INPUTS OUTPUT [BACKEND]\n", stderr);
        return 2;
    }
    probe(gradients, adapters, argv[2], argv[3], argv[4], argc > 5 ? argv[5] : NULL);
    return 0;
}
