/* Fuzz the readers of tasks: any bytes give either a consistent data set or a one-line error.
 *
 * The first byte selects task, split and distribution, the second a limit, whether plain lines are read, and the format
 * of the file; the rest is the file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tasks/tasks.h"

/* Like assert, but also in a release build. */
static void must(bool condition)
{
    if (!condition) abort();
}

static void check_example(const bertc_dataset *set, const bertc_example *e)
{
    const bertc_task *task = set->task;
    must(e->a != NULL && task->pair == (e->b != NULL));
    if (e->na > 0) must(memchr(e->a, 0, e->na) != e->a + e->na); /* all bytes can be read */
    if (e->nb > 0) must(memchr(e->b, 0, e->nb) != e->b + e->nb);
    must(!e->index || (memchr(e->index, '\t', e->nindex) == NULL && memchr(e->index, '\n', e->nindex) == NULL));
    must(e->line > 0 && bc_example_class(e) >= -1 && bc_example_class(e) < task->num_labels);
    if (!set->labelled) return;
    must(task->kind == BERTC_REGRESSION ? e->value >= task->low && e->value <= task->high : bc_example_class(e) >= 0);
}

/* Any finite logits must give a score. */
static void check_scores(const bertc_dataset *set)
{
    size_t classes = (size_t)set->task->num_labels;
    float *logits = calloc(set->count * classes, sizeof *logits);
    must(logits != NULL);
    for (size_t i = 0; i < set->count * classes; i++) logits[i] = (float)(i * 7 % 5);
    bertc_scores scores;
    must(bertc_task_score(set, logits, &scores, NULL) == BERTC_OK && scores.value[BERTC_LOSS] >= 0);
    int32_t best[3];
    double given, top;
    bool better;
    must(bertc_task_better_order(set, logits, &better, best, &given, &top, NULL) == BERTC_OK);
    free(logits);
}

static void check_good(const bertc_dataset *set, size_t limit)
{
    must(set->count > 0 && (limit == 0 || set->count <= limit));
    for (size_t i = 0; i < set->count; i++) check_example(set, &set->examples[i]);
    if (set->labelled) check_scores(set);
}

static void check_bad(bertc_status status, const bertc_error *err, const bertc_dataset *set)
{
    must(set == NULL && status == BERTC_INPUT && err->status == status);
    must(strncmp(err->message, "f", 1) == 0 && strchr(err->message, '\n') == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    const bertc_task *task = bertc_task_at(data[0] / 6 % bertc_task_count());
    bertc_split split = (bertc_split)(data[0] % BERTC_SPLITS);
    const bertc_columns *columns =
        data[0] % 2 && task->old_splits[split].file ? &task->old_splits[split] : &task->splits[split];
    const bertc_columns texts = bc_columns_of_texts(columns);
    bool lines = data[1] & 1;
    size_t limit = lines ? 0 : data[1] >> 1 & 7;
    if (!columns->file) return 0;
    if (data[1] & 16) columns = &texts;
    static bc_slice dev[] = {{"1\t2", 3}, {"10\t11", 5}};
    static const bc_dev_rows ids = {.sorted = dev, .count = 2};
    bertc_dataset *set = NULL;
    bertc_error err = {0};
    static const char *const paths[] = {"f", "f.csv", "f.jsonl", "f.tsv"};
    const char *bytes = (const char *)data + 2, *path = paths[data[1] >> 5 & 3];
    bertc_status status =
        lines ? bertc_dataset_from_lines(task, bytes, size - 2, "f", &set, &err)
              : bc_dataset_parse(task, split, columns, columns->ids_file ? &ids : NULL, bytes,
                                 size - 2, path, limit, &set, &err);
    if (status == BERTC_OK) check_good(set, limit);
    else check_bad(status, &err, set);
    bertc_dataset_free(set);
    return 0;
}
