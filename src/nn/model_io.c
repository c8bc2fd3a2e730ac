/* Making and loading models.
 *
 * 1. A parameter is found in a file by its name of today (formats/names.h), so old spellings and a
 *    missing "bert." prefix make no difference.
 * 2. Only the pooler and the head may be missing; they are then drawn and named in the notice.
 * 3. Weights go straight from the file into the parameter block, tensors side by side; all of them are finite,
 *    and of one file. */
#include "nn/model.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/rng.h"
#include "bertc/threads.h"
#include "formats/model_dir.h"
#include "formats/names.h"
#include "formats/safetensors.h"
#include "nn/adapter.h"
#include "nn/ops/ops.h"

/* ---- making --------------------------------------------------------------------------------- */

static void draw_param(const bc_param *param, const bertc_config *config,
                       const bertc_model_options *options)
{
    switch (param->row->draw) {
    case BC_DRAW_NORMAL:
        bc_rng_normal(options->seed, param->name, config->initializer_range,
                      options->init == BERTC_INIT_TRUNCATED, param->value, param->count);
        break;
    case BC_DRAW_ONE:
        for (size_t i = 0; i < param->count; i++) param->value[i] = 1.0f;
        break;
    case BC_DRAW_UNIFORM:
        bc_rng_uniform(options->seed, param->name, 1.0 / sqrt((double)param->shape[1]), param->value,
                       param->count);
        break;
    case BC_DRAW_ZERO: memset(param->value, 0, param->count * sizeof(float)); break;
    }
}

static bertc_status allocate(bertc_model *m, bool trainable, bertc_error *err)
{
    size_t scalars = trainable ? bc_model_grad_scalars(m) : 0;
    m->values = bc_alloc(m->scalars, sizeof(float));
    if (trainable) m->grads = bc_alloc(scalars, sizeof(float));
    if (!m->values || (trainable && !m->grads))
        return bc_fail(err, BERTC_NOMEM, "out of memory: %zu MB for the weights",
                       (m->scalars + scalars) * sizeof(float) >> 20);
    bc_touch(m->values, m->scalars * sizeof(float), m->threads);
    if (trainable) bc_touch(m->grads, scalars * sizeof(float), m->threads);
    float *grad = m->grads;
    for (size_t i = 0; i < m->count; i++) {
        m->params[i].value = m->values + m->params[i].offset;
        if (!trainable || m->params[i].frozen) continue;
        m->params[i].grad = grad;
        grad += bc_param_grad_room(&m->params[i]);
    }
    return BERTC_OK;
}

/* How many layers, the first ones, have packed weights. */
static int packed_layers(const bertc_model *model)
{
    int layers = (int)model->config.num_hidden_layers, settled = model->settled - 1;
    if (!model->grads || settled > layers) return layers;
    return settled > 0 ? settled : 0;
}

/* The bf16 copies lie in the order of the parameters, so that a layer's query, key and value are one
 * matrix there too. */
static bertc_status allocate_halves(bertc_model *m, bertc_error *err)
{
    size_t scalars = bc_model_half_scalars(m), at = 0;
    bertc_status status = bc_gemm_use_half(&m->gemm, err);
    if (status != BERTC_OK) return status;
    m->halves = bc_alloc(scalars, sizeof *m->halves);
    if (!m->halves)
        return bc_fail(err, BERTC_NOMEM, "out of memory: %zu MB for the weights in bf16",
                       scalars * sizeof *m->halves >> 20);
    for (size_t i = 0; i < m->count; i++) {
        if (!bc_param_is_matrix(&m->params[i])) continue;
        m->params[i].half = m->halves + at;
        at += m->params[i].count;
    }
    return BERTC_OK;
}

