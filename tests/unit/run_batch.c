/* Tokenised data sets, packed batches, and which sequences share a pass. */
#include "jobs_fixture.h"

#include <math.h>

#include "data/packing.h"
#include "run/model_source.h"
#include "unit/classes.h"

static bc_model_source source;

static int open_source(void **state)
{
    bertc_error err = {0};
    if (fixture_enter(state) != 0) return -1;
    return bc_model_source_open(&source, "model", 0, NULL, &err) == BERTC_OK ? 0 : -1;
}

static int close_source(void **state)
{
    bc_model_source_close(&source);
    return fixture_leave(state);
}

static bertc_inputs *tokenise(const char *task, const char *text, size_t max_length, const int32_t *map)
{
    bertc_dataset *set;
    bertc_inputs *inputs = NULL;
    bertc_error err = {0};
    assert_int_equal(bertc_dataset_from_lines(bertc_task_find(task), text, strlen(text), "lines", &set, &err),
                     BERTC_OK);
    if (bertc_inputs_create(source.tokenizer, set, max_length, map, &inputs, &err) != BERTC_OK)
        fail_msg("%s", err.message);
    bertc_dataset_free(set);
    return inputs;
}

static void test_tokens_are_concatenated(void **unused)
{
    (void)unused;
    bertc_inputs *in = tokenise("sst2", "good film\n\nbad\nvery very very bad film\n", 6, NULL);
    static const size_t starts[] = {0, 4, 6, 9, 15};
    static const int32_t ids[] = {2, 5, 8, 3, 2, 3, 2, 6, 3, 2, 9, 9, 9, 6, 3};
    assert_int_equal(in->count, 4);
    assert_memory_equal(in->starts, starts, sizeof starts);
    assert_memory_equal(in->ids, ids, sizeof ids);
    assert_int_equal(in->longest, 6);
    assert_int_equal(in->truncated, 1);
    assert_int_equal(in->label_starts[1], 0);
    assert_int_equal(in->label_starts[4], 0);
    assert_true(isnan(in->values[0]));
    bertc_inputs_free(in);
}

static void test_pairs_have_types(void **unused)
{
    (void)unused;
    bertc_inputs *in = tokenise("rte", "good\tbad film\n", 16, NULL);
    static const uint8_t types[] = {0, 0, 0, 1, 1, 1};
    assert_int_equal(in->starts[1], sizeof types);
    assert_memory_equal(in->types, types, sizeof types);
    bertc_inputs_free(in);
}

static void test_labels_are_mapped(void **unused)
{
    (void)unused;
    bertc_dataset *set;
    bertc_inputs *plain, *swapped;
    static const int32_t map[] = {1, 0};
    assert_int_equal(bertc_dataset_read(bertc_task_find("sst2"), "data", BERTC_TRAIN, 0, &set, NULL), BERTC_OK);
    assert_int_equal(bertc_inputs_create(source.tokenizer, set, 16, NULL, &plain, NULL), BERTC_OK);
    assert_int_equal(bertc_inputs_create(source.tokenizer, set, 16, map, &swapped, NULL), BERTC_OK);
    for (size_t i = 0; i < set->count; i++) {
        assert_int_equal(plain->labels[i], bc_example_class(&set->examples[i]));
        assert_int_equal(swapped->labels[i], 1 - bc_example_class(&set->examples[i]));
    }
    bertc_inputs_free(plain);
    bertc_inputs_free(swapped);
    bertc_dataset_free(set);
}

/* More examples than a block holds: the borders of blocks must not matter. */
static void test_blocks_join(void **unused)
{
    (void)unused;
    enum { COUNT = 1500 };
    char *text = calloc(COUNT, 64), *p = text;
    for (int i = 0; i < COUNT; i++) {
        for (int w = 0; w < i % 5; w++) p += sprintf(p, "film ");
        p += sprintf(p, "%s\n", i % 2 ? "good" : "bad");
    }
    bertc_inputs *in = tokenise("sst2", text, 16, NULL);
    assert_int_equal(in->count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(in->starts[i + 1] - in->starts[i], 3 + i % 5);
        assert_int_equal(in->ids[in->starts[i + 1] - 2], i % 2 ? 5 : 6);
    }
    bertc_inputs_free(in);
    free(text);
}

static void test_an_error_names_its_line(void **unused)
{
    (void)unused;
    bertc_dataset *set;
    bertc_inputs *in = NULL;
    bertc_error err = {0};
    static const char text[] = "good\ttext\n";
    assert_int_equal(bertc_dataset_from_lines(bertc_task_find("rte"), text, strlen(text), "lines", &set, &err),
                     BERTC_OK);
    assert_int_equal(bertc_inputs_create(source.tokenizer, set, 2, NULL, &in, &err), BERTC_USAGE);
    assert_memory_equal(err.message, "lines:1: ", 9);
    err = (bertc_error){0};
    set_class(&set->examples[0], 2);
    assert_int_equal(bertc_inputs_create(source.tokenizer, set, 16, NULL, &in, &err), BERTC_INPUT);
    assert_string_equal(err.message, "lines:1: label 2 is not from 0 to 1");
    assert_null(in);
    bertc_dataset_free(set);
}

