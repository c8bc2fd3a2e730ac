/* When checkpoints are saved: at an interval of steps, or of minutes by a clock that the test moves. By default no
 * checkpoint is saved if the disk does not have enough space. */
#include "jobs_fixture.h"

#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>

#include "run/options.h"

/* ---- A clock and a disk of the test; the linker wraps the functions ------------------------ */

static double ahead;         /* seconds that the clock advances at each poll */
static double now;
static double left = -1;     /* free bytes of the disk; negative: those of the system */

int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_fstatvfs(int fd, struct statvfs *disk);
int __real_fstatvfs(int fd, struct statvfs *disk);

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    (void)clock;
    time->tv_sec = (time_t)now;
    time->tv_nsec = (long)((now - (double)time->tv_sec) * 1e9);
    return 0;
}

int __wrap_fstatvfs(int fd, struct statvfs *disk)
{
    if (left < 0) return __real_fstatvfs(fd, disk);
    *disk = (struct statvfs){.f_frsize = 1, .f_blocks = 1000000, .f_bavail = (fsblkcnt_t)left};
    return 0;
}

/* ---- Runs that record their checkpoints ---------------------------------------------------- */

typedef struct watcher {
    int polls, end; /* `end`: the poll at which the process dies; 0: never */
    char saved[256]; /* steps of the newest checkpoint, each once */
    char notice[512];
    double fills;    /* from the poll `end` on the disk has this number of free bytes */
} watcher;

/* The step of the newest checkpoint in OUT; 0: none. */
static long long newest(const char *out)
{
    char path[64];
    long long step = 0, max = 0;
    snprintf(path, sizeof path, "%s/checkpoint", out);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;)
        if (sscanf(e->d_name, "step-%lld.safetensors", &step) == 1 && step > max) max = step;
    if (dir) closedir(dir);
    return max;
}

static const char *folder;

static bertc_status on_stop(void *user)
{
    watcher *w = user;
    char step[32];
    snprintf(step, sizeof step, " %lld", newest(folder));
    if (!strstr(w->saved, step)) strcat(w->saved, step);
    now += ahead;
    if (++w->polls == w->end && w->fills == 0) _exit(9);
    if (w->end > 0 && w->polls >= w->end) left = w->fills;
    return BERTC_OK;
}

static void on_notice(void *user, const char *line)
{
    watcher *w = user;
    if (strstr(line, "--save-every")) snprintf(w->notice, sizeof w->notice, "%s", line);
}

static bertc_status run(bertc_train_options o, watcher *w, bertc_error *err)
{
    bertc_train_result result;
    const bertc_observer observer = {.notify = {on_notice, w}, .stop = on_stop, .user = w};
    folder = o.out;
    return bertc_finetune(&o, &observer, &result, err);
}

static bertc_train_options begin(const char *out, const char *interval)
{
    bertc_train_options o = fixture_options(out);
    o.save_every = interval;
    o.dropout = 0.1;
    ahead = 25;
    left = -1;
    fixture_remove(out);
    return o;
}

static watcher saves(const char *interval)
{
    watcher w = {0};
    bertc_error err = {0};
    if (run(begin("paced", interval), &w, &err) != BERTC_OK) fail_msg("%s", err.message);
    return w;
}

/* ---- Tests --------------------------------------------------------------------------------- */

/* Ten steps of 25 seconds, and the checkpoints of each interval; the weights are the same. */
static void test_intervals(void **unused)
{
    (void)unused;
    static const struct {
        const char *interval, *saved, *record;
    } cases[] = {{"0", " 0", "\"save-every\":\"0\""},         {"4", " 0 4 8", "\"save-every\":\"4\""},
                 {"1m", " 0 3 6 9", "\"save-every\":\"1m\""}, {"2m", " 0 5", "\"save-every\":\"2m\""},
                 {"10m", " 0", "\"save-every\":\"10m\""},     {"auto", " 0", "\"save-every\":\"10m\""}};
    bertc_error err = {0};
    watcher none = {0};
    size_t length;
    assert_int_equal(run(begin("plain", "0"), &none, &err), BERTC_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        watcher w = saves(cases[i].interval);
        assert_string_equal(w.saved, cases[i].saved);
        assert_string_equal(w.notice, "");
        fixture_same_file("plain", "paced", "model.safetensors");
        char *text = fixture_read("paced/run.json", &length, false);
        assert_non_null(strstr(text, cases[i].record));
        bc_free(text);
    }
}

