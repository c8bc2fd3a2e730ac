/* The order of labels: the task's, a model's, and how to tell when a model's is a lie.
 *
 * Checkpoints of one task differ in their order (MNLI: entailment first, contradiction first, or
 * neutral first), so a model's names decide. Where they say nothing, its scores do:
 *
 * bertc_task_better_order compares every order with the given one by balanced accuracy, the mean
 * over classes of the share that is recognised. (Plain accuracy would accuse any model that has
 * collapsed to a rare class.) With n_i examples of class i, of which m[i][j] were called j, order
 * p gains
 *
 *   g = sum over i of (m[i][p(i)] - m[i][i]) / (C n_i)
 *
 * and if both orders were equally right, each example that only one of them has right would fall
 * to either by a fair coin (McNemar's test): g has mean 0 and variance
 *
 *   v = sum over i with p(i) != i of (m[i][p(i)] + m[i][i]) / (C n_i)^2.
 *
 * The order p is called better where all of these hold:
 *   g >= 0.15               worth a person's time
 *   g >= 6 sqrt(v)          beyond chance, and beyond the odd way in which small adversarial sets
 *                           (WNLI's 71 dev examples) score below chance under the right order
 *   given <= 1/C + 0.05     the given order does not work at all; a swap of two classes of three
 *                           still scores about 1/C
 *   accuracy(p) > accuracy(given)
 * Fewer than 36 examples can never satisfy the second. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "tasks/tasks.h"

/* Other names that models give to a label; the first of each row is the table's. */
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

static bool means(const char *name, const char *label)
{
    if (same_name(name, label)) return true;
    size_t rows = sizeof synonyms / sizeof *synonyms, most = sizeof *synonyms / sizeof **synonyms;
    for (size_t r = 0; r < rows; r++) {
        if (strcmp(synonyms[r][0], label) != 0) continue;
        for (size_t s = 1; s < most && synonyms[r][s]; s++)
            if (same_name(name, synonyms[r][s])) return true;
    }
    return false;
}

/* Find each of the task's labels among the model's; the number of those found. No name means two
 * labels of one task, so no two can be found in one place. */
static int match_names(const bertc_task *task, char *const *labels, int32_t map[BERTC_MAX_LABELS])
{
    int found = 0;
    for (int i = 0; i < task->num_labels; i++) {
        map[i] = -1;
        for (int j = 0; j < task->num_labels && map[i] < 0; j++)
            if (means(labels[j], task->labels[i])) map[i] = j;
        found += map[i] >= 0;
    }
    return found;
}

/* "LABEL_2" or "2" is 2; anything else -1. */
static int label_number(const char *name)
{
    static const char prefix[] = "label_";
    size_t at = 0;
    while (prefix[at] && plain(name[at]) == prefix[at]) at++;
    const char *digit = prefix[at] ? name : name + at;
    return digit[0] >= '0' && digit[0] <= '9' && !digit[1] ? digit[0] - '0' : -1;
}

/* Map by the numbers in the names; false where they are not all there. */
static bool match_numbers(int count, char *const *labels, int32_t map[BERTC_MAX_LABELS])
{
    for (int i = 0; i < count; i++) map[i] = -1;
    for (int j = 0; j < count; j++) {
        int n = label_number(labels[j]);
        if (n < 0 || n >= count || map[n] >= 0) return false;
        map[n] = j;
    }
    return true;
}

static void list(bc_text *out, const char *const *names, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        bc_text_printf(out, "%s%s", i ? ", " : "", names[i]);
}

/* "the model's 2 labels (a, b) REASON the 3 of task T (c, d, e)" */
static bertc_status fail_match(const bertc_task *task, char *const *labels, int32_t num_labels,
                               const char *reason, bertc_error *err)
{
    bc_text names = {0}, wanted = {0};
    if (labels) list(&names, (const char *const *)labels, num_labels < 8 ? num_labels : 8);
    list(&wanted, task->labels, task->num_labels);
    bertc_status status = BERTC_NOMEM;
    if (names.failed || wanted.failed)
        bc_fail_memory(err);
    else
        status = bc_fail(err, BERTC_INPUT, "the model's %d label%s (%s%s) %s the %d of task %s (%s)",
                         (int)num_labels, num_labels == 1 ? "" : "s",
                         names.bytes ? names.bytes : "", num_labels > 8 ? ", ..." : "", reason,
                         task->num_labels, task->name, wanted.bytes);
    bc_text_clear(&names);
    bc_text_clear(&wanted);
    return status;
}

