/* The option table of a fine-tuning run and what derives from it: defaults, checks, the record in
 * run.json, the comparison on resume. */
#include "run/options.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "run/freeze.h"

#define FIELD(name) offsetof(bertc_train_options, name)

/* Options that do not change what a run computes, or that stand for something that is compared by
 * itself: model and data by the hashes of what was read from them. */
enum { FREE = 1, HIDDEN = 2 };

static const bertc_option rows[] = {
    {"task", BERTC_OPTION_TEXT, FIELD(task), NULL, 0, 0, NULL, "TASK",
     "the task, see 'bertc tasks'; several, as in sst2,cola,stsb: one encoder with a head for each", 0},
    {"task-sampling", BERTC_OPTION_CHOICE, FIELD(task_sampling), "proportional", 0, 0,
     "proportional|annealed|uniform", "HOW",
     "how the task of each step is drawn: by the numbers of examples, evenly, or from the first to the "
     "second over the epochs", 0},
    {"model", BERTC_OPTION_TEXT, FIELD(model), NULL, 0, 0, NULL, "DIR",
     "the model to start from, a Hugging Face directory", FREE},
    {"data", BERTC_OPTION_TEXT, FIELD(data), NULL, 0, 0, NULL, "DIR", "the GLUE folder or the task's own", FREE},
    {"out", BERTC_OPTION_TEXT, FIELD(out), NULL, 0, 0, NULL, "DIR", "the run folder, new or empty", FREE | HIDDEN},
    {"epochs", BERTC_OPTION_REAL, FIELD(epochs), "3", 1e-6, 1e6, NULL, "N",
     "passes over the training data, also a fraction", 0},
    {"batch-size", BERTC_OPTION_INT, FIELD(batch_size), "32", 1, 65536, NULL, "N", "sequences in a step", 0},
    {"lr", BERTC_OPTION_REAL, FIELD(lr), "2e-5", 0, 1e30, NULL, "RATE", "the highest learning rate", 0},
    {"max-length", BERTC_OPTION_INT, FIELD(max_length), NULL, 3, 1000000, NULL, "TOKENS",
     "longer texts are truncated to this many tokens; default 128, or the model's most", 0},
    {"recipe", BERTC_OPTION_CHOICE, FIELD(recipe), "hf", 0, 0, "hf|google", "NAME",
     "optimiser and schedule as in transformers or as in Google's code", 0},
    {"warmup-ratio", BERTC_OPTION_REAL, FIELD(warmup_ratio), NULL, 0, 1, NULL, "R",
     "part of the steps in which the rate rises; default 0 (hf) or 0.1 (google)", 0},
    {"weight-decay", BERTC_OPTION_REAL, FIELD(weight_decay), NULL, 0, 1e6, NULL, "W",
     "of weights, not of biases and LayerNorm; default 0 (hf) or 0.01 (google)", 0},
    {"max-grad-norm", BERTC_OPTION_REAL, FIELD(max_grad_norm), "1", 0, 1e30, NULL, "NORM",
     "gradients are scaled down to this norm; 0: never", 0},
    {"dropout", BERTC_OPTION_REAL, FIELD(dropout), NULL, 0, 0.99, NULL, "P",
     "in place of all of the model's dropout probabilities, in this run only", 0},
    {"freeze", BERTC_OPTION_TEXT, FIELD(freeze), "none", 0, 0, NULL, "N|embeddings|all",
     "train neither the embeddings nor the first N layers, nor use dropout there; all: nor the "
     "pooler, the head alone is trained", 0},
    {"unfreeze-schedule", BERTC_OPTION_TEXT, FIELD(unfreeze_schedule), "none", 0, 0,
     NULL, "EPOCH:FREEZE,...|each-epoch",
     "what stays frozen from an epoch on, as in 1:8,2:4,3:none after '--freeze all'; each-epoch: one "
     "layer more is trained after every epoch, from the last down", 0},
    {"train-only", BERTC_OPTION_CHOICE, FIELD(train_only), "all", 0, 0, "all|bias", "WHICH",
     "of the encoder's parameters; bias: biases alone, beside the head", 0},
    {"head-lr", BERTC_OPTION_REAL, FIELD(head_lr), NULL, 0, 1e30, NULL, "RATE",
     "the head's learning rate in place of --lr", 0},
    {"layer-lr-decay", BERTC_OPTION_REAL, FIELD(layer_lr_decay), "1", 1e-6, 1, NULL, "R",
     "each layer's rate is R times that of what lies above it, down to the embeddings", 0},
    {"keep-layers", BERTC_OPTION_INT, FIELD(keep_layers), "0", 0, 1000, NULL, "K",
     "train a smaller model, of the first K layers; 0: of all", 0},
    {"feature-layer", BERTC_OPTION_INT, FIELD(feature_layer), "0", 0, 1000, NULL, "K",
     "train a new pooler and head on the output of layer K as it is: the same as --keep-layers K "
     "--freeze K with both drawn anew; 0: no", 0},
    {"reinit-layers", BERTC_OPTION_INT, FIELD(reinit_layers), "0", 0, 1000, NULL, "K",
     "draw the last K layers and the pooler anew before training; 0: none", 0},
    {"class-weights", BERTC_OPTION_TEXT, FIELD(class_weights), "none", 0, 0, NULL, "balanced|W,W,...",
     "weights of the classes in the loss, in the order of 'bertc tasks'; balanced: as rare as they are "
     "among the training examples", 0},
    {"label-smoothing", BERTC_OPTION_REAL, FIELD(label_smoothing), "0", 0, 1, NULL, "E",
     "part of the target that is spread evenly over the classes", 0},
    {"lora-rank", BERTC_OPTION_INT, FIELD(lora_rank), "0", 0, 1024, NULL, "R",
     "train matrices of rank R beside those of the layers, and the head alone (LoRA); 0: not so", 0},
    {"lora-alpha", BERTC_OPTION_REAL, FIELD(lora_alpha), "8", 1e-6, 1e6, NULL, "A",
     "the product of the two is multiplied by A/R", 0},
    {"lora-dropout", BERTC_OPTION_REAL, FIELD(lora_dropout), "0", 0, 0.99, NULL, "P", "dropout of their input", 0},
    {"lora-targets", BERTC_OPTION_TEXT, FIELD(lora_targets), "query,value", 0, 0, NULL, "NAME,...",
     "which matrices: query, key, value, attention.output.dense, intermediate.dense, output.dense (of "
     "attention too, as in peft), all", 0},
    {"lora-save", BERTC_OPTION_CHOICE, FIELD(lora_save), "merged", 0, 0, "merged|adapter", "HOW",
     "merged: a whole model; adapter: a directory that peft loads over --model", 0},
    {"seed", BERTC_OPTION_INT, FIELD(seed), "42", 0, 9007199254740991.0, NULL, "N",
     "of the order of examples, dropout and the new head", 0},
    {"no-shuffle", BERTC_OPTION_FLAG, FIELD(no_shuffle), NULL, 0, 0, NULL, NULL,
     "take the examples in the order of the file", 0},
    {"max-steps", BERTC_OPTION_INT, FIELD(max_steps), "0", 0, 2147483647, NULL, "N",
     "end after N steps at the latest, the schedule with it; 0: no such limit", 0},
    {"limit-train", BERTC_OPTION_INT, FIELD(limit_train), "0", 0, 2147483647, NULL, "N",
     "use only the first N training examples; 0: all", 0},
    {"stratified", BERTC_OPTION_FLAG, FIELD(stratified), NULL, 0, 0, NULL, NULL,
     "let --limit-train draw by seed, classes in their shares (a regression: tenths by target)", 0},
    {"limit-eval", BERTC_OPTION_INT, FIELD(limit_eval), "0", 0, 2147483647, NULL, "N",
     "use only the first N examples of a split that is scored; 0: all", 0},
    {"eval-splits", BERTC_OPTION_TEXT, FIELD(eval_splits), "dev", 0, 0, NULL, "LIST",
     "what is scored, as in dev,mnli-mm: train, dev, test, or a task of the same labels for its dev "
     "split; the first decides what is best", 0},
    {"eval-every", BERTC_OPTION_INT, FIELD(eval_every), "0", 0, 2147483647, NULL, "STEPS",
     "score every so many steps; 0: only at the end", 0},
    {"keep", BERTC_OPTION_CHOICE, FIELD(keep), "last", 0, 0, "last|best", "WHICH",
     "weights to keep: the last, or the best of the evaluations (then one each epoch)", 0},
    {"best-metric", BERTC_OPTION_CHOICE, FIELD(best_metric), "primary", 0, 0,
     "primary|accuracy|f1|matthews|pearson|spearman|loss", "METRIC",
     "by which an evaluation is the best; primary: the task's first", 0},
    {"patience", BERTC_OPTION_INT, FIELD(patience), "0", 0, 2147483647, NULL, "N",
     "end after N evaluations in a row (by default one each epoch) that are not the best; 0: never", 0},
    {"save-every", BERTC_OPTION_TEXT, FIELD(save_every), "auto", 0, 0, NULL, "STEPS|MINUTESm",
     "save a checkpoint every so many steps, or minutes as in 10m; 0: only when interrupted; auto: every "
     "10m where the disk has room for it", FREE},
    {"resume", BERTC_OPTION_FLAG, FIELD(resume), NULL, 0, 0, NULL, NULL,
     "go on from the checkpoint in --out, or start where there is none", FREE | HIDDEN},
    {"micro-batch-tokens", BERTC_OPTION_INT, FIELD(micro_batch_tokens), "8192", 1, 16777216, NULL,
     "N", "most tokens computed at once; larger batches are computed in parts, to the same result "
     "but for rounding", 0},
    {"gradient-checkpointing", BERTC_OPTION_INT, FIELD(gradient_checkpointing), "0", 0, 1000, NULL,
     "N", "keep only the input of every Nth layer and compute the rest again in backward, to the "
     "same bits: 1 needs least memory; 0: keep all", FREE},
    {"cache-memory", BERTC_OPTION_INT, FIELD(cache_memory), "4096", 0, 1e9, NULL, "MB",
     "most memory for the outputs of layers that stay frozen, which are computed once; 0: none", FREE},
    {"cache-disk", BERTC_OPTION_INT, FIELD(cache_disk), "16384", 0, 1e9, NULL, "MB",
     "largest file for what of them is not in memory; the rest is computed again; 0: none", FREE},
    {"cache-dir", BERTC_OPTION_TEXT, FIELD(cache_dir), "none", 0, 0, NULL, "DIR",
     "keep them there for later runs with the same frozen layers and texts", FREE},
    {"eval-batch-size", BERTC_OPTION_INT, FIELD(eval_batch_size), "32", 1, 65536, NULL, "N",
     "sequences computed together in evaluation", 0},
    {"precision", BERTC_OPTION_CHOICE, FIELD(precision), "f32", 0, 0, "f32|bf16|auto",
     "TYPE", "what the encoder's products multiply; auto: bf16 where backend and processor have it", 0},
    {"backend", BERTC_OPTION_CHOICE, FIELD(backend), "onednn", 0, 0, "onednn|openblas|reference",
     "NAME", "which library multiplies matrices", 0},
    {"threads", BERTC_OPTION_INT, FIELD(threads), "0", 0, 4096, NULL, "N",
     "processor threads; 0: one for each core that may be used, but no more than OMP_NUM_THREADS asks for "
     "and a control group's quota pays for", FREE},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

const bertc_option *bertc_train_option_table(size_t *count)
{
    if (count) *count = ROWS;
    return rows;
}

void bertc_train_defaults(bertc_train_options *options)
{
    if (!options) return;
    *options = (bertc_train_options){
        .epochs = 3, .batch_size = 32, .lr = 2e-5, .warmup_ratio = -1, .weight_decay = -1,
        .max_grad_norm = 1, .dropout = -1, .seed = 42, .recipe = BERTC_RECIPE_HF,
        .freeze = "none", .unfreeze_schedule = "none", .head_lr = -1, .layer_lr_decay = 1,
        .cache_memory = 4096, .cache_disk = 16384, .cache_dir = "none", .keep = BERTC_KEEP_LAST, .save_every = "auto",
        .class_weights = "none", .eval_splits = "dev", .lora_alpha = 8, .lora_targets = "query,value",
        .micro_batch_tokens = BC_PASS_TOKENS, .eval_batch_size = 32};
}

/* ---- Checks -------------------------------------------------------------------------------- */

static const void *field(const bertc_option *row, const bertc_train_options *options)
{
    return (const char *)options + row->offset;
}

/* Whether a field holds the value that stands for "not given". */
static bool is_unset(const bertc_option *row, const bertc_train_options *options)
{
    if (row->initial) return false;
    if (row->kind == BERTC_OPTION_INT) return *(const int64_t *)field(row, options) == 0;
    if (row->kind == BERTC_OPTION_REAL) return *(const double *)field(row, options) < 0;
    return false;
}

static int choices(const bertc_option *row)
{
    int n = 1;
    for (const char *p = row->choices; *p; p++) n += *p == '|';
    return n;
}

static bool in_range(const bertc_option *row, const bertc_train_options *options)
{
    const void *at = field(row, options);
    double value;
    switch (row->kind) {
    case BERTC_OPTION_INT: value = (double)*(const int64_t *)at; break;
    case BERTC_OPTION_REAL: value = *(const double *)at; break;
    case BERTC_OPTION_CHOICE: return *(const int *)at >= 0 && *(const int *)at < choices(row);
    case BERTC_OPTION_TEXT: return *(const char *const *)at != NULL;
    default: return true;
    }
    return value >= row->min && value <= row->max;
}

bertc_status bc_options_check(const bertc_train_options *options, bertc_error *err)
{
    for (size_t i = 0; i < ROWS; i++) {
        const bertc_option *row = &rows[i];
        if (is_unset(row, options) || in_range(row, options)) continue;
        if (row->kind == BERTC_OPTION_TEXT) return bc_fail(err, BERTC_USAGE, "--%s is missing", row->name);
        return bc_fail(err, BERTC_USAGE, "--%s is out of range", row->name);
    }
    return BERTC_OK;
}

bertc_status bc_options_check_predict(const bertc_predict_options *o, bertc_error *err)
{
    const struct {
        const char *name;
        int64_t value, min, max;
    } all[] = {
        {"split", (int)o->split, 0, BERTC_SPLITS - 1},
        {"max-length", o->max_length, 0, 1000000},
        {"batch-size", o->batch_size, 1, 65536},
        {"limit", o->limit, 0, INT32_MAX},
        {"threads", o->threads, 0, 4096},
        {"precision", (int)o->precision, BERTC_F32, BERTC_AUTO},
        {"backend", bertc_backend_name((size_t)o->backend) ? 0 : -1, 0, 0},
    };
    if (!o->model) return bc_fail(err, BERTC_USAGE, "--model is missing");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].value < all[i].min || all[i].value > all[i].max)
            return bc_fail(err, BERTC_USAGE, "--%s is out of range", all[i].name);
    return BERTC_OK;
}

