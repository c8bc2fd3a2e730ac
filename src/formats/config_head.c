/* What config.json says of the head: the class, problem_type and the labels.
 *
 * 1. Only a head that is used needs them, so nothing here stops the reading: a fault is kept in
 *    config->head_refusal, the first one, and whoever uses the head fails with it.
 * 2. As in transformers id2label says how many labels there are; num_labels counts only without it. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "formats/config.h"

/* Keep "PLACE: REASON" unless a reason is there already. Errors: BERTC_NOMEM. */
static BERTC_PRINTF(4, 5) bertc_status refuse_head(bertc_config *config, const char *place, bertc_error *err,
                                                   const char *format, ...)
{
    char reason[512];
    va_list args;
    if (config->head_refusal) return BERTC_OK;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    bc_text text = {0};
    bc_text_printf(&text, "%s: %s", place, reason);
    config->head_refusal = text.failed ? NULL : bc_strndup(text.bytes, text.length);
    bc_text_clear(&text);
    return config->head_refusal ? BERTC_OK : bc_fail_memory(err);
}

/* ---- Labels -------------------------------------------------------------------------------- */

static void free_labels(char **labels, int32_t count)
{
    for (int32_t i = 0; labels && i < count; i++) bc_free(labels[i]);
    bc_free(labels);
}

void bc_config_free_labels(bertc_config *config)
{
    free_labels(config->labels, config->num_labels);
    bc_free(config->head_refusal);
    config->labels = NULL;
    config->head_refusal = NULL;
    config->num_labels = 0;
}

/* Take over `labels`, or release them where one is missing. */
static bertc_status replace_labels(bertc_config *config, char **labels, int32_t count, bertc_error *err)
{
    bool whole = labels != NULL;
    for (int32_t i = 0; whole && i < count; i++) whole = labels[i] != NULL;
    if (!whole) {
        free_labels(labels, count);
        return bc_fail_memory(err);
    }
    bc_config_free_labels(config);
    config->labels = labels;
    config->num_labels = count;
    return BERTC_OK;
}

bertc_status bertc_config_set_labels(bertc_config *config, const char *const *labels, int32_t count, bertc_error *err)
{
    if (count < 1 || count > BC_MAX_LABELS)
        return bc_fail(err, BERTC_USAGE, "%d labels, expected 1 to %d", (int)count, BC_MAX_LABELS);
    if (!config || !labels) return bc_fail_null(err, __func__, "config and labels");
    for (int32_t i = 0; i < count; i++)
        if (!labels[i]) return bc_fail(err, BERTC_USAGE, "label %d of %d is null", (int)i, (int)count);
    char **copy = bc_calloc((size_t)count, sizeof *copy);
    for (int32_t i = 0; copy && i < count; i++) copy[i] = bc_strndup(labels[i], strlen(labels[i]));
    return replace_labels(config, copy, count, err);
}

bertc_status bc_config_default_labels(bertc_config *config, int32_t count, bertc_error *err)
{
    char **labels = bc_calloc((size_t)count, sizeof *labels);
    for (int32_t i = 0; labels && i < count; i++) {
        char name[32];
        int n = snprintf(name, sizeof name, "LABEL_%d", (int)i);
        labels[i] = bc_strndup(name, (size_t)n);
    }
    return replace_labels(config, labels, count, err);
}

/* The number that `key` spells, or -1 where it is not one of 0..count-1 without leading zeros. */
static int32_t label_index(const char *key, int32_t count)
{
    int32_t value = 0;
    if (!key[0] || (key[0] == '0' && key[1])) return -1;
    for (const char *p = key; *p; p++) {
        if (*p < '0' || *p > '9') return -1;
        value = value * 10 + (*p - '0');
        if (value >= count) return -1;
    }
    return value;
}

