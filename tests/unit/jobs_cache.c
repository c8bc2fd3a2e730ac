/* Outputs of frozen layers are computed once, wherever they are cached, and do not change a run. The linker redirects
 * cache plans, forward passes and writes to this program: it sets the bytes of memory and disk, counts the passes, and
 * fills the disk. */
#include "jobs_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>

#include "train/cache.h"

static size_t memory_max = SIZE_MAX, disk_max = SIZE_MAX; /* bytes */
static int passes;              /* of the frozen layers */
static long writes_left = LONG_MAX;
static enum { FULL, HALF, CHANGED } then; /* effect on later writes, or on the next one only: CHANGED */
static char said[4096];         /* all notices of a run */

void __real_bc_cache_plan(bc_cache *cache, const bertc_inputs *inputs, const bertc_model *model, int head,
                          int stage, size_t *memory, size_t *disk);
void __wrap_bc_cache_plan(bc_cache *cache, const bertc_inputs *inputs, const bertc_model *model, int head,
                          int stage, size_t *memory, size_t *disk);
float *__real_bc_model_fwd_to(const bertc_model *model, bertc_workspace *workspace,
                              const bertc_batch *batch, int head, int stage);
float *__wrap_bc_model_fwd_to(const bertc_model *model, bertc_workspace *workspace,
                              const bertc_batch *batch, int head, int stage);
ssize_t __real_pwrite(int fd, const void *bytes, size_t count, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t count, off_t offset);

void __wrap_bc_cache_plan(bc_cache *cache, const bertc_inputs *inputs, const bertc_model *model, int head,
                          int stage, size_t *memory, size_t *disk)
{
    if (*memory > memory_max) *memory = memory_max;
    if (*disk > disk_max) *disk = disk_max;
    __real_bc_cache_plan(cache, inputs, model, head, stage, memory, disk);
}

float *__wrap_bc_model_fwd_to(const bertc_model *model, bertc_workspace *workspace,
                              const bertc_batch *batch, int head, int stage)
{
    passes++;
    return __real_bc_model_fwd_to(model, workspace, batch, head, stage);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    char copy[1 << 14];
    bool of_cache = offset >= BC_CACHE_HEADER || count == BC_CACHE_HEADER; /* not the lock or the journal */
    if (!of_cache) return __real_pwrite(fd, bytes, count, offset);
    if (writes_left-- > 0 || (then != FULL && writes_left < -1)) return __real_pwrite(fd, bytes, count, offset);
    errno = ENOSPC;
    if (then == FULL) return -1;
    assert_true(count <= sizeof copy);
    memcpy(copy, bytes, count);
    copy[count / 2] ^= 1;
    assert_true(__real_pwrite(fd, copy, then == HALF ? count / 2 : count, offset) > 0);
    return (ssize_t)count;
}

static void on_notice(void *user, const char *line)
{
    (void)user;
    strncat(said, line, sizeof said - strlen(said) - 2);
    strcat(said, "\n");
}

static bertc_status attempt(bertc_train_options o, bertc_error *err)
{
    bertc_observer observer = {.notify = {on_notice, NULL}};
    bertc_train_result result;
    said[0] = '\0';
    passes = 0;
    return bertc_finetune(&o, &observer, &result, err);
}

static void start(bertc_train_options o)
{
    bertc_error err = {0};
    fixture_remove(o.out);
    if (attempt(o, &err) != BERTC_OK) fail_msg("%s", err.message);
}

static void assert_said(const char *text)
{
    if (!strstr(said, text)) fail_msg("'%s' is not in '%s'", text, said);
}

/* The runs' weights, losses and scores are the same; run.json differs in the cache options. */
static void assert_same(const char *a, const char *b)
{
    fixture_same_file(a, b, "log.jsonl");
    fixture_same_file(a, b, "model.safetensors");
    fixture_same_file(a, b, "eval.json");
    fixture_same_file(a, b, "predictions.dev.jsonl");
}

