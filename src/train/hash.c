#include "train/hash.h"

#include <stdio.h>

#define XXH_STATIC_LINKING_ONLY /* for a state that needs no allocation */
#include <xxhash.h>

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
