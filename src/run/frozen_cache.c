#include "run/frozen_cache.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/memory_limit.h"
#include "base/size.h"
#include "run/journal.h"
#include "run/memory.h"

/* ---- Plan ---------------------------------------------------------------------------------- */

static bool has_cache_dir(const bc_run *run)
{
    return strcmp(run->options.cache_dir, "none") != 0;
}

/* The maximum size of a cache file: the minimum of --cache-disk, half of the free disk space and the limit of the
 * process (ulimit -f). The disk space of a folder that does not exist yet is not checked. */
static size_t disk_budget(const bc_run *run)
{
    struct statvfs disk;
    struct rlimit limit;
    const char *folder = has_cache_dir(run) ? run->options.cache_dir : run->folder.work.path;
    size_t budget = (size_t)run->options.cache_disk << 20;
    if (run->folder.fd < 0) return 0;
    if (statvfs(folder, &disk) == 0 && disk.f_blocks > 0)
        budget = bc_min(budget, (size_t)disk.f_bavail / 2 * (size_t)disk.f_frsize);
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        budget = bc_min(budget, (size_t)limit.rlim_cur);
    return budget;
}

/* A cache of the run, and the data whose outputs it holds. */
typedef struct place {
    bc_cache *cache;
    const bertc_inputs *inputs;
    const bc_run_task *task;
    const bc_eval_split *split; /* null: training data */
} place;

/* Get the index-th cache: task by task, the training data first. Returns false past the end. */
static bool place_at(bc_run *run, size_t index, place *p)
{
    for (int t = 0; t < run->num_tasks; t++) {
        bc_run_task *task = &run->tasks[t];
        if (index > task->eval_count) {
            index -= task->eval_count + 1;
            continue;
        }
        bc_eval *eval = index > 0 ? &task->evals[index - 1] : NULL;
        *p = (place){eval ? &eval->cache : &task->cache, eval ? eval->inputs : task->train, task,
                     eval ? &task->eval_splits[index - 1] : NULL};
        return true;
    }
    return false;
}

/* Caches use at most half of the memory that the rest of the run leaves, since the system needs memory for its page
 * cache. Without --cache-dir only splits that are read more than once are cached. */
void bc_frozen_cache_plan(bc_run *run)
{
    place at;
    bc_task_sampler sampler = run->sampler;
    bool for_later = has_cache_dir(run);
    bool wanted = for_later || run->options.cache_memory > 0 || run->options.cache_disk > 0;
    bool evaluates_again = run->plan.eval_every > 0 && run->plan.steps > run->plan.eval_every;
    bertc_memory_part parts[BERTC_MEMORY_PARTS];
    if (bc_layers_below(run->frozen, run->source.config.num_hidden_layers) == 0 || !wanted) return;
    size_t need = bc_memory_parts(run, &run->plan.limits, parts), capacity = bc_memory_limit_read().available,
           disk = disk_budget(run);
    size_t memory = bc_min((size_t)run->options.cache_memory << 20, capacity > need ? (capacity - need) / 2 : 0);
    bc_task_sampler_seek(&sampler, run->plan.steps);
    for (size_t i = 0; place_at(run, i, &at); i++) {
        int task = (int)(at.task - run->tasks);
        bool again = at.split ? evaluates_again : sampler.steps_before[task] > at.task->epoch.steps;
        if (!for_later && !again) continue;
        bc_cache_plan(at.cache, at.inputs, bc_trainer_model(run->trainer), task, run->frozen, &memory, &disk);
        if (at.cache->rows > 0) run->frozen_cache.stage = run->frozen;
    }
}

/* ---- Keys ---------------------------------------------------------------------------------- */

/* Compute the key of each cache: the hash of everything that its rows depend on, including the libraries' versions. */
static bertc_status set_keys(bc_run *run, bertc_error *err)
{
    enum { LIBRARIES = 1024 };
    char weights[BC_HASH_HEX], libraries[LIBRARIES];
    const bertc_model *model = bc_trainer_model(run->trainer);
    const char *version = bertc_version();
    const char *backend = bertc_backend_name((size_t)run->options.backend);
    const int32_t settings[] = {run->frozen_cache.stage, model->use_bf16, model->threads,
                                (int32_t)model->invariant_rows};
    const bc_param *above = model->params; /* the parameters of the frozen stages come first */
    place at;
    while (bc_param_stage(&model->config, above) < run->frozen_cache.stage) above++;
    bertc_status status = bc_hash_large(weights, model->values, above->offset * sizeof *model->values, err);
    if (status != BERTC_OK) return status;
    bertc_describe_libraries(backend, libraries, sizeof libraries);
    for (size_t i = 0; place_at(run, i, &at); i++) {
        const bertc_inputs *in = at.cache->inputs;
        if (!in) continue;
        size_t tokens = in->starts[in->count];
        const bc_hash_part parts[] = {
            {BC_CACHE_FORMAT, sizeof BC_CACHE_FORMAT},
            {version, strlen(version) + 1},
            {weights, sizeof weights},
            {run->fingerprints.config, sizeof run->fingerprints.config},
            {settings, sizeof settings},
            {&at.cache->rows, sizeof at.cache->rows},
            {backend, strlen(backend) + 1},
            {libraries, strlen(libraries) + 1},
            {&in->count, sizeof in->count},
            {in->starts, (in->count + 1) * sizeof *in->starts},
            {in->ids, tokens * sizeof *in->ids},
            {in->types, tokens * sizeof *in->types},
        };
        bc_hash(at.cache->key, parts, sizeof parts / sizeof *parts);
    }
    return BERTC_OK;
}