static bertc_train_options options(const char *out, const char *freeze)
{
    bertc_train_options o = fixture_options(out);
    o.freeze = freeze;
    o.epochs = 3;
    o.eval_every = 4;
    return o;
}

static bertc_train_options without(bertc_train_options o)
{
    o.out = "without";
    o.cache_memory = o.cache_disk = 0;
    return o;
}

static void no_limits(void)
{
    memory_max = disk_max = SIZE_MAX;
    writes_left = LONG_MAX;
    then = FULL;
}

/* ---- Memory and disk ----------------------------------------------------------------------- */

/* Limits of memory and file in bytes. All rows of the fixture's 22 examples take less than 20 kB. */
static const struct {
    size_t memory, disk;
} tiers[] = {{SIZE_MAX, 0}, {0, SIZE_MAX}, {3000, SIZE_MAX}, {3000, 3000}, {0, 0}, {200, 200}};

enum { TIERS = sizeof tiers / sizeof *tiers };

static void check_tiers(bertc_train_options o)
{
    start(without(o));
    int uncached = passes;
    assert_int_equal(uncached, 0);
    for (size_t i = 0; i < TIERS; i++) {
        memory_max = tiers[i].memory;
        disk_max = tiers[i].disk;
        start(o);
        assert_same("without", o.out);
        assert_true(passes > 0);
        assert_int_equal(fixture_entries(o.out), fixture_entries("without"));
        fixture_remove(o.out);
        fixture_interrupt(o, 7);
        o.resume = true;
        bertc_error err = {0};
        if (attempt(o, &err) != BERTC_OK) fail_msg("%s", err.message);
        assert_same("without", o.out);
        o.resume = false;
    }
    no_limits();
}

/* Both recipes and precisions, passes of any size, with and without the pooler, with unfreezing, with checkpointing:
 * without a cache, cached anywhere, stopped and resumed. */
