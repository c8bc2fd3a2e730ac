#include "train/hash.h"

#include <stdio.h>

#define XXH_STATIC_LINKING_ONLY /* for a state that needs no allocation */
#include <xxhash.h>

#include "base/error.h"
#include "base/memory.h"

enum { PIECE = 4 << 20 };

void bc_hash(char out[BC_HASH_HEX], const bc_part *parts, size_t count)
{
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    XXH3_128bits_reset(&state);
    for (size_t i = 0; i < count; i++)
        XXH3_128bits_update(&state, parts[i].bytes, parts[i].length);
    XXH128_hash_t hash = XXH3_128bits_digest(&state);
    snprintf(out, BC_HASH_HEX, "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
}

bertc_status bc_hash_block(char out[BC_HASH_HEX], const void *bytes, size_t length,
                           bertc_error *err)
{
    size_t count = length / PIECE + (length % PIECE != 0);
    XXH128_hash_t *hashes = bc_alloc(count, sizeof *hashes);
    if (!hashes) return bc_fail_memory(err);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < count; i++) {
        size_t left = length - i * PIECE;
        hashes[i] = XXH3_128bits((const char *)bytes + i * PIECE, left < PIECE ? left : PIECE);
    }
    const bc_part all = {hashes, count * sizeof *hashes};
    bc_hash(out, &all, 1);
    bc_free(hashes);
    return BERTC_OK;
}

void bc_hash_inputs(char out[BC_HASH_HEX], const bertc_inputs *in)
{
    size_t tokens = in->starts[in->count];
    const bc_part parts[] = {
        {&in->count, sizeof in->count},
        {in->starts, (in->count + 1) * sizeof *in->starts},
        {in->ids, tokens * sizeof *in->ids},
        {in->types, tokens * sizeof *in->types},
        {in->labels, in->count * sizeof *in->labels},
        {in->values, in->count * sizeof *in->values},
    };
    bc_hash(out, parts, sizeof parts / sizeof parts[0]);
}
