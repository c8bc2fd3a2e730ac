#include "base/hash.h"

#include <stdio.h>

#define XXH_STATIC_LINKING_ONLY /* defines a state that needs no allocation */
#include <xxhash.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

enum { PIECE = 4 << 20 };

_Static_assert(sizeof(XXH3_state_t) <= sizeof(bc_hasher), "a hasher has space for the XXH3 state");
_Static_assert(_Alignof(XXH3_state_t) <= _Alignof(bc_hasher), "a hasher has the alignment of the XXH3 state");

static XXH3_state_t *state_of(bc_hasher *hasher)
{
    return (XXH3_state_t *)(void *)hasher->state;
}

void bc_hasher_init(bc_hasher *hasher)
{
    XXH3_INITSTATE(state_of(hasher));
    XXH3_128bits_reset(state_of(hasher));
}

bc_hasher *bc_hasher_new(void)
{
    bc_hasher *hasher = bc_alloc(1, sizeof *hasher);
    if (hasher) bc_hasher_init(hasher);
    return hasher;
}

void bc_hasher_update(void *hasher, const void *bytes, size_t length)
{
    XXH3_128bits_update(state_of(hasher), bytes, length);
}

void bc_hasher_digest(const bc_hasher *hasher, char out[BC_HASH_HEX])
{
    XXH128_hash_t hash = XXH3_128bits_digest((const XXH3_state_t *)(const void *)hasher->state);
    snprintf(out, BC_HASH_HEX, "%016llx%016llx", (unsigned long long)hash.high64, (unsigned long long)hash.low64);
}

void bc_hash(char out[BC_HASH_HEX], const bc_hash_part *parts, size_t count)
{
    bc_hasher hasher;
    bc_hasher_init(&hasher);
    for (size_t i = 0; i < count; i++) bc_hasher_update(&hasher, parts[i].bytes, parts[i].length);
    bc_hasher_digest(&hasher, out);
}

bertc_status bc_hash_large(char out[BC_HASH_HEX], const void *bytes, size_t length, bertc_error *err)
{
    size_t count = length / PIECE + (length % PIECE != 0);
    XXH128_hash_t *hashes = bc_alloc(count, sizeof *hashes);
    if (!hashes) return bc_fail_memory(err);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < count; i++) {
        size_t left = length - i * PIECE;
        hashes[i] = XXH3_128bits((const char *)bytes + i * PIECE, left < PIECE ? left : PIECE);
    }
    const bc_hash_part all = {hashes, count * sizeof *hashes};
    bc_hash(out, &all, 1);
    bc_free(hashes);
    return BERTC_OK;
}

uint64_t bc_hash64(const void *bytes, size_t length)
{
    return XXH3_64bits(bytes, length);
}

bertc_status bc_hash_file(char out[BC_HASH_HEX], size_t *length, const char *path, bertc_error *err)
{
    enum { BLOCK = 1 << 20 };
    bc_input input;
    bc_hasher hasher;
    bertc_status status = bc_input_open(path, &input, err);
    if (status != BERTC_OK) return status;
    char *piece = bc_alloc(BLOCK, 1);
    if (!piece) status = bc_fail_memory(err);
    bc_hasher_init(&hasher);
    for (size_t at = 0, n; status == BERTC_OK && at < input.size; at += n) {
        n = input.size - at < BLOCK ? input.size - at : BLOCK;
        status = bc_input_read(&input, piece, n, at, err);
        if (status == BERTC_OK) bc_hasher_update(&hasher, piece, n);
    }
    bc_hasher_digest(&hasher, out);
    *length = input.size;
    bc_free(piece);
    bc_input_close(&input);
    return status;
}