static void test_tiers_change_nothing(void **unused)
{
    (void)unused;
    static const struct {
        const char *freeze, *schedule;
        int recipe, precision, micro, group;
    } cases[] = {
        {"1", "none", BERTC_RECIPE_HF, BERTC_F32, 8192, 0},
        {"1", "none", BERTC_RECIPE_GOOGLE, BERTC_BF16, 16, 1},
        {"2", "none", BERTC_RECIPE_HF, BERTC_BF16, 8192, 0},
        {"2", "none", BERTC_RECIPE_GOOGLE, BERTC_F32, 16, 0},
        {"all", "none", BERTC_RECIPE_HF, BERTC_F32, 16, 0},
        {"all", "none", BERTC_RECIPE_GOOGLE, BERTC_BF16, 8192, 0},
        {"all", "1:2,2:1", BERTC_RECIPE_HF, BERTC_F32, 8192, 0},
        {"2", "1:1", BERTC_RECIPE_GOOGLE, BERTC_BF16, 16, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bertc_train_options o = options("cached", cases[i].freeze);
        o.unfreeze_schedule = cases[i].schedule;
        o.recipe = cases[i].recipe;
        o.precision = cases[i].precision;
        o.micro_batch_tokens = cases[i].micro;
        o.gradient_checkpointing = cases[i].group;
        check_tiers(o);
    }
}

/* The same with the matrix products of the libraries. */
static void test_backends(void **unused)
{
    (void)unused;
    static const char *const freezes[] = {"1", "2", "all"};
    for (int backend = 0; backend < 2; backend++)
        for (size_t i = 0; i < 3; i++) {
            bertc_train_options o = options("cached", freezes[i]);
            o.backend = backend;
            o.threads = 2;
            check_tiers(o);
        }
}

/* Two splits are computed once each, in as many passes as their examples need; nothing is cached if no split is read
 * twice. */
static void test_each_example_is_computed_once(void **unused)
{
    (void)unused;
    bertc_train_options o = options("cached", "1");
    enum { BATCHES = 5, DEV = 1 };
    start(o);
    assert_int_equal(passes, BATCHES + DEV);
    assert_said("outputs of the frozen layers for train: 0.0 MB, of which 0.0 are cached in memory and 0.0 in "
                "a file");
    o.epochs = 1;
    o.eval_every = 0;
    start(o);
    assert_int_equal(passes, 0);
    o = options("cached", "embeddings");
    start(o);
    assert_int_equal(passes, 0);
    assert_null(strstr(said, "frozen layers"));
}

/* ---- Files --------------------------------------------------------------------------------- */

static int count_of(const char *text)
{
    int count = 0;
    for (const char *p = said; (p = strstr(p, text)) != NULL; p++) count++;
    return count;
}

/* A disk that fills after any number of writes ends no run, and is reported once for each split. */
static void test_full_disk(void **unused)
{
    (void)unused;
    bertc_train_options o = options("cached", "1"), kept = o;
    kept.cache_dir = "kept";
    start(without(o));
    for (int dir = 0; dir < 2; dir++)
        for (long n = 0; n < 40; n += 3) {
            memory_max = 3000;
            writes_left = n + 1; /* one write is the lock's */
            fixture_remove("kept");
            start(dir ? kept : o);
            no_limits();
            assert_same("without", "cached");
            int lines = count_of("No space left on device");
            assert_true(lines <= 2 && (n >= 12 || lines > 0));
            if (n < 9 && dir) assert_int_equal(fixture_entries("kept"), 0);
        }
    fixture_remove("kept");
}

/* If rows on disk differ from those that were to be written, the run ends before it uses them, and nothing is kept for
 * later runs. The next attempt gives the same result as a run without a cache. */
static void test_false_writes(void **unused)
{
    (void)unused;
    bertc_train_options o = options("cached", "1");
    start(without(o));
    for (int i = 0; i < 12; i++) {
        bertc_error err = {0};
        o.cache_dir = i & 1 ? "kept" : "none";
        o.resume = false;
        fixture_remove(o.out);
        fixture_remove("kept");
        memory_max = 0;
        then = i & 2 ? CHANGED : HALF;
        writes_left = 1 + i; /* one write is the lock's */
        if (attempt(o, &err) != BERTC_IO) fail_msg("write %d: %s", i, err.message);
        if (!strstr(err.message, "content differs from what was written") &&
            !strstr(err.message, "the file became shorter"))
            fail_msg("%s", err.message);
        no_limits();
        o.resume = true;
        for (int again = 0; again < 2; again++) {
            err = (bertc_error){0};
            if (attempt(o, &err) != BERTC_OK) fail_msg("%s", err.message);
            assert_same("without", o.out);
            fixture_remove(o.out); /* the second attempt uses the cache of the first */
            o.resume = false;
        }
    }
    fixture_remove("kept");
}

/* The files of the two splits in kept/, in the order of their names. */
static void list_kept(char names[2][300])
{
    DIR *dir = opendir("kept");
    int n = 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.') {
            assert_true(n < 2);
            snprintf(names[n++], sizeof names[0], "kept/%s", e->d_name);
        }
    closedir(dir);
    assert_int_equal(n, 2);
}

/* A later run with other training options computes nothing again. A run with other frozen layers, other texts or
 * another precision does. */
