/* The result is written in an order that is safe at any crash:
 *
 *   1. All files are written to the staging folder checkpoint/result/ and flushed. run.json is written last; it records
 *      the size and hash of each other file.
 *   2. The files move one by one into the run folder. They replace nothing, and the folder is flushed.
 *   3. run.json moves last. A run folder with run.json is finished.
 *
 * After a crash in between the run is unfinished. A process that resumes the run reads the staged run.json. It removes
 * files of the run folder that have the size and hash listed there. Another file of such a name is an error. If the
 * result cannot be written, its files are removed and the state is saved as a checkpoint if possible. */
#include "run/result.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/writer.h"
#include "formats/model_dir.h"
#include "nn/adapter_weights.h"
#include "nn/model_save.h"
#include "run/lora_options.h"
#include "run/checkpoint.h"
#include "run/journal.h"
#include "run/manifest.h"
#include "run/predictions.h"
#include "run/record.h"
#include "run/thresholds.h"

/* run.json, the last file of a result. */
static const bc_result_file record = {.folder = ".", .name = BC_RUN_RECORD};

/* ---- Writing to the staging folder --------------------------------------------------------- */

static bertc_status write_text(bc_run *run, const bc_dir *dir, const char *name, bc_text *text, bertc_error *err)
{
    bertc_status status = text->failed
                              ? bc_fail_memory(err)
                              : bc_file_write_in(dir, name, text->bytes, text->length, &run->result_files, err);
    bc_text_clear(text);
    return status;
}

/* Write the scores of `count` tasks from `task` on. */
static bertc_status write_scores(bc_run *run, int task, int count, const bc_dir *dir, bertc_error *err)
{
    bc_text text = {0};
    bc_record_evals(&text, run, task, count);
    return write_text(run, dir, BC_RUN_EVAL, &text, err);
}

/* Write the weights of a task's model. Weights from a file were checked before the file was written. */
static bertc_status write_values(bc_run *run, int task, const bc_values *values, const bc_dir *dir, bertc_error *err)
{
    const bertc_model *model = bc_trainer_model(run->trainer);
    bertc_status status = values->memory ? bc_run_check_weights(run, values->memory, err) : BERTC_OK;
    if (status != BERTC_OK) return status;
    if (bc_lora_options_saves_adapter(&run->options))
        return bc_model_save_adapter(model, task, values, run->options.model, dir, &run->result_files, err);
    return bc_model_save_values(model, task, values, dir, &run->result_files, err);
}

/* Write the last weights, or the best weights directly from their file. The last weights stay in memory, so that the
 * state can still be saved. */
static bertc_status write_model(bc_run *run, int task, const bc_dir *dir, bertc_error *err)
{
    bc_weights best;
    bc_values values = {.memory = bc_trainer_model(run->trainer)->values};
    if (bc_run_result_step(run, task) == run->state.step) return write_values(run, task, &values, dir, err);
    bertc_status status = bc_checkpoint_open_best(run, task, &best, &values, err);
    if (status == BERTC_OK) status = write_values(run, task, &values, dir, err);
    bc_weights_close(&best);
    return status;
}

/* Write vocab.txt if the model has its vocabulary only in tokenizer.json. */
static bertc_status write_vocab(bc_run *run, const bc_dir *dir, bertc_error *err)
{
    static const char name[] = "vocab.txt";
    bc_entry kind;
    size_t length;
    bertc_status status = bc_dir_entry(dir, name, &kind, err);
    if (status != BERTC_OK || kind == BC_ENTRY_FILE) return status;
    const char *text = bertc_vocab_text(run->source.vocab, &length);
    return bc_file_write_in(dir, name, text, length, &run->result_files, err);
}

/* Write the task file of a user's own task. */
static bertc_status write_task_file(bc_run *run, int task, const bc_dir *dir, bertc_error *err)
{
    const bertc_task *spec = run->tasks[task].spec;
    char *json = NULL;
    if (!spec->own) return BERTC_OK;
    bertc_status status = bertc_task_json(spec, run->options.max_length, true, &json, err);
    if (status == BERTC_OK)
        status = bc_file_write_in(dir, BC_RUN_TASK, json, strlen(json), &run->result_files, err);
    bc_free(json);
    return status;
}

