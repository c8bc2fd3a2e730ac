/* The reference (AutoTokenizer of transformers 5) collects tokens in four steps. A later token replaces an earlier
 * token of the same text:
 *
 *   1. For generic classes only, the tokens of tokenizer.json, in its order.
 *   2. The numbered tokens, in the order of their ids, from added_tokens_decoder of tokenizer_config.json. If that is
 *      absent, from added_tokens.json, overridden by tokenizer.json.
 *   3. The named tokens (cls_token, ..., any ..._token), from tokenizer_config.json, overridden by
 *      special_tokens_map.json if there is no added_tokens_decoder. A BERT class has default names. Tokens of steps 1
 *      and 2 are skipped.
 *   4. The list extra_special_tokens or additional_special_tokens. Tokens of steps 1 and 2 are skipped.
 *
 * So the declarations of steps 1 and 2 take precedence. It is an error if files give one id to two tokens, or two ids
 * to one token: versions of the reference differ in which they use. */
#include "tokenizer/declared_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"

typedef struct token {
    const char *text;  /* points into the parsed JSON */
    const char *place; /* the file */
    const char *key;   /* key of a named token: "cls_token", ... */
    int64_t id;        /* -1: no id */
    bool single_word, lstrip, rstrip, special;
    bool late;      /* the reference reads this token after added_tokens.json */
    bool last;      /* this named token is sorted after the others; names of later files do not override it */
    int normalized; /* -1: not stated */
} token;

typedef struct tokens {
    token *at;
    size_t count, capacity;
} tokens;

typedef struct reader {
    const bc_tokenizer_files *files;
    bool generic;
    tokens json;     /* tokens of tokenizer.json, in its order */
    tokens numbered; /* in the order of their ids */
    tokens named;
    tokens extra;
    tokens all;      /* the result */
    bertc_error *err;
} reader;

/* The keys that every tokenizer of the reference has, in its order. */
enum { NAMES = 7 };
static const struct {
    const char *key;
    int special; /* bertc_special; -1: BERT does not use it */
} names[NAMES] = {{"bos_token", -1},         {"eos_token", -1},         {"unk_token", BERTC_UNK},
                  {"sep_token", BERTC_SEP}, {"pad_token", BERTC_PAD}, {"cls_token", BERTC_CLS},
                  {"mask_token", BERTC_MASK}};

bertc_status bc_read_bool(const cJSON *object, const char *key, const char *place, bool *value, bertc_error *err)
{
    const cJSON *member = bc_json_get(object, key);
    if (!member || cJSON_IsNull(member)) return BERTC_OK;
    if (!cJSON_IsBool(member)) return bc_fail(err, BERTC_INPUT, "%s: %s is neither true nor false", place, key);
    *value = cJSON_IsTrue(member);
    return BERTC_OK;
}

/* ---- Lists --------------------------------------------------------------------------------- */

static bertc_status append(tokens *list, const token *item, bertc_error *err)
{
    token *at = bc_grow(list->at, &list->capacity, list->count, sizeof *at);
    if (!at) return bc_fail_memory(err);
    list->at = at;
    list->at[list->count++] = *item;
    return BERTC_OK;
}

static token *find_text(const tokens *list, const char *text)
{
    for (size_t i = list->count; i-- > 0;)
        if (strcmp(list->at[i].text, text) == 0) return &list->at[i];
    return NULL;
}

/* Replace the token with the same text, or append. */
static bertc_status put_text(tokens *list, const token *item, bertc_error *err)
{
    token *old = find_text(list, item->text);
    if (!old) return append(list, item, err);
    *old = *item;
    return BERTC_OK;
}

/* Replace the token with the same id, or append. */
static bertc_status put_id(tokens *list, const token *item, bertc_error *err)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->at[i].id == item->id) {
            list->at[i] = *item;
            return BERTC_OK;
        }
    return append(list, item, err);
}

