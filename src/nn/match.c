#include "nn/match.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/readers.h"
#include "formats/tensor_names.h"
#include "nn/model_heads.h"

/* ---- Tensors ------------------------------------------------------------------------------- */

bertc_status bc_match_open(const char *dir, bc_match **match, bertc_error *err)
{
    bc_match *m = *match = bc_calloc(1, sizeof *m);
    bertc_status status = m ? bc_adapter_weights_open(dir, &m->adapter, err) : bc_fail_memory(err);
    if (status == BERTC_OK)
        status =
            bc_weights_open_in(m->adapter.config.base ? m->adapter.config.base : dir, BC_ROLE_MODEL, &m->weights, err);
    if (status != BERTC_OK) return status;
    m->current_names = bc_alloc(m->weights.count, sizeof *m->current_names);
    m->used = bc_calloc(m->weights.count, sizeof *m->used);
    if (!m->current_names || !m->used) return bc_fail_memory(err);
    for (size_t i = 0; i < m->weights.count; i++)
        bc_name_current(m->weights.tensors[i].name, m->current_names[i], BC_PARAM_NAME);
    return BERTC_OK;
}

void bc_match_free(bc_match *match)
{
    if (!match) return;
    bc_weights_close(&match->weights);
    bc_adapter_weights_close(&match->adapter);
    bc_text_clear(&match->head_notice);
    bc_free(match->current_names);
    bc_free(match->used);
    bc_free(match->tensors);
    bc_free(match);
}

/* Find the tensor that holds a parameter. An adapter's tensor takes precedence over the base's, and a tensor with the
 * current name over one with an old spelling. */
static const bc_tensor *find_tensor(bc_match *from, const char *name, bool use)
{
    const bc_tensor *adapted = bc_adapter_weights_find(&from->adapter, name);
    const bc_tensor *found = bc_weights_find(&from->weights, name);
    for (size_t i = 0; !found && i < from->weights.count; i++)
        if (strcmp(from->current_names[i], name) == 0) found = &from->weights.tensors[i];
    if (found && use) from->used[found - from->weights.tensors] = true;
    return adapted ? adapted : found;
}

/* ---- Heads --------------------------------------------------------------------------------- */

/* Check that the source has a head that bertc can compute. */
static bertc_status require_head(bc_match *from, const char *refusal, bool found, bertc_error *err)
{
    /* If the encoder is missing too, bc_match_params reports its first tensor. */
    if (!find_tensor(from, bc_param_table[BC_WORD].name, false)) return BERTC_OK;
    if (!found)
        return bc_fail(err, BERTC_INPUT, "%s: no classifier: this is an encoder without a head, fine-tune it first",
                       from->weights.path);
    if (!refusal) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s: its head cannot be used: %s", from->weights.path, refusal);
}

bertc_status bc_match_heads(bertc_model *m, const bertc_model_options *options, const bc_head *heads, int count,
                            bertc_error *err)
{
    bc_match *from = m->match;
    const bertc_config *config = &m->config;
    const bc_tensor *weight = find_tensor(from, bc_param_table[BC_CLASS_W].name, false);
    const bc_tensor *bias = find_tensor(from, bc_param_table[BC_CLASS_B].name, false);
    bool found = weight && bias;
    const char *refusal = config->head_refusal; /* the reason why bertc cannot compute the source's head */
    if (!refusal && found && !find_tensor(from, bc_param_table[BC_POOL_W].name, false))
        refusal = "a classifier without a pooler reads tokens, not sentences";
    if (options->encoder_only || count == 0) {
        bertc_status status = options->encoder_only ? BERTC_OK : require_head(from, refusal, found, err);
        return status == BERTC_OK ? bc_model_take_heads(m, NULL, 0, -1, err) : status;
    }
    bool fits = !options->new_head && found && !refusal && weight->rank == 2 &&
                weight->shape[0] == (size_t)config->num_labels && weight->shape[1] == (size_t)config->hidden_size;
    from->kept_head = -1;
    bertc_status status = fits ? bc_head_find(config, heads, count, &from->kept_head, err) : BERTC_OK;
    if (status != BERTC_OK) return status;
    if ((found || config->head_refusal) && !options->new_head)
        bc_head_describe(&from->head_notice, config, refusal, fits, from->kept_head, heads, count);
    if (from->head_notice.failed) return bc_fail_memory(err);
    return bc_model_take_heads(m, heads, count, from->kept_head, err);
}

/* ---- Parameters ---------------------------------------------------------------------------- */

