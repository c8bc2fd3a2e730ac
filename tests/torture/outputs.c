/* Torture of the command line's outputs: streams, pairs of files that are committed together, and folders that are
 * never half-written. The linker wraps the calls; every operation that changes a disk is made to fail, one in each
 * try. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/error.h"
#include "cli/folder.h"
#include "cli/output.h"
#include "cli/signals.h"

/* ---- Calls that fail ----------------------------------------------------------------------- */

static long operations, fail_at; /* fail_at 0: never */
static enum { TRUTH, FAIL, LIE, NOTHING, HALF } writes;

static bool refused(int code)
{
    errno = code;
    return ++operations == fail_at;
}

ssize_t __real_write(int fd, const void *bytes, size_t count);
ssize_t __wrap_write(int fd, const void *bytes, size_t count);
ssize_t __wrap_write(int fd, const void *bytes, size_t count)
{
    if (writes == LIE) return __real_write(fd, bytes, count - 1) < 0 ? -1 : (ssize_t)count;
    if (writes == NOTHING) return errno = 0, 0;
    if (writes == HALF) return __real_write(fd, bytes, count / 2 + 1);
    return refused(ENOSPC) ? -1 : __real_write(fd, bytes, count);
}

#define WRAP(name, code, declared, given) \
    int __real_##name declared; \
    int __wrap_##name declared; \
    int __wrap_##name declared { return refused(code) ? -1 : __real_##name given; }
WRAP(fsync, EIO, (int fd), (fd))
WRAP(mkdirat, ENOSPC, (int at, const char *name, mode_t mode), (at, name, mode))
WRAP(renameat, EIO, (int at, const char *from, int to, const char *name), (at, from, to, name))
WRAP(fchmod, EIO, (int fd, mode_t mode), (fd, mode))
WRAP(flock, EIO, (int fd, int how), (fd, how))

int __real_openat(int at, const char *name, int flags, ...);
int __wrap_openat(int at, const char *name, int flags, ...);
int __wrap_openat(int at, const char *name, int flags, ...)
{
    bool fails = (flags & O_CREAT) && refused(ENOSPC);
    return fails ? -1 : __real_openat(at, name, flags, 0666);
}

static bool no_links; /* the file system has no hard links */
int __real_linkat(int from, const char *name, int to, const char *other, int flags);
int __wrap_linkat(int from, const char *name, int to, const char *other, int flags);
int __wrap_linkat(int from, const char *name, int to, const char *other, int flags)
{
    errno = EPERM;
    return no_links ? -1 : __real_linkat(from, name, to, other, flags);
}

static bool no_removal;
int __real_unlinkat(int at, const char *name, int flags);
int __wrap_unlinkat(int at, const char *name, int flags);
int __wrap_unlinkat(int at, const char *name, int flags)
{
    errno = EIO;
    return no_removal ? -1 : __real_unlinkat(at, name, flags);
}

/* ---- Files and their contents -------------------------------------------------------------- */

static int entries(const char *path)
{
    DIR *dir = opendir(path);
    int count = 0;
    assert_non_null(dir);
    while (readdir(dir)) count++;
    closedir(dir);
    return count - 2;
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static bool holds(const char *path, const char *text)
{
    char found[64] = "";
    FILE *file = fopen(path, "r");
    if (!file) return text == NULL;
    found[fread(found, 1, sizeof found - 1, file)] = '\0';
    fclose(file);
    return text && strcmp(found, text) == 0;
}

/* Make a new working folder. */
static int begin(void **state)
{
    static char path[] = "outputs_XXXXXX";
    strcpy(path, "outputs_XXXXXX");
    *state = path;
    operations = fail_at = 0;
    writes = TRUTH;
    no_links = no_removal = false;
    return mkdtemp(path) && chdir(path) == 0 ? 0 : -1;
}

static int end(void **state)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", (char *)*state);
    return chdir("..") == 0 && system(command) == 0 ? 0 : -1;
}

/* ---- Streams ------------------------------------------------------------------------------- */

