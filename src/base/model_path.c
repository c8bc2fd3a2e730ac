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

/* Files that mark a model in a format that bertc does not read, the most specific files first. '*': any beginning. */
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

/* Return the first row of the table whose file the folder has, and copy that file's name into `found`. Returns OTHERS
 * if there is no such file, or if the folder has model.safetensors. */
static size_t find_other(const char *folder, char found[256])
{
    size_t best = OTHERS;
    bool supported = false;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        supported = supported || strcmp(e->d_name, "model.safetensors") == 0;
        for (size_t i = 0; i < best; i++)
            if (matches(e->d_name, others[i].name)) {
                best = i;
                memcpy(found, e->d_name, strlen(e->d_name) + 1);
            }
    }
    if (dir) closedir(dir);
    return supported ? OTHERS : best;
}

/* ---- Models in folders below --------------------------------------------------------------- */

/* A search for model folders below a folder. */
typedef struct search {
    const char *const *names; /* (count) files that mark a model folder */
    size_t count;
    char *first;  /* path of the first folder found, in alphabetical order */
    size_t found; /* number of folders found */
    bool failed;  /* out of memory */
} search;

static bool is_model(search *s, const char *folder)
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

/* Count a folder if it is a model folder; else return false. The search takes ownership of `folder`. */
static bool add_folder(search *s, char *folder)
{
    bool model = folder && is_model(s, folder);
    s->failed = s->failed || !folder;
    if (model) s->found++;
    if (!model || (s->first && strcmp(s->first, folder) < 0)) {
        bc_free(folder);
        return model;
    }
    bc_free(s->first);
    s->first = folder;
    return true;
}

/* Add the newest snapshot of a model in a hub cache: MODEL/refs/main contains its name. */
static bool add_main_snapshot(search *s, const char *model)
{
    char *ref = bc_path_join(model, "refs/main"), *snapshots = bc_path_join(model, "snapshots"), *name = NULL;
    size_t length;
    bool added = false;
    s->failed = s->failed || !ref || !snapshots;
    if (ref && snapshots && bc_file_read(ref, BC_FILE_SETTINGS, &name, &length, NULL) == BERTC_OK) {
        name[strcspn(name, "\r\n")] = '\0';
        added = name[0] && add_folder(s, bc_path_join(snapshots, name));
    }
    bc_free(name);
    bc_free(ref);
    bc_free(snapshots);
    return added;
}

/* Search a folder and, to a depth of `depth`, the folders of a hub cache in it, which have names like HOME/hub,
 * CACHE/models--ORG--NAME and MODEL/snapshots. */
static void search_below(search *s, const char *folder, int depth)
{
    DIR *dir = add_main_snapshot(s, folder) ? NULL : opendir(folder);
    for (struct dirent *e; dir && !s->failed && (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.') continue;
        const char *name = e->d_name;
        bool cache = strcmp(name, "snapshots") == 0 || strcmp(name, "hub") == 0 || strncmp(name, "models--", 8) == 0;
        if (add_folder(s, bc_path_join(folder, name)) || depth == 0 || !cache) continue;
        char *below = bc_path_join(folder, name);
        if (below) search_below(s, below, depth - 1);
        s->failed = s->failed || !below;
        bc_free(below);
    }
    if (dir) closedir(dir);
}

/* ---- Messages ------------------------------------------------------------------------------ */

static bertc_status explain_folder(const char *path, const char *const *names, size_t count, bertc_error *err)
{
    enum { DEPTH = 3 }; /* hub, models--ORG--NAME, snapshots */
    char found[256];
    search s = {.names = names, .count = count};
    search_below(&s, path, DEPTH);
    size_t other = find_other(path, found);
    bertc_status status = BERTC_INPUT;
    if (s.failed) status = bc_fail_memory(err);
    else if (s.found == 1)
        bc_fail(err, status, "%s: has no %s; the model is in %s", path, names[0], s.first);
    else if (s.found > 1)
        bc_fail(err, status, "%s: has no %s, but %zu folders below it do; give one of them, such as %s", path,
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

/* Whether the path looks like a model on the hub, NAME or ORG/NAME, or like a URL. */
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
        return bc_fail(err, BERTC_INPUT, "%s: not a folder; give the folder that contains the model's files, %.*s",
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