static bertc_status check_shape(const bc_param *param, const bc_tensor *tensor, bertc_error *err)
{
    bool same = param->rank == tensor->rank;
    for (int i = 0; same && i < param->rank; i++) same = param->shape[i] == tensor->shape[i];
    if (same) return BERTC_OK;
    char shapes[2][64] = {"", ""};
    for (int side = 0; side < 2; side++) {
        int rank = side ? param->rank : tensor->rank;
        const size_t *shape = side ? param->shape : tensor->shape;
        size_t used = 0;
        for (int i = 0; i < rank && used < sizeof shapes[side]; i++)
            used += (size_t)snprintf(shapes[side] + used, sizeof shapes[side] - used, "%s%zu", i ? "," : "", shape[i]);
    }
    return bc_fail(err, BERTC_INPUT, "%s: tensor \"%s\" has shape (%s), config.json needs (%s)",
                   tensor->weights->path, tensor->name, shapes[0], shapes[1]);
}

/* Whether a parameter is newly initialized even if the source holds it. */
static bool is_newly_initialized(const bertc_model *m, const bc_param *param, const bertc_model_options *options)
{
    int first = bc_stage_layer(m->config.num_hidden_layers - options->reinit_layers);
    if (param->row->scope == BC_SCOPE_HEAD) return false;
    if (param->row->scope == BC_SCOPE_POOLER && options->new_head) return true;
    return options->reinit_layers > 0 && bc_param_stage(&m->config, param) >= first;
}

/* Mark the tensors of parts that the options exclude as used, so that the notice does not list them. */
static void mark_excluded(const bertc_model *m, const bertc_model_options *options)
{
    bc_match *from = m->match;
    for (size_t i = 0; i < from->weights.count; i++) {
        const char *name = from->current_names[i];
        bool above = options->keep_layers > 0 && bc_name_layer(name) >= m->config.num_hidden_layers;
        bool head = options->encoder_only && (strncmp(name, "bert.pooler.", 12) == 0 ||
                                          strncmp(name, "classifier.", 11) == 0);
        if (above || head) from->used[i] = true;
    }
}

bertc_status bc_match_params(const bertc_model *m, const bertc_model_options *options, bool heads_given,
                             bertc_error *err)
{
    bc_match *from = m->match;
    size_t count = bc_model_table_count(m);
    from->tensors = bc_calloc(m->count, sizeof *from->tensors);
    if (!from->tensors) return bc_fail_memory(err);
    mark_excluded(m, options);
    for (size_t i = 0; i < count; i++) {
        const bc_param *param = &m->params[i];
        if (m->encoder_only && param->row->scope >= BC_SCOPE_POOLER) continue;
        bool head = param->row->scope == BC_SCOPE_HEAD;
        const bc_tensor *t = NULL;
        if (!head) t = find_tensor(from, param->name, true);
        else if (param->head == from->kept_head) t = find_tensor(from, param->row->name, true);
        from->tensors[i] = is_newly_initialized(m, param, options) ? NULL : t;
        bertc_status status = t ? check_shape(param, t, err) : BERTC_OK;
        if (status != BERTC_OK) return status;
        if (t && !bc_dtype_is_float(t->dtype)) return bc_tensor_check_float(t, err);
        if (!t && !head && !(heads_given && param->row->scope == BC_SCOPE_POOLER))
            return bc_fail(err, BERTC_INPUT, "%s: tensor \"%s\" is missing", from->weights.path, param->name);
    }
    return bc_adapter_weights_check(&from->adapter, m, options->keep_layers > 0, err);
}

/* ---- The notice ---------------------------------------------------------------------------- */

/* Append " NAME" to a line of at most `size` bytes. If the name does not fit, end the line with " ...". */
static void list_name(char *line, size_t size, const char *name)
{
    size_t used = strlen(line);
    if (used + strlen(name) + sizeof " ..." < size)
        snprintf(line + used, size - used, " %s", name);
    else if (used + sizeof " ..." <= size && strcmp(line + used - 4, " ...") != 0)
        snprintf(line + used, size - used, " ...");
}

void bc_match_notify(const bertc_model *m, const bertc_notify *notify)
{
    const bc_match *from = m->match;
    char added[256] = "newly initialized:", unused[256] = "in the file but not used:";
    size_t loaded = 0, left = 0, count = bc_model_table_count(m);
    const char *adapter = from->adapter.weights.path;
    for (size_t i = 0; i < count; i++) {
        if (from->tensors[i]) loaded++;
        else if (!m->encoder_only) list_name(added, sizeof added, m->params[i].name);
    }
    for (size_t i = 0; i < from->weights.count; i++) {
        if (from->used[i]) continue;
        left++;
        list_name(unused, sizeof unused, from->weights.tensors[i].name);
    }
    if (from->head_notice.length > 0) bc_notify(notify, "%s: %s", from->weights.path, from->head_notice.bytes);
    bc_notify(notify, "%s: loaded %zu tensors; %s; %s%s%s", from->weights.path, loaded,
              loaded == count || m->encoder_only ? "newly initialized: none" : added,
              left ? unused : "in the file but not used: none", adapter ? "; merged with " : "",
              adapter ? adapter : "");
}
