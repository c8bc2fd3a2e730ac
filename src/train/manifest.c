#include "train/manifest.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "formats/adapter.h"
#include "formats/model_dir.h"
#include "train/hash.h"

/* A result is a whole model or an adapter; the tokenizer's files may be there. */
enum { WHOLE = 1, ADAPTER = 2 };

static const struct {
    const char *name;
    int needed; /* by which of the two */
} own[] = {{"config.json", WHOLE | ADAPTER},
           {"model.safetensors", WHOLE},
           {BC_ADAPTER_CONFIG, ADAPTER},
           {BC_ADAPTER_WEIGHTS, ADAPTER},
           {"eval.json", WHOLE | ADAPTER}};
enum { OWN = sizeof own / sizeof own[0] };

const char *bc_manifest_name(size_t index)
{
    return index < OWN ? own[index].name : bc_model_dir_tokenizer_file(index - OWN);
}

static bertc_status open_log(const char *folder, bc_map *map, bertc_error *err)
{
    char *path = bc_path_join(folder, "log.jsonl");
    bertc_status status = path ? bc_map_open(path, map, err) : bc_fail_memory(err);
    bc_free(path);
    return status;
}

static size_t count_lines(const bc_map *map)
{
    size_t lines = 0;
    for (size_t i = 0; i < map->length; i++) lines += map->bytes[i] == '\n';
    return lines;
}

/* ---- Recording ----------------------------------------------------------------------------- */

static bertc_status record_path(bc_text *out, const char *path, const char *name, bertc_error *err)
{
    size_t length;
    char hash[BC_HASH_HEX];
    bertc_status status = bc_hash_file(hash, &length, path, err);
    if (status != BERTC_OK) return status;
    bc_text_printf(out, "%s\"%s\":{\"bytes\":%zu,\"xxh3\":\"%s\"}", name == own[0].name ? "" : ",", name,
                   length, hash);
    return BERTC_OK;
}

static bertc_status record_file(bc_text *out, const char *folder, const char *name, bool optional,
                                bertc_error *err)
{
    char *path = bc_path_join(folder, name);
    bertc_status status = path ? BERTC_OK : bc_fail_memory(err);
    if (path && !(optional && !bc_file_exists(path))) status = record_path(out, path, name, err);
    bc_free(path);
    return status;
}

static bool is_needed(size_t index, int kind)
{
    return index < OWN && own[index].needed & kind;
}

bertc_status bc_manifest_record(bc_text *out, const char *folder, bool adapter, bertc_error *err)
{
    int kind = adapter ? ADAPTER : WHOLE;
    bertc_status status = BERTC_OK;
    bc_map log;
    const char *name;
    bc_text_printf(out, "\"files\":{");
    for (size_t i = 0; status == BERTC_OK && (name = bc_manifest_name(i)) != NULL; i++)
        status = record_file(out, folder, name, !is_needed(i, kind), err);
    if (status == BERTC_OK) status = open_log(folder, &log, err);
    if (status != BERTC_OK) return status;
    bc_text_printf(out, "},\"log_lines\":%zu", count_lines(&log));
    bc_map_close(&log);
    return BERTC_OK;
}

/* ---- Checking ------------------------------------------------------------------------------ */

static double number_at(const cJSON *object, const char *key)
{
    const cJSON *item = bc_json_get(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

static bertc_status compare(const char *folder, const char *name, size_t length,
                            const char hash[BC_HASH_HEX], const cJSON *record, bertc_error *err)
{
    const char *recorded = cJSON_GetStringValue(bc_json_get(record, "xxh3"));
    double bytes = number_at(record, "bytes");
    if ((double)length != bytes)
        return bc_fail(err, BERTC_INPUT, "%s/%s: %zu bytes, run.json recorded %.0f", folder, name,
                       length, bytes);
    if (recorded && strcmp(recorded, hash) == 0) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s/%s: its content does not match its hash in run.json",
                   folder, name);
}

static bertc_status check_file(const char *folder, const char *name, const cJSON *record,
                               bertc_error *err)
{
    size_t length;
    char hash[BC_HASH_HEX], *path = bc_path_join(folder, name);
    bertc_status status = path ? bc_hash_file(hash, &length, path, err) : bc_fail_memory(err);
    bc_free(path);
    return status == BERTC_OK ? compare(folder, name, length, hash, record, err) : status;
}

static bertc_status check_log(const char *folder, double recorded, bertc_error *err)
{
    bc_map map;
    bertc_status status = open_log(folder, &map, err);
    if (status != BERTC_OK) return status;
    size_t lines = count_lines(&map);
    bc_map_close(&map);
    if ((double)lines == recorded) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s/log.jsonl: %zu lines, run.json recorded %.0f", folder,
                   lines, recorded);
}

bertc_status bc_manifest_check(const cJSON *run, const char *folder, bertc_error *err)
{
    const cJSON *files = bc_json_get(run, "files");
    int kind = bc_json_get(files, BC_ADAPTER_CONFIG) ? ADAPTER : WHOLE;
    bertc_status status = BERTC_OK;
    const char *name;
    for (size_t i = 0; status == BERTC_OK && (name = bc_manifest_name(i)) != NULL; i++) {
        const cJSON *record = bc_json_get(files, name);
        if (record) status = check_file(folder, name, record, err);
        else if (is_needed(i, kind))
            status = bc_fail(err, BERTC_INPUT, "%s/run.json: no size and hash of %s", folder, name);
    }
    return status == BERTC_OK ? check_log(folder, number_at(run, "log_lines"), err) : status;
}
