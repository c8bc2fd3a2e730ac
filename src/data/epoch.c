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

bc_examples bc_epoch_batch(bc_epoch *epoch, int64_t step)
{
    int64_t index = step / epoch->steps;
    size_t count = epoch->inputs->count, first = (size_t)(step % epoch->steps) * epoch->batch_size;
    size_t left = count - first;
    if (epoch->current != index && epoch->scratch)
        bc_rng_shuffle(epoch->seed, (uint32_t)index, epoch->order, epoch->scratch, count);
    for (size_t i = 0; epoch->current != index && !epoch->scratch && i < count; i++) epoch->order[i] = (uint32_t)i;
    epoch->current = index;
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
