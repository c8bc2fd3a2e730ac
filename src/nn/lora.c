#include "nn/lora.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/size.h"
#include "nn/ops/ops.h"

const bc_lora_target bc_lora_targets[BC_LORA_TARGETS] = {
    {"attention.self.query", BC_QUERY_W},  {"attention.self.key", BC_KEY_W}, {"attention.self.value", BC_VALUE_W},
    {"attention.output.dense", BC_ATTN_W}, {"intermediate.dense", BC_UP_W},  {"output.dense", BC_DOWN_W},
};

/* The rows of A and B in the parameter table. Their names are suffixes: the module of the matrix comes first. */
static const bc_param_row adapter_rows[] = {
    {"lora_A.weight", BC_SCOPE_ADAPTER, "RI", BC_PARAM_UNIFORM, true},
    {"lora_B.weight", BC_SCOPE_ADAPTER, "OR", BC_PARAM_ZERO, true},
};
enum { PER_TARGET = sizeof adapter_rows / sizeof *adapter_rows };

/* ---- Targets ------------------------------------------------------------------------------- */

int bc_lora_target_of(bc_param_id weight)
{
    for (int t = 0; t < BC_LORA_TARGETS; t++)
        if (bc_lora_targets[t].weight == weight) return t;
    return -1;
}

bertc_status bc_lora_check(const bertc_lora *lora, const bertc_config *config, int first, bertc_error *err)
{
    const uint32_t all = (1u << BC_LORA_TARGETS) - 1;
    const struct {
        const char *name;
        double value;
        bool valid;
    } members[] = {{"rank", lora->rank, lora->rank > 0},
                   {"alpha", lora->alpha, isfinite(lora->alpha)},
                   {"dropout", lora->dropout, lora->dropout >= 0 && lora->dropout < 1},
                   {"targets", lora->targets, lora->targets > 0 && lora->targets <= all}};
    if (lora->rank == 0) return BERTC_OK;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (!members[i].valid)
            return bc_fail(err, BERTC_USAGE, "bertc_model_options.lora.%s: %g is out of range", members[i].name,
                           members[i].value);
    const uint32_t attn_out = 1u << bc_lora_target_of(BC_ATTN_W), out = 1u << bc_lora_target_of(BC_DOWN_W);
    if ((lora->targets & out) && !(lora->targets & attn_out))
        return bc_fail(err, BERTC_USAGE,
                       "bertc_model_options.lora.targets: output.dense without attention.output.dense, but peft's "
                       "target output.dense selects both");
    if (lora->dropout > 0 && config->intermediate_size > BC_MAX_HIDDEN)
        return bc_fail(err, BERTC_INPUT, "config.json: intermediate_size %d, the maximum for adapter dropout is %d",
                       (int)config->intermediate_size, BC_MAX_HIDDEN);
    if (first >= config->num_hidden_layers)
        return bc_fail(err, BERTC_USAGE, "bertc_model_options.lora: every layer is frozen");
    return BERTC_OK;
}

/* ---- Parameters ---------------------------------------------------------------------------- */

static size_t targets_below(uint32_t targets, int end)
{
    size_t count = 0;
    for (int t = 0; t < end; t++) count += targets >> t & 1;
    return count;
}

size_t bc_lora_count(const bertc_lora *lora, size_t layers)
{
    if (lora->rank == 0) return 0;
    return layers * PER_TARGET * targets_below(lora->targets, BC_LORA_TARGETS);
}

size_t bc_lora_index(const bertc_lora *lora, int first, bc_param_id weight, int layer)
{
    int t = bc_lora_target_of(weight);
    if (lora->rank == 0 || layer < first || t < 0 || !(lora->targets >> t & 1)) return SIZE_MAX;
    return bc_lora_count(lora, (size_t)(layer - first)) + PER_TARGET * targets_below(lora->targets, t);
}

/* Describe A or B of the matrix w. */
static bool describe(const bc_param *w, const bc_param_row *row, size_t rank, bc_param *param, size_t *total)
{
    *param = (bc_param){.row = row, .layer = w->layer, .head = -1, .rank = 2, .offset = *total,
                        .lr_scale = 1};
    int stem = (int)(strrchr(w->name, '.') - w->name);
    snprintf(param->name, sizeof param->name, "%.*s.%s", stem, w->name, row->name);
    param->shape[0] = row->dims[0] == 'R' ? rank : w->shape[0];
    param->shape[1] = row->dims[1] == 'R' ? rank : w->shape[1];
    return bc_size_mul(param->shape[0], param->shape[1], &param->count) && bc_size_add(*total, param->count, total);
}

bool bc_lora_plan(const bertc_config *config, const bertc_lora *lora, int first, const bc_param *base,
                  bc_param *params, size_t *total)
{
    for (int layer = first; lora->rank > 0 && layer < config->num_hidden_layers; layer++)
        for (int t = 0; t < BC_LORA_TARGETS; t++) {
            const bc_param *w = &base[bc_param_index(config, bc_lora_targets[t].weight, layer)];
            for (int i = 0; lora->targets >> t & 1 && i < PER_TARGET; i++)
                if (!describe(w, &adapter_rows[i], (size_t)lora->rank, params++, total)) return false;
        }
    return true;
}
