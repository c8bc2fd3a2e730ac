/* A run folder with files that do not belong to the run: they are not followed, changed or removed, whenever they
 * appeared. */
#include "jobs_fixture.h"

static char notices[4096];

static void on_notice(void *user, const char *line)
{
    (void)user;
    strncat(notices, line, sizeof notices - strlen(notices) - 1);
    strncat(notices, "\n", sizeof notices - strlen(notices) - 1);
}

static void expect_text(const char *path, const char *text)
{
    size_t length;
    char *found = fixture_read(path, &length, false);
    if (strcmp(found, text) != 0) fail_msg("%s: '%s', not '%s'", path, found, text);
    bc_free(found);
}

static void append(const char *path, const char *text)
{
    FILE *file = fopen(path, "ab");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void copy(const char *from, const char *to)
{
    size_t length;
    char *bytes = fixture_read(from, &length, false);
    assert_int_equal(bc_file_write_in(&bc_working_dir, to, bytes, length, NULL, NULL), BERTC_OK);
    bc_free(bytes);
}

/* List every name below a folder with kind, size, time of change and link target. */
static void list(const char *path, char *out, size_t size)
{
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        char inner[600], target[300] = "";
        struct stat info;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        assert_int_equal(lstat(inner, &info), 0);
        if (S_ISLNK(info.st_mode)) assert_true(readlink(inner, target, sizeof target - 1) > 0);
        size_t used = strlen(out);
        snprintf(out + used, size - used, "%s %o %ld %ld.%ld %s\n", inner, (unsigned)info.st_mode,
                 (long)info.st_size, (long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec, target);
        if (S_ISDIR(info.st_mode)) list(inner, out, size);
    }
    if (dir) closedir(dir);
}

/* The run is refused with this message, if it is not null; the folder and `elsewhere` do not change. */
static void expect_refused(bertc_train_options o, bertc_status status, const char *message)
{
    static char before[16384], after[16384];
    bertc_train_result result;
    bertc_error err = {0};
    before[0] = after[0] = '\0';
    list(o.out, before, sizeof before);
    list("elsewhere", before, sizeof before);
    alarm(60); /* a pipe that blocks the run ends the test */
    assert_int_equal(bertc_finetune(&o, NULL, &result, &err), status);
    alarm(0);
    if (message) assert_string_equal(err.message, message);
    assert_null(strchr(err.message, '\n'));
    list(o.out, after, sizeof after);
    list("elsewhere", after, sizeof after);
    assert_string_equal(after, before);
}

static bertc_train_options unfinished(const char *out)
{
    bertc_train_options o = fixture_options(out);
    fixture_remove(out);
    o.save_every = "2";
    o.eval_every = 2;
    o.keep = BERTC_KEEP_BEST;
    fixture_interrupt(o, 7);
    return o;
}

/* ---- Runs and other content ---------------------------------------------------------------- */

/* A folder without a journal is foreign although it looks like a run: with a log, a checkpoint or a complete model. */
static void test_no_journal(void **unused)
{
    (void)unused;
    static const struct {
        const char *folder, *file, *names;
    } cases[] = {
        {NULL, "theirs/log.jsonl", "log.jsonl"},
        {"theirs/checkpoint", "theirs/checkpoint/step-3.safetensors", "checkpoint/step-3.safetensors"},
        {"theirs/checkpoint", "theirs/checkpoint/notes", "checkpoint/notes"},
        {"theirs/checkpoint", "theirs/checkpoint/lock", "checkpoint/lock"},
        {"theirs/checkpoint", "theirs/checkpoint/journal.jsonl.tmp", "checkpoint/journal.jsonl.tmp"},
        {NULL, "theirs/checkpoint", "checkpoint"},
        {NULL, "theirs/model.safetensors", "model.safetensors"},
    };
    char message[256];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(mkdir("theirs", 0777), 0);
        if (cases[i].folder) assert_int_equal(mkdir(cases[i].folder, 0777), 0);
        fixture_write(cases[i].file, "mine\n");
        snprintf(message, sizeof message, "theirs: holds \"%s\", which is not part of a run; choose another --out",
                 cases[i].names);
        for (int resume = 0; resume < 2; resume++) {
            bertc_train_options o = fixture_options("theirs");
            o.resume = resume;
            expect_refused(o, BERTC_USAGE, message);
        }
        fixture_remove("theirs");
    }
}

