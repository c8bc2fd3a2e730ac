#include "base/model_path.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#define FILES "config.json, model.safetensors, vocab.txt and tokenizer_config.json"

/* ---- Models of other formats --------------------------------------------------------------- */

/* Files that tell of a model that is not read, those first that tell most. '*': any beginning. */
static const struct {
    const char *name, *what;
} others[] = {
    {"model.safetensors.index.json", "weights in several files"},
    {"pytorch_model.bin", "weights of PyTorch"},
    {"pytorch_model.bin.index.json", "weights of PyTorch in several files"},
    {"adapter_model.bin", "an adapter's weights of PyTorch"},
    {"tf_model.h5", "weights of TensorFlow"},
    {"flax_model.msgpack", "weights of Flax"},
    {"bert_config.json", "a model of TensorFlow 1"},
    {"*.ckpt.index", "weights of TensorFlow 1"},
    {"saved_model.pb", "a saved model of TensorFlow"},
    {"*.onnx", "a model of ONNX"},
    {"*.gguf", "a model of llama.cpp"},
    {"*.h5", "weights of Keras"},
};
enum { OTHERS = sizeof others / sizeof *others };

static bool matches(const char *name, const char *pattern)
{
    if (pattern[0] != '*') return strcmp(name, pattern) == 0;
    size_t length = strlen(name), end = strlen(pattern + 1);
    return length > end && strcmp(name + length - end, pattern + 1) == 0;
}

/* The first of the table that a folder has; its name in `found`. OTHERS: none, or the weights are there as they
 * should be. */
static size_t find_other(const char *folder, char found[256])
{
    size_t best = OTHERS;
    bool whole = false;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        whole = whole || strcmp(e->d_name, "model.safetensors") == 0;
        for (size_t i = 0; i < best; i++)
            if (matches(e->d_name, others[i].name)) {
                best = i;
                memcpy(found, e->d_name, strlen(e->d_name) + 1);
            }
    }
    if (dir) closedir(dir);
    return whole ? OTHERS : best;
}

/* ---- Models further down ------------------------------------------------------------------- */

/* Folders that a search found, the first by name. */
typedef struct search {
    const char *const *names; /* (count) of the files that tell a model's folder */
    size_t count;
    char *first;
    size_t found;
    bool failed; /* memory is out */
} search;

static bool holds(search *s, const char *folder)
{
    for (size_t i = 0; i < s->count; i++) {
        struct stat info;
        char *path = bc_path_join(folder, s->names[i]);
        bool there = path && stat(path, &info) == 0;
        s->failed = s->failed || !path;
        bc_free(path);
        if (there) return true;
    }
    return false;
}

/* Count a folder in, which becomes the search's or is released; false where it is none of the kind. */
static bool take(search *s, char *folder)
{
    bool kind = folder && holds(s, folder);
    s->failed = s->failed || !folder;
    if (kind) s->found++;
    if (!kind || (s->first && strcmp(s->first, folder) < 0)) {
        bc_free(folder);
        return kind;
    }
    bc_free(s->first);
    s->first = folder;
    return true;
}

/* A hub's cache says in refs/main which of a model's snapshots is the newest. */
static bool take_main(search *s, const char *model)
{
    char *ref = bc_path_join(model, "refs/main"), *snapshots = bc_path_join(model, "snapshots"), *name = NULL;
    size_t length;
    bool taken = false;
    s->failed = s->failed || !ref || !snapshots;
    if (ref && snapshots && bc_file_read(ref, BC_FILE_SETTINGS, &name, &length, NULL) == BERTC_OK) {
        name[strcspn(name, "\r\n")] = '\0';
        taken = name[0] && take(s, bc_path_join(snapshots, name));
    }
    bc_free(name);
    bc_free(ref);
    bc_free(snapshots);
    return taken;
}