/* The default saves every ten minutes. */
static void test_default(void **unused)
{
    (void)unused;
    watcher w = {0};
    bertc_error err = {0};
    bertc_train_options o = begin("paced", "auto");
    bertc_train_options defaults;
    bertc_train_defaults(&defaults);
    assert_string_equal(defaults.save_every, "auto");
    ahead = 250;
    assert_int_equal(run(o, &w, &err), BERTC_OK);
    assert_string_equal(w.saved, " 0 3 6 9");
}

/* Killed between two checkpoints of a minutes interval, and resumed: the same bits. */
static void test_killed(void **unused)
{
    (void)unused;
    bertc_error err = {0};
    watcher w = {0};
    assert_int_equal(run(begin("plain", "1m"), &w, &err), BERTC_OK);
    bertc_train_options o = begin("paced", "1m");
    pid_t child = fork();
    if (child == 0) {
        watcher dying = {.end = 9};
        run(o, &dying, NULL);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 9);
    assert_int_equal(newest("paced"), 6);
    o.resume = true;
    w = (watcher){0};
    assert_int_equal(run(o, &w, &err), BERTC_OK);
    assert_string_equal(w.saved, " 6 9");
    fixture_same_run("plain", "paced");
}

/* Disk space for the result and one checkpoint, but not for three: the default saves none, a given interval is
 * refused. */
static void test_not_enough_space(void **unused)
{
    (void)unused;
    bertc_error err = {0};
    watcher w = {0};
    size_t length;
    bertc_train_options o = begin("paced", "auto");
    left = 100000;
    ahead = 250;
    assert_int_equal(run(o, &w, &err), BERTC_OK);
    assert_string_equal(w.saved, " 0");
    assert_string_equal(w.notice,
                        "paced: the run needs 0.2 MB of disk space, 0.1 MB are free; checkpoints are saved only when "
                        "the run is interrupted (--save-every)");
    char *text = fixture_read("paced/run.json", &length, false);
    assert_non_null(strstr(text, "\"save-every\":\"0\""));
    bc_free(text);
    for (int i = 0; i < 2; i++) {
        o = begin("paced", i ? "10m" : "5");
        left = 100000;
        err = (bertc_error){0};
        assert_int_equal(run(o, &w, &err), BERTC_IO);
        assert_string_equal(err.message, "paced: the run needs 0.2 MB of disk space, 0.1 MB are free");
    }
    o = begin("paced", "0");
    left = 100000;
    assert_int_equal(run(o, &w, NULL), BERTC_OK);
}

/* If others fill the disk, the default skips the next checkpoint. */
static void test_space_runs_out(void **unused)
{
    (void)unused;
    watcher w = {.end = 4, .fills = 20000};
    bertc_error err = {0};
    bertc_train_options o = begin("paced", "auto");
    ahead = 250;
    assert_int_equal(run(o, &w, &err), BERTC_OK);
    assert_string_equal(w.saved, " 0 3");
    assert_non_null(strstr(w.notice, "0.0 MB are free; checkpoints are saved only when the run is interrupted"));
}

static void test_values(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        int64_t steps;
        double seconds;
        bool is_auto;
    } good[] = {{"0", 0, 0, false},   {"1", 1, 0, false},    {"2147483647", 2147483647, 0, false},
                {"1m", 0, 60, false}, {"10m", 0, 600, false}, {"auto", 0, 0, true}};
    static const char *const bad[] = {"",   "m",   "0m", "x",  "-1",   "1.5m", "2147483648", "99999999999999999999",
                                      "1h", "1mm", " 1", "+1", "autos"};
    bertc_train_options o = fixture_options("out");
    bc_save_interval interval;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        o.save_every = good[i].text;
        assert_int_equal(bc_options_parse_save_interval(&o, &interval, NULL), BERTC_OK);
        assert_int_equal(interval.steps, good[i].steps);
        assert_close(interval.seconds, good[i].seconds, 0);
        assert_int_equal(interval.is_auto, good[i].is_auto);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bertc_error err = {0};
        o.save_every = bad[i];
        assert_int_equal(bc_options_parse_save_interval(&o, &interval, &err), BERTC_USAGE);
        assert_non_null(strstr(err.message, "--save-every: '"));
    }
    o.save_every = NULL;
    assert_int_equal(bc_options_check(&o, NULL), BERTC_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intervals),   cmocka_unit_test(test_default),      cmocka_unit_test(test_killed),
        cmocka_unit_test(test_not_enough_space), cmocka_unit_test(test_space_runs_out), cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