static void test_later_runs_find_it(void **unused)
{
    (void)unused;
    static const char *const freezes[] = {"1", "2", "all"};
    enum { ALL = 5 + 1 };
    for (size_t i = 0; i < 3; i++) {
        bertc_train_options o = options("cached", freezes[i]);
        start(without(o));
        o.cache_dir = "kept";
        start(o);
        assert_int_equal(passes, ALL);
        assert_same("without", "cached");
        assert_int_equal(fixture_entries("kept"), 2);
        start(o);
        assert_int_equal(passes, 0);
        assert_said("from an earlier run");
        assert_same("without", "cached");
        bertc_train_options other = o;
        other.lr = 5e-3;
        other.seed = 7;
        other.epochs = 1;
        start(without(other));
        start(other);
        assert_int_equal(passes, 0);
        assert_same("without", "cached");
        other.limit_train = 20;
        start(other);
        assert_int_equal(passes, 4);
        other = o;
        other.precision = BERTC_BF16;
        start(other);
        assert_int_equal(passes, ALL);
        assert_int_equal(fixture_entries("kept"), 2 + 1 + 2);
        fixture_remove("kept");
    }
}

/* Another word in one text, or other weights, give a cache of their own. */
static void test_other_texts_and_weights(void **unused)
{
    (void)unused;
    enum { TRAIN = 5, DEV = 1 };
    bertc_train_options o = options("cached", "1"), moved = fixture_options("moved"), other = moved;
    size_t length, word = 0;
    char *text = fixture_read("data/SST-2/train.tsv", &length, false);
    while (strncmp(text + word, "very", 4) != 0) word++;
    fixture_run(moved);
    other.out = "other";
    other.seed = 1;
    fixture_run(other);
    o.model = "moved";
    o.cache_dir = "kept";
    start(o);
    memcpy(text + word, "plot", 4);
    fixture_write("data/SST-2/train.tsv", text);
    start(without(o));
    start(o);
    assert_int_equal(passes, TRAIN);
    assert_same("without", "cached");
    memcpy(text + word, "very", 4);
    fixture_write("data/SST-2/train.tsv", text);
    bc_free(text);
    o.model = "other";
    start(without(o));
    start(o);
    assert_int_equal(passes, TRAIN + DEV);
    assert_same("without", "cached");
    fixture_remove("kept");
}

static void test_what_another_run_makes_is_left_to_it(void **unused)
{
    (void)unused;
    bertc_train_options o = options("cached", "1");
    char names[2][300], path[320];
    o.cache_dir = "kept";
    start(o);
    list_kept(names);
    snprintf(path, sizeof path, "%s.tmp", names[0]);
    assert_int_equal(remove(names[0]), 0);
    int fd = open(path, O_RDWR | O_CREAT, 0666);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    start(o);
    assert_said("another run is writing this file");
    assert_false(bc_file_exists(names[0]));
    assert_true(bc_file_exists(path));
    for (int i = 0; i < 4000; i++) assert_int_equal(write(fd, "left behind", 11), 11);
    close(fd);
    start(o);
    assert_true(bc_file_exists(names[0]));
    assert_int_equal(fixture_entries("kept"), 2);
    start(o);
    assert_int_equal(passes, 0);
    fixture_remove("kept");
}

static void write_bytes(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void refuse_damaged(bertc_train_options o, const char *path, const char *reason)
{
    char message[600];
    bertc_error err = {0};
    snprintf(message, sizeof message, "%s: %s", path, reason);
    assert_int_equal(attempt(o, &err), BERTC_INPUT);
    assert_string_equal(err.message, message);
    assert_false(bc_file_exists(o.out));
    assert_int_equal(fixture_entries("kept"), 2);
}

/* A changed byte or another length is noticed before anything is written. */
static void test_damaged_files(void **unused)
{
    (void)unused;
    bertc_train_options o = options("cached", "all");
    static const char bad[] = "damaged, the header does not match the content; remove it";
    char names[2][300], reason[100];
    o.cache_dir = "kept";
    start(o);
    fixture_remove(o.out);
    list_kept(names);
    for (int i = 0; i < 2; i++) {
        size_t length;
        char *bytes = fixture_read(names[i], &length, false);
        for (size_t at = 0; at < length; at += at < 140 || at > BC_CACHE_HEADER - 3 ? 1 : 131) {
            bytes[at] ^= 16;
            write_bytes(names[i], bytes, length);
            refuse_damaged(o, names[i], bad);
            bytes[at] ^= 16;
        }
        size_t lengths[] = {0, 1, BC_CACHE_HEADER - 1, BC_CACHE_HEADER, length - 1};
        for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
            write_bytes(names[i], bytes, lengths[k]);
            snprintf(reason, sizeof reason, "%zu bytes, expected %zu; remove it", lengths[k], length);
            refuse_damaged(o, names[i], reason);
        }
        write_bytes(names[i], bytes, length);
        bc_free(bytes);
    }
    start(o);
    assert_int_equal(passes, 0);
    fixture_remove("kept");
}

