#include "run/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory_limit.h"
#include "base/size.h"
#include "nn/model_save.h"
#include "optim/lazy.h"
#include "run/passes.h"

/* ---- Parts --------------------------------------------------------------------------------- */

/* a x b + c, SIZE_MAX on overflow. */
static size_t sum_of(size_t a, size_t b, size_t c)
{
    size_t sum;
    return bc_size_mul(a, b, &sum) && bc_size_add(sum, c, &sum) ? sum : SIZE_MAX;
}

/* Count the bytes of the weights. If the backend packs, add a packed copy of the frozen weights. Add the largest merged
 * matrix: writing the result merges one matrix at a time. */
static size_t weights(const bc_run *run, const bertc_model *model)
{
    size_t scalar = model->use_bf16 ? sizeof(uint16_t) : sizeof(float);
    size_t more = sum_of(bc_model_merge_scalars(model), sizeof(float), 0);
    if (bc_gemm_packs(bertc_backend_name((size_t)run->options.backend)))
        more = sum_of(bc_model_invariant_scalars(model), scalar, more);
    return sum_of(model->scalars, sizeof(float), more);
}

/* Count the bytes of both moments of the trained parameters. In the word embedding table, moments of unused words stay
 * zero and take no memory. A used row may occupy up to a page more than its size. */
static size_t moments(const bc_run *run, const bertc_model *model)
{
    enum { PAGE = 4096 };
    const bc_param *table = bc_model_param(model, BC_WORD, 0);
    size_t trained = bc_model_trained_scalars(model);
    if (table->frozen) return sum_of(trained, 2 * sizeof(float), 0);
    size_t all = sum_of(table->count, sizeof(float), 0);
    size_t used = sum_of(run->plan.distinct_words, sum_of(table->shape[1], sizeof(float), PAGE), 0);
    size_t rest = sum_of(trained - table->count, sizeof(float), 0);
    return sum_of(2, sum_of(1, rest, used < all ? used : all), bc_lazy_bytes(table->shape[0]));
}

/* Count the bytes of the cached outputs of the frozen stages, and of a batch to compute missing outputs. */
static size_t cache(const bc_run *run)
{
    size_t sum = (size_t)run->plan.limits.tokens * (2 * sizeof(int32_t) + 1);
    if (run->frozen_cache.stage == 0) return 0;
    for (const bc_run_task *task = run->tasks; task < run->tasks + run->num_tasks; task++) {
        sum = sum_of(1, sum, bc_cache_memory(&task->cache));
        for (size_t i = 0; i < task->eval_count; i++) sum = sum_of(1, sum, bc_cache_memory(&task->evals[i].cache));
    }
    return sum;
}

static size_t input_bytes(const bertc_inputs *in)
{
    size_t token = sizeof *in->ids + sizeof *in->types;
    size_t example = sizeof *in->starts + sizeof *in->label_starts + sizeof *in->values;
    size_t windows = in->windows ? (in->texts + 1) * sizeof *in->windows : 0;
    return in->starts[in->count] * token + in->count * example + in->label_starts[in->count] * sizeof *in->labels +
           windows;
}

/* Count the bytes of tokens, text and logits of an evaluation split. Saving best weights copies the logits. */
static size_t eval_bytes(const bc_run *run, const bc_eval *eval, const bertc_dataset *set)
{
    size_t text = set->count * sizeof *set->examples, copies = run->options.keep == BERTC_KEEP_BEST ? 2 : 1;
    for (const bertc_example *e = set->examples; e < set->examples + set->count; e++)
        text += e->na + e->nb + e->num_labels * sizeof *e->labels;
    size_t rows = copies * set->count + (eval->windows ? eval->inputs->count : 0);
    return input_bytes(eval->inputs) + text + rows * eval->classes * sizeof *eval->logits;
}

/* Count the bytes of all splits of all tasks, the orders of their examples, scratch to shuffle the largest task, and a
 * batch. */
static size_t data(const bc_run *run, size_t tokens)
{
    size_t sum = tokens * (2 * sizeof(int32_t) + 1), max = 0;
    for (const bc_run_task *task = run->tasks; task < run->tasks + run->num_tasks; task++) {
        size_t count = task->train->count;
        sum += input_bytes(task->train) + count * sizeof *task->epoch.order;
        for (size_t i = 0; i < task->eval_count; i++) sum += eval_bytes(run, &task->evals[i], task->eval_sets[i]);
        if (count > max) max = count;
    }
    return sum + max * 2 * sizeof *run->scratch;
}

/* Memory that the libraries allocate for matrix products: packed operands and generated code, measured with models of
 * 12 layers and hidden size 768. */
enum { PRODUCTS = 24 << 20 };

/* Gradients of the word embedding table are counted for the rows that a batch uses. "program" is the resident size of
 * the process at the start plus PRODUCTS. */