void bc_model_round(bertc_model *model)
{
    for (size_t i = 0; i < model->count; i++) {
        const bc_param *param = &model->params[i];
        if (!param->half) continue;
#pragma omp parallel for schedule(static)
        for (size_t row = 0; row < param->shape[0]; row++) {
            size_t at = row * param->shape[1];
            bc_round(param->half + at, param->value + at, param->shape[1]);
        }
    }
}

/* Is a parameter trained that lies in no frozen stage? */
static bool is_left_out(const bc_param *param, const bertc_model_options *options)
{
    bc_scope scope = param->row->scope;
    if (scope == BC_SCOPE_HEAD) return false;
    if (options->lora.rank > 0) return scope != BC_SCOPE_ADAPTER;
    return options->biases_only && !bc_param_is_bias(param);
}

/* Describe the parameters: the table's, those of heads after the first, those of adapters. */
static bertc_status plan_params(bertc_model *m, const bc_head *heads, bertc_error *err)
{
    size_t table = bc_model_table_count(m), first = bc_param_count(&m->config) - BC_HEAD_PARAMS;
    int adapted = m->config.num_hidden_layers - m->adapted;
    m->count = table + (m->lora.rank > 0 ? bc_lora_count(&m->lora, (size_t)adapted) : 0);
    m->params = bc_alloc(m->count, sizeof *m->params);
    if (!m->params) return bc_fail_memory(err);
    bc_param *head = m->params + first;
    bool fits = bc_param_plan(&m->heads->config, m->params, &m->scalars);
    for (int i = 1; i < m->num_heads && fits; i++)
        fits = bc_param_plan_head(&m->heads[i].config, i, head + i * BC_HEAD_PARAMS, &m->scalars);
    for (int i = 0; i < m->num_heads; i++) m->heads[i].first = first + (size_t)i * BC_HEAD_PARAMS;
    for (int i = 0; i < m->num_heads && m->num_heads > 1 && fits; i++)
        bc_param_name_head(head + i * BC_HEAD_PARAMS, heads[i].name);
    if (!fits || !bc_lora_plan(&m->config, &m->lora, m->adapted, m->params, m->params + table, &m->scalars))
        return bc_fail(err, BERTC_INPUT, "config.json: the model's sizes overflow");
    return BERTC_OK;
}

/* Settle everything that follows from m->config and the options: the parameters, without memory. */
static bertc_status lay_out(bertc_model *m, const bertc_model_options *options, const bc_head *heads,
                            bertc_error *err)
{
    if (m->config.hidden_size > BC_MAX_HIDDEN)
        return bc_fail(err, BERTC_INPUT, "config.json: hidden_size %d is more than %d",
                       (int)m->config.hidden_size, BC_MAX_HIDDEN);
    bertc_status status = bc_model_check_stages(options, &m->config, err);
    if (status != BERTC_OK) return status;
    m->threads = options->threads;
    m->half = options->precision == BERTC_BF16;
    m->headless = options->headless;
    m->lora = options->lora;
    m->adapted = options->frozen > 1 ? options->frozen - 1 : 0;
    status = bc_lora_check(&m->lora, &m->config, m->adapted, err);
    if (status == BERTC_OK) status = plan_params(m, heads, err);
    if (status != BERTC_OK) return status;
    m->frozen = options->frozen;
    m->settled = options->settled ? m->frozen : 0;
    for (size_t i = 0; i < m->count; i++) {
        bc_param *p = &m->params[i];
        p->frozen = is_left_out(p, options) || bc_param_stage(&m->config, p) < m->frozen;
    }
    return BERTC_OK;
}

/* Memory and a backend for a model that is laid out; its weights are not yet set. */
static bertc_status furnish(bertc_model *m, const bertc_model_options *options, bertc_error *err)
{
    omp_set_num_threads(m->threads);
    bertc_status status = allocate(m, options->trainable, err);
    if (status == BERTC_OK) status = bc_gemm_open(&m->gemm, options->backend, err);
    if (status == BERTC_OK && m->half) status = allocate_halves(m, err);
    return status;
}