/* A folder without write permission is still read from. */
static void test_no_disk_space_for_a_folder(void **unused)
{
    (void)unused;
    bertc_train_options o = options("cached", "1");
    start(without(o));
    o.cache_dir = "kept";
    o.cache_memory = o.cache_disk = 0;
    start(o);
    assert_said("--cache-dir: 0.0 MB are more than --cache-disk or half of the free disk space; no file is kept");
    assert_false(bc_file_exists("kept"));
    assert_same("without", "cached");
    o.cache_disk = 1;
    start(o);
    o.cache_disk = 0;
    start(o);
    assert_int_equal(passes, 0);
    assert_same("without", "cached");
    fixture_remove("kept");
}

static void test_folders_that_cannot_be(void **unused)
{
    (void)unused;
    bertc_train_options o = options("refused", "1");
    fixture_write("file", "x");
    o.cache_dir = "file/inside";
    fixture_refuse(o, BERTC_IO, "file/inside: cannot create folder: File exists");
    assert_false(bc_file_exists("refused"));
    o.cache_dir = "kept";
    o.freeze = "embeddings";
    fixture_refuse(o, BERTC_USAGE, "--cache-dir: no layer stays frozen; add --freeze, such as --freeze all");
    o.freeze = "2";
    o.unfreeze_schedule = "1:none";
    fixture_refuse(o, BERTC_USAGE, "--cache-dir: no layer stays frozen; add --freeze, such as --freeze all");
    o.unfreeze_schedule = "none";
    o.cache_dir = NULL;
    fixture_refuse(o, BERTC_USAGE, "--cache-dir is missing");
    o = options("refused", "1");
    o.cache_memory = -1;
    fixture_refuse(o, BERTC_USAGE, "--cache-memory is out of range");
}

/* A run without a folder writes no file, but reads an existing one. */
static void test_plan_writes_nothing(void **unused)
{
    (void)unused;
    bertc_train_options o = options(NULL, "1");
    bertc_plan_result result;
    bertc_error err = {0};
    o.cache_dir = "kept";
    passes = 0;
    if (bertc_plan(&o, NULL, &result, &err) != BERTC_OK) fail_msg("%s", err.message);
    assert_false(bc_file_exists("kept"));
    assert_false(bc_file_exists("checkpoint"));
    assert_int_equal(result.steps, 15);
    assert_true(result.seconds > 0 && result.measured == 2);
    assert_int_equal(passes, 3); /* the steps, which ran twice but were computed once */
    size_t kept = 0;
    for (int i = 0; i < BERTC_MEMORY_PARTS; i++)
        if (strcmp(result.parts[i].name, "frozen_outputs") == 0) kept = result.parts[i].bytes;
    assert_true(kept > 22 * 3 * 16 * sizeof(float));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiers_change_nothing),
        cmocka_unit_test(test_backends),
        cmocka_unit_test(test_each_example_is_computed_once),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_false_writes),
        cmocka_unit_test(test_later_runs_find_it),
        cmocka_unit_test(test_other_texts_and_weights),
        cmocka_unit_test(test_what_another_run_makes_is_left_to_it),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_no_disk_space_for_a_folder),
        cmocka_unit_test(test_folders_that_cannot_be),
        cmocka_unit_test(test_plan_writes_nothing),
    };
    return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
