/* Whole training steps, compared with the lower bound, and their parts. */
#include <stdio.h>

#include "base/memory.h"
#include "harness/harness.h"
#include "run/options.h"

/* Return the limits that the largest micro-batch needs. */
static bertc_limits limits_of(stepper *t, bc_pack pack)
{
    const bc_examples e = bc_epoch_batch(&t->epoch, 0);
    bertc_limits max = {.longest = t->batch->longest, .training = true};
    for (size_t at = 0, n; at < e.count; at += n) {
        size_t tokens;
        n = bc_pack_next(e.inputs, e.order + at, e.count - at, pack, &tokens);
        if ((int32_t)tokens > max.tokens) max.tokens = (int32_t)tokens;
        if ((int32_t)n > max.sequences) max.sequences = (int32_t)n;
    }
    return max;
}

void open_stepper(stepper *t, const bench_settings *s)
{
    bertc_error err = {0};
    bertc_batch *b = make_batch(s, 0, (int)s->batch_size);
    size_t count = (size_t)b->sequences, tokens = (size_t)b->tokens;
    *t = (stepper){.batch = b, .starts = allocate(count + 1, 2 * sizeof *t->starts)};
    size_t *label_starts = t->starts + count + 1;
    for (size_t i = 0; i <= count; i++) {
        t->starts[i] = (size_t)b->starts[i];
        label_starts[i] = (size_t)b->label_starts[i];
    }
    t->inputs = (bertc_inputs){.count = count, .starts = t->starts, .ids = b->ids, .types = b->types,
                               .labels = b->labels, .label_starts = label_starts, .values = b->values,
                               .longest = (size_t)b->longest};
    const bc_trainer_options options = {.recipe = BERTC_RECIPE_HF, .weight_decay = 0.01, .max_grad_norm = 1,
                                        .seed = 1, .pack = {count, BC_PASS_TOKENS}};
    check(bc_epoch_create(&t->epoch, &t->inputs, count, 0, NULL, &err), &err);
    check(bc_trainer_create(make_model(s, true), &t->trainer, &err), &err);
    check(bc_trainer_use_sparse_rows(t->trainer, tokens, &err), &err);
    bertc_limits limits = limits_of(t, options.pack);
    check(bc_trainer_open(t->trainer, &limits, &options, &err), &err);
}

void close_stepper(stepper *t)
{
    bc_trainer_free(t->trainer);
    bc_epoch_clear(&t->epoch);
    bc_free(t->starts);
    bertc_batch_free(t->batch);
}

bc_step_result train_step(stepper *t)
{
    bertc_error err = {0};
    const bc_step step = {.number = t->steps, .examples = bc_epoch_batch(&t->epoch, t->steps),
                          .divisor = (double)t->inputs.count, .lr = 1e-6};
    bc_step_result result;
    t->steps++;
    check(bc_trainer_step(t->trainer, &step, &result, &err), &err);
    return result;
}

void bench_step(const bench_settings *s)
{
    stepper t;
    open_stepper(&t, s);
    gemm_bound f;
    open_bound(&f, s, bc_trainer_model(t.trainer), t.batch);
    bench_work work = work_of(s, t.batch);
    sample step = {0}, bound = {0}, ratio = {0}, speed = {0};
    train_step(&t);
    for (int r = 0; r < s->rounds; r++) {
        double min = time_bound(&f), seconds = train_step(&t).seconds;
        add(&step, 1e3 * seconds);
        add(&bound, 1e3 * min);
        add(&ratio, min / seconds);
        add(&speed, t.batch->tokens / seconds);
    }
    print_result(s, "step", "ms", step, work);
    print_bound(&f, bound);
    print_result(s, "step ratio_to_floor", "ratio", ratio, work);
    print_result(s, "step speed", "tokens/s", speed, work);
    close_bound(&f);
    close_stepper(&t);
}

void bench_breakdown(const bench_settings *s)
{
    static const char *const names[BC_PROFILE_PARTS] = {
        [BC_PROFILE_EMBEDDINGS] = "embeddings", [BC_PROFILE_PRODUCTS] = "products",   [BC_PROFILE_BIASES] = "biases",
        [BC_PROFILE_ROUNDING] = "rounding",     [BC_PROFILE_ATTENTION] = "attention", [BC_PROFILE_NORMS] = "norms",
        [BC_PROFILE_ACTIVATION] = "activation", [BC_PROFILE_HEAD] = "head",
    };
    stepper t;
    bc_profile profile;
    open_stepper(&t, s);
    bench_work work = work_of(s, t.batch);
    sample part[BC_PROFILE_PARTS] = {0}, norm = {0}, update = {0}, whole = {0}, share = {0};
    train_step(&t);
    bc_trainer_workspace(t.trainer)->profile = &profile;
    for (int r = 0; r < s->rounds; r++) {
        profile = (bc_profile){.last = bc_clock()};
        bc_step_result result = train_step(&t);
        double sum = result.norm_seconds + result.update_seconds;
        for (int i = 0; i < BC_PROFILE_PARTS; i++) {
            add(&part[i], 1e3 * profile.seconds[i]);
            sum += profile.seconds[i];
        }
        add(&norm, 1e3 * result.norm_seconds);
        add(&update, 1e3 * result.update_seconds);
        add(&whole, 1e3 * result.seconds);
        add(&share, sum / result.seconds);
    }
    for (int i = 0; i < BC_PROFILE_PARTS; i++) {
        char what[NAME];
        snprintf(what, sizeof what, "step: %s", names[i]);
        print_result(s, what, "ms", part[i], work);
    }
    print_result(s, "step: gradient norm", "ms", norm, work);
    print_result(s, "step: AdamW", "ms", update, work);
    print_result(s, "step: whole", "ms", whole, work);
    print_result(s, "step: parts of the whole", "ratio", share, work);
    close_stepper(&t);
    double sum = spread_of(share).median;
    if (sum < 0.95 || sum > 1.05) fail(BERTC_IO, "breakdown", "the sum of the parts is not within 5 % of the step");
}
