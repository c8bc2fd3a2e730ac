/* Writing config.json: the members are collected as pairs of a key and the value's text, sorted by key, and printed as
 * transformers prints them, indented by two spaces. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/writer.h"
#include "formats/config.h"

typedef struct member {
    const char *key;
    bc_text value;
} member;

typedef struct members {
    member *list;
    size_t count;
} members;

/* Keys outside the table of fields. bertc writes them itself, or leaves them out (num_labels, because id2label
 * determines it). */
static const char *const own_keys[] = {"architectures", "model_type", "hidden_act", "id2label",
                                       "label2id",      "num_labels", "problem_type"};
enum { OWN_KEYS = sizeof own_keys / sizeof *own_keys, DTYPE_KEYS = 2 };

static bool is_own_key(const char *key)
{
    for (size_t i = 0; i < OWN_KEYS; i++)
        if (strcmp(key, own_keys[i]) == 0) return true;
    for (size_t i = 0; i < bc_config_field_count; i++)
        if (strcmp(key, bc_config_fields[i].key) == 0) return true;
    return false;
}

static bc_text *add(members *all, const char *key)
{
    member *new = &all->list[all->count++];
    *new = (member){.key = key};
    return &new->value;
}

static void put_id2label(bc_text *value, const bertc_config *config)
{
    for (int32_t i = 0; i < config->num_labels; i++) {
        bc_text_printf(value, "%s\n    \"%d\": ", i ? "," : "{", (int)i);
        bc_text_quote(value, config->labels[i]);
    }
    bc_text_printf(value, "\n  }");
}

/* If several labels are equal, label2id has the index of the last, as in transformers. */
static void put_label2id(bc_text *value, const bertc_config *config)
{
    bc_named_label *labels = bc_config_sorted_labels(config);
    const char *separator = "{";
    value->failed = value->failed || !labels;
    for (int32_t i = 0; labels && i < config->num_labels; i++) {
        bool last = i + 1 == config->num_labels || strcmp(labels[i].name, labels[i + 1].name) != 0;
        if (!last) continue;
        bc_text_printf(value, "%s\n    ", separator);
        bc_text_quote(value, labels[i].name);
        bc_text_printf(value, ": %d", (int)labels[i].index);
        separator = ",";
    }
    bc_text_printf(value, "\n  }");
    bc_free(labels);
}

static void put_problem(bc_text *value, const bertc_config *config)
{
    bc_text_quote(value, bertc_config_problem_type(config));
}

void bc_config_put_head(bc_text *text, const bertc_config *config)
{
    bc_text_printf(text, "{\n  \"id2label\": ");
    put_id2label(text, config);
    bc_text_printf(text, ",\n  \"label2id\": ");
    put_label2id(text, config);
    bc_text_printf(text, ",\n  \"problem_type\": ");
    put_problem(text, config);
    bc_text_printf(text, "\n}\n");
}

/* Add the members that bertc writes itself. A real number gets a point or an exponent: transformers' type check accepts
 * 0.0 but not 0. */
static void add_own(members *all, const bertc_config *config)
{
    bc_text_printf(add(all, "architectures"), "[\n    \"BertForSequenceClassification\"\n  ]");
    bc_text_printf(add(all, "model_type"), "\"bert\"");
    bc_text_quote(add(all, "hidden_act"), config->hidden_act_name);
    put_id2label(add(all, "id2label"), config);
    put_label2id(add(all, "label2id"), config);
    put_problem(add(all, "problem_type"), config);
    for (size_t i = 0; i < bc_config_field_count; i++) {
        const bc_config_field *field = &bc_config_fields[i];
        char text[BC_JSON_DOUBLE];
        double number = bc_config_get(config, field);
        bool null = field->nullable && number < 0;
        bc_json_double(text, number);
        bool point = !null && !field->integer && !strpbrk(text, ".e");
        bc_text_printf(add(all, field->key), "%s%s", null ? "null" : text, point ? ".0" : "");
    }
}

/* Add the members of the original file that bertc does not write itself, as they are spelled there. The number type of
 * the weights, whose key is "dtype" or "torch_dtype", becomes float32. */
static void add_kept(members *all, const char *json, const cJSON *tree)
{
    bool typed = false;
    size_t at = 0, size;
    const char *value;
    const cJSON *item;
    cJSON_ArrayForEach(item, tree) {
        if (!bc_json_span(json, strlen(json), &at, &value, &size)) break;
        bool dtype = strcmp(item->string, "dtype") == 0 || strcmp(item->string, "torch_dtype") == 0;
        typed = typed || dtype;
        if (dtype) bc_text_printf(add(all, item->string), "\"float32\"");
        else if (!is_own_key(item->string)) bc_text_put(add(all, item->string), value, size);
    }
    if (!typed) bc_text_printf(add(all, "dtype"), "\"float32\"");
}

static int compare_members(const void *a, const void *b)
{
    return strcmp(((const member *)a)->key, ((const member *)b)->key);
}

static void print_members(bc_text *text, members *all)
{
    qsort(all->list, all->count, sizeof *all->list, compare_members);
    for (size_t i = 0; i < all->count; i++) {
        const bc_text *value = &all->list[i].value;
        bc_text_printf(text, "%s\n  ", i ? "," : "{");
        bc_text_quote(text, all->list[i].key);
        bc_text_printf(text, ": ");
        if (!value->failed) bc_text_put(text, value->bytes, value->length);
        text->failed = text->failed || value->failed;
    }
    bc_text_printf(text, "\n}\n");
}

static void print_config(bc_text *text, const bertc_config *config, const cJSON *tree)
{
    members all = {0};
    const cJSON *item;
    size_t kept = 0;
    cJSON_ArrayForEach(item, tree) kept++;
    all.list = bc_alloc(kept + OWN_KEYS + DTYPE_KEYS + bc_config_field_count, sizeof *all.list);
    text->failed = !all.list;
    if (!all.list) return;
    add_own(&all, config);
    add_kept(&all, config->json ? config->json : "", tree);
    print_members(text, &all);
    for (size_t i = 0; i < all.count; i++) bc_text_clear(&all.list[i].value);
    bc_free(all.list);
}

bertc_status bc_config_write(const bertc_config *config, const bc_dir *dir, const char *name, bc_file_hashes *hashes,
                             bertc_error *err)
{
    cJSON *tree = NULL;
    bc_text text = {0};
    bertc_status status = BERTC_OK;
    if (config->json) status = bc_json_parse(config->json, strlen(config->json), "config.json", &tree, err);
    if (status == BERTC_OK) {
        print_config(&text, config, tree);
        status = bc_text_write(&text, dir, name, hashes, err);
    }
    cJSON_Delete(tree);
    return status;
}
