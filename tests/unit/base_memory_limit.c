/* Memory limits, read from a tree of files that stands for "/". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory_limit.h"
#include "unit/base_root.h"

enum { MB = 1 << 20 };

/* Make a tree with a process that has 8 MB in memory and an address space of 40 MB. */
static int enter_process(void **state)
{
    char text[64];
    long page = sysconf(_SC_PAGESIZE);
    if (enter(state) != 0) return -1;
    snprintf(text, sizeof text, "%ld %ld 1 1 0 1 0\n", 40 * MB / page, 8 * MB / page);
    write_text("/proc/self/statm", text);
    return 0;
}

static void expect(size_t megabytes, const char *name, size_t address)
{
    bc_memory_limit limit = bc_memory_limit_read_at(top, address);
    assert_int_equal(limit.resident, 8 * MB);
    assert_int_equal(limit.available, megabytes * MB);
    assert_string_equal(limit.name, name);
}

static void test_nothing_known(void **state)
{
    (void)state;
    bc_memory_limit limit = bc_memory_limit_read_at(top, SIZE_MAX);
    assert_true(limit.available == SIZE_MAX);
    assert_string_equal(limit.name, "no limit");
    limit = bc_memory_limit_read_at("/nowhere", SIZE_MAX);
    assert_int_equal(limit.resident, 0);
    assert_true(limit.available == SIZE_MAX);
}

static void test_system(void **state)
{
    (void)state;
    write_text("/proc/meminfo", "MemTotal:  409600 kB\nMemFree: 1 kB\nMemAvailable:   102400 kB\n");
    expect(108, "MemAvailable", SIZE_MAX);
    expect(68, "ulimit -v, less 64 MB a thread and 160 MB for libraries", 260 * (size_t)MB);
    expect(8, "ulimit -v, less 64 MB a thread and 160 MB for libraries",
           30 * (size_t)MB); /* less than the process uses */
    write_text("/proc/self/status", "Name:\tbertc\nThreads:\t3\n");
    expect(68, "ulimit -v, less 64 MB a thread and 160 MB for libraries", (260 + 192) * (size_t)MB);
    write_text("/proc/meminfo", "MemTotal: 409600 kB\n");
    assert_true(bc_memory_limit_read_at(top, SIZE_MAX).available == SIZE_MAX);
}

/* The lowest limit of a group and the groups above it applies; page cache counts as free; "max" means no limit. */
static void test_groups(void **state)
{
    (void)state;
    write_text("/proc/self/cgroup", "0::/a/b\n");
    write_text("/sys/fs/cgroup/a/b/memory.max", "max\n");
    write_text("/sys/fs/cgroup/a/b/memory.current", "20971520\n");
    assert_true(bc_memory_limit_read_at(top, SIZE_MAX).available == SIZE_MAX);
    write_text("/sys/fs/cgroup/a/memory.max", "209715200\n");     /* 200 MB */
    write_text("/sys/fs/cgroup/a/memory.current", "104857600\n"); /* 100 MB */
    expect(108, "memory.max", SIZE_MAX);
    write_text("/sys/fs/cgroup/a/memory.stat",
               "anon 5\ninactive_file 10485760\nactive_file 20971520\n"); /* 30 MB */
    expect(138, "memory.max", SIZE_MAX);
    write_text("/sys/fs/cgroup/a/b/memory.max", "52428800\n"); /* 50 MB, 20 used */
    expect(38, "memory.max", SIZE_MAX);
    write_text("/sys/fs/cgroup/memory.max", "1048576\n");
    write_text("/sys/fs/cgroup/memory.current", "2097152\n");
    expect(8, "memory.max", SIZE_MAX);
}

/* Version 1, with a group that is not visible inside a container. */
static void test_old_groups(void **state)
{
    (void)state;
    write_text("/proc/self/cgroup", "5:cpu:/\n4:memory:/x/y\n0::/\n");
    write_text("/sys/fs/cgroup/memory/memory.limit_in_bytes", "104857600\n");
    write_text("/sys/fs/cgroup/memory/memory.usage_in_bytes", "52428800\n");
    expect(58, "memory.limit_in_bytes", SIZE_MAX);
    write_text("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_true(bc_memory_limit_read_at(top, SIZE_MAX).available > (size_t)1 << 60);
}

/* The limits of the test process itself. */
static void test_real(void **state)
{
    (void)state;
    bc_memory_limit limit = bc_memory_limit_read();
    assert_true(limit.resident > 0);
    assert_true(limit.available > limit.resident);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_known, enter_process, leave),
        cmocka_unit_test_setup_teardown(test_system, enter_process, leave),
        cmocka_unit_test_setup_teardown(test_groups, enter_process, leave),
        cmocka_unit_test_setup_teardown(test_old_groups, enter_process, leave),
        cmocka_unit_test(test_real),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
