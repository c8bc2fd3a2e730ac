#include "run/freeze.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Parse a value of --freeze for a model of `layers` layers. Sets *frozen to the number of frozen stages. Errors:
 * BERTC_USAGE naming `option`. */
static bertc_status parse_freeze(const char *text, size_t length, const char *option, int32_t layers, int32_t *frozen,
                                bertc_error *err)
{
    const struct {
        const char *word;
        int32_t frozen;
    } words[] = {{"none", 0}, {"embeddings", BC_STAGE_LAYERS}, {"all", bc_stage_head(layers)}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].word) == length && memcmp(text, words[i].word, length) == 0) {
            *frozen = words[i].frozen;
            return BERTC_OK;
        }
    if (length == 0 || strspn(text, "0123456789") < length)
        return bc_fail(err, BERTC_USAGE, "--%s: '%.*s' is not none, embeddings, all or a number of layers", option,
                       (int)length, text);
    long count = length < 9 ? strtol(text, NULL, 10) : LONG_MAX;
    if (count > layers)
        return bc_fail(err, BERTC_USAGE, "--%s %.*s: the model has %d layer%s", option, (int)length, text, (int)layers,
                       layers == 1 ? "" : "s");
    *frozen = bc_stage_layer((int32_t)count);
    return BERTC_OK;
}

/* ---- Entries ------------------------------------------------------------------------------- */

static const char schedule[] = "unfreeze-schedule";

/* A schedule while it is parsed. */
typedef struct reader {
    const char *rest; /* text that is not parsed yet; null: each-epoch */
    int32_t layers;
    double epoch;     /* epoch of the last entry; 0 before the first */
    int32_t frozen;   /* number of frozen stages from this epoch on */
} reader;

static bool is_given(const bertc_train_options *o)
{
    return strcmp(o->unfreeze_schedule, "none") != 0;
}

static bertc_status start(const bertc_train_options *o, int32_t layers, reader *r, bertc_error *err)
{
    *r = (reader){.rest = o->unfreeze_schedule, .layers = layers};
    if (r->rest && strcmp(r->rest, "each-epoch") == 0) r->rest = NULL;
    r->frozen = bc_stage_pooler(layers);
    if (o->feature_layer > 0) return BERTC_OK;
    return parse_freeze(o->freeze, strlen(o->freeze), "freeze", layers, &r->frozen, err);
}

/* Go to the next entry of each-epoch. The pooler is unfrozen together with the last layer: an entry for the pooler
 * alone would train no layer. */
static bool next_of_each(const bertc_train_options *o, reader *r)
{
    if (r->frozen == 0 || r->epoch + 1 >= o->epochs) return false;
    r->frozen = bc_stage_layer(bc_layers_below(r->frozen, r->layers)) - 1;
    r->epoch++;
    return true;
}

static bertc_status parse_entry(reader *r, bertc_error *err)
{
    size_t length = strcspn(r->rest, ",");
    const char *colon = memchr(r->rest, ':', length), *end = r->rest + length;
    char *after;
    double epoch = strtod(r->rest, &after);
    int32_t frozen = 0;
    if (!colon || after == r->rest || after != colon || !isfinite(epoch))
        return bc_fail(err, BERTC_USAGE, "--%s: '%.*s' is not EPOCH:FREEZE, such as 1:8", schedule, (int)length,
                       r->rest);
    bertc_status status = parse_freeze(colon + 1, (size_t)(end - colon - 1), schedule, r->layers, &frozen, err);
    if (status != BERTC_OK) return status;
    if (epoch <= r->epoch)
        return bc_fail(err, BERTC_USAGE, "--%s: '%.*s' is not after epoch %g", schedule, (int)length,
                       r->rest, r->epoch);
    if (frozen >= r->frozen)
        return bc_fail(err, BERTC_USAGE, "--%s: '%.*s' unfreezes no further part", schedule, (int)length, r->rest);
    r->epoch = epoch;
    r->frozen = frozen;
    r->rest = *end == ',' ? end + 1 : end;
    if (*end == ',' && *r->rest == '\0')
        return bc_fail(err, BERTC_USAGE, "--%s: nothing after the last comma", schedule);
    return BERTC_OK;
}

/* Go to the next entry. Sets *more if there is an entry. */
static bertc_status next(const bertc_train_options *o, reader *r, bool *more, bertc_error *err)
{
    *more = r->rest ? *r->rest != '\0' : next_of_each(o, r);
    return *more && r->rest ? parse_entry(r, err) : BERTC_OK;
}

bertc_status bc_freeze_check(const bertc_train_options *options, int32_t layers, int32_t *first, int32_t *last,
                             bertc_error *err)
{
    reader r;
    bertc_status status = start(options, layers, &r, err);
    if (status != BERTC_OK) return status;
    *first = *last = r.frozen;
    if (!is_given(options)) return BERTC_OK;
    if (r.frozen == 0)
        return bc_fail(err, BERTC_USAGE, "--%s: nothing is frozen; add --freeze, such as --freeze all", schedule);
    if (r.rest && *r.rest == '\0') return bc_fail(err, BERTC_USAGE, "--%s is empty", schedule);
    for (bool more = true; more && status == BERTC_OK;) {
        status = next(options, &r, &more, err);
        *last = r.frozen;
    }
    return status;
}

/* ---- Steps --------------------------------------------------------------------------------- */

/* Set first_step of the parameters of all stages from `frozen` on, except stages that an earlier entry unfroze. */
static void set_first_step(bertc_model *model, int32_t frozen, int64_t step)
{
    for (size_t i = 0; i < model->count; i++) {
        bc_param *p = &model->params[i];
        if (bc_param_stage(&model->config, p) >= frozen && p->first_step > step) p->first_step = step;
    }
}

bertc_status bc_freeze_plan(const bertc_train_options *options, bertc_model *model, int64_t epoch_steps, int64_t steps,
                            bertc_error *err)
{
    reader r;
    bertc_status status = start(options, model->config.num_hidden_layers, &r, err);
    if (status != BERTC_OK) return status;
    for (size_t i = 0; i < model->count; i++) model->params[i].first_step = INT64_MAX;
    set_first_step(model, r.frozen, 0);
    for (bool more = is_given(options); more;) {
        status = next(options, &r, &more, err);
        if (status != BERTC_OK || !more) return status;
        double step = ceil(r.epoch * (double)epoch_steps);
        if (step >= (double)steps && !r.rest) return BERTC_OK; /* --max-steps ends the run before */
        if (step >= (double)steps)
            return bc_fail(err, BERTC_USAGE, "--%s: epoch %g is past the end of the run", schedule, r.epoch);
        set_first_step(model, r.frozen, (int64_t)step);
    }
    return BERTC_OK;
}
