/* The result is written in an order that a crash cannot confuse:
 *
 *   1. all of it is put together in checkpoint/result/, flushed, run.json last, which has size and hash of the
 *      rest;
 *   2. file after file moves into the run folder, where it replaces nothing, and the folder is flushed;
 *   3. run.json moves last and says that all the rest is there.
 *
 * Until then the run counts as unfinished, and the run.json that waits tells its files from any other: a process
 * that goes on takes back what has that size and hash, and refuses what has not. Where the result cannot be
 * written, what was trained becomes a checkpoint if that can be, and nothing stays that looks like a result. */
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
#include "run/record.h"

static const char record_name[] = "run.json", log_name[] = "log.jsonl";

/* run.json as a member, which is the last. */
static const bc_result_file record = {.folder = ".", .name = record_name};

/* ---- Putting the result together ----------------------------------------------------------- */

static bertc_status write_text(bc_run *run, const bc_dir *dir, const char *name, bc_text *text, bertc_error *err)
{
    bertc_status status = text->failed
                              ? bc_fail_memory(err)
                              : bc_file_write_in(dir, name, text->bytes, text->length, &run->result_files, err);
    bc_text_clear(text);
    return status;
}

/* The scores of one lane, or of all. */
static bertc_status write_scores(bc_run *run, int task, int tasks, const bc_dir *dir, bertc_error *err)
{
    bc_text text = {0};
    bc_record_evals(&text, run, task, tasks);
    return write_text(run, dir, "eval.json", &text, err);
}

/* Those that come from a file were checked before that was written. */
static bertc_status write_values(bc_run *run, int task, const bc_values *values, const bc_dir *dir, bertc_error *err)
{
    const bertc_model *model = bc_trainer_model(run->trainer);
    bertc_status status = values->memory ? bc_run_check_weights(run, values->memory, err) : BERTC_OK;
    if (status != BERTC_OK) return status;
    if (bc_lora_options_saves_adapter(&run->options))
        return bc_model_save_adapter(model, task, values, run->options.model, dir, &run->result_files, err);
    return bc_model_save_values(model, task, values, dir, &run->result_files, err);
}

/* The weights to keep are the model's, or the best ones, straight from their file: the last ones
 * stay in memory, so that the state can still be saved. */
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

/* The words of a model that has them in tokenizer.json only. They stand there as they are read, so
 * both files say the same. */
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

static bertc_status write_files(bc_run *run, int task, const bc_dir *dir, bertc_error *err)
{
    bertc_status status = write_model(run, task, dir, err);
    if (status == BERTC_OK)
        status = bc_model_dir_copy_tokenizer(run->source.home, dir, bc_lora_options_saves_adapter(&run->options),
                                             &run->result_files, err);
    if (status == BERTC_OK) status = write_vocab(run, dir, err);
    if (status == BERTC_OK) status = write_scores(run, task, 1, dir, err);
    if (status != BERTC_OK || run->num_tasks == 1) return status;
    bc_text text = {0};
    bc_record_task(&text, run, task);
    return write_text(run, dir, record_name, &text, err);
}

static bertc_status write_task(bc_run *run, int task, const bc_dir *staging, bertc_error *err)
{
    if (run->num_tasks == 1) return write_files(run, task, staging, err);
    const char *name = run->tasks[task].task->name;
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
    if (status == BERTC_OK) return write_text(run, staging, record_name, &text, err);
    bc_text_clear(&text);
    return status;
}

/* ---- Placing it ---------------------------------------------------------------------------- */

/* Where there is such a file it gets its name in the run folder, and its folder is flushed. */
static bertc_status place_member(bc_run *run, const bc_dir *staging, size_t index, const bc_result_file *m,
                                 bertc_error *err)
{
    bc_dir from = {-1, staging->path}, to = {-1, run->folder.path};
    bc_entry kind = BC_ENTRY_NONE;
    bertc_status status = bc_dir_enter(&from, staging, m->folder, false, err);
    if (status == BERTC_OK) status = bc_dir_entry(&from, m->name, &kind, err);
    if (status == BERTC_OK && kind != BC_ENTRY_NONE) {
        status = bc_dir_enter(&to, &run->folder.root, m->folder, run->num_tasks > 1, err);
        if (status == BERTC_OK) status = bc_dir_place(&from, &to, m->name, err);
        if (status == BERTC_OK) run->placed = index + 1;
        if (status == BERTC_OK) status = bc_dir_sync(&to, err);
    }
    bc_dir_close(&from);
    bc_dir_close(&to);
    return status;
}

