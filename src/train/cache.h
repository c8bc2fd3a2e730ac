/* A cache of the frozen stages' outputs, stored the first time that they are computed.
 *
 * For each example the cache stores the input rows of the first stage that is not frozen (bc_model_stage_input): (n,H)
 * for its n tokens if that stage is a layer, (1,H) if it is the pooler or the head. In the order of the data, the first
 * examples are stored in memory, the next examples in a file, and the remaining examples are computed again every time.
 *
 * 1. Frozen stages are batch-invariant: they give the same bits in any batch. So a run's results do not depend on
 *    what is stored, or where.
 * 2. Nothing is allocated between opening and closing, except by bc_cache_publish.
 * 3. A full disk does not end a run: outputs that cannot be written are computed again, and a notice reports it.
 * 4. Rows read from a file are compared with the rows that were written, by a hash taken when they were written.
 * 5. A file that is kept for later runs appears complete or not at all (cache_file.c). Any other file is unlinked
 *    before anything is written, and ends with the process. */
#ifndef BC_TRAIN_CACHE_H
#define BC_TRAIN_CACHE_H

#include "base/dir.h"
#include "base/hash.h"
#include "nn/pass.h"

/* Name of the unlinked file in the run folder, between its creation and its removal. */
#define BC_CACHE_FILE "cache.tmp"

/* Size of a file's header, one page. */
enum { BC_CACHE_HEADER = 4096 };
#define BC_CACHE_FORMAT "bertc-cache-2" /* part of every key, so files of other formats are never opened */

typedef struct bc_cache {
    const bertc_inputs *inputs;
    int stage;             /* the first stage that is not frozen, which reads the rows */
    bool by_token;         /* whether an example has a row per token, or a single row */
    size_t width;          /* H */
    size_t rows;           /* number of rows of all examples */
    size_t memory_rows;    /* rows below this index are stored in memory */
    size_t file_rows;      /* rows below this index are stored in memory or in the file */
    float *memory;         /* (memory_rows,H) */
    bool *is_stored;       /* (examples) whether the rows of an example are stored; null: the cache is not open */
    uint64_t *hashes;      /* (examples) hashes of the rows that were written to the file */
    size_t missing_count;  /* examples that are not stored */
    int fd;                /* -1: no file */
    bool is_writable;      /* whether rows are written to the file */
    char *path;            /* path of the file for later runs; null: no such file is wanted */
    char *temporary;       /* the file's temporary path until the file is published; else null */
    char key[BC_HASH_HEX]; /* identifies the file for later runs */
    bertc_batch *missing_batch; /* borrowed: the examples of a batch that are not stored */
    uint32_t *missing;          /* (sequences) borrowed: the indices of these examples */
    const bertc_notify *notify;
} bc_cache;

/* Plan what to store within the budgets `memory` and `disk` (bytes), and subtract it from them. */
void bc_cache_plan(bc_cache *cache, const bertc_inputs *inputs, const bertc_model *model, int head, int stage,
                   size_t *memory, size_t *disk);

/* Bytes of memory that the planned cache needs; SIZE_MAX on overflow. */
size_t bc_cache_memory(const bc_cache *cache);

/* Bytes of a file that contains all rows; SIZE_MAX on overflow. */
size_t bc_cache_file_bytes(const bc_cache *cache);

/* Allocate what was planned. The file is created in `folder`; null: use memory only. Errors: BERTC_NOMEM. */
bertc_status bc_cache_open(bc_cache *cache, const bc_dir *folder, bertc_error *err);

/* Close the cache; one that was never planned is ignored. */
void bc_cache_close(bc_cache *cache);

/* Look in `folder` for a file of an earlier run. If there is one, open the cache, which then reads all rows from that
 * file. Errors: BERTC_INPUT if the file is damaged; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_cache_find(bc_cache *cache, const char *folder, bertc_error *err);

/* Create the file for later runs; then call bc_cache_open. If another run is creating the same file, report that and
 * create no file. Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_cache_create(bc_cache *cache, const char *folder, bertc_error *err);

/* The path of the file, for messages. */
const char *bc_cache_name(const bc_cache *cache);

/* Read the rows (n,H) of an example from the file. Errors: BERTC_IO. */
bertc_status bc_cache_read(const bc_cache *cache, size_t example, float *rows, bertc_error *err);

/* The hash of the rows (n,H) of an example. */
uint64_t bc_cache_hash(const bc_cache *cache, size_t example, const float *rows);

/* Publish the file for later runs if it is complete: check it, then rename it. A failure is reported as a notice. */
void bc_cache_publish(bc_cache *cache);

/* Make a forward pass through all stages. The frozen stages compute only examples that are not stored; their outputs
 * are then stored if there is capacity. Without a cache (null, or not open) this is bc_model_fwd. Errors: BERTC_IO; the
 * backend's errors. */
bertc_status bc_cached_fwd(bc_cache *cache, const bertc_model *model, bertc_workspace *workspace,
                          const bertc_batch *batch, bc_pass pass, bertc_error *err);

#endif
