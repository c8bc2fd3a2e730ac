/* What a user should know of training data before a run: repeated rows, classes with a single example, texts that are
 * also in an evaluation split. */
#ifndef BC_TASKS_SURVEY_H
#define BC_TASKS_SURVEY_H

#include <stddef.h>
#include <stdint.h>

#include "bertc/task.h"

typedef struct bc_survey {
    uint64_t *texts;     /* (count) sorted hashes of the texts */
    size_t count;
    size_t repeated;     /* rows whose texts and label equal those of another, less one for each different row */
    size_t single;       /* classes with one example */
    int32_t first_single; /* the first of these classes */
} bc_survey;

/* Survey labelled training data. bc_survey_clear releases it, also after an error. Errors: BERTC_NOMEM. */
bertc_status bc_survey_take(const bertc_dataset *train, bc_survey *survey, bertc_error *err);
void bc_survey_clear(bc_survey *survey);

/* Count the examples of another data set whose texts are in the training data. */
size_t bc_survey_count_shared(const bc_survey *survey, const bertc_dataset *other);

#endif