bertc_status bertc_task_match_labels(const bertc_task *task, char *const *labels,
                                     int32_t num_labels, int32_t map[BERTC_MAX_LABELS],
                                     bool *by_name, bertc_error *err)
{
    if (!map || !by_name) return bc_fail_null(err, __func__, "map and by_name");
    bertc_status status = bc_task_check(task, err);
    if (status != BERTC_OK) return status;
    for (int32_t i = 0; labels && i < num_labels; i++)
        if (!labels[i]) return bc_fail(err, BERTC_USAGE, "label %d of %d is null", (int)i, (int)num_labels);
    if (task->regression) {
        if (num_labels != 1)
            return bc_fail(err, BERTC_INPUT, "the model has %d labels, task %s needs one value",
                           (int)num_labels, task->name);
        map[0] = 0;
        *by_name = true;
        return BERTC_OK;
    }
    if (num_labels != task->num_labels)
        return fail_match(task, labels, num_labels,
                          num_labels == 1 ? "is not as many as" : "are not as many as", err);
    int found = labels ? match_names(task, labels, map) : 0;
    *by_name = found == task->num_labels;
    if (*by_name) return BERTC_OK;
    if (found > 0) return fail_match(task, labels, num_labels, "match only in part", err);
    if (labels && !match_numbers(num_labels, labels, map))
        return fail_match(task, labels, num_labels, "are none of", err);
    for (int i = 0; i < num_labels && !labels; i++) map[i] = i;
    return BERTC_OK;
}

/* ---- Scores -------------------------------------------------------------------------------- */

/* Orders of three labels; the first two are the orders of two. */
static const int orders[][BERTC_MAX_LABELS] = {{0, 1, 2}, {1, 0, 2}, {0, 2, 1},
                                               {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

typedef struct comparison {
    double balanced;     /* balanced accuracy of the order */
    double accuracy;
    double gain, spread; /* over the given order, and its variance if both were as right */
} comparison;

static comparison compare(size_t counts[BERTC_MAX_LABELS][BERTC_MAX_LABELS], int classes,
                          const int *order)
{
    comparison c = {0};
    double right = 0, all = 0;
    for (int i = 0; i < classes; i++) {
        double n = 0, was = (double)counts[i][i], is = (double)counts[i][order[i]];
        for (int j = 0; j < classes; j++) n += (double)counts[i][j];
        double weight = n > 0 ? 1 / (classes * n) : 0;
        right += is;
        all += n;
        c.balanced += is * weight;
        c.gain += (is - was) * weight;
        if (order[i] != i) c.spread += (is + was) * weight * weight;
    }
    c.accuracy = right / all;
    return c;
}

static bool has_every_class(size_t counts[BERTC_MAX_LABELS][BERTC_MAX_LABELS], int classes)
{
    for (int i = 0; i < classes; i++) {
        size_t n = 0;
        for (int j = 0; j < classes; j++) n += counts[i][j];
        if (n == 0) return false;
    }
    return true;
}

static bool is_far_better(comparison best, comparison given, int classes)
{
    return best.gain >= 0.15 && best.gain >= 6 * sqrt(best.spread) &&
           given.balanced <= 1.0 / classes + 0.05 && best.accuracy > given.accuracy;
}

bool bertc_task_better_order(const bertc_dataset *dataset, const float *logits,
                             int32_t best[BERTC_MAX_LABELS], double *given_accuracy,
                             double *best_accuracy)
{
    if (!logits || !best || !given_accuracy || !best_accuracy || bc_dataset_check(dataset, NULL) != BERTC_OK)
        return false;
    int classes = dataset->task->num_labels;
    if (dataset->task->regression || !dataset->labelled || classes < 2) return false;
    size_t counts[BERTC_MAX_LABELS][BERTC_MAX_LABELS];
    bc_confusion(dataset, logits, counts);
    comparison given = compare(counts, classes, orders[0]), top = given;
    int chosen = 0, all = classes == 3 ? 6 : 2;
    for (int o = 1; o < all; o++) {
        comparison c = compare(counts, classes, orders[o]);
        if (c.balanced <= top.balanced) continue;
        top = c;
        chosen = o;
    }
    for (int i = 0; i < classes; i++) best[i] = orders[chosen][i];
    *given_accuracy = given.accuracy;
    *best_accuracy = top.accuracy;
    return has_every_class(counts, classes) && is_far_better(top, given, classes);
}
