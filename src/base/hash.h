/* XXH3 hashes of 128 bits, which identify data, weights and files. They are not cryptographic: a forger can make two
 * files with the same hash. */
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

/* Hash the concatenation of `count` parts. The result is a string of hexadecimal digits. */
void bc_hash(char out[BC_HASH_HEX], const bc_hash_part *parts, size_t count);

/* Hash a large block: hash its pieces of 4 MB in parallel, then hash the list of these hashes. Errors: BERTC_NOMEM. */
bertc_status bc_hash_large(char out[BC_HASH_HEX], const void *bytes, size_t length, bertc_error *err);

/* Hash a file and return its length. The file is read by pieces of 1 MB. Errors: the errors of bc_input_read. */
bertc_status bc_hash_file(char out[BC_HASH_HEX], size_t *length, const char *path, bertc_error *err);

/* Hash one block to 64 bits. */
uint64_t bc_hash64(const void *bytes, size_t length);

/* An incremental hash. Its digest equals bc_hash of all bytes so far and may be taken at any time. */
typedef struct bc_hasher {
    _Alignas(64) unsigned char state[576];
} bc_hasher;

void bc_hasher_init(bc_hasher *hasher);
bc_hasher *bc_hasher_new(void); /* initialised, released by bc_free; null if memory runs out */
void bc_hasher_update(void *hasher, const void *bytes, size_t length); /* void *, so that it fits a reader's callback */
void bc_hasher_digest(const bc_hasher *hasher, char out[BC_HASH_HEX]);

#endif