/* Replace the token with the same key, or append. If the old token has the flag `last` and the new token has not, the
 * old token is kept. It moves to the end and loses the flag. */
static bertc_status put_name(tokens *list, const token *item, bertc_error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        token old = list->at[i];
        if (strcmp(old.key, item->key) != 0) continue;
        if (item->last == old.last || item->last) {
            list->at[i] = *item;
            list->at[i].last = old.last;
            return BERTC_OK;
        }
        memmove(list->at + i, list->at + i + 1, (--list->count - i) * sizeof *list->at);
        old.last = false;
        return append(list, &old, err);
    }
    return append(list, item, err);
}

static int by_id(const void *a, const void *b)
{
    const token *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* ---- One token ----------------------------------------------------------------------------- */

/* Read a token: a string, which is a special token, or an object with flags. */
static bertc_status read_token(const cJSON *entry, const char *what, const char *place, bool special,
                               token *out, bertc_error *err)
{
    const char *text = cJSON_IsObject(entry) ? cJSON_GetStringValue(bc_json_get(entry, "content"))
                                             : cJSON_GetStringValue(entry);
    *out = (token){.text = text, .place = place, .id = -1, .normalized = -1,
                   .special = special || cJSON_IsString(entry)};
    if (!text) return bc_fail(err, BERTC_INPUT, "%s: %s is not the name of a token", place, what);
    if (strlen(text) >= BERTC_MAX_ADDED_BYTES)
        return bc_fail(err, BERTC_INPUT, "%s: %s is longer than %d bytes", place, what, BERTC_MAX_ADDED_BYTES - 1);
    bool normalized = false;
    bertc_status status = bc_read_bool(entry, "single_word", place, &out->single_word, err);
    if (!status) status = bc_read_bool(entry, "lstrip", place, &out->lstrip, err);
    if (!status) status = bc_read_bool(entry, "rstrip", place, &out->rstrip, err);
    if (!status && !special) status = bc_read_bool(entry, "special", place, &out->special, err);
    if (!status) status = bc_read_bool(entry, "normalized", place, &normalized, err);
    if (!status && cJSON_IsBool(bc_json_get(entry, "normalized"))) out->normalized = normalized;
    return status;
}

/* ---- The files ----------------------------------------------------------------------------- */

/* Read added_tokens of tokenizer.json: [{"id": 30522, "content": ...}, ...]. */
static bertc_status read_json(reader *r)
{
    const bc_document *doc = &r->files->json;
    const cJSON *entry, *added = bc_json_get(doc->tree, "added_tokens");
    if (added && !cJSON_IsArray(added) && !cJSON_IsNull(added))
        return bc_fail(r->err, BERTC_INPUT, "%s: added_tokens is not a list of tokens", doc->path);
    cJSON_ArrayForEach(entry, added)
    {
        token item;
        int64_t id = -1;
        bertc_status status = bc_json_int(entry, "id", 0, INT32_MAX - 1, doc->path, &id, r->err);
        if (!status) status = read_token(entry, "an added token", doc->path, false, &item, r->err);
        if (status) return status;
        item.id = id;
        status = append(&r->json, &item, r->err);
        if (status) return status;
    }
    return BERTC_OK;
}

/* Read added_tokens_decoder of tokenizer_config.json: {"30522": {"content": ...}, ...}. */
static bertc_status read_decoder(reader *r, const cJSON *decoder)
{
    const char *path = r->files->config.path;
    const cJSON *entry;
    if (decoder && !cJSON_IsObject(decoder) && !cJSON_IsNull(decoder))
        return bc_fail(r->err, BERTC_INPUT, "%s: added_tokens_decoder is not an object of tokens", path);
    cJSON_ArrayForEach(entry, decoder)
    {
        token item;
        int64_t id = 0;
        for (const char *digit = entry->string; *digit; digit++) {
            if (*digit < '0' || *digit > '9' || id > INT32_MAX / 10 - 1)
                return bc_fail(r->err, BERTC_INPUT, "%s: \"%s\" is not a token id", path, entry->string);
            id = id * 10 + (*digit - '0');
        }
        bertc_status status = read_token(entry, "an added token", path, false, &item, r->err);
        item.id = id;
        if (!status) status = put_id(&r->numbered, &item, r->err);
        if (status) return status;
    }
    return BERTC_OK;
}

/* Whether a token of added_tokens.json is special. */
static bool is_special(const reader *r, const char *text)
{
    const token *extra = find_text(&r->extra, text);
    if (extra && !extra->late) return true;
    for (size_t i = 0; i < r->named.count; i++)
        for (size_t k = 0; k < NAMES; k++)
            if (strcmp(r->named.at[i].key, names[k].key) == 0 && strcmp(r->named.at[i].text, text) == 0) return true;
    return false;
}

/* Read added_tokens.json: {"[E1]": 30522, ...}. Tokens that are not special are normalised. */
static bertc_status read_added(reader *r)
{
    const bc_document *doc = &r->files->added;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, doc->tree)
    {
        bool special = is_special(r, entry->string);
        token item = {.text = entry->string, .place = doc->path, .special = special, .normalized = !special};
        double id = cJSON_IsNumber(entry) ? entry->valuedouble : -1;
        if (!(id >= 0 && id < INT32_MAX) || id != (double)(int64_t)id)
            return bc_fail(r->err, BERTC_INPUT, "%s: \"%s\" has no token id", doc->path, item.text);
        if (strlen(item.text) >= BERTC_MAX_ADDED_BYTES)
            return bc_fail(r->err, BERTC_INPUT, "%s: an added token is longer than %d bytes", doc->path,
                           BERTC_MAX_ADDED_BYTES - 1);
        item.id = (int64_t)id;
        bertc_status status = put_id(&r->numbered, &item, r->err);
        if (status) return status;
    }
    return BERTC_OK;
}

