/* File torture: every operation of a run that changes a disk is made to fail, one in each run.
 *
 * The linker wraps the calls. For every N, the Nth open for writing, write, flush, truncation, rename or mkdir fails as
 * on a full or broken disk. Then
 *   1. the run ends with an I/O error of one line;
 *   2. no temporary file and no part of a result is left, and the model that the run started from is unchanged;
 *   3. the next attempt with --resume gives the same result as a run without failures.
 *
 * A write can also report success although it wrote only a half, or wrote a changed bit. Then either the result of the
 * run and its cache are correct, or 1 to 3 hold. A write can also write nothing, forever and without an error: then 1
 * to 3 hold.
 *
 * If nothing can be removed, or folders cannot be read to find what to remove, the result is complete and the run
 * reports it. */
#include "unit/jobs_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>

int __real_open(const char *path, int flags, ...);
int __real_mkdir(const char *path, mode_t mode);
int __real_rename(const char *from, const char *to);
int __real_openat(int dir, const char *name, int flags, ...);
int __real_mkdirat(int dir, const char *name, mode_t mode);
int __real_renameat(int dir, const char *from, int other, const char *to);
int __real_linkat(int dir, const char *from, int other, const char *to, int flags);
int __real_unlinkat(int dir, const char *name, int flags);
DIR *__real_fdopendir(int fd);
int __real_fsync(int fd);
int __real_ftruncate(int fd, off_t length);
ssize_t __real_write(int fd, const void *bytes, size_t count);
ssize_t __real_pwrite(int fd, const void *bytes, size_t count, off_t offset);
int __wrap_open(const char *path, int flags, ...);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_rename(const char *from, const char *to);
int __wrap_openat(int dir, const char *name, int flags, ...);
int __wrap_mkdirat(int dir, const char *name, mode_t mode);
int __wrap_renameat(int dir, const char *from, int other, const char *to);
int __wrap_linkat(int dir, const char *from, int other, const char *to, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags);
DIR *__wrap_fdopendir(int fd);
int __wrap_fsync(int fd);
int __wrap_ftruncate(int fd, off_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t count);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t count, off_t offset);

static long operations, fail_at; /* fail_at 0: never */
static bool persistent;          /* all later operations fail too, as on a disk that stays full */
static enum way { FAILS, WRITES_HALF, CHANGES, WRITES_NOTHING } way; /* all but FAILS apply to writes only */
static const char *failed;       /* name of the failed operation */
static int stuck;                /* 1: files, 2: folders cannot be removed; 3: folders cannot be read */

static bool refused(const char *name, int code)
{
    if (way != FAILS && !strstr(name, "write")) return false;
    operations++;
    if (fail_at == 0 || operations < fail_at || (operations > fail_at && !persistent)) return false;
    if (operations == fail_at) failed = name;
    errno = code;
    return true;
}

/* Inodes of folders that contain a new folder and have not been flushed since. */
static ino_t unflushed[64];
static size_t unflushed_count, made;

static void note_made(int dir, const char *path)
{
    struct stat info;
    char parent[600];
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash) *slash = '\0';
    assert_int_equal(fstatat(dir, slash ? parent : ".", &info, 0), 0);
    if (unflushed_count < sizeof unflushed / sizeof *unflushed) unflushed[unflushed_count++] = info.st_ino;
    made++;
}

static void note_flushed(int fd)
{
    struct stat info;
    size_t kept = 0;
    if (fstat(fd, &info) != 0) return;
    for (size_t i = 0; i < unflushed_count; i++)
        if (unflushed[i] != info.st_ino) unflushed[kept++] = unflushed[i];
    unflushed_count = kept;
}

int __wrap_open(const char *path, int flags, ...)
{
    if ((flags & (O_WRONLY | O_RDWR)) && refused("open", ENOSPC)) return -1;
    return __real_open(path, flags, 0666);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    int done = refused("mkdir", ENOSPC) ? -1 : __real_mkdir(path, mode);
    if (done == 0) note_made(AT_FDCWD, path);
    return done;
}

int __wrap_rename(const char *from, const char *to)
{
    return refused("rename", EIO) ? -1 : __real_rename(from, to);
}

int __wrap_openat(int dir, const char *name, int flags, ...)
{
    if ((flags & (O_WRONLY | O_RDWR)) && refused("openat", ENOSPC)) return -1;
    return __real_openat(dir, name, flags, 0666);
}

int __wrap_mkdirat(int dir, const char *name, mode_t mode)
{
    int done = refused("mkdirat", ENOSPC) ? -1 : __real_mkdirat(dir, name, mode);
    if (done == 0) note_made(dir, name);
    return done;
}

