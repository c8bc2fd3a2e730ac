/* Checkpoints are valid or refused; the state that they hold; the lock of a run folder. */
#include "jobs_fixture.h"

#include <fcntl.h>
#include <math.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "nn/model_load.h"
#include "run/folder.h"
#include "run/hashed_file.h"
#include "run/state.h"

static const float weights[] = {1, -2, 3.5f, NAN, 0, 1e-30f, 7};
static const char *const texts[] = {"format", "test", "state", "{\"step\":12}", NULL};

static void write_hashed_file(const char *path)
{
    const bc_hashed_tensor blocks[] = {{"weights", weights, 7}, {"m", weights, 2}};
    bertc_error err = {0};
    if (bc_hashed_file_write(&bc_working_dir, path, blocks, 2, texts, &err) != BERTC_OK) fail_msg("%s", err.message);
}

static void put(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void test_a_hashed_file_reads_back(void **unused)
{
    (void)unused;
    bc_weights file;
    bertc_error err = {0};
    float out[7];
    write_hashed_file("hashed");
    assert_int_equal(bc_hashed_file_open("hashed", &file, &err), BERTC_OK);
    assert_string_equal(bc_safetensors_metadata(&file, "state"), "{\"step\":12}");
    assert_int_equal(bc_hashed_file_copy(&file, "weights", out, 7, &err), BERTC_OK);
    assert_memory_equal(out, weights, sizeof out);
    assert_int_equal(bc_hashed_file_copy(&file, "m", out, 7, &err), BERTC_INPUT);
    assert_string_equal(err.message, "hashed: no tensor \"m\" of 7 values");
    bc_weights_close(&file);
}

/* The layout in docs/run-folder.md: tensors, and the keys of the metadata. */
static void test_layout(void **unused)
{
    (void)unused;
    static const char *const keys[] = {"format", "state", "options", "prints", "log", "xxh3"};
    bertc_train_options o = fixture_options("layout");
    o.freeze = "1";
    bc_weights file;
    fixture_interrupt(o, 4);
    assert_int_equal(bc_hashed_file_open("layout/checkpoint/step-4.safetensors", &file, NULL), BERTC_OK);
    const bc_tensor *all = bc_weights_find(&file, "weights"), *m = bc_weights_find(&file, "m");
    const bc_tensor *v = bc_weights_find(&file, "v");
    assert_int_equal(file.count, 3);
    assert_true(all && m && v && all->rank == 1 && m->rank == 1 && m->count == v->count && m->count < all->count);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) assert_non_null(bc_safetensors_metadata(&file, keys[i]));
    assert_string_equal(bc_safetensors_metadata(&file, "format"), "bertc-checkpoint-1");
    bc_weights_close(&file);
    fixture_remove("layout");
}

static void cut(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, info.st_size / 2), 0);
}

/* A checkpoint or a model's weights may become shorter, or be written to, after the header is read and before the
 * values are read. That is an error that names the file, and no signal. */
static void test_files_that_change_while_they_are_read(void **unused)
{
    (void)unused;
    enum { COUNT = 1 << 20 };
    static float many[COUNT], out[COUNT];
    const bc_hashed_tensor block = {"weights", many, COUNT};
    bc_weights file;
    bertc_error err = {0};
    assert_int_equal(bc_hashed_file_write(&bc_working_dir, "hashed", &block, 1, texts, &err), BERTC_OK);
    assert_int_equal(bc_hashed_file_open("hashed", &file, &err), BERTC_OK);
    cut("hashed");
    assert_int_equal(bc_hashed_file_copy(&file, "weights", out, COUNT, &err), BERTC_IO);
    assert_string_equal(err.message, "hashed: file shrank while it was read");
    bc_weights_close(&file);
    static const char *const messages[] = {"model/model.safetensors: file shrank while it was read",
                                           "model/model.safetensors: file changed while it was read"};
    for (int i = 0; i < 2; i++) {
        const bertc_model_options options = {.backend = "reference", .threads = 2, .encoder_only = true};
        const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
        bertc_model *model;
        err = (bertc_error){0};
        fixture_remove("model");
        fixture_model("model");
        assert_int_equal(bc_model_open("model", &options, &model, &err), BERTC_OK);
        if (i == 0) cut("model/model.safetensors");
        else assert_int_equal(utimensat(AT_FDCWD, "model/model.safetensors", times, 0), 0);
        assert_int_equal(bc_model_read(model, &options, &err), BERTC_IO);
        assert_string_equal(err.message, messages[i]);
        bertc_model_free(model);
    }
    fixture_remove("model");
    fixture_model("model");
}

