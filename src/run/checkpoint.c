/* Saving. A checkpoint is one hashed file that appears complete or not at all:
 *
 *   1. log.jsonl is flushed, so that the disk holds the log up to the length that the checkpoint records. The best
 *      weights were flushed to a file of their own when they were found.
 *   2. The name of the checkpoint is added to the journal.
 *   3. step-N.safetensors is written to a temporary file, flushed, compared with the bytes that were passed to write,
 *      and renamed. The folder is flushed.
 *   4. Only then are files removed that neither of the two newest checkpoints refers to.
 *
 * If the process is killed in between, the previous checkpoint and all files that it refers to are still there. */
#include "run/checkpoint.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "run/journal.h"
#include "run/options.h"
#include "run/fingerprints.h"
#include "run/hashed_file.h"

enum { NAME = 64 };

static void set_name(char name[NAME], const char *prefix, int64_t step)
{
    snprintf(name, NAME, "%s-%lld.safetensors", prefix, (long long)step);
}

bertc_status bc_checkpoint_open(const bc_run *run, const char *prefix, int64_t step, bc_weights *file, bertc_error *err)
{
    char name[NAME];
    set_name(name, prefix, step);
    char *path = bc_path_join(run->folder.work.path, name);
    *file = (bc_weights){0};
    bertc_status status = path ? bc_hashed_file_open(path, file, err) : bc_fail_memory(err);
    bc_free(path);
    return status;
}

static bool is_kept(const bc_run *run, const char *name)
{
    long long step;
    if (bc_folder_parse_name(name, "step", &step)) return step == run->saving.steps[0] || step == run->saving.steps[1];
    if (!bc_folder_parse_name(name, "best", &step)) return true;
    for (int i = 0; i < run->num_tasks; i++)
        if (step == run->state.task[i].best_step || step == run->saving.best[0][i] || step == run->saving.best[1][i])
            return true;
    return false;
}

void bc_checkpoint_remember(bc_run *run, int index, const bc_state *state)
{
    run->saving.steps[index] = state->step;
    for (int i = 0; i < run->num_tasks; i++) run->saving.best[index][i] = state->task[i].best_step;
}

/* Remove the files that neither the kept checkpoints nor the current state refer to. */
static void prune(const bc_run *run)
{
    const bc_folder *folder = &run->folder;
    bc_dir_names names;
    bertc_error why = {0};
    bc_dir_names_begin(&names, &folder->work);
    for (const char *name; (name = bc_dir_names_next(&names)) != NULL;)
        if (!is_kept(run, name) && bc_folder_owns(folder, name)) bc_folder_remove(folder, &folder->work, name);
    if (bc_dir_names_end(&names, &folder->work, &why) != BERTC_OK)
        bc_notify(folder->notify, "warning: %s", why.message);
}

static bertc_status write_file(bc_run *run, const char *name, const bc_hashed_tensor *tensors, size_t count,
                               const char *const *texts, bertc_error *err)
{
    const bc_dir *work = &run->folder.work;
    bertc_status status = bc_folder_claim(&run->folder, work, name, err);
    return status == BERTC_OK ? bc_hashed_file_write(work, name, tensors, count, texts, err) : status;
}

static bertc_status write_checkpoint(bc_run *run, const char *name, bertc_error *err)
{
    const bc_trainer_state trained = bc_trainer_state_of(run->trainer);
    const bc_hashed_tensor tensors[] = {{"weights", trained.values, trained.scalars},
                                        {"m", trained.m, trained.trained},
                                        {"v", trained.v, trained.trained}};
    bc_text state = {0}, options = {0}, hashes = {0};
    char log[BC_HASH_HEX];
    bertc_status status;
    bc_log_end(&run->log, log);
    bc_state_record(&state, &run->state, run->needed_metrics);
    bc_options_record(&options, &run->options);
    bc_fingerprints_record(&hashes, &run->fingerprints);
    const char *const texts[] = {"format", "bertc-checkpoint-1", "state", state.bytes, "options", options.bytes,
                                 "prints", hashes.bytes,         "log",   log,         NULL};
    status = state.failed || options.failed || hashes.failed ? bc_fail_memory(err)
                                                             : write_file(run, name, tensors, 3, texts, err);
    bc_text_clear(&state);
    bc_text_clear(&options);
    bc_text_clear(&hashes);
    return status;
}

