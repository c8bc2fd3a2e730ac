/* The state of a run, without weights and moments.
 *
 * The order of examples and dropout are functions of seed, epoch and step. The step therefore determines the position
 * in the data, and there is no random generator to save. */
#ifndef BC_RUN_STATE_H
#define BC_RUN_STATE_H

#include "base/text.h"
#include "bertc/train.h"

/* Losses and scores of a task. */
typedef struct bc_task_state {
    int64_t best_step; /* step of the best evaluation so far; 0: no evaluation */
    double first_loss; /* loss of the task's first step */
    double loss;       /* running mean of the loss, see bc_warnings_add_step */
    double best_loss;  /* the running mean at best_step */
    size_t splits;     /* number of evaluation splits */
    bertc_scores last[BERTC_MAX_EVALS]; /* scores of the last evaluation, by split */
    bertc_scores best[BERTC_MAX_EVALS]; /* scores of the evaluation at best_step, by split */
} bc_task_state;

typedef struct bc_state {
    int64_t step;      /* updates done */
    int64_t evaluated; /* step of the last evaluation; 0: no evaluation */
    int64_t tokens;    /* tokens trained on so far */
    int64_t log_bytes; /* length of log.jsonl at this state */
    double loss_sum;   /* sum of the losses of all steps */
    int64_t tasks;     /* number of tasks, at least 1 */
    bc_task_state task[BERTC_MAX_TASKS];
} bc_state;

/* Append a state as a JSON object. Scores hold their first five metrics, the loss, and the metrics in the set
 * `metrics`, bit m for metric m. The values of other metrics read back as NaN. */
void bc_state_record(bc_text *out, const bc_state *state, uint32_t metrics);

/* Read a state from JSON. Messages name the source `place`. Errors: BERTC_INPUT, BERTC_NOMEM. */
bertc_status bc_state_parse(const char *text, const char *place, bc_state *state, bertc_error *err);

#endif
