/* Longest match of what follows a word's first piece, in one pass over its bytes.
 *
 * A greedy matcher that has walked to node v and cannot go on takes the longest word on its way, goes back
 * behind it and walks the same bytes again. What it would do until it stands at v's last byte once more is
 * known beforehand for each v:
 *
 *   pops  the pieces that it takes
 *   fail  the node where it then stands, at the same byte of the text
 *
 * So no byte is walked twice: each one moves forward once, and each piece is taken once.
 *
 * 1. Nodes are those of the trie below the continuation prefix, whose own node is the start. A node of a
 *    word takes that word and fails to the start.
 * 2. fail is -1 where the bytes of v cannot be cut into pieces: then neither can the word.
 * 3. Pieces stand in one array, each linked to the one before it: along a path, pieces are only added, so a
 *    node shares those of its parent. There are at most two a byte of the vocabulary: what is taken from a
 *    failing node shortens it by as many bytes at least.
 * 4. A word's first piece is not matched here: its bytes may spell the prefix itself.
 *
 * Source: Song et al. 2021, Fast WordPiece Tokenization, section 3 */
#ifndef BC_TOKENIZER_MATCHER_H
#define BC_TOKENIZER_MATCHER_H

#include <stdbool.h>

#include "bertc/tokenizer.h"
#include "tokenizer/trie.h"

typedef struct bc_piece {
    int32_t id;
    int32_t before; /* the piece before it, -1: none */
    uint32_t end;   /* its end, in bytes from where the node's bytes begin */
    uint32_t rank;  /* how many stand before it */
} bc_piece;

/* What is done where a node has no way on. */
typedef struct bc_exit {
    int32_t fail;
    int32_t pops; /* the last piece, -1: none */
} bc_exit;

typedef struct bc_matcher {
    int32_t start;  /* the node of the continuation prefix, -1: no word continues */
    bc_exit *exits; /* by node of the trie */
    bc_piece *pieces;
    size_t count;     /* of pieces */
} bc_matcher;

/* For words that continue below `start`, a node of `trie`. Errors: BERTC_NOMEM. */
bertc_status bc_matcher_build(bc_matcher *matcher, const bc_trie *trie, int32_t start, bertc_error *err);
void bc_matcher_free(bc_matcher *matcher);

/* Append the pieces of bytes[begin,end), mapped byte by byte, to `out`, which has room for as many. False
 * where they are none; `out` may then hold some. */
bool bc_matcher_run(const bc_matcher *matcher, const bc_trie *trie, const unsigned char *bytes,
                    size_t begin, size_t end, const unsigned char map[256], bertc_encoding *out);

#endif
