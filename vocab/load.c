/* Loading a vocabulary from a file or a model directory: vocab.txt, tokenizer.json, or both, which must agree. */
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/magic.h"
#include "base/memory.h"
#include "base/model_path.h"
#include "vocab/json.h"
#include "vocab/vocab.h"

/* Return the path of tokenizer.json in the folder of `path`; null if out of memory. */
static char *sibling_path(const char *path)
{
    static const char name[] = "tokenizer.json";
    const char *slash = strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
    char *sibling = bc_realloc(NULL, folder + sizeof name, 1);
    if (!sibling) return NULL;
    memcpy(sibling, path, folder);
    memcpy(sibling + folder, name, sizeof name);
    return sibling;
}

/* Find the file to read: `path`, or if that file is absent, the tokenizer.json in the same folder. The caller owns
 * *words. */
static bertc_status find_words(const char *path, char **words, bool *json, bertc_error *err)
{
    size_t length = strlen(path);
    bool found = false;
    *json = length > 5 && strcmp(path + length - 5, ".json") == 0;
    *words = bc_strndup(path, length);
    if (!*words) return bc_fail_memory(err);
    bertc_status status = *json ? BERTC_OK : bc_file_find(path, &found, err);
    if (status || *json || found) return status;
    char *sibling = sibling_path(path);
    status = sibling ? bc_file_find(sibling, json, err) : bc_fail_memory(err);
    if (!status && *json) {
        bc_free(*words);
        *words = sibling;
        return BERTC_OK;
    }
    bc_free(sibling);
    return status;
}

static bertc_status load(const char *path, bool added, bertc_vocab **vocab, bertc_error *err)
{
    char *text = NULL, *found = NULL;
    size_t length = 0;
    bool json;
    int32_t distinct = 0;
    if (!path || !vocab) return bc_fail_null(err, __func__, "path and vocab");
    *vocab = NULL;
    bertc_status status = find_words(path, &found, &json, err);
    if (!status)
        status = json ? bc_vocab_read_json(found, added, &text, &length, &distinct, err)
                      : bc_file_read(found, BC_FILE_WORDS, &text, &length, err);
    if (!status && !json) status = bc_magic_refuse(found, text, length, "a list of words", err);
    if (!status) status = bertc_vocab_parse(text, length, found, vocab, err);
    if (!status && json && !added) bc_vocab_set_distinct(*vocab, distinct);
    bc_free(text);
    bc_free(found);
    return status;
}

bertc_status bertc_vocab_load(const char *path, bertc_vocab **vocab, bertc_error *err)
{
    return load(path, true, vocab, err);
}

/* Keep only the first `lines` lines of the vocabulary. */
static bertc_status cut(bertc_vocab **vocab, int32_t lines, bertc_error *err)
{
    bertc_vocab *whole = *vocab;
    const char *text = bertc_vocab_text(whole, NULL), *rest = bertc_vocab_word(whole, lines, NULL);
    bertc_status status = bertc_vocab_parse(text, (size_t)(rest - text), bertc_vocab_source(whole), vocab, err);
    bertc_vocab_free(whole);
    return status;
}

bertc_status bertc_vocab_load_dir(const char *dir, bertc_vocab **vocab, bertc_error *err)
{
    static const char *const names[] = {"vocab.txt", "tokenizer.json"};
    if (!dir || !vocab) return bc_fail_null(err, __func__, "dir and vocab");
    *vocab = NULL;
    bertc_status there = bc_model_path_check(dir, names, sizeof names / sizeof *names, err);
    if (there != BERTC_OK) return there;
    char *words = bc_path_join(dir, "vocab.txt"), *json = bc_path_join(dir, "tokenizer.json");
    bool listed = false, both = false;
    int32_t lines = 0, distinct = 0;
    *vocab = NULL;
    bertc_status status = words && json ? load(words, false, vocab, err) : bc_fail_memory(err);
    if (!status) status = bc_file_find(words, &listed, err);
    if (!status && listed) status = bc_file_find(json, &both, err);
    if (!status && both) status = bc_vocab_compare_json(*vocab, json, &lines, &distinct, err);
    if (!status && both && lines < bertc_vocab_size(*vocab)) status = cut(vocab, lines, err);
    if (!status && both) bc_vocab_set_distinct(*vocab, distinct);
    if (status) bertc_vocab_free(*vocab);
    if (status) *vocab = NULL;
    bc_free(words);
    bc_free(json);
    return status;
}
