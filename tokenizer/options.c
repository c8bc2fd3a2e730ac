/* Reading the tokenizer options from the files of a model directory.
 *
 * AutoTokenizer first chooses a class. A BERT class reads its options from tokenizer_config.json and ignores the
 * normaliser and the model settings of tokenizer.json; a generic class takes tokenizer.json unchanged. Both classes use
 * the added tokens of both files. A setting that changes ids and that BERT's WordPiece does not have is an error that
 * names the setting. */
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "bertc/tokenizer.h"
#include "tokenizer/declared_tokens.h"
#include "vocab/json.h"

static bertc_status open_document(const char *folder, const char *name, bc_file_kind kind, bc_document *doc,
                                  bertc_error *err)
{
    doc->path = bc_path_join(folder, name);
    if (!doc->path) return bc_fail_memory(err);
    bool found;
    bertc_status status = bc_file_find(doc->path, &found, err);
    if (status || !found) return status;
    status = bc_json_read(doc->path, kind, &doc->tree, err);
    if (!status && !cJSON_IsObject(doc->tree)) status = bc_fail(err, BERTC_INPUT, "%s: not an object", doc->path);
    return status;
}

/* Return the string at `key`, or null. */
static const char *string_at(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(bc_json_get(object, key));
}

static bertc_status read_strip(const cJSON *object, const char *place,
                               bertc_tokenizer_options *options, bertc_error *err)
{
    const cJSON *member = bc_json_get(object, "strip_accents");
    bool strip = false;
    bertc_status status = bc_read_bool(object, "strip_accents", place, &strip, err);
    if (!status && member) options->strip_accents = cJSON_IsNull(member) ? -1 : strip;
    return status;
}

/* Check that the member is absent, null or the string `wanted`. */
static bertc_status require(const cJSON *object, const char *key, const char *wanted,
                            const char *place, bertc_error *err)
{
    const cJSON *member = bc_json_get(object, key);
    if (!member || cJSON_IsNull(member)) return BERTC_OK;
    const char *text = cJSON_GetStringValue(member);
    if (text && strcmp(text, wanted) == 0) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s: %s is \"%s\", only \"%s\" is supported", place, key,
                   text ? text : "not a string", wanted);
}

/* Check that the "type" of the object at `key` is one of the space-separated `names`. */
static bertc_status require_type(const cJSON *object, const char *key, const char *names,
                                 const char *place, bertc_error *err)
{
    const char *type = string_at(bc_json_get(object, key), "type");
    const char *found = type && *type ? strstr(names, type) : NULL;
    size_t length = type ? strlen(type) : 0;
    if (found && (found == names || found[-1] == ' ') && (!found[length] || found[length] == ' ')) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s: %s is %s, expected %s", place, key, type ? type : "missing", names);
}

/* Read a maximum length. Values above INT32_MAX mean no limit; the reference writes 1e30. */
static bertc_status read_length(const bc_document *doc, const char *key,
                                bertc_tokenizer_options *options, bertc_error *err)
{
    const cJSON *member = bc_json_get(doc->tree, key);
    if (!member || cJSON_IsNull(member)) return BERTC_OK;
    double length = cJSON_IsNumber(member) ? member->valuedouble : 0;
    if (!(length >= 1)) return bc_fail(err, BERTC_INPUT, "%s: %s is not a length of at least 1", doc->path, key);
    options->model_max_length = length <= INT32_MAX ? (int32_t)length : 0;
    return BERTC_OK;
}