/* Weights that are not trained stay as they are. */
static bertc_status pack_layer(bertc_model *model, int layer, bertc_error *err)
{
    bc_product products[BC_MOST_PRODUCTS];
    int count = bc_model_products(model, layer, products);
    bertc_status status = BERTC_OK;
    for (int i = 0; i < count && status == BERTC_OK; i++) {
        bc_param *p = products[i].w;
        bc_matrix w = p->half ? (bc_matrix){.half = p->half} : (bc_matrix){.full = p->value};
        status = bc_gemm_pack(&model->gemm, w, products[i].in, products[i].out, &p->packed, err);
    }
    return status;
}

/* The copies that products read, once the weights are set. Layers that may be trained are not packed. */
static bertc_status copy_weights(bertc_model *model, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    bc_model_round(model);
    omp_set_num_threads(model->threads);
    int layers = bc_gemm_packs(model->gemm.backend->name) ? packed_layers(model) : 0;
    for (int layer = 0; layer < layers && status == BERTC_OK; layer++)
        status = pack_layer(model, layer, err);
    return status == BERTC_OK ? bc_model_settle(model, err) : status;
}

static bertc_status finish(bertc_model *m, bertc_status status, bertc_model **model,
                           bertc_error *err)
{
    if (status == BERTC_OK) status = copy_weights(m, err);
    if (status == BERTC_OK) *model = m;
    else bertc_model_free(m);
    return status;
}

bertc_status bertc_model_create(const bertc_config *config, const bertc_model_options *options,
                                bertc_model **model, bertc_error *err)
{
    if (model) *model = NULL;
    if (!config || !options || !model) return bc_fail_null(err, __func__, "config, options and model");
    bertc_status status = bc_model_check_options(options, err);
    if (status == BERTC_OK) status = bertc_config_check(config, "config", err);
    if (status != BERTC_OK) return status;
    bertc_model *m = bc_calloc(1, sizeof *m);
    if (!m) return bc_fail_memory(err);
    if (config->head_refusal) status = bc_fail(err, BERTC_INPUT, "%s", config->head_refusal);
    if (status == BERTC_OK) status = bertc_config_copy(&m->config, config, err);
    bertc_model_options settled = *options;
    if (status == BERTC_OK) status = bc_model_take_heads(m, NULL, 0, -1, err);
    if (status == BERTC_OK)
        status = bertc_threads_settle(options->threads, &options->notify, &settled.threads, err);
    if (status == BERTC_OK) status = lay_out(m, &settled, NULL, err);
    if (status == BERTC_OK) status = furnish(m, &settled, err);
    for (size_t i = 0; status == BERTC_OK && i < m->count; i++)
        draw_param(&m->params[i], &m->config, options);
    return finish(m, status, model, err);
}

/* A file's tensors beside their names of today. */
typedef struct bc_weights {
    bc_safetensors file;
    char (*names)[BC_PARAM_NAME];
    bool *used;
    int kept;   /* the model's head that is the file's; -1: none, all are drawn */
    bc_text head; /* what became of the file's */
    bc_overlay over; /* what lies over the file's tensors, of an adapter */
    const bc_tensor **tensors; /* of the model's parameters, null for those that are drawn */
} source;

static void close_source(source *from)
{
    if (!from) return;
    bc_safetensors_close(&from->file);
    bc_overlay_close(&from->over);
    bc_text_clear(&from->head);
    bc_free(from->names);
    bc_free(from->used);
    bc_free(from->tensors);
    bc_free(from);
}

void bertc_model_free(bertc_model *model)
{
    if (!model) return;
    close_source(model->from);
    for (size_t i = 0; model->params && i < model->count; i++)
        bc_gemm_unpack(&model->gemm, model->params[i].packed);
    bc_gemm_close(&model->gemm);
    bertc_config_clear(&model->config);
    for (int i = 0; i < model->num_heads; i++) bertc_config_clear(&model->heads[i].config);
    bc_free(model->heads);
    bc_free(model->params);
    bc_free(model->values);
    bc_free(model->grads);
    bc_free(model->halves);
    bc_free(model);
}