static bertc_status write_files(bc_run *run, int task, const bc_dir *dir, bertc_error *err)
{
    bertc_status status = write_model(run, task, dir, err);
    if (status == BERTC_OK)
        status = bc_model_dir_copy_tokenizer(run->source.tokenizer_dir, dir,
                                             bc_lora_options_saves_adapter(&run->options), &run->result_files, err);
    if (status == BERTC_OK) status = write_vocab(run, dir, err);
    if (status == BERTC_OK) status = bc_thresholds_write(run, task, dir, err);
    if (status == BERTC_OK) status = write_scores(run, task, 1, dir, err);
    if (status == BERTC_OK) status = write_task_file(run, task, dir, err);
    if (status == BERTC_OK) status = bc_predictions_write(run, task, dir, err);
    if (status != BERTC_OK || run->num_tasks == 1) return status;
    bc_text text = {0};
    bc_record_task(&text, run, task);
    return write_text(run, dir, BC_RUN_RECORD, &text, err);
}

static bertc_status write_task(bc_run *run, int task, const bc_dir *staging, bertc_error *err)
{
    if (run->num_tasks == 1) return write_files(run, task, staging, err);
    const char *name = run->tasks[task].spec->name;
    char *path = bc_path_join(staging->path, name);
    bc_dir dir = {-1, path};
    bertc_status status = path ? bc_dir_enter(&dir, staging, name, true, err) : bc_fail_memory(err);
    if (status == BERTC_OK) status = write_files(run, task, &dir, err);
    bc_dir_close(&dir);
    bc_free(path);
    return status;
}

static bertc_status write_result(bc_run *run, const bc_dir *staging, bertc_error *err)
{
    bc_text text = {0};
    bertc_status status = BERTC_OK;
    for (int i = 0; i < run->num_tasks && status == BERTC_OK; i++) status = write_task(run, i, staging, err);
    if (status == BERTC_OK && run->num_tasks > 1) status = write_scores(run, 0, run->num_tasks, staging, err);
    if (status == BERTC_OK) status = bc_log_sync(&run->log, err);
    if (status == BERTC_OK) status = bc_record_run(&text, run, staging->path, err);
    if (status == BERTC_OK) return write_text(run, staging, BC_RUN_RECORD, &text, err);
    bc_text_clear(&text);
    return status;
}

/* ---- Moving to the run folder -------------------------------------------------------------- */

/* Move a file from the staging folder to the run folder, if it exists, and flush the run folder. */
static bertc_status place_file(bc_run *run, const bc_dir *staging, size_t index, const bc_result_file *file,
                               bertc_error *err)
{
    bc_dir from = {-1, staging->path}, to = {-1, run->folder.path};
    bc_entry kind = BC_ENTRY_NONE;
    bertc_status status = bc_dir_enter(&from, staging, file->folder, false, err);
    if (status == BERTC_OK) status = bc_dir_entry(&from, file->name, &kind, err);
    if (status == BERTC_OK && kind != BC_ENTRY_NONE) {
        status = bc_dir_enter(&to, &run->folder.root, file->folder, run->num_tasks > 1, err);
        if (status == BERTC_OK) status = bc_dir_place(&from, &to, file->name, err);
        if (status == BERTC_OK) run->placed = index + 1;
        if (status == BERTC_OK) status = bc_dir_sync(&to, err);
    }
    bc_dir_close(&from);
    bc_dir_close(&to);
    return status;
}

/* ---- Removing ------------------------------------------------------------------------------ */

static void warn(const bc_run *run, bertc_status status, const bertc_error *why)
{
    if (status != BERTC_OK) bc_notify(run->folder.notify, "warning: %s", why->message);
}

/* Remove a file of the result in `base`. With `temporary`, also remove the temporary file that a killed process
 * left. */