static void test_a_finished_run_without_its_record(void **unused)
{
    (void)unused;
    bertc_train_options o = fixture_options("bare");
    fixture_run(o);
    assert_int_equal(unlink("bare/run.json"), 0);
    o.resume = true;
    expect_refused(o, BERTC_USAGE, NULL);
}

/* Each byte of the fingerprint line counts. */
static void test_a_damaged_journal(void **unused)
{
    (void)unused;
    size_t length;
    bertc_train_options o = unfinished("marked");
    o.resume = true;
    char *bytes = fixture_read("marked/checkpoint/journal.jsonl", &length, false);
    size_t line = strcspn(bytes, "\n");
    for (size_t i = 0; i < line; i += 29) {
        bytes[i] ^= 1;
        assert_int_equal(
            bc_file_write_in(&bc_working_dir, "marked/checkpoint/journal.jsonl", bytes, length, NULL, NULL), BERTC_OK);
        expect_refused(o, BERTC_USAGE,
                       "marked/checkpoint/journal.jsonl: damaged, so the files of the run are "
                       "unknown; choose another --out");
        bytes[i] ^= 1;
    }
    assert_int_equal(bc_file_write_in(&bc_working_dir, "marked/checkpoint/journal.jsonl", bytes, line, NULL, NULL),
                     BERTC_OK);
    expect_refused(o, BERTC_USAGE, NULL);
    bc_free(bytes);
}

/* An incomplete last line after a power cut, and a log and a journal that were just begun. */
static void test_a_begun_line(void **unused)
{
    (void)unused;
    bertc_train_options o = unfinished("torn");
    append("torn/checkpoint/journal.jsonl", "{\"writes\":\"step-10.safeten");
    o.resume = true;
    fixture_run(o);
    assert_false(bc_file_exists("torn/checkpoint"));
    fixture_remove("torn");
    /* the first block of a line may be lost: later names still belong to the run */
    o = unfinished("torn");
    FILE *mark = fopen("torn/checkpoint/journal.jsonl", "a");
    static const char zeros[12];
    assert_int_equal(fwrite(zeros, 1, sizeof zeros, mark), sizeof zeros);
    assert_true(fputs("tensors\"}\n", mark) >= 0 && fclose(mark) == 0);
    o.resume = true;
    fixture_interrupt(o, 3);
    fixture_run(o);
    assert_false(bc_file_exists("torn/checkpoint"));
    fixture_remove("torn");
    assert_int_equal(mkdir("torn", 0777) | mkdir("torn/checkpoint", 0777), 0);
    fixture_write("torn/checkpoint/lock", "123\n");
    fixture_write("torn/checkpoint/journal.jsonl.tmp", "{\"format\":\"be");
    fixture_run(o);
    assert_false(bc_file_exists("torn/checkpoint"));
}

/* ---- Files of others ----------------------------------------------------------------------- */

static const char *const theirs[] = {
    "kept/checkpoint/own.tmp",        "kept/checkpoint/step-5.safetensors.bak", "kept/checkpoint/best-3.safetensors",
    "kept/checkpoint/step-1.safetensors", "kept/checkpoint/log.jsonl",          "kept/notes.txt",
    "kept/README.md",
};
enum { THEIRS = sizeof theirs / sizeof *theirs };

static bertc_status leave_files(void *user)
{
    int *left = user;
    if ((*left)-- == 0)
        for (size_t i = 0; i < THEIRS; i++) fixture_write(theirs[i], "mine");
    return BERTC_OK;
}

static void test_their_files_stay(void **unused)
{
    (void)unused;
    bertc_train_options o = unfinished("kept");
    bertc_train_result result;
    int left = 1;
    bertc_observer observer = {.stop = leave_files, .user = &left, .notify = {on_notice, NULL}};
    notices[0] = '\0';
    o.resume = true;
    assert_int_equal(bertc_finetune(&o, &observer, &result, NULL), BERTC_OK);
    for (size_t i = 0; i < THEIRS; i++) expect_text(theirs[i], "mine");
    assert_int_equal(fixture_entries("kept/checkpoint"), 5);
    assert_non_null(strstr(notices, "warning: kept/checkpoint: cannot remove folder: Directory not empty\n"));
    fixture_run(o); /* once more, when the run is finished */
    for (size_t i = 0; i < THEIRS; i++) expect_text(theirs[i], "mine");
}

