/* The task that a model predicts, if the caller does not state it.
 *
 * 1. A run folder: its task file, else the task of its run.json. In a run of several tasks, each task has a folder of
 *    its name with a model and a run.json, which lists all tasks of the run; the folder's name then tells which one
 *    it is.
 * 2. A model directory without run.json: its config.json alone. The labels are those of id2label, and their number
 *    gives the kind. Texts are single texts or pairs, as the caller states, from lines or from the columns with usual
 *    names of a table. */
#ifndef BC_RUN_MODEL_TASK_H
#define BC_RUN_MODEL_TASK_H

#include "bertc/config.h"
#include "bertc/train.h"

/* Find a task: the one that the options name, or that of the run folder options->model. *task is null if neither names
 * a task; bertc_task_close releases it. Errors: those of bertc_task_open; BERTC_INPUT for a run whose task is not
 * known; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_model_task_find(const bertc_predict_options *options, const bertc_task **task, bertc_error *err);

/* Make the task of a configuration. bertc_task_close releases it. Errors: BERTC_NOMEM. */
bertc_status bc_model_task_make(const bertc_config *config, bool pair, const bertc_task **task, bertc_error *err);

#endif
