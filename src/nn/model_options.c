/* What a model can be asked for. */
#include "base/error.h"
#include "nn/model.h"

enum { MOST_THREADS = 4096 };

/* A value out of its range. */
static bertc_status refuse(const char *name, int value, bertc_error *err)
{
    return bc_fail(err, BERTC_USAGE, "bertc_model_options.%s: %d is out of range", name, value);
}

bertc_status bc_model_check_options(const bertc_model_options *o, bertc_error *err)
{
    const struct {
        const char *name;
        int value, least, most;
    } all[] = {
        {"precision", (int)o->precision, BERTC_F32, BERTC_BF16},
        {"init", (int)o->init, BERTC_INIT_NORMAL, BERTC_INIT_TRUNCATED},
        {"threads", o->threads, 0, MOST_THREADS},
        {"frozen", o->frozen, 0, INT32_MAX},
        {"keep_layers", o->keep_layers, 0, INT32_MAX},
        {"reinit_layers", o->reinit_layers, 0, INT32_MAX},
        {"num_labels", o->labels ? o->num_labels : 1, 1, INT32_MAX},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].value < all[i].least || all[i].value > all[i].most)
            return refuse(all[i].name, all[i].value, err);
    for (int32_t i = 0; o->labels && i < o->num_labels; i++)
        if (!o->labels[i])
            return bc_fail(err, BERTC_USAGE, "bertc_model_options.labels: label %d of %d is null", (int)i,
                           (int)o->num_labels);
    return BERTC_OK;
}

bertc_status bc_model_check_stages(const bertc_model_options *o, const bertc_config *config, bertc_error *err)
{
    int32_t layers = config->num_hidden_layers;
    if (o->frozen > layers + 2) return refuse("frozen", o->frozen, err);
    if (o->reinit_layers > layers) return refuse("reinit_layers", o->reinit_layers, err);
    return BERTC_OK;
}
