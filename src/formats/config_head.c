/* The description of the head in config.json: class, problem_type and labels.
 *
 * 1. A fault does not stop the reading, since only use of the head needs these keys. The first fault becomes
 *    config->head_refusal, with which every use of the head fails.
 * 2. As in transformers, id2label decides the number of labels; num_labels is used only without it. */
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

/* Set head_refusal to "SOURCE: REASON" unless it is set already. Errors: BERTC_NOMEM. */
static BERTC_PRINTF(4, 5) bertc_status refuse_head(bertc_config *config, const char *source, bertc_error *err,
                                                   const char *format, ...)
{
    char reason[512];
    va_list args;
    if (config->head_refusal) return BERTC_OK;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    bc_text text = {0};
    bc_text_printf(&text, "%s: %s", source, reason);
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

/* Give `labels` to the configuration. If one of them is null, release all and report exhausted memory. */
static bertc_status resource_labels(bertc_config *config, char **labels, int32_t count, bertc_error *err)
{
    bool complete = labels != NULL;
    for (int32_t i = 0; complete && i < count; i++) complete = labels[i] != NULL;
    if (!complete) {
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
    return resource_labels(config, copy, count, err);
}

bertc_status bc_config_default_labels(bertc_config *config, int32_t count, bertc_error *err)
{
    char **labels = bc_calloc((size_t)count, sizeof *labels);
    for (int32_t i = 0; labels && i < count; i++) {
        char name[32];
        int n = snprintf(name, sizeof name, "LABEL_%d", (int)i);
        labels[i] = bc_strndup(name, (size_t)n);
    }
    return resource_labels(config, labels, count, err);
}

/* Parse a number from 0 to count - 1 without leading zeros; -1 for any other text. */
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

/* Convert a label to a name: a string, a number or a boolean. False for any other JSON value. `number` is scratch. */
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

static bertc_status read_id2label(const cJSON *map, const char *source, bertc_config *config, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    const cJSON *item;
    cJSON_ArrayForEach(item, map) {
        char number[BC_JSON_DOUBLE];
        const char *name;
        int32_t index = label_index(item->string, config->num_labels);
        if (status != BERTC_OK || config->head_refusal) break;
        if (index < 0)
            status = refuse_head(config, source, err, "\"id2label\" has key \"%.80s\", expected 0 to %d",
                                 item->string, (int)config->num_labels - 1);
        else if (!spell_name(item, number, &name))
            status = refuse_head(config, source, err, "label %d in \"id2label\" has no name", (int)index);
        else {
            bc_free(config->labels[index]);
            config->labels[index] = bc_strndup(name, strlen(name));
            if (!config->labels[index]) status = bc_fail_memory(err);
        }
    }
    return status;
}

/* Read the number of labels. If the file gives no valid number, set *count to 2 and head_refusal. */
static bertc_status read_count(const cJSON *tree, const char *source, bertc_config *config, int32_t *count,
                               bertc_error *err)
{
    const cJSON *map = bc_json_get(tree, "id2label"), *number = bc_json_get(tree, "num_labels");
    bool mapped = map && !cJSON_IsNull(map);
    double found = 2;
    if (mapped) found = cJSON_IsObject(map) ? cJSON_GetArraySize(map) : 0;
    else if (number && !cJSON_IsNull(number)) found = cJSON_IsNumber(number) ? number->valuedouble : 0;
    bool valid = found >= 1 && found <= BC_MAX_LABELS && floor(found) == found;
    *count = valid ? (int32_t)found : 2;
    if (valid) return BERTC_OK;
    if (mapped) return refuse_head(config, source, err, "\"id2label\" does not have 1 to %d labels", BC_MAX_LABELS);
    return refuse_head(config, source, err, "\"num_labels\" is not a whole number from 1 to %d", BC_MAX_LABELS);
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

/* Whether an entry of label2id agrees with id2label; null always does. */
static bool agrees(const cJSON *item, const char *name, const bertc_config *config)
{
    const char *text = cJSON_GetStringValue(item);
    double index = cJSON_IsNumber(item) ? item->valuedouble : -1;
    if (text) index = label_index(text, config->num_labels);
    if (cJSON_IsNull(item)) return true;
    return index >= 0 && index < config->num_labels && floor(index) == index &&
           strcmp(config->labels[(int32_t)index], name) == 0;
}

/* Check that label2id does not contradict id2label, which takes precedence. label2id may lack labels of id2label, and
 * it may have more labels: LABEL_0 stays in label2id if id2label was edited by hand. */
static bertc_status check_label2id(const cJSON *tree, const char *source, bertc_config *config, bertc_error *err)
{
    bc_named_label *sorted = bc_config_sorted_labels(config);
    if (!sorted) return bc_fail_memory(err);
    bertc_status status = BERTC_OK;
    const cJSON *item;
    cJSON_ArrayForEach(item, bc_json_get(tree, "label2id")) {
        const char *name = item->string ? item->string : "";
        bool known = bsearch(name, sorted, (size_t)config->num_labels, sizeof *sorted, compare_name) != NULL;
        if (!known || agrees(item, name, config)) continue;
        status = refuse_head(config, source, err, "\"label2id\" contradicts \"id2label\" on \"%.80s\"", name);
        break;
    }
    bc_free(sorted);
    return status;
}

static bertc_status read_labels(const cJSON *tree, const char *source, bertc_config *config, bertc_error *err)
{
    const cJSON *map = bc_json_get(tree, "id2label");
    int32_t count = 0;
    bc_config_free_labels(config);
    bertc_status status = bc_config_default_labels(config, 2, err);
    if (status == BERTC_OK) status = read_count(tree, source, config, &count, err);
    if (status != BERTC_OK || config->head_refusal) return status;
    status = bc_config_default_labels(config, count, err);
    if (status == BERTC_OK) status = read_id2label(map, source, config, err);
    if (status == BERTC_OK && cJSON_IsObject(map) && !config->head_refusal)
        status = check_label2id(tree, source, config, err);
    return status;
}

/* ---- Class and kind ------------------------------------------------------------------------ */

/* Classes whose heads do not classify single sequences. */
static const char *const other_heads[] = {"ForTokenClassification", "ForQuestionAnswering", "ForMultipleChoice",
                                          "ForNextSentencePrediction"};

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), n = strlen(end);
    return length >= n && strcmp(text + length - n, end) == 0;
}

bertc_status bc_config_check_architecture(const cJSON *tree, const char *source, bertc_config *config, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    const cJSON *item;
    cJSON_ArrayForEach(item, bc_json_get(tree, "architectures")) {
        const char *name = cJSON_GetStringValue(item);
        for (size_t i = 0; name && status == BERTC_OK && i < sizeof other_heads / sizeof *other_heads; i++)
            if (ends_with(name, other_heads[i]))
                status = refuse_head(config, source, err,
                                     "\"architectures\" is %.80s, whose head does not classify sentences", name);
    }
    return status;
}

bertc_status bc_config_check_task_type(const cJSON *tree, const char *source, bertc_config *config, bertc_error *err)
{
    static const char *const others[] = {"TOKEN_CLS", "QUESTION_ANS"};
    const char *task = cJSON_GetStringValue(bc_json_get(tree, "task_type"));
    bertc_status status = BERTC_OK;
    for (size_t i = 0; task && status == BERTC_OK && i < sizeof others / sizeof *others; i++)
        if (strcmp(task, others[i]) == 0)
            status = refuse_head(config, source, err, "\"task_type\" is %s, whose head does not classify sentences",
                                 task);
    return status;
}

static const char regression[] = "regression", single_label[] = "single_label_classification",
                  multi_label[] = "multi_label_classification";

const char *bertc_config_problem_type(const bertc_config *config)
{
    if (!config) return NULL;
    return config->multi_label ? multi_label : config->num_labels == 1 ? regression : single_label;
}

static bertc_status read_problem(const cJSON *tree, const char *source, bertc_config *config, bertc_error *err)
{
    const cJSON *item = bc_json_get(tree, "problem_type");
    const char *problem = cJSON_GetStringValue(item);
    config->multi_label = problem && strcmp(problem, multi_label) == 0;
    if (!item || cJSON_IsNull(item)) return BERTC_OK;
    if (!problem) return refuse_head(config, source, err, "\"problem_type\" is not a string");
    if (!config->multi_label && strcmp(problem, regression) != 0 && strcmp(problem, single_label) != 0)
        return refuse_head(config, source, err, "\"problem_type\" is \"%.80s\", expected \"%s\", \"%s\" or \"%s\"",
                           problem, single_label, multi_label, regression);
    if (strcmp(problem, bertc_config_problem_type(config)) == 0) return BERTC_OK;
    return refuse_head(config, source, err, "\"problem_type\" is \"%s\" with %d label%s", problem,
                       (int)config->num_labels, config->num_labels == 1 ? "" : "s");
}

bertc_status bc_config_read_head(const cJSON *tree, const char *source, bertc_config *config, bertc_error *err)
{
    bertc_status status = read_labels(tree, source, config, err);
    return status == BERTC_OK ? read_problem(tree, source, config, err) : status;
}