/* The pretrained pooler fits the last layer; --reinit-layers draws it anew, --freeze all keeps it. */
static bertc_status check_feature(const bertc_train_options *o, bertc_error *err)
{
    const struct {
        const char *name;
        bool given;
    } others[] = {{"freeze", strcmp(o->freeze, "none") != 0},
                  {"unfreeze-schedule", strcmp(o->unfreeze_schedule, "none") != 0},
                  {"train-only", o->train_only != BERTC_TRAIN_ALL},
                  {"keep-layers", o->keep_layers > 0},
                  {"reinit-layers", o->reinit_layers > 0}};
    for (size_t i = 0; o->feature_layer > 0 && i < sizeof others / sizeof *others; i++)
        if (others[i].given)
            return bc_fail(err, BERTC_USAGE, "--feature-layer says by itself what is trained: not with --%s",
                           others[i].name);
    return BERTC_OK;
}

bertc_status bc_options_precision(const char *backend, bertc_precision *precision, bertc_error *err)
{
    bertc_precision plain = BERTC_F32;
    bertc_error why = {0};
    bertc_status status = bertc_precision_resolve(backend, &plain, &why);
    if (status == BERTC_USAGE) return bc_fail(err, status, "%s; choose another --backend", why.message);
    if (status == BERTC_OK) status = bertc_precision_resolve(backend, precision, &why);
    const char *option = status == BERTC_USAGE && *precision == BERTC_BF16 ? "--precision bf16: " : "";
    return status == BERTC_OK ? status : bc_fail(err, status, "%s%s", option, why.message);
}