static void test_a_batch_is_packed(void **unused)
{
    (void)unused;
    bertc_inputs *in = tokenise("sst2", "good film\n\nbad\n", 16, NULL);
    bertc_batch *batch;
    static const uint32_t order[] = {2, 0};
    static const int32_t ids[] = {2, 6, 3, 2, 5, 8, 3}, positions[] = {0, 1, 2, 0, 1, 2, 3};
    static const int32_t starts[] = {0, 3, 7};
    assert_int_equal(bertc_batch_create(2, 7, 0, &batch, NULL), BERTC_OK);
    assert_int_equal(bertc_batch_fill(batch, in, order, 2, NULL), BERTC_OK);
    assert_int_equal(batch->sequences, 2);
    assert_int_equal(batch->tokens, 7);
    assert_int_equal(batch->longest, 4);
    assert_memory_equal(batch->ids, ids, sizeof ids);
    assert_memory_equal(batch->positions, positions, sizeof positions);
    assert_memory_equal(batch->starts, starts, sizeof starts);
    assert_memory_equal(batch->examples, order, sizeof order);
    assert_int_equal(bertc_batch_fill(batch, in, order + 1, 1, NULL), BERTC_OK);
    assert_int_equal(batch->tokens, 4);
    bertc_batch_free(batch);
    bertc_inputs_free(in);
    assert_int_equal(bertc_batch_create(0, 7, 0, &batch, NULL), BERTC_USAGE);
}

/* Examples with several labels, no label and one label, up to the space of the batch. */
static void test_labels_are_concatenated(void **unused)
{
    (void)unused;
    bertc_inputs *in = tokenise("sst2", "good film\n\nbad\n", 16, NULL), several = *in;
    static size_t starts[] = {0, 2, 2, 5};
    static int32_t labels[] = {4, 9, -100, 1, 7};
    static const uint32_t order[] = {2, 1, 0};
    static const int32_t packed[] = {-100, 1, 7, 4, 9}, packed_starts[] = {0, 3, 3, 5};
    bertc_batch *batch;
    bertc_error err = {0};
    several.label_starts = starts;
    several.labels = labels;
    assert_int_equal(bertc_batch_create(3, 16, 5, &batch, NULL), BERTC_OK);
    assert_int_equal(bertc_batch_fill(batch, &several, order, 3, NULL), BERTC_OK);
    assert_memory_equal(batch->label_starts, packed_starts, sizeof packed_starts);
    assert_memory_equal(batch->labels, packed, sizeof packed);
    bertc_batch_free(batch);
    assert_int_equal(bertc_batch_create(3, 16, 4, &batch, NULL), BERTC_OK);
    assert_int_equal(bertc_batch_fill(batch, &several, order, 3, &err), BERTC_USAGE);
    assert_string_equal(err.message, "example 0 has 2 labels, but 3 of the batch's 4 are used");
    assert_int_equal(batch->sequences, 2); /* those before it */
    assert_int_equal(batch->label_starts[2], 3);
    err = (bertc_error){0};
    starts[2] = 1;
    assert_int_equal(bertc_batch_fill(batch, &several, order + 1, 1, &err), BERTC_USAGE);
    assert_string_equal(err.message, "the labels of example 1 end before they start");
    bertc_batch_free(batch);
    bertc_inputs_free(in);
    assert_int_equal(bertc_batch_create(1, 7, -1, &batch, NULL), BERTC_USAGE);
}

