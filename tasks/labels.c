/* Matching the labels of a model to the labels of a task.
 *
 * Checkpoints of one task differ in their order of labels (MNLI: entailment first, contradiction first, or neutral
 * first), so the names of a model's labels decide. If the names are only numbers, the model's scores decide
 * (tasks/label_order.c). */
#include <string.h>

#include "base/error.h"
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

static bool same_name(const char *a, const char *b)
{
    while (*a && plain(*a) == plain(*b)) a++, b++;
    return plain(*a) == plain(*b);
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

/* Find an unused label of the model whose name matches the task's label at this level; -1 if there is none. The search
 * begins at the label's own index, where most models have it. */
static int32_t find_label(const bertc_task *task, char *const *labels, const int32_t *map, int label, int level)
{
    const char *name = task->labels[label], *const *row = synonyms_of(name);
    int count = task->num_labels;
    if (level == SYNONYM && !row) return -1;
    for (int at = label, tried = 0; tried < count; tried++, at = at + 1 < count ? at + 1 : 0) {
        bool found = level == SAME_BYTES  ? strcmp(labels[at], name) == 0
                     : level == SAME_NAME ? same_name(labels[at], name)
                                             : is_synonym(labels[at], row);
        for (int i = 0; i < count && found; i++) found = map[i] != at;
        if (found) return at;
    }
    return -1;
}

/* Map each label of the task to a different label of the model, -1 if none matches; returns the number of matches. */
static int match_names(const bertc_task *task, char *const *labels, int32_t *map)
{
    int found = 0;
    for (int i = 0; i < task->num_labels; i++) map[i] = -1;
    for (int level = SAME_BYTES; level < LEVELS; level++)
        for (int i = 0; i < task->num_labels; i++) {
            if (map[i] >= 0) continue;
            map[i] = find_label(task, labels, map, i, level);
            found += map[i] >= 0;
        }
    return found;
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
    int found = labels ? match_names(task, labels, map) : 0;
    *by_name = found == task->num_labels;
    if (*by_name) return BERTC_OK;
    if (found > 0) return fail_match(task, labels, num_labels, "match only some of", err);
    if (labels && !match_numbers(num_labels, labels, map))
        return fail_match(task, labels, num_labels, "match none of", err);
    for (int i = 0; i < num_labels && !labels; i++) map[i] = i;
    return BERTC_OK;
}
