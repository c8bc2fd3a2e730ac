/* Resuming from a checkpoint.
 *
 * The newest valid checkpoint is used. It is valid if its own bytes, the best weights that it refers to and the part of
 * log.jsonl that it recorded are undamaged. A damaged checkpoint is skipped with a warning. A valid checkpoint with
 * other options, data or initial weights is an error. */
#include "run/restore.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "run/checkpoint.h"
#include "run/journal.h"
#include "run/options.h"
#include "run/fingerprints.h"
#include "run/result.h"
#include "run/hashed_file.h"

enum { MAX = 64 }; /* far more checkpoints than a run keeps */

static int newest_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

/* List the steps of the run's checkpoints on disk, newest first. */
static bertc_status list_steps(const bc_run *run, int64_t steps[MAX], size_t *count, bertc_error *err)
{
    const bc_folder *folder = &run->folder;
    long long step;
    bc_dir_names names;
    *count = 0;
    bc_dir_names_begin(&names, &folder->work);
    for (const char *name; *count < MAX && (name = bc_dir_names_next(&names)) != NULL;)
        if (bc_folder_parse_name(name, "step", &step) && bc_folder_owns(folder, name)) steps[(*count)++] = step;
    qsort(steps, *count, sizeof *steps, newest_first);
    return bc_dir_names_end(&names, &folder->work, err);
}

/* Check the log and the best weights, with their logits, that a checkpoint refers to.
 * Errors: BERTC_INPUT naming the damaged file. */
static bertc_status check_companions(const bc_run *run, const bc_state *state, const bc_weights *file, bertc_error *err)
{
    const char *recorded = bc_safetensors_metadata(file, "log");
    char hash[BC_HASH_HEX];
    bertc_status status = bc_log_hash(&run->folder, state->log_bytes, hash, err);
    if (status == BERTC_OK && !(recorded && strcmp(recorded, hash) == 0))
        status = bc_fail(err, BERTC_INPUT, "%s/" BC_RUN_LOG ": changed since the checkpoint was saved",
                         run->folder.path);
    if (run->options.keep != BERTC_KEEP_BEST) return status;
    int64_t checked = 0;
    for (int i = 0; i < state->tasks && status == BERTC_OK; i++) {
        int64_t step = state->task[i].best_step;
        bool is_saved = step > 0 && step < run->plan.steps; /* those of the last step are in the checkpoint itself */
        if (step != checked && is_saved) status = bc_checkpoint_check_best(run, step, err);
        checked = step;
    }
    return status;
}

static bertc_status parse_text(const bc_weights *file, const char *key, cJSON **tree, bertc_error *err)
{
    const char *text = bc_safetensors_metadata(file, key);
    if (!text) return bc_fail(err, BERTC_INPUT, "%s: no \"%s\" in its metadata", file->path, key);
    return bc_json_parse(text, strlen(text), file->path, tree, err);
}

/* Compare this run with recorded options and fingerprints. Errors: BERTC_USAGE naming the first difference. */
static bertc_status compare(const bc_run *run, const cJSON *options, const cJSON *hashes, bertc_error *err)
{
    bertc_status status = bc_options_compare(&run->options, options, run->folder.path, err);
    return status == BERTC_OK ? bc_fingerprints_compare(&run->fingerprints, hashes, run->folder.path, err) : status;
}

/* Check that a valid checkpoint belongs to this run. Errors: BERTC_USAGE naming the first difference. */
static bertc_status check_identity(const bc_run *run, const bc_weights *file, bertc_error *err)
{
    cJSON *options = NULL, *hashes = NULL;
    bertc_status status = parse_text(file, "options", &options, err);
    if (status == BERTC_OK) status = parse_text(file, "prints", &hashes, err);
    if (status == BERTC_OK) status = compare(run, options, hashes, err);
    cJSON_Delete(options);
    cJSON_Delete(hashes);
    return status;
}

/* Open a checkpoint and read its state. Errors: BERTC_INPUT if it is damaged. */
static bertc_status open_valid(const bc_run *run, int64_t step, bc_weights *file, bc_state *state, bertc_error *err)
{
    bertc_status status = bc_checkpoint_open(run, "step", step, file, err);
    if (status != BERTC_OK) return status;
    const char *text = bc_safetensors_metadata(file, "state");
    status = text ? bc_state_parse(text, file->path, state, err)
                  : bc_fail(err, BERTC_INPUT, "%s: no \"state\" in its metadata", file->path);
    if (status == BERTC_OK) status = check_companions(run, state, file, err);
    if (status != BERTC_OK) bc_weights_close(file);
    return status;
}

