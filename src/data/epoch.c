#include "data/epoch.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/rng.h"

bertc_status bc_epoch_create(bc_epoch *epoch, const bertc_inputs *inputs, size_t batch_size, uint64_t seed,
                             uint64_t *scratch, bertc_error *err)
{
    size_t count = inputs->count;
    *epoch = (bc_epoch){.inputs = inputs, .batch_size = batch_size, .seed = seed, .scratch = scratch, .current = -1};
    epoch->steps = (int64_t)(count / batch_size + (count % batch_size != 0));
    epoch->order = bc_alloc(count, sizeof *epoch->order);
    return epoch->order ? BERTC_OK : bc_fail_memory(err);
}

void bc_epoch_clear(bc_epoch *epoch)
{
    bc_free(epoch->order);
    *epoch = (bc_epoch){0};
}

static void set_order(bc_epoch *epoch, int64_t number)
{
    size_t count = epoch->inputs->count;
    if (epoch->current == number) return;
    epoch->current = number;
    if (epoch->scratch) bc_rng_shuffle(epoch->seed, (uint32_t)number, epoch->order, epoch->scratch, count);
    else
        for (size_t i = 0; i < count; i++) epoch->order[i] = (uint32_t)i;
}

bc_examples bc_epoch_batch(bc_epoch *epoch, int64_t step)
{
    set_order(epoch, step / epoch->steps);
    size_t first = (size_t)(step % epoch->steps) * epoch->batch_size, left = epoch->inputs->count - first;
    return (bc_examples){.inputs = epoch->inputs, .order = epoch->order + first, .task_step = step,
                         .count = left < epoch->batch_size ? left : epoch->batch_size};
}

static bertc_status draw(void *self, int64_t step, bc_examples *examples, bertc_error *err)
{
    (void)err;
    *examples = bc_epoch_batch(self, step);
    return BERTC_OK;
}

bc_example_source bc_epoch_source(bc_epoch *epoch)
{
    return (bc_example_source){draw, epoch};
}