/* Every byte of a small file is changed in three ways: all bits, one bit, and to another kind of blank. */
static void test_every_flipped_byte_is_seen(void **unused)
{
    (void)unused;
    static const char flips[] = {(char)0xff, 1, 0x20 ^ '\n', 0x20 ^ '\t', 0x20};
    size_t length;
    write_hashed_file("hashed");
    char *bytes = fixture_read("hashed", &length, false);
    for (size_t i = 0; i < length; i++)
        for (size_t f = 0; f < sizeof flips; f++) {
            bc_weights file;
            bytes[i] ^= flips[f];
            put("flipped", bytes, length);
            bytes[i] ^= flips[f];
            if (bc_hashed_file_open("flipped", &file, NULL) != BERTC_INPUT)
                fail_msg("byte %zu of %zu changed by 0x%02x was not seen", i, length, (unsigned char)flips[f]);
        }
    bc_free(bytes);
}

static void test_every_truncation_is_seen(void **unused)
{
    (void)unused;
    size_t length;
    write_hashed_file("hashed");
    char *bytes = fixture_read("hashed", &length, false);
    for (size_t n = 0; n < length; n++) {
        bc_weights file;
        put("short", bytes, n);
        assert_int_equal(bc_hashed_file_open("short", &file, NULL), BERTC_INPUT);
    }
    bc_free(bytes);
}

/* ---- State --------------------------------------------------------------------------------- */

/* Metrics beyond the first five are recorded if they are in the set. */
static void expect_back(int tasks)
{
    const uint32_t metrics = 1u << BERTC_AUC | 1u << BERTC_R2;
    bc_state in = {.step = 123456789012, .evaluated = 5, .tokens = 7, .log_bytes = 8, .loss_sum = 0.1 + 0.2};
    bc_task_state *task = &in.task[tasks - 1];
    in.tasks = tasks;
    *task = (bc_task_state){.best_step = 4, .splits = 2, .first_loss = 0.7, .loss = 1.0 / 7, .best_loss = 0.1};
    task->last[1] = (bertc_scores){.value = {0.1, 1.0 / 3, -0.5, NAN, 1e-300}, .value[BERTC_LOSS] = 3, .examples = 9};
    task->best[0] = (bertc_scores){.value = {1, 2, 3, 4, 5}, .value[BERTC_LOSS] = NAN, .examples = 10,
                                   .same_prediction = 2};
    task->last[0].value[BERTC_MAE] = 5; /* not in the set */
    task->last[1].value[BERTC_AUC] = 1.0 / 7;
    task->best[0].value[BERTC_R2] = -3e-5;
    bc_text text = {0};
    bc_state out;
    bertc_error err = {0};
    bc_state_record(&text, &in, metrics);
    assert_int_equal(bc_state_parse(text.bytes, "state", &out, &err), BERTC_OK);
    bc_task_state *back = &out.task[tasks - 1];
    assert_true(isnan(back->last[1].value[3]) && isnan(back->best[0].value[BERTC_LOSS]));
    back->last[1].value[3] = task->last[1].value[3];
    back->best[0].value[BERTC_LOSS] = task->best[0].value[BERTC_LOSS];
    for (int m = BERTC_SPEARMAN + 1; m < BERTC_LOSS; m++)
        for (int s = 0; s < 4 && m != BERTC_AUC && m != BERTC_R2; s++) {
            double *value = s < 2 ? &back->last[s].value[m] : &back->best[s - 2].value[m];
            assert_true(isnan(*value));
            *value = s < 2 ? task->last[s].value[m] : task->best[s - 2].value[m];
        }
    assert_memory_equal(&in, &out, sizeof in);
    bc_text_clear(&text);
}

