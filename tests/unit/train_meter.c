/* Speed and seconds per step are measured over recent steps, without the first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "train/meter.h"

static void test_first_step_counts_only_while_alone(void **unused)
{
    (void)unused;
    bc_meter meter;
    bc_meter_start(&meter, NULL);
    assert_int_equal(bc_meter_steps(&meter), 0);
    assert_true(bc_meter_speed(&meter) == 0 && bc_meter_step_seconds(&meter) == 0);
    bc_meter_add(&meter, 8, 40);
    assert_int_equal(bc_meter_steps(&meter), 1);
    assert_true(bc_meter_speed(&meter) == 5 && bc_meter_step_seconds(&meter) == 8);
    bc_meter_add(&meter, 1, 50);
    assert_int_equal(bc_meter_steps(&meter), 1);
    assert_true(bc_meter_speed(&meter) == 50 && bc_meter_step_seconds(&meter) == 1);
    bc_meter_add(&meter, 3, 50);
    assert_int_equal(bc_meter_steps(&meter), 2);
    assert_true(bc_meter_speed(&meter) == 25 && bc_meter_step_seconds(&meter) == 2);
    /* The mean is over all steps: 140 tokens in 12 seconds. */
    assert_true(bc_meter_mean_speed(&meter) == 140.0 / 12);
}

static void test_old_steps_do_not_count(void **unused)
{
    (void)unused;
    bc_meter meter;
    bc_meter_start(&meter, NULL);
    for (int i = 0; i < 100; i++) bc_meter_add(&meter, 4, 1);
    for (int i = 1; i < BC_METER_WINDOW; i++) bc_meter_add(&meter, 2, 10);
    assert_int_equal(bc_meter_steps(&meter), BC_METER_WINDOW - 1);
    assert_true(bc_meter_speed(&meter) == 5 && bc_meter_step_seconds(&meter) == 2);
    assert_true(bc_meter_mean_speed(&meter) == (100 + 10 * (BC_METER_WINDOW - 1)) /
                                                   (400 + 2.0 * (BC_METER_WINDOW - 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_step_counts_only_while_alone),
        cmocka_unit_test(test_old_steps_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
