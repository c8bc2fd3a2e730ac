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

/* A result is a whole model or an adapter, or several of them; the tokenizer's files may be there. */
enum { WHOLE = 1, ADAPTER = 2 };

static const struct {
    const char *name;
    int needed; /* by which of the two */
} own[] = {{"config.json", WHOLE}, /* of an adapter that an earlier version wrote too */
           {BC_MODEL_WEIGHTS, WHOLE},      {BC_ADAPTER_CONFIG, ADAPTER}, {BC_ADAPTER_WEIGHTS, ADAPTER},
           {BC_ADAPTER_LABELS, 0}, /* not of one that an earlier version wrote */
           {"eval.json", WHOLE | ADAPTER},
           {"run.json", WHOLE | ADAPTER}}; /* of each of several; that of the run is none of its files */
enum { OWN = sizeof own / sizeof own[0] };

/* A name in a model's folder, which is one of several or the run's own; null past the end. */
static const char *name_at(size_t index, size_t count)
{
    return index < count ? own[index].name : bc_model_dir_tokenizer_file(index - count);
}

bool bc_manifest_file(const bc_run *run, size_t index, bc_result_file *member)
{
    bool several = run->num_tasks > 1;
    int kind = bc_lora_options_saves_adapter(&run->options) ? ADAPTER : WHOLE;
    size_t count = several ? OWN : OWN - 1, names = count;
    if (several && index-- == 0) {
        *member = (bc_result_file){.path = "eval.json", .folder = ".", .name = "eval.json"};
        return true;
    }
    while (name_at(names, count)) names++;
    if (index >= names * (size_t)run->num_tasks) return false;
    member->folder = several ? run->tasks[index / names].task->name : ".";
    index %= names;
    member->name = name_at(index, count);
    snprintf(member->path, sizeof member->path, "%s%s%s", several ? member->folder : "", several ? "/" : "",
             member->name);
    member->optional = index >= count || !(own[index].needed & kind);
    return true;
}

/* ---- Recording ----------------------------------------------------------------------------- */

/* What was handed in is recorded, not what can be read. */
static bertc_status record_file(bc_text *out, const bc_run *run, const char *folder, const bc_result_file *member,
                                bertc_error *err)
{
    char *path = bc_path_join(folder, member->path);
    if (!path) return bc_fail_memory(err);
    const bc_file_hash *file = bc_file_hashes_find(&run->result_files, path);
    bool first = out->length > 0 && out->bytes[out->length - 1] == '{';
    assert(file || member->optional);
    if (file)
        bc_text_printf(out, "%s\"%s\":{\"bytes\":%zu,\"xxh3\":\"%s\"}", first ? "" : ",", member->path,
                       file->bytes, file->hash);
    bc_free(path);
    return BERTC_OK;
}

bertc_status bc_manifest_record(bc_text *out, const bc_run *run, const char *folder, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    size_t lines;
    bc_result_file member;
    bc_text_printf(out, "\"files\":{");
    for (size_t i = 0; status == BERTC_OK && bc_manifest_file(run, i, &member); i++)
        status = record_file(out, run, folder, &member, err);
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

bertc_status bc_manifest_check_file(const bc_run *run, const char *name, const cJSON *file, bertc_error *err)
{
    const char *folder = run->folder.path, *recorded = cJSON_GetStringValue(bc_json_get(file, "xxh3"));
    double bytes = number_at(file, "bytes");
    size_t length;
    char hash[BC_HASH_HEX], *path = bc_path_join(folder, name);
    bertc_status status = path ? bc_hash_file(hash, &length, path, err) : bc_fail_memory(err);
    bc_free(path);
    if (status != BERTC_OK) return status;
    if ((double)length != bytes)
        return bc_fail(err, BERTC_INPUT, "%s/%s: %zu bytes, run.json recorded %.0f", folder, name, length, bytes);
    if (recorded && strcmp(recorded, hash) == 0) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s/%s: its content does not match its hash in run.json", folder, name);
}

bertc_status bc_manifest_check(const cJSON *record, const bc_run *run, bertc_error *err)
{
    const cJSON *files = bc_json_get(record, "files");
    double recorded = number_at(record, "log_lines");
    size_t lines;
    bertc_status status = BERTC_OK;
    bc_result_file member;
    for (size_t i = 0; status == BERTC_OK && bc_manifest_file(run, i, &member); i++) {
        const cJSON *file = bc_json_get(files, member.path);
        if (file) status = bc_manifest_check_file(run, member.path, file, err);
        else if (!member.optional)
            status = bc_fail(err, BERTC_INPUT, "%s/run.json: no size and hash of %s", run->folder.path, member.path);
    }
    if (status == BERTC_OK) status = bc_log_lines(&run->folder, &lines, err);
    if (status != BERTC_OK || (double)lines == recorded) return status;
    return bc_fail(err, BERTC_INPUT, "%s/log.jsonl: %zu lines, run.json recorded %.0f", run->folder.path, lines,
                   recorded);
}