/* A file with the name of the next checkpoint. */
static void test_a_checkpoints_name_is_taken(void **unused)
{
    (void)unused;
    bertc_train_options o = unfinished("taken");
    o.resume = true;
    for (int temporary = 0; temporary < 2; temporary++) {
        static const char *const names[] = {"taken/checkpoint/step-8.safetensors",
                                            "taken/checkpoint/step-8.safetensors.tmp"};
        const char *name = names[temporary];
        char message[256];
        bertc_train_result result;
        bertc_error err = {0};
        fixture_write(name, "mine");
        snprintf(message, sizeof message, "%s: in the way, this run did not write it; move it elsewhere", name);
        assert_int_equal(bertc_finetune(&o, NULL, &result, &err), BERTC_IO);
        assert_string_equal(err.message, message);
        expect_text(name, "mine");
        assert_int_equal(unlink(name), 0);
    }
    fixture_run(o);
}

typedef struct intrusion {
    int left;
    const char *path;
} intrusion;

static bertc_status intrude(void *user)
{
    intrusion *in = user;
    if (in->left-- == 0) fixture_write(in->path, "mine");
    return BERTC_OK;
}

/* A file with the name of a file of the result appears during the run, or between two processes of it. */
static void test_a_results_name_is_taken(void **unused)
{
    (void)unused;
    static const char *const names[] = {"config.json", "model.safetensors", "vocab.txt", "tokenizer_config.json",
                                        "eval.json", "predictions.dev.jsonl", "run.json"};
    fixture_run(fixture_options("plain"));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64], message[256];
        bertc_train_options o = fixture_options("met");
        bertc_train_result result;
        bertc_error err = {0};
        snprintf(path, sizeof path, "met/%s", names[i]);
        intrusion in = {3, path};
        bertc_observer observer = {.stop = intrude, .user = &in};
        assert_int_equal(bertc_finetune(&o, &observer, &result, &err), BERTC_IO);
        snprintf(message, sizeof message, "%s: in the way, this run did not write it; move it elsewhere; "
                                          "the training is saved, go on with --resume", path);
        assert_string_equal(err.message, message);
        expect_text(path, "mine");
        assert_int_equal(fixture_entries("met"), 3); /* with the log and checkpoint/ */
        o.resume = true;
        if (strcmp(names[i], "run.json") != 0) {
            snprintf(message, sizeof message, "%s: in the way of the result, this run did not write it; move it "
                                              "elsewhere", path);
            assert_int_equal(bertc_finetune(&o, NULL, &result, &(bertc_error){0}), BERTC_USAGE);
        }
        expect_text(path, "mine");
        assert_int_equal(unlink(path), 0);
        fixture_run(o);
        fixture_same_run("plain", "met");
        fixture_remove("met");
    }
}

/* Killed between the files of the result: files that the staged run.json lists belong to the run, others do not. */
static void test_killed_between_its_files(void **unused)
{
    (void)unused;
    static const char *const placed[] = {"config.json", "vocab.txt", "predictions.dev.jsonl"};
    for (int changed = 0; changed < 2; changed++) {
        bertc_train_options o = fixture_options("between");
        fixture_interrupt(o, 4);
        append("between/checkpoint/journal.jsonl", "{\"writes\":\"result\"}\n");
        assert_int_equal(mkdir("between/checkpoint/result", 0777), 0);
        copy("plain/run.json", "between/checkpoint/result/run.json");
        copy("plain/eval.json", "between/checkpoint/result/eval.json");
        for (size_t i = 0; i < sizeof placed / sizeof *placed; i++) {
            char from[64], to[64];
            snprintf(from, sizeof from, "plain/%s", placed[i]);
            snprintf(to, sizeof to, "between/%s", placed[i]);
            copy(from, to);
        }
        o.resume = true;
        if (changed) {
            append("between/vocab.txt", "mine\n");
            bertc_train_result result;
            bertc_error err = {0};
            assert_int_equal(bertc_finetune(&o, NULL, &result, &err), BERTC_USAGE);
            assert_string_equal(err.message, "between/vocab.txt: in the way of the result, this run did not write "
                                             "it; move it elsewhere");
            assert_true(bc_file_exists("between/config.json"));
            assert_int_equal(rename("between/vocab.txt", "mine"), 0);
        }
        fixture_run(o);
        fixture_same_run("plain", "between");
        fixture_remove("between");
    }
}

