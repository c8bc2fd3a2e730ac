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
    m->names = bc_alloc(m->weights.count, sizeof *m->names);
    m->used = bc_calloc(m->weights.count, sizeof *m->used);
    if (!m->names || !m->used) return bc_fail_memory(err);
    for (size_t i = 0; i < m->weights.count; i++)
        bc_name_current(m->weights.tensors[i].name, m->names[i], BC_PARAM_NAME);
    return BERTC_OK;
}

void bc_match_free(bc_match *match)
{
    if (!match) return;
    bc_weights_close(&match->weights);
    bc_adapter_weights_close(&match->adapter);
    bc_text_clear(&match->head);
    bc_free(match->names);
    bc_free(match->used);
    bc_free(match->tensors);
    bc_free(match);
}

/* The tensor that holds a parameter: an adapter's; one spelled as today before one that is renamed. */
static const bc_tensor *find_tensor(bc_match *from, const char *name, bool use)
{
    const bc_tensor *over = bc_adapter_weights_find(&from->adapter, name);
    const bc_tensor *found = bc_weights_find(&from->weights, name);
    for (size_t i = 0; !found && i < from->weights.count; i++)
        if (strcmp(from->names[i], name) == 0) found = &from->weights.tensors[i];
    if (found && use) from->used[found - from->weights.tensors] = true;
    return over ? over : found;
}

/* ---- Heads --------------------------------------------------------------------------------- */

/* Why the source's head is not one that bertc computes; null: it is. A head for sentences reads the pooler, and one
 * for tokens has none. */
static const char *find_refusal(bc_match *from, const bertc_config *config, bool there)
{
    if (config->head_refusal) return config->head_refusal;
    if (!there || find_tensor(from, bc_param_table[BC_POOL_W].name, false)) return NULL;
    return "a classifier without a pooler reads tokens, not sentences";
}

