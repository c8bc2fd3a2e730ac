/* --task with several names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "run/eval_splits.h"

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
    const bertc_task *tasks[BERTC_MAX_TASKS];
    int count;
    assert_int_equal(bc_task_list_parse("stsb,cola", tasks, &count, NULL), BERTC_OK);
    assert_int_equal(count, 2);
    assert_string_equal(tasks[0]->name, "stsb");
    assert_string_equal(tasks[1]->name, "cola");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        bertc_error err = {0};
        assert_int_equal(bc_task_list_parse(refused[i].list, tasks, &count, &err), BERTC_USAGE);
        assert_string_equal(err.message, refused[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
