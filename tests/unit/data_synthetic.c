/* Synthetic data: the same number of texts, the same lengths and the same number of words as the task's own data. */
#include "unit/tasks_help.h"

#include "bertc/batch.h"
#include "unit/tokenizer_help.h"

static const char words[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nGood\n##s\n1\nb4\n\nfilm\na\ngreat\nmovie\nplot\n";
enum { FIRST = 10, LAST = 14 }; /* ids of the plain words */

static bertc_inputs *tokenise(const tokens *t, const bertc_dataset *set, size_t longest)
{
    bertc_inputs *inputs = NULL;
    assert_int_equal(bertc_inputs_create(t->tokenizer, set, longest, NULL, &inputs, NULL), BERTC_OK);
    return inputs;
}

static size_t length_of(const bertc_inputs *in, size_t i)
{
    return in->starts[i + 1] - in->starts[i];
}

/* The number of texts of at most `max` tokens. */
static size_t count_up_to(const bertc_inputs *in, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < in->count; i++) count += length_of(in, i) <= max;
    return count;
}

static void check_words(const bertc_inputs *in)
{
    bool seen[LAST + 1] = {false};
    for (size_t i = 0; i < in->starts[in->count]; i++) {
        int32_t id = in->ids[i];
        assert_true(id == 2 || id == 3 || (id >= FIRST && id <= LAST));
        seen[id] = true;
    }
    for (int id = FIRST; id <= LAST; id++) assert_true(seen[id]);
}

static void check_labels(const bertc_dataset *set)
{
    size_t counts[3] = {0};
    assert_true(set->labelled);
    for (size_t i = 0; i < set->count; i++) {
        const bertc_example *e = &set->examples[i];
        if (set->task->kind == BERTC_REGRESSION) assert_true(e->value >= 0 && e->value <= 5);
        else counts[bc_example_class(e)]++;
    }
    for (int c = 0; c < set->task->num_labels && set->task->kind == BERTC_CLASSIFICATION; c++)
        assert_in_range(counts[c], set->count / 4, set->count);
}

static void test_number_and_lengths(void **state)
{
    (void)state;
    tokens t = tokens_open(words, sizeof words - 1, NULL);
    const char *const names[] = {"sst2", "mrpc", "stsb"};
    for (size_t n = 0; n < 3; n++) {
        const bertc_task *task = task_named(names[n]);
        bertc_dataset *set;
        assert_int_equal(bc_synthetic_dataset(task, BERTC_TRAIN, 0, t.vocab, &set, NULL), BERTC_OK);
        assert_int_equal(set->count, task->rows[BERTC_TRAIN]);
        assert_int_equal(set->split, BERTC_TRAIN);
        check_labels(set);
        bertc_inputs *in = tokenise(&t, set, BERTC_MAX_KNOWN_LENGTH);
        check_words(in);
        assert_in_range(in->longest, task->length_quantiles[19], task->length_quantiles[20]);
        assert_int_equal(count_up_to(in, (size_t)task->length_quantiles[0] - 1), 0);
        for (int q = 2; q < 20; q += 3) {
            double below = (double)count_up_to(in, (size_t)task->length_quantiles[q]) / (double)in->count;
            assert_true(below > 0.05 * q - 0.02 && below < 0.05 * q + 0.13);
        }
        bertc_inputs_free(in);
        bertc_dataset_free(set);
    }
    tokens_close(&t);
}

static void test_a_limit_keeps_the_first(void **state)
{
    (void)state;
    tokens t = tokens_open(words, sizeof words - 1, NULL);
    bertc_dataset *few, *all, *dev;
    assert_int_equal(bc_synthetic_dataset(task_named("cola"), BERTC_TRAIN, 7, t.vocab, &few, NULL), BERTC_OK);
    assert_int_equal(bc_synthetic_dataset(task_named("cola"), BERTC_TRAIN, 0, t.vocab, &all, NULL), BERTC_OK);
    assert_int_equal(bc_synthetic_dataset(task_named("cola"), BERTC_DEV, 7, t.vocab, &dev, NULL), BERTC_OK);
    assert_int_equal(few->count, 7);
    bool same = true;
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(few->examples[i].na, all->examples[i].na);
        assert_memory_equal(few->examples[i].a, all->examples[i].a, all->examples[i].na);
        same = same && few->examples[i].na == dev->examples[i].na;
    }
    assert_false(same);
    bertc_dataset_free(few);
    bertc_dataset_free(all);
    bertc_dataset_free(dev);
    tokens_close(&t);
}