/* The head that is the source's, for a pass through it. */
static bertc_status require_head(bc_match *from, const char *refusal, bool there, bertc_error *err)
{
    /* Without an encoder either, its first tensor is missed by name. */
    if (!find_tensor(from, bc_param_table[BC_WORD].name, false)) return BERTC_OK;
    if (!there)
        return bc_fail(err, BERTC_INPUT, "%s: no classifier: this is a bare encoder, fine-tune it first",
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
    bool there = weight && bias;
    const char *refusal = find_refusal(from, config, there);
    bool own = options->encoder_only || count == 0;
    bertc_status status = own && !options->encoder_only ? require_head(from, refusal, there, err) : BERTC_OK;
    if (own) return status == BERTC_OK ? bc_model_take_heads(m, NULL, 0, -1, err) : status;
    bool fits = !options->new_head && there && !refusal && weight->rank == 2 &&
                weight->shape[0] == (size_t)config->num_labels && weight->shape[1] == (size_t)config->hidden_size;
    from->kept_head = fits ? bc_head_find(config, heads, count) : -1;
    if ((there || config->head_refusal) && !options->new_head)
        bc_head_describe(&from->head, config, refusal, fits, from->kept_head, heads, count);
    if (from->head.failed) return bc_fail_memory(err);
    return bc_model_take_heads(m, heads, count, from->kept_head, err);
}

/* ---- Parameters ---------------------------------------------------------------------------- */

static bool same_shape(const bc_param *param, const bc_tensor *tensor)
{
    if (param->rank != tensor->rank) return false;
    for (int i = 0; i < param->rank; i++)
        if (param->shape[i] != tensor->shape[i]) return false;
    return true;
}

static bertc_status refuse_shape(const bc_param *param, const bc_tensor *tensor, bertc_error *err)
{
    char shapes[2][64] = {"", ""};
    for (int side = 0; side < 2; side++) {
        int rank = side ? param->rank : tensor->rank;
        const size_t *shape = side ? param->shape : tensor->shape;
        size_t used = 0;
        for (int i = 0; i < rank && used < sizeof shapes[side]; i++)
            used += (size_t)snprintf(shapes[side] + used, sizeof shapes[side] - used, "%s%zu", i ? "," : "", shape[i]);
    }
    return bc_fail(err, BERTC_INPUT, "%s: tensor \"%s\" has shape (%s), config.json asks for (%s)",
                   tensor->weights->path, tensor->name, shapes[0], shapes[1]);
}

/* Is this parameter drawn, whatever the source has for it? */
static bool is_newly_initialized(const bertc_model *m, const bc_param *param, const bertc_model_options *options)
{
    int stage = bc_param_stage(&m->config, param), layers = m->config.num_hidden_layers;
    if (param->row->scope == BC_SCOPE_HEAD) return false;
    if (param->row->scope == BC_SCOPE_POOLER && options->new_head) return true;
    return options->reinit_layers > 0 && stage > layers - options->reinit_layers;
}

/* Tensors that belong to no part of the model that was asked for are nothing to speak of. */
static void pass_over_rest(const bertc_model *m, const bertc_model_options *options)
{
    bc_match *from = m->match;
    for (size_t i = 0; i < from->weights.count; i++) {
        const char *name = from->names[i];
        bool above = options->keep_layers > 0 && bc_name_layer(name) >= m->config.num_hidden_layers;
        bool head = options->encoder_only && (strncmp(name, "bert.pooler.", 12) == 0 ||
                                          strncmp(name, "classifier.", 11) == 0);
        if (above || head) from->used[i] = true;
    }
}

/* The source's tensor for a parameter, if that is to be taken. */
static const bc_tensor *tensor_of(const bertc_model *m, const bc_param *param)
{
    if (param->row->scope != BC_SCOPE_HEAD) return find_tensor(m->match, param->name, true);
    return param->head == m->match->kept_head ? find_tensor(m->match, param->row->name, true) : NULL;
}

bertc_status bc_match_params(const bertc_model *m, const bertc_model_options *options, bool wanted, bertc_error *err)
{
    bc_match *from = m->match;
    size_t count = bc_model_table_count(m);
    from->tensors = bc_calloc(m->count, sizeof *from->tensors);
    if (!from->tensors) return bc_fail_memory(err);
    pass_over_rest(m, options);
    for (size_t i = 0; i < count; i++) {
        const bc_param *param = &m->params[i];
        if (m->encoder_only && param->row->scope >= BC_SCOPE_POOLER) continue;
        bool head = param->row->scope == BC_SCOPE_HEAD;
        const bc_tensor *t = tensor_of(m, param);
        from->tensors[i] = is_newly_initialized(m, param, options) ? NULL : t;
        if (t && !same_shape(param, t)) return refuse_shape(param, t, err);
        if (t && !bc_dtype_is_float(t->dtype)) return bc_tensor_check_float(t, err);
        if (!t && !head && !(wanted && param->row->scope == BC_SCOPE_POOLER))
            return bc_fail(err, BERTC_INPUT, "%s: tensor \"%s\" is missing", from->weights.path, param->name);
    }
    return bc_adapter_weights_check(&from->adapter, m, options->keep_layers > 0, err);
}

/* ---- What is said -------------------------------------------------------------------------- */

/* Append " NAME" to a line, or " ..." once it is full. */
static void list_name(char *line, size_t room, const char *name)
{
    size_t used = strlen(line);
    if (used + strlen(name) + sizeof " ..." < room)
        snprintf(line + used, room - used, " %s", name);
    else if (used + sizeof " ..." <= room && strcmp(line + used - 4, " ...") != 0)
        snprintf(line + used, room - used, " ...");
}

void bc_match_notify(const bertc_model *m, const bertc_notify *notify)
{
    const bc_match *from = m->match;
    char drawn[256] = "new:", ignored[256] = "ignored:";
    size_t loaded = 0, left = 0, count = bc_model_table_count(m);
    const char *over = from->adapter.weights.path;
    for (size_t i = 0; i < count; i++) {
        if (from->tensors[i]) loaded++;
        else if (!m->encoder_only) list_name(drawn, sizeof drawn, m->params[i].name);
    }
    for (size_t i = 0; i < from->weights.count; i++) {
        if (from->used[i]) continue;
        left++;
        list_name(ignored, sizeof ignored, from->weights.tensors[i].name);
    }
    if (from->head.length > 0) bc_notify(notify, "%s: %s", from->weights.path, from->head.bytes);
    bc_notify(notify, "%s: loaded %zu tensors; %s; %s%s%s", from->weights.path, loaded,
              loaded == count || m->encoder_only ? "new: none" : drawn, left ? ignored : "ignored: none",
              over ? "; merged with " : "", over ? over : "");
}
