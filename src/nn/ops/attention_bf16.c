/* Attention on bf16 operands (attention.h), with all products by nn/gemm/tiles.h.
 *
 *   S = Q K^T    P = softmax(S / sqrt D) * dropout    O = P V
 *   G = dO V^T   dS = gradient of the softmax         dQ = dS K    dV^T = dO^T P    dK^T = Q^T dS
 *
 * 1. Q, K, V and dO are rounded to bf16; P and dS are rounded after they are computed. S, G, the softmax, dropout and
 *    all sums are in f32.
 * 2. Query rows are processed in strips of STRIP rows, so that scores stay in the cache and scratch grows with the
 *    length and not with its square. dV^T and dK^T are summed over the strips in order.
 * 3. The gradients of keys and values are computed transposed. Their large operands, P and dS, are then needed in pairs
 *    of rows, and two neighbouring rows of a strip already are such a pair.
 * 4. Rows are padded with zeros to whole tiles. Results in the padding are not read.
 * 5. A row's probabilities and context do not depend on other query rows. */
#include "nn/ops/attention_parts.h"

#include <omp.h>
#include <string.h>

#include "base/memory.h"
#include "nn/gemm/simd.h"

enum { STRIP = 64, LANE = BC_LANE };
typedef uint32_t __attribute__((may_alias)) word; /* two bf16 numbers */

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* The distance between rows of `words` words, in words: an odd multiple of LANE. Rows at a distance that is a power of
 * two would share few lines of a cache. */
static size_t spread(size_t words)
{
    return round_up(words, LANE) | LANE;
}

/* One head of one sequence in a thread's scratch. n16 is n rounded up to a multiple of 16, and so on. A and B are the
 * layouts of nn/gemm/tiles.h. */
typedef struct head {
    bc_attention_head at;
    const bc_tiles *tiles;
    size_t n16, n32, d16, d32, m32;
    size_t wide;       /* words between rows of n columns */
    size_t deep;       /* words between rows of n columns in layout A */
    size_t tall;       /* words between rows of m columns in layout A */
    uint16_t *q, *o;   /* A (m,d) queries; gradient of the context */
    uint16_t *kt, *vt; /* B (d,n) K^T, V^T */
    uint16_t *b;       /* B (n,d) V in forward, K in backward */
    uint16_t *qt, *ot; /* A (d,m) Q^T, dO^T */
    uint16_t *rows;    /* staging buffer for rows that are transposed */
    float *s, *g;      /* (STRIP,n) scores, then exponentials; gradient of the probabilities */
    float *factor;     /* (STRIP,n) dropout factors */
    uint16_t *a;       /* A (STRIP,n) P in forward, dS in backward */
    uint16_t *p2, *s2; /* B (STRIP,n) P and dS in pairs of rows */
    float *dvt, *dkt;  /* (d,n) gradients of V and K, transposed */
    float *out;        /* (n,d) or (STRIP,d) staging buffer for results */
} head;

static uint16_t *take_words(bc_arena *arena, size_t rows, size_t words)
{
    return bc_arena_take(arena, rows, words * sizeof(word));
}

static float *take_floats(bc_arena *arena, size_t rows, size_t columns)
{
    return bc_arena_take(arena, rows, columns * sizeof(float));
}

