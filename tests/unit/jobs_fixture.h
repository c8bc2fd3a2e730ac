/* A tiny model and a tiny SST-2 in a temporary folder, for tests of whole runs. */
#ifndef JOBS_FIXTURE_H
#define JOBS_FIXTURE_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "bertc.h"
#include "formats/safetensors.h"
#include "unit/exists.h"

/* |got - want| <= max; fails for NaN. */
static inline void assert_close(double got, double want, double max)
{
    if (!(got - want <= max && want - got <= max)) fail_msg("%.17g is not within %g of %.17g", got, max, want);
}

static const char fixture_words[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
                                    "good\nbad\na\nfilm\nvery\nnot\nplot\nand\n";

static inline void fixture_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

/* Write a file of sentences of 1 to 9 words; the first word decides the label. */
static inline void fixture_split(const char *path, int first, int count)
{
    static const char *const tail[] = {"a", "film", "very", "not", "plot", "and"};
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs("sentence\tlabel\n", file);
    for (int i = first; i < first + count; i++) {
        int label = i * 7 % 5 < 2;
        fputs(label ? "good" : "bad", file);
        for (int w = 0; w < i * 11 % 9; w++) fprintf(file, " %s", tail[(i * 3 + w * 5) % 6]);
        fprintf(file, "\t%d\n", label);
    }
    assert_int_equal(fclose(file), 0);
}

/* Save a model with this configuration and random weights in a new folder. */
static inline void fixture_save(const bertc_config *config, const char *dir)
{
    bertc_model *model;
    bertc_model_options options = {.backend = "reference", .threads = 1, .seed = 3};
    assert_int_equal(bertc_model_create(config, &options, &model, NULL), BERTC_OK);
    assert_int_equal(mkdir(dir, 0777), 0);
    assert_int_equal(bertc_model_save(model, dir, NULL), BERTC_OK);
    bertc_model_free(model);
}

static inline void fixture_model(const char *dir)
{
    bertc_config config;
    assert_int_equal(bertc_config_init(&config, NULL), BERTC_OK);
    config.vocab_size = 13;
    config.hidden_size = 16;
    config.num_hidden_layers = 2;
    config.num_attention_heads = 2;
    config.intermediate_size = 32;
    config.max_position_embeddings = 24;
    config.initializer_range = 0.2;
    fixture_save(&config, dir);
    bertc_config_clear(&config);
    char path[256];
    snprintf(path, sizeof path, "%s/vocab.txt", dir);
    fixture_write(path, fixture_words);
}

/* Create a temporary folder with model/ and data/SST-2/, and make it the current folder. */
static inline int fixture_enter(void **state)
{
    const char *base = getenv("TMPDIR");
    char name[256];
    static char folder[1024];
    snprintf(name, sizeof name, "%s/bertc_train.XXXXXX", base ? base : ".");
    if (!mkdtemp(name) || chdir(name) != 0 || !getcwd(folder, sizeof folder)) return -1;
    *state = folder;
    if (mkdir("data", 0777) != 0 || mkdir("data/SST-2", 0777) != 0) return -1;
    fixture_split("data/SST-2/train.tsv", 0, 22);
    fixture_split("data/SST-2/dev.tsv", 100, 13);
    fixture_model("model");
    return 0;
}

static inline void fixture_remove(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        char *inner = bc_path_join(path, e->d_name);
        fixture_remove(inner);
        bc_free(inner);
    }
    if (dir) closedir(dir);
    remove(path);
}

static inline int fixture_leave(void **state)
{
    if (chdir("/") != 0) return -1;
    fixture_remove(*state);
    return 0;
}

static inline bertc_train_options fixture_options(const char *out)
{
    bertc_train_options o;
    bertc_train_defaults(&o);
    o.task = "sst2";
    o.model = "model";
    o.data = "data";
    o.out = out;
    o.epochs = 2;
    o.batch_size = 5;
    o.lr = 1e-2;
    o.backend = 2;
    o.threads = 1;
    return o;
}

/* --freeze and --cache-dir of fixture_whole_run. */
static const char *fixture_freeze = "none", *fixture_cache = "none";

/* A run that writes every kind of file: evaluations, best weights, checkpoints. */
static inline bertc_status fixture_whole_run(const char *out, bool resume, bertc_error *err)
{
    bertc_train_options o = fixture_options(out);
    bertc_train_result result;
    o.max_steps = 6;
    o.eval_every = 2;
    o.save_every = "2";
    o.keep = BERTC_KEEP_BEST;
    o.freeze = fixture_freeze;
    o.cache_dir = fixture_cache;
    o.resume = resume;
    return bertc_finetune(&o, NULL, &result, err);
}

static inline bertc_status fixture_on_stop(void *user)
{
    int *left = user;
    return (*left)-- > 0 ? BERTC_OK : BERTC_INTERRUPTED;
}

/* A run that is asked to stop after `steps` steps. */
static inline void fixture_interrupt(bertc_train_options o, int steps)
{
    bertc_train_result result;
    bertc_observer observer = {.stop = fixture_on_stop, .user = &steps};
    assert_int_equal(bertc_finetune(&o, &observer, &result, NULL), BERTC_INTERRUPTED);
}

static inline bertc_train_result fixture_run(bertc_train_options o)
{
    bertc_train_result result;
    bertc_error err = {0};
    if (bertc_finetune(&o, NULL, &result, &err) != BERTC_OK) fail_msg("%s", err.message);
    return result;
}

/* Remove the run's folder first. */
static inline bertc_train_result fixture_run_anew(bertc_train_options o)
{
    fixture_remove(o.out);
    return fixture_run(o);
}