/* ---- Links, pipes and folders with names of a run's files ---------------------------------- */

static void make_elsewhere(void)
{
    fixture_remove("elsewhere");
    assert_int_equal(mkdir("elsewhere", 0777), 0);
    fixture_write("elsewhere/file", "123\n");
    assert_int_equal(mkdir("elsewhere/folder", 0777), 0);
    fixture_write("elsewhere/folder/step-3.safetensors", "mine");
}

/* Replace `path` by something that is not a regular file. */
static void place(const char *path, int kind)
{
    char target[64];
    static const char *const targets[] = {"file", "folder", "nowhere"};
    fixture_remove(path);
    if (kind == 3) assert_int_equal(mkfifo(path, 0600), 0);
    if (kind == 4) assert_int_equal(mkdir(path, 0777), 0);
    if (kind > 2) return;
    int deep = 0;
    for (const char *p = path; *p; p++) deep += *p == '/';
    snprintf(target, sizeof target, "%s%selsewhere/%s", deep > 1 ? "../" : "", deep > 0 ? "../" : "", targets[kind]);
    assert_int_equal(symlink(target, path), 0);
}

static void test_links_in_a_new_folder(void **unused)
{
    (void)unused;
    static const char *const paths[] = {"new/checkpoint", "new/checkpoint/lock", "new/checkpoint/journal.jsonl",
                                        "new/checkpoint/journal.jsonl.tmp", "new/log.jsonl", "new/run.json"};
    make_elsewhere();
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        for (int kind = 0; kind < 5; kind++) {
            assert_int_equal(mkdir("new", 0777), 0);
            if (strlen(paths[i]) > 15) assert_int_equal(mkdir("new/checkpoint", 0777), 0);
            place(paths[i], kind);
            for (int resume = 0; resume < 2; resume++) {
                bertc_train_options o = fixture_options("new");
                o.resume = resume;
                /* a run that was killed at once leaves an empty checkpoint/ */
                if (i == 0 && kind == 4) continue;
                expect_refused(o, BERTC_USAGE, NULL);
            }
            fixture_remove("new");
        }
}

static void test_links_in_an_unfinished_folder(void **unused)
{
    (void)unused;
    static const char *const paths[] = {"half/checkpoint", "half/checkpoint/lock", "half/checkpoint/journal.jsonl",
                                        "half/log.jsonl", "half/run.json", "half/config.json",
                                        "half/model.safetensors", "half/checkpoint/step-6.safetensors",
                                        "half/checkpoint/best-2.safetensors", "half/checkpoint/result"};
    make_elsewhere();
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        for (int kind = 0; kind < 5; kind++) {
            bertc_train_options o = unfinished("half");
            bertc_train_result result;
            bertc_error err = {0};
            char before[4096] = "", after[4096] = "";
            place(paths[i], kind);
            o.resume = true;
            list("elsewhere", before, sizeof before);
            alarm(60);
            bertc_status status = bertc_finetune(&o, NULL, &result, &err);
            alarm(0);
            if (status != BERTC_USAGE && status != BERTC_IO)
                fail_msg("%s, kind %d: %d %s", paths[i], kind, status, err.message);
            list("elsewhere", after, sizeof after);
            assert_string_equal(after, before);
            struct stat info;
            assert_int_equal(lstat(paths[i], &info), 0);
            assert_false(S_ISREG(info.st_mode));
            fixture_remove("half");
        }
}

/* Nothing is written to a folder that is replaced by a link during the run. */
typedef struct swap {
    int left;
    const char *path, *aside;
} swap;

static bertc_status replace(void *user)
{
    swap *s = user;
    if (s->left-- != 0) return BERTC_OK;
    assert_int_equal(rename(s->path, s->aside), 0);
    assert_int_equal(symlink("../elsewhere/folder", s->path), 0);
    return BERTC_OK;
}