/* ---- loading -------------------------------------------------------------------------------- */

static bertc_status open_source(const char *dir, bertc_model *m, bertc_error *err)
{
    char *path = NULL;
    source *from = m->from = bc_calloc(1, sizeof *from);
    bertc_status status = from ? bc_overlay_open(dir, &from->over, err) : bc_fail_memory(err);
    if (status == BERTC_OK)
        status = bc_model_dir_weights(from->over.adapter.base ? from->over.adapter.base : dir, &path,
                                      err);
    if (status == BERTC_OK) status = bc_safetensors_open(path, &from->file, err);
    bc_free(path);
    if (status != BERTC_OK) return status;
    from->names = bc_alloc(from->file.count, sizeof *from->names);
    from->used = bc_calloc(from->file.count, sizeof *from->used);
    if (!from->names || !from->used) return bc_fail_memory(err);
    for (size_t i = 0; i < from->file.count; i++)
        bc_name_today(from->file.tensors[i].name, from->names[i], BC_PARAM_NAME);
    return BERTC_OK;
}

/* The tensor that holds a parameter: an adapter's; one spelled as today before one that is renamed. */
static const bc_tensor *find_tensor(source *from, const char *name, bool use)
{
    const bc_tensor *over = bc_overlay_find(&from->over, name);
    const bc_tensor *found = bc_safetensors_find(&from->file, name);
    for (size_t i = 0; !found && i < from->file.count; i++)
        if (strcmp(from->names[i], name) == 0) found = &from->file.tensors[i];
    if (found && use) from->used[found - from->file.tensors] = true;
    return over ? over : found;
}

/* The file that a tensor lies in. */
static const bc_safetensors *file_of(const source *from, const bc_tensor *tensor)
{
    bool ours = tensor >= from->file.tensors && tensor < from->file.tensors + from->file.count;
    return ours ? &from->file : &from->over.file;
}

static const char *path_of(const source *from, const bc_tensor *tensor)
{
    return file_of(from, tensor)->path;
}

static bool same_shape(const bc_param *param, const bc_tensor *tensor)
{
    if (param->rank != tensor->rank) return false;
    for (int i = 0; i < param->rank; i++)
        if (param->shape[i] != tensor->shape[i]) return false;
    return true;
}

static bertc_status refuse_shape(const bc_param *param, const bc_tensor *tensor, const char *path,
                                 bertc_error *err)
{
    char shapes[2][64] = {"", ""};
    for (int side = 0; side < 2; side++) {
        int rank = side ? param->rank : tensor->rank;
        const size_t *shape = side ? param->shape : tensor->shape;
        size_t used = 0;
        for (int i = 0; i < rank && used < sizeof shapes[side]; i++)
            used += (size_t)snprintf(shapes[side] + used, sizeof shapes[side] - used, "%s%zu",
                                     i ? "," : "", shape[i]);
    }
    return bc_fail(err, BERTC_INPUT, "%s: tensor \"%s\" has shape (%s), config.json asks for (%s)",
                   path, tensor->name, shapes[0], shapes[1]);
}

/* Why the file's head is not one that bertc computes; null: it is. A head for sentences reads the pooler, and one
 * for tokens has none. */
static const char *find_refusal(source *from, const bertc_config *config, bool there)
{
    if (config->head_refusal) return config->head_refusal;
    if (!there || find_tensor(from, bc_param_table[BC_POOL_W].name, false)) return NULL;
    return "a classifier without a pooler reads tokens, not sentences";
}