bertc_status bc_options_keep_layers(const bertc_train_options *o, int32_t *layers, bertc_error *err)
{
    bool feature = o->feature_layer > 0;
    int64_t wanted = feature ? o->feature_layer : o->keep_layers;
    bertc_status status = check_feature(o, err);
    if (status != BERTC_OK || wanted == 0) return status;
    if (wanted > *layers)
        return bc_fail(err, BERTC_USAGE, "--%s %d: the model has %d layers",
                       feature ? "feature-layer" : "keep-layers", (int)wanted, (int)*layers);
    *layers = (int32_t)wanted;
    return BERTC_OK;
}

/* An option that says how the encoder is trained, where the head alone is. */
static const char *find_idle(const bertc_train_options *o)
{
    if (o->train_only != BERTC_TRAIN_ALL) return "train-only";
    if (o->layer_lr_decay != 1) return "layer-lr-decay";
    return o->gradient_checkpointing > 0 ? "gradient-checkpointing" : NULL;
}

bertc_status bc_options_trained(const bertc_train_options *o, int32_t layers, int32_t *frozen, bertc_error *err)
{
    int32_t first;
    bertc_status status = bc_freeze_check(o, layers, &first, frozen, err);
    if (status != BERTC_OK) return status;
    if (o->reinit_layers > layers)
        return bc_fail(err, BERTC_USAGE, "--reinit-layers: %d layers, the model has %d",
                       (int)o->reinit_layers, (int)layers);
    if (o->reinit_layers > 0 && bc_layers_below(first, layers) > layers - (int32_t)o->reinit_layers)
        return bc_fail(err, BERTC_USAGE, "--reinit-layers %d: of these --freeze %s trains not all",
                       (int)o->reinit_layers, o->freeze);
    const char *idle = *frozen > bc_stage_pooler(layers) ? find_idle(o) : NULL;
    if (idle) return bc_fail(err, BERTC_USAGE, "--%s: --freeze all trains nothing of the encoder", idle);
    if (strcmp(o->cache_dir, "none") != 0 && bc_layers_below(*frozen, layers) == 0)
        return bc_fail(err, BERTC_USAGE, "--cache-dir: no layer stays frozen; give --freeze, such as all");
    if (o->head_lr >= 0 && o->lr == 0)
        return bc_fail(err, BERTC_USAGE, "--head-lr with an --lr of 0; for the head alone: --freeze all");
    return BERTC_OK;
}

