#include "train/evaluate.h"

#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"
#include "nn/check.h"

bertc_status bc_eval_open(bc_eval *eval, bertc_inputs *inputs, int32_t *columns, size_t classes, bc_pack pack,
                          bertc_error *err)
{
    size_t row, n, tokens;
    bool cut = inputs->windows != NULL;
    *eval = (bc_eval){.inputs = inputs, .columns = columns, .classes = classes, .pack = pack};
    eval->texts = cut ? inputs->texts : inputs->count;
    if (!bc_size_mul(classes, sizeof *eval->logits, &row)) return bc_fail_memory(err);
    eval->order = bc_alloc(inputs->count, sizeof *eval->order);
    eval->logits = bc_alloc(eval->texts, row);
    eval->windows = cut ? bc_alloc(inputs->count, row) : NULL;
    if (!eval->order || !eval->logits || (cut && !eval->windows)) return bc_fail_memory(err);
    bertc_status status = bc_pack_longest_first(inputs, eval->order, err);
    for (size_t at = 0; at < inputs->count && status == BERTC_OK; at += n) {
        n = bc_pack_next(inputs, eval->order + at, inputs->count - at, pack, &tokens);
        eval->passes++;
        if (tokens > eval->max_tokens) eval->max_tokens = tokens;
    }
    return status;
}

void bc_eval_close(bc_eval *eval)
{
    bc_cache_close(&eval->cache);
    bertc_inputs_free(eval->inputs);
    bc_free(eval->order);
    bc_free(eval->columns);
    bc_free(eval->logits);
    bc_free(eval->windows);
    *eval = (bc_eval){0};
}

/* Copy the logits (S,C) of a pass to their examples' rows of eval->windows or eval->logits. */
static void store_logits(bc_eval *eval, const bertc_batch *batch, const float *logits)
{
    size_t classes = eval->classes;
    float *to = eval->windows ? eval->windows : eval->logits;
    for (size_t s = 0; s < (size_t)batch->sequences; s++)
        for (size_t c = 0; c < classes; c++)
            to[batch->examples[s] * classes + c] = logits[s * classes + (size_t)eval->columns[c]];
}

/* Set the logits of each text to the means over its windows. */
static void pool_windows(bc_eval *eval)
{
    size_t classes = eval->classes;
    const size_t *windows = eval->inputs->windows;
    for (size_t t = 0; t < eval->texts && eval->windows; t++)
        for (size_t c = 0; c < classes; c++) {
            double sum = 0;
            for (size_t i = windows[t]; i < windows[t + 1]; i++) sum += (double)eval->windows[i * classes + c];
            eval->logits[t * classes + c] = (float)(sum / (double)(windows[t + 1] - windows[t]));
        }
}

/* Report the progress after a number of passes, which have computed `tokens` tokens of `texts` texts. */
static void report_progress(bc_meter *meter, const bc_eval *eval, int64_t pass, size_t texts, size_t tokens,
                            double began)
{
    double seconds = bc_clock() - began, speed = seconds > 0 ? (double)tokens / seconds : 0;
    double left = (double)(eval->inputs->starts[eval->inputs->count] - tokens);
    bertc_progress p = {.phase = "eval", .step = pass, .steps = eval->passes, .loss = (double)NAN,
                        .lr = (double)NAN, .tokens_per_second = speed,
                        .eta_seconds = speed > 0 ? left / speed : (double)NAN};
    if (eval->predicts) {
        p.phase = "predict";
        p.unit = "texts";
        p.step = (int64_t)(eval->texts_before + texts);
        p.steps = eval->open_ended ? 0 : (int64_t)eval->texts;
    }
    bc_meter_show(meter, p, !eval->open_ended && (pass == 1 || pass == eval->passes));
}

bertc_status bc_eval_run(bc_eval *eval, const bertc_model *model, int head, bertc_workspace *workspace,
                         bertc_batch *batch, bc_meter *meter, bertc_error *err)
{
    const bc_pass how = {.head = head, .inference = true};
    double began = bc_clock();
    size_t n, tokens, done = 0;
    int64_t pass = 0;
    for (size_t at = 0; at < eval->inputs->count; at += n) {
        bertc_status status = bc_meter_stop(meter);
        if (status != BERTC_OK) return status;
        n = bc_pack_next(eval->inputs, eval->order + at, eval->inputs->count - at, eval->pack, &tokens);
        status = bertc_batch_fill(batch, eval->inputs, eval->order + at, n, err);
        if (status == BERTC_OK) status = bc_model_check_batch(model, workspace, batch, err);
        if (status == BERTC_OK) status = bc_cached_fwd(&eval->cache, model, workspace, batch, how, err);
        if (status == BERTC_OK) status = bc_workspace_status(workspace, err);
        if (status != BERTC_OK) return status;
        store_logits(eval, batch, workspace->logits);
        done += tokens;
        report_progress(meter, eval, ++pass, (at + n) * eval->texts / eval->inputs->count, done, began);
    }
    pool_windows(eval);
    meter->pass_seconds = bc_clock() - began;
    return BERTC_OK;
}
