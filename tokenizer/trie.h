/* A double-array trie over the bytes of the vocabulary.
 *
 * A step from `node` by byte b goes to t = base[node] + b and succeeds if check[t] == node: one addition and one cache
 * line per byte. */
#ifndef BC_TOKENIZER_TRIE_H
#define BC_TOKENIZER_TRIE_H

#include <stddef.h>
#include <stdint.h>

#include "bertc/vocab.h"

typedef struct bc_trie_node {
    int32_t base;  /* the place of the child for byte 0; 0: no children */
    int32_t check; /* the parent; -1: the place is free */
    int32_t id;    /* id of the word that ends here; -1: no word */
} bc_trie_node;

typedef struct bc_trie {
    bc_trie_node *nodes; /* node 0 is the root; 256 places beyond the last base exist */
    size_t count;
} bc_trie;

bertc_status bc_trie_build(bc_trie *trie, const bertc_vocab *vocab, bertc_error *err);
void bc_trie_free(bc_trie *trie);

static inline int32_t bc_trie_step(const bc_trie *trie, int32_t node, unsigned char byte)
{
    int32_t next = trie->nodes[node].base + byte;
    return trie->nodes[next].check == node ? next : -1;
}

/* Walk a string from `node`. Returns the node at its end, or -1. */
int32_t bc_trie_walk(const bc_trie *trie, int32_t node, const unsigned char *bytes, size_t length);

#endif
