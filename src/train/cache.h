/* What the frozen stages give for each example, kept from the first time that it is computed.
 *
 * Of an example are kept the rows that the first stage reads which may be trained (bc_model_stage_input): (n,H) of
 * its n tokens for a layer, (1,H) for pooler and head. By their order in the data the first examples lie in
 * memory, the next ones in a file, and the rest is computed again every time.
 *
 * 1. A model's settled stages give the same bits in any batch, so it makes no difference to a run what is
 *    kept and where.
 * 2. Nothing is allocated between opening and closing, but by bc_cache_publish.
 * 3. A disk that is full ends no run: what cannot be written is computed again, and one line says so.
 * 4. What comes from a file is compared with what was given to it, by a hash that was taken then.
 * 5. A file that is kept for later runs appears whole, or not at all (cache_file.c). Any other file has lost
 *    its name before anything is in it, and goes with the process. */
#ifndef BC_TRAIN_CACHE_H
#define BC_TRAIN_CACHE_H

#include "base/dir.h"
#include "base/hash.h"
#include "nn/pass.h"

/* A file of the run that has this name for an instant. */
#define BC_CACHE_FILE "cache.tmp"

/* A page before the rows of a file. */
enum { BC_CACHE_HEADER = 4096 };
#define BC_CACHE_FORMAT "bertc-cache-2" /* part of every key: no other format is ever looked at */

typedef struct bc_cache {
    const bertc_inputs *inputs;
    int stage;          /* that reads the rows */
    bool by_token;
    size_t width;       /* H */
    size_t rows;        /* of all examples */
    size_t memory_rows; /* the first that are in memory, */
    size_t file_rows;   /* and the first that are in memory or in the file */
    float *memory;      /* (memory_rows,H) */
    bool *is_stored;          /* (examples); null: nothing is kept */
    uint64_t *hashes;   /* (examples) hashes of what was given to the file */
    size_t missing_count;     /* examples */
    int fd;             /* -1: no file */
    bool writes;        /* rows go into the file */
    char *path;         /* of a kept file; null: none is asked for */
    char *temporary;    /* the same while it is made; else null */
    char key[BC_HASH_HEX]; /* what a kept file is told apart by */
    bertc_batch *missing_batch; /* what of a batch is computed; the owner's, as is: */
    uint32_t *order;      /* (sequences) */
    const bertc_notify *notify;
} bc_cache;

/* Plan to keep as much as the budgets hold, and take it off them. */
void bc_cache_plan(bc_cache *cache, const bertc_inputs *inputs, const bertc_model *model, int head, int stage,
                   size_t *memory, size_t *disk);

/* Bytes of memory, and of a file that holds everything; SIZE_MAX on overflow. */
size_t bc_cache_memory(const bc_cache *cache);
size_t bc_cache_file_bytes(const bc_cache *cache);

/* Allocate what was planned. `folder`: where a file may lie; null: nowhere, only memory is used. Errors:
 * BERTC_NOMEM. */
bertc_status bc_cache_open(bc_cache *cache, const bc_dir *folder, bertc_error *err);
void bc_cache_close(bc_cache *cache); /* safe on one that was never planned */

/* Look in `folder` for a file of an earlier run. Where there is one all rows come from it, and
 * bc_cache_open is not needed. Errors: BERTC_INPUT where it is damaged. */
bertc_status bc_cache_find(bc_cache *cache, const char *folder, bertc_error *err);

/* Make such a file, beside bc_cache_open's memory; another run that is making it is left to it. Errors:
 * BERTC_IO. */
bertc_status bc_cache_create(bc_cache *cache, const char *folder, bertc_error *err);

/* The file, for messages. */
const char *bc_cache_name(const bc_cache *cache);

/* Read an example's rows (n,H) from the file. Errors: BERTC_IO. bc_cache_hash: the hash of such rows. */
bertc_status bc_cache_read(const bc_cache *cache, size_t example, float *rows, bertc_error *err);
uint64_t bc_cache_hash(const bc_cache *cache, size_t example, const float *rows);

/* Give that file its name once it is whole. A failure is one line. */
void bc_cache_publish(bc_cache *cache);

/* Forward through all stages, through those below the cache's only with those examples that are not in it;
 * these then are. A cache that is not open, or null: bc_model_fwd. Errors: BERTC_IO. */
bertc_status bc_cached_fwd(bc_cache *cache, const bertc_model *model, bertc_workspace *workspace,
                          const bertc_batch *batch, bc_pass pass, bertc_error *err);

#endif