static bertc_status write_stream(int fd, bertc_error *err)
{
    static cli_stream stream;
    *err = (bertc_error){0};
    assert_true(cli_stream_open(&stream, fd, _IOFBF));
    fputs("0123456789", stream.file);
    bertc_status status = cli_stream_finish(&stream, "it", err);
    cli_stream_drop(&stream);
    return status;
}

/* A write of nothing is an error, and a write that reports too many bytes is detected, at any offset of the file. */
static void test_streams(void **state)
{
    (void)state;
    static const int modes[] = {O_TRUNC, O_APPEND, 0};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        bertc_error err;
        put("file", "before");
        int fd = open("file", O_WRONLY | modes[i]);
        if (modes[i] == 0) lseek(fd, 3, SEEK_SET);
        writes = HALF;
        assert_int_equal(write_stream(fd, &err), BERTC_OK);
        static const char *const whole[] = {"0123456789", "before0123456789", "bef0123456789"};
        assert_true(holds("file", whole[i]));
        writes = LIE;
        assert_int_equal(write_stream(fd, &err), BERTC_IO);
        assert_string_equal(err.message, "it: has fewer bytes than the 10 that were written");
        writes = NOTHING;
        assert_int_equal(write_stream(fd, &err), BERTC_IO);
        assert_string_equal(err.message, "it: cannot write: Input/output error");
        close(fd);
    }
}

/* ---- Two files ----------------------------------------------------------------------------- */

static bertc_status write_pair(bertc_error *err)
{
    cli_file files[2] = {{0}};
    *err = (bertc_error){0};
    bertc_status status = cli_file_open(&files[0], "a", err);
    if (status == BERTC_OK) status = cli_file_open(&files[1], "b", err);
    if (status == BERTC_OK) {
        fputs("new a", files[0].stream);
        fputs("new b", files[1].stream);
        status = cli_files_commit(files, err);
    }
    cli_files_close(files, err);
    return status;
}

/* Fail every operation of a pair of files. `a` and `b`: the old contents; null: the file is absent. */
static void fail_pairs(const char *a, const char *b)
{
    long tries = 0;
    for (bool reached = true; reached; tries++) {
        bertc_error err;
        remove("a");
        remove("b");
        if (a) put("a", a);
        if (b) put("b", b);
        int before = entries(".");
        operations = 0;
        fail_at = tries + 1;
        bertc_status status = write_pair(&err);
        reached = operations >= fail_at;
        fail_at = 0;
        bool good = status == BERTC_OK ? holds("a", "new a") && holds("b", "new b") && entries(".") == 2
                                       : holds("a", a) && holds("b", b) && entries(".") == before;
        if (!good || (reached && status != BERTC_IO) || (!reached && status != BERTC_OK))
            fail_msg("operation %ld: status %d, %s", tries + 1, status, err.message);
    }
    assert_true(tries > 10);
}

static void test_both_or_none(void **state)
{
    (void)state;
    fail_pairs(NULL, NULL);
    fail_pairs("old a", NULL);
    fail_pairs(NULL, "old b");
    fail_pairs("old a", "old b");
}

/* The second file's name becomes a folder meanwhile, which no rename replaces. */
static void test_second_name_taken(void **state)
{
    (void)state;
    bertc_error err = {0};
    cli_file files[2] = {{0}};
    put("a", "old a");
    assert_int_equal(cli_file_open(&files[0], "a", &err), BERTC_OK);
    assert_int_equal(cli_file_open(&files[1], "b", &err), BERTC_OK);
    assert_int_equal(mkdir("b", 0777), 0);
    fputs("new a", files[0].stream);
    assert_int_equal(cli_files_commit(files, &err), BERTC_IO);
    assert_string_equal(err.message, "b: cannot write: Is a directory");
    cli_files_close(files, &err);
    assert_true(holds("a", "old a"));
    assert_int_equal(entries("."), 2);

    /* Without hard links the first file stays, and the message reports it. */
    no_links = true;
    err = (bertc_error){0};
    assert_int_equal(rmdir("b"), 0);
    assert_int_equal(cli_file_open(&files[0], "a", &err), BERTC_OK);
    assert_int_equal(cli_file_open(&files[1], "b", &err), BERTC_OK);
    assert_int_equal(mkdir("b", 0777), 0);
    fputs("new a", files[0].stream);
    assert_int_equal(cli_files_commit(files, &err), BERTC_IO);
    cli_files_close(files, &err);
    assert_non_null(strstr(err.message, "b: cannot write: Is a directory; a: cannot be restored, the new one stays: "));
    assert_true(holds("a", "new a"));
    assert_int_equal(entries("."), 2);
}

