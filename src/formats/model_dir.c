#include "formats/model_dir.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

/* The files of a tokenizer, and which of them state how it treats the case of letters. */
static const struct {
    const char *name;
    bool states_case;
} tokenizer_files[] = {
    {"vocab.txt", false},
    {"tokenizer_config.json", true},
    {"tokenizer.json", true},
    {"special_tokens_map.json", false},
    {"added_tokens.json", false},
};
enum { TOKENIZER_FILES = sizeof tokenizer_files / sizeof *tokenizer_files };

const char *bc_model_dir_tokenizer_file(size_t index)
{
    return index < TOKENIZER_FILES ? tokenizer_files[index].name : NULL;
}

/* Copy one file of a folder where it is there; *found tells. */
static bertc_status copy_file(const char *from, const bc_dir *to, const char *name, bc_ledger *ledger,
                              bool *found, bertc_error *err)
{
    char *source = bc_path_join(from, name);
    *found = false;
    bertc_status status = source ? bc_file_find(source, found, err) : bc_fail_memory(err);
    if (status == BERTC_OK && *found) status = bc_file_copy(source, to, name, ledger, err);
    bc_free(source);
    return status;
}

/* The longest sequence that the model in `dir` takes; 0 where its config.json does not tell. */
static bertc_status read_max_length(const char *dir, int64_t *length, bertc_error *err)
{
    *length = 0;
    cJSON *tree = NULL;
    char *path = bc_path_join(dir, "config.json");
    bool found = false;
    bertc_status status = path ? bc_file_find(path, &found, err) : bc_fail_memory(err);
    if (status == BERTC_OK && found) status = bc_json_read(path, BC_KIND_SETTINGS, &tree, err);
    if (status == BERTC_OK)
        status = bc_json_int(tree, "max_position_embeddings", 1, INT32_MAX, path, length, err);
    cJSON_Delete(tree);
    bc_free(path);
    return status;
}

static bertc_status write_default(const bc_dir *dir, int64_t max_length, bc_ledger *ledger, bertc_error *err)
{
    bc_text text = {0};
    bc_text_printf(&text, "{\n  \"do_lower_case\": true,\n");
    if (max_length > 0)
        bc_text_printf(&text, "  \"model_max_length\": %lld,\n", (long long)max_length);
    bc_text_printf(&text, "  \"tokenizer_class\": \"BertTokenizer\"\n}\n");
    bertc_status status =
        text.failed ? bc_fail_memory(err)
                    : bc_file_write_in(dir, "tokenizer_config.json", text.bytes, text.length, ledger, err);
    bc_text_clear(&text);
    return status;
}

bertc_status bc_model_dir_copy_tokenizer(const char *from, const bc_dir *to, bc_ledger *ledger, bertc_error *err)
{
    bool stated = false;
    for (size_t i = 0; i < TOKENIZER_FILES; i++) {
        bool found;
        bertc_status status = copy_file(from, to, tokenizer_files[i].name, ledger, &found, err);
        if (status != BERTC_OK) return status;
        stated = stated || (found && tokenizer_files[i].states_case);
    }
    if (stated) return BERTC_OK;
    int64_t max_length;
    bertc_status status = read_max_length(from, &max_length, err);
    return status == BERTC_OK ? write_default(to, max_length, ledger, err) : status;
}

/* ---- Runs ---------------------------------------------------------------------------------- */

/* Does a folder, by its path from `dir`, bear the mark of a run that has no record yet? */
static bool is_unfinished(const bc_dir *dir, const char *path)
{
    char bytes[sizeof BC_RUN_JOURNAL_START - 1], name[64];
    size_t count;
    bc_entry kind;
    snprintf(name, sizeof name, "%s/" BC_RUN_WORK "/" BC_RUN_JOURNAL, path);
    if (bc_dir_peek(dir, name, bytes, sizeof bytes, &count, NULL) != BERTC_OK) return false;
    if (count < sizeof bytes || memcmp(bytes, BC_RUN_JOURNAL_START, sizeof bytes) != 0) return false;
    snprintf(name, sizeof name, "%s/" BC_RUN_RECORD, path);
    return bc_dir_entry(dir, name, &kind, NULL) == BERTC_OK && kind == BC_ENTRY_NONE;
}

/* Has it a record with hashes of its files, which that of a task has not? */
static bertc_status has_record(const bc_dir *dir, bool *has, bertc_error *err)
{
    cJSON *tree = NULL;
    bertc_error why = {0};
    char *path = bc_path_join(dir->path, BC_RUN_RECORD);
    bertc_status status = path ? bc_json_read(path, BC_KIND_SETTINGS, &tree, &why) : bc_fail_memory(&why);
    *has = bc_json_get(tree, "files") != NULL;
    cJSON_Delete(tree);
    bc_free(path);
    return status == BERTC_NOMEM ? bc_fail(err, status, "%s", why.message) : BERTC_OK;
}

bertc_status bc_model_dir_check_finished(const char *dir, bertc_error *err)
{
    bc_dir folder;
    bool whole = false;
    bertc_status status = BERTC_OK;
    if (bc_dir_open(&folder, dir, false, NULL) != BERTC_OK) return BERTC_OK; /* others say why */
    bool unfinished = is_unfinished(&folder, ".");
    bool within = !unfinished && is_unfinished(&folder, "..");
    if (within) status = has_record(&folder, &whole, err);
    bc_dir_close(&folder);
    if (status != BERTC_OK || (!unfinished && !within) || whole) return status;
    return bc_fail(err, BERTC_INPUT, "%s: %s that is not finished; resume it before its model is used", dir,
                   unfinished ? "a run" : "a task of a run");
}

/* ---- Weights ------------------------------------------------------------------------------- */

static bertc_status refuse_other_formats(const char *dir, const char *path, bertc_error *err)
{
    static const struct {
        const char *name, *what;
    } others[] = {{"model.safetensors.index.json", "weights in several files"},
                  {"pytorch_model.bin", "weights of PyTorch"},
                  {"pytorch_model.bin.index.json", "weights of PyTorch in several files"},
                  {"tf_model.h5", "weights of TensorFlow"},
                  {"bert_model.ckpt.index", "weights of TensorFlow 1"},
                  {"flax_model.msgpack", "weights of Flax"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char *other = bc_path_join(dir, others[i].name);
        if (!other) return bc_fail_memory(err);
        bool there = false;
        bertc_status status = bc_file_find(other, &there, err);
        bc_free(other);
        if (status != BERTC_OK) return status;
        if (there)
            return bc_fail(err, BERTC_INPUT,
                           "%s: no such file; %s (%s) are found but not read, save the model as one "
                           "safetensors file",
                           path, others[i].what, others[i].name);
    }
    return BERTC_OK;
}

bertc_status bc_model_dir_weights(const char *dir, char **path, bertc_error *err)
{
    *path = bc_path_join(dir, "model.safetensors");
    if (!*path) return bc_fail_memory(err);
    bool found = false;
    bertc_status status = bc_file_find(*path, &found, err);
    return status != BERTC_OK || found ? status : refuse_other_formats(dir, *path, err);
}