/* A finished run with its checkpoints, as if it was killed before it removed them. */
static inline void fixture_killed_late(bertc_train_options o)
{
    const char *out = o.out;
    char from[64], to[64];
    fixture_run(o);
    o.out = "early";
    fixture_interrupt(o, 3);
    snprintf(from, sizeof from, "%s/checkpoint", o.out);
    snprintf(to, sizeof to, "%s/checkpoint", out);
    assert_int_equal(rename(from, to), 0);
    fixture_remove("early");
}

static inline void fixture_refuse(bertc_train_options o, bertc_status status, const char *message)
{
    bertc_train_result result;
    bertc_error err = {0};
    assert_int_equal(bertc_finetune(&o, NULL, &result, &err), status);
    assert_string_equal(err.message, message);
}

/* Read a file, NUL-terminated; `timeless`: without the values of "seconds". (Inlining it makes gcc 12 warn of pointers
 * to its variables that do not exist.) */
__attribute__((noinline, unused)) static char *fixture_read(const char *path, size_t *length, bool timeless)
{
    char *text;
    bertc_error err = {0};
    if (bc_file_read(path, BC_FILE_WORDS, &text, length, &err) != BERTC_OK) fail_msg("%s", err.message);
    for (char *p = text; timeless && (p = strstr(p, "\"seconds\":")) != NULL;) {
        p += strlen("\"seconds\":");
        size_t n = strspn(p, "0123456789.");
        memmove(p, p + n, *length - (size_t)(p - text) - n + 1);
        *length -= n;
    }
    return text;
}

static inline void fixture_same_file(const char *a, const char *b, const char *name)
{
    char path[2][600];
    size_t length[2];
    bool timeless = strcmp(name, "log.jsonl") == 0;
    snprintf(path[0], sizeof path[0], "%s/%s", a, name);
    snprintf(path[1], sizeof path[1], "%s/%s", b, name);
    char *x = fixture_read(path[0], &length[0], timeless);
    char *y = fixture_read(path[1], &length[1], timeless);
    if (length[0] != length[1] || memcmp(x, y, length[0]) != 0) fail_msg("%s and %s differ", path[0], path[1]);
    bc_free(x);
    bc_free(y);
}

static inline int fixture_entries(const char *path)
{
    int count = 0;
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) count += e->d_name[0] != '.';
    if (dir) closedir(dir);
    return count;
}

/* The number that follows the first `key` in a text. */
static inline double fixture_number(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    if (!at) fail_msg("no %s", key);
    return strtod(at + strlen(key), NULL);
}

/* Check that two folders hold the same files with the same bytes. */
static inline void fixture_same_run(const char *a, const char *b)
{
    DIR *dir = opendir(a);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.') fixture_same_file(a, b, e->d_name);
    closedir(dir);
    assert_int_equal(fixture_entries(a), fixture_entries(b));
}

/* Check that the run, stopped at call `steps` of its stop function and resumed, writes the same files as `whole`. */
static inline void fixture_same_resumed(bertc_train_options o, int steps, const char *whole)
{
    fixture_interrupt(o, steps);
    o.resume = true;
    fixture_run(o);
    fixture_same_run(whole, o.out);
    fixture_remove(o.out);
}

/* Check that the run, stopped twice and resumed, writes the same files as the uninterrupted run `whole`. */
static inline void fixture_stop_twice(bertc_train_options o, const char *whole)
{
    fixture_remove("stopped");
    o.out = "stopped";
    fixture_interrupt(o, 4);
    o.resume = true;
    fixture_interrupt(o, 3);
    fixture_run(o);
    fixture_same_run(whole, "stopped");
}

/* The bytes of a tensor, released by bc_free. */
static inline void *fixture_bytes(const bc_tensor *tensor)
{
    void *bytes = bc_alloc(tensor->bytes, 1);
    assert_non_null(bytes);
    assert_int_equal(bc_tensor_bytes(tensor, 0, tensor->bytes, bytes, NULL), BERTC_OK);
    return bytes;
}

static inline bool fixture_same_bytes(const bc_tensor *const tensors[2])
{
    void *a = fixture_bytes(tensors[0]), *b = fixture_bytes(tensors[1]);
    bool same = tensors[0]->bytes == tensors[1]->bytes && memcmp(a, b, tensors[0]->bytes) == 0;
    bc_free(a);
    bc_free(b);
    return same;
}

/* The largest difference between the F32 values of two tensors. */
static inline double fixture_distance(const bc_tensor *const tensors[2])
{
    double max = 0;
    float *a = fixture_bytes(tensors[0]), *b = fixture_bytes(tensors[1]);
    assert_int_equal(tensors[0]->bytes, tensors[1]->bytes);
    for (size_t i = 0; i < tensors[0]->count; i++) {
        double d = (double)a[i] - (double)b[i];
        max = d > max ? d : -d > max ? -d : max;
    }
    bc_free(a);
    bc_free(b);
    return max;
}

/* The tensor of one name in two files. */
typedef struct fixture_pair {
    bc_weights files[2];
    const bc_tensor *tensors[2];
} fixture_pair;

static inline void fixture_open_pair(fixture_pair *p, const char *a, const char *b, const char *name)
{
    const char *const paths[] = {a, b};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(bc_safetensors_open(paths[i], &p->files[i], NULL), BERTC_OK);
        p->tensors[i] = bc_weights_find(&p->files[i], name);
        if (!p->tensors[i]) fail_msg("%s: no %s", paths[i], name);
    }
}

static inline void fixture_close_pair(fixture_pair *p)
{
    for (int i = 0; i < 2; i++) bc_weights_close(&p->files[i]);
}

static inline bool fixture_same_tensor(const char *a, const char *b, const char *name)
{
    fixture_pair p;
    fixture_open_pair(&p, a, b, name);
    bool same = fixture_same_bytes(p.tensors);
    fixture_close_pair(&p);
    return same;
}

#endif