static void remove_file(const bc_run *run, const bc_dir *base, const bc_result_file *file, bool temporary)
{
    char name[sizeof file->path + 8];
    bc_dir dir = {-1, base->path};
    bc_entry kind;
    bertc_error why = {0};
    bertc_status status = bc_dir_entry(base, file->folder, &kind, &why);
    if (status == BERTC_OK && kind == BC_ENTRY_NONE) return;
    if (status == BERTC_OK) status = bc_dir_enter(&dir, base, file->folder, false, &why);
    if (status == BERTC_OK) status = bc_dir_remove(&dir, file->name, &why);
    snprintf(name, sizeof name, "%s.tmp", file->name);
    if (status == BERTC_OK && temporary) status = bc_dir_remove(&dir, name, &why);
    bc_dir_close(&dir);
    warn(run, status, &why);
}

/* Remove the empty folders of tasks. Folders with other files stay and are flushed. */
static void remove_task_folders(const bc_run *run, const bc_dir *base)
{
    for (int i = 0; i < run->num_tasks && run->num_tasks > 1; i++) {
        const char *name = run->tasks[i].spec->name;
        bc_dir dir = {-1, base->path};
        bertc_error why = {0};
        bertc_status status = bc_dir_remove_folder(base, name, &why);
        if (status != BERTC_OK && (errno == ENOTEMPTY || errno == EEXIST)) {
            why = (bertc_error){0};
            status = bc_dir_enter(&dir, base, name, false, &why);
            if (status == BERTC_OK) status = bc_dir_sync(&dir, &why);
        }
        bc_dir_close(&dir);
        warn(run, status, &why);
    }
}

/* Remove the files that were placed in the run folder, without allocating memory. run.json is removed first: without
 * run.json the run is unfinished. */
static void remove_placed(bc_run *run)
{
    const bc_dir *root = &run->folder.root;
    bc_result_file file;
    bertc_error why = {0};
    size_t count = 0;
    while (bc_manifest_file(run, count, &file)) count++;
    if (run->placed > count) remove_file(run, root, &record, false);
    for (size_t i = 0; i < run->placed && bc_manifest_file(run, i, &file); i++) remove_file(run, root, &file, false);
    remove_task_folders(run, root);
    warn(run, bc_dir_sync(root, &why), &why);
    run->placed = 0;
}

/* Remove the staging folder. run.json is removed last, because it identifies the files of the run. */
static void remove_staging(const bc_run *run)
{
    const bc_folder *folder = &run->folder;
    bc_dir staging = {-1, folder->staging_path};
    bc_entry kind;
    bc_result_file file;
    bertc_error why = {0};
    bertc_status status = bc_dir_entry(&folder->work, BC_RUN_STAGING, &kind, &why);
    if (status == BERTC_OK && (kind != BC_ENTRY_FOLDER || !bc_folder_owns(folder, BC_RUN_STAGING))) return;
    if (status == BERTC_OK) status = bc_dir_enter(&staging, &folder->work, BC_RUN_STAGING, false, &why);
    if (status == BERTC_OK) {
        for (size_t i = 0; bc_manifest_file(run, i, &file); i++) remove_file(run, &staging, &file, true);
        remove_task_folders(run, &staging);
        remove_file(run, &staging, &record, true);
        status = bc_dir_remove_folder(&folder->work, BC_RUN_STAGING, &why);
    }
    bc_dir_close(&staging);
    warn(run, status, &why);
}

void bc_run_clear_work(bc_run *run)
{
    remove_staging(run);
    bc_folder_clear_work(&run->folder);
}

/* Read the run.json that an earlier process left in the staging folder; *tree is null if there is no valid run.json. */
static bertc_status read_staged(const bc_run *run, cJSON **tree, bertc_error *err)
{
    const bc_folder *folder = &run->folder;
    bc_dir staging = {-1, folder->staging_path};
    bc_entry kind;
    *tree = NULL;
    bertc_status status = bc_dir_entry(&folder->work, BC_RUN_STAGING, &kind, err);
    if (status != BERTC_OK || kind != BC_ENTRY_FOLDER || !bc_folder_owns(folder, BC_RUN_STAGING)) return status;
    status = bc_dir_enter(&staging, &folder->work, BC_RUN_STAGING, false, err);
    if (status == BERTC_OK) status = bc_dir_entry(&staging, BC_RUN_RECORD, &kind, err);
    bc_dir_close(&staging);
    if (status != BERTC_OK || kind != BC_ENTRY_FILE) return status;
    char *path = bc_path_join(folder->staging_path, BC_RUN_RECORD);
    bertc_error why = {0};
    status = path ? bc_json_read(path, BC_FILE_SETTINGS, tree, &why) : bc_fail_memory(&why);
    bc_free(path);
    /* A damaged run.json identifies no file. */
    return status == BERTC_INPUT || status == BERTC_OK ? BERTC_OK : bc_fail(err, status, "%s", why.message);
}

