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

/* ---- The number of threads ----------------------------------------------------------------- */

/* Lower *min to the quota of one group, as a number of processors. Version 1 has a file for the quota and a file for
 * its period; version 2 has one file, such as "150000 100000" or "max 100000". */
static void read_quota(void *context, const char *root, const char *folder)
{
    char text[BC_CGROUP_TEXT], period[BC_CGROUP_TEXT], *end;
    double *min = context;
    bool old = !bc_cgroup_read(text, root, folder, "cpu.max");
    if (old && (!bc_cgroup_read(text, root, folder, "cpu.cfs_quota_us") ||
                !bc_cgroup_read(period, root, folder, "cpu.cfs_period_us")))
        return;
    double quota = strtod(text, &end), per = strtod(old ? period : end, NULL);
    if (end != text && quota > 0 && per > 0 && quota / per < *min) *min = quota / per;
}

int bc_threads_quota(const char *root)
{
    double processors = INT_MAX;
    bc_cgroups_walk(root, "", read_quota, &processors);
    bc_cgroups_walk(root, "cpu", read_quota, &processors);
    return processors < 1 ? 1 : (int)floor(processors + 0.5);
}

int bc_threads_at(const char *root, int processors, const char *wanted)
{
    int threads = processors, quota = bc_threads_quota(root);
    /* OMP_NUM_THREADS may be a list for nested loops: take its first number. Like OpenMP, ignore invalid text. */
    long number = wanted ? strtol(wanted, NULL, 10) : 0;
    if (quota < threads) threads = quota;
    if (number > 0 && number < threads) threads = (int)number;
    return threads < MAX ? threads : MAX;
}

/* ---- Checking that the system can start them ----------------------------------------------- */

/* Read the stack size of OpenMP's threads, in bytes: a number of kilobytes or with a unit of its own (b, k, m, g). 0 if
 * it is not set or, as for OpenMP, invalid: then threads have the system's stack size. */
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

/* Check that threads have enough stack: `openmp` bytes, or if it is 0 the limit of the first thread's stack. */
static bertc_status check_stack(size_t openmp, bertc_error *err)
{
    struct rlimit limit;
    bool limited = openmp == 0 && getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    size_t stack = limited ? (size_t)limit.rlim_cur : openmp > 0 ? openmp : SIZE_MAX;
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

/* Return how many of `count` threads the system starts at once. All of them have ended on return. */
static int start_threads(pthread_t *threads, int count, const pthread_attr_t *attributes)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    int started = 0;
    pthread_mutex_lock(&gate);
    while (started < count && pthread_create(&threads[started], attributes, pass_gate, &gate) == 0) started++;
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&gate);
    return started;
}

/* Count the threads of this process, as the system does for its limits. */
static long count_threads(void)
{
    struct stat info;
    return stat("/proc/self/task", &info) == 0 ? (long)info.st_nlink : 0;
}

/* Check that the system can start `count` threads next to the calling one, by starting and ending them. */
static bertc_status check_threads(int count, bertc_error *err)
{
    const struct timespec pause = {.tv_nsec = 100000};
    size_t stack = read_stack();
    bertc_status status = check_stack(stack, err);
    if (status != BERTC_OK || count == 0) return status;
    pthread_attr_t attributes;
    pthread_t *threads = bc_alloc((size_t)count, sizeof *threads);
    if (!threads || pthread_attr_init(&attributes) != 0) {
        bc_free(threads);
        return bc_fail_memory(err);
    }
    if (stack > 0) pthread_attr_setstacksize(&attributes, stack);
    long before = count_threads();
    int started = start_threads(threads, count, &attributes);
    /* The system still counts a joined thread for a moment. */
    for (int i = 0; i < 1000 && count_threads() > before; i++) nanosleep(&pause, NULL);
    pthread_attr_destroy(&attributes);
    bc_free(threads);
    if (started == count) return BERTC_OK;
    return bc_fail(err, BERTC_NOMEM,
                   "out of memory: %d threads are needed, the system allows only %d (ulimit -u, ulimit -v, pids.max)",
                   count + 1, started + 1);
}

bertc_status bertc_threads_resolve(int64_t asked, const bertc_notify *notify, int32_t *threads, bertc_error *err)
{
    if (!threads) return bc_fail_null(err, __func__, "threads");
    if (asked < 0 || asked > MAX)
        return bc_fail(err, BERTC_USAGE, "%lld threads are out of range, 0 to %d", (long long)asked, MAX);
    int quota = bc_threads_quota(""), limit = omp_get_thread_limit(), given = 1;
    int wanted = asked > 0 ? (int)asked : bc_threads_at("", omp_get_num_procs(), getenv("OMP_NUM_THREADS"));
    bertc_status status = check_threads((wanted < limit ? wanted : limit) - 1, err);
    if (status != BERTC_OK) return status;
    /* OpenMP may give fewer threads than `wanted`. Libraries divide their work by the number that is set here, and
     * nobody computes the parts of missing threads. */
    omp_set_dynamic(0);
#pragma omp parallel num_threads(wanted)
#pragma omp single
    given = omp_get_num_threads();
    *threads = given;
    omp_set_num_threads(given);
    if (asked > given)
        bc_notify(notify, "%d threads: OpenMP gives %d (OMP_THREAD_LIMIT, OMP_MAX_ACTIVE_LEVELS)", wanted, given);
    if (given > quota)
        bc_notify(notify, "%d threads: the quota of the control group (cpu.max) allows %d; more of them wait",
                  given, quota);
    return BERTC_OK;
}
