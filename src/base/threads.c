#include "base/threads.h"

#include <limits.h>
#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "base/error.h"
#include "base/cgroup.h"
#include "base/memory.h"

enum { MAX = 4096 };

/* ---- How many ------------------------------------------------------------------------------ */

/* The quota of one group as a number of processors; version 1 writes it and its period into two files, version 2
 * into one, as "150000 100000" or "max 100000". */
static void read_quota(void *context, const char *root, const char *folder)
{
    char text[BC_CGROUP_TEXT], period[BC_CGROUP_TEXT], *end;
    double *min = context;
    bool old = !bc_cgroup_read(text, root, folder, "cpu.max");
    if (old && (!bc_cgroup_read(text, root, folder, "cpu.cfs_quota_us") ||
                !bc_cgroup_read(period, root, folder, "cpu.cfs_period_us")))
        return;
    double quota = strtod(text, &end), of = strtod(old ? period : end, NULL);
    if (end != text && quota > 0 && of > 0 && quota / of < *min) *min = quota / of;
}

int bc_threads_quota(const char *root)
{
    double processors = INT_MAX;
    bc_cgroups_walk(root, "", read_quota, &processors);
    bc_cgroups_walk(root, "cpu", read_quota, &processors);
    return processors < 1 ? 1 : (int)floor(processors + 0.5);
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

int bc_threads_at(const char *root, int processors, const char *wanted)
{
    int threads = smaller(processors, bc_threads_quota(root));
    /* Of a list, as for loops inside loops, the first number; what is none is passed over, as OpenMP does. */
    long number = wanted ? strtol(wanted, NULL, 10) : 0;
    if (number > 0 && number < threads) threads = (int)number;
    return smaller(threads, MAX);
}

/* ---- Whether they can be had --------------------------------------------------------------- */

/* The stack that OpenMP gives its threads in place of the system's: a number of kilobytes, or of what its unit says;
 * 0: the system's, also where OpenMP passes over what makes no sense. */
static size_t read_stack(void)
{
    static const char units[] = "bkmg", blank[] = " \t";
    const char *text = getenv("OMP_STACKSIZE");
    if (!text) text = getenv("GOMP_STACKSIZE");
    char *end = NULL;
    unsigned long long number = text ? strtoull(text, &end, 10) : 0;
    if (!text || end == text) return 0;
    end += strspn(end, blank);
    const char *unit = *end ? strchr(units, *end | 0x20) : units + 1;
    if (*end) end += 1 + strspn(end + 1, blank);
    int shift = unit ? 10 * (int)(unit - units) : 0;
    if (!unit || *end || number > SIZE_MAX >> shift) return 0;
    size_t bytes = (size_t)number << shift;
    return bytes < PTHREAD_STACK_MIN ? 0 : bytes;
}

/* Threads have the stack of the first one, unless OpenMP is told another. */
static bertc_status check_stack(size_t own, bertc_error *err)
{
    struct rlimit limit;
    bool limited = own == 0 && getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    size_t stack = limited ? (size_t)limit.rlim_cur : own > 0 ? own : SIZE_MAX;
    if (stack >= BERTC_STACK) return BERTC_OK;
    return bc_fail(err, BERTC_NOMEM, "out of memory: threads have a stack of %zu KB, %d KB are needed (%s)",
                   stack >> 10, BERTC_STACK >> 10, limited ? "ulimit -s" : "OMP_STACKSIZE");
}

static void *pass_gate(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

/* How many of so many threads there can be beside each other. */
static int start_and_end(pthread_t *threads, int count, const pthread_attr_t *how)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    int started = 0;
    pthread_mutex_lock(&gate);
    while (started < count && pthread_create(&threads[started], how, pass_gate, &gate) == 0) started++;
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&gate);
    return started;
}

/* Threads of this process that count against limits; one that was joined does for a moment more. */
static long count_threads(void)
{
    struct stat info;
    return stat("/proc/self/task", &info) == 0 ? (long)info.st_nlink : 0;
}

static void wait_until_gone(long before)
{
    const struct timespec pause = {.tv_nsec = 100000};
    for (int i = 0; i < 1000 && count_threads() > before; i++) nanosleep(&pause, NULL);
}

/* Can there be so many threads beside this one? */
static bertc_status check_threads(int count, bertc_error *err)
{
    size_t stack = read_stack();
    bertc_status status = check_stack(stack, err);
    if (status != BERTC_OK || count == 0) return status;
    pthread_attr_t how;
    pthread_t *threads = bc_alloc((size_t)count, sizeof *threads);
    if (!threads || pthread_attr_init(&how) != 0) {
        bc_free(threads);
        return bc_fail_memory(err);
    }
    if (stack > 0) pthread_attr_setstacksize(&how, stack);
    long before = count_threads();
    int started = start_and_end(threads, count, &how);
    wait_until_gone(before);
    pthread_attr_destroy(&how);
    bc_free(threads);
    if (started == count) return BERTC_OK;
    return bc_fail(err, BERTC_NOMEM,
                   "out of memory: %d threads are to work, the system lets no more than %d be (ulimit -u, ulimit -v, "
                   "pids.max)",
                   count + 1, started + 1);
}

/* How many there are when so many are asked for (OMP_THREAD_LIMIT, OMP_MAX_ACTIVE_LEVELS). Libraries divide their work
 * by the number that they are told and leave the parts of those that do not come, so no more must be told. */
static int take(int asked)
{
    int there = 1;
    omp_set_dynamic(0);
#pragma omp parallel num_threads(asked)
#pragma omp single
    there = omp_get_num_threads();
    return there;
}

bertc_status bertc_threads_resolve(int64_t asked, const bertc_notify *notify, int32_t *threads, bertc_error *err)
{
    if (!threads) return bc_fail_null(err, __func__, "threads");
    if (asked < 0 || asked > MAX)
        return bc_fail(err, BERTC_USAGE, "%lld threads are out of range, 0 to %d", (long long)asked, MAX);
    int quota = bc_threads_quota("");
    int wanted = asked > 0 ? (int)asked : bc_threads_at("", omp_get_num_procs(), getenv("OMP_NUM_THREADS"));
    bertc_status status = check_threads(smaller(wanted, omp_get_thread_limit()) - 1, err);
    if (status != BERTC_OK) return status;
    *threads = take(wanted);
    omp_set_num_threads(*threads);
    if (asked > *threads)
        bc_notify(notify, "%d threads: OpenMP gives %d (OMP_THREAD_LIMIT, OMP_MAX_ACTIVE_LEVELS)", wanted,
                  (int)*threads);
    if (*threads > quota)
        bc_notify(notify, "%d threads: the quota of the control group (cpu.max) pays for %d; more wait for each other",
                  (int)*threads, quota);
    return BERTC_OK;
}