/* Weights that are not finite are not saved: they are useless and would replace a valid checkpoint. */
bertc_status bc_checkpoint_save(bc_run *run, bertc_error *err)
{
    bertc_status status = bc_run_check_weights(run, bc_trainer_model(run->trainer)->values, err);
    if (status == BERTC_OK) status = bc_log_sync(&run->log, err);
    if (status != BERTC_OK) return status;
    run->state.log_bytes = run->log.length;
    char name[NAME];
    set_name(name, "step", run->state.step);
    status = write_checkpoint(run, name, err);
    if (status != BERTC_OK) return status;
    run->saving.steps[1] = run->saving.steps[0];
    memcpy(run->saving.best[1], run->saving.best[0], sizeof run->saving.best[1]);
    bc_checkpoint_remember(run, 0, &run->state);
    prune(run);
    return BERTC_OK;
}

/* ---- Best weights -------------------------------------------------------------------------- */

static size_t split_logits(const bc_eval *eval)
{
    return eval->texts * eval->classes;
}

/* The number of logits of all evaluation splits of the first `tasks` tasks. */
static size_t count_logits(const bc_run *run, int tasks)
{
    size_t sum = 0;
    for (const bc_run_task *task = run->tasks; task < run->tasks + tasks; task++)
        for (size_t i = 0; i < task->eval_count; i++) sum += split_logits(&task->evals[i]);
    return sum;
}

/* The logits are saved with the weights, task by task and split by split. These weights are not in memory at the end of
 * the run, when the predictions of the result are written. */
bertc_status bc_checkpoint_save_best(bc_run *run, bertc_error *err)
{
    const bc_trainer_state trained = bc_trainer_state_of(run->trainer);
    static const char *const texts[] = {"format", "bertc-weights-1", NULL};
    bertc_status status = bc_run_check_weights(run, trained.values, err);
    if (status != BERTC_OK) return status;
    size_t count = count_logits(run, run->num_tasks), used = 0;
    float *logits = bc_alloc(count, sizeof *logits);
    if (!logits) return bc_fail_memory(err);
    for (const bc_run_task *task = run->tasks; task < run->tasks + run->num_tasks; task++)
        for (size_t i = 0; i < task->eval_count; used += split_logits(&task->evals[i++]))
            memcpy(logits + used, task->evals[i].logits, split_logits(&task->evals[i]) * sizeof *logits);
    const bc_hashed_tensor tensors[] = {{"weights", trained.values, trained.scalars}, {"logits", logits, count}};
    char name[NAME];
    set_name(name, "best", run->state.step);
    status = write_file(run, name, tensors, 2, texts, err);
    bc_free(logits);
    if (status == BERTC_OK) prune(run);
    return status;
}

bertc_status bc_checkpoint_check_best(const bc_run *run, int64_t step, bertc_error *err)
{
    bc_weights file;
    const bc_tensor *tensor;
    bertc_status status = bc_checkpoint_open(run, "best", step, &file, err);
    if (status == BERTC_OK)
        status = bc_hashed_file_find(&file, "weights", bc_trainer_model(run->trainer)->scalars, &tensor, err);
    if (status == BERTC_OK)
        status = bc_hashed_file_find(&file, "logits", count_logits(run, run->num_tasks), &tensor, err);
    bc_weights_close(&file);
    return status;
}

bertc_status bc_checkpoint_read_best_logits(bc_run *run, int index, bertc_error *err)
{
    bc_weights file;
    bc_values values;
    const bc_tensor *tensor;
    bc_run_task *task = &run->tasks[index];
    size_t at = count_logits(run, index);
    bertc_status status = bc_checkpoint_open_best(run, index, &file, &values, err);
    if (status == BERTC_OK)
        status = bc_hashed_file_find(&file, "logits", count_logits(run, run->num_tasks), &tensor, err);
    for (size_t i = 0; i < task->eval_count && status == BERTC_OK; at += split_logits(&task->evals[i++]))
        status = bc_tensor_floats(tensor, at, split_logits(&task->evals[i]), task->evals[i].logits, err);
    if (status == BERTC_OK) status = bc_weights_check(&file, err);
    bc_weights_close(&file);
    return status;
}

bertc_status bc_checkpoint_open_best(const bc_run *run, int task, bc_weights *file, bc_values *values, bertc_error *err)
{
    *values = (bc_values){0};
    bertc_status status = bc_checkpoint_open(run, "best", run->state.task[task].best_step, file, err);
    if (status != BERTC_OK) return status;
    return bc_hashed_file_find(file, "weights", bc_trainer_model(run->trainer)->scalars, &values->tensor, err);
}