bertc_status bc_options_save_interval(const bertc_train_options *o, bc_save_interval *interval, bertc_error *err)
{
    enum { DIGITS = 10, MAX = 2147483647 };
    const char *text = o->save_every;
    size_t digits = strspn(text, "0123456789");
    bool minutes = digits > 0 && strcmp(text + digits, "m") == 0;
    long long number = digits <= DIGITS ? strtoll(text, NULL, 10) : MAX + 1LL;
    *interval = (bc_save_interval){.is_auto = strcmp(text, "auto") == 0};
    if (interval->is_auto) return BERTC_OK;
    if (digits == 0 || (text[digits] && !minutes) || number > MAX || (minutes && number == 0))
        return bc_fail(err, BERTC_USAGE,
                       "--save-every: '%s' is neither a number of steps nor one of minutes, as in 10m, nor auto", text);
    if (minutes) interval->seconds = 60.0 * (double)number;
    else interval->steps = number;
    return BERTC_OK;
}

/* ---- Record and comparison ----------------------------------------------------------------- */

static void put_choice(bc_text *out, const bertc_option *row, int index)
{
    const char *p = row->choices;
    for (; index > 0; index--) p = strchr(p, '|') + 1;
    bc_text_printf(out, "\"%.*s\"", (int)strcspn(p, "|"), p);
}

