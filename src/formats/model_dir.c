#include "formats/model_dir.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/model_place.h"
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

static bertc_status copy_path(const char *from, const char *to, bertc_error *err)
{
    char *bytes = NULL;
    size_t length = 0;
    bertc_status status = bc_file_read(from, &bytes, &length, err);
    if (status == BERTC_OK) status = bc_file_write(to, bytes, length, err);
    bc_free(bytes);
    return status;
}

/* Copy one file of a folder where it is there; *found tells. */
static bertc_status copy_file(const char *from, const char *to, const char *name, bool *found,
                              bertc_error *err)
{
    char *source = bc_path_join(from, name), *target = bc_path_join(to, name);
    bertc_status status = source && target ? BERTC_OK : bc_fail_memory(err);
    *found = status == BERTC_OK && bc_file_exists(source);
    if (*found) status = copy_path(source, target, err);
    bc_free(source);
    bc_free(target);
    return status;
}

/* The longest sequence that the model in `dir` takes; 0 where its config.json does not tell. */
static bertc_status read_max_length(const char *dir, int64_t *length, bertc_error *err)
{
    *length = 0;
    cJSON *tree = NULL;
    char *path = bc_path_join(dir, "config.json");
    bertc_status status = path ? BERTC_OK : bc_fail_memory(err);
    if (path && bc_file_exists(path)) status = bc_json_read(path, &tree, err);
    if (status == BERTC_OK)
        status = bc_json_int(tree, "max_position_embeddings", 1, INT32_MAX, path, length, err);
    cJSON_Delete(tree);
    bc_free(path);
    return status;
}

static bertc_status write_default(const char *dir, int64_t max_length, bertc_error *err)
{
    char *path = bc_path_join(dir, "tokenizer_config.json");
    bc_text text = {0};
    bc_text_printf(&text, "{\n  \"do_lower_case\": true,\n");
    if (max_length > 0)
        bc_text_printf(&text, "  \"model_max_length\": %lld,\n", (long long)max_length);
    bc_text_printf(&text, "  \"tokenizer_class\": \"BertTokenizer\"\n}\n");
    bertc_status status = path && !text.failed
                              ? bc_file_write(path, text.bytes, text.length, err)
                              : bc_fail_memory(err);
    bc_text_clear(&text);
    bc_free(path);
    return status;
}

bertc_status bc_model_dir_copy_tokenizer(const char *from, const char *to, bertc_error *err)
{
    bool stated = false;
    for (size_t i = 0; i < TOKENIZER_FILES; i++) {
        bool found;
        bertc_status status = copy_file(from, to, tokenizer_files[i].name, &found, err);
        if (status != BERTC_OK) return status;
        stated = stated || (found && tokenizer_files[i].states_case);
    }
    if (stated) return BERTC_OK;
    int64_t max_length;
    bertc_status status = read_max_length(from, &max_length, err);
    return status == BERTC_OK ? write_default(to, max_length, err) : status;
}

/* A JSON file of a folder with its text, or an empty object where it is absent. */
static bertc_status read_object(const char *dir, const char *name, char **text, size_t *length, cJSON **tree,
                                bertc_error *err)
{
    char *path = bc_path_join(dir, name);
    bertc_status status = path ? BERTC_OK : bc_fail_memory(err);
    if (path && bc_file_exists(path)) status = bc_file_read(path, text, length, err);
    else if (path && !(*text = bc_strndup("{}", *length = 2))) status = bc_fail_memory(err);
    if (status == BERTC_OK) status = bc_json_parse(*text, *length, path, tree, err);
    if (status == BERTC_OK && !cJSON_IsObject(*tree)) status = bc_fail(err, BERTC_INPUT, "%s: not a JSON object", path);
    bc_free(path);
    return status;
}

/* What AutoTokenizer takes where tokenizer_config.json names none. */
static bertc_status find_class(const char *dir, bc_text *quoted, bertc_error *err)
{
    char *text = NULL;
    cJSON *tree = NULL;
    size_t length;
    bertc_status status = read_object(dir, "config.json", &text, &length, &tree, err);
    const char *name = cJSON_GetStringValue(bc_json_get(tree, "tokenizer_class"));
    if (!name) name = bc_json_get(tree, "model_type") ? "BertTokenizer" : "PreTrainedTokenizerFast";
    bc_text_quote(quoted, name);
    if (status == BERTC_OK && quoted->failed) status = bc_fail_memory(err);
    cJSON_Delete(tree);
    bc_free(text);
    return status;
}

static bertc_status write_class(const char *from, const char *to, const char *text, size_t length,
                                const cJSON *tree, bertc_error *err)
{
    bc_text name = {0}, out = {0};
    char *path = bc_path_join(to, "tokenizer_config.json");
    bertc_status status = path ? find_class(from, &name, err) : bc_fail_memory(err);
    if (status == BERTC_OK) bc_json_put_with(&out, text, length, tree, "tokenizer_class", name.bytes);
    if (status == BERTC_OK)
        status = out.failed ? bc_fail_memory(err) : bc_file_write(path, out.bytes, out.length, err);
    bc_text_clear(&name);
    bc_text_clear(&out);
    bc_free(path);
    return status;
}

bertc_status bc_model_dir_name_class(const char *from, const char *to, bertc_error *err)
{
    char *text = NULL;
    cJSON *tree = NULL;
    size_t length;
    bertc_status status = read_object(to, "tokenizer_config.json", &text, &length, &tree, err);
    if (status == BERTC_OK && !cJSON_IsString(bc_json_get(tree, "tokenizer_class")))
        status = write_class(from, to, text, length, tree, err);
    cJSON_Delete(tree);
    bc_free(text);
    return status;
}

bertc_status bc_model_dir_weights(const char *dir, char **path, bertc_error *err)
{
    static const char *const name[] = {"model.safetensors"};
    *path = bc_path_join(dir, name[0]);
    return *path ? bc_model_place_check(dir, name, 1, err) : bc_fail_memory(err);
}
