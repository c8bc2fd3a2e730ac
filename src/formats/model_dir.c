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

bertc_status bc_model_dir_weights(const char *dir, char **path, bertc_error *err)
{
    static const char *const name[] = {"model.safetensors"};
    *path = bc_path_join(dir, name[0]);
    return *path ? bc_model_place_check(dir, name, 1, err) : bc_fail_memory(err);
}
