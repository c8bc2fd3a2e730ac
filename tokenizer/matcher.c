/* The nodes are built in the order of their depth: the pieces of a node follow from the pieces of its parent and of
 * shallower nodes. */
#include "tokenizer/matcher.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "tokenizer/pieces.h"

/* ---- Building ------------------------------------------------------------------------------ */

typedef struct builder {
    bc_matcher *matcher;
    const bc_trie *trie;
    int32_t *child, *sibling; /* first child and next sibling of each node; -1: none */
    int32_t *queue;           /* nodes by depth */
    uint32_t *depth;          /* depth of each node, 0 for the start */
    size_t capacity;          /* number of pieces allocated */
} builder;

/* Link the children of every node as a list. */
static void link_children(builder *b)
{
    int32_t count = (int32_t)b->trie->count;
    for (int32_t node = 0; node < count; node++) b->child[node] = b->sibling[node] = -1;
    for (int32_t node = count - 1; node > 0; node--) {
        int32_t parent = b->trie->nodes[node].check;
        if (parent < 0) continue;
        b->sibling[node] = b->child[parent];
        b->child[parent] = node;
    }
}

/* Reserve memory for `more` pieces. */
static bool reserve(builder *b, size_t more)
{
    bc_matcher *m = b->matcher;
    size_t need = m->count + more, capacity = need + need / 2 + 1024;
    if (need <= b->capacity) return true;
    bc_piece *pieces = capacity < INT32_MAX ? bc_realloc(m->pieces, capacity, sizeof *pieces) : NULL;
    if (!pieces) return false;
    m->pieces = pieces;
    b->capacity = capacity;
    return true;
}

/* Return the number of pieces up to `last`. */
static uint32_t rank_after(const bc_matcher *m, int32_t last)
{
    return last < 0 ? 0 : m->pieces[last].rank + 1;
}

/* Copy the chain of pieces whose last piece is `from`, add `base` to their ends, and link the copies after the piece
 * *last. *last becomes the last copy. */
static bool copy_pieces(builder *b, int32_t *last, int32_t from, uint32_t base)
{
    bc_matcher *m = b->matcher;
    uint32_t count = rank_after(m, from), rank = rank_after(m, *last);
    if (!reserve(b, count)) return false;
    for (uint32_t i = count; i-- > 0; from = m->pieces[from].before) {
        int32_t at = (int32_t)(m->count + i);
        m->pieces[at] = (bc_piece){.id = m->pieces[from].id, .before = i > 0 ? at - 1 : *last,
                                   .end = base + m->pieces[from].end, .rank = rank + i};
    }
    m->count += count;
    if (count > 0) *last = (int32_t)m->count - 1;
    return true;
}

/* Set `fail` and `pops` of `node`, a child of `parent`. If a word ends at the node, `fail` is the start and
 * `pops` is that word. */
static bool resolve(builder *b, int32_t node, int32_t parent)
{
    bc_matcher *m = b->matcher;
    int32_t at = m->exits[parent].fail, last = m->exits[parent].pops, next = -1;
    unsigned char byte = (unsigned char)(node - b->trie->nodes[parent].base);
    b->depth[node] = b->depth[parent] + 1;
    if (b->trie->nodes[node].id >= 0) {
        if (!reserve(b, 1)) return false;
        m->pieces[m->count] = (bc_piece){b->trie->nodes[node].id, -1, b->depth[node], 0};
        m->exits[node] = (bc_exit){m->start, (int32_t)m->count++};
        return true;
    }
    while (at >= 0 && (next = bc_trie_step(b->trie, at, byte)) < 0) {
        uint32_t taken = b->depth[parent] - b->depth[at];
        bc_exit exit = m->exits[at];
        if (exit.fail >= 0 && !copy_pieces(b, &last, exit.pops, taken)) return false;
        at = exit.fail;
    }
    if (at < 0) return true;
    m->exits[node] = (bc_exit){next, last};
    return true;
}

static bool resolve_all(builder *b)
{
    size_t taken = 0, count = 0;
    b->depth[b->matcher->start] = 0;
    b->queue[count++] = b->matcher->start;
    while (taken < count) {
        int32_t parent = b->queue[taken++];
        for (int32_t node = b->child[parent]; node >= 0; node = b->sibling[node]) {
            if (!resolve(b, node, parent)) return false;
            b->queue[count++] = node;
        }
    }
    return true;
}

static bool build(builder *b)
{
    bc_matcher *m = b->matcher;
    size_t count = b->trie->count;
    m->exits = bc_alloc(count, sizeof *m->exits);
    b->child = bc_alloc(count, sizeof *b->child);
    b->sibling = bc_alloc(count, sizeof *b->sibling);
    b->queue = bc_alloc(count, sizeof *b->queue);
    b->depth = bc_alloc(count, sizeof *b->depth);
    if (!m->exits || !b->child || !b->sibling || !b->queue || !b->depth) return false;
    for (size_t node = 0; node < count; node++) m->exits[node] = (bc_exit){-1, -1};
    link_children(b);
    return resolve_all(b);
}

bertc_status bc_matcher_build(bc_matcher *matcher, const bc_trie *trie, int32_t start, bertc_error *err)
{
    *matcher = (bc_matcher){.start = start};
    if (start < 0) return BERTC_OK;
    builder b = {.matcher = matcher, .trie = trie};
    bool built = build(&b);
    bc_free(b.child);
    bc_free(b.sibling);
    bc_free(b.queue);
    bc_free(b.depth);
    if (built) return BERTC_OK;
    bc_matcher_free(matcher);
    return bc_fail_memory(err);
}

void bc_matcher_free(bc_matcher *matcher)
{
    bc_free(matcher->exits);
    bc_free(matcher->pieces);
    *matcher = (bc_matcher){.start = -1};
}

/* ---- Matching ------------------------------------------------------------------------------ */

/* Append the pieces of a node whose bytes begin at `begin`; return the end of the last piece. */
static inline size_t put_pieces(const bc_piece *pieces, int32_t last, size_t begin, bertc_encoding *out)
{
    if (last < 0) return begin;
    const bc_piece *p = &pieces[last];
    size_t first = out->count, end = begin + p->end;
    for (; p->before >= 0; p = &pieces[p->before]) {
        out->count = first + p->rank;
        bc_encoding_put(out, p->id, begin + pieces[p->before].end, begin + p->end);
    }
    out->count = first;
    bc_encoding_put(out, p->id, begin, begin + p->end);
    out->count += pieces[last].rank;
    return end;
}

bool bc_matcher_run(const bc_matcher *m, const bc_trie *trie, const unsigned char *bytes,
                    size_t begin, size_t end, const unsigned char map[256], bertc_encoding *out)
{
    int32_t node = m->start, next;
    size_t from = begin; /* the first byte of the node */
    if (node < 0) return false;
    for (size_t i = begin; i < end || node != m->start;) {
        if (i < end && (next = bc_trie_step(trie, node, map[bytes[i]])) >= 0) {
            node = next;
            i++;
            continue;
        }
        if (trie->nodes[node].id >= 0 && node != m->start) { /* append the node's only piece without put_pieces */
            bc_encoding_put(out, trie->nodes[node].id, from, i);
            from = i;
            node = m->start;
            continue;
        }
        bc_exit exit = m->exits[node];
        if (exit.fail < 0) return false;
        from = put_pieces(m->pieces, exit.pops, from, out);
        node = exit.fail;
    }
    return true;
}