static void put_value(bc_text *out, const bertc_option *row, const bertc_train_options *options)
{
    const void *at = field(row, options);
    if (is_unset(row, options)) {
        bc_text_printf(out, "null");
        return;
    }
    switch (row->kind) {
    case BERTC_OPTION_FLAG: bc_text_printf(out, "%s", *(const bool *)at ? "true" : "false"); break;
    case BERTC_OPTION_INT: bc_text_printf(out, "%lld", (long long)*(const int64_t *)at); break;
    case BERTC_OPTION_REAL: bc_json_put_double(out, *(const double *)at); break;
    case BERTC_OPTION_TEXT: bc_text_quote(out, *(const char *const *)at); break;
    case BERTC_OPTION_CHOICE: put_choice(out, row, *(const int *)at); break;
    }
}

void bc_options_record(bc_text *out, const bertc_train_options *options)
{
    const char *separator = "{";
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].commands & HIDDEN) continue;
        bc_text_printf(out, "%s\"%s\":", separator, rows[i].name);
        put_value(out, &rows[i], options);
        separator = ",";
    }
    bc_text_printf(out, "}");
}

/* Compare two records member by member: both are trees of what bc_options_record writes. */
static const bertc_option *first_difference(const cJSON *a, const cJSON *b)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].commands & FREE) continue;
        const cJSON *x = bc_json_get(a, rows[i].name), *y = bc_json_get(b, rows[i].name);
        if (!x || !y || !cJSON_Compare(x, y, true)) return &rows[i];
        if (cJSON_IsNumber(x) && x->valuedouble != y->valuedouble) return &rows[i];
    }
    return NULL;
}