static void test_a_folder_is_swapped(void **unused)
{
    (void)unused;
    char before[4096] = "", after[4096] = "";
    bertc_train_options o = fixture_options("swapped");
    bertc_train_result result;
    make_elsewhere();
    swap s = {3, "swapped/checkpoint", "swapped/aside"};
    bertc_observer observer = {.stop = replace, .user = &s};
    o.save_every = "2";
    list("elsewhere", before, sizeof before);
    bertc_finetune(&o, &observer, &result, NULL);
    list("elsewhere", after, sizeof after);
    assert_string_equal(after, before);
    expect_text("elsewhere/folder/step-3.safetensors", "mine");
    fixture_remove("swapped");
}

/* --out itself may be a link to a folder. */
static void test_out_is_a_link(void **unused)
{
    (void)unused;
    assert_int_equal(mkdir("real", 0777), 0);
    assert_int_equal(symlink("real", "linked"), 0);
    fixture_run(fixture_options("linked"));
    fixture_same_run("plain", "real");
    struct stat info;
    assert_int_equal(lstat("linked", &info), 0);
    assert_true(S_ISLNK(info.st_mode));
}

/* ---- Models of unfinished runs ------------------------------------------------------------- */

static void test_an_unfinished_run_is_no_model(void **unused)
{
    (void)unused;
    static const char text[] = "a film\n";
    bertc_train_options o = unfinished("begun");
    bertc_predict_options p = {.task = "sst2", .model = "begun", .text = text, .text_length = sizeof text - 1,
                               .batch_size = 2, .backend = 2, .threads = 1};
    bertc_predictions predictions;
    bertc_model *model;
    const bertc_model_options how = {.backend = "reference", .threads = 1};
    const char *const files[] = {"config.json", "model.safetensors", "vocab.txt", "tokenizer_config.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char from[64], to[64];
        snprintf(from, sizeof from, "plain/%s", files[i]);
        snprintf(to, sizeof to, "begun/%s", files[i]);
        copy(from, to);
    }
    bertc_error err = {0};
    assert_int_equal(bertc_predict(&p, false, NULL, &predictions, &err), BERTC_INPUT);
    assert_string_equal(err.message, "begun: the model of an unfinished run; finish the run first "
                                     "(finetune --resume)");
    assert_int_equal(bertc_model_load("begun", &how, &model, NULL), BERTC_INPUT);
    assert_int_equal(mkdir("begun/sst2", 0777), 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char from[64], to[64];
        snprintf(from, sizeof from, "begun/%s", files[i]);
        snprintf(to, sizeof to, "begun/sst2/%s", files[i]);
        assert_int_equal(rename(from, to), 0);
    }
    p.model = "begun/sst2";
    err = (bertc_error){0};
    assert_int_equal(bertc_predict(&p, false, NULL, &predictions, &err), BERTC_INPUT);
    assert_string_equal(err.message, "begun/sst2: the model of an unfinished task of a run; finish the run "
                                     "first (finetune --resume)");
    copy("plain/run.json", "begun/sst2/run.json"); /* a finished run in that folder */
    err = (bertc_error){0};
    if (bertc_predict(&p, false, NULL, &predictions, &err) != BERTC_OK) fail_msg("%s", err.message);
    bertc_predictions_clear(&predictions);
    (void)o;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_journal),
        cmocka_unit_test(test_a_finished_run_without_its_record),
        cmocka_unit_test(test_a_damaged_journal),
        cmocka_unit_test(test_a_begun_line),
        cmocka_unit_test(test_their_files_stay),
        cmocka_unit_test(test_a_checkpoints_name_is_taken),
        cmocka_unit_test(test_a_results_name_is_taken),
        cmocka_unit_test(test_killed_between_its_files),
        cmocka_unit_test(test_links_in_a_new_folder),
        cmocka_unit_test(test_links_in_an_unfinished_folder),
        cmocka_unit_test(test_a_folder_is_swapped),
        cmocka_unit_test(test_out_is_a_link),
        cmocka_unit_test(test_an_unfinished_run_is_no_model),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
