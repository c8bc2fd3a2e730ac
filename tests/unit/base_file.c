/* Files are never half-written: each test forces a failure and then checks the folder. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/writer.h"
#include "unit/exists.h"

static char folder[64];

static char *in_folder(const char *name)
{
    char *path = bc_path_join(folder, name);
    assert_non_null(path);
    return path;
}

static int enter(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "base_file.XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

/* Count the names in the folder, without "." and "..". */
static int entries(void)
{
    int count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) count += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(dir);
    return count;
}

static int leave(void **state)
{
    (void)state;
    DIR *dir = opendir(folder);
    if (!dir) return -1;
    for (struct dirent *e; (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            char *path = in_folder(e->d_name);
            remove(path);
            bc_free(path);
        }
    closedir(dir);
    return rmdir(folder);
}

static void expect_content(const char *path, const char *content)
{
    char *text;
    size_t length;
    bertc_error err = {0};
    assert_int_equal(bc_file_read(path, BC_FILE_WORDS, &text, &length, &err), BERTC_OK);
    assert_int_equal(length, strlen(content));
    assert_string_equal(text, content);
    bc_free(text);
}

static bertc_status write_file(const char *path, const char *bytes, size_t length, bertc_error *err)
{
    bc_writer writer;
    bertc_status status = bc_writer_open(&writer, path, err);
    if (status != BERTC_OK) return status;
    bc_writer_put(&writer, bytes, length);
    return bc_writer_commit(&writer, err);
}

static void test_round_trip(void **state)
{
    (void)state;
    char *path = in_folder("a");
    bertc_error err = {0};
    bc_input input;
    char bytes[4];
    assert_int_equal(write_file(path, "", 0, &err), BERTC_OK);
    expect_content(path, "");
    assert_int_equal(bc_input_open(path, &input, &err), BERTC_OK);
    assert_int_equal(input.size, 0);
    assert_int_equal(bc_input_read(&input, bytes, 0, 0, &err), BERTC_OK);
    bc_input_close(&input);
    assert_int_equal(write_file(path, "one\n", 4, &err), BERTC_OK);
    expect_content(path, "one\n");
    assert_int_equal(bc_input_open(path, &input, &err), BERTC_OK);
    assert_int_equal(input.size, 4);
    assert_int_equal(bc_input_read(&input, bytes, 3, 1, &err), BERTC_OK);
    assert_memory_equal(bytes, "ne\n", 3);
    assert_int_equal(bc_input_read(&input, bytes, 4, 1, NULL), BERTC_IO);
    bc_input_close(&input);
    assert_int_equal(entries(), 1);
    bc_free(path);
}

/* Writing to the path of a descriptor continues at its offset. */
static void test_own_descriptor(void **state)
{
    (void)state;
    char *path = in_folder("open"), own[32];
    int fd = open(path, O_WRONLY | O_CREAT, 0666);
    assert_true(fd >= 0);
    snprintf(own, sizeof own, "/dev/fd/%d", fd);
    assert_int_equal(write(fd, "head ", 5), 5);
    assert_int_equal(write_file(own, "text", 4, NULL), BERTC_OK);
    assert_int_equal(write(fd, " tail", 5), 5);
    assert_int_equal(close(fd), 0);
    expect_content(path, "head text tail");
    assert_int_equal(write_file(own, "text", 4, NULL), BERTC_IO);
    assert_int_equal(entries(), 1);
    bc_free(path);
}

/* Pieces of lengths around the buffer's size, compared with a copy in memory. */
static void test_pieces(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 65535, 1, 65536, 65537, 0, 7, 131072, 65529, 65536, 3};
    char *path = in_folder("pieces"), *text;
    bc_text kept = {0};
    bc_writer writer;
    bertc_error err = {0};
    assert_int_equal(bc_writer_open(&writer, path, &err), BERTC_OK);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *piece = bc_alloc(sizes[i], 1);
        memset(piece, (int)('a' + i), sizes[i]);
        bc_writer_put(&writer, piece, sizes[i]);
        bc_text_put(&kept, piece, sizes[i]);
        bc_free(piece);
        bc_writer_printf(&writer, "%zu,%0600d\n", i, 7);
        bc_text_printf(&kept, "%zu,%0600d\n", i, 7);
    }
    assert_int_equal(bc_writer_commit(&writer, &err), BERTC_OK);
    size_t length;
    assert_int_equal(bc_file_read(path, BC_FILE_WORDS, &text, &length, &err), BERTC_OK);
    assert_int_equal(length, kept.length);
    assert_memory_equal(text, kept.bytes, length);
    bc_free(text);
    bc_text_clear(&kept);
    bc_free(path);
}