/* A member as it was written, for a message. */
static void put_shown(bc_text *out, const cJSON *item)
{
    const char *flag = cJSON_IsTrue(item) ? "given" : cJSON_IsFalse(item) ? "not given" : "unset";
    if (cJSON_IsNumber(item)) bc_json_put_double(out, item->valuedouble);
    else bc_text_printf(out, "%s", cJSON_IsString(item) ? item->valuestring : flag);
}

static bertc_status fail_different(const bertc_option *row, const cJSON *stored, const cJSON *now,
                                   const char *place, bertc_error *err)
{
    bc_text was = {0}, is = {0};
    put_shown(&was, bc_json_get(stored, row->name));
    put_shown(&is, bc_json_get(now, row->name));
    bertc_status status = was.failed || is.failed
                              ? bc_fail_memory(err)
                              : bc_fail(err, BERTC_USAGE, "%s: --%s was %s in this run and is %s now", place, row->name,
                                        was.bytes, is.bytes);
    bc_text_clear(&was);
    bc_text_clear(&is);
    return status;
}

bertc_status bc_options_compare(const bertc_train_options *options, const cJSON *stored,
                                const char *place, bertc_error *err)
{
    bc_text text = {0};
    cJSON *now = NULL;
    bc_options_record(&text, options);
    bertc_status status =
        text.failed ? bc_fail_memory(err) : bc_json_parse(text.bytes, text.length, "options", &now, err);
    bc_text_clear(&text);
    if (status != BERTC_OK) return status;
    const bertc_option *row = first_difference(stored, now);
    if (row) status = fail_different(row, stored, now, place, err);
    cJSON_Delete(now);
    return status;
}
