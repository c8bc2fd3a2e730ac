/* Synthetic splits, to measure the cost of a run without the data. A split has as many texts as the official file, and
 * its text lengths have the same quantiles. The texts consist of vocabulary words that are one token each. The labels
 * are random. */
#include <math.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "tasks/tasks.h"

/* A random number in [0, 1) for value `which` of a text. */
static double draw(bertc_split split, size_t text, size_t which)
{
    return bc_rng(0, (uint32_t)BC_RNG_SYNTHETIC << 24, (uint32_t)split, (uint32_t)text, (uint32_t)which).word[0] *
           0x1p-32;
}

/* Set `ids` to the ids of at most `max` words of lower-case letters, spread evenly over the vocabulary. Return the
 * number of ids. */
static size_t choose_words(const bertc_vocab *vocab, size_t max, int32_t *ids)
{
    size_t count = 0, length;
    for (int32_t id = 0; id < bertc_vocab_size(vocab); id++) {
        const char *word = bertc_vocab_word(vocab, id, &length);
        size_t letters = 0;
        while (letters < length && word[letters] >= 'a' && word[letters] <= 'z') letters++;
        if (length > 0 && letters == length) ids[count++] = id;
    }
    if (count <= max) return count;
    for (size_t i = 0; i < max; i++) ids[i] = ids[i * count / max];
    return max;
}

/* Append a line of one text, or of two texts of about the same length. */
static void put_line(bc_text *lines, const bertc_task *task, bertc_split split, size_t text,
                     const bertc_vocab *vocab, const int32_t *ids, size_t count)
{
    size_t specials = task->pair ? 3 : 2; /* [CLS] and [SEP] */
    size_t words = (size_t)lround(bc_task_length(task, draw(split, text, 0))) - specials;
    for (size_t i = 0; i < words; i++) {
        size_t length, chosen = (size_t)(draw(split, text, 2 + i) * (double)count);
        const char *word = bertc_vocab_word(vocab, ids[chosen], &length);
        if (i > 0) bc_text_put(lines, task->pair && i == words / 2 ? "\t" : " ", 1);
        bc_text_put(lines, word, length);
    }
    bc_text_put(lines, "\n", 1);
}

/* Give every example a random label or value. */
static bertc_status add_labels(bertc_dataset *set, bertc_split split, bertc_error *err)
{
    const bertc_task *task = set->task;
    bool classes = task->kind != BERTC_REGRESSION; /* a set of labels gets one label */
    set->split = split;
    set->labelled = true;
    if (classes && !(set->labels = bc_alloc(set->count, sizeof *set->labels))) return bc_fail_memory(err);
    for (size_t i = 0; i < set->count; i++) {
        bertc_example *e = &set->examples[i];
        double at = draw(split, i, 1);
        if (classes) {
            set->labels[i] = (int32_t)(at * task->num_labels);
            e->labels = &set->labels[i];
            e->num_labels = 1;
        } else e->value = (float)(task->low + (task->high - task->low) * at);
    }
    return BERTC_OK;
}

bertc_status bc_synthetic_dataset(const bertc_task *task, bertc_split split, size_t limit, const bertc_vocab *vocab,
                                  bertc_dataset **dataset, bertc_error *err)
{
    size_t rows = (size_t)task->rows[split], size = (size_t)bertc_vocab_size(vocab);
    *dataset = NULL;
    if (task->length_quantiles[0] == 0 || rows == 0)
        return bc_fail(err, BERTC_USAGE, "the text lengths of %s's %s split are not known",
                       task->name, bertc_split_name(split));
    int32_t *ids = bc_alloc(size, sizeof *ids);
    if (!ids) return bc_fail_memory(err);
    bc_text lines = {0};
    size_t count = choose_words(vocab, task->distinct_pieces > 0 ? (size_t)task->distinct_pieces : size, ids);
    if (limit == 0 || limit > rows) limit = rows;
    for (size_t text = 0; text < limit && count > 0; text++) put_line(&lines, task, split, text, vocab, ids, count);
    bertc_status status = BERTC_OK;
    if (lines.failed) status = bc_fail_memory(err);
    else if (count == 0)
        status = bc_fail(err, BERTC_USAGE, "the vocabulary has no words of lower-case letters for synthetic texts");
    else status = bertc_dataset_from_lines(task, lines.bytes, lines.length, task->name, dataset, err);
    if (status == BERTC_OK) status = add_labels(*dataset, split, err);
    if (status != BERTC_OK) {
        bertc_dataset_free(*dataset);
        *dataset = NULL;
    }
    bc_text_clear(&lines);
    bc_free(ids);
    return status;
}
