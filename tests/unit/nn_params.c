/* The parameter table: names, order, memory layout and the weight-decay mask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "formats/safetensors.h"
#include "nn/params.h"
#include "twin/support.h"

/* The parameters of an encoder with a pooler and a classifier. */
static bc_param *plan(const bertc_config *config, size_t *count, size_t *total)
{
    size_t encoder = bc_param_count(config, true);
    *count = encoder + 2;
    bc_param *params = twin_take(*count, sizeof *params);
    assert_true(bc_param_plan(config, true, params, total));
    assert_true(bc_param_plan_head(config, BC_CLASS_W, BC_CLASS_B + 1, params + encoder, total));
    return params;
}

static void test_block_has_no_gaps(void **state)
{
    (void)state;
    bertc_config config = twin_config(3, 8, 2, 11, 4, BERTC_GELU);
    size_t count, total, end = 0;
    bc_param *params = plan(&config, &count, &total);
    assert_int_equal(count, 5 + 3 * 16 + 4);
    for (size_t p = 0; p < count; p++) {
        assert_int_equal(params[p].offset, end);
        size_t scalars = params[p].shape[0] * (params[p].rank == 2 ? params[p].shape[1] : 1);
        assert_int_equal(params[p].count, scalars);
        assert_null(params[p].value);
        assert_null(params[p].grad);
        end += scalars;
    }
    assert_int_equal(total, end);
}

static void test_query_key_value_are_one_matrix(void **state)
{
    (void)state;
    bertc_config config = twin_config(3, 8, 2, 11, 4, BERTC_GELU);
    size_t count, total;
    bc_param *params = plan(&config, &count, &total);
    for (int layer = 0; layer < 3; layer++) {
        size_t w = params[bc_param_index(&config, BC_QUERY_W, layer)].offset;
        size_t b = params[bc_param_index(&config, BC_QUERY_B, layer)].offset;
        assert_int_equal(params[bc_param_index(&config, BC_KEY_W, layer)].offset, w + 64);
        assert_int_equal(params[bc_param_index(&config, BC_VALUE_W, layer)].offset, w + 128);
        assert_int_equal(b, w + 192);
        assert_int_equal(params[bc_param_index(&config, BC_KEY_B, layer)].offset, b + 8);
        assert_int_equal(params[bc_param_index(&config, BC_VALUE_B, layer)].offset, b + 16);
    }
}

/* Without a pooler the other parameters are the same. */
static void test_pooler(void **state)
{
    (void)state;
    bertc_config config = twin_config(2, 8, 2, 11, 4, BERTC_GELU);
    size_t with, without;
    const bc_param *params = plan(&config, &with, &with);
    size_t count = bc_param_count(&config, false);
    bc_param *bare = twin_take(count + 2, sizeof *bare);
    assert_int_equal(count + 2, bc_param_count(&config, true));
    assert_true(bc_param_plan(&config, false, bare, &without));
    assert_memory_equal(bare, params, count * sizeof *bare);
    assert_int_equal(without, params[count].offset);
    assert_string_equal(params[count].name, "bert.pooler.dense.weight");
}

static void test_index_finds_every_row(void **state)
{
    (void)state;
    bertc_config config = twin_config(2, 8, 2, 11, 4, BERTC_GELU);
    size_t count, total;
    bc_param *params = plan(&config, &count, &total);
    for (int id = 0; id < BC_CLASS_W; id++)
        for (int layer = 0; layer < 2; layer++) {
            size_t index = bc_param_index(&config, (bc_param_id)id, layer);
            assert_true(index < count);
            const bc_param *p = &params[index];
            assert_ptr_equal(p->row, &bc_param_table[id]);
            assert_int_equal(p->layer, p->row->scope == BC_SCOPE_LAYER ? layer : -1);
        }
}

/* The weight decay of the reference implementation: all parameters except biases and LayerNorms decay. */
static void test_decay_mask(void **state)
{
    (void)state;
    for (int id = 0; id < BC_PARAM_IDS; id++) {
        const char *name = bc_param_table[id].name;
        bool spared = strstr(name, "LayerNorm") || strstr(name, ".bias");
        assert_int_equal(bc_param_table[id].decays, !spared);
        bc_param_init draw = strstr(name, ".bias")              ? BC_PARAM_ZERO
                       : strstr(name, "LayerNorm.weight") ? BC_PARAM_ONE
                                                          : BC_PARAM_NORMAL;
        assert_int_equal(bc_param_table[id].init, draw);
    }
}

/* A model that transformers saved has the names and shapes of the table, and no other tensors. */
static void test_names_are_those_of_transformers(void **state)
{
    (void)state;
    bertc_config config = twin_config(2, 32, 4, 37, 3, BERTC_GELU);
    config.vocab_size = 100;
    config.max_position_embeddings = 24;
    size_t count, total;
    bc_param *params = plan(&config, &count, &total);
    bc_weights file;
    bertc_error err = {0};
    assert_int_equal(bc_safetensors_open("golden/classification/model.safetensors", &file, &err), 0);
    assert_int_equal(file.count, count);
    for (size_t p = 0; p < count; p++) {
        const bc_tensor *t = bc_weights_find(&file, params[p].name);
        assert_non_null(t);
        assert_int_equal(t->rank, params[p].rank);
        for (int i = 0; i < t->rank; i++) assert_int_equal(t->shape[i], params[p].shape[i]);
    }
    bc_weights_close(&file);
}

static void test_sizes_that_overflow(void **state)
{
    (void)state;
    bertc_config config = twin_config(2, INT32_MAX, 1, INT32_MAX, 2, BERTC_GELU);
    size_t total;
    bc_param *params = twin_take(bc_param_count(&config, true), sizeof *params);
    assert_false(bc_param_plan(&config, true, params, &total));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_block_has_no_gaps, twin_release),
        cmocka_unit_test_teardown(test_query_key_value_are_one_matrix, twin_release),
        cmocka_unit_test_teardown(test_pooler, twin_release),
        cmocka_unit_test_teardown(test_index_finds_every_row, twin_release),
        cmocka_unit_test(test_decay_mask),
        cmocka_unit_test_teardown(test_names_are_those_of_transformers, twin_release),
        cmocka_unit_test_teardown(test_sizes_that_overflow, twin_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