static bool is_name(const char *key)
{
    static const char end[] = "_token";
    size_t length = strlen(key);
    return length >= sizeof end - 1 && strcmp(key + length - (sizeof end - 1), end) == 0;
}

/* Read the members that name a token: {"cls_token": "[CLS]", "mask_token": {"content": ...}, ...}. Under keys that BERT
 * does not use, values that name no token are skipped. all: read every key, not only ..._token. special: objects are
 * special tokens.
 *
 * The flag `last` is set for every token if `all`, else in tokenizer_config.json for strings under keys that are not in
 * `names`. */
static bertc_status read_names(reader *r, const bc_document *doc, const cJSON *object, bool all, bool special)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, object)
    {
        size_t place = 0;
        while (place < NAMES && strcmp(entry->string, names[place].key) != 0) place++;
        bool own = place < NAMES && names[place].special >= 0;
        if (!all && !is_name(entry->string)) continue;
        token item = {.text = "", .id = -1};
        bertc_status status = BERTC_OK;
        if (!cJSON_IsNull(entry)) {
            if (!own && !cJSON_IsString(entry) && !cJSON_IsObject(entry)) continue;
            status = read_token(entry, entry->string, doc->path, special, &item, r->err);
            if (!status && own && !*item.text)
                status = bc_fail(r->err, BERTC_INPUT, "%s: %s is not the name of a token", doc->path, entry->string);
        }
        item.key = entry->string;
        item.last = all || (place == NAMES && !special && cJSON_IsString(entry));
        if (!status) status = put_name(&r->named, &item, r->err);
        if (status) return status;
    }
    return BERTC_OK;
}

/* Read a list: ["[E1]", {"content": "[E2]"}, ...]. */
static bertc_status read_list(reader *r, const bc_document *doc, const char *key, const cJSON *list,
                              bool special, bool late)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, list)
    {
        token item;
        if (!cJSON_IsString(entry) && !cJSON_IsObject(entry))
            return bc_fail(r->err, BERTC_INPUT, "%s: %s contains an entry that is not a token", doc->path, key);
        bertc_status status = read_token(entry, key, doc->path, special, &item, r->err);
        item.late = late;
        if (!status) status = put_text(&r->extra, &item, r->err);
        if (status) return status;
    }
    return BERTC_OK;
}

