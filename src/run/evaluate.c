#include "run/evaluate.h"

#include <math.h>

#include "base/error.h"
#include "base/memory.h"

bertc_status bc_check_inputs(const bertc_inputs *inputs, const bertc_config *config,
                             const char *path, bertc_error *err)
{
    int32_t id = 0;
    uint8_t type = 0;
    size_t tokens = inputs->starts[inputs->count];
    for (size_t i = 0; i < tokens; i++) {
        if (inputs->ids[i] > id) id = inputs->ids[i];
        if (inputs->types[i] > type) type = inputs->types[i];
    }
    if (id >= config->vocab_size)
        return bc_fail(err, BERTC_INPUT, "%s: token id %d, the model's vocab_size is %d", path,
                       (int)id, (int)config->vocab_size);
    if (type >= config->type_vocab_size)
        return bc_fail(err, BERTC_INPUT, "%s: sentence pairs, the model's type_vocab_size is %d",
                       path, (int)config->type_vocab_size);
    return BERTC_OK;
}

static void plan_passes(bc_eval *eval)
{
    size_t n, tokens;
    for (size_t at = 0; at < eval->inputs->count; at += n) {
        n = bc_pack_next(eval->inputs, eval->order + at, eval->inputs->count - at, eval->pack,
                         &tokens);
        eval->passes++;
        if (tokens > eval->most_tokens) eval->most_tokens = tokens;
    }
}

bertc_status bc_eval_open(bc_eval *eval, bertc_dataset *dataset, const bc_source *source,
                          const int32_t map[BERTC_MAX_LABELS], bc_pack pack, bertc_error *err)
{
    size_t classes = (size_t)dataset->task->num_labels;
    *eval = (bc_eval){.dataset = dataset, .pack = pack};
    for (size_t i = 0; i < classes; i++) eval->map[i] = map[i];
    bertc_status status = bertc_inputs_create(source->tokenizer, dataset, source->max_length, map,
                                              &eval->inputs, err);
    if (status == BERTC_OK)
        status = bc_check_inputs(eval->inputs, &source->config, dataset->path, err);
    if (status != BERTC_OK) return status;
    eval->order = bc_alloc(dataset->count, sizeof *eval->order);
    eval->logits = bc_alloc(dataset->count, classes * sizeof *eval->logits);
    if (!eval->order || !eval->logits) return bc_fail_memory(err);
    status = bc_pack_longest_first(eval->inputs, eval->order, err);
    if (status == BERTC_OK) plan_passes(eval);
    return status;
}

void bc_eval_close(bc_eval *eval)
{
    bc_cache_close(&eval->cache);
    bertc_dataset_free(eval->dataset);
    bertc_inputs_free(eval->inputs);
    bc_free(eval->order);
    bc_free(eval->logits);
    *eval = (bc_eval){0};
}

/* Sort a pass's logits (S,C) into the whole, columns into the task's order. */
static void place_logits(bc_eval *eval, const bertc_batch *batch, const float *logits)
{
    size_t classes = (size_t)eval->dataset->task->num_labels;
    for (size_t s = 0; s < (size_t)batch->sequences; s++)
        for (size_t c = 0; c < classes; c++)
            eval->logits[batch->examples[s] * classes + c] =
                logits[s * classes + (size_t)eval->map[c]];
}

static void show(bc_meter *meter, const bc_eval *eval, int64_t pass, size_t tokens, double began)
{
    double seconds = bc_clock() - began;
    double speed = seconds > 0 ? (double)tokens / seconds : 0;
    double left = (double)(eval->inputs->starts[eval->inputs->count] - tokens);
    bertc_progress p = {.phase = "eval", .step = pass, .steps = eval->passes, .loss = (double)NAN,
                        .lr = (double)NAN, .tokens_per_second = speed,
                        .eta_seconds = speed > 0 ? left / speed : (double)NAN};
    bc_meter_show(meter, p, pass == 1 || pass == eval->passes);
}

bertc_status bc_eval_run(bc_eval *eval, const bertc_model *model, int head, bertc_workspace *workspace,
                         bertc_batch *batch, bc_meter *meter, bertc_error *err)
{
    const bc_pass how = {.head = head, .forgets = true};
    double began = bc_clock();
    size_t n, tokens, done = 0;
    int64_t pass = 0;
    for (size_t at = 0; at < eval->inputs->count; at += n) {
        bertc_status status = bc_meter_stop(meter);
        if (status != BERTC_OK) return status;
        n = bc_pack_next(eval->inputs, eval->order + at, eval->inputs->count - at, eval->pack,
                         &tokens);
        status = bertc_batch_fill(batch, eval->inputs, eval->order + at, n, err);
        if (status == BERTC_OK) status = bc_model_check_batch(model, workspace, batch, err);
        if (status == BERTC_OK)
            status = bc_cache_fwd(&eval->cache, model, workspace, batch, how, err);
        if (status == BERTC_OK) status = bc_workspace_status(workspace, err);
        if (status != BERTC_OK) return status;
        place_logits(eval, batch, workspace->logits);
        done += tokens;
        show(meter, eval, ++pass, done, began);
    }
    meter->pass_seconds = bc_clock() - began;
    return BERTC_OK;
}
