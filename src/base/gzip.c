#include "base/gzip.h"

#define ZLIB_CONST
#include <zlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"

enum { PIECE = 1 << 16, GZIP_ONLY = 16 + MAX_WBITS };

struct bc_gzip {
    const bc_input *input;
    z_stream stream;
    size_t at;  /* offset in the file of the next piece */
    bool ended; /* the last member ended, at the end of the file */
    Bytef piece[PIECE];
};

static voidpf allocate(voidpf unused, uInt count, uInt size)
{
    (void)unused;
    return bc_alloc(count, size);
}

static void release(voidpf unused, voidpf memory)
{
    (void)unused;
    bc_free(memory);
}

bertc_status bc_gzip_find(const bc_input *input, bool *found, bertc_error *err)
{
    unsigned char head[2] = {0};
    *found = false;
    if (input->size < sizeof head) return BERTC_OK;
    bertc_status status = bc_input_read(input, head, sizeof head, 0, err);
    *found = status == BERTC_OK && head[0] == 0x1f && head[1] == 0x8b;
    return status;
}

bertc_status bc_gzip_open(const bc_input *input, bc_gzip **gzip, bertc_error *err)
{
    *gzip = NULL;
    bc_gzip *g = bc_calloc(1, sizeof *g);
    if (!g) return bc_fail_memory(err);
    g->input = input;
    g->stream = (z_stream){.zalloc = allocate, .zfree = release};
    if (inflateInit2(&g->stream, GZIP_ONLY) != Z_OK) {
        bc_free(g);
        return bc_fail_memory(err);
    }
    *gzip = g;
    return BERTC_OK;
}

static bertc_status fail(const bc_gzip *g, const char *reason, bertc_error *err)
{
    return bc_fail(err, BERTC_INPUT, "%s: byte %zu: %s", g->input->path, g->at - g->stream.avail_in, reason);
}

/* Read the next piece of the file. */
static bertc_status fill(bc_gzip *g, bertc_error *err)
{
    size_t n = bc_min(PIECE, g->input->size - g->at);
    if (n == 0) return fail(g, "the gzip data are cut off", err);
    bertc_status status = bc_input_read(g->input, g->piece, n, g->at, err);
    if (status != BERTC_OK) return status;
    g->at += n;
    g->stream.next_in = g->piece;
    g->stream.avail_in = (uInt)n;
    return BERTC_OK;
}

/* Begin the next member after the end of a member, if the file has another. */
static bertc_status next_member(bc_gzip *g, bertc_error *err)
{
    if (g->stream.avail_in == 0 && g->at == g->input->size) {
        g->ended = true;
        return BERTC_OK;
    }
    return inflateReset(&g->stream) == Z_OK ? BERTC_OK : fail(g, "the gzip data are damaged", err);
}

bertc_status bc_gzip_read(bc_gzip *g, char *to, size_t length, size_t *got, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    *got = 0;
    while (status == BERTC_OK && *got < length && !g->ended) {
        if (g->stream.avail_in == 0) status = fill(g, err);
        if (status != BERTC_OK) return status;
        uInt n = (uInt)bc_min(length - *got, 1u << 30);
        g->stream.next_out = (Bytef *)to + *got;
        g->stream.avail_out = n;
        int code = inflate(&g->stream, Z_NO_FLUSH);
        *got += n - g->stream.avail_out;
        if (code == Z_STREAM_END) status = next_member(g, err);
        else if (code == Z_MEM_ERROR) status = bc_fail_memory(err);
        else if (code != Z_OK && code != Z_BUF_ERROR) status = fail(g, "the gzip data are damaged", err);
    }
    return status;
}

bool bc_gzip_ended(const bc_gzip *gzip)
{
    return gzip->ended;
}

void bc_gzip_close(bc_gzip *gzip)
{
    if (!gzip) return;
    inflateEnd(&gzip->stream);
    bc_free(gzip);
}
