/* How far a run has come: everything that is neither a weight nor a moment.
 *
 * The order of the examples and dropout are functions of seed, epoch and step, so the step says
 * where in the data the run stands; there is no generator to save. */
#ifndef BC_RUN_STATE_H
#define BC_RUN_STATE_H

#include "base/text.h"
#include "bertc/train.h"

/* What the evaluations of a task came to. */
typedef struct bc_task_state {
    int64_t best_step; /* whose weights are kept; 0: none */
    double first_loss; /* of the task's first step */
    double loss;       /* of its last ones, see bc_warnings_add_step */
    double best_loss;  /* the same at best_step */
    size_t splits;     /* that are scored: */
    bertc_scores last[BERTC_MAX_EVALS]; /* of the last evaluation */
    bertc_scores best[BERTC_MAX_EVALS]; /* of `best_step` */
} bc_task_state;

typedef struct bc_state {
    int64_t step;      /* updates done */
    int64_t evaluated; /* the step that was last evaluated, 0: none */
    int64_t tokens;    /* trained on so far */
    int64_t log_bytes; /* of log.jsonl that belong to this state */
    double loss_sum;   /* over steps */
    int64_t tasks;     /* 1 at least */
    bc_task_state task[BERTC_MAX_TASKS];
} bc_state;

/* As a JSON object, and back. Errors: BERTC_INPUT, BERTC_NOMEM. */
void bc_state_record(bc_text *out, const bc_state *state);
bertc_status bc_state_parse(const char *text, const char *place, bc_state *state, bertc_error *err);

#endif
