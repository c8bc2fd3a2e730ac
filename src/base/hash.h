/* XXH3, 128 bits: what data, weights and files are told apart by. Not a defence against someone who
 * wants two of them to look alike. */
#ifndef BC_BASE_HASH_H
#define BC_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "bertc/status.h"

enum { BC_HASH_HEX = 33 };

typedef struct bc_hash_part {
    const void *bytes;
    size_t length;
} bc_hash_part;

/* The hash of parts laid end to end, as hexadecimal digits. */
void bc_hash(char out[BC_HASH_HEX], const bc_hash_part *parts, size_t count);

/* The hash of a large block: that of the hashes of its pieces of 4 MB, which are computed side by
 * side. Errors: BERTC_NOMEM. */
bertc_status bc_hash_large(char out[BC_HASH_HEX], const void *bytes, size_t length, bertc_error *err);

/* The hash of a file and its length, without more than a piece of it in memory. */
bertc_status bc_hash_file(char out[BC_HASH_HEX], size_t *length, const char *path, bertc_error *err);

/* 64 bits of one block. */
uint64_t bc_hash64(const void *bytes, size_t length);

/* The hash of bytes that come one after the other: bc_hash of all that was put so far, at any time. */
typedef struct bc_hasher {
    _Alignas(64) unsigned char state[576];
} bc_hasher;

void bc_hasher_init(bc_hasher *hasher);
bc_hasher *bc_hasher_new(void); /* one that has begun, released by bc_free; null where memory is out */
void bc_hasher_update(void *hasher, const void *bytes, size_t length); /* fits a reader that hands on pieces */
void bc_hasher_digest(const bc_hasher *hasher, char out[BC_HASH_HEX]);

#endif