/* Read the settings of tokenizer_config.json that apply to every class. */
static bertc_status read_config(const bc_document *doc, bertc_tokenizer_options *options, bertc_error *err)
{
    bool split = false, basic = true;
    bertc_status status = require(doc->tree, "truncation_side", "right", doc->path, err);
    if (!status) status = bc_read_bool(doc->tree, "split_special_tokens", doc->path, &split, err);
    if (!status && split) status = bc_fail(err, BERTC_INPUT, "%s: split_special_tokens is not supported", doc->path);
    if (!status && options->parity == BERTC_HF_SLOW) { /* only the Python tokenizer has these settings */
        status = bc_read_bool(doc->tree, "do_basic_tokenize", doc->path, &basic, err);
        if (!status && !basic)
            status = bc_fail(err, BERTC_INPUT, "%s: do_basic_tokenize false is not supported", doc->path);
        if (!status && cJSON_GetArraySize(bc_json_get(doc->tree, "never_split")) > 0)
            status = bc_fail(err, BERTC_INPUT, "%s: never_split is not supported", doc->path);
    }
    const cJSON *inputs = bc_json_get(doc->tree, "model_input_names"), *entry;
    if (cJSON_IsArray(inputs)) options->no_types = true;
    cJSON_ArrayForEach(entry, inputs)
    {
        const char *name = cJSON_GetStringValue(entry);
        if (name && strcmp(name, "token_type_ids") == 0) options->no_types = false;
    }
    if (!status) status = read_length(doc, "max_len", options, err);
    if (!status) status = read_length(doc, "model_max_length", options, err);
    return status;
}

static bertc_status read_normalizer(const bc_document *doc, bertc_tokenizer_options *options, bertc_error *err)
{
    const cJSON *object = bc_json_get(doc->tree, "normalizer");
    bertc_status status = require_type(doc->tree, "normalizer", "BertNormalizer", doc->path, err);
    if (!status) status = bc_read_bool(object, "lowercase", doc->path, &options->do_lower_case, err);
    if (!status) status = bc_read_bool(object, "clean_text", doc->path, &options->clean_text, err);
    if (!status)
        status = bc_read_bool(object, "handle_chinese_chars", doc->path, &options->tokenize_chinese_chars, err);
    if (!status) status = read_strip(object, doc->path, options, err);
    return status;
}

static bertc_status read_model(const bc_document *doc, bertc_tokenizer_options *options, bertc_error *err)
{
    const cJSON *model = bc_json_get(doc->tree, "model");
    const char *prefix = string_at(model, "continuing_subword_prefix");
    int64_t max = options->max_word_chars;
    bertc_status status = require(model, "unk_token", options->special[BERTC_UNK], doc->path, err);
    if (!status) status = bc_json_int(model, "max_input_chars_per_word", 1, INT32_MAX, doc->path, &max, err);
    if (status) return status;
    options->max_word_chars = (int32_t)max;
    if (!prefix) return BERTC_OK;
    size_t length = strlen(prefix);
    if (length >= BERTC_MAX_PREFIX_BYTES)
        return bc_fail(err, BERTC_INPUT, "%s: continuing_subword_prefix is longer than %d bytes",
                       doc->path, BERTC_MAX_PREFIX_BYTES - 1);
    memcpy(options->prefix, prefix, length + 1);
    return BERTC_OK;
}

/* Whether a template lists these ids: [{"SpecialToken": {"id": ..., "type_id": ...}}, {"Sequence": ...}]. */
static bool is_template(const cJSON *list, const char *const *ids, int length)
{
    if (cJSON_GetArraySize(list) != length) return false;
    for (int i = 0; i < length; i++) {
        const cJSON *entry = cJSON_GetArrayItem(list, i), *part = entry ? entry->child : NULL;
        const char *id = string_at(part, "id");
        const cJSON *type = bc_json_get(part, "type_id");
        if (!id || strcmp(id, ids[i]) != 0 || (type && type->valuedouble != (i > 2 ? 1 : 0))) return false;
    }
    return true;
}

/* Check that a template is [CLS] a [SEP], followed for pairs by b [SEP]. */
static bertc_status read_template(const bc_document *doc, const bertc_tokenizer_options *options, bertc_error *err)
{
    const char *cls = options->special[BERTC_CLS], *sep = options->special[BERTC_SEP];
    const char *const ids[] = {cls, "A", sep, "B", sep};
    const cJSON *processor = bc_json_get(doc->tree, "post_processor");
    const char *type = string_at(processor, "type");
    if (!type || strcmp(type, "TemplateProcessing") != 0) return BERTC_OK;
    if (is_template(bc_json_get(processor, "single"), ids, 3) && is_template(bc_json_get(processor, "pair"), ids, 5))
        return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s: post_processor is not %s A %s B %s", doc->path, cls, sep, sep);
}