/* Read names and lists. If the key extra_special_tokens is absent, the older additional_special_tokens is used. legacy:
 * there is no added_tokens_decoder. */
static bertc_status read_specials(reader *r, bool legacy)
{
    static const char extra_key[] = "extra_special_tokens", old_key[] = "additional_special_tokens";
    const bc_document *config = &r->files->config, *map = &r->files->map, *from = config;
    const cJSON *extra = bc_json_get(config->tree, extra_key);
    const cJSON *old = bc_json_get(config->tree, old_key);
    const cJSON *more = legacy ? bc_json_get(map->tree, extra_key) : NULL;
    if (old && cJSON_GetArraySize(extra) == 0) {
        extra = old;
        old = NULL;
    }
    bertc_status status = read_names(r, config, config->tree, false, false);
    if (!status && cJSON_IsObject(extra)) status = read_names(r, config, extra, true, false);
    if (cJSON_IsObject(extra)) extra = NULL;
    if (!status && legacy) status = read_names(r, map, map->tree, false, true);
    if (!status && cJSON_IsObject(more)) status = read_names(r, map, more, true, true);
    if (!status) status = read_list(r, config, extra_key, extra, false, false);
    if (!status && cJSON_IsArray(more)) status = read_list(r, map, extra_key, more, true, false);
    if (status || extra || cJSON_IsArray(more)) return status;
    if (legacy && bc_json_get(map->tree, old_key)) {
        old = bc_json_get(map->tree, old_key);
        from = map;
    }
    return read_list(r, from, old_key, old, false, true);
}

/* ---- All tokens --------------------------------------------------------------------------- */

/* Check that two lists (or one list and itself) give the same ids to the same tokens. */
static bertc_status check_ids(const tokens *a, const tokens *b, bertc_error *err)
{
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < b->count; k++) {
            const token *x = &a->at[i], *y = &b->at[k];
            bool same = strcmp(x->text, y->text) == 0;
            if (same == (x->id == y->id)) continue;
            return bc_fail(err, BERTC_INPUT, "%s: the added token \"%s\" has id %lld, but in %s %s%s%s %lld",
                           x->place, x->text, (long long)x->id, y->place, same ? "" : "\"",
                           same ? "it has" : y->text, same ? "" : "\" has", (long long)y->id);
        }
    return BERTC_OK;
}

static bertc_status read_numbered(reader *r)
{
    const cJSON *decoder = bc_json_get(r->files->config.tree, "added_tokens_decoder");
    bertc_status status = read_json(r);
    if (!status && decoder) status = read_decoder(r, decoder);
    if (!status && !decoder) status = read_added(r);
    if (!status) status = check_ids(&r->json, &r->json, r->err);
    if (!status) status = check_ids(&r->json, &r->numbered, r->err);
    if (!status) status = check_ids(&r->numbered, &r->numbered, r->err);
    for (size_t i = 0; i < r->json.count && !decoder && !status; i++)
        status = put_id(&r->numbered, &r->json.at[i], r->err);
    if (!status && r->numbered.count > 0) qsort(r->numbered.at, r->numbered.count, sizeof *r->numbered.at, by_id);
    return status;
}