/* The task decides what an example may have. */
static void test_labels_are_checked(void **unused)
{
    (void)unused;
    static const int32_t two[] = {0, 1}, negative[] = {-1};
    static const struct {
        const char *task;
        const int32_t *labels;
        size_t count;
        const char *message;
    } cases[] = {{"sst2", two, 2, "lines:1: the example has 2 labels, its task allows 1"},
                 {"sst2", NULL, 1, "lines:1: the example has 1 label, its task allows 1"},
                 {"sst2", negative, 1, "lines:1: label -1 is not from 0 to 1"},
                 {"stsb", two, 1, "lines:1: the example has 1 label, its task allows 0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_dataset *set;
        bertc_inputs *in;
        bertc_error err = {0};
        const char *text = bertc_task_find(cases[i].task)->pair ? "good\tbad\n" : "good\n";
        assert_int_equal(
            bertc_dataset_from_lines(bertc_task_find(cases[i].task), text, strlen(text), "lines", &set, NULL),
            BERTC_OK);
        set->examples[0].labels = cases[i].labels;
        set->examples[0].num_labels = cases[i].count;
        assert_int_equal(bertc_inputs_create(source.tokenizer, set, 16, NULL, &in, &err), BERTC_INPUT);
        assert_string_equal(err.message, cases[i].message);
        bertc_dataset_free(set);
    }
}

/* The sets of a multi-label task are rising in the model's order. A pass holds the labels of its longest sets. */
static void test_sets_of_labels(void **unused)
{
    (void)unused;
    static const char *const names[] = {"a", "b", "c"};
    static const int32_t map[] = {2, 0, 1}, first[] = {0, 1, 2}, third[] = {0, 2}, falling[] = {2, 0}, twice[] = {1, 1};
    static const int32_t expected[] = {0, 1, 2, 1, 2};
    const bertc_task task = {.name = "sets", .kind = BERTC_MULTILABEL, .num_labels = 3, .labels = names,
                             .file_labels = names};
    static const char text[] = "good\nfilm\nbad\n";
    bertc_dataset *set;
    bertc_inputs *in;
    assert_int_equal(bertc_dataset_from_lines(&task, text, strlen(text), "lines", &set, NULL), BERTC_OK);
    set->examples[0].labels = first;
    set->examples[0].num_labels = 3;
    set->examples[1].labels = first; /* the empty set */
    set->examples[2].labels = third;
    set->examples[2].num_labels = 2;
    assert_int_equal(bertc_inputs_create(source.tokenizer, set, 16, map, &in, NULL), BERTC_OK);
    assert_int_equal(in->label_starts[1], 3);
    assert_int_equal(in->label_starts[2], 3);
    assert_int_equal(in->label_starts[3], 5);
    assert_memory_equal(in->labels, expected, sizeof expected);
    assert_int_equal(bc_pack_max_labels(in, 1), 3);
    assert_int_equal(bc_pack_max_labels(in, 2), 5);
    assert_int_equal(bc_pack_max_labels(in, SIZE_MAX), 5);
    bertc_inputs_free(in);
    const struct {
        const int32_t *labels;
        const char *message;
    } bad[] = {{falling, "lines:3: label 0 follows label 2, expected a larger one"},
               {twice, "lines:3: label 1 follows label 1, expected a larger one"}};
    for (size_t i = 0; i < 2; i++) {
        bertc_error err = {0};
        set->examples[2].labels = bad[i].labels;
        assert_int_equal(bertc_inputs_create(source.tokenizer, set, 16, map, &in, &err), BERTC_INPUT);
        assert_string_equal(err.message, bad[i].message);
    }
    bertc_dataset_free(set);
}

static void test_passes_respect_both_limits(void **unused)
{
    (void)unused;
    /* lengths 4, 2, 3, 7, 3 */
    bertc_inputs *in = tokenise("sst2", "good film\n\nbad\na a a a a\nfilm\n", 16, NULL);
    static const uint32_t order[] = {0, 1, 2, 3, 4};
    uint32_t sorted[5];
    static const uint32_t by_length[] = {3, 0, 2, 4, 1};
    size_t tokens;
    assert_int_equal(bc_pack_next(in, order, 5, (bc_pack){8, 9}, &tokens), 3);
    assert_int_equal(tokens, 9);
    assert_int_equal(bc_pack_next(in, order, 5, (bc_pack){2, 9}, &tokens), 2);
    assert_int_equal(bc_pack_next(in, order, 5, (bc_pack){8, 8}, &tokens), 2);
    assert_int_equal(bc_pack_next(in, order + 3, 2, (bc_pack){8, 5}, &tokens), 1);
    assert_int_equal(tokens, 7);
    assert_int_equal(bc_pack_next(in, order + 4, 1, (bc_pack){8, 99}, &tokens), 1);
    assert_int_equal(bc_pack_longest_first(in, sorted, NULL), BERTC_OK);
    assert_memory_equal(sorted, by_length, sizeof sorted);
    assert_int_equal(bc_pack_max(in, sorted, (bc_pack){2, 100}), 11);
    assert_int_equal(bc_pack_max(in, sorted, (bc_pack){2, 9}), 9);
    assert_int_equal(bc_pack_max(in, sorted, (bc_pack){2, 5}), 7);
    assert_int_equal(bc_pack_max(in, sorted, (bc_pack){99, 100}), 19);
    bertc_inputs_free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_are_concatenated),    cmocka_unit_test(test_pairs_have_types),
        cmocka_unit_test(test_labels_are_mapped),          cmocka_unit_test(test_blocks_join),
        cmocka_unit_test(test_an_error_names_its_line),    cmocka_unit_test(test_a_batch_is_packed),
        cmocka_unit_test(test_labels_are_concatenated),    cmocka_unit_test(test_labels_are_checked),
        cmocka_unit_test(test_sets_of_labels),
        cmocka_unit_test(test_passes_respect_both_limits),
    };
    return cmocka_run_group_tests(tests, open_source, close_source);
}