static head lay_out(bc_arena *arena, bc_attention_head at, const bc_tiles *tiles)
{
    head x = {.at = at, .tiles = tiles};
    x.n16 = round_up(at.n, BC_TILE);
    x.n32 = round_up(at.n, BC_TILE_DEPTH);
    x.d16 = round_up(at.d, BC_TILE);
    x.d32 = round_up(at.d, BC_TILE_DEPTH);
    x.m32 = round_up(at.m, BC_TILE_DEPTH);
    x.wide = spread(x.n16);
    x.deep = spread(x.n32 / 2);
    x.tall = spread(x.m32 / 2);
    x.q = take_words(arena, x.m32, x.d32 / 2);
    x.o = take_words(arena, x.m32, x.d32 / 2);
    x.kt = take_words(arena, x.d32 / 2, x.wide);
    x.vt = take_words(arena, x.d32 / 2, x.wide);
    x.b = take_words(arena, x.n32 / 2, x.d16);
    x.qt = take_words(arena, x.d16, x.tall);
    x.ot = take_words(arena, x.d16, x.tall);
    x.rows = take_words(arena, x.n32, x.d32 / 2);
    x.s = take_floats(arena, STRIP, x.wide);
    x.g = take_floats(arena, STRIP, x.wide);
    x.factor = take_floats(arena, STRIP, x.wide);
    x.a = take_words(arena, STRIP, x.deep);
    x.p2 = take_words(arena, STRIP / 2, x.wide);
    x.s2 = take_words(arena, STRIP / 2, x.wide);
    x.dvt = take_floats(arena, x.d16, x.wide);
    x.dkt = take_floats(arena, x.d16, x.wide);
    x.out = take_floats(arena, x.n16 > STRIP ? x.n16 : STRIP, x.d16);
    return x;
}

size_t bc_attention_bf16_scratch(size_t longest, size_t width)
{
    enum { LARGEST = 1 << 30 };
    bc_arena arena;
    bc_arena_init(&arena, NULL, 0);
    if (longest > LARGEST || width > LARGEST) return SIZE_MAX;
    lay_out(&arena, (bc_attention_head){.n = longest, .m = longest, .d = width}, NULL);
    return arena.used == SIZE_MAX ? SIZE_MAX : arena.used / sizeof(float);
}

/* ---- rounding ------------------------------------------------------------------------------ */

/* Prefetch row i of `count` rows of d floats; do nothing if i >= count. Rows of a head lie about a page apart, so the
 * processor does not prefetch them by itself. */
enum { AHEAD = 8, LINE = 16 };
BC_INLINE void fetch(const float *from, size_t stride, size_t i, size_t count, size_t d)
{
    for (size_t j = 0; i < count && j < d; j += LINE) __builtin_prefetch(from + i * stride + j);
}

BC_INLINE void fetch_to_write(float *to, size_t stride, size_t i, size_t count, size_t d)
{
    for (size_t j = 0; i < count && j < d; j += LINE) __builtin_prefetch(to + i * stride + j, 1);
}

/* Round `count` rows of d floats, `stride` floats apart, to bf16. Writes to[] (rows,d32), with zeros in the padding. */
BC_CLONES static void round_rows(uint16_t *restrict to, const float *restrict from, size_t stride,
                                 size_t count, size_t rows, size_t d, size_t d32)
{
    for (size_t i = 0; i < count; i++) {
        fetch(from, stride, i + AHEAD, count, d);
        for (size_t j = 0; j < d; j++) to[i * d32 + j] = bc_to_bf16(from[i * stride + j]);
        memset(to + i * d32 + d, 0, (d32 - d) * sizeof *to);
    }
    memset(to + count * d32, 0, (rows - count) * d32 * sizeof *to);
}

static word join(float low, float high)
{
    return bc_to_bf16(low) | (word)bc_to_bf16(high) << 16;
}

/* Round rows as round_rows does, but in pairs of rows. Writes to[] (rows/2,d16), in words. */
BC_CLONES static void round_pairs(word *restrict to, const float *restrict from, size_t stride,
                                  size_t count, size_t rows, size_t d, size_t d16)
{
    memset(to, 0, rows / 2 * d16 * sizeof *to);
    for (size_t i = 0; i + 1 < count; i += 2) {
        fetch(from, stride, i + AHEAD, count, d);
        fetch(from, stride, i + AHEAD + 1, count, d);
        for (size_t j = 0; j < d; j++) to[i / 2 * d16 + j] = join(from[i * stride + j], from[(i + 1) * stride + j]);
    }
    if (count % 2)
        for (size_t j = 0; j < d; j++) to[count / 2 * d16 + j] = bc_to_bf16(from[(count - 1) * stride + j]);
}