/* Read all options from tokenizer.json, for a generic class. */
static bertc_status read_generic(const bc_document *doc, bertc_tokenizer_options *options, bertc_error *err)
{
    bertc_status status = read_normalizer(doc, options, err);
    if (!status) status = require_type(doc->tree, "pre_tokenizer", "BertPreTokenizer", doc->path, err);
    if (!status)
        status = require_type(doc->tree, "post_processor", "TemplateProcessing BertProcessing", doc->path, err);
    if (!status) status = read_template(doc, options, err);
    if (!status) status = read_model(doc, options, err);
    return status;
}

/* Find out whether a class of this name is generic. An unknown name is an error. */
static bertc_status classify(const char *name, const char *place, bool *generic, bertc_error *err)
{
    static const struct {
        const char *name;
        bool generic;
    } classes[] = {{"BertTokenizer", false},       {"DistilBertTokenizer", false},  {"ElectraTokenizer", false},
                   {"MobileBertTokenizer", false}, {"SqueezeBertTokenizer", false}, {"ConvBertTokenizer", false},
                   {"PreTrainedTokenizer", true},  {"TokenizersBackend", true}};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        size_t length = strlen(classes[i].name);
        if (strncmp(name, classes[i].name, length) != 0) continue;
        if (name[length] && strcmp(name + length, "Fast") != 0) continue;
        *generic = classes[i].generic;
        return BERTC_OK;
    }
    return bc_fail(err, BERTC_INPUT, "%s: tokenizer_class %s is not BERT's WordPiece", place, name);
}

static bertc_status overlay(const bc_tokenizer_files *files, bertc_tokenizer_options *options, bertc_error *err)
{
    bool generic = false, any = files->config.tree || files->model.tree || files->json.tree || files->map.tree ||
                                files->added.tree;
    const bc_document *documents[] = {&files->config, &files->model};
    const char *class = NULL;
    bertc_status status = BERTC_OK;
    for (int i = 0; i < 2 && !class; i++) {
        class = string_at(documents[i]->tree, "tokenizer_class");
        if (class) status = classify(class, documents[i]->path, &generic, err);
    }
    if (!class) generic = !string_at(files->model.tree, "model_type");
    if (!status && files->config.tree) status = read_config(&files->config, options, err);
    if (!status && files->json.tree) status = bc_vocab_check_model(files->json.tree, files->json.path, err);
    generic = generic && files->json.tree;
    if (!status && any) status = bc_declared_tokens_read(files, generic, options, err);
    if (status) return status;
    if (generic) return read_generic(&files->json, options, err);
    const bc_document *config = &files->config;
    status = bc_read_bool(config->tree, "do_lower_case", config->path, &options->do_lower_case, err);
    if (!status)
        status = bc_read_bool(config->tree, "tokenize_chinese_chars", config->path, &options->tokenize_chinese_chars,
                              err);
    return status ? status : read_strip(config->tree, config->path, options, err);
}

bertc_status bertc_tokenizer_read_options(const char *model_dir, bertc_tokenizer_options *options, bertc_error *err)
{
    bc_tokenizer_files files = {0};
    if (!model_dir || !options) return bc_fail_null(err, __func__, "model_dir and options");
    const struct {
        const char *name;
        bc_file_kind kind;
        bc_document *document;
    } list[] = {{"tokenizer_config.json", BC_FILE_SETTINGS, &files.config},
                {"config.json", BC_FILE_SETTINGS, &files.model},
                {"tokenizer.json", BC_FILE_TOKENIZER, &files.json},
                {"special_tokens_map.json", BC_FILE_SETTINGS, &files.map},
                {"added_tokens.json", BC_FILE_SETTINGS, &files.added}};
    const size_t count = sizeof list / sizeof *list;
    bertc_status status = BERTC_OK;
    for (size_t i = 0; i < count && !status; i++)
        status = open_document(model_dir, list[i].name, list[i].kind, list[i].document, err);
    if (!status) {
        bertc_tokenizer_options made = *options;
        status = overlay(&files, &made, err);
        if (!status) *options = made;
    }
    for (size_t i = 0; i < count; i++) {
        cJSON_Delete(list[i].document->tree);
        bc_free(list[i].document->path);
    }
    return status;
}
