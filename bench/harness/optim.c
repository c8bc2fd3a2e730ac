/* AdamW over all parameters, beside a copy of the same bytes. */
#include <string.h>

#include "base/memory.h"
#include "harness/harness.h"
#include "optim/optim.h"

/* Half of the bytes read, half written; a thread's part at once, since a large memcpy writes past the caches. */
static double time_copy(char *to, const char *from, size_t bytes)
{
    size_t part = bytes / (size_t)settings.threads + 1;
    double began = bc_clock();
#pragma omp parallel for schedule(static) num_threads(settings.threads)
    for (size_t at = 0; at < bytes; at += part) memcpy(to + at, from + at, bytes - at < part ? bytes - at : part);
    return bc_clock() - began;
}

void bench_optim(void)
{
    bertc_error err = {0};
    bertc_model *model = make_model(true);
    bc_optim optim;
    sample update = {0}, copy = {0}, ratio = {0};
    check(bc_optim_create(&optim, model->params, model->count, BERTC_RECIPE_HF, 0.01, settings.threads, &err), &err);
    /* Per parameter: four numbers read, three written, and a bf16 copy of a layer's matrices. */
    size_t bytes = (model->scalars * 28 + bc_model_bf16_scalars(model) * 2) / 2;
    char *from = get(bytes, 1), *to = get(bytes, 1);
    memset(from, 1, bytes);
    memset(to, 2, bytes);
    for (size_t i = 0; i < model->scalars; i++) model->grads[i] = 1e-3f * (float)(i % 31);
    for (int r = -1; r < settings.rounds; r++) {
        double began = bc_clock();
        bc_optim_step(&optim, r + 1, 1e-6, 1);
        double seconds = bc_clock() - began, copied = time_copy(to, from, bytes);
        if (r < 0) continue;
        add(&update, 1e3 * seconds);
        add(&copy, 1e3 * copied);
        add(&ratio, copied / seconds);
    }
    print_figure("optim: AdamW", "ms", update, (bench_work){0});
    print_figure("optim: copy", "ms", copy, (bench_work){0});
    print_figure("optim ratio_to_copy", "ratio", ratio, (bench_work){0});
    bc_free(from);
    bc_free(to);
    bc_optim_clear(&optim);
    bertc_model_free(model);
}