static void test_a_state_reads_back_to_the_bit(void **unused)
{
    (void)unused;
    bc_state out;
    bertc_error err = {0};
    expect_back(1);
    expect_back(2);
    expect_back(BERTC_MAX_TASKS);
    static const char *const bad[] = {"{\"step\":-1}", "{\"splits\":1,\"last\":[{}],\"best\":[]}",
                                      "{\"splits\":1}", "{\"splits\":9}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(bc_state_parse(bad[i], "state", &out, &err), BERTC_INPUT);
}

/* ---- The folder ---------------------------------------------------------------------------- */

static bertc_status open_folder(bc_folder *folder, const char *path, bool resume, bertc_error *err)
{
    bool finished;
    *err = (bertc_error){0};
    return bc_folder_open(folder, path, resume, &finished, err);
}

static void test_an_unused_folder_leaves_no_trace(void **unused)
{
    (void)unused;
    bc_folder folder;
    bertc_error err;
    assert_int_equal(open_folder(&folder, "deep/down/run/", false, &err), BERTC_OK);
    assert_true(bc_file_exists("deep/down/run/checkpoint/lock"));
    bc_folder_close(&folder);
    assert_false(bc_file_exists("deep"));
    assert_int_equal(mkdir("empty", 0777), 0);
    assert_int_equal(open_folder(&folder, "empty", false, &err), BERTC_OK);
    bc_folder_close(&folder);
    assert_int_equal(fixture_entries("empty"), 0);
    assert_true(bc_file_exists("empty"));
}

static void test_the_loser_names_the_holder(void **unused)
{
    (void)unused;
    bc_folder first, second;
    bertc_error err;
    char want[128];
    assert_int_equal(open_folder(&first, "shared", false, &err), BERTC_OK);
    for (int resume = 0; resume < 2; resume++) {
        assert_int_equal(open_folder(&second, "shared", resume, &err), BERTC_LOCKED);
        snprintf(want, sizeof want, "shared: locked by another run, process %ld", (long)getpid());
        assert_string_equal(err.message, want);
        bc_folder_close(&second);
        assert_true(bc_file_exists("shared/checkpoint/lock"));
    }
    bc_folder_close(&first);
    assert_int_equal(open_folder(&second, "shared", false, &err), BERTC_OK);
    bc_folder_close(&second);
    assert_false(bc_file_exists("shared"));
}

/* A process that dies leaves its lock file, but not its lock. */
static void test_a_dead_holder_holds_nothing(void **unused)
{
    (void)unused;
    bc_folder folder;
    bertc_error err;
    pid_t child = fork();
    if (child == 0) _exit(open_folder(&folder, "orphan", false, &err) == BERTC_OK ? 9 : 1);
    int code;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(WEXITSTATUS(code), 9);
    assert_true(bc_file_exists("orphan/checkpoint/lock"));
    assert_int_equal(open_folder(&folder, "orphan", false, &err), BERTC_OK);
    bc_folder_close(&folder);
    assert_int_equal(fixture_entries("orphan"), 0);
}

static void refuse(const char *path, bool resume, bertc_status status, const char *message)
{
    bc_folder folder;
    bertc_error err;
    assert_int_equal(open_folder(&folder, path, resume, &err), status);
    assert_string_equal(err.message, message);
    bc_folder_close(&folder);
}

static void test_what_must_not_be_overwritten(void **unused)
{
    (void)unused;
    assert_int_equal(mkdir("foreign", 0777), 0);
    fixture_write("foreign/notes.txt", "mine");
    refuse("foreign", false, BERTC_USAGE,
           "foreign: holds \"notes.txt\", which is not part of a run; choose another --out");
    refuse("foreign", true, BERTC_USAGE,
           "foreign: holds \"notes.txt\", which is not part of a run; choose another --out");
    assert_int_equal(fixture_entries("foreign"), 1);
    fixture_write("foreign/log.jsonl", "");
    assert_int_equal(unlink("foreign/notes.txt"), 0);
    for (int resume = 0; resume < 2; resume++) /* nothing proves that it belongs to a run */
        refuse("foreign", resume, BERTC_USAGE,
               "foreign: holds \"log.jsonl\", which is not part of a run; choose another --out");
    fixture_write("foreign/run.json", "{}");
    refuse("foreign", false, BERTC_USAGE,
           "foreign: holds a finished run; choose another --out, or --resume for its result");
    assert_int_equal(fixture_entries("foreign"), 2);
    fixture_write("file", "");
    refuse("file", false, BERTC_IO, "file: cannot be a folder, a file is in the way");
    refuse("file/run", false, BERTC_IO, "file/run: cannot be a folder, a file is in the way");
    refuse("/proc/run", false, BERTC_IO, "/proc/run: cannot create folder: No such file or directory");
}

static void test_space_is_checked(void **unused)
{
    (void)unused;
    bc_folder folder;
    bertc_error err;
    assert_int_equal(open_folder(&folder, "full", false, &err), BERTC_OK);
    assert_int_equal(bc_folder_check_space(&folder, 1, &err), BERTC_OK);
    assert_int_equal(bc_folder_check_space(&folder, 1e18, &err), BERTC_IO);
    assert_memory_equal(err.message, "full: the run needs 953674316406.2 MB of disk space, ", 53);
    bc_folder_close(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hashed_file_reads_back),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_every_flipped_byte_is_seen),
        cmocka_unit_test(test_files_that_change_while_they_are_read),
        cmocka_unit_test(test_every_truncation_is_seen),
        cmocka_unit_test(test_a_state_reads_back_to_the_bit),
        cmocka_unit_test(test_an_unused_folder_leaves_no_trace),
        cmocka_unit_test(test_the_loser_names_the_holder),
        cmocka_unit_test(test_a_dead_holder_holds_nothing),
        cmocka_unit_test(test_what_must_not_be_overwritten),
        cmocka_unit_test(test_space_is_checked),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
