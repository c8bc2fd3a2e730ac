/* The examples that a training step is made of, and where they come from.
 *
 * A source gives the examples of any step. They are a function of the step alone, so that a run which goes on
 * in the middle sees what it would have seen: one data set in epochs (data/epoch.h), and one of several drawn
 * for each step (data/task_sampling.h). */
#ifndef BC_DATA_EXAMPLES_H
#define BC_DATA_EXAMPLES_H

#include "bertc/batch.h"

/* Examples of one data set. What they point to lasts until the next draw. */
typedef struct bc_examples {
    const bertc_inputs *inputs;
    const uint32_t *order; /* (count) indices into inputs */
    size_t count;
    int dataset;              /* which of the source's data sets: 0 where there is one */
    int64_t dataset_step;        /* steps of that data set before this one */
} bc_examples;

typedef struct bc_example_source {
    bertc_status (*draw)(void *self, int64_t step, bc_examples *examples, bertc_error *err);
    void *self;
} bc_example_source;

static inline bertc_status bc_examples_draw(bc_example_source source, int64_t step, bc_examples *examples,
                                            bertc_error *err)
{
    return source.draw(source.self, step, examples, err);
}

#endif