/* Check that a file in the run folder with the name of a file of the result has the recorded size and hash. */
static bertc_status check_file(const bc_run *run, const bc_result_file *file, const cJSON *files, bertc_error *err)
{
    const bc_dir *root = &run->folder.root;
    const cJSON *recorded = bc_json_get(files, file->path);
    const char *path = file->path;
    bc_dir dir = {-1, root->path};
    bc_entry kind;
    bertc_error why = {0};
    bertc_status status = bc_dir_entry(root, file->folder, &kind, err);
    if (status != BERTC_OK || kind == BC_ENTRY_NONE) return status;
    if (kind == BC_ENTRY_FOLDER) {
        status = bc_dir_enter(&dir, root, file->folder, false, err);
        if (status == BERTC_OK) status = bc_dir_entry(&dir, file->name, &kind, err);
        bc_dir_close(&dir);
        if (status != BERTC_OK || kind == BC_ENTRY_NONE) return status;
    } else {
        path = file->folder;
        kind = BC_ENTRY_OTHER;
    }
    bool known = kind == BC_ENTRY_FILE && recorded;
    status = known ? bc_manifest_check_file(run, file->path, recorded, &why) : BERTC_INPUT;
    if (status == BERTC_INPUT)
        return bc_fail(err, BERTC_USAGE,
                       "%s/%s: in the way of the result, this run did not write it; move it elsewhere", root->path,
                       path);
    return status == BERTC_OK ? BERTC_OK : bc_fail(err, status, "%s", why.message);
}

bertc_status bc_run_remove_result(bc_run *run, bertc_error *err)
{
    bc_result_file file;
    cJSON *staged;
    size_t i = 0;
    bertc_status status = read_staged(run, &staged, err);
    const cJSON *files = bc_json_get(staged, "files");
    for (; status == BERTC_OK && bc_manifest_file(run, i, &file); i++) status = check_file(run, &file, files, err);
    cJSON_Delete(staged);
    if (status != BERTC_OK) return status;
    run->placed = i;
    remove_placed(run);
    remove_staging(run);
    return BERTC_OK;
}

/* ---- The result ---------------------------------------------------------------------------- */

static bertc_status make_result(bc_run *run, bertc_error *err)
{
    bc_folder *folder = &run->folder;
    bc_dir staging = {-1, folder->staging_path};
    bc_result_file file;
    size_t i = 0;
    bertc_status status = bc_folder_claim(folder, &folder->work, BC_RUN_STAGING, err);
    if (status == BERTC_OK) status = bc_dir_enter(&staging, &folder->work, BC_RUN_STAGING, true, err);
    if (status == BERTC_OK) status = write_result(run, &staging, err);
    for (; status == BERTC_OK && bc_manifest_file(run, i, &file); i++)
        status = place_file(run, &staging, i, &file, err);
    if (status == BERTC_OK) status = place_file(run, &staging, i, &record, err);
    bc_dir_close(&staging);
    return status;
}

/* If writing the result fails, its files are removed first, because the checkpoint may need their disk space. If there
 * is no checkpoint, the log is removed too. */
bertc_status bc_run_finish(bc_run *run, bertc_error *err)
{
    bertc_error why = {0};
    bertc_status status = make_result(run, &why);
    if (status == BERTC_OK) {
        bc_run_clear_work(run);
        return BERTC_OK;
    }
    remove_placed(run);
    remove_staging(run);
    bool saved = run->saving.steps[0] == run->state.step || bc_checkpoint_save(run, NULL) == BERTC_OK;
    if (run->saving.steps[0] == 0) bc_folder_remove(&run->folder, &run->folder.root, BC_RUN_LOG);
    return bc_fail(err, status, "%s%s", why.message, saved ? "; the training is saved, go on with --resume" : "");
}