/* A label's name: a string, or a number or a truth value as it is spelled; false where it is none. */
static bool spell_name(const cJSON *item, char number[BC_JSON_DOUBLE], const char **name)
{
    *name = cJSON_GetStringValue(item);
    if (cJSON_IsNumber(item)) {
        bc_json_double(number, item->valuedouble);
        *name = number;
    }
    if (cJSON_IsBool(item)) *name = cJSON_IsTrue(item) ? "true" : "false";
    return *name != NULL;
}

static bertc_status read_id2label(const cJSON *map, const char *place, bertc_config *config, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    const cJSON *item;
    cJSON_ArrayForEach(item, map) {
        char number[BC_JSON_DOUBLE];
        const char *name;
        int32_t index = label_index(item->string, config->num_labels);
        if (status != BERTC_OK || config->head_refusal) break;
        if (index < 0)
            status = refuse_head(config, place, err, "\"id2label\" has key \"%.80s\", expected 0 to %d",
                                 item->string, (int)config->num_labels - 1);
        else if (!spell_name(item, number, &name))
            status = refuse_head(config, place, err, "label %d in \"id2label\" has no name", (int)index);
        else {
            bc_free(config->labels[index]);
            config->labels[index] = bc_strndup(name, strlen(name));
            if (!config->labels[index]) status = bc_fail_memory(err);
        }
    }
    return status;
}

/* How many labels there are; 2, and a reason, where that is not to be had. */
static bertc_status read_count(const cJSON *tree, const char *place, bertc_config *config, int32_t *count,
                               bertc_error *err)
{
    const cJSON *map = bc_json_get(tree, "id2label"), *number = bc_json_get(tree, "num_labels");
    bool mapped = map && !cJSON_IsNull(map);
    double found = 2;
    if (mapped) found = cJSON_IsObject(map) ? cJSON_GetArraySize(map) : 0;
    else if (number && !cJSON_IsNull(number)) found = cJSON_IsNumber(number) ? number->valuedouble : 0;
    bool fine = found >= 1 && found <= BC_MAX_LABELS && floor(found) == found;
    *count = fine ? (int32_t)found : 2;
    if (fine) return BERTC_OK;
    if (mapped) return refuse_head(config, place, err, "\"id2label\" does not name 1 to %d labels", BC_MAX_LABELS);
    return refuse_head(config, place, err, "\"num_labels\" is not a whole number from 1 to %d", BC_MAX_LABELS);
}

static int compare_labels(const void *a, const void *b)
{
    const bc_named_label *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

bc_named_label *bc_config_sorted_labels(const bertc_config *config)
{
    size_t count = (size_t)config->num_labels;
    bc_named_label *labels = bc_alloc(count, sizeof *labels);
    if (!labels) return NULL;
    for (int32_t i = 0; i < config->num_labels; i++) labels[i] = (bc_named_label){config->labels[i], i};
    qsort(labels, count, sizeof *labels, compare_labels);
    return labels;
}

static int compare_name(const void *key, const void *label)
{
    return strcmp(key, ((const bc_named_label *)label)->name);
}

/* Does an entry of label2id say of a label what id2label says? Null says nothing. */
static bool agrees(const cJSON *item, const char *name, const bertc_config *config)
{
    const char *text = cJSON_GetStringValue(item);
    double index = cJSON_IsNumber(item) ? item->valuedouble : -1;
    if (text) index = label_index(text, config->num_labels);
    if (cJSON_IsNull(item)) return true;
    return index >= 0 && index < config->num_labels && floor(index) == index &&
           strcmp(config->labels[(int32_t)index], name) == 0;
}

/* label2id may lack labels, and it may name others (transformers leaves LABEL_0 there when
 * id2label is edited by hand), but it must not contradict id2label, which decides. */
static bertc_status check_label2id(const cJSON *tree, const char *place, bertc_config *config, bertc_error *err)
{
    bc_named_label *sorted = bc_config_sorted_labels(config);
    if (!sorted) return bc_fail_memory(err);
    bertc_status status = BERTC_OK;
    const cJSON *item;
    cJSON_ArrayForEach(item, bc_json_get(tree, "label2id")) {
        const char *name = item->string ? item->string : "";
        bool known = bsearch(name, sorted, (size_t)config->num_labels, sizeof *sorted, compare_name) != NULL;
        if (!known || agrees(item, name, config)) continue;
        status = refuse_head(config, place, err, "\"label2id\" contradicts \"id2label\" on \"%.80s\"", name);
        break;
    }
    bc_free(sorted);
    return status;
}

static bertc_status read_labels(const cJSON *tree, const char *place, bertc_config *config, bertc_error *err)
{
    const cJSON *map = bc_json_get(tree, "id2label");
    int32_t count = 0;
    bc_config_free_labels(config);
    bertc_status status = bc_config_default_labels(config, 2, err);
    if (status == BERTC_OK) status = read_count(tree, place, config, &count, err);
    if (status != BERTC_OK || config->head_refusal) return status;
    status = bc_config_default_labels(config, count, err);
    if (status == BERTC_OK) status = read_id2label(map, place, config, err);
    if (status == BERTC_OK && cJSON_IsObject(map) && !config->head_refusal)
        status = check_label2id(tree, place, config, err);
    return status;
}

/* ---- Class and kind ------------------------------------------------------------------------ */

/* Classes whose heads read something else than one sequence at a time. */
static const char *const other_heads[] = {"ForTokenClassification", "ForQuestionAnswering", "ForMultipleChoice",
                                          "ForNextSentencePrediction"};

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), n = strlen(end);
    return length >= n && strcmp(text + length - n, end) == 0;
}

