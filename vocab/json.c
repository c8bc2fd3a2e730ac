#include "vocab/json.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "vocab/vocab.h"

/* The words by id, null for an id without a word; they point into the parsed JSON. */
typedef struct words {
    const char **at;
    size_t capacity, count; /* count: one past the largest id */
} words;

static bertc_status put_word(words *list, const char *word, double id, const char *path, bertc_error *err)
{
    size_t length = strlen(word);
    if (!(id >= 0) || id >= (double)list->capacity || id != (double)(size_t)id)
        return bc_fail(err, BERTC_INPUT, "%s: the id of \"%s\" is missing or is not below %zu", path, word,
                       list->capacity);
    if (strchr(word, '\n') || bc_vocab_space_before(word, length) > 0)
        return bc_fail(err, BERTC_INPUT, "%s: word %.0f contains a line end or ends in white space", path, id);
    size_t at = (size_t)id;
    if (list->at[at] && strcmp(list->at[at], word) != 0)
        return bc_fail(err, BERTC_INPUT, "%s: \"%s\" and \"%s\" both have id %zu", path, list->at[at], word, at);
    list->at[at] = word;
    if (at >= list->count) list->count = at + 1;
    return BERTC_OK;
}

/* Old files state no type. A list of words with scores then means Unigram, and merges mean BPE. */
bertc_status bc_vocab_check_model(const cJSON *tree, const char *path, bertc_error *err)
{
    const cJSON *model = bc_json_get(tree, "model"), *vocab = bc_json_get(model, "vocab");
    const char *type = cJSON_GetStringValue(bc_json_get(model, "type"));
    if (!cJSON_IsObject(model))
        return bc_fail(err, BERTC_INPUT, "%s: no \"model\": this is not a tokenizer.json", path);
    if (!type) type = bc_json_get(model, "merges") ? "BPE" : cJSON_IsArray(vocab) ? "Unigram" : "WordPiece";
    if (strcmp(type, "WordPiece") == 0) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s: the tokenizer has type %s, expected BERT's WordPiece", path, type);
}

static bertc_status collect(const cJSON *tree, bool with_added, words *list, const char *path, bertc_error *err)
{
    const cJSON *vocab = bc_json_get(bc_json_get(tree, "model"), "vocab"), *entry;
    const cJSON *added = with_added ? bc_json_get(tree, "added_tokens") : NULL;
    bertc_status status = bc_vocab_check_model(tree, path, err);
    if (!status && !cJSON_IsObject(vocab))
        status = bc_fail(err, BERTC_INPUT, "%s: model.vocab is not an object of words", path);
    if (status) return status;
    for (entry = vocab->child; entry && !status; entry = entry->next)
        status = put_word(list, entry->string, cJSON_IsNumber(entry) ? entry->valuedouble : -1, path, err);
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

bertc_status bc_vocab_read_json(const char *path, bool added, char **text, size_t *length,
                                int32_t *distinct, bertc_error *err)
{
    cJSON *tree = NULL;
    bertc_status status = bc_json_read(path, BC_FILE_TOKENIZER, &tree, err);
    if (status) return status;
    const cJSON *vocab = bc_json_get(bc_json_get(tree, "model"), "vocab");
    words list = {0};
    *distinct = cJSON_GetArraySize(vocab);
    /* Ids run from 0; up to half of them may have no word. */
    list.capacity = 2 * ((size_t)cJSON_GetArraySize(vocab) +
                     (size_t)cJSON_GetArraySize(bc_json_get(tree, "added_tokens")));
    list.at = bc_calloc(list.capacity, sizeof *list.at);
    status = list.at ? collect(tree, added, &list, path, err) : bc_fail_memory(err);
    if (!status) status = join(&list, text, length, err);
    bc_free(list.at);
    cJSON_Delete(tree);
    return status;
}

/* List the words of tokenizer.json for a comparison with vocab.txt. They may end in white space, which vocab.txt cannot
 * hold. An id beyond the lines of vocab.txt is an error. */
static bertc_status list_words(const cJSON *vocab, words *list, const char *path, bertc_error *err)
{
    const cJSON *beyond = NULL;
    int32_t count = 0;
    for (const cJSON *entry = vocab->child; entry; entry = entry->next) {
        double id = cJSON_IsNumber(entry) ? entry->valuedouble : -1;
        if (!(id >= 0) || id >= INT32_MAX || id != (double)(int64_t)id)
            return bc_fail(err, BERTC_INPUT, "%s: \"%s\" has no id", path, entry->string);
        if (id < (double)list->capacity) {
            list->at[(size_t)id] = entry->string;
            continue;
        }
        if (!beyond || id < beyond->valuedouble) beyond = entry;
        count++;
    }
    if (!beyond) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT,
                   "%s: %d word%s more than in vocab.txt; the first is id %.0f, \"%s\"; remove the "
                   "wrong file",
                   path, (int)count, count == 1 ? "" : "s", beyond->valuedouble, beyond->string);
}