int __wrap_renameat(int dir, const char *from, int other, const char *to)
{
    return refused("renameat", EIO) ? -1 : __real_renameat(dir, from, other, to);
}

int __wrap_linkat(int dir, const char *from, int other, const char *to, int flags)
{
    return refused("linkat", EIO) ? -1 : __real_linkat(dir, from, other, to, flags);
}

int __wrap_unlinkat(int dir, const char *name, int flags)
{
    if (stuck != (flags & AT_REMOVEDIR ? 2 : 1)) return __real_unlinkat(dir, name, flags);
    errno = EIO;
    return -1;
}

DIR *__wrap_fdopendir(int fd)
{
    if (stuck != 3) return __real_fdopendir(fd);
    errno = EIO;
    return NULL;
}

int __wrap_fsync(int fd)
{
    if (refused("fsync", EIO)) return -1;
    note_flushed(fd);
    return __real_fsync(fd);
}

int __wrap_ftruncate(int fd, off_t length)
{
    return refused("ftruncate", EIO) ? -1 : __real_ftruncate(fd, length);
}

/* Write other content than was asked for; return the number of bytes. */
static size_t falsify(char *copy, const void *bytes, size_t count)
{
    memcpy(copy, bytes, count);
    if (way == WRITES_HALF) return count / 2;
    copy[count / 2] ^= 1;
    return count;
}

static ssize_t lie(int fd, const void *bytes, size_t count, off_t offset)
{
    if (way == WRITES_NOTHING) return 0;
    char *copy = malloc(count);
    assert_non_null(copy);
    size_t n = falsify(copy, bytes, count);
    ssize_t written = offset < 0 ? __real_write(fd, copy, n) : __real_pwrite(fd, copy, n, offset);
    free(copy);
    return written < 0 ? written : (ssize_t)count;
}

/* A disk that becomes full accepts a part first. */
ssize_t __wrap_write(int fd, const void *bytes, size_t count)
{
    if (!refused("write", ENOSPC)) return __real_write(fd, bytes, count);
    if (way != FAILS) return lie(fd, bytes, count, -1);
    return persistent && count > 1 && operations == fail_at ? __real_write(fd, bytes, count / 2) : -1;
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    if (!refused("pwrite", ENOSPC)) return __real_pwrite(fd, bytes, count, offset);
    return way == FAILS ? -1 : lie(fd, bytes, count, offset);
}

static void no_temporary_in(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.') continue;
        if (strstr(e->d_name, ".tmp")) fail_msg("%s left %s/%s", failed, path, e->d_name);
        char *inner = bc_path_join(path, e->d_name);
        no_temporary_in(inner);
        bc_free(inner);
    }
    if (dir) closedir(dir);
}

static void check_failure(long n, bertc_status status, const bertc_error *err)
{
    if (status != BERTC_IO) fail_msg("%s %ld: status %d, %s", failed, n, status, err->message);
    if (!strchr(err->message, ':') || strchr(err->message, '\n'))
        fail_msg("%s %ld: '%s' does not name a file", failed, n, err->message);
    no_temporary_in("tried");
    static const char *const result[] = {"tried/config.json", "tried/model.safetensors",
                                         "tried/vocab.txt", "tried/eval.json", "tried/predictions.dev.jsonl",
                                         "tried/run.json"};
    for (size_t i = 0; i < sizeof result / sizeof result[0]; i++)
        if (bc_file_exists(result[i])) fail_msg("%s %ld left %s", failed, n, result[i]);
}

/* After a false success that changed nothing: the run is correct, and so is a second run with its cache. */
static void expect_whole(void)
{
    bertc_error err = {0};
    fixture_same_run("whole", "tried");
    fixture_remove("tried");
    if (fixture_whole_run("tried", false, &err) != BERTC_OK) fail_msg("after a false success: %s", err.message);
    fixture_same_run("whole", "tried");
    fixture_remove("tried");
    fixture_remove("cached");
}

