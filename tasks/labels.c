/* Matching the labels of a model to the labels of a task.
 *
 * Checkpoints of one task differ in their order of labels (MNLI: entailment first, contradiction first, or neutral
 * first), so the names of a model's labels decide. If the names are only numbers, the model's scores decide
 * (tasks/label_order.c). */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "tasks/tasks.h"

/* Synonyms that models use for a label. The first name of each entry is the name in the task table. */
static const char *const synonyms[][6] = {
    {"acceptable", "grammatical", "correct"},
    {"unacceptable", "ungrammatical", "not_acceptable", "incorrect"},
    {"positive", "pos"},
    {"negative", "neg"},
    {"equivalent", "paraphrase", "is_paraphrase"},
    {"not_equivalent", "not_paraphrase", "non_paraphrase", "no_paraphrase"},
    {"duplicate", "is_duplicate", "paraphrase"},
    {"not_duplicate", "non_duplicate", "no_duplicate", "not_paraphrase"},
    {"entailment", "entail", "entails", "entailed"},
    {"not_entailment", "non_entailment", "no_entailment", "not_entailed"},
    {"neutral"},
    {"contradiction", "contradict", "contradicts"},
};

/* ---- Names --------------------------------------------------------------------------------- */

static char plain(char c)
{
    if (c == '-' || c == ' ') return '_';
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int compare_names(const char *a, const char *b)
{
    while (*a && plain(*a) == plain(*b)) a++, b++;
    return (unsigned char)plain(*a) - (unsigned char)plain(*b);
}

static bool same_name(const char *a, const char *b)
{
    return compare_names(a, b) == 0;
}

/* The row of a label in `synonyms`, or null. */
static const char *const *synonyms_of(const char *label)
{
    for (size_t r = 0; r < sizeof synonyms / sizeof *synonyms; r++)
        if (strcmp(synonyms[r][0], label) == 0) return synonyms[r];
    return NULL;
}

static bool is_synonym(const char *name, const char *const *row)
{
    for (size_t s = 1; s < sizeof *synonyms / sizeof **synonyms && row[s]; s++)
        if (same_name(name, row[s])) return true;
    return false;
}

/* The levels at which a model's name matches a task's, the strictest first. */
enum { SAME_BYTES, SAME_NAME, SYNONYM, LEVELS };

/* A label of the model. */
typedef struct model_label {
    const char *name;
    int32_t index;
    bool used;
} model_label;

static int by_name(const void *a, const void *b)
{
    const model_label *x = a, *y = b;
    int order = compare_names(x->name, y->name);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* Find the first of the sorted labels whose name is not before `name`. */
static int first_not_before(const model_label *sorted, int count, const char *name)
{
    int from = 0, to = count;
    while (from < to) {
        int middle = from + (to - from) / 2;
        if (compare_names(sorted[middle].name, name) < 0) from = middle + 1;
        else to = middle;
    }
    return from;
}

/* Find an unused label of the model whose name matches the task's label at this level; null if there is none. The first
 * match from the label's own index on is taken, where most models have it. Only the labels of the same name are tried,
 * or all labels if the task's label has synonyms, which few have. */
static model_label *find_label(const bertc_task *task, model_label *sorted, int label, int level)
{
    const char *name = task->labels[label], *const *row = synonyms_of(name);
    int count = task->num_labels, nearest = count;
    model_label *found = NULL;
    if (level == SYNONYM && !row) return NULL;
    for (int k = level == SYNONYM ? 0 : first_not_before(sorted, count, name); k < count; k++) {
        bool same = level == SYNONYM || same_name(sorted[k].name, name);
        if (!same) break;
        bool matches = level == SAME_BYTES  ? strcmp(sorted[k].name, name) == 0
                       : level == SAME_NAME ? true
                                            : is_synonym(sorted[k].name, row);
        int distance = sorted[k].index - label + (sorted[k].index < label ? count : 0);
        if (!matches || sorted[k].used || distance >= nearest) continue;
        nearest = distance;
        found = &sorted[k];
    }
    return found;
}

/* Map each label of the task to a different label of the model, -1 if none matches. *found receives the number of
 * matches. Takes time C log C. Errors: BERTC_NOMEM. */
static bertc_status match_names(const bertc_task *task, char *const *labels, int32_t *map, int *found, bertc_error *err)
{
    model_label *sorted = bc_alloc((size_t)task->num_labels, sizeof *sorted);
    *found = 0;
    if (!sorted) return bc_fail_memory(err);
    for (int i = 0; i < task->num_labels; i++) {
        map[i] = -1;
        sorted[i] = (model_label){labels[i], i, false};
    }
    qsort(sorted, (size_t)task->num_labels, sizeof *sorted, by_name);
    for (int level = SAME_BYTES; level < LEVELS; level++)
        for (int i = 0; i < task->num_labels; i++) {
            model_label *label = map[i] < 0 ? find_label(task, sorted, i, level) : NULL;
            if (!label) continue;
            label->used = true;
            map[i] = label->index;
            ++*found;
        }
    bc_free(sorted);
    return BERTC_OK;
}

/* Return the number in a label name: 12 for "LABEL_12" or "12"; -1 for another name or a number not below `count`. */
static int label_number(const char *name, int count)
{
    static const char prefix[] = "label_";
    size_t at = 0;
    while (prefix[at] && plain(name[at]) == prefix[at]) at++;
    const char *digit = prefix[at] ? name : name + at;
    int64_t number = *digit ? 0 : -1;
    if (digit[0] == '0' && digit[1]) return -1;
    for (; *digit; digit++) {
        if (*digit < '0' || *digit > '9') return -1;
        number = 10 * number + (*digit - '0');
        if (number >= count) return -1;
    }
    return (int)number;
}

/* Map by the numbers in the names. Returns false unless the numbers are 0 to count - 1. */
static bool match_numbers(int count, char *const *labels, int32_t *map)
{
    for (int i = 0; i < count; i++) map[i] = -1;
    for (int j = 0; j < count; j++) {
        int n = label_number(labels[j], count);
        if (n < 0 || map[n] >= 0) return false;
        map[n] = j;
    }
    return true;
}

/* Fail with "the model's 2 labels (a, b) REASON the 3 labels of task T (c, d, e)". */
static bertc_status fail_match(const bertc_task *task, char *const *labels, int32_t num_labels,
                               const char *reason, bertc_error *err)
{
    bc_text names = {0}, wanted = {0};
    if (labels) bc_list_names(&names, (const char *const *)labels, num_labels);
    bc_list_names(&wanted, task->labels, task->num_labels);
    bertc_status status = BERTC_NOMEM;
    if (names.failed || wanted.failed) bc_fail_memory(err);
    else
        status = bc_fail(err, BERTC_INPUT, "the model's %d label%s (%s) %s the %d labels of task %s (%s)",
                         (int)num_labels, num_labels == 1 ? "" : "s", names.bytes ? names.bytes : "", reason,
                         task->num_labels, task->name, wanted.bytes ? wanted.bytes : "");
    bc_text_clear(&names);
    bc_text_clear(&wanted);
    return status;
}

bertc_status bertc_task_match_labels(const bertc_task *task, char *const *labels,
                                     int32_t num_labels, int32_t *map, bool *by_name, bertc_error *err)
{
    if (!map || !by_name) return bc_fail_null(err, __func__, "map and by_name");
    bertc_status status = bc_task_check(task, err);
    if (status != BERTC_OK) return status;
    for (int32_t i = 0; labels && i < num_labels; i++)
        if (!labels[i]) return bc_fail(err, BERTC_USAGE, "label %d of %d is null", (int)i, (int)num_labels);
    if (task->kind == BERTC_REGRESSION) {
        if (num_labels != 1)
            return bc_fail(err, BERTC_INPUT, "the model has %d labels, but task %s needs one value",
                           (int)num_labels, task->name);
        map[0] = 0;
        *by_name = true;
        return BERTC_OK;
    }
    const char *differ = num_labels == 1 ? "differs in number from" : "differ in number from";
    if (num_labels != task->num_labels) return fail_match(task, labels, num_labels, differ, err);
    int found = 0;
    if (labels) status = match_names(task, labels, map, &found, err);
    if (status != BERTC_OK) return status;
    *by_name = found == task->num_labels;
    if (*by_name) return BERTC_OK;
    if (found > 0) return fail_match(task, labels, num_labels, "match only some of", err);
    if (labels && !match_numbers(num_labels, labels, map))
        return fail_match(task, labels, num_labels, "match none of", err);
    for (int i = 0; i < num_labels && !labels; i++) map[i] = i;
    return BERTC_OK;
}