/* The head that is the file's, for a pass through it. */
static bertc_status require_head(source *from, const char *refusal, bool there, bertc_error *err)
{
    /* Without an encoder either, its first tensor is missed by name. */
    if (!find_tensor(from, bc_param_table[BC_WORD].name, false)) return BERTC_OK;
    if (!there)
        return bc_fail(err, BERTC_INPUT,
                       "%s: no classifier: this is a bare encoder, fine-tune it first",
                       from->file.path);
    if (!refusal) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s: its head cannot be used: %s", from->file.path, refusal);
}

/* Decide on the heads before memory is laid out: which is the file's, which are drawn. None wanted:
 * the file's it is. */
static bertc_status choose_heads(bertc_model *m, const bertc_model_options *options,
                                 const bc_head *heads, int count, bertc_error *err)
{
    source *from = m->from;
    const bertc_config *config = &m->config;
    const bc_tensor *weight = find_tensor(from, bc_param_table[BC_CLASS_W].name, false);
    const bc_tensor *bias = find_tensor(from, bc_param_table[BC_CLASS_B].name, false);
    bool there = weight && bias;
    const char *refusal = find_refusal(from, config, there);
    bool own = options->headless || count == 0;
    bertc_status status = own && !options->headless ? require_head(from, refusal, there, err) : BERTC_OK;
    if (own) return status == BERTC_OK ? bc_model_take_heads(m, NULL, 0, -1, err) : status;
    bool fits = !options->fresh_head && there && !refusal && weight->rank == 2 &&
                weight->shape[0] == (size_t)config->num_labels &&
                weight->shape[1] == (size_t)config->hidden_size;
    from->kept = fits ? bc_head_find(config, heads, count) : -1;
    if ((there || config->head_refusal) && !options->fresh_head)
        bc_head_describe(&from->head, config, refusal, fits, from->kept, heads, count);
    if (from->head.failed) return bc_fail_memory(err);
    return bc_model_take_heads(m, heads, count, from->kept, err);
}

/* Is this parameter drawn, whatever the file has for it? */
static bool is_drawn_anew(const bertc_model *m, const bc_param *param,
                          const bertc_model_options *options)
{
    int stage = bc_param_stage(&m->config, param), layers = m->config.num_hidden_layers;
    if (param->row->scope == BC_SCOPE_HEAD) return false;
    if (param->row->scope == BC_SCOPE_POOLER && options->fresh_head) return true;
    return options->reinit_layers > 0 && stage > layers - options->reinit_layers;
}

/* Tensors that belong to no part of the model that was asked for are nothing to speak of. */
static void pass_over_rest(const bertc_model *m, const bertc_model_options *options)
{
    source *from = m->from;
    for (size_t i = 0; i < from->file.count; i++) {
        const char *name = from->names[i];
        bool above = options->keep_layers > 0 && bc_name_layer(name) >= m->config.num_hidden_layers;
        bool head = options->headless && (strncmp(name, "bert.pooler.", 12) == 0 ||
                                          strncmp(name, "classifier.", 11) == 0);
        if (above || head) from->used[i] = true;
    }
}

/* The file's tensor for a parameter, if that is to be taken. */
static const bc_tensor *tensor_of(const bertc_model *m, const bc_param *param)
{
    if (param->row->scope != BC_SCOPE_HEAD) return find_tensor(m->from, param->name, true);
    return param->head == m->from->kept ? find_tensor(m->from, param->row->name, true) : NULL;
}

