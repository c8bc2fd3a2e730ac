/* The number of threads: affinity, OMP_NUM_THREADS, quotas of control groups in a folder that stands for "/", and
 * threads that the system refuses to start. */
#include <errno.h>
#include <limits.h>
#include <omp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/threads.h"
#include "unit/base_root.h"

/* ---- The default number -------------------------------------------------------------------- */

static void test_without_a_quota(void **state)
{
    (void)state;
    assert_int_equal(bc_threads_quota(top), INT_MAX);
    assert_int_equal(bc_threads_quota("/nowhere"), INT_MAX);
    assert_int_equal(bc_threads_at(top, 8, NULL), 8);
    assert_int_equal(bc_threads_at(top, 100000, NULL), 4096);
}

static void test_wanted(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int threads;
    } cases[] = {{"3", 3}, {" 3", 3}, {"3,2", 3}, {"8", 8}, {"99", 8}, {"0", 8}, {"-1", 8}, {"", 8}, {"x", 8}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(bc_threads_at(top, 8, cases[i].text), cases[i].threads);
}

/* Version 2: the lowest quota of a group and the groups above it applies; "max" means no quota. */
static void test_quota(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int threads;
    } cases[] = {{"max 100000\n", 8},    {"400000 100000\n", 4}, {"150000 100000\n", 2}, {"149999 100000\n", 1},
                 {"50000 100000\n", 1},  {"1000 100000\n", 1},   {"300000 50000\n", 6},  {"", 8},
                 {"200000\n", 8},        {"9999999999999 1\n", 8}};
    write_text("/proc/self/cgroup", "0::/a/b\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text("/sys/fs/cgroup/a/b/cpu.max", cases[i].text);
        assert_int_equal(bc_threads_at(top, 8, NULL), cases[i].threads);
    }
    write_text("/sys/fs/cgroup/a/b/cpu.max", "500000 100000\n");
    write_text("/sys/fs/cgroup/a/cpu.max", "300000 100000\n");
    assert_int_equal(bc_threads_at(top, 8, NULL), 3);
    assert_int_equal(bc_threads_at(top, 8, "2"), 2);
    assert_int_equal(bc_threads_at(top, 8, "4"), 3);
    assert_int_equal(bc_threads_at(top, 2, NULL), 2);
    write_text("/sys/fs/cgroup/cpu.max", "100000 100000\n");
    assert_int_equal(bc_threads_at(top, 8, NULL), 1);
}

