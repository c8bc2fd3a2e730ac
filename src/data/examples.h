/* The examples of a training step, and the sources that supply them.
 *
 * A source returns the examples of any step. They are a function of the step's index alone, so a resumed run sees the
 * same examples as an uninterrupted one. There are two sources: one data set in epochs (data/epoch.h), and several data
 * sets of which each step samples one (data/task_sampling.h). */
#ifndef BC_DATA_EXAMPLES_H
#define BC_DATA_EXAMPLES_H

#include "bertc/batch.h"

/* Examples of one data set. The arrays are valid until the next draw. */
typedef struct bc_examples {
    const bertc_inputs *inputs;
    const uint32_t *order; /* (count) indices into inputs */
    size_t count;
    int task;              /* selects the model's head; 0 if there is only one task */
    int64_t task_step;     /* number of earlier steps of that task */
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