/* Round rows of queries or dO and transpose them. Writes to[] (d,m), in layout A. */
static void round_columns(const head *x, uint16_t *to, const float *from, size_t stride)
{
    round_pairs((word *)x->rows, from, stride, x->at.m, x->m32, x->at.d, x->d16);
    x->tiles->transpose(to, x->tall, x->rows, x->d16, x->m32 / 2, x->d16);
}

/* Round rows of keys or values and transpose them. Writes to[] (d,n), in layout B. */
static void round_transposed(const head *x, uint16_t *to, const float *from, size_t stride)
{
    round_rows(x->rows, from, stride, x->at.n, x->n16, x->at.d, x->d32);
    x->tiles->transpose(to, x->wide, x->rows, x->d32 / 2, x->n16, x->d32 / 2);
}

/* ---- rows of probabilities ----------------------------------------------------------------- */

/* Replace scores by exponentials, zero from n to n16. Returns 1 / sum. */
BC_CLONES static float exponentials(float *s, size_t n, size_t n16, float scale)
{
    return 1.0f / bc_exponentials(s, n, n16, scale);
}

/* p = probabilities after dropout in bf16, zero from n16 to n32. */
BC_CLONES static void round_dropped(uint16_t *restrict p, const float *restrict e, const float *restrict factor,
                                    float inverse, size_t n16, size_t n32)
{
    for (size_t j = 0; j < n16; j++) p[j] = bc_to_bf16(e[j] * inverse * factor[j]);
    memset(p + n16, 0, (n32 - n16) * sizeof *p);
}

/* A row of a strip in backward. */
typedef struct row {
    const float *e;              /* exponentials */
    const float *g;              /* gradient of the probabilities after dropout */
    const float *factor;         /* dropout factors */
    float inverse;               /* probability = e * inverse */
    float dot;                   /* sum of g * factor * probability */
} row;

BC_CLONES static float dot_of(const float *restrict e, const float *restrict g,
                              const float *restrict factor, size_t n16)
{
    float sum[LANE] = {0};
    for (size_t j = 0; j < n16; j += LANE)
        for (size_t l = 0; l < LANE; l++) sum[l] += g[j + l] * factor[j + l] * e[j + l];
    return bc_lane_sum(sum);
}

/* Finish two rows, a and b. p2 receives their probabilities after dropout, as pairs. s2 receives the gradients of their
 * scores before scaling, as pairs; low receives the gradients of a, and high the gradients of b. */
BC_CLONES static void finish_pair(word *restrict p2, word *restrict s2, uint16_t *restrict low, uint16_t *restrict high,
                                  const row *a, const row *b, size_t n16, float scale)
{
    const float *restrict ea = a->e, *restrict ga = a->g, *restrict fa = a->factor;
    const float *restrict eb = b->e, *restrict gb = b->g, *restrict fb = b->factor;
    const float ia = a->inverse, ib = b->inverse, da = a->dot, db = b->dot;
    for (size_t j = 0; j < n16; j++) {
        float pa = ea[j] * ia, pb = eb[j] * ib;
        uint16_t sa = bc_to_bf16(pa * (ga[j] * fa[j] - da) * scale);
        uint16_t sb = bc_to_bf16(pb * (gb[j] * fb[j] - db) * scale);
        p2[j] = join(pa * fa[j], pb * fb[j]);
        s2[j] = sa | (word)sb << 16;
        low[j] = sa;
        high[j] = sb;
    }
}

/* Compute the dropout factors of a strip's rows, which begin at row i, with zeros after column n. Without dropout the
 * factors of the first strip, which has the maximum number of rows, hold for all strips. */
static void compute_factors(const head *x, const bc_dropout *dropout, size_t i, size_t rows)
{
    size_t width = bc_dropout_width(x->at.n);
    if (dropout->threshold == 0 && i > 0) return;
    for (size_t r = 0; r < rows; r += BC_RNG_LANES) {
        size_t some = rows - r < BC_RNG_LANES ? rows - r : BC_RNG_LANES;
        bc_dropout_rows(dropout, x->at.example, (uint32_t)(i + r), some, (uint32_t)x->at.head,
                        x->factor + r * x->wide, x->at.n, x->wide);
    }
    for (size_t r = 0; r < rows && width < x->n16; r++)
        memset(x->factor + r * x->wide + width, 0, (x->n16 - width) * sizeof *x->factor);
}