/* Sort the names in the reference's order. A BERT class has default names for keys that no file has. */
static bertc_status sort_names(reader *r, const bertc_tokenizer_options *options)
{
    tokens sorted = {0};
    bertc_status status = BERTC_OK;
    for (size_t i = 0; i < NAMES && !status; i++) {
        bool given = !r->generic && names[i].special >= 0;
        token item = {.text = given ? options->special[names[i].special] : "", .key = names[i].key,
                      .id = -1, .normalized = -1, .special = true};
        for (size_t k = 0; k < r->named.count; k++)
            if (strcmp(names[i].key, r->named.at[k].key) == 0) item = r->named.at[k];
        status = append(&sorted, &item, r->err);
    }
    for (size_t i = 0; i < 2 * r->named.count && !status; i++) {
        const token *item = &r->named.at[i % r->named.count];
        bool last = i >= r->named.count;
        if (item->last == last) status = put_name(&sorted, item, r->err);
    }
    bc_free(r->named.at);
    r->named = sorted;
    return status;
}

/* Add the tokens of a list, except tokens that are among the first `numbered` tokens of the result. */
static bertc_status add_others(reader *r, size_t numbered, const tokens *list)
{
    bertc_status status = BERTC_OK;
    for (size_t i = 0; i < list->count && !status; i++) {
        const token *old = find_text(&r->all, list->at[i].text);
        if (*list->at[i].text && (!old || old >= r->all.at + numbered))
            status = put_text(&r->all, &list->at[i], r->err);
    }
    return status;
}

/* Set the names of the special tokens. A null name unsets a token; only [PAD] and [MASK] may be unset. */
static bertc_status take_names(const reader *r, bertc_tokenizer_options *options)
{
    for (size_t i = 0; i < NAMES; i++) {
        const char *text = r->named.at[i].text;
        int special = names[i].special;
        if (special < 0 || (!*text && r->generic)) continue;
        if (!*text && special != BERTC_PAD && special != BERTC_MASK)
            return bc_fail(r->err, BERTC_INPUT, "%s: %s is null, but BERT needs it", r->files->config.path,
                           names[i].key);
        memcpy(options->special[special], text, strlen(text) + 1);
    }
    return BERTC_OK;
}

static bertc_status take_tokens(const reader *r, bertc_tokenizer_options *options)
{
    options->added_count = 0;
    memset(options->added, 0, sizeof options->added);
    for (size_t i = 0; i < r->all.count; i++) {
        const token *from = &r->all.at[i];
        if (options->added_count == BERTC_MAX_ADDED_TOKENS)
            return bc_fail(r->err, BERTC_INPUT, "%s: more than %d added tokens", from->place, BERTC_MAX_ADDED_TOKENS);
        bool special = from->special || find_text(&r->named, from->text);
        bertc_added_token *to = &options->added[options->added_count++];
        *to = (bertc_added_token){.id = (int32_t)from->id,
                                  .normalized = from->normalized < 0 ? !special : from->normalized > 0,
                                  .single_word = from->single_word,
                                  .lstrip = from->lstrip,
                                  .rstrip = from->rstrip};
        memcpy(to->text, from->text, strlen(from->text) + 1);
    }
    return BERTC_OK;
}

bertc_status bc_declared_tokens_read(const bc_tokenizer_files *files, bool generic,
                                     bertc_tokenizer_options *options, bertc_error *err)
{
    reader r = {.files = files, .generic = generic, .err = err};
    bertc_tokenizer_options before = *options; /* tokens point to names in this copy */
    bool legacy = !bc_json_get(files->config.tree, "added_tokens_decoder");
    bertc_status status = read_specials(&r, legacy);
    if (!status) status = read_numbered(&r);
    if (!status) status = sort_names(&r, &before);
    if (!status && generic) status = add_others(&r, 0, &r.json);
    if (!status) status = add_others(&r, 0, &r.numbered);
    size_t numbered = r.all.count;
    if (!status) status = add_others(&r, numbered, &r.named);
    if (!status) status = add_others(&r, numbered, &r.extra);
    if (!status) status = take_names(&r, options);
    if (!status) status = take_tokens(&r, options);
    bc_free(r.json.at);
    bc_free(r.numbered.at);
    bc_free(r.named.at);
    bc_free(r.extra.at);
    bc_free(r.all.at);
    return status;
}