/* Whether line `id` of vocab.txt agrees with `word`, the word of this id in tokenizer.json. `word` is null if
 * tokenizer.json has no word for the id: then the line must be blank or repeated by a later line. */
static bool same_word(const bertc_vocab *vocab, int32_t id, const char *word)
{
    size_t length;
    const char *line = bertc_vocab_word(vocab, id, &length);
    if (!word) return length == 0 || bertc_vocab_id(vocab, line, length) != id;
    size_t trimmed = strlen(word), bytes;
    while ((bytes = bc_vocab_space_before(word, trimmed)) > 0) trimmed -= bytes;
    return trimmed == length && memcmp(line, word, length) == 0;
}

/* Return the number of lines, not counting trailing lines that are only added tokens of tokenizer.json. */
static int32_t count_lines(const bertc_vocab *vocab, const cJSON *added, const words *list)
{
    int32_t lines = bertc_vocab_size(vocab);
    for (bool found = true; found && lines > 0 && !list->at[lines - 1];) {
        const cJSON *entry;
        found = false;
        cJSON_ArrayForEach(entry, added)
        {
            const char *word = cJSON_GetStringValue(bc_json_get(entry, "content"));
            const cJSON *id = bc_json_get(entry, "id");
            found = found || (word && cJSON_IsNumber(id) && id->valuedouble == lines - 1 &&
                              same_word(vocab, lines - 1, word));
        }
        lines -= found;
    }
    return lines;
}

static bertc_status compare(const bertc_vocab *vocab, const words *list, int32_t lines,
                            const char *path, bertc_error *err)
{
    int32_t differ = 0, first = -1;
    for (int32_t id = 0; id < lines; id++)
        if (!same_word(vocab, id, list->at[id])) {
            differ++;
            if (first < 0) first = id;
        }
    if (first < 0) return BERTC_OK;
    size_t length;
    const char *line = bertc_vocab_word(vocab, first, &length), *word = list->at[first];
    return bc_fail(err, BERTC_INPUT,
                   "%s: %d of %d words differ from vocab.txt; the first is id %d, %s%s%s here and "
                   "\"%.*s\" in vocab.txt; remove the wrong file",
                   path, (int)differ, (int)lines, (int)first, word ? "\"" : "no word", word ? word : "",
                   word ? "\"" : "", (int)length, line);
}

bertc_status bc_vocab_compare_json(const bertc_vocab *vocab, const char *path, int32_t *lines,
                                   int32_t *distinct, bertc_error *err)
{
    cJSON *tree = NULL;
    bertc_status status = bc_json_read(path, BC_FILE_TOKENIZER, &tree, err);
    const cJSON *vocabulary = bc_json_get(bc_json_get(tree, "model"), "vocab");
    words list = {.capacity = (size_t)bertc_vocab_size(vocab)};
    if (!status) status = bc_vocab_check_model(tree, path, err);
    if (!status && !cJSON_IsObject(vocabulary))
        status = bc_fail(err, BERTC_INPUT, "%s: model.vocab is not an object of words", path);
    if (!status) list.at = bc_calloc(list.capacity, sizeof *list.at);
    if (!status && !list.at) status = bc_fail_memory(err);
    if (!status) status = list_words(vocabulary, &list, path, err);
    if (!status) {
        *distinct = cJSON_GetArraySize(vocabulary);
        *lines = count_lines(vocab, bc_json_get(tree, "added_tokens"), &list);
        status = compare(vocab, &list, *lines, path, err);
    }
    bc_free(list.at);
    cJSON_Delete(tree);
    return status;
}