bertc_status bc_config_check_class(const cJSON *tree, const char *place, bertc_config *config, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    const cJSON *item;
    cJSON_ArrayForEach(item, bc_json_get(tree, "architectures")) {
        const char *name = cJSON_GetStringValue(item);
        for (size_t i = 0; name && status == BERTC_OK && i < sizeof other_heads / sizeof *other_heads; i++)
            if (ends_with(name, other_heads[i]))
                status = refuse_head(config, place, err,
                                     "\"architectures\" is %.80s, whose head is none for sentences", name);
    }
    return status;
}

bertc_status bc_config_check_task(const cJSON *tree, const char *place, bertc_config *config, bertc_error *err)
{
    static const char *const others[] = {"TOKEN_CLS", "QUESTION_ANS"};
    const char *task = cJSON_GetStringValue(bc_json_get(tree, "task_type"));
    bertc_status status = BERTC_OK;
    for (size_t i = 0; task && status == BERTC_OK && i < sizeof others / sizeof *others; i++)
        if (strcmp(task, others[i]) == 0)
            status = refuse_head(config, place, err, "\"task_type\" is %s, whose head is none for sentences", task);
    return status;
}

static bertc_status check_problem(const cJSON *tree, const char *place, bertc_config *config, bertc_error *err)
{
    const cJSON *item = bc_json_get(tree, "problem_type");
    const char *problem = cJSON_GetStringValue(item);
    bool regression = problem && strcmp(problem, "regression") == 0;
    if (!item || cJSON_IsNull(item)) return BERTC_OK;
    if (!problem || (!regression && strcmp(problem, "single_label_classification") != 0))
        return refuse_head(config, place, err,
                           "\"problem_type\" is \"%.80s\", bertc has heads for \"single_label_classification\" "
                           "and \"regression\" only", problem ? problem : "no string");
    if (regression == (config->num_labels == 1)) return BERTC_OK;
    return refuse_head(config, place, err, "\"problem_type\" is \"%s\" with %d label%s", problem,
                       (int)config->num_labels, config->num_labels == 1 ? "" : "s");
}

bertc_status bc_config_read_head(const cJSON *tree, const char *place, bertc_config *config, bertc_error *err)
{
    bertc_status status = read_labels(tree, place, config, err);
    return status == BERTC_OK ? check_problem(tree, place, config, err) : status;
}
