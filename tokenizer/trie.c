/* The double array is built in two steps: First a linked trie of the words is made. Then the children of each node are
 * placed, parents first, at the lowest base at which all their places are free. */
#include "tokenizer/trie.h"

#include <stdbool.h>

#include "base/error.h"
#include "base/memory.h"

enum { BYTES = 256 };

typedef struct link {
    int32_t child, sibling; /* -1 at the end */
    int32_t id;
    int32_t place; /* in the double array; -1: not placed yet */
    unsigned char byte;
} link;

typedef struct builder {
    link *links;
    int32_t count;
    bc_trie *trie;
    size_t capacity;
    size_t low; /* nearly all places below `low` are taken */
} builder;

static int32_t add_link(builder *b, int32_t parent, unsigned char byte)
{
    int32_t *at = &b->links[parent].child;
    while (*at >= 0 && b->links[*at].byte != byte) at = &b->links[*at].sibling;
    if (*at >= 0) return *at;
    *at = b->count;
    b->links[b->count] = (link){.child = -1, .sibling = -1, .id = -1, .place = -1, .byte = byte};
    return b->count++;
}

/* Link the words. There are at most one link per byte of the vocabulary, and one for the root. */
static bertc_status link_words(builder *b, const bertc_vocab *vocab, bertc_error *err)
{
    size_t bytes;
    bertc_vocab_text(vocab, &bytes);
    b->links = bc_alloc(bytes + 1, sizeof *b->links);
    if (!b->links) return bc_fail_memory(err);
    b->links[0] = (link){.child = -1, .sibling = -1, .id = -1};
    b->count = 1;
    for (int32_t id = 0; id < bertc_vocab_size(vocab); id++) {
        size_t length;
        const char *word = bertc_vocab_word(vocab, id, &length);
        int32_t node = 0;
        for (size_t i = 0; i < length; i++) node = add_link(b, node, (unsigned char)word[i]);
        if (length > 0) b->links[node].id = id;
    }
    return BERTC_OK;
}

/* Create the places up to `last` + 256. */
static bool reach(builder *b, size_t last)
{
    size_t need = last + BYTES + 1;
    if (need > INT32_MAX) return false;
    if (need > b->capacity) {
        size_t capacity = need + need / 2;
        bc_trie_node *nodes = bc_realloc(b->trie->nodes, capacity, sizeof *nodes);
        if (!nodes) return false;
        b->trie->nodes = nodes;
        b->capacity = capacity;
    }
    for (; b->trie->count < need; b->trie->count++)
        b->trie->nodes[b->trie->count] = (bc_trie_node){.base = 0, .check = -1, .id = -1};
    return true;
}

static bool fits(const builder *b, int32_t child, size_t base)
{
    for (; child >= 0; child = b->links[child].sibling)
        if (b->trie->nodes[base + b->links[child].byte].check >= 0) return false;
    return true;
}

/* Find the lowest base from b->low on for a node's children, of which `child` is the first; 0 if out of memory. Bases
 * start at 1, so no child takes the root's place 0. After a long search `low` moves up. */
static size_t find_base(builder *b, int32_t child)
{
    size_t tried = 0, base = b->low;
    for (;; base++, tried++) {
        if (!reach(b, base + BYTES)) return 0;
        if (fits(b, child, base)) break;
    }
    if (tried > 64) b->low = base - 32;
    return base;
}

static bool place_children(builder *b, int32_t parent)
{
    int32_t child = b->links[parent].child, place = b->links[parent].place;
    b->trie->nodes[place].id = b->links[parent].id;
    if (child < 0) return true;
    size_t base = find_base(b, child);
    if (base == 0) return false;
    b->trie->nodes[place].base = (int32_t)base;
    for (; child >= 0; child = b->links[child].sibling) {
        b->links[child].place = (int32_t)(base + b->links[child].byte);
        b->trie->nodes[b->links[child].place].check = place;
    }
    return true;
}

bertc_status bc_trie_build(bc_trie *trie, const bertc_vocab *vocab, bertc_error *err)
{
    *trie = (bc_trie){0};
    builder b = {.trie = trie, .low = 1};
    bertc_status status = link_words(&b, vocab, err);
    /* Links are made parents first, so a parent always has its place before its children. */
    bool placed = !status && reach(&b, 0);
    if (placed) b.links[0].place = 0;
    for (int32_t i = 0; placed && i < b.count; i++) placed = place_children(&b, i);
    bc_free(b.links);
    if (!status && !placed) status = bc_fail_memory(err);
    if (status) bc_trie_free(trie);
    return status;
}

void bc_trie_free(bc_trie *trie)
{
    bc_free(trie->nodes);
    *trie = (bc_trie){0};
}

int32_t bc_trie_walk(const bc_trie *trie, int32_t node, const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length && node >= 0; i++) node = bc_trie_step(trie, node, bytes[i]);
    return node;
}