/* Read a checkpoint into the run. Sets *damaged if the checkpoint is damaged. */
static bertc_status restore_step(bc_run *run, int64_t step, bool *damaged, bertc_error *err)
{
    bc_weights file;
    bc_state state;
    bertc_status status = open_valid(run, step, &file, &state, err);
    *damaged = status == BERTC_INPUT;
    if (status != BERTC_OK) return status;
    status = check_identity(run, &file, err);
    if (status == BERTC_OK && state.tasks != run->num_tasks)
        status = bc_fail(err, BERTC_INPUT, "%s: has %d tasks, expected %d", file.path, (int)state.tasks,
                         run->num_tasks);
    if (status == BERTC_OK && state.step > run->plan.steps)
        status = bc_fail(err, BERTC_INPUT, "%s: step %lld is after the last step %lld", file.path,
                         (long long)state.step, (long long)run->plan.steps);
    const bc_trainer_state to = bc_trainer_state_of(run->trainer);
    if (status == BERTC_OK) status = bc_hashed_file_copy(&file, "weights", to.values, to.scalars, err);
    if (status == BERTC_OK) status = bc_hashed_file_copy(&file, "m", to.m, to.trained, err);
    if (status == BERTC_OK) status = bc_hashed_file_copy(&file, "v", to.v, to.trained, err);
    if (status == BERTC_OK) bc_trainer_refresh_weights(run->trainer);
    if (status == BERTC_OK) run->state = state;
    bc_weights_close(&file);
    return status;
}

/* Report in one line at which step the run starts, and the damage of the newest damaged checkpoint. */
static void notify_start(const bc_run *run, const bertc_error *damage)
{
    const bertc_notify *notify = bc_meter_notify(&run->meter);
    const char *reason = damage->message;
    long long step = (long long)run->state.step;
    if (damage->status != BERTC_OK && step > 0)
        bc_notify(notify, "warning: %s; going on from the checkpoint of step %lld", reason, step);
    else if (damage->status != BERTC_OK)
        bc_notify(notify, "warning: %s; starting from the beginning", reason);
    else if (step > 0) bc_notify(notify, "%s: going on from step %lld", run->folder.path, step);
    else bc_notify(notify, "%s: no checkpoint, starting from the beginning", run->folder.path);
}

bertc_status bc_run_restore(bc_run *run, bertc_error *err)
{
    int64_t steps[MAX];
    bertc_error damage = {0};
    size_t count, i = 0;
    bool damaged = true;
    bertc_status listed = list_steps(run, steps, &count, err);
    if (listed != BERTC_OK) return listed;
    for (; i < count && damaged; i++) {
        bertc_error inner = {0};
        bertc_status status = restore_step(run, steps[i], &damaged, &inner);
        if (damaged) bc_fail(&damage, inner.status, "%s", inner.message);
        else if (status != BERTC_OK) return bc_fail(err, status, "%s", inner.message);
    }
    if (!damaged) bc_checkpoint_remember(run, 0, &run->state);
    bc_weights older; /* the checkpoint before it is kept too if it is valid */
    bc_state state;
    if (!damaged && i < count && open_valid(run, steps[i], &older, &state, NULL) == BERTC_OK) {
        bc_checkpoint_remember(run, 1, &state);
        bc_weights_close(&older);
    }
    notify_start(run, &damage);
    return BERTC_OK;
}

/* ---- The journal --------------------------------------------------------------------------- */

/* Record the command line of this process. */
static void put_command(bc_text *out, const char *const *command)
{
    for (size_t i = 0; command && command[i]; i++) {
        bc_text_printf(out, i ? "," : "[");
        bc_text_quote(out, command[i]);
    }
    bc_text_printf(out, !command ? "null" : command[0] ? "]" : "[]");
}

/* Record the command line that began the run, from its journal. Journals of earlier versions do not have it. */
static void put_recorded_command(bc_text *out, const cJSON *command)
{
    const cJSON *item;
    const char *separator = "[";
    cJSON_ArrayForEach(item, command)
    {
        if (!cJSON_IsString(item)) continue;
        bc_text_printf(out, "%s", separator);
        bc_text_quote(out, item->valuestring);
        separator = ",";
    }
    bc_text_printf(out, !cJSON_IsArray(command) ? "null" : *separator == '[' ? "[]" : "]");
}

static bertc_status begin_journal(bc_run *run, bertc_error *err)
{
    bc_text options = {0}, hashes = {0};
    bc_options_record(&options, &run->options);
    bc_fingerprints_record(&hashes, &run->fingerprints);
    put_command(&run->command, run->options.command);
    bertc_status status =
        options.failed || hashes.failed || run->command.failed
            ? bc_fail_memory(err)
            : bc_journal_begin(&run->folder, options.bytes, hashes.bytes, run->command.bytes, err);
    bc_text_clear(&options);
    bc_text_clear(&hashes);
    return status;
}

bertc_status bc_run_claim_folder(bc_run *run, bertc_error *err)
{
    bc_folder *folder = &run->folder;
    const char *text = folder->journal.bytes;
    cJSON *recorded = NULL;
    if (folder->journal.length == 0) return begin_journal(run, err);
    bertc_status status = bc_json_parse(text, strcspn(text, "\n"), BC_RUN_JOURNAL, &recorded, err);
    if (status == BERTC_OK)
        status = compare(run, bc_json_get(recorded, "options"), bc_json_get(recorded, "prints"), err);
    if (status == BERTC_OK) {
        put_recorded_command(&run->command, bc_json_get(recorded, "command"));
        if (run->command.failed) status = bc_fail_memory(err);
    }
    cJSON_Delete(recorded);
    if (status == BERTC_OK) status = bc_run_remove_result(run, err);
    folder->joined = status == BERTC_OK;
    return status;
}