size_t bc_memory_parts(const bc_run *run, const bertc_limits *limits, bertc_memory_part parts[BERTC_MEMORY_PARTS])
{
    const bertc_model *model = bc_trainer_model(run->trainer);
    const bertc_memory_part all[] = {
        {"weights", weights(run, model)},
        {"gradients", sum_of(bc_model_grad_scalars(model), sizeof(float), bc_trainer_sparse_row_bytes(run->trainer))},
        {"moments", moments(run, model)},
        {"bf16_copies", sum_of(bc_model_bf16_scalars(model), sizeof(uint16_t), 0)},
        {"workspace", bc_workspace_plan(model, limits)},
        {"data", data(run, (size_t)limits->tokens)},
        {"frozen_outputs", cache(run)},
        {"vocabulary", run->vocabulary},
        {"program", run->resident + PRODUCTS},
    };
    _Static_assert(sizeof all / sizeof *all == BERTC_MEMORY_PARTS, "BERTC_MEMORY_PARTS counts the parts");
    size_t sum = 0;
    memcpy(parts, all, sizeof all);
    for (int i = 0; i < BERTC_MEMORY_PARTS; i++) sum = sum_of(1, sum, parts[i].bytes);
    return sum;
}

/* ---- Advice -------------------------------------------------------------------------------- */

static bool fits(const bc_run *run, const bertc_limits *limits, size_t capacity)
{
    bertc_memory_part parts[BERTC_MEMORY_PARTS];
    return bc_memory_parts(run, limits, parts) <= capacity;
}

/* Return the largest power of two that fits as --micro-batch-tokens, at least the longest sequence; 0 if nothing
 * fits. */
static int32_t find_tokens(const bc_run *run, bertc_limits limits, size_t capacity)
{
    int32_t max = limits.tokens, tokens = 1;
    while (tokens <= (max - 1) / 2) tokens *= 2;
    for (; tokens >= limits.longest; tokens /= 2) {
        bc_passes_limit(run, (size_t)tokens, &limits);
        if (fits(run, &limits, capacity)) return tokens;
    }
    return 0;
}

/* Return the largest --gradient-checkpointing that fits; 0 if nothing fits. */
static int32_t find_group(const bc_run *run, bertc_limits limits, size_t capacity)
{
    int32_t layers = bc_trainer_model(run->trainer)->config.num_hidden_layers;
    int32_t now = limits.checkpointing > 0 ? limits.checkpointing : layers;
    for (int32_t n = (now < layers ? now : layers) - 1; n > 0; n--) {
        limits.checkpointing = n;
        if (fits(run, &limits, capacity)) return n;
    }
    return 0;
}

void bc_memory_advise(const bc_run *run, size_t capacity, char *out, size_t size)
{
    static const char tokens_name[] = "--micro-batch-tokens";
    static const char group_name[] = "--gradient-checkpointing";
    bertc_limits min = run->plan.limits;
    min.checkpointing = 1;
    int tokens = find_tokens(run, run->plan.limits, capacity);
    int group = tokens ? 0 : find_group(run, run->plan.limits, capacity);
    int both = tokens || group ? 0 : find_tokens(run, min, capacity);
    out[0] = '\0';
    if (tokens) snprintf(out, size, "%s %d", tokens_name, tokens);
    if (group) snprintf(out, size, "%s %d", group_name, group);
    if (both) snprintf(out, size, "%s %d %s 1", tokens_name, both, group_name);
}

bertc_status bc_memory_check(const bc_run *run, bertc_error *err)
{
    bertc_memory_part parts[BERTC_MEMORY_PARTS];
    char advice[96];
    bc_memory_limit capacity = bc_memory_limit_read();
    size_t need = bc_memory_parts(run, &run->plan.limits, parts);
    if (need <= capacity.available) return BERTC_OK;
    bc_memory_advise(run, capacity.available, advice, sizeof advice);
    return bc_fail(err, BERTC_NOMEM, "out of memory: the run needs %zu MB, %zu MB are available (%s); %s%s", need >> 20,
                   capacity.available >> 20, capacity.name, advice[0] ? "it fits with " : BERTC_NO_ADVICE, advice);
}

bertc_status bc_memory_explain(bertc_status status, const bertc_error *why, bertc_error *err)
{
    const char *advice = status == BERTC_NOMEM ? "; try a smaller --micro-batch-tokens or --batch-size" : "";
    return status == BERTC_OK ? status : bc_fail(err, status, "%s%s", why->message, advice);
}

/* ---- Inference ----------------------------------------------------------------------------- */

static size_t inference_bytes(const bertc_model *model, const char *backend, const bertc_limits *limits, size_t more)
{
    size_t scalar = model->use_bf16 ? sizeof(uint16_t) : sizeof(float);
    size_t sum = sum_of(model->scalars, sizeof(float), sum_of(1, PRODUCTS, more));
    sum = sum_of(bc_model_bf16_scalars(model), sizeof(uint16_t), sum);
    if (bc_gemm_packs(backend)) sum = sum_of(bc_model_matrix_scalars(model), scalar, sum);
    return sum_of(1, bc_workspace_plan(model, limits), sum);
}

bertc_status bc_memory_check_inference(const bertc_model *model, const char *backend, const bertc_limits *limits,
                                       size_t results, bertc_error *err)
{
    bc_memory_limit capacity = bc_memory_limit_read();
    bertc_limits min = *limits;
    size_t more = sum_of(1, results, capacity.resident), need = inference_bytes(model, backend, limits, more);
    min.sequences = 1;
    min.tokens = limits->longest;
    if (need <= capacity.available) return BERTC_OK;
    return bc_fail(
        err, BERTC_NOMEM, "out of memory: %zu MB are needed, %zu MB are available (%s)%s", need >> 20,
        capacity.available >> 20, capacity.name,
        inference_bytes(model, backend, &min, more) <= capacity.available ? "; a smaller --batch-size needs less" : "");
}
