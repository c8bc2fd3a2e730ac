#include "run/lora_options.h"

#include <string.h>

#include "base/error.h"
#include "nn/lora.h"
#include "nn/model_load.h"

/* Return the name of a --lora option that does not have its default value; or null. */
static const char *find_given(const bertc_train_options *o)
{
    bertc_train_options d;
    bertc_train_defaults(&d);
    if (o->lora_alpha != d.lora_alpha) return "lora-alpha";
    if (o->lora_dropout != d.lora_dropout) return "lora-dropout";
    if (strcmp(o->lora_targets, d.lora_targets) != 0) return "lora-targets";
    return o->lora_save != d.lora_save ? "lora-save" : NULL;
}

/* Return the name of an option that is set but cannot be combined with adapters; or null. */
static const char *find_contrary(const bertc_train_options *o)
{
    if (o->train_only != BERTC_TRAIN_ALL) return "train-only";
    if (o->reinit_layers > 0) return "reinit-layers";
    if (o->feature_layer > 0) return "feature-layer";
    return strcmp(o->unfreeze_schedule, "none") != 0 ? "unfreeze-schedule" : NULL;
}

/* Return the targets that peft matches with a name: modules whose path is the name or ends with a dot and the name.
 * "dense" is not allowed, since it would match the pooler too, which has no adapter. */
static uint32_t match_targets(const char *name, size_t length)
{
    uint32_t found = 0;
    if (length == 3 && memcmp(name, "all", 3) == 0) return (1u << BC_LORA_TARGETS) - 1;
    if (length == 5 && memcmp(name, "dense", 5) == 0) return 0;
    for (int t = 0; t < BC_LORA_TARGETS; t++) {
        const char *module = bc_lora_targets[t].module;
        size_t all = strlen(module);
        if (length == 0 || length > all || memcmp(module + all - length, name, length) != 0) continue;
        if (length == all || module[all - length - 1] == '.') found |= 1u << t;
    }
    return found;
}

bertc_status bc_lora_targets_parse(const char *list, uint32_t *targets, bertc_error *err)
{
    *targets = 0;
    for (const char *at = list;; at++) {
        size_t length = strcspn(at, ",");
        uint32_t named = match_targets(at, length);
        if (!named)
            return bc_fail(err, BERTC_USAGE,
                           "--lora-targets: '%.*s' is not query, key, value, attention.output.dense, "
                           "intermediate.dense, output.dense or all",
                           (int)(length < 64 ? length : 64), at);
        *targets |= named;
        at += length;
        if (*at == '\0') return BERTC_OK;
    }
}

bertc_status bc_lora_options_check(const bertc_train_options *o, int32_t layers, int32_t frozen, bertc_lora *lora,
                                   bertc_error *err)
{
    *lora = (bertc_lora){0};
    const char *name = o->lora_rank > 0 ? find_contrary(o) : find_given(o);
    if (name && o->lora_rank > 0)
        return bc_fail(err, BERTC_USAGE, "--lora-rank and --%s exclude each other: with adapters the encoder itself is "
                       "not trained", name);
    if (name) return bc_fail(err, BERTC_USAGE, "--%s has no effect without --lora-rank", name);
    if (o->lora_rank == 0) return BERTC_OK;
    if (o->keep_layers > 0 && o->lora_save == BERTC_LORA_ADAPTER)
        return bc_fail(err, BERTC_USAGE, "--lora-save adapter: with --keep-layers the adapter would not fit --model; "
                       "use --lora-save merged");
    if (frozen >= bc_stage_pooler(layers))
        return bc_fail(err, BERTC_USAGE, "--lora-rank: --freeze %s leaves no layer to adapt", o->freeze);
    *lora = (bertc_lora){.rank = (int32_t)o->lora_rank, .alpha = o->lora_alpha,
                         .dropout = o->lora_dropout};
    return bc_lora_targets_parse(o->lora_targets, &lora->targets, err);
}

bertc_status bc_lora_options_check_base(const bc_run *run, bertc_error *err)
{
    if (!bc_lora_options_saves_adapter(&run->options)) return BERTC_OK;
    const char *model = run->options.model;
    if (run->source.base)
        return bc_fail(err, BERTC_USAGE, "--lora-save adapter: %s is itself an adapter, and an adapter needs a "
                       "complete model; use --lora-save merged", model);
    const bc_param *missing = bc_model_first_initialized(bc_trainer_model(run->trainer));
    if (!missing) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s: tensor \"%s\" is missing and was newly initialized, and an adapter "
                   "cannot contain it; use --lora-save merged", model, missing->name);
}
