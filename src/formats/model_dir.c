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
#include "base/writer.h"

static const char *const tokenizer_files[] = {"vocab.txt", "tokenizer_config.json", "tokenizer.json",
                                              "special_tokens_map.json", "added_tokens.json"};
enum { TOKENIZER_FILES = sizeof tokenizer_files / sizeof *tokenizer_files };
enum { CONFIG = 1, JSON = 2 }; /* indices of the two files that can state whether text is lower-cased */

const char *bc_model_dir_tokenizer_file(size_t index)
{
    return index < TOKENIZER_FILES ? tokenizer_files[index] : NULL;
}

/* Copy one file of a folder if it exists. Sets *found to whether it exists. */
static bertc_status copy_file(const char *from, const bc_dir *to, const char *name, bc_file_hashes *hashes,
                              bool *found, bertc_error *err)
{
    char *source = bc_path_join(from, name);
    *found = false;
    bertc_status status = source ? bc_file_find(source, found, err) : bc_fail_memory(err);
    if (status == BERTC_OK && *found) status = bc_file_copy(source, to, name, hashes, err);
    bc_free(source);
    return status;
}

/* Write a tokenizer_config.json with do_lower_case true, BertTokenizer's default, and with the maximum length that
 * config.json in `from` states. */
static bertc_status write_default(const char *from, const bc_dir *to, bc_file_hashes *hashes, bertc_error *err)
{
    int64_t length = 0;
    cJSON *tree = NULL;
    bc_text text = {0};
    char *path = bc_path_join(from, "config.json");
    bool found = false;
    bertc_status status = path ? bc_file_find(path, &found, err) : bc_fail_memory(err);
    if (status == BERTC_OK && found) status = bc_json_read(path, BC_FILE_SETTINGS, &tree, err);
    if (status == BERTC_OK) status = bc_json_int(tree, "max_position_embeddings", 1, INT32_MAX, path, &length, err);
    cJSON_Delete(tree);
    bc_free(path);
    if (status != BERTC_OK) return status;
    bc_text_printf(&text, "{\n  \"do_lower_case\": true,\n");
    if (length > 0) bc_text_printf(&text, "  \"model_max_length\": %lld,\n", (long long)length);
    bc_text_printf(&text, "  \"tokenizer_class\": \"BertTokenizer\"\n}\n");
    return bc_text_write(&text, to, tokenizer_files[CONFIG], hashes, err);
}

/* Read a file that contains a JSON object, as text and parsed. An absent file reads as an empty object. */
static bertc_status read_object(const char *dir, const char *name, char **text, size_t *length, cJSON **tree,
                                bertc_error *err)
{
    char *path = bc_path_join(dir, name);
    bool found = false;
    bertc_status status = path ? bc_file_find(path, &found, err) : bc_fail_memory(err);
    if (status == BERTC_OK && found) status = bc_json_read_text(path, BC_FILE_SETTINGS, text, length, tree, err);
    if (status == BERTC_OK && !found) {
        *text = bc_strndup("{}", *length = 2);
        status = *text ? bc_json_parse(*text, *length, path, tree, err) : bc_fail_memory(err);
    }
    if (status == BERTC_OK && !cJSON_IsObject(*tree)) status = bc_fail(err, BERTC_INPUT, "%s: not a JSON object", path);
    bc_free(path);
    return status;
}

/* Find the tokenizer class that AutoTokenizer takes from config.json in `dir` if tokenizer_config.json has none.
 * quoted  receives the class as a JSON string
 * *same   whether AutoTokenizer takes the same class next to a config.json that bertc writes */
static bertc_status find_class(const char *dir, bc_text *quoted, bool *same, bertc_error *err)
{
    char *text = NULL;
    cJSON *tree = NULL;
    size_t length;
    bertc_status status = read_object(dir, "config.json", &text, &length, &tree, err);
    const char *name = cJSON_GetStringValue(bc_json_get(tree, "tokenizer_class"));
    bool known = bc_json_get(tree, "model_type") != NULL;
    *same = known || !tree || !tree->child;
    if (!name) name = known ? "BertTokenizer" : "PreTrainedTokenizerFast";
    bc_text_quote(quoted, name);
    if (status == BERTC_OK && quoted->failed) status = bc_fail_memory(err);
    cJSON_Delete(tree);
    bc_free(text);
    return status;
}

/* Copy tokenizer_config.json, and add `class` if it has no tokenizer_class. */
static bertc_status copy_with_class(const char *from, const bc_dir *to, const char *class, bc_file_hashes *hashes,
                                   bertc_error *err)
{
    char *text = NULL;
    cJSON *tree = NULL;
    bc_text out = {0};
    size_t length = 0;
    bool found;
    bertc_status status = read_object(from, tokenizer_files[CONFIG], &text, &length, &tree, err);
    if (status == BERTC_OK && cJSON_IsString(bc_json_get(tree, "tokenizer_class"))) {
        status = copy_file(from, to, tokenizer_files[CONFIG], hashes, &found, err);
    } else if (status == BERTC_OK) {
        bc_json_put_with(&out, text, length, tree, "tokenizer_class", class);
        status = bc_text_write(&out, to, tokenizer_files[CONFIG], hashes, err);
    }
    cJSON_Delete(tree);
    bc_free(text);
    return status;
}