static bertc_status place_result(bc_run *run, const bc_dir *staging, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    bc_result_file member;
    size_t i = 0;
    for (; status == BERTC_OK && bc_manifest_file(run, i, &member); i++)
        status = place_member(run, staging, i, &member, err);
    return status == BERTC_OK ? place_member(run, staging, i, &record, err) : status;
}

/* ---- Taking it back ------------------------------------------------------------------------ */

static void warn(const bc_run *run, bertc_status status, const bertc_error *why)
{
    if (status != BERTC_OK) bc_notify(run->folder.notify, "warning: %s", why->message);
}

/* Remove a member in `base`, with what a killed process left under its temporary name. */
static void remove_member(const bc_run *run, const bc_dir *base, const bc_result_file *m, bool temporary)
{
    char name[sizeof m->path + 8];
    bc_dir dir = {-1, base->path};
    bc_entry kind;
    bertc_error why = {0};
    bertc_status status = bc_dir_entry(base, m->folder, &kind, &why);
    if (status == BERTC_OK && kind == BC_ENTRY_NONE) return;
    if (status == BERTC_OK) status = bc_dir_enter(&dir, base, m->folder, false, &why);
    if (status == BERTC_OK) status = bc_dir_remove(&dir, m->name, &why);
    snprintf(name, sizeof name, "%s.tmp", m->name);
    if (status == BERTC_OK && temporary) status = bc_dir_remove(&dir, name, &why);
    bc_dir_close(&dir);
    warn(run, status, &why);
}

/* Folders of tasks that are empty; what is someone else's in them stays. */
static void remove_lanes(const bc_run *run, const bc_dir *base)
{
    for (int i = 0; i < run->num_tasks && run->num_tasks > 1; i++) {
        bertc_error why = {0};
        bertc_status status = bc_dir_remove_folder(base, run->tasks[i].task->name, &why);
        if (errno != ENOTEMPTY && errno != EEXIST) warn(run, status, &why);
    }
}

/* Those that stay, since someone else's files are in them, are flushed. */
static void flush_lanes(const bc_run *run, const bc_dir *base)
{
    for (int i = 0; i < run->num_tasks && run->num_tasks > 1; i++) {
        const char *name = run->tasks[i].task->name;
        bc_dir dir = {-1, base->path};
        bc_entry kind;
        bertc_error why = {0};
        bertc_status status = bc_dir_entry(base, name, &kind, &why);
        if (status == BERTC_OK && kind == BC_ENTRY_FOLDER) {
            status = bc_dir_enter(&dir, base, name, false, &why);
            if (status == BERTC_OK) status = bc_dir_sync(&dir, &why);
        }
        bc_dir_close(&dir);
        warn(run, status, &why);
    }
}

/* Remove what was placed, run.json first: without it the rest stands for nothing. No memory is needed. */
static void withdraw(bc_run *run)
{
    const bc_dir *root = &run->folder.root;
    bc_result_file member;
    bertc_error why = {0};
    size_t count = 0;
    while (bc_manifest_file(run, count, &member)) count++;
    if (run->placed > count) remove_member(run, root, &record, false);
    for (size_t i = 0; i < run->placed && bc_manifest_file(run, i, &member); i++)
        remove_member(run, root, &member, false);
    remove_lanes(run, root);
    flush_lanes(run, root);
    warn(run, bc_dir_sync(root, &why), &why);
    run->placed = 0;
}

/* checkpoint/result/ goes, run.json last: it proves which files are the run's. */
static void clear_staging(const bc_run *run)
{
    const bc_folder *folder = &run->folder;
    bc_dir staging = {-1, folder->staging_path};
    bc_entry kind;
    bc_result_file member;
    bertc_error why = {0};
    bertc_status status = bc_dir_entry(&folder->work, BC_STAGING, &kind, &why);
    if (status == BERTC_OK && (kind != BC_ENTRY_FOLDER || !bc_folder_owns(folder, BC_STAGING))) return;
    if (status == BERTC_OK) status = bc_dir_enter(&staging, &folder->work, BC_STAGING, false, &why);
    if (status == BERTC_OK) {
        for (size_t i = 0; bc_manifest_file(run, i, &member); i++) remove_member(run, &staging, &member, true);
        remove_lanes(run, &staging);
        remove_member(run, &staging, &record, true);
        status = bc_dir_remove_folder(&folder->work, BC_STAGING, &why);
    }
    bc_dir_close(&staging);
    warn(run, status, &why);
}

void bc_run_clear(bc_run *run)
{
    clear_staging(run);
    bc_folder_clear_work(&run->folder);
}