static void refuse(const char *name, bertc_split split, const bertc_vocab *vocab, const char *message)
{
    bertc_dataset *set;
    bertc_error err = {0};
    assert_int_equal(bc_synthetic_dataset(task_named(name), split, 0, vocab, &set, &err), BERTC_USAGE);
    assert_string_equal(err.message, message);
    assert_null(set);
}

static void test_refusals(void **state)
{
    (void)state;
    tokens t = tokens_open(words, sizeof words - 1, NULL);
    refuse("qqp", BERTC_TRAIN, t.vocab, "the text lengths of qqp's train split are not known");
    refuse("ax", BERTC_TRAIN, t.vocab, "the text lengths of ax's train split are not known");
    tokens_close(&t);
    t = tokens_open("[PAD]\n[UNK]\n[CLS]\n[SEP]\nIch\n", 27, NULL);
    refuse("sst2", BERTC_DEV, t.vocab, "the vocabulary has no words of lower-case letters for synthetic texts");
    tokens_close(&t);
}

static void test_table_is_consistent(void **state)
{
    (void)state;
    for (size_t i = 0; i < bertc_task_count(); i++) {
        const bertc_task *task = bertc_task_at(i);
        if (task->length_quantiles[0] == 0) continue;
        assert_true(task->length_quantiles[0] >= (task->pair ? 5 : 3)); /* one word per text, [CLS], [SEP] */
        for (int q = 1; q < BERTC_LENGTH_QUANTILES; q++)
            assert_true(task->length_quantiles[q] >= task->length_quantiles[q - 1]);
        assert_true(task->length_quantiles[BERTC_LENGTH_QUANTILES - 1] <= BERTC_MAX_KNOWN_LENGTH);
        assert_true(bc_task_length(task, 0) == task->length_quantiles[0]);
        assert_true(bc_task_length(task, 0.525) == (task->length_quantiles[10] + task->length_quantiles[11]) / 2.0);
        assert_true(bc_task_length(task, 1) == task->length_quantiles[BERTC_LENGTH_QUANTILES - 1]);
    }
}

static int ascending(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Compare a task's row of the table with the split from which it was counted. */
static void check_row(const bertc_task *task, const bertc_inputs *in, int32_t size)
{
    int *lengths = calloc(in->count, sizeof *lengths), words_seen = 0;
    bool *seen = calloc((size_t)size, sizeof *seen);
    assert_true(lengths && seen);
    for (size_t i = 0; i < in->count; i++) lengths[i] = (int)length_of(in, i);
    qsort(lengths, in->count, sizeof *lengths, ascending);
    for (size_t q = 0; q < BERTC_LENGTH_QUANTILES; q++)
        assert_in_range(lengths[(q * (in->count - 1) + 10) / 20], task->length_quantiles[q], task->length_quantiles[q]);
    for (size_t i = 0; i < in->starts[in->count]; i++) {
        words_seen += !seen[in->ids[i]];
        seen[in->ids[i]] = true;
    }
    if (task->distinct_pieces > 0) assert_int_equal(words_seen, task->distinct_pieces);
    free(lengths);
    free(seen);
}

static void test_table_against_files(void **state)
{
    (void)state;
    char glue[512], path[512];
    if (!official_data("glue", glue) || !official_data("vocab/bert-base-uncased/vocab.txt", path)) skip();
    tokens t = {0};
    bertc_tokenizer_options options = bertc_tokenizer_defaults();
    assert_int_equal(bertc_vocab_load(path, &t.vocab, NULL), BERTC_OK);
    assert_int_equal(bertc_tokenizer_create(t.vocab, &options, &t.tokenizer, NULL), BERTC_OK);
    const char *const names[] = {"cola", "sst2", "mrpc", "stsb", "mnli"};
    for (size_t n = 0; n < 5; n++) {
        const bertc_task *task = task_named(names[n]);
        bertc_split split = strcmp(names[n], "mnli") == 0 ? BERTC_DEV : BERTC_TRAIN;
        bertc_dataset *set;
        if (bertc_dataset_read(task, glue, split, 0, &set, NULL) != BERTC_OK) continue;
        bertc_inputs *in = tokenise(&t, set, BERTC_MAX_KNOWN_LENGTH);
        check_row(task, in, bertc_vocab_size(t.vocab));
        bertc_inputs_free(in);
        bertc_dataset_free(set);
    }
    tokens_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_and_lengths),
        cmocka_unit_test(test_a_limit_keeps_the_first),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_table_is_consistent),
        cmocka_unit_test(test_table_against_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
