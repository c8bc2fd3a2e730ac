#include "run/manifest.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/writer.h"
#include "formats/adapter_config.h"
#include "formats/model_dir.h"
#include "formats/safetensors.h"
#include "run/lora_options.h"
#include "run/predictions.h"
#include "run/thresholds.h"

/* A result is a complete model or an adapter, for each task of the run. */
enum { COMPLETE = 1, ADAPTER = 2 };

/* All files of a result except the files of the tokenizer, which are all optional. */
static const struct {
    const char *name;
    int required; /* in a complete model, an adapter or both */
} own[] = {
    {"config.json", COMPLETE}, /* earlier versions wrote this file for an adapter too */
    {BC_MODEL_WEIGHTS, COMPLETE},
    {BC_ADAPTER_CONFIG, ADAPTER},
    {BC_ADAPTER_WEIGHTS, ADAPTER},
    {BC_ADAPTER_LABELS, 0},    /* earlier versions did not write this file */
    {BC_THRESHOLDS_FILE, 0},   /* only of multi-label tasks with tuned thresholds */
    {BC_RUN_EVAL, COMPLETE | ADAPTER},
    {BC_RUN_TASK, 0},          /* only of a user's own task */
    {BC_RUN_RECORD, COMPLETE | ADAPTER}, /* only for the folders of several tasks: no run.json lists itself */
};
enum { OWN = sizeof own / sizeof own[0] };

/* Get the index-th file of a task: `count` names of `own`, then predictions, then the tokenizer's files. Return false
 * past the end. Predictions are optional, because earlier versions did not write them. */
static bool get_file(const bc_run_task *task, size_t index, size_t count, int kind, bc_result_file *file)
{
    const char *name;
    file->optional = index >= count || !(own[index].required & kind);
    if (index >= count && index - count < task->eval_count) {
        bc_predictions_name(task, index - count, file->name);
        return true;
    }
    name = index < count ? own[index].name : bc_model_dir_tokenizer_file(index - count - task->eval_count);
    if (name) snprintf(file->name, sizeof file->name, "%s", name);
    return name != NULL;
}

bool bc_manifest_file(const bc_run *run, size_t index, bc_result_file *file)
{
    bool several = run->num_tasks > 1;
    int kind = bc_lora_options_saves_adapter(&run->options) ? ADAPTER : COMPLETE;
    size_t count = several ? OWN : OWN - 1, tokenizer = 0;
    if (several && index-- == 0) {
        *file = (bc_result_file){.path = BC_RUN_EVAL, .folder = ".", .name = BC_RUN_EVAL};
        return true;
    }
    while (bc_model_dir_tokenizer_file(tokenizer)) tokenizer++;
    const bc_run_task *task = run->tasks, *end = run->tasks + run->num_tasks;
    for (size_t files; task < end && index >= (files = count + task->eval_count + tokenizer); task++) index -= files;
    if (task == end || !get_file(task, index, count, kind, file)) return false;
    file->folder = several ? task->spec->name : ".";
    snprintf(file->path, sizeof file->path, "%s%s%s", several ? file->folder : "", several ? "/" : "", file->name);
    return true;
}

/* ---- Recording ----------------------------------------------------------------------------- */

/* Append the size and hash of the bytes that the run wrote, not of the bytes that are on disk now. */
static bertc_status record_file(bc_text *out, const bc_run *run, const char *folder, const bc_result_file *file,
                                bertc_error *err)
{
    char *path = bc_path_join(folder, file->path);
    if (!path) return bc_fail_memory(err);
    const bc_file_hash *written = bc_file_hashes_find(&run->result_files, path);
    bool first = out->length > 0 && out->bytes[out->length - 1] == '{';
    assert(written || file->optional);
    if (written)
        bc_text_printf(out, "%s\"%s\":{\"bytes\":%zu,\"xxh3\":\"%s\"}", first ? "" : ",", file->path, written->bytes,
                       written->hash);
    bc_free(path);
    return BERTC_OK;
}

bertc_status bc_manifest_record(bc_text *out, const bc_run *run, const char *folder, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    size_t lines;
    bc_result_file file;
    bc_text_printf(out, "\"files\":{");
    for (size_t i = 0; status == BERTC_OK && bc_manifest_file(run, i, &file); i++)
        status = record_file(out, run, folder, &file, err);
    if (status == BERTC_OK) status = bc_log_lines(&run->folder, &lines, err);
    if (status == BERTC_OK) bc_text_printf(out, "},\"log_lines\":%zu", lines);
    return status;
}

/* ---- Checking ------------------------------------------------------------------------------ */

static double number_at(const cJSON *object, const char *key)
{
    const cJSON *item = bc_json_get(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

bertc_status bc_manifest_check_file(const bc_run *run, const char *path, const cJSON *recorded, bertc_error *err)
{
    const char *folder = run->folder.path, *wanted = cJSON_GetStringValue(bc_json_get(recorded, "xxh3"));
    double bytes = number_at(recorded, "bytes");
    size_t length;
    char hash[BC_HASH_HEX], *full = bc_path_join(folder, path);
    bertc_status status = full ? bc_hash_file(hash, &length, full, err) : bc_fail_memory(err);
    bc_free(full);
    if (status != BERTC_OK) return status;
    if ((double)length != bytes)
        return bc_fail(err, BERTC_INPUT, "%s/%s: %zu bytes, " BC_RUN_RECORD " recorded %.0f", folder, path, length,
                       bytes);
    if (wanted && strcmp(wanted, hash) == 0) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s/%s: its content does not match its hash in " BC_RUN_RECORD, folder, path);
}

bertc_status bc_manifest_check(const cJSON *record, const bc_run *run, bertc_error *err)
{
    const cJSON *files = bc_json_get(record, "files");
    double recorded = number_at(record, "log_lines");
    size_t lines;
    bertc_status status = BERTC_OK;
    bc_result_file file;
    for (size_t i = 0; status == BERTC_OK && bc_manifest_file(run, i, &file); i++) {
        const cJSON *of_file = bc_json_get(files, file.path);
        if (of_file) status = bc_manifest_check_file(run, file.path, of_file, err);
        else if (!file.optional)
            status = bc_fail(err, BERTC_INPUT, "%s/" BC_RUN_RECORD ": no size and hash of %s", run->folder.path,
                             file.path);
    }
    if (status == BERTC_OK) status = bc_log_lines(&run->folder, &lines, err);
    if (status != BERTC_OK || (double)lines == recorded) return status;
    return bc_fail(err, BERTC_INPUT, "%s/" BC_RUN_LOG ": %zu lines, " BC_RUN_RECORD " recorded %.0f",
                   run->folder.path, lines, recorded);
}