/* If a device refuses its bytes, the other file is not committed either. */
static void test_device_fails(void **state)
{
    (void)state;
    for (int there = 0; there < 2; there++) {
        bertc_error err = {0};
        cli_file files[2] = {{0}};
        if (there) put("a", "old a");
        assert_int_equal(cli_file_open(&files[0], "a", &err), BERTC_OK);
        assert_int_equal(cli_file_open(&files[1], "/dev/full", &err), BERTC_OK);
        fputs("new a", files[0].stream);
        fputs("new b", files[1].stream);
        assert_int_equal(cli_files_commit(files, &err), BERTC_IO);
        assert_string_equal(err.message, "/dev/full: cannot write: No space left on device");
        cli_files_close(files, &err);
        assert_true(holds("a", there ? "old a" : NULL));
        assert_int_equal(entries("."), there);
    }
}

/* A failed removal is reported. */
static void test_removal_fails(void **state)
{
    (void)state;
    bertc_error err = {0};
    cli_file files[2] = {{0}};
    assert_int_equal(cli_file_open(&files[0], "a", &err), BERTC_OK);
    cli_fail(&err, BERTC_INPUT, "first");
    no_removal = true;
    cli_files_close(files, &err);
    no_removal = false;
    assert_int_equal(err.status, BERTC_INPUT);
    assert_non_null(strstr(err.message, "first; .a.bertc-"));
    assert_non_null(strstr(err.message, ": cannot remove: Input/output error"));
}

/* ---- Folders ------------------------------------------------------------------------------- */

static bertc_status fill(const void *values, const char *folder, bertc_error *err)
{
    char *inner = cli_path_join(folder, "inner");
    bertc_status status = mkdir(inner, 0777) == 0 ? BERTC_OK : BERTC_IO;
    if (status == BERTC_OK) status = cli_file_write(inner, "one", "1", 1, err);
    if (status == BERTC_OK) status = cli_file_write(folder, "two", values, strlen(values), err);
    free(inner);
    return status;
}

static void test_whole_folder(void **state)
{
    (void)state;
    for (int there = 0; there < 2; there++) {
        long tries = 0;
        for (bool reached = true; reached; tries++) {
            bertc_error err = {0};
            struct stat info;
            if (there) assert_int_equal(mkdir("new", 0711), 0);
            operations = 0;
            fail_at = tries + 1;
            bertc_status status = cli_folder_fill(there ? "new" : "new/er/folder", fill, "2", &err);
            reached = operations >= fail_at;
            fail_at = 0;
            bool good = status == (reached ? BERTC_IO : BERTC_OK) && !strstr(err.message, ".bertc-");
            if (reached) good = good && entries(".") == there && (!there || entries("new") == 0);
            else good = good && holds(there ? "new/two" : "new/er/folder/two", "2") && entries(".") == 1;
            if (there) good = good && stat("new", &info) == 0 && (info.st_mode & 07777) == 0711;
            if (!good) fail_msg("operation %ld: status %d, %s", tries + 1, status, err.message);
            if (there && reached) rmdir("new");
        }
        assert_true(tries > 10);
        assert_int_equal(system("rm -r new"), 0);
    }
}

static bertc_status fill_twice(const void *values, const char *folder, bertc_error *err)
{
    assert_int_equal(cli_folder_fill("one", fill, "first", err), BERTC_OK);
    return fill(values, folder, err);
}

