/* The vocabulary inside a tokenizer.json, for directories that carry no vocab.txt. */
#include "vocab/internal.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"

/* The words by id; null where an id has none. They lie in the tree. */
typedef struct words {
    const char **at;
    size_t room, count; /* count: one past the largest id */
} words;

static bertc_status put_word(words *list, const char *word, double id, const char *path,
                             bertc_error *err)
{
    size_t length = strlen(word);
    if (!(id >= 0) || id >= (double)list->room || id != (double)(size_t)id)
        return bc_fail(err, BERTC_INPUT, "%s: \"%s\" has no id within the %zu words", path, word,
                       list->room);
    if (strchr(word, '\n') || bc_vocab_space_before(word, length) > 0)
        return bc_fail(err, BERTC_INPUT, "%s: word %.0f holds a line end or ends in white space",
                       path, id);
    size_t at = (size_t)id;
    if (list->at[at] && strcmp(list->at[at], word) != 0)
        return bc_fail(err, BERTC_INPUT, "%s: \"%s\" and \"%s\" both have id %zu", path,
                       list->at[at], word, at);
    list->at[at] = word;
    if (at >= list->count) list->count = at + 1;
    return BERTC_OK;
}

static bertc_status collect(const cJSON *tree, words *list, const char *path, bertc_error *err)
{
    const cJSON *vocab = bc_json_get(bc_json_get(tree, "model"), "vocab"), *entry;
    const cJSON *added = bc_json_get(tree, "added_tokens");
    bertc_status status = BERTC_OK;
    if (!cJSON_IsObject(vocab))
        return bc_fail(err, BERTC_INPUT, "%s: model.vocab is no object of words", path);
    for (entry = vocab->child; entry && !status; entry = entry->next)
        status = put_word(list, entry->string, cJSON_IsNumber(entry) ? entry->valuedouble : -1,
                          path, err);
    for (entry = added ? added->child : NULL; entry && !status; entry = entry->next) {
        const char *word = cJSON_GetStringValue(bc_json_get(entry, "content"));
        const cJSON *id = bc_json_get(entry, "id");
        if (word) status = put_word(list, word, cJSON_IsNumber(id) ? id->valuedouble : -1, path, err);
    }
    return status;
}

static bertc_status join(const words *list, char **text, size_t *length, bertc_error *err)
{
    size_t bytes = list->count;
    for (size_t i = 0; i < list->count; i++) bytes += list->at[i] ? strlen(list->at[i]) : 0;
    char *to = *text = bc_realloc(NULL, bytes, 1);
    if (!to) return bc_fail_memory(err);
    *length = bytes;
    for (size_t i = 0; i < list->count; i++) {
        size_t size = list->at[i] ? strlen(list->at[i]) : 0;
        if (size > 0) memcpy(to, list->at[i], size);
        to += size;
        *to++ = '\n';
    }
    return BERTC_OK;
}

bertc_status bc_vocab_read_json(const char *path, char **text, size_t *length, bertc_error *err)
{
    cJSON *tree = NULL;
    bertc_status status = bc_json_read(path, BC_KIND_TOKENIZER, &tree, err);
    if (status) return status;
    const cJSON *vocab = bc_json_get(bc_json_get(tree, "model"), "vocab");
    words list = {0};
    /* Ids run from 0; a few may be missing, but not more than there are words. */
    list.room = 2 * ((size_t)cJSON_GetArraySize(vocab) +
                     (size_t)cJSON_GetArraySize(bc_json_get(tree, "added_tokens")));
    list.at = bc_calloc(list.room, sizeof *list.at);
    status = list.at ? collect(tree, &list, path, err) : bc_fail_memory(err);
    if (!status) status = join(&list, text, length, err);
    bc_free(list.at);
    cJSON_Delete(tree);
    return status;
}

bertc_status bc_vocab_compare_json(const bertc_vocab *vocab, const char *path, bertc_error *err)
{
    cJSON *tree = NULL;
    bertc_status status = bc_json_read(path, BC_KIND_TOKENIZER, &tree, err);
    const cJSON *vocabulary = bc_json_get(bc_json_get(tree, "model"), "vocab"), *entry;
    if (!status && !cJSON_IsObject(vocabulary))
        status = bc_fail(err, BERTC_INPUT, "%s: model.vocab is no object of words", path);
    for (entry = vocabulary ? vocabulary->child : NULL; entry && !status; entry = entry->next) {
        const char *word = entry->string;
        size_t length = strlen(word);
        /* White space at its end is lost in vocab.txt; an id behind its lines is an added one. */
        bool same = length == 0 || bc_vocab_space_before(word, length) > 0 ||
                    entry->valuedouble >= bertc_vocab_size(vocab);
        int32_t id = same ? 0 : bertc_vocab_id(vocab, word, length);
        if (!same && entry->valuedouble != id)
            status = bc_fail(err, BERTC_INPUT,
                             "%s: \"%s\" has id %.0f, but %d in vocab.txt; remove the wrong file",
                             path, word, entry->valuedouble, (int)id);
    }
    cJSON_Delete(tree);
    return status;
}