/* ---- Opening ------------------------------------------------------------------------------- */

/* Report a cache. A split is called "dev", or with several tasks "sst2 dev". */
static void notify_plan(const bc_run *run, const place *at)
{
    const bc_cache *cache = at->cache;
    const bertc_task *spec = at->split ? at->split->task : at->task->spec;
    bool several = run->num_tasks > 1 || spec != at->task->spec;
    char split[64];
    double row = (double)cache->width * sizeof(float) / BC_MB;
    double memory = row * (double)cache->memory_rows, all = row * (double)cache->rows;
    double file = cache->fd >= 0 ? row * (double)(cache->file_rows - cache->memory_rows) : 0;
    snprintf(split, sizeof split, "%s%s%s", several ? spec->name : "", several ? " " : "",
             bertc_split_name(at->split ? at->split->split : BERTC_TRAIN));
    if (!cache->memory)
        bc_notify(bc_meter_notify(&run->meter), "%s: outputs of the frozen layers for %s, from an earlier run",
                  cache->path, split);
    else
        bc_notify(bc_meter_notify(&run->meter),
                  "outputs of the frozen layers for %s: %.1f MB, of which %.1f are cached in memory and %.1f in a file",
                  split, all, memory, file);
}

static bertc_status open_in_cache_dir(bc_run *run, bc_cache *cache, bertc_error *err)
{
    const char *folder = run->options.cache_dir;
    bertc_status status = bc_cache_find(cache, folder, err);
    if (status != BERTC_OK || cache->is_stored || run->folder.fd < 0) return status;
    if (bc_cache_file_bytes(cache) <= disk_budget(run)) return bc_cache_create(cache, folder, err);
    bc_notify(cache->notify, "--cache-dir: %.1f MB are more than --cache-disk or half of the free disk space; "
              "no file is kept for later runs", (double)bc_cache_file_bytes(cache) / BC_MB);
    return BERTC_OK;
}

/* Cache in memory, and the rest in a file that is unlinked at once. */
static bertc_status open_temporary(bc_run *run, bc_cache *cache, bertc_error *err)
{
    bc_folder *folder = &run->folder;
    bertc_error why = {0};
    bool temporary = folder->fd >= 0 && cache->file_rows > cache->memory_rows;
    if (temporary && bc_folder_claim(folder, &folder->work, BC_CACHE_FILE, &why) != BERTC_OK)
        bc_notify(cache->notify, "%s; outputs that do not fit in memory are computed again", why.message);
    return bc_cache_open(cache, temporary && why.status == BERTC_OK ? &folder->work : NULL, err);
}

static bertc_status open_cache(bc_run *run, const place *at, bertc_error *err)
{
    bc_cache *cache = at->cache;
    bertc_status status = BERTC_OK;
    if (cache->rows == 0) return BERTC_OK;
    cache->notify = bc_meter_notify(&run->meter);
    cache->missing_batch = run->frozen_cache.missing_batch;
    cache->missing = run->frozen_cache.order;
    if (has_cache_dir(run)) status = open_in_cache_dir(run, cache, err);
    if (status == BERTC_OK && !cache->is_stored) status = open_temporary(run, cache, err);
    if (status == BERTC_OK) notify_plan(run, at);
    return status;
}

bertc_status bc_frozen_cache_open(bc_run *run, bertc_error *err)
{
    bc_frozen_cache *p = &run->frozen_cache;
    if (p->stage == 0) return BERTC_OK;
    p->order = bc_alloc((size_t)run->plan.limits.sequences, sizeof *p->order);
    if (!p->order) return bc_fail_memory(err);
    bertc_status status = bertc_batch_create(run->plan.limits.sequences, run->plan.limits.tokens,
                                             run->plan.max_labels, &p->missing_batch, err);
    if (status == BERTC_OK && has_cache_dir(run)) status = set_keys(run, err);
    if (status != BERTC_OK) return status;
    place at;
    for (size_t i = 0; place_at(run, i, &at) && status == BERTC_OK; i++) status = open_cache(run, &at, err);
    return status;
}

void bc_frozen_cache_publish(bc_run *run)
{
    place at;
    for (size_t i = 0; place_at(run, i, &at); i++) bc_cache_publish(at.cache);
}
