/* AdamW over all parameters, compared with a copy of the same number of bytes. */
#include <string.h>

#include "base/memory.h"
#include "harness/harness.h"
#include "optim/optim.h"

/* Copy `bytes` bytes. Each thread copies its part with one memcpy, because a large memcpy bypasses the caches. */
static double time_copy(const bench_settings *s, char *to, const char *from, size_t bytes)
{
    size_t part = bytes / (size_t)s->threads + 1;
    double began = bc_clock();
#pragma omp parallel for schedule(static) num_threads((int)s->threads)
    for (size_t at = 0; at < bytes; at += part) memcpy(to + at, from + at, bytes - at < part ? bytes - at : part);
    return bc_clock() - began;
}

void bench_optim(const bench_settings *s)
{
    bertc_error err = {0};
    bertc_model *model = make_model(s, true);
    bc_optim optim;
    sample update = {0}, copy = {0}, ratio = {0};
    check(bc_optim_create(&optim, model->params, model->count, BERTC_RECIPE_HF, 0.01, (int)s->threads, &err), &err);
    /* Per parameter AdamW reads four and writes three numbers, and writes the bf16 copies. A copy moves each byte
     * twice. */
    size_t bytes = (model->scalars * 28 + bc_model_bf16_scalars(model) * 2) / 2;
    char *from = allocate(bytes, 1), *to = allocate(bytes, 1);
    memset(from, 1, bytes);
    memset(to, 2, bytes);
    for (size_t i = 0; i < model->scalars; i++) model->grads[i] = 1e-3f * (float)(i % 31);
    for (int r = -1; r < s->rounds; r++) {
        double began = bc_clock();
        bc_optim_step(&optim, r + 1, 1e-6, 1);
        double seconds = bc_clock() - began, copied = time_copy(s, to, from, bytes);
        if (r < 0) continue;
        add(&update, 1e3 * seconds);
        add(&copy, 1e3 * copied);
        add(&ratio, copied / seconds);
    }
    print_result(s, "optim: AdamW", "ms", update, (bench_work){0});
    print_result(s, "optim: copy", "ms", copy, (bench_work){0});
    print_result(s, "optim ratio_to_copy", "ratio", ratio, (bench_work){0});
    bc_free(from);
    bc_free(to);
    bc_optim_clear(&optim);
    bertc_model_free(model);
}