/* Two processes at once: the first to end succeeds; the other reports why it failed and leaves no files. */
static void test_two_folders(void **state)
{
    (void)state;
    for (int there = 0; there < 2; there++) {
        bertc_error err = {0};
        if (there) assert_int_equal(mkdir("one", 0777), 0);
        assert_int_equal(cli_folder_fill("one", fill_twice, "second", &err), BERTC_USAGE);
        assert_string_equal(err.message, "one: is not empty, choose another folder");
        assert_true(holds("one/two", "first"));
        assert_int_equal(entries("."), 1);
        assert_int_equal(system("rm -r one"), 0);
    }
}

static bertc_status fill_signalled(const void *values, const char *folder, bertc_error *err)
{
    bertc_status status = fill(values, folder, err);
    kill(getpid(), SIGTERM);
    while (cli_signals_status() == BERTC_OK) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return status;
}

/* A signal takes effect after writing; then the folder and the new folders above it are removed. */
static void test_signal(void **state)
{
    (void)state;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        bertc_error err = {0};
        alarm(60); /* a test that fails leaves no process behind */
        _exit((int)cli_folder_fill("new/folder", fill_signalled, "2", &err));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 143);
    assert_int_equal(entries("."), 0);
}

/* ---- Leftovers of a killed process --------------------------------------------------------- */

/* Start another process that has a temporary for `path`; SIGKILL ends it. */
static pid_t start_other(const char *path, bool is_folder)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        bertc_error err = {0};
        cli_temporary temporary;
        alarm(60); /* a test that fails leaves no process behind */
        if (cli_temporary_create(&temporary, path, is_folder, &err) != BERTC_OK) _exit(1);
        if (is_folder && fill("2", temporary.temporary_path, &err) != BERTC_OK) _exit(1);
        if (__real_write(ready[1], "", 1) != 1) _exit(1);
        for (;;) pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void test_leftovers(void **state)
{
    (void)state;
    for (int is_folder = 0; is_folder < 2; is_folder++) {
        bertc_error err = {0};
        cli_temporary temporary;
        int others = 3;
        put(".a.bertc-1-0.tsv", "not a temporary name");
        put(".a.bertc-x-0", "not a temporary name");
        put("a.bertc-1-0", "not a temporary name");
        pid_t live = start_other("a", is_folder), killed = start_other("a", is_folder),
              other = start_other("b", is_folder);
        kill(killed, SIGKILL);
        waitpid(killed, NULL, 0);
        assert_int_equal(entries("."), others + 3);
        assert_int_equal(cli_temporary_create(&temporary, "a", is_folder, &err), BERTC_OK);
        assert_int_equal(entries("."), others + 3); /* one removed, one created */
        cli_temporary_release(&temporary, &err);
        assert_int_equal(entries("."), others + 2); /* those of the living processes */
        kill(live, SIGKILL);
        kill(other, SIGKILL);
        waitpid(live, NULL, 0);
        waitpid(other, NULL, 0);
        assert_int_equal(cli_temporary_create(&temporary, "a", !is_folder, &err), BERTC_OK);
        cli_temporary_release(&temporary, &err);
        assert_int_equal(entries("."), others + 1); /* that for another target */
        assert_int_equal(system("rm -r .b.bertc-*"), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* first, because its process must not have a signal thread yet */
        cmocka_unit_test_setup_teardown(test_signal, begin, end),
        cmocka_unit_test_setup_teardown(test_streams, begin, end),
        cmocka_unit_test_setup_teardown(test_both_or_none, begin, end),
        cmocka_unit_test_setup_teardown(test_second_name_taken, begin, end),
        cmocka_unit_test_setup_teardown(test_device_fails, begin, end),
        cmocka_unit_test_setup_teardown(test_removal_fails, begin, end),
        cmocka_unit_test_setup_teardown(test_whole_folder, begin, end),
        cmocka_unit_test_setup_teardown(test_two_folders, begin, end),
        cmocka_unit_test_setup_teardown(test_leftovers, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