static void test_abandon(void **state)
{
    (void)state;
    char *path = in_folder("a");
    bc_writer writer;
    bertc_error err = {0};
    assert_int_equal(write_file(path, "old", 3, &err), BERTC_OK);
    assert_int_equal(bc_writer_open(&writer, path, &err), BERTC_OK);
    bc_writer_put(&writer, "new", 3);
    assert_int_equal(entries(), 2);
    bc_writer_abandon(&writer);
    bc_writer_abandon(&writer);
    assert_int_equal(entries(), 1);
    expect_content(path, "old");
    bc_free(path);
}

/* With a limit on the size of files, writing a larger file fails and the old file stays. */
static void test_limit(void **state)
{
    (void)state;
    enum { SIZE = 200000 };
    static const rlim_t limits[] = {0, 1, 65536, 100000, SIZE - 1};
    char *path = in_folder("a"), *big = bc_calloc(SIZE, 1), expected[256];
    bertc_error err = {0};
    struct rlimit before, now;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(write_file(path, "old", 3, &err), BERTC_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    snprintf(expected, sizeof expected, "%s: cannot write: File too large", path);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        err = (bertc_error){0};
        now = (struct rlimit){limits[i], before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
        bertc_status status = write_file(path, big, SIZE, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(status, BERTC_IO);
        assert_string_equal(err.message, expected);
        assert_int_equal(entries(), 1);
        expect_content(path, "old");
    }
    assert_int_equal(write_file(path, big, SIZE, NULL), BERTC_OK);
    bc_free(big);
    bc_free(path);
}

/* A device is written to, not replaced. The test uses a link to it, so that faulty code would replace the link and not
 * the system's device. */
static void test_full_device(void **state)
{
    (void)state;
    char *path = in_folder("full"), expected[256];
    struct stat info;
    bertc_error err = {0};
    if (access("/dev/full", W_OK) != 0) skip();
    assert_int_equal(symlink("/dev/full", path), 0);
    assert_int_equal(write_file(path, "text", 4, &err), BERTC_IO);
    snprintf(expected, sizeof expected, "%s: cannot write: No space left on device", path);
    assert_string_equal(err.message, expected);
    assert_int_equal(lstat(path, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(write_file(path, "text", 4, NULL), BERTC_OK);
    assert_int_equal(lstat(path, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(entries(), 1);
    bc_free(path);
}

/* A foreign write to the temporary file is detected by its size. */
static void test_size_checked(void **state)
{
    (void)state;
    char *path = in_folder("a"), expected[256];
    bc_writer writer;
    bertc_error err = {0};
    assert_int_equal(bc_writer_open(&writer, path, &err), BERTC_OK);
    bc_writer_put(&writer, "text", 4);
    assert_int_equal(ftruncate(writer.fd, 100), 0);
    assert_int_equal(bc_writer_commit(&writer, &err), BERTC_IO);
    snprintf(expected, sizeof expected, "%s: size differs from what was written: Input/output error", path);
    assert_string_equal(err.message, expected);
    assert_int_equal(entries(), 0);
    bc_free(path);
}

static void test_links(void **state)
{
    (void)state;
    char *path = in_folder("link"), *target = in_folder("target"), *other = in_folder("link.tmp");
    struct stat info;
    assert_int_equal(write_file(target, "old", 3, NULL), BERTC_OK);
    assert_int_equal(symlink("target", path), 0);
    assert_int_equal(write_file(path, "new", 3, NULL), BERTC_OK);
    expect_content(target, "old");
    expect_content(path, "new");
    assert_int_equal(lstat(path, &info), 0);
    assert_true(S_ISREG(info.st_mode));
    /* a link with the temporary name is not followed */
    assert_int_equal(symlink("target", other), 0);
    assert_int_equal(write_file(path, "more", 4, NULL), BERTC_IO);
    expect_content(target, "old");
    bc_free(path);
    bc_free(target);
    bc_free(other);
}

static void test_messages(void **state)
{
    (void)state;
    char *text, *pipe = in_folder("pipe");
    size_t length;
    bc_input input;
    bertc_error err = {0};
    assert_int_equal(bc_file_read("no/such", BC_FILE_WORDS, &text, &length, &err), BERTC_INPUT);
    assert_string_equal(err.message, "no/such: cannot open: No such file or directory");
    assert_int_equal(bc_input_open(".", &input, &err), BERTC_INPUT);
    assert_string_equal(err.message, "no/such: cannot open: No such file or directory");
    err = (bertc_error){0};
    assert_int_equal(bc_input_open(".", &input, &err), BERTC_INPUT);
    assert_string_equal(err.message, ".: not a regular file");
    err = (bertc_error){0};
    assert_int_equal(write_file("no/such", "", 0, &err), BERTC_IO);
    assert_string_equal(err.message, "no/such: cannot create: No such file or directory");
    err = (bertc_error){0};
    assert_int_equal(write_file(".", "", 0, &err), BERTC_IO);
    assert_string_equal(err.message, ".: cannot create: Is a directory");
    err = (bertc_error){0};
    assert_int_equal(mkfifo(pipe, 0600), 0); /* refused without waiting */
    assert_int_equal(bc_file_read(pipe, BC_FILE_WORDS, &text, &length, &err), BERTC_INPUT);
    bc_free(pipe);
}

/* Different content of the same size, as after a faulty write, is detected. */
static void test_content_checked(void **state)
{
    (void)state;
    enum { SIZE = 300000 };
    static const off_t places[] = {0, SIZE / 2, SIZE - 1};
    static char bytes[SIZE];
    char *path = in_folder("a"), *temporary = in_folder("a.tmp");
    assert_int_equal(write_file(path, "old", 3, NULL), BERTC_OK);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        bc_writer writer;
        bertc_error err = {0};
        assert_int_equal(bc_writer_open(&writer, path, &err), BERTC_OK);
        bc_writer_put(&writer, bytes, SIZE); /* more than the buffer holds, so they reach the file now */
        int fd = open(temporary, O_WRONLY);
        assert_int_equal(pwrite(fd, "x", 1, places[i]), 1);
        assert_int_equal(close(fd), 0);
        assert_int_equal(bc_writer_commit(&writer, &err), BERTC_IO);
        assert_non_null(strstr(err.message, "/a: content differs from what was written"));
        expect_content(path, "old");
        assert_int_equal(entries(), 1);
    }
    bc_free(path);
    bc_free(temporary);
}

/* Each written file, also a copy, has one entry with its size and hash. */
static void test_file_hashes(void **state)
{
    (void)state;
    bc_file_hashes hashes = {0};
    char *a = in_folder("a"), *b = in_folder("b"), hash[BC_HASH_HEX];
    size_t length;
    assert_int_equal(bc_file_write_in(&bc_working_dir, a, "first", 5, &hashes, NULL), BERTC_OK);
    assert_int_equal(bc_file_write_in(&bc_working_dir, a, "second", 6, &hashes, NULL), BERTC_OK);
    assert_int_equal(bc_file_copy(a, &bc_working_dir, b, &hashes, NULL), BERTC_OK);
    expect_content(b, "second");
    assert_int_equal(hashes.count, 2);
    assert_int_equal(bc_hash_file(hash, &length, a, NULL), BERTC_OK);
    for (int i = 0; i < 2; i++) {
        const bc_file_hash *file = bc_file_hashes_find(&hashes, i ? b : a);
        assert_non_null(file);
        assert_int_equal(file->bytes, 6);
        assert_string_equal(file->hash, hash);
    }
    assert_null(bc_file_hashes_find(&hashes, "a"));
    bc_file_hashes_clear(&hashes);
    assert_int_equal(bc_file_copy("no/such", &bc_working_dir, b, NULL, NULL), BERTC_INPUT);
    expect_content(b, "second");
    bc_free(a);
    bc_free(b);
}

/* A file that is longer than its kind may be is refused by its size. */
static void test_too_long(void **state)
{
    (void)state;
    static const struct {
        bc_file_kind kind;
        long max;
        const char *name;
    } rows[] = {{BC_FILE_SETTINGS, 64 << 20, "a JSON settings file"},
                {BC_FILE_TOKENIZER, 256 << 20, "a tokenizer.json"},
                {BC_FILE_WORDS, 256 << 20, "a vocabulary or list"}};
    char *path = in_folder("long"), *text, expected[200];
    size_t length;
    assert_int_equal(write_file(path, "", 0, NULL), BERTC_OK);
    for (int i = 0; i < BC_FILE_KINDS; i++) {
        bertc_error err = {0};
        if (i == 0) { /* the smallest maximum */
            assert_int_equal(truncate(path, rows[i].max), 0);
            assert_int_equal(bc_file_read(path, rows[i].kind, &text, &length, &err), BERTC_OK);
            assert_int_equal(length, rows[i].max);
            bc_free(text);
        }
        assert_int_equal(truncate(path, rows[i].max + 1), 0);
        assert_int_equal(bc_file_read(path, rows[i].kind, &text, &length, &err), BERTC_INPUT);
        snprintf(expected, sizeof expected, "%s: %ld bytes, %s may have at most %ld", path, rows[i].max + 1,
                 rows[i].name, rows[i].max);
        assert_string_equal(err.message, expected);
    }
    bc_free(path);
}

/* Expect the result of bc_file_find: "" for an absent file, "found", or a part of the message. */
static void expect_find(const char *path, const char *expected, bertc_status code)
{
    bool found = true;
    bertc_error err = {0};
    bertc_status status = bc_file_find(path, &found, &err);
    if (status != code) fail_msg("%s: status %d, %s", path, (int)status, err.message);
    if (status != BERTC_OK) assert_non_null(strstr(err.message, expected));
    else assert_string_equal(found ? "found" : "", expected);
}

/* Only a free name counts as absent: a dangling link and an unreadable folder are errors. */
static void test_find(void **state)
{
    (void)state;
    enum { NAMES = 10 };
    static const char *const names[NAMES] = {"file", "link", "there", "dangling", "loop",
                                             "pipe", "file/x", "dangling/x", "there/x", "sub/x"};
    char *path[NAMES], *sub = in_folder("sub"), too_long[5000] = "";
    for (int i = 0; i < NAMES; i++) path[i] = in_folder(names[i]);
    memset(too_long, 'a', sizeof too_long - 1);
    expect_find(path[0], "", BERTC_OK);
    expect_find(path[9], "", BERTC_OK); /* its folder is absent too */
    assert_int_equal(write_file(path[0], "text", 4, NULL), BERTC_OK);
    assert_int_equal(mkdir(sub, 0777), 0);
    assert_int_equal(symlink("file", path[1]), 0);
    assert_int_equal(symlink("sub", path[2]), 0);
    assert_int_equal(symlink("nowhere", path[3]), 0);
    assert_int_equal(symlink("loop", path[4]), 0);
    assert_int_equal(mkfifo(path[5], 0600), 0);
    expect_find(path[0], "found", BERTC_OK);
    expect_find(path[1], "found", BERTC_OK);
    expect_find(path[2], "/there: not a regular file", BERTC_INPUT);
    expect_find(path[3], "/dangling: a link to \"nowhere\", which does not exist", BERTC_INPUT);
    expect_find(path[4], "/loop: cannot open: Too many levels of symbolic links", BERTC_IO);
    expect_find(path[5], "/pipe: not a regular file", BERTC_INPUT);
    expect_find(path[6], "/file/x: cannot open: Not a directory", BERTC_INPUT);
    expect_find(path[7], "/dangling: a link to \"nowhere\", which does not exist", BERTC_INPUT);
    expect_find(path[8], "", BERTC_OK); /* absent in a linked folder */
    expect_find(path[9], "", BERTC_OK);
    expect_find(too_long, ": cannot open: File name too long", BERTC_IO);
    if (geteuid() != 0) { /* root may read any folder */
        assert_int_equal(chmod(sub, 0), 0);
        expect_find(path[9], "/sub/x: cannot open: Permission denied", BERTC_IO);
    }
    for (int i = 0; i < NAMES; i++) bc_free(path[i]);
    bc_free(sub);
}

static void test_folders(void **state)
{
    (void)state;
    char *deep = in_folder("x//y/"), *file = in_folder("f"), *below = in_folder("f/g");
    char expected[256];
    bertc_error err = {0};
    assert_int_equal(bc_folder_create(deep, &err), BERTC_OK);
    assert_int_equal(bc_folder_create(deep, &err), BERTC_OK);
    assert_int_equal(bc_folder_create("/", &err), BERTC_OK);
    assert_true(bc_folder_exists(deep));
    assert_int_equal(write_file(file, "", 0, &err), BERTC_OK);
    assert_false(bc_folder_exists(file));
    assert_true(bc_file_exists(file));
    snprintf(expected, sizeof expected, "%s: cannot create folder: File exists", file);
    assert_int_equal(bc_folder_create(file, &err), BERTC_IO);
    assert_string_equal(err.message, expected);
    assert_int_equal(bc_folder_create(below, NULL), BERTC_IO);
    assert_int_equal(bc_folder_create("", NULL), BERTC_IO);
    assert_int_equal(remove(deep), 0);
    bc_free(deep);
    bc_free(file);
    bc_free(below);
}

static void test_join(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"a//", "b", "a/b"}, {"/", "b", "/b"}, {"", "b", "b"}, {".", "b", "./b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = bc_path_join(cases[i][0], cases[i][1]);
        assert_string_equal(path, cases[i][2]);
        bc_free(path);
    }
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter, leave)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_round_trip),  IN_FOLDER(test_pieces),   IN_FOLDER(test_abandon),
        IN_FOLDER(test_limit),       IN_FOLDER(test_links),    IN_FOLDER(test_size_checked),
        IN_FOLDER(test_messages),    IN_FOLDER(test_folders),  IN_FOLDER(test_full_device),
        cmocka_unit_test(test_join), IN_FOLDER(test_find),     IN_FOLDER(test_content_checked),
        IN_FOLDER(test_file_hashes), IN_FOLDER(test_too_long), IN_FOLDER(test_own_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