/* MODEL/snapshots/HASH, CACHE/models--ORG--NAME, HOME/hub: folders of a hub's cache. */
static bool is_of_cache(const char *name)
{
    return strcmp(name, "snapshots") == 0 || strcmp(name, "hub") == 0 || strncmp(name, "models--", 8) == 0;
}

static void look_below(search *s, const char *folder, int depth)
{
    DIR *dir = take_main(s, folder) ? NULL : opendir(folder);
    for (struct dirent *e; dir && !s->failed && (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.') continue;
        if (take(s, bc_path_join(folder, e->d_name)) || depth == 0 || !is_of_cache(e->d_name)) continue;
        char *below = bc_path_join(folder, e->d_name);
        if (below) look_below(s, below, depth - 1);
        s->failed = s->failed || !below;
        bc_free(below);
    }
    if (dir) closedir(dir);
}

/* ---- What it is ---------------------------------------------------------------------------- */

static bertc_status explain_folder(const char *path, const char *const *names, size_t count, bertc_error *err)
{
    enum { DEPTH = 3 }; /* hub, models--ORG--NAME, snapshots */
    char found[256];
    search s = {.names = names, .count = count};
    look_below(&s, path, DEPTH);
    size_t other = find_other(path, found);
    bertc_status status = BERTC_INPUT;
    if (s.failed) status = bc_fail_memory(err);
    else if (s.found == 1)
        bc_fail(err, status, "%s: no %s in it; the model is in %s", path, names[0], s.first);
    else if (s.found > 1)
        bc_fail(err, status, "%s: no %s in it, but in %zu folders below it; give one of them, such as %s", path,
                names[0], s.found, s.first);
    else if (other < OTHERS)
        bc_fail(err, status,
                "%s/%s: no such file; the folder holds %s (%s), which bertc does not read: save the model as one "
                "safetensors file",
                path, names[0], others[other].what, found);
    else
        bc_fail(err, status, "%s/%s: no such file; a model is a folder with " FILES, path, names[0]);
    bc_free(s.first);
    return status;
}

/* NAME or ORG/NAME, as models are called on the hub, or an address. */
static bool is_hub_name(const char *path)
{
    int slashes = 0;
    if (strstr(path, "://")) return true;
    if (!isalnum((unsigned char)path[0])) return false;
    for (const char *p = path; *p; p++) {
        if (*p == '/') slashes += p[1] != '\0';
        else if (!isalnum((unsigned char)*p) && !strchr("._-", *p)) return false;
    }
    return slashes <= 1;
}

static bertc_status explain_absence(const char *path, bertc_error *err)
{
    struct stat info;
    const char *slash = strrchr(path, '/');
    if (lstat(path, &info) == 0)
        return bc_fail(err, BERTC_INPUT, "%s: not a folder; a model is the folder that holds its files, here %.*s",
                       path, slash && slash > path ? (int)(slash - path) : 1, slash ? path : ".");
    if (!is_hub_name(path))
        return bc_fail(err, BERTC_INPUT, "%s: no such folder; a model is a folder with " FILES, path);
    return bc_fail(err, BERTC_INPUT,
                   "%s: no such folder, and bertc downloads nothing: put the files of that model (" FILES
                   ") into a folder and give that",
                   path);
}

bertc_status bc_model_path_find(const char *path, const char *const *names, size_t count, size_t *which,
                                 bertc_error *err)
{
    bool there;
    bertc_status status = bc_folder_find(path, &there, err);
    if (status != BERTC_OK) return status;
    if (!there) return explain_absence(path, err);
    for (*which = 0; *which < count; ++*which) {
        status = bc_file_find_in(path, names[*which], &there, err);
        if (status != BERTC_OK || there) return status;
    }
    return explain_folder(path, names, count, err);
}

bertc_status bc_model_path_check(const char *path, const char *const *names, size_t count, bertc_error *err)
{
    size_t which;
    return bc_model_path_find(path, names, count, &which, err);
}