static bertc_status copy_config(const char *from, const bc_dir *to, bool alone, bc_file_hashes *hashes,
                                  bertc_error *err)
{
    bc_text class = {0};
    bool same = true, found;
    bertc_status status = find_class(from, &class, &same, err);
    if (status == BERTC_OK)
        status = alone || !same ? copy_with_class(from, to, class.bytes, hashes, err)
                                : copy_file(from, to, tokenizer_files[CONFIG], hashes, &found, err);
    bc_text_clear(&class);
    return status;
}

bertc_status bc_model_dir_copy_tokenizer(const char *from, const bc_dir *to, bool alone, bc_file_hashes *hashes,
                                         bertc_error *err)
{
    bool stated, found;
    bertc_status status = bc_file_find_in(from, tokenizer_files[CONFIG], &stated, err);
    for (size_t i = 0; i < TOKENIZER_FILES && status == BERTC_OK; i++) {
        if (i == CONFIG) continue;
        status = copy_file(from, to, tokenizer_files[i], hashes, &found, err);
        stated = stated || (found && i == JSON);
    }
    if (status != BERTC_OK) return status;
    return stated ? copy_config(from, to, alone, hashes, err) : write_default(from, to, hashes, err);
}

/* ---- Runs ---------------------------------------------------------------------------------- */

static bertc_status find_entry(const char *folder, const char *name, bc_entry *kind, bertc_error *err)
{
    char *path = bc_path_join(folder, name);
    bertc_status status = path ? bc_dir_entry(&bc_working_dir, path, kind, err) : bc_fail_memory(err);
    bc_free(path);
    return status;
}

/* Whether a folder holds a run's journal, complete or not, but no run.json. */
static bertc_status is_unfinished(const char *folder, bool *unfinished, bertc_error *err)
{
    bc_entry work = BC_ENTRY_NONE, journal, record;
    *unfinished = false;
    bertc_status status = find_entry(folder, BC_RUN_RECORD, &record, err);
    if (status == BERTC_OK) status = find_entry(folder, BC_RUN_WORK, &work, err);
    if (status != BERTC_OK || record == BC_ENTRY_FILE || work == BC_ENTRY_NONE || work == BC_ENTRY_FILE) return status;
    status = find_entry(folder, BC_RUN_WORK "/" BC_RUN_JOURNAL, &journal, err);
    *unfinished = status == BERTC_OK && journal != BC_ENTRY_NONE;
    return status;
}

/* Whether a folder's run.json lists the hashes of its files. A run's run.json lists them, the run.json of one of its
 * tasks does not. */
static bertc_status is_finished_run(const char *folder, bool *finished, bertc_error *err)
{
    cJSON *tree = NULL;
    bertc_error why = {0};
    char *path = bc_path_join(folder, BC_RUN_RECORD);
    bertc_status status = path ? bc_json_read(path, BC_FILE_SETTINGS, &tree, &why) : bc_fail_memory(&why);
    *finished = bc_json_get(tree, "files") != NULL;
    cJSON_Delete(tree);
    bc_free(path);
    return status == BERTC_NOMEM ? bc_fail(err, status, "%s", why.message) : BERTC_OK;
}

bertc_status bc_model_dir_check_finished(const char *dir, bertc_error *err)
{
    bool finished = false, unfinished = false, within = false; /* within: the folder above is an unfinished run */
    if (!bc_folder_exists(dir)) return BERTC_OK; /* opening the folder reports the error */
    char *above = bc_path_join(dir, "..");
    bertc_status status = above ? is_unfinished(dir, &unfinished, err) : bc_fail_memory(err);
    if (status == BERTC_OK && !unfinished) status = is_unfinished(above, &within, err);
    if (within) status = is_finished_run(dir, &finished, err);
    bc_free(above);
    if (status != BERTC_OK || (!unfinished && !within) || finished) return status;
    return bc_fail(err, BERTC_INPUT, "%s: the model of an unfinished %s; finish the run first", dir,
                   unfinished ? "run" : "task of a run");
}

bertc_status bc_model_dir_read_json(const char *dir, const char *name, char **path, cJSON **tree, bertc_error *err)
{
    bool found = false;
    *tree = NULL;
    *path = bc_path_join(dir, name);
    bertc_status status = *path ? bc_file_find(*path, &found, err) : bc_fail_memory(err);
    return status == BERTC_OK && found ? bc_json_read(*path, BC_FILE_SETTINGS, tree, err) : status;
}
