#include "run/passes.h"

#include "base/size.h"

void bc_passes_limit(const bc_run *run, size_t tokens, bertc_limits *limits)
{
    size_t longest = 0, max = 0;
    for (const bc_run_task *task = run->tasks; task < run->tasks + run->num_tasks; task++) {
        longest = bc_max(longest, task->train->longest);
        for (size_t i = 0; i < task->eval_count; i++) {
            const bc_eval *eval = &task->evals[i];
            bc_pack pack = {eval->pack.sequences, tokens};
            max = bc_max(max, bc_pack_max(eval->inputs, eval->order, pack));
        }
    }
    size_t trained = bc_min(run->plan.batch_tokens, bc_max(tokens, longest));
    limits->trained = (int32_t)trained;
    limits->tokens = (int32_t)bc_max(trained, max);
}

static bertc_status bound_batch_tokens(bc_run *run, bertc_error *err)
{
    bc_pack batch = {run->plan.pack.sequences, SIZE_MAX};
    for (int i = 0; i < run->num_tasks; i++) {
        bc_run_task *task = &run->tasks[i];
        bertc_status status = bc_pack_longest_first(task->train, task->epoch.order, err);
        if (status != BERTC_OK) return status;
        run->plan.batch_tokens = bc_max(run->plan.batch_tokens, bc_pack_max(task->train, task->epoch.order, batch));
        task->epoch.current = -1; /* epoch.order no longer holds the order of an epoch */
    }
    return BERTC_OK;
}

/* Count the tokens of the largest batch. The order of every epoch is known in advance, so all batches can be counted.
 * In a very long run a batch of the longest examples is counted instead, as an upper bound. */
static bertc_status count_batch_tokens(bc_run *run, bertc_error *err)
{
    static const int64_t few = 1 << 22;
    if (run->plan.steps > few / (int64_t)run->plan.pack.sequences) return bound_batch_tokens(run, err);
    for (int64_t step = 0; step < run->plan.steps; step++) {
        bc_examples e;
        size_t tokens = 0;
        bertc_status status = bc_examples_draw(run->examples, step, &e, err);
        if (status != BERTC_OK) return status;
        for (size_t i = 0; i < e.count; i++) tokens += e.inputs->starts[e.order[i] + 1] - e.inputs->starts[e.order[i]];
        run->plan.batch_tokens = bc_max(run->plan.batch_tokens, tokens);
    }
    return BERTC_OK;
}

bertc_status bc_passes_plan(bc_run *run, bertc_error *err)
{
    size_t examples = 0;  /* maximum number of training examples of a task */
    size_t sequences = 0; /* maximum number of sequences of an evaluation pass */
    size_t longest = 0;   /* number of tokens of the longest sequence */
    for (const bc_run_task *task = run->tasks; task < run->tasks + run->num_tasks; task++) {
        examples = bc_max(examples, task->train->count);
        longest = bc_max(longest, task->train->longest);
        for (size_t i = 0; i < task->eval_count; i++) {
            const bc_eval *eval = &task->evals[i];
            sequences = bc_max(sequences, bc_min(eval->pack.sequences, eval->inputs->count));
            longest = bc_max(longest, eval->inputs->longest);
        }
    }
    for (const bc_run_task *task = run->tasks; task < run->tasks + run->num_tasks; task++) {
        int32_t *max = &run->plan.max_labels, labels = bc_pack_max_labels(task->train, (size_t)run->options.batch_size);
        if (labels > *max) *max = labels;
        for (size_t i = 0; i < task->eval_count; i++) {
            labels = bc_pack_max_labels(task->evals[i].inputs, task->evals[i].pack.sequences);
            if (labels > *max) *max = labels;
        }
    }
    run->plan.pack = (bc_pack){.sequences = bc_min((size_t)run->options.batch_size, examples),
                               .tokens = (size_t)run->options.micro_batch_tokens};
    bertc_status status = count_batch_tokens(run, err);
    if (status != BERTC_OK) return status;
    run->plan.limits = (bertc_limits){
        .sequences = (int32_t)bc_max(run->plan.pack.sequences, sequences),
        .longest = (int32_t)longest,
        .training = true,
        .checkpointing = (int32_t)run->options.gradient_checkpointing,
    };
    bc_passes_limit(run, run->plan.pack.tokens, &run->plan.limits);
    return BERTC_OK;
}