/* The run.json that waited when an earlier process was killed; null: there is none. */
static bertc_status read_waiting(const bc_run *run, cJSON **tree, bertc_error *err)
{
    const bc_folder *folder = &run->folder;
    bc_dir staging = {-1, folder->staging_path};
    bc_entry kind;
    *tree = NULL;
    bertc_status status = bc_dir_entry(&folder->work, BC_STAGING, &kind, err);
    if (status != BERTC_OK || kind != BC_ENTRY_FOLDER || !bc_folder_owns(folder, BC_STAGING)) return status;
    status = bc_dir_enter(&staging, &folder->work, BC_STAGING, false, err);
    if (status == BERTC_OK) status = bc_dir_entry(&staging, record_name, &kind, err);
    bc_dir_close(&staging);
    if (status != BERTC_OK || kind != BC_ENTRY_FILE) return status;
    char *path = bc_path_join(folder->staging_path, record_name);
    bertc_error why = {0};
    status = path ? bc_json_read(path, BC_FILE_SETTINGS, tree, &why) : bc_fail_memory(&why);
    bc_free(path);
    /* One that is damaged proves nothing. */
    return status == BERTC_INPUT || status == BERTC_OK ? BERTC_OK : bc_fail(err, status, "%s", why.message);
}

/* Refuse a member's name where what bears it is not what the run placed there. */
static bertc_status check_member(const bc_run *run, const bc_result_file *m, const cJSON *files, bertc_error *err)
{
    const bc_dir *root = &run->folder.root;
    const cJSON *file = bc_json_get(files, m->path);
    const char *path = m->path;
    bc_dir dir = {-1, root->path};
    bc_entry kind;
    bertc_error why = {0};
    bertc_status status = bc_dir_entry(root, m->folder, &kind, err);
    if (status != BERTC_OK || kind == BC_ENTRY_NONE) return status;
    if (kind == BC_ENTRY_FOLDER) {
        status = bc_dir_enter(&dir, root, m->folder, false, err);
        if (status == BERTC_OK) status = bc_dir_entry(&dir, m->name, &kind, err);
        bc_dir_close(&dir);
        if (status != BERTC_OK || kind == BC_ENTRY_NONE) return status;
    } else {
        path = m->folder;
        kind = BC_ENTRY_OTHER;
    }
    status = kind == BC_ENTRY_FILE && file ? bc_manifest_check_file(run, m->path, file, &why) : BERTC_INPUT;
    if (status == BERTC_INPUT)
        return bc_fail(err, BERTC_USAGE,
                       "%s/%s: in the way of the result, this run did not write it; move it elsewhere", root->path,
                       path);
    return status == BERTC_OK ? BERTC_OK : bc_fail(err, status, "%s", why.message);
}

bertc_status bc_run_remove_result(bc_run *run, bertc_error *err)
{
    bc_result_file member;
    cJSON *waiting;
    size_t i = 0;
    bertc_status status = read_waiting(run, &waiting, err);
    const cJSON *files = bc_json_get(waiting, "files");
    for (; status == BERTC_OK && bc_manifest_file(run, i, &member); i++)
        status = check_member(run, &member, files, err);
    cJSON_Delete(waiting);
    if (status != BERTC_OK) return status;
    run->placed = i;
    withdraw(run);
    clear_staging(run);
    return BERTC_OK;
}

/* ---- The result ---------------------------------------------------------------------------- */

static bertc_status make_result(bc_run *run, bertc_error *err)
{
    bc_folder *folder = &run->folder;
    bc_dir staging = {-1, folder->staging_path};
    bertc_status status = bc_folder_claim(folder, &folder->work, BC_STAGING, err);
    if (status == BERTC_OK) status = bc_dir_enter(&staging, &folder->work, BC_STAGING, true, err);
    if (status == BERTC_OK) status = write_result(run, &staging, err);
    if (status == BERTC_OK) status = place_result(run, &staging, err);
    bc_dir_close(&staging);
    return status;
}

/* What failed is cleared first: the checkpoint may need its room. The log goes too where no checkpoint needs it. */
bertc_status bc_run_finish(bc_run *run, bertc_error *err)
{
    bertc_error why = {0};
    bertc_status status = make_result(run, &why);
    if (status == BERTC_OK) {
        bc_run_clear(run);
        return BERTC_OK;
    }
    withdraw(run);
    clear_staging(run);
    bool saved = run->saving.steps[0] == run->state.step || bc_checkpoint_save(run, NULL) == BERTC_OK;
    if (run->saving.steps[0] == 0) bc_folder_remove(&run->folder, &run->folder.root, log_name);
    return bc_fail(err, status, "%s%s", why.message, saved ? "; the training is saved, go on with --resume" : "");
}