/* Fail the first operation of a run, then the second, and so on until a run has no more operations. */
static void fail_each(void)
{
    long failures = 0;
    bool reached = true;
    for (long n = 1; reached; n++) {
        bertc_error err = {0};
        operations = 0;
        fail_at = n;
        bertc_status status = fixture_whole_run("tried", false, &err);
        reached = operations >= n;
        fail_at = 0;
        failures += reached;
        no_temporary_in("cached");
        if (reached && status == BERTC_OK && (way == WRITES_HALF || way == CHANGES)) {
            expect_whole();
            continue;
        }
        /* A run continues without a cache. Flushes before the journal is removed do not affect the result. */
        if (reached && status == BERTC_OK && (bc_file_exists("cached") || strcmp(failed, "fsync") == 0)) {
            fixture_same_run("whole", "tried");
            fixture_remove("tried");
            fixture_remove("cached");
            continue;
        }
        fixture_remove("cached");
        if (!reached) fixture_remove("tried");
        if (reached) check_failure(n, status, &err);
        fixture_same_run("kept", "model");
        err = (bertc_error){0};
        if (fixture_whole_run("tried", reached, &err) != BERTC_OK) fail_msg("after %s %ld: %s", failed, n, err.message);
        fixture_same_run("whole", "tried");
        fixture_remove("tried");
        fixture_remove("cached");
    }
    print_message("%ld operations failed\n", failures);
    assert_true(failures > 20);
}

static void test_one_failure(void **unused)
{
    (void)unused;
    persistent = false;
    fail_each();
}

static void test_a_disk_that_stays_full(void **unused)
{
    (void)unused;
    persistent = true;
    fail_each();
}

/* With the outputs of frozen layers in memory and in --cache-dir. */
static void test_a_cache(void **unused)
{
    (void)unused;
    bertc_error err = {0};
    fixture_freeze = "1";
    fixture_cache = "cached";
    fixture_remove("whole");
    fail_at = 0;
    assert_int_equal(fixture_whole_run("whole", false, &err), BERTC_OK);
    fixture_remove("cached");
    for (int full = 0; full < 2; full++) {
        persistent = full;
        fail_each();
    }
}

/* With an existing cache. */
static void test_lies(void **unused)
{
    (void)unused;
    persistent = false;
    for (way = WRITES_HALF; way <= CHANGES; way++) fail_each();
    way = WRITES_NOTHING;
    persistent = true;
    fail_each();
    way = FAILS;
}

/* Every new folder survives a power cut, because the folder above it is flushed. */
static void test_made_folders_are_flushed(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("deep/er/tried");
    o.freeze = "1";
    o.cache_dir = "deep/caches/own";
    fail_at = 0;
    unflushed_count = made = 0;
    fixture_run(o);
    assert_int_equal(made, 7); /* deep/, er/, tried/, checkpoint/, result/, caches/, own/ */
    assert_int_equal(unflushed_count, 0);
    fixture_remove("deep");
}

/* After the first step no file, or no folder, can be removed, or no folder can be read. */
typedef struct blockade {
    int calls, kind;
    char notices[4096];
} blockade;

static bertc_status on_stop(void *user)
{
    blockade *b = user;
    if (b->calls++ == 1) stuck = b->kind;
    return BERTC_OK;
}

static void on_notice(void *user, const char *line)
{
    blockade *b = user;
    size_t used = strlen(b->notices);
    snprintf(b->notices + used, sizeof b->notices - used, "%s\n", line);
}

static void test_what_cannot_be_removed_is_said(void **unused)
{
    (void)unused;
    static const char *const warnings[] = {NULL, "warning: tried/checkpoint/step-2.safetensors: cannot remove: ",
                                       "warning: tried/checkpoint/result: cannot remove folder: ",
                                       "warning: tried/checkpoint: cannot read folder: "};
    fixture_freeze = fixture_cache = "none";
    fixture_remove("whole");
    bertc_train_options o = fixture_options("whole");
    o.save_every = "2";
    fixture_run(o);
    o.out = "tried";
    fail_at = 0;
    for (int kind = 1; kind <= 3; kind++) {
        blockade b = {.kind = kind};
        bertc_observer observer = {.stop = on_stop, .notify = {on_notice, NULL}, .user = &b};
        bertc_train_result result;
        observer.notify.user = &b;
        assert_int_equal(bertc_finetune(&o, &observer, &result, NULL), BERTC_OK);
        stuck = 0;
        if (!strstr(b.notices, warnings[kind])) fail_msg("%d: %s", kind, b.notices);
        assert_true(bc_file_exists("tried/checkpoint"));
        o.resume = true; /* the next run removes what was left */
        fixture_run(o);
        fixture_same_run("whole", "tried");
        fixture_remove("tried");
        o.resume = false;
    }
}

static int set_up(void **state)
{
    bertc_error err = {0};
    if (fixture_enter(state) != 0) return -1;
    if (rename("model", "kept") != 0) return -1;
    fixture_model("model");
    return fixture_whole_run("whole", false, &err) == BERTC_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_failure),
        cmocka_unit_test(test_a_disk_that_stays_full),
        cmocka_unit_test(test_a_cache),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_what_cannot_be_removed_is_said),
        cmocka_unit_test(test_made_folders_are_flushed),
    };
    return cmocka_run_group_tests(tests, set_up, fixture_leave);
}
