/* --task with several names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "run/task_list.h"

static void test_lists(void **unused)
{
    (void)unused;
    static const struct {
        const char *list, *message;
    } refused[] = {
        {"sst2,sst2", "--task: sst2 is listed twice"},
        {"sst2,what", "unknown task 'what'"},
        {"sst2,", "unknown task ''"},
        {"", "unknown task ''"},
        {"sst2,ax", "task ax has no training data"},
        {"sst2,mnli-mm", "--task: mnli-mm is trained on the data of mnli; list only one of them"},
    };
    bc_task_list list;
    bertc_train_options o;
    bertc_train_defaults(&o);
    o.data = "GLUE";
    o.task = "stsb,cola";
    assert_int_equal(bc_task_list_open(&o, false, NULL, &list, NULL), BERTC_OK);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.tasks[0]->name, "stsb");
    assert_string_equal(list.tasks[1]->name, "cola");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        bertc_error err = {0};
        o.task = refused[i].list;
        assert_int_equal(bc_task_list_open(&o, false, NULL, &list, &err), BERTC_USAGE);
        assert_string_equal(err.message, refused[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