/* Find the tensors of all parameters and check that they fit. `wanted`: heads were asked for. */
static bertc_status match_params(const bertc_model *m, const bertc_model_options *options,
                                 bool wanted, bertc_error *err)
{
    source *from = m->from;
    size_t count = bc_model_table_count(m);
    from->tensors = bc_calloc(m->count, sizeof *from->tensors);
    if (!from->tensors) return bc_fail_memory(err);
    pass_over_rest(m, options);
    for (size_t i = 0; i < count; i++) {
        const bc_param *param = &m->params[i];
        if (m->headless && param->row->scope >= BC_SCOPE_POOLER) continue;
        bool head = param->row->scope == BC_SCOPE_HEAD;
        const bc_tensor *t = tensor_of(m, param);
        from->tensors[i] = is_drawn_anew(m, param, options) ? NULL : t;
        if (t && !same_shape(param, t)) return refuse_shape(param, t, path_of(from, t), err);
        if (t && !bc_dtype_is_float(t->dtype))
            return bc_tensor_check_float(t, path_of(from, t), err);
        if (!t && !head && !(wanted && param->row->scope == BC_SCOPE_POOLER))
            return bc_fail(err, BERTC_INPUT, "%s: tensor \"%s\" is missing", from->file.path,
                           param->name);
    }
    return bc_overlay_check(&from->over, m, options->keep_layers > 0, err);
}

static bool all_finite(const float *x, size_t count)
{
    uint32_t bad = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bad |= (bits & 0x7f800000u) == 0x7f800000u;
    }
    return !bad;
}

/* Read and check piece by piece, so that the check finds its values in the processor's cache. */
static bertc_status read_values(const bc_safetensors *file, const bc_tensor *tensor, float *to, bertc_error *err)
{
    enum { PIECE = 1 << 16 };
    bertc_status status = BERTC_OK;
    for (size_t at = 0, n; at < tensor->count && status == BERTC_OK; at += n) {
        n = tensor->count - at < PIECE ? tensor->count - at : PIECE;
        status = bc_safetensors_floats(file, tensor, at, n, to + at, err);
        if (status == BERTC_OK && !all_finite(to + at, n))
            status = bc_fail(err, BERTC_INPUT, "%s: tensor \"%.200s\": a value is not finite", file->path,
                             tensor->name);
    }
    return status;
}

/* Side by side: most of the time is the first touch of the pages. Of several errors that of the first tensor
 * counts. */
static bertc_status read_params(const bertc_model *m, bertc_error *err)
{
    const bc_tensor **tensors = m->from->tensors;
    bertc_error first = {0};
    size_t bad = SIZE_MAX;
#pragma omp parallel for schedule(dynamic)
    for (size_t i = 0; i < m->count; i++) {
        bertc_error why = {0};
        if (!tensors[i] || read_values(file_of(m->from, tensors[i]), tensors[i], m->params[i].value, &why) == BERTC_OK)
            continue;
#pragma omp critical
        if (i < bad) {
            bad = i;
            first = why;
        }
    }
    return bad == SIZE_MAX ? BERTC_OK : bc_fail(err, first.status, "%s", first.message);
}

/* Append " NAME" to a line, or " ..." once it is full. */
static void list_name(char *line, size_t room, const char *name)
{
    size_t used = strlen(line);
    if (used + strlen(name) + sizeof " ..." < room)
        snprintf(line + used, room - used, " %s", name);
    else if (used + sizeof " ..." <= room && strcmp(line + used - 4, " ...") != 0)
        snprintf(line + used, room - used, " ...");
}

static void notify_loaded(const bertc_model *m, const bertc_notify *notify)
{
    const source *from = m->from;
    char drawn[256] = "new:", ignored[256] = "ignored:";
    size_t loaded = 0, left = 0, count = bc_model_table_count(m);
    const char *over = from->over.file.path;
    for (size_t i = 0; i < count; i++) {
        if (from->tensors[i]) loaded++;
        else if (!m->headless) list_name(drawn, sizeof drawn, m->params[i].name);
    }
    for (size_t i = 0; i < from->file.count; i++) {
        if (from->used[i]) continue;
        left++;
        list_name(ignored, sizeof ignored, from->file.tensors[i].name);
    }
    if (from->head.length > 0) bc_notify(notify, "%s: %s", from->file.path, from->head.bytes);
    bc_notify(notify, "%s: loaded %zu tensors; %s; %s%s%s", from->file.path, loaded,
              loaded == count || m->headless ? "new: none" : drawn, left ? ignored : "ignored: none",
              over ? "; merged with " : "", over ? over : "");
}

