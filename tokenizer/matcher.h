/* Longest match of the bytes after a word's first piece. Each byte is read once.
 *
 * A greedy matcher that is at node v of the trie and cannot go on takes the longest word on its way, goes back to the
 * end of that word and walks the same bytes again. For each node v two things are computed in advance:
 *
 *   pops  the pieces that the matcher would take until it has walked v's last byte again
 *   fail  the node that the matcher then reaches, at the same byte of the text
 *
 * So no byte is walked twice, and each piece is taken once.
 *
 * 1. The nodes are the nodes of the trie below the continuation prefix. The node of the prefix is the start. At a node
 *    where a word ends, `pops` is that word and `fail` is the start.
 * 2. fail is -1 if the bytes of v cannot be split into pieces: then no word that contains these bytes can be split.
 * 3. All pieces are in one array, each linked to the piece before it. Along a path pieces are only added, so a node
 *    shares the pieces of its parent. There are at most two pieces per byte of the vocabulary: each byte of a word adds
 *    at most one piece because a word ends there, and makes the node `fail` at most one byte deeper. Every other new
 *    piece makes `fail` at least one byte less deep.
 * 4. A word's first piece is not matched here, since its bytes may spell the prefix itself.
 *
 * Source: Song et al. 2021, Fast WordPiece Tokenization, section 3 */
#ifndef BC_TOKENIZER_MATCHER_H
#define BC_TOKENIZER_MATCHER_H

#include <stdbool.h>

#include "bertc/tokenizer.h"
#include "tokenizer/trie.h"

typedef struct bc_piece {
    int32_t id;
    int32_t before; /* index of the previous piece; -1: this is the first */
    uint32_t end;   /* end of the piece, in bytes from the first byte of the node */
    uint32_t rank;  /* number of previous pieces */
} bc_piece;

/* What the matcher does at a node that has no child for the next byte. */
typedef struct bc_exit {
    int32_t fail;
    int32_t pops; /* index of the last piece to take; -1: no piece */
} bc_exit;

typedef struct bc_matcher {
    int32_t start;  /* the node of the continuation prefix; -1: no word continues */
    bc_exit *exits; /* one for each node of the trie */
    bc_piece *pieces; /* (count) */
    size_t count;
} bc_matcher;

/* Build the matcher for pieces that begin at `start`, a node of `trie`, or -1. Errors: BERTC_NOMEM. */
bertc_status bc_matcher_build(bc_matcher *matcher, const bc_trie *trie, int32_t start, bertc_error *err);
void bc_matcher_free(bc_matcher *matcher);

/* Append the pieces of bytes[begin,end), each byte mapped by `map`, to `out`, which must have space for end - begin
 * pieces. Returns false if the bytes cannot be split into pieces; `out` may then hold some pieces. */
bool bc_matcher_run(const bc_matcher *matcher, const bc_trie *trie, const unsigned char *bytes,
                    size_t begin, size_t end, const unsigned char map[256], bertc_encoding *out);

#endif