/* ---- a head -------------------------------------------------------------------------------- */

/* c (rows,n) = rows i .. i+rows-1 of A (m,d) times B (d,n). */
static void times_wide(const head *x, float *c, const uint16_t *a, const uint16_t *b, size_t i, size_t rows)
{
    x->tiles->multiply((bc_tile_product){c, a + i * x->d32, b, round_up(rows, BC_TILE), x->n16,
                                         x->d32, x->wide, x->d32 / 2, x->wide, false});
}

/* Copy the first rows of x->out, without their padding, to rows `stride` floats apart. */
static void store_out(const head *x, float *to, size_t stride, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        fetch_to_write(to, stride, i + AHEAD, rows, x->at.d);
        memcpy(to + i * stride, x->out + i * x->d16, x->at.d * sizeof *to);
    }
}

/* Compute to[] (rows,d) = x->a times x->b. */
static void times_keys(const head *x, float *to, size_t stride, size_t rows)
{
    x->tiles->multiply((bc_tile_product){x->out, x->a, x->b, round_up(rows, BC_TILE), x->d16,
                                         x->n32, x->d16, x->deep, x->d16, false});
    store_out(x, to, stride, rows);
}

/* c (d,n) (+)= columns i .. i+rows-1 of A (d,m) times a strip in pairs of rows. The first strip overwrites c. */
static void add_transposed(const head *x, float *c, const uint16_t *a, const uint16_t *pairs, size_t i, size_t rows)
{
    x->tiles->multiply((bc_tile_product){c, a + i, pairs, x->d16, x->n16, round_up(rows, BC_TILE_DEPTH), x->wide,
                                         x->tall, x->wide, i > 0});
}

/* Transpose (d,n) and copy it to rows of d floats, `stride` floats apart. */
static void store_transposed(const head *x, float *to, size_t stride, const float *from)
{
    x->tiles->transpose(x->out, x->d16, from, x->wide, x->d16, x->n16);
    store_out(x, to, stride, x->at.n);
}

static void head_fwd(const head *x, float *context, bc_qkv in, const bc_dropout *dropout)
{
    round_rows(x->q, in.q, in.q_stride, x->at.m, x->m32, x->at.d, x->d32);
    round_transposed(x, x->kt, in.k, in.kv_stride);
    round_pairs((word *)x->b, in.v, in.kv_stride, x->at.n, x->n32, x->at.d, x->d16);
    for (size_t i = 0; i < x->at.m; i += STRIP) {
        size_t rows = x->at.m - i < STRIP ? x->at.m - i : STRIP;
        times_wide(x, x->s, x->q, x->kt, i, rows);
        compute_factors(x, dropout, i, rows);
        for (size_t r = 0; r < rows; r++) {
            float *s = x->s + r * x->wide;
            float inverse = exponentials(s, x->at.n, x->n16, x->at.scale);
            round_dropped(x->a + 2 * r * x->deep, s, x->factor + r * x->wide, inverse, x->n16, x->n32);
        }
        times_keys(x, context + i * x->at.h, x->at.h, rows);
    }
}

/* Compute P and dS of a strip from its scores and x->g: in pairs of rows, and dS also in x->a. Rows that pad the strip
 * to a whole tile are zero. */
static void strip_bwd(const head *x, size_t rows)
{
    size_t all = round_up(rows, BC_TILE_DEPTH);
    row pair[2];
    for (size_t r = 0; r < all; r++) {
        float *s = x->s + r * x->wide, *g = x->g + r * x->wide;
        row *now = &pair[r % 2];
        *now = (row){.e = s, .g = g, .factor = x->factor + (r < rows ? r : 0) * x->wide};
        if (r < rows) {
            now->inverse = exponentials(s, x->at.n, x->n16, x->at.scale);
            now->dot = dot_of(s, g, now->factor, x->n16) * now->inverse;
        } else {
            memset(s, 0, x->n16 * sizeof *s);
            memset(g, 0, x->n16 * sizeof *g);
        }
        uint16_t *a = x->a + 2 * r * x->deep;
        memset(a + x->n16, 0, (x->n32 - x->n16) * sizeof *a);
        if (r % 2)
            finish_pair((word *)x->p2 + r / 2 * x->wide, (word *)x->s2 + r / 2 * x->wide,
                        a - 2 * x->deep, a, &pair[0], &pair[1], x->n16, x->at.scale);
    }
}

