#include "run/predictions.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/writer.h"
#include "tasks/tasks.h"

void bc_predictions_name(const bc_run_task *task, size_t split, char out[BC_PREDICTIONS_NAME])
{
    const bc_eval_split *which = &task->eval_splits[split];
    bool other = strcmp(which->task->name, task->spec->name) != 0;
    snprintf(out, BC_PREDICTIONS_NAME, "predictions.%s%s%s.jsonl", other ? which->task->name : "", other ? "." : "",
             bertc_split_name(which->split));
}

double bc_predictions_bytes(const bc_run_task *task, size_t split)
{
    /* a logit with its comma; the rest of a line without index and labels; quotes and comma of a label */
    enum { NUMBER = 16, LINE = 96, SEPARATOR = 3 };
    const bertc_dataset *set = task->eval_sets[split];
    const bertc_task *spec = set->task;
    double longest = 0, all = 0, indices = 0, rows = (double)set->count;
    for (int i = 0; i < spec->num_labels && spec->kind != BERTC_REGRESSION; i++) {
        double length = (double)strlen(spec->labels[i]);
        all += length + SEPARATOR;
        longest = fmax(longest, length);
    }
    double label = spec->kind == BERTC_MULTILABEL ? all : longest; /* a predicted set may hold all labels */
    for (size_t i = 0; i < set->count; i++) indices += (double)set->examples[i].nindex;
    return rows * (LINE + 2 * label + NUMBER * (double)task->evals[split].classes) + indices;
}

static bertc_status write_split(bc_run *run, const bc_run_task *task, size_t split, const bc_dir *dir, bertc_error *err)
{
    char name[BC_PREDICTIONS_NAME];
    bc_writer writer;
    bc_text line = {0};
    const bc_eval *eval = &task->evals[split];
    const bertc_dataset *set = task->eval_sets[split];
    bc_predictions_name(task, split, name);
    bertc_status status = bc_writer_open_in(&writer, dir, name, err);
    if (status != BERTC_OK) return status;
    writer.hashes = &run->result_files;
    for (size_t i = 0; i < set->count && !line.failed; i++) {
        line.length = 0;
        bc_put_prediction(&line, set, i, eval->logits + i * eval->classes);
        if (!line.failed) bc_writer_put(&writer, line.bytes, line.length);
    }
    status = line.failed ? bc_fail_memory(err) : bc_writer_commit(&writer, err);
    bc_text_clear(&line);
    bc_writer_abandon(&writer);
    return status;
}

bertc_status bc_predictions_write(bc_run *run, int task, const bc_dir *dir, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    for (size_t i = 0; i < run->tasks[task].eval_count && status == BERTC_OK; i++)
        status = write_split(run, &run->tasks[task], i, dir, err);
    return status;
}