/* Version 1: the controller is in a list, and the group may not be visible inside a container. */
static void test_old_quota(void **state)
{
    (void)state;
    write_text("/proc/self/cgroup", "7:cpuset:/\n5:cpu,cpuacct:/x/y\n4:memory:/x\n0::/\n");
    write_text("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    write_text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    assert_int_equal(bc_threads_at(top, 8, NULL), 8);
    write_text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
    assert_int_equal(bc_threads_at(top, 8, NULL), 2);
    write_text("/sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "50000\n");
    write_text("/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "50000\n");
    assert_int_equal(bc_threads_at(top, 8, NULL), 1);
    write_text("/proc/self/cgroup", "5:cpuset:/x/y\n"); /* a controller whose name only begins alike */
    assert_int_equal(bc_threads_at(top, 8, NULL), 8);
}

/* ---- Starting them ------------------------------------------------------------------------- */

static int left = INT_MAX; /* number of threads that can still be started; the linker wraps pthread_create */
static size_t stack;       /* stack size of the last thread */

int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*work)(void *), void *with)
{
    if (how) pthread_attr_getstacksize(how, &stack);
    if (left-- <= 0) return EAGAIN;
    return __real_pthread_create(thread, how, work, with);
}

typedef struct notices {
    int count;
    char line[256];
} notices;

static void note(void *user, const char *line)
{
    notices *n = user;
    n->count++;
    snprintf(n->line, sizeof n->line, "%s", line);
}

static void test_resolve(void **state)
{
    (void)state;
    notices received = {0};
    const bertc_notify notify = {note, &received};
    int32_t threads = 0;
    left = INT_MAX;
    assert_int_equal(bertc_threads_resolve(1, &notify, &threads, NULL), BERTC_OK);
    assert_int_equal(threads, 1);
    assert_int_equal(omp_get_max_threads(), 1);
    assert_int_equal(bertc_threads_resolve(3, NULL, &threads, NULL), BERTC_OK);
    assert_int_equal(threads, 3);
    assert_int_equal(omp_get_max_threads(), 3);
    assert_int_equal(bertc_threads_resolve(0, NULL, &threads, NULL), BERTC_OK);
    assert_int_equal(threads, bc_threads_at("", omp_get_num_procs(), getenv("OMP_NUM_THREADS")));
    assert_int_equal(received.count, 0);
}

static void test_refused(void **state)
{
    (void)state;
    bertc_error err = {0};
    int32_t threads = -1;
    left = 2;
    assert_int_equal(bertc_threads_resolve(5, NULL, &threads, &err), BERTC_NOMEM);
    assert_string_equal(err.message,
                        "out of memory: 5 threads are needed, the system allows only 3 (ulimit -u, ulimit -v, "
                        "pids.max)");
    assert_int_equal(threads, -1);
    left = 4;
    assert_int_equal(bertc_threads_resolve(5, NULL, &threads, NULL), BERTC_OK);
    assert_int_equal(threads, 5);
    left = 0;
    assert_int_equal(bertc_threads_resolve(1, NULL, &threads, NULL), BERTC_OK); /* no thread is started */
    left = INT_MAX;
    for (int64_t n = -1; n <= 4097; n += 4098)
        assert_int_equal(bertc_threads_resolve(n, NULL, &threads, NULL), BERTC_USAGE);
}

static void expect_stack(const char *text, size_t bytes)
{
    int32_t threads;
    pthread_attr_t system;
    size_t usual;
    assert_int_equal(setenv("OMP_STACKSIZE", text, 1), 0);
    assert_int_equal(pthread_attr_init(&system), 0);
    pthread_attr_getstacksize(&system, &usual);
    pthread_attr_destroy(&system);
    assert_int_equal(bertc_threads_resolve(2, NULL, &threads, NULL), BERTC_OK);
    assert_int_equal(stack, bytes ? bytes : usual);
}

/* Threads are started with OpenMP's stack size. */
static void test_stack(void **state)
{
    (void)state;
    bertc_error err = {0};
    int32_t threads;
    expect_stack("2048", 2048 << 10);
    expect_stack("1M", 1 << 20);
    expect_stack(" 1 m ", 1 << 20);
    expect_stack("1048576B", 1 << 20);
    expect_stack("nothing", 0);
    expect_stack("1Mx", 0);
    expect_stack("1T", 0);
    expect_stack("1", 0);
    expect_stack("99999999999999999999G", 0);
    assert_int_equal(setenv("OMP_STACKSIZE", "100k", 1), 0);
    assert_int_equal(bertc_threads_resolve(2, NULL, &threads, &err), BERTC_NOMEM);
    assert_string_equal(err.message,
                        "out of memory: threads have a stack of 100 KB, 512 KB are needed (OMP_STACKSIZE)");
    assert_int_equal(unsetenv("OMP_STACKSIZE"), 0);
}

static void test_small_stack(void **state)
{
    (void)state;
    bertc_error err = {0};
    int32_t threads;
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_STACK, &before), 0);
    small = before;
    small.rlim_cur = 300 << 10;
    assert_int_equal(setrlimit(RLIMIT_STACK, &small), 0);
    bertc_status status = bertc_threads_resolve(2, NULL, &threads, &err);
    assert_int_equal(setrlimit(RLIMIT_STACK, &before), 0);
    assert_int_equal(status, BERTC_NOMEM);
    assert_string_equal(err.message, "out of memory: threads have a stack of 300 KB, 512 KB are needed (ulimit -s)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_a_quota, enter, leave),
        cmocka_unit_test_setup_teardown(test_wanted, enter, leave),
        cmocka_unit_test_setup_teardown(test_quota, enter, leave),
        cmocka_unit_test_setup_teardown(test_old_quota, enter, leave),
        cmocka_unit_test(test_resolve),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_stack),
        cmocka_unit_test(test_small_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