static void head_bwd(const head *x, bc_qkv to, const float *dcontext, bc_qkv in, const bc_dropout *dropout)
{
    round_rows(x->q, in.q, in.q_stride, x->at.m, x->m32, x->at.d, x->d32);
    round_rows(x->o, dcontext, x->at.h, x->at.m, x->m32, x->at.d, x->d32);
    round_columns(x, x->qt, in.q, in.q_stride);
    round_columns(x, x->ot, dcontext, x->at.h);
    round_transposed(x, x->kt, in.k, in.kv_stride);
    round_transposed(x, x->vt, in.v, in.kv_stride);
    round_pairs((word *)x->b, in.k, in.kv_stride, x->at.n, x->n32, x->at.d, x->d16);
    for (size_t i = 0; i < x->at.m; i += STRIP) {
        size_t rows = x->at.m - i < STRIP ? x->at.m - i : STRIP;
        times_wide(x, x->s, x->q, x->kt, i, rows);
        times_wide(x, x->g, x->o, x->vt, i, rows);
        compute_factors(x, dropout, i, rows);
        strip_bwd(x, rows);
        times_keys(x, to.q + i * to.q_stride, to.q_stride, rows);
        add_transposed(x, x->dvt, x->ot, x->p2, i, rows);
        add_transposed(x, x->dkt, x->qt, x->s2, i, rows);
    }
    store_transposed(x, to.v, to.kv_stride, x->dvt);
    store_transposed(x, to.k, to.kv_stride, x->dkt);
}

/* ---- all heads ----------------------------------------------------------------------------- */

/* The arguments of a forward or backward pass over all heads. */
typedef struct job {
    const bc_qkv *d;       /* null: forward */
    float *context;        /* only forward */
    const float *dcontext; /* only backward */
    bc_qkv in;
    const bc_dropout *dropout;
} job;

static void run_job(job j, const bertc_batch *batch, bc_attention dims)
{
    size_t count = (size_t)batch->sequences * dims.heads, chunk = bc_heads_per_chunk(count);
#pragma omp parallel
    {
        dims.tiles->open();
#pragma omp for schedule(dynamic, chunk)
        for (size_t index = 0; index < count; index++) {
            bc_attention_head at = bc_attention_head_at(batch, &dims, j.in.first_rows, index);
            size_t begin = at.query * at.h + at.head * at.d;
            bc_arena scratch;
            bc_arena_init(&scratch, dims.scratch + (size_t)omp_get_thread_num() * dims.scratch_stride,
                          dims.scratch_stride * sizeof *dims.scratch);
            head x = lay_out(&scratch, at, dims.tiles);
            bc_qkv in = bc_qkv_of_head(j.in, at);
            if (j.d) head_bwd(&x, bc_qkv_of_head(*j.d, at), j.dcontext + begin, in, j.dropout);
            else head_fwd(&x, j.context + begin, in, j.dropout);
        }
        dims.tiles->close();
    }
}

void bc_attention_bf16_fwd(float *context, bc_qkv in, const bertc_batch *batch, const bc_dropout *dropout,
                           bc_attention dims)
{
    run_job((job){.context = context, .in = in, .dropout = dropout}, batch, dims);
}

void bc_attention_bf16_bwd(bc_qkv d, const float *dcontext, bc_qkv in, const bertc_batch *batch,
                           const bc_dropout *dropout, bc_attention dims)
{
    run_job((job){.d = &d, .dcontext = dcontext, .in = in, .dropout = dropout}, batch, dims);
}