static bertc_status keep_layers(bertc_model *m, int32_t layers, const char *dir, bertc_error *err)
{
    if (layers > m->config.num_hidden_layers)
        return bc_fail(err, BERTC_USAGE, "--keep-layers %d: %s/config.json has %d layers", (int)layers,
                       dir, (int)m->config.num_hidden_layers);
    if (layers > 0) m->config.num_hidden_layers = layers;
    return BERTC_OK;
}

bertc_status bc_model_open(const char *dir, const bertc_model_options *options,
                           bertc_model **model, bertc_error *err)
{
    const bc_head head = {bc_head_of(options->num_labels), .labels = options->labels, .num_labels = options->num_labels};
    return bc_model_open_heads(dir, options, &head, options->labels != NULL, model, err);
}

bertc_status bc_model_open_heads(const char *dir, const bertc_model_options *options,
                                 const bc_head *heads, int count, bertc_model **model,
                                 bertc_error *err)
{
    bertc_status status = bc_model_check_options(options, err);
    if (status != BERTC_OK) return status;
    bertc_model *m = bc_calloc(1, sizeof *m);
    status = m ? bc_model_dir_check_finished(dir, err) : bc_fail_memory(err);
    if (status == BERTC_OK) status = bc_adapter_load_config(dir, &m->config, err);
    if (status == BERTC_OK) status = keep_layers(m, options->keep_layers, dir, err);
    if (status == BERTC_OK) status = open_source(dir, m, err);
    if (status == BERTC_OK) status = choose_heads(m, options, heads, count, err);
    if (status == BERTC_OK) status = lay_out(m, options, heads, err);
    if (status == BERTC_OK) status = match_params(m, options, count > 0, err);
    if (status == BERTC_OK) *model = m;
    else bertc_model_free(m);
    return status;
}

const bc_param *bc_model_drawn(const bertc_model *model)
{
    size_t count = bc_model_table_count(model);
    for (size_t i = 0; i < count; i++)
        if (!model->from->tensors[i] && model->params[i].row->scope != BC_SCOPE_HEAD)
            return &model->params[i];
    return NULL;
}

bertc_status bc_model_read(bertc_model *model, const bertc_model_options *options,
                           bertc_error *err)
{
    bertc_status status = furnish(model, options, err);
    if (status == BERTC_OK) status = read_params(model, err);
    if (status != BERTC_OK) return status;
    for (size_t i = 0; i < model->count; i++)
        if (!model->from->tensors[i]) draw_param(&model->params[i], &model->config, options);
    status = bc_overlay_merge(&model->from->over, model, err);
    if (status == BERTC_OK) status = bc_safetensors_check(&model->from->file, err);
    if (status != BERTC_OK) return status;
    notify_loaded(model, &options->notify);
    close_source(model->from);
    model->from = NULL;
    return copy_weights(model, err);
}

bertc_status bertc_model_check_finished(const char *dir, bertc_error *err)
{
    return dir ? bc_model_dir_check_finished(dir, err) : bc_fail_null(err, __func__, "dir");
}

bertc_status bertc_model_load(const char *dir, const bertc_model_options *options,
                              bertc_model **model, bertc_error *err)
{
    bertc_model *m = NULL;
    if (model) *model = NULL;
    if (!dir || !options || !model) return bc_fail_null(err, __func__, "dir, options and model");
    bertc_model_options settled = *options;
    bertc_status status = bertc_threads_settle(options->threads, &options->notify, &settled.threads, err);
    if (status == BERTC_OK) status = bc_model_open(dir, &settled, &m, err);
    if (status == BERTC_OK) status = bc_model_read(m, &settled, err);
    if (status == BERTC_OK) *model = m;
    else bertc_model_free(m);
    return status;
}
